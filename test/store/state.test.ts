import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openDatabase } from '../../src/store/sqlite.js';
import { openStateStore } from '../../src/store/state.js';

const PLATFORM = { pluginId: 'demo', tenantId: 0 };
const TENANT = { pluginId: 'demo', tenantId: 7 };
const OTHER = { pluginId: 'other', tenantId: 0 };

function open(t: Test, path = ':memory:') {
  const store = openStateStore(path);
  t.teardown(() => store.close());
  return store;
}

t.test('a value is read back, replaced and deleted', async (t) => {
  const store = open(t);
  t.equal(store.get(PLATFORM, 'k'), undefined);
  store.set(PLATFORM, 'k', 'v');
  t.equal(store.get(PLATFORM, 'k'), 'v');
  store.set(PLATFORM, 'k', '');
  t.equal(store.get(PLATFORM, 'k'), '');
  store.delete(PLATFORM, 'k');
  store.delete(PLATFORM, 'k');
  t.equal(store.get(PLATFORM, 'k'), undefined);
});

t.test('plugins and tenants do not see each other', async (t) => {
  const store = open(t);
  store.set(PLATFORM, 'k', 'platform');
  store.set(TENANT, 'k', 'tenant');
  store.set(OTHER, 'k', 'other');
  store.deleteMany(TENANT, ['k']);
  t.equal(store.get(PLATFORM, 'k'), 'platform');
  t.equal(store.get(OTHER, 'k'), 'other');
  t.equal(store.get(TENANT, 'k'), undefined);
  t.strictSame([...store.getMany(PLATFORM, ['k'])], [['k', 'platform']]);
});

t.test('a purge takes what a plugin has stored for every tenant, and leaves what the host has', async (t) => {
  const store = open(t);
  for (const scope of [PLATFORM, TENANT, OTHER]) store.set(scope, 'k', 'v');
  store.set(TENANT, '__tenant_enabled__', 'enabled');
  store.purge('demo');
  t.equal(store.get(PLATFORM, 'k'), undefined);
  t.equal(store.get(TENANT, 'k'), undefined);
  t.equal(store.get(TENANT, '__tenant_enabled__'), 'enabled');
  t.equal(store.get(OTHER, 'k'), 'v');
});

t.test('many values are written, read and deleted at once', async (t) => {
  const store = open(t);
  const values = new Map([
    ['a"b', '1'],
    ["c'd", ''],
    ['é', '3'],
  ]);
  store.setMany(PLATFORM, values);
  t.strictSame(new Map(store.getMany(PLATFORM, ['a"b', "c'd", 'é', 'missing'])), values);
  store.deleteMany(PLATFORM, ['a"b', 'é', 'missing']);
  t.strictSame([...store.getMany(PLATFORM, ['a"b', "c'd", 'é'])], [["c'd", '']]);
});

t.test('of many values all are written or none', async (t) => {
  const path = join(t.testdir({}), 'state.db');
  const store = open(t, path);
  const other = openDatabase(path);
  t.teardown(() => other.close());
  other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON sys_plugin_state WHEN NEW.state_key = 'bad'
              BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  const values = new Map([
    ['good', '1'],
    ['bad', '2'],
  ]);
  t.throws(() => store.setMany(PLATFORM, values), /refused/);
  t.equal(store.get(PLATFORM, 'good'), undefined);
});

t.test('connections to one file see what the others have written', async (t) => {
  const path = join(t.testdir({}), 'state.db');
  const [first, second] = [open(t, path), open(t, path)];
  first.set(PLATFORM, 'k', 'v');
  t.equal(second.get(PLATFORM, 'k'), 'v');
});

t.test('a file that cannot be opened is an error with a code', async (t) => {
  t.throws(() => openStateStore(t.testdir({})), { code: 'SBX_STORE_FAILED' });
});
