/** The SQL of releases, as the registry's transitions ask for it. */
import type { Artifact } from '../artifact/artifact.js';
import { SandpoolError } from '../protocol/errors.js';
import { readLedger } from '../store/plugin-catalog.js';
import { hasPluginDatabase, openPluginDatabase, purgePluginDatabase } from '../store/plugin-database.js';
import type { SqlProblem } from '../store/sql-check.js';
import { type Database, storeFailure } from '../store/sqlite.js';
import { mirrorLedger, type SqlPhase } from './install-sql.js';
import type { SqlPort, SqlRun } from './ports.js';
import type { SqlRunner } from './sql-runner.js';
import type { MigrationPhase } from './tables.js';

export interface SqlPortOptions {
  readonly dataDir: string;
  readonly runner: SqlRunner;
  /** Where `sys_plugin_migration` is. */
  readonly core: Database;
  /** Hears of SQL that is accepted, and will go wrong later. */
  readonly onWarning?: (pluginId: string, problem: SqlProblem) => void;
}

export function createSqlPort({ dataDir, runner, core, onWarning }: SqlPortOptions): SqlPort {
  return {
    /** @throws SBX_SQL_INVALID, SBX_SQL_UNSUPPORTED, SBX_SQL_FAILED of the first problem, with all `problems` in its facts */
    async check({ manifest, installSql: install, uninstallSql: uninstall, mockSql: mock }) {
      const problems = await runner.check(manifest.id, { install, uninstall, mock }, true);
      for (const problem of problems) if (problem.severity === 'warning') onWarning?.(manifest.id, problem);
      refuse(problems.filter(({ severity }) => severity === 'error'));
    },
    async run(phase, { pluginId, releaseId, artifact, installMode, authorization }) {
      const rows = await runner.run({
        pluginId,
        releaseId,
        phase: runnable(phase),
        files: filesOf(phase, artifact),
        tenantTables: installMode === 'tenant_scoped' && hasTables(phase) ? tablesOf(authorization) : [],
      });
      copy(core, rows);
    },
    async purge(pluginId) {
      purgePluginDatabase(dataDir, pluginId);
    },
  };
}

/** What a crash kept from being copied into the core database, is copied now. @throws SBX_STORE_FAILED */
export function copyLedger(core: Database, dataDir: string, pluginId: string): void {
  if (!hasPluginDatabase(dataDir, pluginId)) return;
  const database = openPluginDatabase(dataDir, pluginId);
  try {
    copy(core, readLedger(database));
  } finally {
    database.close();
  }
}

/** @throws SBX_STORE_FAILED */
function copy(core: Database, rows: Parameters<typeof mirrorLedger>[1]): void {
  try {
    core.transaction(() => mirrorLedger(core, rows)).immediate();
  } catch (thrown) {
    throw storeFailure(thrown);
  }
}

function refuse(problems: readonly SqlProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const { code, file, line, reason } = first;
  const message = problems.map((problem) => `${problem.file}:${problem.line}: ${problem.reason}`).join('\n');
  throw new SandpoolError(code, { file, line, reason, problems }, { message });
}

/** No SQL runs when a release is rolled back to (`spec/governance.md` §2.15). */
function runnable(phase: MigrationPhase): SqlPhase {
  if (phase !== 'rollback') return phase;
  throw new SandpoolError('SBX_INTERNAL', { reason: 'a rollback runs no SQL' });
}

function filesOf(phase: MigrationPhase, { installSql, uninstallSql, mockSql }: Artifact) {
  if (phase === 'uninstall') return uninstallSql;
  return phase === 'mock' ? mockSql : installSql;
}

function hasTables(phase: MigrationPhase): boolean {
  return phase === 'install' || phase === 'upgrade';
}

/** Also those that nobody has confirmed yet: a table does not become safe for tenants by being granted later. */
function tablesOf({ requested }: SqlRun['authorization']): readonly string[] {
  return requested.filter(({ owner, service }) => owner === '' && service === 'data').flatMap(({ tables }) => tables);
}
