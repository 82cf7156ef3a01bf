/** SQL of plugins in a whole host: what is executed at which step, and what a crash leaves. */
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../src/store/sqlite.js';
import { buildArtifact } from '../artifact/build.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(600_000);

const INSTALL = `CREATE TABLE IF NOT EXISTS plugin_demo_note (id INT PRIMARY KEY, title TEXT, tenant_id INT NOT NULL DEFAULT 0);
  INSERT INTO plugin_demo_note VALUES (1, 'first') ON CONFLICT DO NOTHING`;
const release = (version: string, more: object = {}) => ({
  manifest: { id: 'demo', name: 'demo', version },
  installSql: { '001-notes.sql': INSTALL },
  uninstallSql: { '001-notes.sql': 'DROP TABLE IF EXISTS plugin_demo_note' },
  mockSql: { '001-notes.sql': "INSERT INTO plugin_demo_note VALUES (2, 'mock')" },
  hostServices: [{ service: 'data', methods: ['list'], resources: { tables: ['plugin_demo_note'] } }],
  resources: [
    {
      key: 'notes',
      table: 'plugin_demo_note',
      fields: [{ name: 'title', column: 'title' }],
      orderBy: { column: 'id', direction: 'asc' },
    },
  ],
  ...more,
});

/** What the resource API shows of the plugin's notes: titles, or the code of a refusal. */
async function notes(host: TestHost): Promise<unknown> {
  const { text } = await host.fetch('/api/v1/plugins/demo/resources/notes', { headers: await host.authorization() });
  const { data, errorCode } = JSON.parse(text) as { data: { list: { title: string }[] } | null; errorCode?: string };
  return data?.list.map(({ title }) => title) ?? errorCode;
}

t.test(
  'tables come with the install, stay as long as wanted, and go with the purge (F005, F009, F066, F067)',
  async (t) => {
    const host = await startTestHost(t);
    const { registry } = host;
    await registry.upload(buildArtifact(release('v0.1.0')));
    const { notExecuted } = await registry.install('demo', { grantUnreviewed: true, installMockData: true });
    t.same(notExecuted, []);
    await registry.enable('demo');
    t.same(await notes(host), ['first', 'mock']);

    await registry.upload(
      buildArtifact(
        release('v0.2.0', { installSql: { '001-notes.sql': INSTALL.replace(/first/, 'second').replace('(1', '(3') } }),
      ),
    );
    await registry.upgrade('demo', { confirmed: true });
    t.same(await notes(host), ['first', 'mock', 'second']);

    await registry.uninstall('demo', { purgeStorageData: false });
    await registry.install('demo', { grantUnreviewed: true });
    await registry.enable('demo');
    t.same(await notes(host), ['first', 'mock', 'second'], 'what was kept is there again');

    await registry.uninstall('demo');
    await registry.install('demo', { grantUnreviewed: true });
    await registry.enable('demo');
    t.same(await notes(host), ['second'], 'what was purged is not');
  },
);

t.test('SQL that cannot be carried out is refused with the upload, file and line (C50, F065)', async (t) => {
  const host = await startTestHost(t);
  const installSql = { '001-notes.sql': 'CREATE TABLE plugin_demo (id INT);\nDROP TABLE sys_user' };
  await t.rejects(host.registry.upload(buildArtifact(release('v0.1.0', { installSql }))), {
    code: 'SBX_SQL_UNSUPPORTED',
    details: { file: '001-notes.sql', line: 2 },
  });
  t.same(host.registry.list(), []);
});

t.test('a plugin for tenants whose tables do not say whose a row is, is not installed (F071)', async (t) => {
  const host = await startTestHost(t);
  const installSql = { '001-notes.sql': 'CREATE TABLE plugin_demo_note (id INT)' };
  await host.registry.upload(buildArtifact(release('v0.1.0', { installSql, mockSql: {} })));
  await t.rejects(host.registry.install('demo', { installMode: 'tenant_scoped' }), {
    code: 'SBX_TENANT_COLUMN_MISSING',
  });
  t.match(host.registry.show('demo'), { plugin: { installed: 0 } });
  await host.registry.install('demo', { installMode: 'global' });
  t.match(host.registry.show('demo'), { plugin: { installed: 1 } });
});

t.test('what a crash kept from being copied is copied at the next start', async (t) => {
  const directory = t.testdir({});
  const before = await startTestHost(t, {}, directory);
  await before.serve('demo', release('v0.1.0'));
  await before.close();
  const file = join(directory, 'data', 'sandpool.db');
  const ledger = () => {
    const database = openDatabase(file);
    const rows = database.prepare('SELECT phase, migration_key, status FROM sys_plugin_migration').all();
    database.prepare('DELETE FROM sys_plugin_migration').run();
    database.close();
    return rows;
  };
  const rows = ledger();
  t.match(rows, [{ phase: 'install', migration_key: 'install-step-001', status: 'succeeded' }]);
  const again = await startTestHost(t, {}, directory);
  await again.close();
  t.same(ledger(), rows);
});

t.test('SQL without an end is ended after plugin.sqlDeadlineMs, and nothing is installed', async (t) => {
  const host = await startTestHost(t, { PLUGIN_SQL_DEADLINE_MS: '1500' });
  const endless =
    'WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) INSERT INTO plugin_demo SELECT count(*) FROM a';
  const artifact = buildArtifact(
    release('v0.1.0', { installSql: { '001-a.sql': `CREATE TABLE plugin_demo (id BIGINT); ${endless}` }, mockSql: {} }),
  );
  await t.rejects(host.registry.upload(artifact), { code: 'SBX_SQL_DEADLINE' });
});
