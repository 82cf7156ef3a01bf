/**
 * What a plugin's database holds, in PostgreSQL's terms: SQLite keeps too little of it to rebuild a table, or to tell the types
 * of its columns. Plain data, stored as JSON; expressions are trees of the parser, so that a column can be renamed in them.
 */
import type { Node } from './parse.js';

// biome-ignore format: a table
export type TypeWord =
  | 'smallint' | 'integer' | 'bigint' | 'real' | 'double precision' | 'numeric' | 'boolean' | 'char' | 'varchar' | 'text'
  | 'timestamp' | 'timestamptz' | 'date' | 'time' | 'json' | 'jsonb' | 'uuid' | 'bytea';

export interface ColumnType {
  readonly word: TypeWord;
  /** Length, or precision and scale. */
  readonly args: readonly number[];
}

/** How a column numbers its rows: `serial` takes any value, `always` none of a statement's. */
export type Identity = 'always' | 'by default' | 'serial';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly notNull: boolean;
  readonly default?: Node | undefined;
  readonly generated?: Node | undefined;
  readonly identity?: Identity | undefined;
  /** The first number that is given. */
  readonly start?: number | undefined;
  readonly comment?: string | undefined;
}

export type Constraint =
  | { readonly kind: 'primary' | 'unique'; readonly name: string; readonly columns: readonly string[] }
  | { readonly kind: 'check'; readonly name: string; readonly expression: Node }
  | ForeignKey;

export interface ForeignKey {
  readonly kind: 'foreign';
  readonly name: string;
  readonly columns: readonly string[];
  readonly table: string;
  readonly references: readonly string[];
  /** `CASCADE`, `SET NULL` …; empty is none. */
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly isDeferred: boolean;
}

export interface Index {
  readonly name: string;
  readonly isUnique: boolean;
  /** A column's name, or an expression. */
  readonly keys: readonly { readonly on: string | Node; readonly descending: boolean }[];
  readonly where?: Node | undefined;
}

export interface Table {
  readonly kind: 'table';
  readonly name: string;
  readonly columns: readonly Column[];
  readonly constraints: readonly Constraint[];
  readonly indexes: readonly Index[];
  readonly comment?: string | undefined;
}

export interface View {
  readonly kind: 'view';
  readonly name: string;
  /** The tables and views that it reads. */
  readonly reads: readonly string[];
  readonly comment?: string | undefined;
}

export type Relation = Table | View;

/** By name, as PostgreSQL folds it. */
export type Catalog = ReadonlyMap<string, Relation>;

export const EMPTY_CATALOG: Catalog = new Map();

export function tableOf(catalog: Catalog, name: string): Table | undefined {
  const relation = catalog.get(name);
  return relation?.kind === 'table' ? relation : undefined;
}

export function tablesOf(catalog: Catalog): readonly Table[] {
  return [...catalog.values()].filter((relation) => relation.kind === 'table');
}

export function columnOf(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

export function primaryKeyOf(table: Table): readonly string[] {
  const primary = table.constraints.find(({ kind }) => kind === 'primary');
  return primary?.kind === 'primary' ? primary.columns : [];
}

export function identityOf(table: Table): Column | undefined {
  return table.columns.find(({ identity }) => identity !== undefined);
}

/** The catalog with relations put in, or taken out where they are undefined. */
export function withRelations(catalog: Catalog, changes: Iterable<readonly [string, Relation | undefined]>): Catalog {
  const next = new Map(catalog);
  for (const [name, relation] of changes) {
    if (relation === undefined) next.delete(name);
    else next.set(name, relation);
  }
  return next;
}

/** Views that read a relation, directly or through others, in an order in which they can be dropped. */
export function viewsOver(catalog: Catalog, name: string): readonly View[] {
  const direct = [...catalog.values()].filter(
    (relation): relation is View => relation.kind === 'view' && relation.reads.includes(name),
  );
  return [...new Set(direct.flatMap((view) => [...viewsOver(catalog, view.name), view]))];
}

/** Foreign keys of other tables that lead to a table. */
export function referencesTo(catalog: Catalog, name: string): readonly { table: Table; key: ForeignKey }[] {
  return tablesOf(catalog)
    .filter((table) => table.name !== name)
    .flatMap((table) =>
      table.constraints.flatMap((key) => (key.kind === 'foreign' && key.table === name ? [{ table, key }] : [])),
    );
}

/** `varchar(128)` */
export function describeType({ word, args }: ColumnType): string {
  return args.length > 0 ? `${word}(${args.join(',')})` : word;
}
