import t from 'tap';
import { artifactOf, SCOPED, standingOf } from '../../registry/house.js';
import { fakePorts } from '../../registry/ports.js';
import { openControlPlane } from '../control-plane.js';
import { askBystander } from '../fakes.js';

const CONFIRMED = { confirmed: true };

t.test('a preview says all that an upgrade would change, and changes nothing (E11, F011)', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo', 'v0.1.0', { hostServices: SCOPED, routes: [{ path: '/hello' }, { path: '/old' }] });
  const waiting = {
    hostServices: [{ service: 'storage', methods: ['get'], resources: { paths: ['a/'] } }],
    installSql: { '001-a.sql': 'SELECT 1' },
    routes: [{ path: '/hello' }, { path: '/new' }],
  };
  await plane.upload(artifactOf('demo', 'v0.2.0', waiting));
  const before = await standingOf(plane, 'demo');
  const { code, data } = await plane.ask('GET', '/demo/upgrade/preview');
  t.equal(code, 0);
  t.same(Object.keys(data ?? {}).sort(), [
    'dependencyCheck',
    'differences',
    'discoveredVersion',
    'effectiveVersion',
    'fromManifest',
    'hostServicesDiff',
    'pluginId',
    'riskHints',
    'runtimeState',
    'sqlSummary',
    'toManifest',
  ]);
  t.match(data, {
    pluginId: 'demo',
    runtimeState: 'pending_upgrade',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.2.0',
    fromManifest: {
      version: 'v0.1.0',
      routeCount: 2,
      authorizedHostServices: [{ service: 'runtime' }, { service: 'storage', paths: ['a/', 'b/'] }],
    },
    toManifest: {
      version: 'v0.2.0',
      installSqlCount: 1,
      hostServiceAuthRequired: true,
      requestedHostServices: [{ service: 'storage', methods: ['get'], paths: ['a/'] }],
    },
    dependencyCheck: { blockers: [] },
    sqlSummary: { installSqlCount: 1, uninstallSqlCount: 0, mockSqlCount: 0, runtimeSqlAssetCount: 1 },
    hostServicesDiff: {
      added: [],
      removed: [{ service: 'runtime' }],
      changed: [{ service: 'storage', fromMethods: ['get', 'put'], toMethods: ['get'], toPaths: ['a/'] }],
      authorizationRequired: true,
      authorizationChanged: true,
    },
    riskHints: [
      'plugin.runtimeUpgrade.risk.upgradeSqlRequiresReview',
      'plugin.runtimeUpgrade.risk.hostServiceAuthorizationChanged',
    ],
    differences: { routes: { added: ['GET /new'], removed: ['GET /old'], changed: [] } },
  });
  t.same(await standingOf(plane, 'demo'), before);
  t.equal(await askBystander(plane.app), '200 pong');
});

t.test('an upgrade is in effect with its answer, and asks for consent to what is new (E12, F012)', async (t) => {
  const { serve, upload, ask, app } = await openControlPlane(t);
  await serve('demo');
  await upload(artifactOf('demo', 'v0.2.0', { hostServices: SCOPED }));
  t.strictSame((await ask('POST', '/demo/upgrade', CONFIRMED)).data, {
    pluginId: 'demo',
    runtimeState: 'normal',
    effectiveVersion: 'v0.2.0',
    discoveredVersion: 'v0.2.0',
    fromVersion: 'v0.1.0',
    toVersion: 'v0.2.0',
    executed: true,
    pendingHostServices: [{ service: 'storage', methods: ['get', 'put'], paths: ['a/', 'b/'] }],
  });
  t.match(await app.inject('/x/demo/hello'), { statusCode: 200, body: /^v0\.2\.0 / });

  await upload(artifactOf('demo', 'v0.3.0', { hostServices: SCOPED.slice(0, 1) }));
  const authorization = { services: [{ service: 'storage', paths: ['a/'] }] };
  t.notOk((await ask('POST', '/demo/upgrade', { confirmed: true, authorization })).data?.pendingHostServices);
  t.match(await ask('GET', '/demo'), {
    data: { authorizationStatus: 'confirmed', authorizedHostServices: [{ paths: ['a/'] }] },
  });
  t.equal(await askBystander(app), '200 pong');
});

t.test('what cannot be switched says so, and changes nothing (E11, E12, E15)', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo');
  await plane.upload(artifactOf('staged'));
  const before = await standingOf(plane, 'demo');
  const cases = [
    ['GET', '/nope/upgrade/preview', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['GET', '/demo/upgrade/preview', undefined, 55, 'PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE'],
    ['GET', '/staged/upgrade/preview', undefined, 55, 'PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE'],
    ['POST', '/nope/upgrade', CONFIRMED, 65, 'PLUGIN_NOT_FOUND'],
    ['POST', '/demo/upgrade', { confirmed: false }, 55, 'PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED'],
    ['POST', '/demo/upgrade', CONFIRMED, 55, 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE'],
    ['POST', '/demo/rollback', { confirmed: false }, 55, 'PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED'],
    ['POST', '/nope/rollback', CONFIRMED, 65, 'PLUGIN_NOT_FOUND'],
    ['POST', '/demo/rollback', CONFIRMED, 55, 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE'],
    ['POST', '/demo/rollback', { ...CONFIRMED, version: 'v9.0.0' }, 55, 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE'],
    ['GET', '/demo/rollback/preview', undefined, 55, 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE'],
    ['GET', '/nope/rollback/preview', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['GET', '/nope/releases', undefined, 65, 'PLUGIN_NOT_FOUND'],
  ] as const;
  for (const [method, path, body, code, errorCode] of cases) {
    const answer = await plane.ask(method, path, body);
    t.match(
      answer,
      { status: 200, code, data: null, errorCode, messageParams: { pluginId: /./ } },
      `${method} ${path}`,
    );
  }
  t.same(await standingOf(plane, 'demo'), before);
  t.equal(await askBystander(plane.app), '200 pong');
});

t.test(
  'a failed upgrade leaves the release before it, tells its phase, and may be tried again (E12, F013)',
  async (t) => {
    const ports = fakePorts();
    const { serve, upload, ask, registry, app } = await openControlPlane(t, { sql: ports.sql, servesPending: true });
    await serve('demo');
    await upload(artifactOf('demo', 'v0.2.0', { installSql: { '001-a.sql': 'SELECT 1' } }));
    ports.failures.set('upgrade demo', new Error('no such column: title'));
    t.match(await ask('POST', '/demo/upgrade', CONFIRMED), {
      status: 200,
      code: 55,
      errorCode: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED',
      messageParams: { pluginId: 'demo', fromVersion: 'v0.1.0', toVersion: 'v0.2.0' },
    });
    t.match(await ask('GET', ''), {
      data: {
        list: [
          { id: 'bystander' },
          {
            runtimeState: 'upgrade_failed',
            effectiveVersion: 'v0.1.0',
            lastUpgradeFailure: {
              phase: 'sql',
              errorCode: 'plugin_upgrade_migration_failed',
              messageKey: 'plugin.runtimeUpgrade.failure.migrationFailed',
              releaseVersion: 'v0.2.0',
              detail: 'no such column: title',
            },
          },
        ],
      },
    });
    t.match(await app.inject('/x/demo/hello'), { statusCode: 200, body: /^v0\.1\.0 / });
    t.match(await ask('GET', '/demo/upgrade/preview'), { code: 0, data: { runtimeState: 'upgrade_failed' } });
    ports.failures.clear();
    t.match(await ask('POST', '/demo/upgrade', CONFIRMED), { code: 0, data: { runtimeState: 'normal' } });
    t.equal(registry.find('demo')?.version, 'v0.2.0');
    t.equal(await askBystander(app), '200 pong');
  },
);

t.test('every release that is kept can be previewed and gone back to (E15, F017, F123)', async (t) => {
  const { serve, upload, ask, app } = await openControlPlane(t);
  await serve('demo', 'v0.1.0', { routes: [{ path: '/hello' }, { path: '/old' }] });
  await upload(artifactOf('demo', 'v0.2.0', { installSql: { '001-a.sql': 'SELECT 1' } }));
  await ask('POST', '/demo/upgrade', CONFIRMED);
  t.match(await ask('GET', '/demo/releases'), {
    data: {
      total: 2,
      list: [
        { version: 'v0.1.0', status: 'installed', isEffective: false, isArchived: true },
        { version: 'v0.2.0', status: 'active', isEffective: true },
      ],
    },
  });
  t.match(await ask('GET', '/demo/rollback/preview?version=v0.1.0'), {
    data: {
      pluginId: 'demo',
      fromVersion: 'v0.2.0',
      toVersion: 'v0.1.0',
      sqlCompatibility: 'kept',
      sqlLeft: ['001-a.sql'],
      differences: { routes: { added: ['GET /old'] } },
    },
  });
  t.strictSame((await ask('POST', '/demo/rollback', CONFIRMED)).data, {
    pluginId: 'demo',
    runtimeState: 'normal',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.1.0',
    fromVersion: 'v0.2.0',
    toVersion: 'v0.1.0',
    executed: true,
  });
  t.match(await app.inject('/x/demo/hello'), { statusCode: 200, body: /^v0\.1\.0 / });
  t.match(await ask('POST', '/demo/rollback', { ...CONFIRMED, version: 'v0.2.0' }), { data: { toVersion: 'v0.2.0' } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('two operators at once: each is answered, and one release is in effect', async (t) => {
  const { serve, upload, ask, app, registry } = await openControlPlane(t);
  await serve('demo');
  await upload(artifactOf('demo', 'v0.2.0'));
  const answers = await Promise.all([
    ask('POST', '/demo/upgrade', CONFIRMED),
    ask('POST', '/demo/upgrade', CONFIRMED),
    ask('PUT', '/demo/disable'),
    ask('PUT', '/demo/enable'),
  ]);
  const codes = answers.map(({ code, errorCode }) => errorCode ?? code);
  t.equal(codes.filter((code) => code === 0).length, 3, codes.join(' '));
  t.match(codes[1], /^PLUGIN_RUNTIME_UPGRADE_(UNAVAILABLE|ALREADY_RUNNING)$/);
  t.match(registry.find('demo'), { version: 'v0.2.0', enabled: true, runtimeState: 'normal' });
  t.equal((await app.inject('/x/demo/hello')).statusCode, 200);
  t.equal(await askBystander(app), '200 pong');
});
