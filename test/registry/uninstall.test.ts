import { truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { RegistryOptions } from '../../src/registry/registry.js';
import type { ArtifactParts } from '../artifact/build.js';
import { artifactOf, newHouse, openHouse, SCOPED, standingOf } from './house.js';
import { fakePorts } from './ports.js';

const callbacks = (...operations: string[]) =>
  operations.map((operation) => ({ operation, requestType: 'X', internalPath: `/__lifecycle/${operation}` }));
const CALLBACKS = callbacks('BeforeUninstall', 'Uninstall', 'AfterUninstall');
const PARTS: ArtifactParts = {
  lifecycle: CALLBACKS,
  uninstallSql: { '001-drop.sql': 'DROP TABLE IF EXISTS plugin_demo_a' },
  hostServices: SCOPED,
};
const ALL = { authorization: { services: [{ service: 'storage', paths: ['a/', 'b/'] }] } };

async function enabled(t: Test, parts: ArtifactParts = PARTS, options: Partial<RegistryOptions> = {}) {
  const ports = fakePorts();
  const { sql, governance, storage, state } = ports;
  const house = await newHouse(t, { sql, governance, storage, state, ...options });
  await house.registry.upload(artifactOf('demo', 'v0.1.0', parts));
  await house.registry.install('demo', parts.hostServices ? ALL : {});
  await house.registry.enable('demo');
  ports.calls.length = 0;
  house.fake.calls.length = 0;
  return { ...house, house, ports };
}

t.test('C46 F008 F009: an uninstall takes away what the plugin stored and what is governed of it', async (t) => {
  const { registry, rows, fake, ports } = await enabled(t);
  t.not(rows('sys_plugin_resource_ref').length, 0);
  t.match(await registry.uninstall('demo'), { plugin: { installed: 0, status: 0, generation: 4 } });
  t.same(fake.calls, [
    'activate demo v0.1.0',
    'BeforeUninstall demo v0.1.0',
    'Uninstall demo v0.1.0',
    'deactivate demo',
    'AfterUninstall demo v0.1.0',
  ]);
  t.match(fake.told, [
    { operation: 'BeforeUninstall', purgeStorageData: undefined },
    { operation: 'Uninstall', purgeStorageData: true },
    { operation: 'AfterUninstall', purgeStorageData: true },
  ]);
  t.same(ports.calls, ['uninstall demo v0.1.0', 'delete demo a/,b/', 'state demo', 'purge demo', 'no menus demo']);
  t.same(rows('sys_plugin_resource_ref'), []);
  t.match(rows('sys_plugin'), [{ installed: 0, status: 0, release_id: 0, current_state: 'uninstalled' }]);
  t.match(rows('sys_plugin_release'), [
    { status: 'uninstalled', package_path: /^releases\//, manifest_snapshot: /"uninstallPurgeStorageData":true/ },
  ]);
  t.match(registry.find('demo'), { installed: false, enabled: false });
  t.equal(fake.held.size, 0);
});

t.test('C45 F009: an uninstall that keeps what is stored runs neither callback nor SQL', async (t) => {
  const { registry, ports, fake, house } = await enabled(t);
  await registry.uninstall('demo', { purgeStorageData: false });
  t.same(ports.calls, ['no menus demo']);
  t.notOk(fake.calls.includes('Uninstall demo v0.1.0'));
  t.match(house.rows('sys_plugin_release'), [{ manifest_snapshot: /"uninstallPurgeStorageData":false/ }]);
  t.match(await registry.install('demo'), { plugin: { installed: 1, generation: 5 } });
});

t.test('what is not installed is uninstalled already', async (t) => {
  const { registry, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  t.match(await registry.uninstall('demo'), { plugin: { installed: 0, generation: 1 } });
  t.same(fake.calls, []);
  await t.rejects(registry.uninstall('nobody'), { code: 'PLUGIN_NOT_FOUND' });
});

t.test('C47: an uninstall works from the archive when the staged file is gone', async (t) => {
  const { registry, stagingDir, ports } = await enabled(t);
  unlinkSync(join(stagingDir, 'demo.wasm'));
  t.equal(await registry.uninstall('demo'), undefined, 'nothing of it is discovered any more');
  t.match(ports.calls, ['uninstall demo v0.1.0']);
  t.same(registry.list(), []);
});

t.test('a damaged archive is repaired from the staged file of the same version', async (t) => {
  const { registry, dir, ports } = await enabled(t);
  truncateSync(join(dir, registry.find('demo')!.packagePath), 0);
  await registry.uninstall('demo');
  t.match(ports.calls, ['uninstall demo v0.1.0']);
});

t.test('C48: without any file it takes force, and then only what is governed goes', async (t) => {
  const { registry, dir, stagingDir, ports, rows } = await enabled(t, PARTS, { allowForceUninstall: true });
  unlinkSync(join(dir, registry.find('demo')!.packagePath));
  unlinkSync(join(stagingDir, 'demo.wasm'));
  await t.rejects(registry.uninstall('demo'), { code: 'PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING' });
  await registry.uninstall('demo', { force: true });
  t.same(ports.calls, ['no menus demo']);
  t.match(rows('sys_plugin'), [{ installed: 0, status: 0 }]);
  t.same(rows('sys_plugin_resource_ref'), []);
});

t.test('C49: a veto holds, also against force where force is not allowed', async (t) => {
  const { registry, fake, house, ports } = await enabled(t);
  const before = await standingOf(house, 'demo');
  fake.answers.set('BeforeUninstall', { body: '{"ok":false,"reason":"in use"}' });
  await t.rejects(registry.uninstall('demo'), {
    code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
    details: { operation: 'BeforeUninstall', reasons: 'in use' },
  });
  await t.rejects(registry.uninstall('demo', { force: true }), { code: 'PLUGIN_FORCE_UNINSTALL_DISABLED' });
  t.same(await standingOf(house, 'demo'), before);
  t.same(ports.calls, []);
});

t.test('a veto is overridden by force where force is allowed, and the log says by whom', async (t) => {
  const { registry, fake, warnings } = await enabled(t, PARTS, { allowForceUninstall: true });
  fake.answers.set('BeforeUninstall', { body: '{"ok":false}' });
  t.match(await registry.uninstall('demo', { force: true, by: 'ann' }), { plugin: { installed: 0 } });
  t.match(warnings, ['a veto against the uninstall is overridden by force']);
});

// biome-ignore format: a table
const FAILURES: readonly (readonly [string, (parts: Awaited<ReturnType<typeof enabled>>) => void, message: RegExp])[] = [
  ['callback', ({ fake }) => fake.answers.set('Uninstall', { statusCode: 500, body: 'no' }),              /Uninstall callback failed: no/],
  ['SQL',      ({ ports }) => ports.failures.set('uninstall', new Error('locked')),                       /failed: locked/],
  ['objects',  ({ ports }) => ports.failures.set('delete', new Error('disk')),                            /failed: disk/],
];

for (const [what, fail, message] of FAILURES) {
  t.test(`C50: when the ${what} of an uninstall fails, the plugin is enabled as before`, async (t) => {
    const all = await enabled(t);
    const { registry, fake, ports, rows } = all;
    fail(all);
    await t.rejects(registry.uninstall('demo'), { code: 'PLUGIN_UNINSTALL_EXECUTION_FAILED', message });
    t.match(rows('sys_plugin'), [{ installed: 1, status: 1, current_state: 'enabled', generation: 3 }]);
    t.match(registry.find('demo'), { enabled: true, runtimeState: 'normal' });
    t.equal(fake.loaded.size, 1);
    fake.answers.clear();
    ports.failures.clear();
    t.match(await registry.uninstall('demo'), { plugin: { installed: 0 } });
  });
}

t.test('a code of the SQL that clients know is told as it is', async (t) => {
  const { registry, ports } = await enabled(t);
  ports.failures.set('uninstall', new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'x' }));
  await t.rejects(registry.uninstall('demo'), { code: 'PLUGIN_NOT_FOUND' });
});

t.test('C43: what another installed plugin needs is not uninstalled, not even by force', async (t) => {
  const { registry } = await enabled(t, {}, { allowForceUninstall: true });
  const dependencies = { plugins: [{ id: 'demo', version: '>=0.1.0' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  await registry.install('needy');
  const refused = { code: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED', details: { dependents: 'needy' } };
  await t.rejects(registry.uninstall('demo', { force: true }), refused);
  await t.rejects(registry.uninstall('demo'), refused);
  await registry.uninstall('needy');
  t.match(await registry.uninstall('demo'), { plugin: { installed: 0 } });
});

t.test('C28 C30 C42: what a plugin needs is there before it is installed and enabled, and stays', async (t) => {
  const { registry } = await newHouse(t);
  const dependencies = { framework: { version: '>=0.1.0' }, plugins: [{ id: 'base', version: '>=1.0.0' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  const blocked = (text: RegExp) => ({ code: 'PLUGIN_DEPENDENCY_BLOCKED', message: text });
  await t.rejects(registry.install('needy'), blocked(/dependency_missing\|needy\|base/));
  await registry.upload(artifactOf('base', 'v1.0.0'));
  await t.rejects(registry.install('needy'), blocked(/dependency_missing/));
  t.match(registry.show('base').plugin, { installed: 0 }, 'nothing is installed for another plugin');
  await registry.install('base');
  await registry.install('needy');
  await t.rejects(registry.enable('needy'), blocked(/dependency_not_enabled/));
  await registry.enable('base');
  await registry.enable('needy');
  await t.rejects(registry.disable('base'), { code: 'PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED' });
  t.match(registry.dependencies('base'), { reverseDependents: [{ pluginId: 'needy', enabled: true }] });
  await registry.disable('needy');
  t.match((await registry.disable('base')).plugin, { status: 0 });
  t.throws(() => registry.dependencies('nobody'), { code: 'PLUGIN_NOT_FOUND' });
});

t.test('two operators at once never leave a plugin enabled without what it needs', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(artifactOf('base', 'v1.0.0'));
  const dependencies = { plugins: [{ id: 'base', version: '' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  await registry.install('base');
  await registry.install('needy');
  for (let round = 0; round < 10; round += 1) {
    await registry.enable('base');
    const both = [registry.enable('needy'), registry.disable('base')];
    await Promise.allSettled(round % 2 ? both.reverse() : both);
    const isOn = (id: string) => registry.find(id)?.enabled;
    t.notOk(isOn('needy') && !isOn('base'), 'needy never serves alone');
    if (isOn('needy')) await registry.disable('needy');
  }
});

t.test('C31 C32 F005: a guest may forbid its installation; else SQL, rows, references, and it is told', async (t) => {
  const ports = fakePorts();
  const { sql, governance } = ports;
  const { registry, rows, fake } = await newHouse(t, { sql, governance });
  const parts = {
    lifecycle: callbacks('BeforeInstall', 'AfterInstall'),
    installSql: { '001-a.sql': 'SELECT 1' },
    hostServices: SCOPED,
    manifest: { menus: [{ key: 'plugin:demo:main', name: 'Main', type: 'M', path: '/main' }] },
  };
  await registry.upload(artifactOf('demo', 'v0.1.0', parts));
  fake.answers.set('BeforeInstall', { body: '{"ok":false,"reason":"no licence"}' });
  await t.rejects(registry.install('demo', ALL), { code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED' });
  t.same(ports.calls, []);
  t.match(rows('sys_plugin'), [{ installed: 0, current_state: 'uninstalled' }]);

  fake.answers.clear();
  await registry.install('demo', ALL);
  t.same(ports.calls, ['install demo v0.1.0', 'menus demo v0.1.0']);
  t.same(fake.calls.slice(-3), ['activate demo v0.1.0', 'BeforeInstall demo v0.1.0', 'AfterInstall demo v0.1.0']);
  t.same(
    rows('sys_plugin_resource_ref').map(({ resource_type, resource_key, resource_path }) => [
      resource_type,
      resource_key,
      resource_path,
    ]),
    [
      ['manifest', 'manifest', ''],
      ['runtime_wasm', 'runtime-wasm-artifact', ''],
      ['install_sql', 'install-sql-bundle', ''],
      ['menu', 'plugin:demo:main', ''],
      ['host_storage', 'a/', ''],
      ['host_storage', 'b/', ''],
    ],
  );
  t.equal(fake.held.size, 0);
});

t.test('when the install SQL fails, the plugin is not installed, and the next time it may be', async (t) => {
  const ports = fakePorts();
  const { registry, rows } = await newHouse(t, { sql: ports.sql });
  await registry.upload(artifactOf('demo', 'v0.1.0', { installSql: { '001-a.sql': 'x' } }));
  ports.failures.set('install', new SandpoolError('SBX_INTERNAL', { reason: 'syntax' }));
  await t.rejects(registry.install('demo'), { code: 'SBX_INTERNAL' });
  t.match(rows('sys_plugin'), [{ installed: 0, status: 0, release_id: 0, current_state: 'failed' }]);
  t.match(rows('sys_plugin_release'), [{ status: 'failed' }]);
  t.match(registry.show('demo'), { runtimeState: 'normal', diagnosis: { action: 'installed' } });
  ports.failures.clear();
  t.match(await registry.install('demo'), { plugin: { installed: 1, currentState: 'installed' } });
});

t.test('SQL that cannot be carried out is refused with the upload', async (t) => {
  const ports = fakePorts();
  const { registry } = await newHouse(t, { sql: ports.sql });
  ports.failures.set(
    'check v0.1.0',
    new SandpoolError('SBX_ARTIFACT_INVALID', { reason: '001-a.sql:3: no DO blocks' }),
  );
  await t.rejects(registry.upload(artifactOf('demo')), { code: 'SBX_ARTIFACT_INVALID', message: /001-a.sql:3/ });
  t.same(registry.list(), []);
});

t.test(
  'C57 C58 F068: mock data is loaded when asked for at a first installation, and its failure undoes nothing',
  async (t) => {
    const ports = fakePorts();
    const { registry } = await newHouse(t, { sql: ports.sql });
    await registry.upload(artifactOf('plain'));
    await registry.install('plain', { installMockData: true });
    t.same(ports.calls, [], 'without files there is nothing to load');
    await registry.upload(artifactOf('demo', 'v0.1.0', { mockSql: { '001-a.sql': 'x' } }));
    ports.failures.set('mock', new Error('unique'));
    await t.rejects(registry.install('demo', { installMockData: true }), {
      code: 'PLUGIN_INSTALL_MOCK_DATA_FAILED',
      details: { pluginId: 'demo', cause: 'unique' },
    });
    t.match(registry.show('demo').plugin, { installed: 1 });
    ports.failures.clear();
    await registry.install('demo', { installMockData: true });
    t.same(ports.calls, [], 'not on what is installed already');
    await registry.uninstall('demo', { purgeStorageData: false });
    await registry.install('demo', { installMockData: true });
    t.same(ports.calls, ['mock demo v0.1.0']);
  },
);

t.test('a guest may forbid that it is disabled, and one that cannot be loaded forbids it too', async (t) => {
  const { registry, fake } = await enabled(t, { lifecycle: callbacks('BeforeDisable', 'AfterDisable') });
  fake.answers.set('BeforeDisable', { body: '{"ok":false,"reason":"busy"}' });
  await t.rejects(registry.disable('demo'), { code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED' });
  fake.answers.clear();
  fake.failure = new Error('no memory');
  await t.rejects(registry.disable('demo'), {
    code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
    details: { reasons: 'plugin.demo.lifecycle.BeforeDisable.failed' },
  });
  t.match(registry.find('demo'), { enabled: true });
  fake.failure = undefined;
  t.match((await registry.disable('demo')).plugin, { status: 0 });
  t.match(fake.calls.slice(-2), ['deactivate demo', 'AfterDisable demo v0.1.0']);
});

t.test(
  'C106: new tenants get a plugin only where it is installed per tenant, and a sync does not change that',
  async (t) => {
    const { registry } = await newHouse(t);
    await registry.upload(artifactOf('demo'));
    await registry.install('demo', { installMode: 'global' });
    const ask = (autoEnableForNewTenants: boolean) =>
      registry.setProvisioningPolicy('demo', { autoEnableForNewTenants });
    await t.rejects(ask(true), { code: 'PLUGIN_TENANT_PROVISIONING_POLICY_INVALID' });
    await registry.uninstall('demo');
    await registry.install('demo');
    t.match((await ask(true)).plugin, { autoEnableForNewTenants: 1 });
    await registry.sync();
    t.match(registry.show('demo').plugin, { autoEnableForNewTenants: 1 });
    await t.rejects(registry.setProvisioningPolicy('nobody', { autoEnableForNewTenants: true }), {
      code: 'PLUGIN_SOURCE_REGISTRY_NOT_FOUND',
    });
  },
);

t.test('a sync gives up an installation of which no bytes are left, and a start does not', async (t) => {
  const { registry, dir, stagingDir, house } = await enabled(t, {});
  unlinkSync(join(dir, registry.find('demo')!.packagePath));
  unlinkSync(join(stagingDir, 'demo.wasm'));
  const second = openHouse(t, dir);
  t.match((await second.registry.reload()).failed, [{ pluginId: 'demo', errorCode: 'SBX_ARCHIVE_BROKEN' }]);
  t.match(second.rows('sys_plugin'), [{ installed: 1 }]);
  await second.registry.sync();
  t.match(second.rows('sys_plugin'), [{ installed: 0, status: 0, generation: 4 }]);
  house.database.close();
});

// ---- auto-enable -----------------------------------------------------------------------------------------------------------

t.test('C98: what the configuration names is installed with its mock data once, and enabled', async (t) => {
  const ports = fakePorts();
  const { registry } = await newHouse(t, { sql: ports.sql });
  await registry.upload(artifactOf('demo', 'v0.1.0', { mockSql: { '001-a.sql': 'x' } }));
  const entries = [{ id: 'demo', withMockData: true }, { id: 'demo' }];
  await registry.autoEnable(entries);
  t.match(registry.find('demo'), { installed: true, enabled: true });
  await registry.disable('demo');
  await registry.autoEnable(entries);
  t.match(registry.find('demo'), { enabled: true });
  t.same(ports.calls, ['mock demo v0.1.0']);
  t.match(registry.audit({ limit: 1 }), [{ action: 'enable', by: 'plugin.autoEnable' }]);
});

t.test('C97: what needs a consent that nobody gave is not enabled by the configuration', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  const failed = {
    code: 'PLUGIN_AUTO_ENABLE_FAILED',
    cause: { code: 'PLUGIN_DYNAMIC_AUTO_ENABLE_AUTH_SNAPSHOT_MISSING' },
  };
  await t.rejects(registry.autoEnable([{ id: 'demo' }]), failed);
  t.match(registry.find('demo'), { installed: false });
  await registry.install('demo', ALL);
  await registry.autoEnable([{ id: 'demo' }]);
  t.match(registry.find('demo'), { enabled: true });
  await t.rejects(registry.autoEnable([{ id: 'nobody' }]), {
    code: 'PLUGIN_AUTO_ENABLE_FAILED',
    cause: { code: 'PLUGIN_AUTO_ENABLE_MANIFEST_NOT_FOUND' },
  });
});

t.test('C99: a dependency that is missing is told as such', async (t) => {
  const { registry } = await newHouse(t);
  const dependencies = { plugins: [{ id: 'base', version: '' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  await t.rejects(registry.autoEnable([{ id: 'needy' }]), { code: 'PLUGIN_DEPENDENCY_BLOCKED' });
});

t.test('the configuration refreshes what it names where the file has changed', async (t) => {
  const { registry, stagingDir } = await enabled(t, {});
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0', { routes: [{ path: '/new' }] }));
  await registry.sync();
  await registry.autoEnable([{ id: 'demo' }]);
  t.equal(registry.find('demo')?.artifact.routes[0]?.path, '/new');
});

// ---- audit log -------------------------------------------------------------------------------------------------------------

t.test('the audit log tells who did what, from where to where, and how it ended', async (t) => {
  let now = 1000;
  const { registry } = await newHouse(t, { now: () => now });
  await t.rejects(registry.upload(Buffer.from('x'), { by: 'eve' }));
  await registry.upload(artifactOf('demo'), { by: 'ann' });
  await registry.install('demo', { by: 'ann' });
  now = 500;
  await registry.enable('demo', { by: 'bob' });
  await registry.enable('demo', { by: 'bob' });
  await t.rejects(registry.upgrade('demo', { confirmed: true, by: 'eve' }));
  await registry.disable('demo');
  const log = registry.audit();
  t.same(
    log.map(({ by, action, result, at }) => [by, action, result, at]),
    [
      ['system', 'disable', 'done', 500],
      ['eve', 'upgrade', 'refused', 500],
      ['bob', 'enable', 'unchanged', 500],
      ['bob', 'enable', 'done', 500],
      ['ann', 'install', 'done', 1000],
      ['ann', 'upload', 'done', 1000],
      ['eve', 'upload', 'refused', 1000],
    ],
    'newest first, also where the clock was set back',
  );
  t.match(log[3], {
    pluginId: 'demo',
    from: { version: 'v0.1.0', state: 'installed', generation: 2 },
    to: { version: 'v0.1.0', state: 'enabled', generation: 3 },
  });
  t.match(log[1], { errorCode: 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE', message: /nothing to upgrade to/ });
  t.same(
    registry.audit({ limit: 2, before: log[1]!.id }).map(({ id }) => id),
    [log[2]!.id, log[3]!.id],
  );
  t.same(registry.audit({ pluginId: 'other' }), []);
});

t.test('the audit log tells where a plugin stood before an operation, not that the operation ran', async (t) => {
  const { registry } = await enabled(t);
  await registry.upload(artifactOf('demo', 'v0.2.0', PARTS));
  await registry.upgrade('demo', { confirmed: true, ...ALL });
  await registry.uninstall('demo');
  t.same(
    registry.audit().map(({ action, from, to }) => `${action}: ${from?.state} → ${to?.state}`),
    [
      'uninstall: enabled → uninstalled',
      'upgrade: enabled → enabled',
      'upload: enabled → enabled',
      'enable: installed → enabled',
      'install: uninstalled → installed',
      'upload: undefined → uninstalled',
    ],
  );
});

t.test('nobody changes the audit log, not even by way of the database', async (t) => {
  const { registry, database } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  t.throws(() => database.exec("UPDATE sandpool_audit SET operator = 'x'"), /only ever appended to/);
  t.throws(() => database.exec('DELETE FROM sandpool_audit'), /only ever appended to/);
  t.equal(registry.audit().length, 1);
});

t.test('a transition and its line in the audit log are written together or not at all', async (t) => {
  const { registry, database, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  database.exec("CREATE TRIGGER full BEFORE INSERT ON sandpool_audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  await t.rejects(registry.enable('demo'), { code: 'SBX_STORE_FAILED', message: 'the store failed: disk full' });
  t.match(registry.find('demo'), { enabled: false });
  t.equal(fake.loaded.size, 0);
  database.exec('DROP TRIGGER full');
  t.match((await registry.enable('demo')).plugin, { status: 1 });
});
