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
    requestedHostServices: [{ service: 'data', methods: ['list', 'get'], tables: ['plugin_a'] }],
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
requested host services:
  data  list, get  plugin_a
granted host services:
  data  get  plugin_a
routes:
  GET   /x/a/api/v1/records  public
  POST  /x/a/api/v1/records  login   a:records:create
`,
  );
  t.same(JSON.parse((await sandpool(['show', 'a', '--url', url, '--json'], { cwd })).stdout), detail);
});
