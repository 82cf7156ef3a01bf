import t from 'tap';
import { apiRoutes } from '../../../src/http/routes/api.js';
import { loadParser } from '../../../src/store/dialect/parse.js';
import { openPluginDatabase } from '../../../src/store/plugin-database.js';
import { runFiles } from '../../../src/store/plugin-sql.js';
import { artifactOf } from '../../registry/house.js';
import { openControlPlane } from '../control-plane.js';
import { askBystander, fakeHost, identity } from '../fakes.js';

await loadParser();

const resource = (key: string, more: object = {}) => ({
  key,
  table: 'plugin_demo_record',
  fields: [{ name: 'recordId', column: 'id' }],
  filters: [{ param: 'owner', column: 'owner', operator: 'eq' }],
  orderBy: { column: 'id', direction: 'desc' },
  dataScope: { userColumn: 'owner' },
  ...more,
});
const RESOURCES = [
  resource('records'),
  resource('special', { permission: 'demo:special:see' }),
  resource('inner', { access: 'system' }),
  resource('lost', { table: 'plugin_demo_lost' }),
];

t.test('the rows of a plugin are read by whoever may, as far as the own scope goes (E14, C110)', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo', 'v0.1.0', { resources: RESOURCES });
  const database = openPluginDatabase(plane.dir, 'demo');
  t.teardown(() => database.close());
  const content = `CREATE TABLE plugin_demo_record (id INT PRIMARY KEY, owner INT);
    INSERT INTO plugin_demo_record SELECT n, n % 2 + 7 FROM generate_series(1, 12) n`;
  runFiles(database, { pluginId: 'demo', files: [{ key: '001-a.sql', content }] });

  const read = (path: string, as?: string) => plane.ask('GET', `/demo/resources/${path}`, undefined, as);
  const { data } = await read('records');
  t.match(data, { list: { length: 10, 0: { recordId: 12 } }, total: 12 });
  t.match((await read('records?pageSize=100&pageNum=1')).data, { list: { length: 12 } });
  t.match((await read('records?owner=8&pageSize=1')).data, { list: [{ recordId: 11 }], total: 6 });
  t.match((await read('records', 'demo:records:list')).data, { total: 6 }, 'user 7 sees rows of user 7');
  t.match((await read('special', 'demo:special:see')).data, { total: 6 });
  t.match((await read('records', '*:*:*')).data, { total: 6 });

  const cases = [
    ['records', '', 401, 61, 'SBX_TOKEN_MISSING'],
    ['records', 'demo:special:see', 403, 61, 'PERMISSION_DENIED_REQUIRED'],
    ['special', 'demo:special:list', 403, 61, 'PERMISSION_DENIED_REQUIRED'],
    ['nothing', 'demo:records:list', 403, 61, 'PERMISSION_DENIED_REQUIRED'],
    ['nothing', 'admin', 200, 65, 'SBX_RESOURCE_NOT_FOUND'],
    ['inner', 'admin', 200, 65, 'SBX_RESOURCE_NOT_FOUND'],
    ['lost', 'admin', 200, 55, 'SBX_RESOURCE_UNAVAILABLE'],
    ['records?pageSize=101', 'admin', 200, 51, 'SBX_BODY_INVALID'],
    ['records?pageNum=0', 'admin', 200, 51, 'SBX_BODY_INVALID'],
    ['records?owner=x', 'admin', 200, 51, 'SBX_BODY_INVALID'],
    [`${'r'.repeat(200)}`, 'admin', 200, 51, 'SBX_BODY_INVALID'],
  ] as const;
  for (const [path, as, status, code, errorCode] of cases) {
    t.match(await read(path, as), { status, code, data: null, errorCode }, `${path.slice(0, 40)} as ${as}`);
  }
  await plane.ask('PUT', '/demo/disable');
  t.match(await read('records'), { status: 200, code: 65, errorCode: 'SBX_PLUGIN_NOT_ENABLED' });
  t.match(await plane.ask('GET', '/nope/resources/records'), { code: 65, errorCode: 'PLUGIN_NOT_FOUND' });
  t.equal(await askBystander(plane.app), '200 pong');
});

t.test('C95 a tenant that has not enabled a plugin reads nothing of it (E14)', async (t) => {
  const asked: unknown[] = [];
  const plane = await openControlPlane(t, {
    tenantExposes({ pluginId, installMode }, tenantId) {
      asked.push([pluginId, installMode, tenantId]);
      return tenantId === 0;
    },
  });
  await plane.serve('demo', 'v0.1.0', { resources: RESOURCES });
  const database = openPluginDatabase(plane.dir, 'demo');
  t.teardown(() => database.close());
  const content = 'CREATE TABLE plugin_demo_record (id INT PRIMARY KEY, owner INT)';
  runFiles(database, { pluginId: 'demo', files: [{ key: '001-a.sql', content }] });
  t.match(await plane.ask('GET', '/demo/resources/records'), { code: 0, data: { total: 0 } });
  t.match(await plane.ask('GET', '/demo/resources/records', undefined, 'tenant'), {
    status: 200,
    code: 65,
    errorCode: 'SBX_PLUGIN_NOT_ENABLED',
  });
  t.same(asked, [
    ['demo', 'tenant_scoped', 0],
    ['demo', 'tenant_scoped', 22],
  ]);
});

t.test('tables that a plugin asks for are shown with their comments', async (t) => {
  const plane = await openControlPlane(t);
  const tables = ['plugin_demo_record', 'plugin_demo_other'];
  await plane.serve('demo', 'v0.1.0', {
    hostServices: [{ service: 'data', methods: ['list'], resources: { tables } }],
  });
  const items = async () => {
    const { data } = await plane.ask('GET', '/demo');
    return (data as { requestedHostServices: { tableItems: object[] }[] }).requestedHostServices[0]?.tableItems;
  };
  const [other, record] = [{ name: 'plugin_demo_other' }, { name: 'plugin_demo_record' }];
  t.strictSame(await items(), [other, record]);
  const database = openPluginDatabase(plane.dir, 'demo');
  t.teardown(() => database.close());
  const content = `CREATE TABLE plugin_demo_record (id INT PRIMARY KEY); COMMENT ON TABLE plugin_demo_record IS 'Records'`;
  runFiles(database, { pluginId: 'demo', files: [{ key: '001-a.sql', content }] });
  t.strictSame(await items(), [other, { ...record, comment: 'Records' }]);
});

t.test('a plugin that offers nothing has nothing to read', async (t) => {
  const { ask, upload } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  t.match(await ask('GET', '/demo/resources/records'), { code: 65, errorCode: 'SBX_PLUGIN_NOT_ENABLED' });
  t.match(await ask('GET', '/bystander/resources/records'), { code: 65, errorCode: 'SBX_RESOURCE_NOT_FOUND' });
});

t.test('a host that reads no rows says so', async (t) => {
  const { registry, serve } = await openControlPlane(t);
  await serve('demo', 'v0.1.0', { resources: RESOURCES });
  const authenticate = () => identity({ isSuperAdmin: true });
  const { app } = fakeHost({
    register: async (scope) =>
      void (await scope.register(apiRoutes({ registry, identity: { authenticate }, maxUploadBytes: 1 }))),
  });
  t.teardown(() => app.close());
  const answer = await app.inject('/api/v1/plugins/demo/resources/records');
  t.equal(answer.statusCode, 501);
  t.match(answer.json(), { code: 50, errorCode: 'SBX_NOT_AVAILABLE' });
});
