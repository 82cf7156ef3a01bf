/** Declared hooks on a whole host: who hears what, and that nothing depends on them. */
import t from 'tap';
import { type ArtifactParts, buildArtifact } from '../artifact/build.js';
import { ADMIN_PASSWORD, startTestHost, type TestHost } from './host.js';

t.setTimeout(600_000);

const writing = (event: string, fields: object = { what: event, who: 'event.userName' }) => ({
  event,
  table: 'plugin_demo_log',
  fields,
});
const LIFE = { what: 'event.name', who: 'event.version' };

function release(version: string, hooks: readonly object[]): ArtifactParts {
  return {
    manifest: { id: 'demo', name: 'Demo', version, defaultInstallMode: 'global' },
    installSql: {
      '001-log.sql': 'CREATE TABLE IF NOT EXISTS plugin_demo_log (id SERIAL PRIMARY KEY, what TEXT, who TEXT)',
    },
    uninstallSql: { '001-log.sql': 'DROP TABLE IF EXISTS plugin_demo_log' },
    hooks,
    resources: [
      {
        key: 'log',
        table: 'plugin_demo_log',
        fields: [
          { name: 'what', column: 'what' },
          { name: 'who', column: 'who' },
        ],
        orderBy: { column: 'id', direction: 'asc' },
      },
    ],
  };
}

const logIn = (host: TestHost, password: string) =>
  host.fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  });

/** What was written down; the login that it takes to read it is the last line. */
async function written(host: TestHost): Promise<string[]> {
  const answer = await host.fetch('/api/v1/plugins/demo/resources/log?pageSize=100', {
    headers: await host.authorization(),
  });
  const { data } = JSON.parse(answer.text) as { data: { list: { what: string; who: string }[] } };
  return data.list.map(({ what, who }) => `${what} ${who}`);
}

t.test('C93 C94 a login succeeds whatever hooks do, and is heard of by plugins that are enabled', async (t) => {
  const host = await startTestHost(t);
  const events = ['auth.login.succeeded', 'auth.login.failed', 'auth.logout.succeeded'];
  await host.serve(
    'demo',
    release('v0.1.0', [
      { event: 'auth.login.succeeded', action: 'sleep', sleepMs: 600_000, timeoutMs: 1 },
      { event: 'auth.login.succeeded', action: 'error', errorMessage: 'on purpose' },
      ...events.map((event) => writing(event)),
    ]),
  );
  t.equal((await logIn(host, 'wrong')).status, 401);
  const first = await logIn(host, ADMIN_PASSWORD);
  t.equal(first.status, 200);
  const token = (JSON.parse(first.text) as { data: { accessToken: string } }).data.accessToken;
  await host.fetch('/api/v1/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const heard = ['auth.login.failed admin', 'auth.login.succeeded admin', 'auth.logout.succeeded admin'];
  t.same(await written(host), [...heard, 'auth.login.succeeded admin']);

  await host.registry.disable('demo');
  t.equal((await logIn(host, ADMIN_PASSWORD)).status, 200);
  await host.registry.enable('demo');
  t.same(await written(host), [...heard, 'auth.login.succeeded admin', 'auth.login.succeeded admin']);
});

t.test('a plugin hears of its own life, and no other plugin does', async (t) => {
  const host = await startTestHost(t);
  const events = ['installed', 'enabled', 'disabled', 'upgraded', 'uninstalled'].map((name) => `plugin.${name}`);
  const hooks = events.map((event) => writing(event, { what: event, who: 'event.version' }));
  await host.serve('demo', release('v0.1.0', hooks));
  await host.serve('other', { hooks: [{ event: 'plugin.enabled', action: 'error', errorMessage: 'of the other' }] });
  await host.registry.disable('demo');
  await host.registry.upload(buildArtifact(release('v0.2.0', [writing('plugin.upgraded', LIFE), ...hooks])));
  await host.registry.upgrade('demo', { confirmed: true });
  await host.registry.uninstall('demo', { purgeStorageData: false });
  await host.registry.install('demo', { grantUnreviewed: true });
  await host.registry.enable('demo');
  t.same(await written(host), [
    'plugin.installed v0.1.0',
    'plugin.enabled v0.1.0',
    'plugin.disabled v0.1.0',
    'Demo v0.2.0',
    'plugin.upgraded v0.2.0',
    'plugin.uninstalled v0.2.0',
    'plugin.installed v0.2.0',
    'plugin.enabled v0.2.0',
  ]);
  t.same(host.registry.show('demo').notExecuted, []);
  await host.registry.uninstall('demo');
  t.equal(
    host.registry.show('demo').plugin.installed,
    0,
    'what is purged has no table to write to, and goes all the same',
  );
});

t.test('plugins hear that the host has started', async (t) => {
  const directory = t.testdir({});
  const first = await startTestHost(t, {}, directory);
  await first.serve('demo', release('v0.1.0', [writing('system.started')]));
  t.same(await written(first), []);
  await first.close();
  const host = await startTestHost(t, {}, directory);
  let rows: string[] = [];
  while (rows.length === 0) rows = await written(host);
  t.same(rows, ['system.started null']);
});
