/**
 * The SQL of a release: its phases, and the ledger of what was executed (`spec/governance.md` §3).
 *
 * Data and ledger of a plugin lie in one file, so that one transaction holds both; `sys_plugin_migration` of the core database is
 * a copy, written after it. A crash between the two leaves a copy that lags, and `mirrorLedger` brings it up to date.
 */
import { createHash } from 'node:crypto';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { columnOf, tableOf } from '../store/dialect/model.js';
import { type LedgerRow, writeLedger } from '../store/plugin-catalog.js';
import { runFiles, type SqlFile } from '../store/plugin-sql.js';
import type { Database } from '../store/sqlite.js';

export type { LedgerRow } from '../store/plugin-catalog.js';
export type { SqlFile } from '../store/plugin-sql.js';

/** `upgrade` runs the install files of the new release. Mock files run in their own phase alone. */
export type SqlPhase = 'install' | 'upgrade' | 'uninstall' | 'mock';

export interface PhaseOptions {
  readonly pluginId: string;
  readonly releaseId: number;
  readonly phase: SqlPhase;
  /** In the order of the artifact. */
  readonly files: readonly SqlFile[];
  /** Tables that `data` may reach, when the plugin is installed for tenants: each must have a column `tenant_id`. */
  readonly tenantTables?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Asks whether it is still wanted, once nobody else can write; what it throws ends the phase. */
  readonly requireWanted?: () => void;
}

/**
 * Runs the files of one phase and writes their ledger rows, in one transaction; all files run, also those that ran before.
 * The rows that were written are answered, for the copy in the core database. No files, no transaction.
 * @throws SBX_SQL_INVALID, SBX_SQL_UNSUPPORTED, SBX_SQL_FAILED `{file, line, reason}`; SBX_TENANT_COLUMN_MISSING
 *   `{pluginId, tables}`; PLUGIN_INSTALL_MOCK_DATA_FAILED `{pluginId, failedFile, rolledBackFiles, cause}` for mock data;
 *   SBX_STORE_FAILED. Nothing is left behind then.
 */
export function runPhase(database: Database, options: PhaseOptions): readonly LedgerRow[] {
  const { pluginId, phase, files, tenantTables = [], now = Date.now, requireWanted } = options;
  if (files.length === 0) return [];
  const rows = files.map((file, at) => ledgerRow(options, file, at, now()));
  try {
    runFiles(database, {
      pluginId,
      files,
      afterBegin: requireWanted,
      beforeCommit: (catalog) => {
        const isWithout = (name: string) => {
          const table = tableOf(catalog, name);
          return table !== undefined && columnOf(table, 'tenant_id') === undefined;
        };
        const tables = tenantTables.map((name) => name.toLowerCase()).filter(isWithout);
        if (tables.length > 0)
          throw new SandpoolError('SBX_TENANT_COLUMN_MISSING', { pluginId, tables: tables.join(', ') });
        writeLedger(database, rows);
      },
    });
  } catch (thrown) {
    throw phase === 'mock' ? mockFailure(options, thrown) : thrown;
  }
  return rows;
}

function ledgerRow(
  { pluginId, releaseId, phase }: PhaseOptions,
  file: SqlFile,
  at: number,
  executedAt: number,
): LedgerRow {
  return {
    pluginId,
    releaseId,
    phase,
    migrationKey: `${phase}-step-${String(at + 1).padStart(3, '0')}`,
    checksum: createHash('sha256').update(file.content).digest('hex'),
    executionOrder: at + 1,
    status: 'succeeded',
    executedAt,
    errorMessage: '',
  };
}

/** The row that tells why an explicit upgrade failed; `runtimeState` reads its phase from the key (§1.3). */
export function upgradeFailureRow(
  pluginId: string,
  releaseId: number,
  phase: string,
  thrown: unknown,
  now = Date.now(),
): LedgerRow {
  return {
    pluginId,
    releaseId,
    phase: 'upgrade',
    migrationKey: `upgrade-phase-${phase}`,
    checksum: '',
    executionOrder: 0,
    status: 'failed',
    executedAt: now,
    errorMessage: reasonOf(thrown).slice(0, 1024),
  };
}

/** Files up to the one that failed have been rolled back with it. */
function mockFailure({ pluginId, files }: PhaseOptions, thrown: unknown): SandpoolError {
  const named = thrown instanceof SandpoolError ? thrown.details.file : undefined;
  const failedFile = typeof named === 'string' ? named : files.at(-1)!.key;
  const rolledBackFiles = files.map(({ key }) => key).slice(0, files.findIndex(({ key }) => key === failedFile) + 1);
  const cause = reasonOf(thrown);
  return new SandpoolError(
    'PLUGIN_INSTALL_MOCK_DATA_FAILED',
    { pluginId, failedFile, rolledBackFiles, cause },
    { cause: thrown },
  );
}

/** Writes ledger rows into the core database; the same rows again change nothing. Takes part in the caller's transaction. */
export function mirrorLedger(core: Database, rows: readonly LedgerRow[]): void {
  const put = core.prepare(
    `INSERT INTO sys_plugin_migration (plugin_id, release_id, phase, migration_key, checksum, execution_order, status,
       executed_at, error_message, created_at, updated_at)
     VALUES (@pluginId, @releaseId, @phase, @migrationKey, @checksum, @executionOrder, @status,
       @executedAt, @errorMessage, @executedAt, @executedAt)
     ON CONFLICT (plugin_id, release_id, phase, migration_key) DO UPDATE SET
       checksum = excluded.checksum, execution_order = excluded.execution_order, status = excluded.status,
       executed_at = excluded.executed_at, error_message = excluded.error_message, updated_at = excluded.updated_at`,
  );
  for (const row of rows) put.run(row);
}
