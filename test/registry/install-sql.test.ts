import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { mirrorLedger, type PhaseOptions, runPhase, upgradeFailureRow } from '../../src/registry/install-sql.js';
import { openJournal } from '../../src/registry/journal.js';
import { loadParser } from '../../src/store/dialect/parse.js';
import { readLedger } from '../../src/store/plugin-catalog.js';
import { openScratchDatabase } from '../../src/store/plugin-database.js';
import { type Database, openDatabase } from '../../src/store/sqlite.js';

await loadParser();

const INSTALL = [
  { key: '001-tables.sql', content: 'CREATE TABLE IF NOT EXISTS plugin_p (id INT PRIMARY KEY, tenant_id INT)' },
  { key: '002-rows.sql', content: 'INSERT INTO plugin_p VALUES (1, 0) ON CONFLICT DO NOTHING' },
];
const NOW = Date.UTC(2026, 4, 1);

function scratch(t: Test): Database {
  const database = openScratchDatabase();
  t.teardown(() => database.close());
  return database;
}

function phase(database: Database, options: Partial<PhaseOptions> = {}) {
  return runPhase(database, {
    pluginId: 'p',
    releaseId: 7,
    phase: 'install',
    files: INSTALL,
    now: () => NOW,
    ...options,
  });
}

const count = (database: Database, table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();

t.test('install runs the files in order and writes a row for each (C54, F005, F066)', async (t) => {
  const database = scratch(t);
  const rows = phase(database);
  t.same(
    rows.map(({ migrationKey, executionOrder, status, phase: name, executedAt }) => [
      name,
      migrationKey,
      executionOrder,
      status,
      executedAt,
    ]),
    [
      ['install', 'install-step-001', 1, 'succeeded', NOW],
      ['install', 'install-step-002', 2, 'succeeded', NOW],
    ],
  );
  t.equal(rows[1]?.checksum, '7205671a884dc4a2d55be7acfdaaad746e3c058adb5a8fe4fe899f72c0ddb64a');
  t.same(readLedger(database), rows);
});

t.test('a phase that is not wanted any more when it could begin changes nothing', async (t) => {
  const database = scratch(t);
  const asked: boolean[] = [];
  const requireWanted = (): never => {
    asked.push(database.inTransaction);
    throw new SandpoolError('SBX_SHUTTING_DOWN');
  };
  t.throws(() => phase(database, { requireWanted }), { code: 'SBX_SHUTTING_DOWN' });
  t.same(asked, [true], 'asked once nobody else can write');
  t.same(readLedger(database), []);
  t.throws(() => count(database, 'plugin_p'), /no such table/);
});

t.test('install SQL runs twice, its rows are replaced and not doubled (C54, F069)', async (t) => {
  const database = scratch(t);
  phase(database);
  phase(database, { now: () => NOW + 1 });
  t.equal(count(database, 'plugin_p'), 1);
  t.same(
    readLedger(database).map(({ executedAt }) => executedAt),
    [NOW + 1, NOW + 1],
  );
});

t.test('the second file fails: nothing of the first is left, nor in the ledger (C55, F073)', async (t) => {
  const database = scratch(t);
  const files = [INSTALL[0]!, { key: '002-bad.sql', content: 'INSERT INTO plugin_p VALUES (1, 0), (1, 0)' }];
  t.throws(() => phase(database, { files }), {
    code: 'SBX_SQL_FAILED',
    message: '002-bad.sql:1: UNIQUE constraint failed: plugin_p.id',
  });
  t.same(readLedger(database), []);
  t.throws(() => count(database, 'plugin_p'), /no such table/);
});

t.test('the ledger cannot be written: the SQL is undone (C56)', async (t) => {
  const database = scratch(t);
  database.exec(
    "CREATE TRIGGER no_ledger BEFORE INSERT ON sandpool_ledger BEGIN SELECT raise(ABORT, 'ledger is closed'); END",
  );
  t.throws(() => phase(database), { code: 'SBX_STORE_FAILED', details: { reason: 'ledger is closed' } });
  t.throws(() => count(database, 'plugin_p'), /no such table/);
});

t.test('mock data fails: its rows go, what is installed stays (C57)', async (t) => {
  const database = scratch(t);
  phase(database);
  const files = [
    { key: '001-a.sql', content: 'INSERT INTO plugin_p VALUES (2, 0)' },
    { key: '002-b.sql', content: 'INSERT INTO plugin_p VALUES (3, 0);\nINSERT INTO plugin_p VALUES (1, 0)' },
    { key: '003-c.sql', content: 'SELECT 1' },
  ];
  t.throws(() => phase(database, { phase: 'mock', files }), {
    code: 'PLUGIN_INSTALL_MOCK_DATA_FAILED',
    details: {
      pluginId: 'p',
      failedFile: '002-b.sql',
      rolledBackFiles: ['001-a.sql', '002-b.sql'],
      cause: '002-b.sql:2: UNIQUE constraint failed: plugin_p.id',
    },
  });
  t.equal(count(database, 'plugin_p'), 1);
  t.same(
    readLedger(database).map(({ phase: name }) => name),
    ['install', 'install'],
  );
});

t.test('no mock files is success, and writes nothing (C58)', async (t) => {
  const database = scratch(t);
  t.same(phase(database, { phase: 'mock', files: [] }), []);
  t.same(readLedger(database), []);
});

t.test('mock data is noted under its own phase (C59)', async (t) => {
  const database = scratch(t);
  phase(database);
  const [row] = phase(database, {
    phase: 'mock',
    files: [{ key: '001-a.sql', content: 'INSERT INTO plugin_p VALUES (2, 0)' }],
  });
  t.match(row, { phase: 'mock', migrationKey: 'mock-step-001' });
});

t.test('upgrade runs the files of the new release, and repeated runs change nothing (F137)', async (t) => {
  const database = scratch(t);
  phase(database);
  const files = [
    ...INSTALL,
    { key: '003-more.sql', content: 'ALTER TABLE plugin_p ADD COLUMN IF NOT EXISTS n INT DEFAULT 5' },
  ];
  phase(database, { phase: 'upgrade', releaseId: 8, files });
  phase(database, { phase: 'upgrade', releaseId: 8, files });
  t.same(database.prepare('SELECT * FROM plugin_p').all(), [{ id: 1, tenant_id: 0, n: 5 }]);
  t.same(
    readLedger(database)
      .map(({ releaseId, migrationKey }) => `${releaseId} ${migrationKey}`)
      .sort(),
    ['7 install-step-001', '7 install-step-002', '8 upgrade-step-001', '8 upgrade-step-002', '8 upgrade-step-003'],
  );
});

t.test('uninstall SQL that fails leaves everything (C50, F067)', async (t) => {
  const database = scratch(t);
  phase(database);
  const files = [{ key: '001-u.sql', content: 'DROP TABLE plugin_p; DROP TABLE plugin_p' }];
  t.throws(() => phase(database, { phase: 'uninstall', files }), { code: 'SBX_SQL_INVALID' });
  t.equal(count(database, 'plugin_p'), 1);
  phase(database, { phase: 'uninstall', files: [{ key: '001-u.sql', content: 'DROP TABLE IF EXISTS plugin_p' }] });
  t.throws(() => count(database, 'plugin_p'), /no such table/);
});

t.test('tables for tenants must have a column tenant_id (F071)', async (t) => {
  const database = scratch(t);
  const files = [
    { key: '001-a.sql', content: 'CREATE TABLE plugin_p (id INT, tenant_id INT); CREATE TABLE plugin_p_log (id INT)' },
  ];
  t.throws(() => phase(database, { files, tenantTables: ['plugin_p', 'PLUGIN_P_LOG', 'plugin_p_later'] }), {
    code: 'SBX_TENANT_COLUMN_MISSING',
    details: { pluginId: 'p', tables: 'plugin_p_log' },
  });
  t.same(readLedger(database), []);
  phase(database, { files, tenantTables: ['plugin_p'] });
  t.equal(readLedger(database).length, 1);
});

t.test('the core database gets a copy of the ledger, once (C54)', async (t) => {
  const core = openDatabase(':memory:');
  t.teardown(() => core.close());
  openJournal({ database: core, now: () => NOW });
  const rows = phase(scratch(t));
  mirrorLedger(core, rows);
  mirrorLedger(core, rows);
  mirrorLedger(core, [upgradeFailureRow('p', 8, 'sql', new Error('x'.repeat(2000)), NOW)]);
  t.same(
    core
      .prepare(
        'SELECT release_id, phase, migration_key, status, length(error_message) AS length FROM sys_plugin_migration ORDER BY id',
      )
      .all(),
    [
      { release_id: 7, phase: 'install', migration_key: 'install-step-001', status: 'succeeded', length: 0 },
      { release_id: 7, phase: 'install', migration_key: 'install-step-002', status: 'succeeded', length: 0 },
      { release_id: 8, phase: 'upgrade', migration_key: 'upgrade-phase-sql', status: 'failed', length: 1024 },
    ],
  );
});
