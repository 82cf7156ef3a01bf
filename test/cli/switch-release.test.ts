import t from 'tap';
import { playHost, sandpool } from './command-line.js';

const cwd = t.testdir({});
const result = (fromVersion: string, toVersion: string) => ({
  pluginId: 'acme',
  fromVersion,
  toVersion,
  executed: true,
});
const waiting = [{ service: 'storage', methods: ['get'], paths: ['b/'] }];
const detail = {
  id: 'acme',
  name: 'Acme',
  version: 'v0.2.0',
  type: 'dynamic',
  runtimeState: 'normal',
  installed: 1,
  enabled: 1,
  authorizationStatus: 'confirmed',
};
const answers = {
  'POST /plugins/acme/upgrade': result('v0.1.0', 'v0.2.0'),
  'POST /plugins/acme/rollback': result('v0.3.0', 'v0.2.0'),
  'GET /plugins/acme/upgrade/preview': { toManifest: { requestedHostServices: waiting } },
  'GET /plugins/acme': detail,
};

t.test('an upgrade is confirmed by its command, and grants what the new version asks for', async (t) => {
  const { url, received } = await playHost(t, answers);
  const ran = await sandpool(['upgrade', 'acme', '--grant', 'all', '--url', url], { cwd });
  t.same(ran, { code: 0, stdout: 'acme v0.2.0 is enabled\nit was v0.1.0 before\n', stderr: '' });
  t.same(JSON.parse(received[1]?.body ?? ''), { confirmed: true, authorization: { services: waiting } });
  await sandpool(['upgrade', 'acme', '--url', url], { cwd });
  t.same(JSON.parse(received[3]?.body ?? ''), { confirmed: true });
});

t.test('a rollback goes to the release before, or to the one that is named', async (t) => {
  const { url, received } = await playHost(t, answers);
  const ran = await sandpool(['rollback', 'acme', '--url', url], { cwd });
  t.same(ran, { code: 0, stdout: 'acme v0.2.0 is enabled\nit was v0.3.0 before\n', stderr: '' });
  const json = await sandpool(['rollback', 'acme', '--to', 'v0.2.0', '--json', '--url', url], { cwd });
  t.same(JSON.parse(json.stdout), result('v0.3.0', 'v0.2.0'));
  const bodies = received.filter(({ request }) => request.startsWith('POST')).map(({ body }) => JSON.parse(body));
  t.same(bodies, [{ confirmed: true }, { confirmed: true, version: 'v0.2.0' }]);
});
