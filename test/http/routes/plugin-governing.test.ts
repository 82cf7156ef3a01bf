import t from 'tap';
import { artifactOf, standingOf } from '../../registry/house.js';
import { fakePorts } from '../../registry/ports.js';
import { type ControlPlane, openControlPlane } from '../control-plane.js';
import { askBystander } from '../fakes.js';

/** An artifact that needs another plugin. */
const needing = (id: string, needed: string, version = '>=v0.1.0') =>
  artifactOf(id, 'v0.1.0', { manifest: { dependencies: { plugins: [{ id: needed, version }] } } });

const callback = (operation: string) => ({
  operation,
  requestType: 'Lifecycle',
  internalPath: `/__lifecycle/${operation}`,
});

t.test('an uninstalled plugin is gone, with its data unless it is to be kept (E10, F008)', async (t) => {
  const cases: readonly (readonly [string, unknown, boolean])[] = [
    ['', undefined, true],
    ['', {}, true],
    ['?purgeStorageData=1', undefined, true],
    ['?purgeStorageData=0', undefined, false],
    ['', { purgeStorageData: 0 }, false],
    ['', { purgeStorageData: null }, true],
    ['?purgeStorageData=1', { purgeStorageData: 0 }, false],
  ];
  const ports = fakePorts();
  const plane = await openControlPlane(t, { sql: ports.sql });
  for (const [query, body, purges] of cases) {
    const title = `${query} ${JSON.stringify(body)}`;
    await plane.serve('demo');
    ports.calls.length = 0;
    const answer = await plane.ask('DELETE', `/demo${query}`, body);
    t.strictSame(
      answer,
      { status: 200, code: 0, message: 'OK', data: { id: 'demo', installed: 0, enabled: 0 } },
      title,
    );
    t.equal(ports.calls.includes('purge demo'), purges, title);
    t.match(await plane.ask('GET', '/demo'), { data: { installed: 0, enabled: 0 } }, title);
    t.equal((await plane.app.inject('/x/demo/hello')).statusCode, 404, title);
  }
  t.match(await plane.ask('DELETE', '/demo'), { code: 0 }, 'what is not installed, is uninstalled already');
  t.equal(await askBystander(plane.app), '200 pong');
});

t.test('who is needed by others stays, by force too (E10, C43)', async (t) => {
  const { serve, upload, ask, app } = await openControlPlane(t, { allowForceUninstall: true });
  await serve('base');
  await upload(needing('above', 'base'));
  await ask('POST', '/above/install');
  for (const force of [false, true]) {
    t.match(await ask('DELETE', '/base', { force }), {
      status: 200,
      code: 55,
      data: null,
      errorCode: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED',
      messageParams: { pluginId: 'base', dependents: 'above', blockers: /^reverse_dependency\|above\|base\|/ },
    });
  }
  await ask('PUT', '/above/enable');
  t.match(await ask('PUT', '/base/disable'), { code: 55, errorCode: 'PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED' });
  t.equal((await app.inject('/x/base/hello')).statusCode, 200);
  t.equal(await askBystander(app), '200 pong');
});

t.test('a veto holds, unless force is wanted and allowed (E10, C49)', async (t) => {
  const { serve, ask, fake, registry } = await openControlPlane(t);
  await serve('demo', 'v0.1.0', { lifecycle: [callback('BeforeUninstall')] });
  fake.answers.set('BeforeUninstall', { body: '{"ok":false,"reason":"orders are open"}' });
  t.match(await ask('DELETE', '/demo'), {
    status: 200,
    code: 55,
    errorCode: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
    messageParams: { operation: 'BeforeUninstall', pluginId: 'demo', reasons: /orders are open/ },
  });
  t.match(await ask('DELETE', '/demo?force=true'), { code: 55, errorCode: 'PLUGIN_FORCE_UNINSTALL_DISABLED' });
  t.equal(registry.find('demo')?.enabled, true);

  const open = await openControlPlane(t, { allowForceUninstall: true });
  await open.serve('demo', 'v0.1.0', { lifecycle: [callback('BeforeUninstall')] });
  open.fake.answers.set('BeforeUninstall', { body: '{"ok":false}' });
  t.match(await open.ask('DELETE', '/demo', { force: true }), { code: 0, data: { installed: 0 } });
});

t.test('what fails in an uninstall leaves the plugin as it was (E10, C50)', async (t) => {
  const ports = fakePorts();
  const { serve, ask, registry, app } = await openControlPlane(t, { sql: ports.sql });
  await serve('demo', 'v0.1.0', { uninstallSql: { '001-a.sql': 'DROP TABLE plugin_demo' } });
  ports.failures.set('uninstall demo', new Error('no such table'));
  t.match(await ask('DELETE', '/demo'), { status: 200, code: 55, errorCode: 'PLUGIN_UNINSTALL_EXECUTION_FAILED' });
  t.equal(registry.find('demo')?.enabled, true);
  t.equal(await askBystander(app), '200 pong');
});

t.test('what an install needs, is said before it and by it (E3, E7, C28)', async (t) => {
  const { upload, serve, ask, app } = await openControlPlane(t);
  await upload(needing('above', 'base', '>=v0.2.0'));
  t.match(await ask('GET', '/above/dependencies'), {
    code: 0,
    data: {
      targetId: 'above',
      framework: { status: 'not_declared' },
      dependencies: [{ ownerId: 'above', dependencyId: 'base', requiredVersion: '>=v0.2.0', status: 'missing' }],
      blockers: [{ code: 'dependency_missing', pluginId: 'above', dependencyId: 'base' }],
      reverseDependents: [],
      reverseBlockers: [],
    },
  });
  const blocked = { code: 55, errorCode: 'PLUGIN_DEPENDENCY_BLOCKED', messageParams: { dependencyId: 'base' } };
  t.match(await ask('POST', '/above/install'), blocked);
  t.match(await ask('GET', '/above'), { data: { installed: 0, dependencyCheck: { blockers: [{}] } } });

  await serve('base', 'v0.2.0');
  t.match(await ask('POST', '/above/install'), {
    data: { dependencyCheck: { dependencies: [{ status: 'satisfied' }] } },
  });
  t.match(await ask('GET', '/base/dependencies'), { data: { reverseDependents: [{ pluginId: 'above' }] } });
  t.match(await ask('GET', '/nope/dependencies'), { code: 65, errorCode: 'PLUGIN_NOT_FOUND' });
  t.equal(await askBystander(app), '200 pong');
});

t.test('SQL that cannot be carried out is told at upload, and mock data on request (E5, E7, C57, F068)', async (t) => {
  const ports = fakePorts();
  const { upload, ask } = await openControlPlane(t, { sql: ports.sql });
  const sql = { installSql: { '001-a.sql': 'SELECT 1' }, mockSql: { '001-m.sql': 'SELECT 2' } };
  await upload(artifactOf('demo', 'v0.1.0', sql));
  t.match(await ask('POST', '/demo/install', { installMockData: true }), { code: 0, data: { id: 'demo' } });
  t.same(ports.calls, ['install demo v0.1.0', 'mock demo v0.1.0']);
  const { data } = await ask('GET', '/demo');
  t.notOk(data?.notExecuted, 'it was carried out');

  await upload(artifactOf('other', 'v0.1.0', sql));
  ports.failures.set('mock other', new Error('no table'));
  t.match(await ask('POST', '/other/install', { installMockData: true }), {
    code: 55,
    errorCode: 'PLUGIN_INSTALL_MOCK_DATA_FAILED',
  });
  t.match(await ask('GET', '/other'), { data: { installed: 1 } });
});

t.test('whether new tenants get a plugin is a policy of those installed per tenant (E13)', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  const path = '/demo/tenant-provisioning-policy';
  await upload(artifactOf('demo'));
  await ask('POST', '/demo/install', { installMode: 'tenant_scoped' });
  t.strictSame((await ask('PUT', path, { autoEnableForNewTenants: true })).data, {
    id: 'demo',
    autoEnableForNewTenants: true,
  });
  t.match(await ask('GET', '/demo'), { data: { autoEnableForNewTenants: true } });
  t.match(await ask('PUT', path, { autoEnableForNewTenants: false }), { data: { autoEnableForNewTenants: false } });

  await upload(artifactOf('global'));
  await ask('POST', '/global/install', { installMode: 'global' });
  const policy = { autoEnableForNewTenants: true };
  t.match(await ask('PUT', '/global/tenant-provisioning-policy', policy), {
    code: 55,
    errorCode: 'PLUGIN_TENANT_PROVISIONING_POLICY_INVALID',
  });
  t.match(await ask('PUT', '/nope/tenant-provisioning-policy', policy), {
    code: 65,
    errorCode: 'PLUGIN_SOURCE_REGISTRY_NOT_FOUND',
  });
});

t.test('bodies and queries that make no sense change nothing', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo');
  const before = await standingOf(plane, 'demo');
  const huge = 'a'.repeat(200_000);
  const policy = '/demo/tenant-provisioning-policy';
  const cases: readonly (readonly [Parameters<ControlPlane['ask']>[0], string, unknown])[] = [
    ['DELETE', '/demo?purgeStorageData=2', undefined],
    ['DELETE', '/demo?purgeStorageData=yes', undefined],
    ['DELETE', '/demo?force=perhaps', undefined],
    ['DELETE', '/demo', { purgeStorageData: 'no' }],
    ['DELETE', '/demo', { force: [] }],
    ['DELETE', '/demo', '{'],
    ['DELETE', '/demo', [1]],
    ['PUT', policy, undefined],
    ['PUT', policy, { autoEnableForNewTenants: null }],
    ['PUT', policy, { autoEnableForNewTenants: 'sometimes' }],
    ['PUT', policy, { autoEnableForNewTenants: { a: huge } }],
    ['POST', '/demo/upgrade', undefined],
    ['POST', '/demo/upgrade', { confirmed: null }],
    ['POST', '/demo/upgrade', { confirmed: 'yes' }],
    ['POST', '/demo/upgrade', { confirmed: true, authorization: [] }],
    ['POST', '/demo/rollback', {}],
    ['POST', '/demo/rollback', { confirmed: true, version: '' }],
    ['POST', '/demo/rollback', { confirmed: true, version: { a: 1 } }],
    ['POST', '/demo/rollback', { confirmed: true, version: huge }],
    ['GET', `/demo/rollback/preview?version=${huge.slice(0, 300)}`, undefined],
  ];
  for (const [method, path, body] of cases) {
    const title = `${method} ${path} ${JSON.stringify(body)}`.slice(0, 80);
    const refused = { status: 200, code: 51, data: null, errorCode: 'SBX_BODY_INVALID' };
    t.match(await plane.ask(method, path, body), refused, title);
  }
  t.same(await standingOf(plane, 'demo'), before);
  t.equal(await askBystander(plane.app), '200 pong');
});
