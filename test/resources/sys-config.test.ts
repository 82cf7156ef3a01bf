import t, { type Test } from 'tap';
import { createSysConfig } from '../../src/resources/sys-config.js';
import { openDatabase } from '../../src/store/sqlite.js';

function stage(t: Test) {
  const database = openDatabase(':memory:');
  t.teardown(() => database.close());
  const told: string[] = [];
  const onChange = ({ by, text }: { by: string; text: string }) => void told.push(`${by}: ${text}`);
  return { sysConfig: createSysConfig({ database, now: () => 1000, onChange }), told, database };
}

const PAGE = { keyword: '', pageNum: 1, pageSize: 10 };

t.test('a parameter that was set is found, by the platform and through it by every tenant', async (t) => {
  const { sysConfig, told } = stage(t);
  t.equal(sysConfig.find('demo.flag', 0), undefined);
  sysConfig.set(0, 'demo.flag', { value: 'on', name: 'Demo flag', systemManageable: true }, 'ada');
  const item = { key: 'demo.flag', value: 'on', name: 'Demo flag', systemManageable: true, tenantId: 0 };
  t.same(sysConfig.find('demo.flag', 0), { ...item, createdAt: 1000, updatedAt: 1000 });
  t.match(sysConfig.find('demo.flag', 7), item);
  t.same(told, ['ada: parameter demo.flag of the platform: set'], 'values are not told');
});

t.test('a tenant writes a row of its own, and leaves the platform and other tenants as they are', async (t) => {
  const { sysConfig } = stage(t);
  sysConfig.set(0, 'k', { value: 'platform', name: 'K', systemManageable: true }, 'ada');
  sysConfig.set(7, 'k', { value: 'seven' }, 'plugin:demo');
  t.match(sysConfig.find('k', 7), { value: 'seven', name: 'K', systemManageable: true, tenantId: 7 });
  t.match(sysConfig.find('k', 0), { value: 'platform' });
  t.match(sysConfig.find('k', 8), { value: 'platform' });
  t.ok(sysConfig.reset(8, 'k', 'plugin:demo'));
  t.match(sysConfig.find('k', 8), { value: '', tenantId: 8 });
  t.match(sysConfig.find('k', 0), { value: 'platform' });
  t.ok(sysConfig.remove(7, 'k', 'ada'));
  t.match(sysConfig.find('k', 7), { value: 'platform' }, 'the platform shows through again');
  t.notOk(sysConfig.remove(7, 'k', 'ada'));
});

t.test('what a change does not name stays', async (t) => {
  const { sysConfig } = stage(t);
  sysConfig.set(0, 'k', { value: 'a', name: 'K', systemManageable: true }, 'ada');
  sysConfig.set(0, 'k', { value: 'b' }, 'ada');
  t.match(sysConfig.find('k', 0), { value: 'b', name: 'K', systemManageable: true });
});

t.test('a reset leaves an empty text, and refuses what is not there', async (t) => {
  const { sysConfig, told } = stage(t);
  t.notOk(sysConfig.reset(0, 'k', 'ada'));
  t.same(told, []);
  sysConfig.set(0, 'k', { value: 'a' }, 'ada');
  t.ok(sysConfig.reset(0, 'k', 'ada'));
  t.match(sysConfig.find('k', 0), { value: '' });
});

t.test('a list shows each key once, as the tenant sees it, in pages', async (t) => {
  const { sysConfig } = stage(t);
  for (const key of ['b', 'a', 'c.x']) sysConfig.set(0, key, { value: 'platform' }, 'ada');
  sysConfig.set(7, 'a', { value: 'seven' }, 'ada');
  sysConfig.set(8, 'only.eight', { value: 'eight' }, 'ada');
  const seen = sysConfig.list({ ...PAGE, tenantId: 7 });
  t.match(seen, { total: 3, list: [{ key: 'a', value: 'seven' }, { key: 'b', value: 'platform' }, { key: 'c.x' }] });
  t.match(sysConfig.list({ ...PAGE, tenantId: 7, pageNum: 2, pageSize: 2 }), { total: 3, list: [{ key: 'c.x' }] });
  t.match(sysConfig.list({ ...PAGE, tenantId: 0, keyword: 'C.' }), { total: 1 });
  t.match(sysConfig.list({ ...PAGE, tenantId: 0, keyword: '%' }), { total: 0 }, 'no wildcards');
});

t.test('a change that cannot be told to the audit log is not made', async (t) => {
  const { database } = stage(t);
  const sysConfig = createSysConfig({
    database,
    now: () => 1000,
    onChange() {
      throw new Error('disk full');
    },
  });
  t.throws(() => sysConfig.set(0, 'k', { value: 'a' }, 'ada'), { code: 'SBX_STORE_FAILED' });
  t.equal(sysConfig.find('k', 0), undefined);
});

t.test('SQL in keys and values is text', async (t) => {
  const { sysConfig } = stage(t);
  const evil = "'; DROP TABLE sys_config; --";
  sysConfig.set(0, evil, { value: evil, name: evil }, evil);
  t.match(sysConfig.find(evil, 0), { value: evil });
  t.match(sysConfig.list({ ...PAGE, tenantId: 0, keyword: "' OR 1=1 --" }), { total: 0 });
});
