import t from 'tap';
import { playHost, sandpool } from './command-line.js';

t.test('a plugin is shown with its host services and routes', async (t) => {
  const detail = {
    id: 'a',
    name: 'A',
    version: '0.1.0',
    type: 'dynamic',
    runtimeState: 'normal',
    installed: 1,
    enabled: 1,
    authorizationStatus: 'confirmed',
    isolation: 'fresh',
    isolationObstacles: ['instances cannot be reset: it uses table.set'],
    requestedHostServices: [
      {
        service: 'data',
        methods: ['list', 'get'],
        tables: ['plugin_a', 'plugin_a_log'],
        tableItems: [{ name: 'plugin_a', comment: 'Records' }, { name: 'plugin_a_log' }],
      },
    ],
    authorizedHostServices: [{ service: 'data', methods: ['get'], tables: ['plugin_a'] }],
    declaredRoutes: [
      { method: 'GET', publicPath: '/x/a/api/v1/records', access: 'public' },
      { method: 'POST', publicPath: '/x/a/api/v1/records', access: 'login', permission: 'a:records:create' },
    ],
  };
  const { url } = await playHost(t, { 'GET /plugins/a': detail });
  const cwd = t.testdir();
  t.equal(
    (await sandpool(['show', 'a', '--url', url], { cwd })).stdout,
    `id             a
name           A
type           dynamic
version        0.1.0
state          enabled
authorization  confirmed
isolation      fresh, because instances cannot be reset: it uses table.set
requested host services:
  data  list, get  plugin_a (Records), plugin_a_log
granted host services:
  data  get  plugin_a
routes:
  GET   /x/a/api/v1/records  public
  POST  /x/a/api/v1/records  login   a:records:create
`,
  );
  t.same(JSON.parse((await sandpool(['show', 'a', '--url', url, '--json'], { cwd })).stdout), detail);
});

t.test('what waits, what failed, what is needed and what was not executed is shown', async (t) => {
  const detail = {
    id: 'a',
    name: 'A',
    version: 'v0.1.0',
    type: 'dynamic',
    runtimeState: 'upgrade_failed',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.2.0',
    installed: 1,
    enabled: 1,
    lastUpgradeFailure: { releaseVersion: 'v0.2.0', phase: 'sql', detail: 'no table' },
    diagnosis: { errorCode: 'SBX_SQL_FAILED', message: 'no table' },
    dependencyCheck: {
      dependencies: [
        { dependencyId: 'base', requiredVersion: '>=v1.0.0', currentVersion: 'v1.2.0', status: 'satisfied' },
      ],
      reverseDependents: [{ pluginId: 'top', version: 'v3.0.0', requiredVersion: '>=v0.1.0' }],
    },
    notExecuted: [{ part: 'hooks', count: 2, executed: 0 }],
  };
  const { url } = await playHost(t, { 'GET /plugins/a': detail });
  t.equal(
    (await sandpool(['show', 'a', '--url', url], { cwd: t.testdir() })).stdout,
    `id               a
name             A
type             dynamic
version          v0.1.0
state            enabled, upgrade_failed
waiting version  v0.2.0; sandpool preview shows what it would change
failed upgrade   v0.2.0 in sql: no table
last failure     SBX_SQL_FAILED: no table
depends on:
  base  >=v1.0.0  v1.2.0  satisfied
needed by:
  top  v3.0.0  >=v0.1.0
not executed:
  hooks  2
`,
  );
});
