/** The rows of the registry. Every change is one transaction: a crash leaves the state before it or the state after it. */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { migrate } from '../store/migrations.js';
import { type Database, storeFailure } from '../store/sqlite.js';
import { type AuditDraft, type AuditEntry, type AuditQuery, createAuditLog } from './audit.js';
import {
  DIAGNOSIS_COLUMNS,
  type DiagnosisRow,
  type HostState,
  type LedgerRow,
  MIGRATIONS,
  PLUGIN_COLUMNS,
  type PluginRow,
  RELEASE_COLUMNS,
  type ReleaseRow,
  type ResourceRef,
} from './tables.js';

/** A release to write; its row is found by plugin and version. */
export type ReleaseDraft = Omit<ReleaseRow, 'id' | 'createdAt' | 'updatedAt'>;

export interface Change {
  readonly pluginId: string;
  /** Generation of the row that the change was decided on; absent when there was none. A row of another one is a conflict. */
  readonly basedOn: number | undefined;
  /** Current state of that row, where the change depends on it. */
  readonly basedOnState?: HostState;
  readonly plugin?: Omit<PluginRow, 'releaseId' | 'createdAt' | 'updatedAt'>;
  readonly releases?: readonly ReleaseDraft[];
  /** Version of the release that is effective afterwards; empty for none. Only with `plugin`. */
  readonly effectiveVersion?: string;
  /** Replaces the diagnosis, or removes it with null. */
  readonly diagnosis?: Omit<DiagnosisRow, 'pluginId' | 'createdAt'> | null;
  /** A phase of an upgrade that failed. */
  readonly failure?: FailedPhase;
  /** References of the release that is effective afterwards; `none` removes those of all releases. */
  readonly refs?: readonly ResourceRef[] | 'none';
  readonly audit?: AuditDraft;
  /** What others write in the same transaction; when it throws, nothing is written. */
  readonly within?: () => void;
  /** A marker of work that begins, and no transition. */
  readonly isMarker?: boolean;
}

export interface FailedPhase {
  readonly releaseVersion: string;
  readonly migrationKey: string;
  readonly checksum: string;
  readonly errorMessage: string;
}

/** All that is stored of one plugin. */
export interface PluginRows {
  readonly plugin: PluginRow;
  /** By id, so in order of discovery. */
  readonly releases: readonly ReleaseRow[];
  readonly diagnosis?: DiagnosisRow | undefined;
  /** Install SQL files of the effective release that were executed. */
  readonly executedInstallSql: number;
  /** Failed phases of upgrades, newest first. */
  readonly failures: readonly LedgerRow[];
}

export function effectiveReleaseOf({ plugin, releases }: PluginRows): ReleaseRow | undefined {
  return releases.find(({ id }) => id === plugin.releaseId);
}

export interface Journal {
  readonly pluginIds: () => readonly string[];
  readonly read: (pluginId: string) => PluginRows | undefined;
  /**
   * Writes a change durably.
   * @throws SBX_STORE_FAILED; nothing is written then.
   */
  readonly write: (change: Change) => void;
  /** Tells the audit log of what has changed nothing. @throws SBX_STORE_FAILED */
  readonly note: (draft: AuditDraft) => void;
  /** Newest first. */
  readonly audit: (query: AuditQuery) => readonly AuditEntry[];
}

/** Steps that a crash could follow; `marking` and `marked` are those of a marker. */
export type JournalStep = 'written' | 'committed' | 'marking' | 'marked';

export interface JournalOptions {
  readonly database: Database;
  readonly now: () => number;
  /** Hears of every step that a crash could follow. */
  readonly onStep?: ((step: JournalStep) => void) | undefined;
}

/** Opens the journal and brings its tables up to date. @throws SBX_STORE_FAILED */
export function openJournal({ database, now, onStep = () => {} }: JournalOptions): Journal {
  migrate(database, 'registry', MIGRATIONS);
  const statements = prepare(database);
  const auditLog = createAuditLog(database);

  const writeAll = database.transaction((change: Change) => {
    const at = now();
    requireBasis(change, statements.standing.get(change.pluginId));
    for (const release of change.releases ?? [])
      statements.writeRelease.run({ ...release, createdAt: at, updatedAt: at });
    if (change.plugin !== undefined) writePlugin(change, change.plugin, at);
    if (change.diagnosis !== undefined) statements.clearDiagnosis.run(change.pluginId);
    if (change.diagnosis) {
      statements.writeDiagnosis.run({ ...change.diagnosis, pluginId: change.pluginId, createdAt: at });
    }
    if (change.failure !== undefined) writeFailure(change.pluginId, change.failure, at);
    if (change.refs !== undefined) writeRefs(change, at);
    change.within?.();
    if (change.audit !== undefined) auditLog.append(change.audit, at);
    onStep(change.isMarker ? 'marking' : 'written');
  });

  const writePlugin = (change: Change, plugin: NonNullable<Change['plugin']>, at: number) => {
    const version = change.effectiveVersion ?? '';
    const releaseId = version === '' ? 0 : (statements.releaseId.get(change.pluginId, version) ?? 0);
    statements.writePlugin.run({ ...plugin, releaseId, createdAt: at, updatedAt: at });
  };

  const writeFailure = (pluginId: string, { releaseVersion, ...failure }: FailedPhase, at: number) => {
    const releaseId = statements.releaseId.get(pluginId, releaseVersion);
    if (releaseId !== undefined) statements.writeFailure.run({ ...failure, pluginId, releaseId, at });
  };
  const writeRefs = ({ pluginId, refs = [], effectiveVersion = '' }: Change, at: number) => {
    const releaseId = statements.releaseId.get(pluginId, effectiveVersion);
    if (refs === 'none') statements.clearAllRefs.run(pluginId);
    if (refs === 'none' || releaseId === undefined) return;
    statements.clearRefs.run(pluginId, releaseId);
    for (const ref of refs) statements.writeRef.run({ ...ref, pluginId, releaseId, at });
  };
  const attempt = <Result>(task: () => Result): Result => {
    try {
      return task();
    } catch (thrown) {
      throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
    }
  };

  return {
    pluginIds: () => statements.pluginIds.all(),
    read(pluginId) {
      const plugin = statements.plugin.get(pluginId);
      if (plugin === undefined) return undefined;
      return {
        plugin,
        releases: statements.releases.all(pluginId),
        diagnosis: statements.diagnosis.get(pluginId),
        executedInstallSql: statements.executed.get(pluginId, plugin.releaseId) ?? 0,
        failures: statements.failures.all(pluginId),
      };
    },
    write(change) {
      attempt(() => writeAll.immediate(change));
      onStep(change.isMarker ? 'marked' : 'committed');
    },
    note: (draft) => attempt(() => auditLog.append(draft, now())),
    audit: (query) => attempt(() => auditLog.read(query)),
  };
}

interface StoredStanding {
  readonly generation: number;
  readonly currentState: HostState;
}

/** Two writers, of which the second decided on what is no longer so: the second has lost. */
function requireBasis({ pluginId, basedOn, basedOnState }: Change, stored: StoredStanding | undefined): void {
  if (basedOnState !== undefined && stored !== undefined && stored.currentState !== basedOnState) {
    throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING', { pluginId });
  }
  if (stored?.generation === basedOn) return;
  const reason = `plugin ${pluginId} was changed by somebody else (generation ${stored?.generation}, expected ${basedOn})`;
  throw new SandpoolError('SBX_STORE_FAILED', { reason });
}

function prepare(database: Database) {
  const latest = 'ORDER BY id';
  try {
    return {
      pluginIds: database.prepare<[], string>('SELECT plugin_id FROM sys_plugin ORDER BY plugin_id').pluck(),
      standing: database.prepare<[string], StoredStanding>(
        'SELECT generation, current_state AS currentState FROM sys_plugin WHERE plugin_id = ?',
      ),
      plugin: database.prepare<[string], PluginRow>(
        `SELECT ${read(PLUGIN_COLUMNS)} FROM sys_plugin WHERE plugin_id = ?`,
      ),
      releases: database.prepare<[string], ReleaseRow>(
        `SELECT ${read(RELEASE_COLUMNS)} FROM sys_plugin_release WHERE plugin_id = ? ${latest}`,
      ),
      releaseId: database
        .prepare<[string, string], number>(
          'SELECT id FROM sys_plugin_release WHERE plugin_id = ? AND release_version = ?',
        )
        .pluck(),
      executed: database
        .prepare<[string, number], number>(
          `SELECT count(*) FROM sys_plugin_migration
           WHERE plugin_id = ? AND release_id = ? AND phase = 'install' AND status = 'succeeded'`,
        )
        .pluck(),
      failures: database.prepare<[string], LedgerRow>(
        `SELECT release_id AS releaseId, migration_key AS migrationKey, error_message AS errorMessage
         FROM sys_plugin_migration WHERE plugin_id = ? AND phase = 'upgrade' AND status = 'failed'
         ORDER BY updated_at DESC, id DESC`,
      ),
      writeFailure: database.prepare(
        `INSERT INTO sys_plugin_migration
           (plugin_id, release_id, phase, migration_key, checksum, status, error_message, created_at, updated_at)
         VALUES (@pluginId, @releaseId, 'upgrade', @migrationKey, @checksum, 'failed', @errorMessage, @at,
           -- The newest is the latest, whatever the clock says.
           max(@at, 1 + (SELECT coalesce(max(updated_at), 0) FROM sys_plugin_migration
                         WHERE plugin_id = @pluginId AND release_id = @releaseId AND status = 'failed')))
         ON CONFLICT (plugin_id, release_id, phase, migration_key) DO UPDATE SET checksum = excluded.checksum,
           status = excluded.status, error_message = excluded.error_message, updated_at = excluded.updated_at`,
      ),
      clearRefs: database.prepare<[string, number]>(
        'DELETE FROM sys_plugin_resource_ref WHERE plugin_id = ? AND release_id = ?',
      ),
      clearAllRefs: database.prepare<[string]>('DELETE FROM sys_plugin_resource_ref WHERE plugin_id = ?'),
      writeRef: database.prepare(
        `INSERT INTO sys_plugin_resource_ref
           (plugin_id, release_id, resource_type, resource_key, owner_type, owner_key, remark, created_at, updated_at)
         VALUES (@pluginId, @releaseId, @resourceType, @resourceKey, @ownerType, @ownerKey, @remark, @at, @at)`,
      ),
      diagnosis: database.prepare<[string], DiagnosisRow>(
        `SELECT ${read(DIAGNOSIS_COLUMNS)} FROM sandpool_plugin_diagnosis WHERE plugin_id = ?`,
      ),
      clearDiagnosis: database.prepare<[string]>('DELETE FROM sandpool_plugin_diagnosis WHERE plugin_id = ?'),
      writeDiagnosis: database.prepare(insert('sandpool_plugin_diagnosis', DIAGNOSIS_COLUMNS)),
      writePlugin: database.prepare(upsert('sys_plugin', PLUGIN_COLUMNS, ['pluginId'])),
      writeRelease: database.prepare(
        upsert('sys_plugin_release', withoutId(RELEASE_COLUMNS), ['pluginId', 'releaseVersion']),
      ),
    };
  } catch (cause) {
    throw new SandpoolError('SBX_STORE_FAILED', { reason: reasonOf(cause) }, { cause });
  }
}

type Columns = Readonly<Record<string, string>>;

function withoutId({ id, ...columns }: typeof RELEASE_COLUMNS): Columns {
  return columns;
}

function read(columns: Columns): string {
  return Object.entries(columns)
    .map(([field, column]) => `${column} AS ${field}`)
    .join(', ');
}

function insert(table: string, columns: Columns): string {
  const names = Object.values(columns).join(', ');
  const values = Object.keys(columns)
    .map((field) => `@${field}`)
    .join(', ');
  return `INSERT INTO ${table} (${names}) VALUES (${values})`;
}

/** A row keeps the time at which it was made. */
function upsert(table: string, columns: Columns, key: readonly string[]): string {
  const changed = Object.entries(columns).filter(([field]) => field !== 'createdAt' && !key.includes(field));
  const conflict = key.map((field) => columns[field]).join(', ');
  const assignments = changed.map(([, column]) => `${column} = excluded.${column}`).join(', ');
  return `${insert(table, columns)} ON CONFLICT (${conflict}) DO UPDATE SET ${assignments}`;
}
