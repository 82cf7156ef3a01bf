/** The rows of the registry. Every change is one transaction: a crash leaves the state before it or the state after it. */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { migrate } from '../store/migrations.js';
import { type Database, storeFailure } from '../store/sqlite.js';
import {
  DIAGNOSIS_COLUMNS,
  type DiagnosisRow,
  MIGRATIONS,
  PLUGIN_COLUMNS,
  type PluginRow,
  RELEASE_COLUMNS,
  type ReleaseRow,
} from './tables.js';

/** A release to write; its row is found by plugin and version. */
export type ReleaseDraft = Omit<ReleaseRow, 'id' | 'createdAt' | 'updatedAt'>;

export interface Change {
  readonly pluginId: string;
  /** Generation of the row that the change was decided on; absent when there was none. A row of another one is a conflict. */
  readonly basedOn: number | undefined;
  readonly plugin?: Omit<PluginRow, 'releaseId' | 'createdAt' | 'updatedAt'>;
  readonly releases?: readonly ReleaseDraft[];
  /** Version of the release that is effective afterwards; empty for none. Only with `plugin`. */
  readonly effectiveVersion?: string;
  /** Replaces the diagnosis, or removes it with null. */
  readonly diagnosis?: Omit<DiagnosisRow, 'pluginId' | 'createdAt'> | null;
}

/** All that is stored of one plugin. */
export interface PluginRows {
  readonly plugin: PluginRow;
  /** By id, so in order of discovery. */
  readonly releases: readonly ReleaseRow[];
  readonly diagnosis?: DiagnosisRow | undefined;
  /** Install SQL files of the effective release that were executed. */
  readonly executedInstallSql: number;
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
}

export interface JournalOptions {
  readonly database: Database;
  readonly now: () => number;
  /** Hears of every step that a crash could follow. */
  readonly onStep?: ((step: 'written' | 'committed') => void) | undefined;
}

/** Opens the journal and brings its tables up to date. @throws SBX_STORE_FAILED */
export function openJournal({ database, now, onStep = () => {} }: JournalOptions): Journal {
  migrate(database, 'registry', MIGRATIONS);
  const statements = prepare(database);

  const writeAll = database.transaction((change: Change) => {
    const at = now();
    requireBasis(change, statements.generation.get(change.pluginId));
    for (const release of change.releases ?? [])
      statements.writeRelease.run({ ...release, createdAt: at, updatedAt: at });
    if (change.plugin !== undefined) writePlugin(change, change.plugin, at);
    if (change.diagnosis !== undefined) statements.clearDiagnosis.run(change.pluginId);
    if (change.diagnosis) {
      statements.writeDiagnosis.run({ ...change.diagnosis, pluginId: change.pluginId, createdAt: at });
    }
    onStep('written');
  });

  const writePlugin = (change: Change, plugin: NonNullable<Change['plugin']>, at: number) => {
    const version = change.effectiveVersion ?? '';
    const releaseId = version === '' ? 0 : (statements.releaseId.get(change.pluginId, version) ?? 0);
    statements.writePlugin.run({ ...plugin, releaseId, createdAt: at, updatedAt: at });
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
      };
    },
    write(change) {
      try {
        writeAll.immediate(change);
      } catch (thrown) {
        throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
      }
      onStep('committed');
    },
  };
}

/** Two writers, of which the second decided on what is no longer so: the second has lost. */
function requireBasis({ pluginId, basedOn }: Change, generation: number | undefined): void {
  if (generation === basedOn) return;
  const reason = `plugin ${pluginId} was changed by somebody else (generation ${generation}, expected ${basedOn})`;
  throw new SandpoolError('SBX_STORE_FAILED', { reason });
}

function prepare(database: Database) {
  const latest = 'ORDER BY id';
  try {
    return {
      pluginIds: database.prepare<[], string>('SELECT plugin_id FROM sys_plugin ORDER BY plugin_id').pluck(),
      generation: database.prepare<[string], number>('SELECT generation FROM sys_plugin WHERE plugin_id = ?').pluck(),
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
