import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Artifact, SqlAsset } from '../../src/artifact/artifact.js';
import { openJournal } from '../../src/registry/journal.js';
import type { SqlRun } from '../../src/registry/ports.js';
import { createSqlPort } from '../../src/registry/sql-port.js';
import { createSqlRunner } from '../../src/registry/sql-runner.js';
import { hasPluginDatabase } from '../../src/store/plugin-database.js';
import { openDatabase } from '../../src/store/sqlite.js';

const file = (key: string, content: string): SqlAsset => ({ key, content });

function port(t: Test) {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandpool-'));
  const core = openDatabase(':memory:');
  t.teardown(() => {
    core.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  openJournal({ database: core, now: () => 0 });
  const warnings: string[] = [];
  const onWarning = (pluginId: string, { file: name, reason }: { file: string; reason: string }) =>
    void warnings.push(`${pluginId} ${name} ${reason}`);
  return {
    dataDir,
    core,
    warnings,
    sql: createSqlPort({ dataDir, core, runner: createSqlRunner({ dataDir }), onWarning }),
  };
}

const INSTALL = [file('001-a.sql', 'CREATE TABLE IF NOT EXISTS plugin_p (id INT PRIMARY KEY)')];

function artifactOf(sql: Partial<Artifact>): Artifact {
  return { manifest: { id: 'p' }, installSql: [], uninstallSql: [], mockSql: [], ...sql } as unknown as Artifact;
}

function runOf(artifact: Artifact, run: Partial<SqlRun> = {}): SqlRun {
  const data = { owner: '', service: 'data', tables: ['plugin_p'] };
  const authorization = { requested: [data], authorized: [], confirmed: false } as unknown as SqlRun['authorization'];
  return { pluginId: 'p', releaseId: 3, artifact, installMode: 'global', authorization, ...run };
}

t.test('an artifact with wrong SQL is refused with all that is wrong', async (t) => {
  const { sql, dataDir } = port(t);
  const installSql = [file('001-a.sql', 'VACUUM;\nSELECT * FROM sys_user')];
  await t.rejects(Promise.resolve(sql.check(artifactOf({ installSql }))), {
    code: 'SBX_SQL_UNSUPPORTED',
    message:
      '001-a.sql:1: VACUUM and ANALYZE is not available to plugins\n' +
      '001-a.sql:2: sys_user is not a table of plugin p: its tables are plugin_p and plugin_p_<name>',
    details: { file: '001-a.sql', line: 1, problems: { length: 2 } },
  });
  t.notOk(hasPluginDatabase(dataDir, 'p'));
});

t.test('SQL that cannot run twice is accepted with a warning (F069)', async (t) => {
  const { sql, warnings } = port(t);
  await sql.check(artifactOf({ installSql: [file('001-a.sql', 'CREATE TABLE plugin_p (id INT)')] }));
  t.same(warnings, ['p 001-a.sql cannot run twice: relation "plugin_p" already exists']);
});

t.test('every phase runs its own files, and the core has a copy of the ledger (C59, F005, F067)', async (t) => {
  const { sql, core, dataDir } = port(t);
  const artifact = artifactOf({
    installSql: INSTALL,
    mockSql: [file('001-m.sql', 'INSERT INTO plugin_p VALUES (1)')],
    uninstallSql: [file('001-u.sql', 'DROP TABLE plugin_p')],
  });
  for (const phase of ['install', 'mock', 'upgrade', 'uninstall'] as const) await sql.run(phase, runOf(artifact));
  const keys = core.prepare('SELECT migration_key FROM sys_plugin_migration ORDER BY id').pluck().all();
  t.same(keys, ['install-step-001', 'mock-step-001', 'upgrade-step-001', 'uninstall-step-001']);
  await sql.purge('p');
  t.notOk(hasPluginDatabase(dataDir, 'p'));
});

t.test('a plugin that is installed for tenants has a tenant in every table that it asks for', async (t) => {
  const { sql } = port(t);
  const artifact = artifactOf({ installSql: INSTALL });
  await t.rejects(sql.run('install', runOf(artifact, { installMode: 'tenant_scoped' })), {
    code: 'SBX_TENANT_COLUMN_MISSING',
    details: { pluginId: 'p', tables: 'plugin_p' },
  });
  await sql.run('install', runOf(artifact));
});

t.test('mock data that fails is told with its files (C57)', async (t) => {
  const { sql } = port(t);
  const artifact = artifactOf({
    installSql: INSTALL,
    mockSql: [
      file('001-m.sql', 'INSERT INTO plugin_p VALUES (1)'),
      file('002-m.sql', 'INSERT INTO plugin_p VALUES (1)'),
    ],
  });
  await sql.run('install', runOf(artifact));
  await t.rejects(sql.run('mock', runOf(artifact)), {
    code: 'PLUGIN_INSTALL_MOCK_DATA_FAILED',
    details: { pluginId: 'p', failedFile: '002-m.sql', rolledBackFiles: ['001-m.sql', '002-m.sql'] },
  });
});

t.test('a copy of the ledger that does not fit is a failure of the store', async (t) => {
  const { sql, core } = port(t);
  core.exec("CREATE TRIGGER full BEFORE INSERT ON sys_plugin_migration BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  const run = runOf(artifactOf({ installSql: INSTALL }));
  await t.rejects(sql.run('install', run), { code: 'SBX_STORE_FAILED', details: { reason: 'disk full' } });
  core.exec('DROP TRIGGER full');
  await sql.run('install', run);
});
