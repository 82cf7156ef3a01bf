import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { RegistryOptions } from '../../src/registry/registry.js';
import type { ArtifactParts } from '../artifact/build.js';
import { artifactOf, newHouse, openHouse, SCOPED, standingOf } from './house.js';
import { fakePorts } from './ports.js';

const ALL_CALLBACKS = ['BeforeUpgrade', 'Upgrade', 'AfterUpgrade'].map((operation) => ({
  operation,
  requestType: `${operation}Req`,
  internalPath: `/__lifecycle/${operation}`,
}));
const SQL = { '001-demo.sql': 'CREATE TABLE plugin_demo_a (id INT)' };

/** A house with `demo` v0.1.0 enabled and v0.2.0 waiting. */
async function waiting(t: Test, parts: ArtifactParts = {}, options: Partial<RegistryOptions> = {}) {
  const ports = fakePorts();
  const { sql, governance, storage } = ports;
  const house = await newHouse(t, { sql, governance, storage, ...options });
  await house.registry.upload(artifactOf('demo', 'v0.1.0', { installSql: SQL, routes: [{ path: '/one' }] }));
  await house.registry.install('demo');
  await house.registry.enable('demo');
  await house.registry.upload(artifactOf('demo', 'v0.2.0', { installSql: SQL, routes: [{ path: '/two' }], ...parts }));
  ports.calls.length = 0;
  house.fake.calls.length = 0;
  return { ...house, house, ports };
}

t.test('C64 F012: a confirmed upgrade makes the waiting version the effective one', async (t) => {
  const { registry, rows, fake, ports } = await waiting(t);
  t.strictSame(await registry.upgrade('demo', { confirmed: true }), {
    pluginId: 'demo',
    runtimeState: 'normal',
    effectiveVersion: 'v0.2.0',
    discoveredVersion: 'v0.2.0',
    fromVersion: 'v0.1.0',
    toVersion: 'v0.2.0',
    executed: true,
    pendingServices: [],
  });
  t.match(registry.find('demo'), { version: 'v0.2.0', generation: 4, enabled: true });
  t.match(rows('sys_plugin_release'), [
    { release_version: 'v0.1.0', status: 'installed' },
    { release_version: 'v0.2.0', status: 'active' },
  ]);
  t.equal(fake.loaded.get('demo')?.version, 'v0.2.0');
  t.same(ports.calls, ['upgrade demo v0.2.0', 'menus demo v0.2.0']);
  t.same(
    registry.releases('demo').map(({ version, isEffective, isArchived }) => [version, isEffective, isArchived]),
    [
      ['v0.1.0', false, true],
      ['v0.2.0', true, true],
    ],
  );
});

t.test('a disabled plugin is upgraded and stays disabled', async (t) => {
  const { registry, fake } = await waiting(t);
  await registry.disable('demo');
  t.match(await registry.upgrade('demo', { confirmed: true }), { effectiveVersion: 'v0.2.0' });
  t.match(registry.show('demo').plugin, { installed: 1, status: 0, currentState: 'installed' });
  t.equal(fake.loaded.size, 0);
});

t.test('C62: an upgrade that is not confirmed is refused', async (t) => {
  const { house, registry } = await waiting(t);
  const before = await standingOf(house, 'demo');
  await t.rejects(registry.upgrade('demo', { confirmed: false }), {
    code: 'PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED',
  });
  t.same(await standingOf(house, 'demo'), before);
});

t.test('C63: there is nothing to upgrade to', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  const refused = (runtimeState: string) => ({
    code: 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE',
    details: { pluginId: 'demo', runtimeState },
  });
  await t.rejects(registry.upgrade('demo', { confirmed: true }), { code: 'PLUGIN_NOT_FOUND' });
  await registry.upload(artifactOf('demo', 'v0.2.0'));
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused('normal'));
  await registry.install('demo');
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused('normal'));
  const staged = join(stagingDir, 'demo.wasm');
  writeFileSync(staged, artifactOf('demo', 'v0.2.0', { routes: [{ path: '/changed' }] }));
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused('normal'));
  writeFileSync(staged, artifactOf('demo', 'v0.1.0'));
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused('abnormal'));
  unlinkSync(staged);
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused('normal'));
});

t.test('C65 F013 F017 F073: when the SQL fails, the old release serves on and the failure is known', async (t) => {
  const { registry, rows, fake, ports, house } = await waiting(t);
  const before = await standingOf(house, 'demo');
  ports.failures.set('upgrade demo', new SandpoolError('SBX_STORE_FAILED', { reason: 'no such column' }));
  await t.rejects(registry.upgrade('demo', { confirmed: true }), {
    code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED',
    message: 'upgrading plugin demo from v0.1.0 to v0.2.0 failed in sql: the store failed: no such column',
    cause: { code: 'SBX_STORE_FAILED' },
  });
  t.match(registry.show('demo'), {
    runtimeState: 'upgrade_failed',
    upgradeAvailable: false,
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.2.0',
    lastUpgradeFailure: {
      phase: 'sql',
      errorCode: 'plugin_upgrade_migration_failed',
      messageKey: 'plugin.runtimeUpgrade.failure.migrationFailed',
      releaseVersion: 'v0.2.0',
      detail: 'the store failed: no such column',
    },
  });
  t.match(rows('sys_plugin'), [
    { version: 'v0.1.0', release_id: 1, generation: 3, current_state: 'enabled', desired_state: 'enabled' },
  ]);
  t.match(rows('sys_plugin_release'), [{ status: 'active' }, { status: 'failed' }]);
  t.match(rows('sys_plugin_migration'), [
    { phase: 'upgrade', migration_key: 'upgrade-phase-sql', execution_order: 0, status: 'failed' },
  ]);
  t.equal(fake.loaded.get('demo')?.version, 'v0.1.0');
  t.same(ports.calls, [], 'no menu was touched');
  t.match(await standingOf(house, 'demo'), { loaded: (before as { loaded: string }).loaded });

  ports.failures.clear();
  t.match(await registry.upgrade('demo', { confirmed: true }), { runtimeState: 'normal', effectiveVersion: 'v0.2.0' });
  t.equal(registry.show('demo').lastUpgradeFailure, undefined);
});

t.test('C66: another file of the version that failed is upgraded to', async (t) => {
  const { registry, ports } = await waiting(t);
  ports.failures.set('upgrade demo', new Error('broken'));
  await t.rejects(registry.upgrade('demo', { confirmed: true }));
  ports.failures.clear();
  await registry.upload(artifactOf('demo', 'v0.2.0', { routes: [{ path: '/fixed' }] }));
  t.equal(registry.show('demo').runtimeState, 'upgrade_failed', 'that it failed is not forgotten by an upload');
  await registry.upgrade('demo', { confirmed: true });
  t.equal(registry.find('demo')?.artifact.routes[0]?.path, '/fixed');
});

// biome-ignore format: a table
const PHASES: readonly (readonly [phase: string, fail: (parts: Awaited<ReturnType<typeof waiting>>) => void])[] = [
  ['release',          ({ fake }) => { fake.failure = new SandpoolError('SBX_MODULE_INVALID', { reason: 'x' }); }],
  ['upgrade_callback', ({ fake }) => fake.answers.set('Upgrade', { body: '{"ok":false}' })],
  ['upgrade_callback', ({ fake }) => fake.answers.set('Upgrade', new SandpoolError('SBX_TRAP', { reason: 'x' }))],
  ['sql',              ({ ports }) => ports.failures.set('upgrade demo', new Error('x'))],
  ['governance',       ({ ports }) => ports.failures.set('pages v0.2.0', new Error('no such page'))],
  ['release_switch',   ({ ports }) => ports.failures.set('menus demo', new Error('no parent'))],
];

for (const [phase, fail] of PHASES) {
  t.test(`an upgrade that fails in ${phase} leaves everything as it was and can be tried again`, async (t) => {
    const all = await waiting(t, { lifecycle: ALL_CALLBACKS });
    const { registry, house, fake, ports } = all;
    const before = registry.find('demo')!;
    fail(all);
    await t.rejects(registry.upgrade('demo', { confirmed: true }), {
      code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED',
      details: { phase, fromVersion: 'v0.1.0', toVersion: 'v0.2.0' },
    });
    t.match(registry.show('demo'), { runtimeState: 'upgrade_failed', lastUpgradeFailure: { phase } });
    t.match(house.rows('sys_plugin'), [{ version: 'v0.1.0', generation: 3, current_state: 'enabled', status: 1 }]);
    t.equal(fake.loaded.get('demo')?.checksum, before.checksum);
    t.equal(fake.held.size, 0, 'what was prepared is let go of');
    if (phase === 'upgrade_callback') t.same(ports.calls, [], 'C68: no SQL has run');
    fake.failure = undefined;
    fake.answers.clear();
    ports.failures.clear();
    t.match(await registry.upgrade('demo', { confirmed: true }), {
      effectiveVersion: 'v0.2.0',
      runtimeState: 'normal',
    });
  });
}

t.test('C67: a guest may forbid its upgrade, before anything is marked or run', async (t) => {
  const { registry, rows, ports, fake } = await waiting(t, { lifecycle: ALL_CALLBACKS });
  fake.answers.set('BeforeUpgrade', { body: '{"ok":false,"reason":"a job is running"}' });
  const before = rows('sys_plugin');
  await t.rejects(registry.upgrade('demo', { confirmed: true }), {
    code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
    details: { operation: 'BeforeUpgrade', pluginId: 'demo', reasons: 'a job is running' },
  });
  t.same(rows('sys_plugin'), before);
  t.same(ports.calls, []);
  t.equal(registry.show('demo').runtimeState, 'pending_upgrade');
});

t.test('the new release is asked and told before and after, with both manifests in between', async (t) => {
  const { registry, fake, ports } = await waiting(t, { lifecycle: ALL_CALLBACKS });
  await registry.upgrade('demo', { confirmed: true });
  t.same(fake.calls, [
    'activate demo v0.2.0',
    'BeforeUpgrade demo v0.2.0',
    'Upgrade demo v0.2.0',
    'AfterUpgrade demo v0.2.0',
  ]);
  const versions = { fromVersion: 'v0.1.0', toVersion: 'v0.2.0' };
  t.match(fake.told, [
    { operation: 'BeforeUpgrade', ...versions },
    { operation: 'Upgrade', ...versions, fromManifest: { version: 'v0.1.0' }, toManifest: { version: 'v0.2.0' } },
    { operation: 'AfterUpgrade', ...versions },
  ]);
  t.same(ports.calls, ['upgrade demo v0.2.0', 'menus demo v0.2.0']);
});

t.test('what is told after an upgrade can fail, and the upgrade stands', async (t) => {
  const { registry, fake, warnings } = await waiting(t, { lifecycle: ALL_CALLBACKS });
  fake.answers.set('AfterUpgrade', { statusCode: 500 });
  t.match(await registry.upgrade('demo', { confirmed: true }), { effectiveVersion: 'v0.2.0' });
  t.match(warnings, ['AfterUpgrade failed: Internal Server Error']);
});

t.test('C69: an upgrade that would break another plugin does not happen, and waits', async (t) => {
  const { registry } = await waiting(t);
  const dependencies = { plugins: [{ id: 'demo', version: '<0.2.0' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  await registry.install('needy');
  await t.rejects(registry.upgrade('demo', { confirmed: true }), {
    code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED',
    cause: { code: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED' },
  });
  t.match(registry.show('demo'), { runtimeState: 'pending_upgrade', plugin: { currentState: 'enabled' } });
});

t.test('a release that asks for the same keeps the consent; one that asks otherwise waits for a new one', async (t) => {
  const { registry, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  await registry.install('demo', { authorization: { services: [{ service: 'storage', paths: ['a/'] }] } });
  await registry.enable('demo');
  await registry.upload(artifactOf('demo', 'v0.2.0', { hostServices: SCOPED }));
  t.match(await registry.upgrade('demo', { confirmed: true }), { pendingServices: [] });
  t.match(fake.loaded.get('demo')?.grant.services, [{ service: 'runtime' }, { service: 'storage', paths: ['a/'] }]);

  const more = [{ ...SCOPED[0], resources: { paths: ['a/', 'b/', 'c/'] } }, SCOPED[1]];
  await registry.upload(artifactOf('demo', 'v0.3.0', { hostServices: more }));
  t.match(await registry.upgrade('demo', { confirmed: true }), { pendingServices: [{ service: 'storage' }] });
  t.same(
    fake.loaded.get('demo')?.grant.services.map(({ service }) => service),
    ['runtime'],
  );
  t.equal(registry.show('demo').authorizationStatus, 'pending');

  await registry.upload(artifactOf('demo', 'v0.4.0', { hostServices: more }));
  const authorization = { services: [{ service: 'storage', paths: ['c/'] }] };
  await registry.upgrade('demo', { confirmed: true, authorization });
  t.match(fake.loaded.get('demo')?.grant.services, [{ service: 'runtime' }, { service: 'storage', paths: ['c/'] }]);
});

t.test('C60 C61 F011: a preview shows what would change, and changes nothing', async (t) => {
  const { registry, house } = await waiting(t, {
    hostServices: SCOPED,
    mockSql: { '001-mock.sql': 'SELECT 1' },
    installSql: { ...SQL, '002-more.sql': 'SELECT 2' },
    frontendAssets: { 'frontend/pages/a.html': 'a' },
    manifest: { menus: [{ key: 'plugin:demo:main', name: 'Main', type: 'M', path: '/main' }] },
  });
  const before = await standingOf(house, 'demo');
  const preview = registry.previewUpgrade('demo');
  t.match(preview, {
    pluginId: 'demo',
    runtimeState: 'pending_upgrade',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.2.0',
    fromManifest: { version: 'v0.1.0', installSqlCount: 1, routeCount: 1 },
    toManifest: { version: 'v0.2.0', installSqlCount: 2, mockSqlCount: 1, hostServiceAuthRequired: true },
    dependencyCheck: { targetId: 'demo', blockers: [], reverseBlockers: [] },
    hostServicesDiff: {
      added: [{ service: 'runtime' }, { service: 'storage', toPaths: ['a/', 'b/'], toMethods: ['get', 'put'] }],
      removed: [],
      changed: [],
      authorizationRequired: true,
      authorizationChanged: true,
    },
  });
  t.strictSame(preview.sqlSummary, {
    installSqlCount: 2,
    uninstallSqlCount: 0,
    mockSqlCount: 1,
    runtimeSqlAssetCount: 3,
  });
  t.strictSame(preview.riskHints, [
    'plugin.runtimeUpgrade.risk.upgradeSqlRequiresReview',
    'plugin.runtimeUpgrade.risk.mockSqlExcluded',
    'plugin.runtimeUpgrade.risk.hostServiceAuthorizationChanged',
  ]);
  t.match(preview.differences, {
    routes: { added: ['GET /two'], removed: ['GET /one'], changed: [] },
    menus: { added: ['plugin:demo:main'] },
    assets: { added: ['frontend/pages/a.html'] },
    installSql: { added: ['002-more.sql'], removed: [], changed: [] },
  });
  t.ok(preview.differences.toSizeBytes > preview.differences.fromSizeBytes);
  t.same(await standingOf(house, 'demo'), before);
  await registry.upgrade('demo', { confirmed: true });
  t.throws(() => registry.previewUpgrade('demo'), {
    code: 'PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE',
    details: { runtimeState: 'normal' },
  });
  t.throws(() => registry.previewUpgrade('nobody'), { code: 'PLUGIN_NOT_FOUND' });
});

t.test('a preview needs the release in effect to be readable', async (t) => {
  const { registry, dir, house } = await waiting(t);
  writeFileSync(join(dir, registry.find('demo')!.packagePath), '');
  house.database.close();
  const second = openHouse(t, dir);
  await second.registry.reload();
  t.throws(() => second.registry.previewUpgrade('demo'), { code: 'PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID' });
});

t.test('a waiting version blocks the routes, unless the host is told to serve on', async (t) => {
  const reference = await waiting(t);
  t.equal(reference.registry.find('demo')?.runtimeState, 'pending_upgrade');
  const serving = await waiting(t, {}, { servesPending: true });
  t.equal(serving.registry.find('demo')?.runtimeState, 'normal');
  t.equal(serving.registry.show('demo').runtimeState, 'pending_upgrade', 'the operator sees it all the same');
});

t.test('two operators upgrade at once: one does, the other is told that nothing is left to do', async (t) => {
  const { registry } = await waiting(t);
  const outcomes = await Promise.allSettled([
    registry.upgrade('demo', { confirmed: true, by: 'ann' }),
    registry.upgrade('demo', { confirmed: true, by: 'bob' }),
  ]);
  t.match(outcomes, [
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE' } },
  ]);
  t.match(registry.audit({ pluginId: 'demo', limit: 2 }), [
    { action: 'upgrade', by: 'bob', result: 'refused', errorCode: 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE' },
    { action: 'upgrade', by: 'ann', result: 'done', from: { version: 'v0.1.0' }, to: { version: 'v0.2.0' } },
  ]);
});

t.test('C70 C102: a marker of another process holds for 5 minutes, and not longer', async (t) => {
  let now = 1_700_000_000_000;
  const { registry, database } = await waiting(t, {}, { now: () => now });
  const markAt = (at: number) =>
    database.prepare("UPDATE sys_plugin SET current_state = 'upgrade_running', updated_at = ?").run(at);
  markAt(now);
  now += 299_000;
  await t.rejects(registry.upgrade('demo', { confirmed: true }), { code: 'PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING' });
  await registry.sync();
  now += 2000;
  t.match(await registry.upgrade('demo', { confirmed: true }), { runtimeState: 'normal', effectiveVersion: 'v0.2.0' });
  markAt(now + 3_600_000);
  t.match((await registry.disable('demo')).plugin, { status: 0 }, 'a clock that was set back keeps no marker alive');
});

// ---- rollback --------------------------------------------------------------------------------------------------------------

t.test('C112 F123: a rollback brings back the release before, without any SQL', async (t) => {
  const { registry, fake, ports, rows, stagingDir } = await waiting(t);
  await registry.upgrade('demo', { confirmed: true });
  ports.calls.length = 0;
  t.match(await registry.rollback('demo', { confirmed: true }), {
    fromVersion: 'v0.2.0',
    toVersion: 'v0.1.0',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.1.0',
    runtimeState: 'normal',
    executed: true,
  });
  t.match(registry.find('demo'), { version: 'v0.1.0', generation: 5, releaseId: 1, enabled: true });
  t.equal(registry.find('demo')?.artifact.routes[0]?.path, '/one');
  t.equal(fake.loaded.get('demo')?.version, 'v0.1.0');
  t.same(ports.calls, ['menus demo v0.1.0']);
  t.match(rows('sys_plugin_release'), [{ status: 'active' }, { status: 'installed' }]);
  t.match(rows('sys_plugin'), [{ restage: 0, release_id: 1 }]);
  const first = artifactOf('demo', 'v0.1.0', { installSql: SQL, routes: [{ path: '/one' }] });
  t.same(readFileSync(join(stagingDir, 'demo.wasm')), Buffer.from(first));
  t.match(await registry.rollback('demo', { confirmed: true, version: 'v0.2.0' }), { effectiveVersion: 'v0.2.0' });
});

t.test('C113: where no release was in effect before, there is nothing to roll back to', async (t) => {
  const { registry, house } = await waiting(t);
  const before = await standingOf(house, 'demo');
  const refused = (reason: RegExp) => ({ code: 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE', message: reason });
  await t.rejects(
    registry.rollback('demo', { confirmed: true }),
    refused(/^plugin demo cannot be rolled back: no release was effective before$/),
  );
  await t.rejects(registry.rollback('demo', { confirmed: true, version: 'v0.1.0' }), refused(/is the effective/));
  await t.rejects(
    registry.rollback('demo', { confirmed: true, version: 'v0.2.0' }),
    refused(/v0\.2\.0 was never in effect/),
  );
  await t.rejects(registry.rollback('demo', { confirmed: true, version: 'v9.0.0' }), refused(/no release v9\.0\.0$/));
  await t.rejects(registry.rollback('nobody', { confirmed: true }), { code: 'PLUGIN_NOT_FOUND' });
  await t.rejects(registry.rollback('demo', { confirmed: false }), {
    code: 'PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED',
  });
  t.same(await standingOf(house, 'demo'), before);
});

t.test('a release whose archived file is gone cannot be rolled back to', async (t) => {
  const { registry, dir } = await waiting(t);
  const { packagePath } = registry.find('demo')!;
  await registry.upgrade('demo', { confirmed: true });
  unlinkSync(join(dir, packagePath));
  await t.rejects(registry.rollback('demo', { confirmed: true }), {
    code: 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE',
    message: /archived file of v0\.1\.0 cannot be read/,
  });
});

t.test('a rollback that other plugins forbid is refused as such', async (t) => {
  const { registry } = await waiting(t);
  await registry.upgrade('demo', { confirmed: true });
  const dependencies = { plugins: [{ id: 'demo', version: '>=0.2.0' }] };
  await registry.upload(artifactOf('needy', 'v1.0.0', { manifest: { dependencies } }));
  await registry.install('needy');
  await t.rejects(registry.rollback('demo', { confirmed: true }), { code: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED' });
  t.match(await registry.previewRollback('demo'), {
    dependencyCheck: { reverseBlockers: [{ code: 'reverse_dependency_version' }] },
  });
});

for (const broken of ['engine', 'menus'] as const) {
  t.test(`a rollback that fails in the ${broken} changes nothing, and marks no release as failed`, async (t) => {
    const { registry, house, fake, ports, stagingDir } = await waiting(t);
    await registry.upgrade('demo', { confirmed: true });
    const before = { ...(await standingOf(house, 'demo')), staged: readFileSync(join(stagingDir, 'demo.wasm')) };
    if (broken === 'engine') fake.failure = new SandpoolError('SBX_MODULE_INVALID', { reason: 'x' });
    else ports.failures.set('menus demo', new Error('no parent'));
    await t.rejects(registry.rollback('demo', { confirmed: true }));
    const after = { ...(await standingOf(house, 'demo')), staged: readFileSync(join(stagingDir, 'demo.wasm')) };
    const row = {
      ...(before as { row?: object }).row,
      updated_at: (after as { row?: { updated_at: number } }).row?.updated_at,
    };
    t.same(after, { ...before, row });
    t.equal(fake.held.size, 0);
  });
}

t.test('a rollback drops a version that waits, also one that lies under another name', async (t) => {
  const { registry, stagingDir } = await waiting(t);
  await registry.upgrade('demo', { confirmed: true });
  unlinkSync(join(stagingDir, 'demo.wasm'));
  writeFileSync(join(stagingDir, 'by-hand.wasm'), artifactOf('demo', 'v0.3.0'));
  await registry.sync();
  t.match(await registry.rollback('demo', { confirmed: true }), {
    discoveredVersion: 'v0.1.0',
    runtimeState: 'normal',
  });
  t.notOk(existsSync(join(stagingDir, 'by-hand.wasm')));
  t.same(await registry.sync(), { total: 1, problems: [] });
  t.equal(registry.show('demo').runtimeState, 'normal');
});

t.test('a preview of a rollback says what the SQL of the newer release leaves behind', async (t) => {
  const same = await waiting(t);
  await same.registry.upgrade('demo', { confirmed: true });
  t.match(await same.registry.previewRollback('demo'), {
    fromVersion: 'v0.2.0',
    toVersion: 'v0.1.0',
    sqlCompatibility: 'unchanged',
    sqlLeft: [],
    differences: { routes: { added: ['GET /one'], removed: ['GET /two'] } },
  });
  const more = await waiting(t, { installSql: { ...SQL, '002-more.sql': 'ALTER TABLE plugin_demo_a ADD b INT' } });
  await more.registry.upgrade('demo', { confirmed: true });
  const preview = await more.registry.previewRollback('demo');
  t.match(preview, { sqlCompatibility: 'kept' });
  t.strictSame(preview.sqlLeft, ['002-more.sql']);
  await t.rejects(more.registry.previewRollback('nobody'), { code: 'PLUGIN_NOT_FOUND' });
});
