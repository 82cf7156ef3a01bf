/** What a plugin's database says of itself: its relations as PostgreSQL knows them, and which files made them. */
import {
  type Catalog,
  type Column,
  describeType,
  identityOf,
  primaryKeyOf,
  type Relation,
  type TypeWord,
} from './dialect/model.js';
import type { Migration } from './migrations.js';
import type { Database } from './sqlite.js';

/** Names that begin with `sandpool_` cannot be a plugin's (`store/dialect/context.ts`). */
export const PLUGIN_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'relations and ledger of a plugin',
    sql: `
CREATE TABLE sandpool_relation (
  name  TEXT NOT NULL PRIMARY KEY,
  model TEXT NOT NULL CHECK (json_valid(model))
) WITHOUT ROWID;

CREATE TABLE sandpool_ledger (
  plugin_id       TEXT    NOT NULL,
  release_id      INTEGER NOT NULL,
  phase           TEXT    NOT NULL,
  migration_key   TEXT    NOT NULL,
  checksum        TEXT    NOT NULL,
  execution_order INTEGER NOT NULL,
  status          TEXT    NOT NULL,
  executed_at     INTEGER NOT NULL,
  error_message   TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (plugin_id, release_id, phase, migration_key)
);`,
  },
];

// ---- relations -------------------------------------------------------------------------------------------------------------

export function readCatalog(database: Database): Catalog {
  const rows = database.prepare<[], [string, string]>('SELECT name, model FROM sandpool_relation').raw().all();
  return new Map(rows.map(([name, model]) => [name, JSON.parse(model) as Relation]));
}

/** Writes what differs from before. */
export function writeCatalog(database: Database, before: Catalog, after: Catalog): void {
  const put = database.prepare(
    'INSERT INTO sandpool_relation VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET model = excluded.model',
  );
  const remove = database.prepare('DELETE FROM sandpool_relation WHERE name = ?');
  for (const name of before.keys()) if (!after.has(name)) remove.run(name);
  for (const [name, relation] of after) if (before.get(name) !== relation) put.run(name, JSON.stringify(relation));
}

// ---- contracts -------------------------------------------------------------------------------------------------------------

export interface ColumnContract {
  readonly name: string;
  /** PostgreSQL's type, which decides the JSON of its values (`spec/host-services.md` §6.6). */
  readonly type: TypeWord;
  /** Length, or precision and scale. */
  readonly typeArgs: readonly number[];
  /** `varchar(128)` */
  readonly declaredType: string;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
  readonly isGenerated: boolean;
  /** How the column numbers rows; absent for every other column. */
  readonly identity?: 'always' | 'by default' | 'serial';
  readonly comment?: string;
}

export interface TableContract {
  readonly table: string;
  readonly comment?: string;
  /** In the order of their declaration. */
  readonly columns: readonly ColumnContract[];
  /** As declared; empty for none. */
  readonly primaryKey: readonly string[];
}

/** What the columns of a table are, whichever case its name is written in; undefined when there is no such table. */
export function readTableContract(database: Database, table: string): TableContract | undefined {
  const model = database
    .prepare<[string], string>('SELECT model FROM sandpool_relation WHERE name = ? COLLATE NOCASE')
    .pluck()
    .get(table);
  const relation = model === undefined ? undefined : (JSON.parse(model) as Relation);
  if (relation?.kind !== 'table') return undefined;
  const numbered = identityOf(relation);
  return {
    table: relation.name,
    ...(relation.comment !== undefined && { comment: relation.comment }),
    columns: relation.columns.map((column) => columnContract(column, column === numbered)),
    primaryKey: primaryKeyOf(relation),
  };
}

function columnContract(column: Column, isNumbered: boolean): ColumnContract {
  const { name, type, notNull, identity, comment } = column;
  return {
    name,
    type: type.word,
    typeArgs: type.args,
    declaredType: describeType(type),
    isNullable: !notNull,
    hasDefault: column.default !== undefined || isNumbered,
    isGenerated: column.generated !== undefined,
    ...(identity && { identity }),
    ...(comment !== undefined && { comment }),
  };
}

/** Comments of all tables that have one, by name. */
export function readTableComments(database: Database): ReadonlyMap<string, string> {
  const comments = [...readCatalog(database).values()].flatMap(({ name, comment }) =>
    comment === undefined ? [] : [[name, comment] as const],
  );
  return new Map(comments);
}

// ---- ledger ----------------------------------------------------------------------------------------------------------------

/** One file of SQL that was executed; the columns are those of `sys_plugin_migration` (`spec/governance.md` §0.2). */
export interface LedgerRow {
  readonly pluginId: string;
  readonly releaseId: number;
  readonly phase: string;
  /** `install-step-001` */
  readonly migrationKey: string;
  /** SHA-256 of the file's content, lowercase hex. */
  readonly checksum: string;
  readonly executionOrder: number;
  readonly status: 'succeeded' | 'failed';
  /** ms since the epoch */
  readonly executedAt: number;
  readonly errorMessage: string;
}

const COLUMNS = `plugin_id AS pluginId, release_id AS releaseId, phase, migration_key AS migrationKey, checksum,
  execution_order AS executionOrder, status, executed_at AS executedAt, error_message AS errorMessage`;

/** A second run of a file replaces its row. */
export function writeLedger(database: Database, rows: readonly LedgerRow[]): void {
  const put = database.prepare(
    `INSERT INTO sandpool_ledger VALUES
       (@pluginId, @releaseId, @phase, @migrationKey, @checksum, @executionOrder, @status, @executedAt, @errorMessage)
     ON CONFLICT (plugin_id, release_id, phase, migration_key) DO UPDATE SET
       checksum = excluded.checksum, execution_order = excluded.execution_order, status = excluded.status,
       executed_at = excluded.executed_at, error_message = excluded.error_message`,
  );
  for (const row of rows) put.run(row);
}

/** All rows, in order of execution. */
export function readLedger(database: Database): readonly LedgerRow[] {
  return database
    .prepare<[], LedgerRow>(`SELECT ${COLUMNS} FROM sandpool_ledger ORDER BY executed_at, phase, execution_order`)
    .all();
}
