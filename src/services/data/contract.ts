/** What a table offers to its plugin, read from the live schema (`spec/host-services.md` §6.3, §6.5). */
import { quoteName } from '../../store/dialect/quote.js';
import type { ColumnContract, TableContract } from '../../store/plugin-catalog.js';
import { invalidCall } from './refusals.js';
import { type Encode, encoderOf, readExpression } from './values.js';

export interface Field {
  /** `createdAt` for `created_at`. */
  readonly name: string;
  readonly column: ColumnContract;
  /** The column's name in SQL. */
  readonly sql: string;
  /** The expression that reads it in the form that `encode` takes. */
  readonly read: string;
  /** The JSON text of what was read. */
  readonly encode: Encode;
  /** Whether a record may set it. */
  readonly isWritable: boolean;
}

export interface Contract {
  readonly name: string;
  /** The table's name in SQL. */
  readonly sql: string;
  /** SQLite's row number, under a name that no column has. */
  readonly rowId: string | undefined;
  /** In the order of their names, as Go writes the members of a record. */
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
  readonly key: Field;
  /** Whether the table numbers its rows by the key. */
  readonly isKeyNumbered: boolean;
  readonly createdAt: Field | undefined;
  readonly updatedAt: Field | undefined;
  readonly deletedAt: Field | undefined;
  readonly tenantId: Field | undefined;
}

/** @throws SBX_WIRE_INVALID when no column can be the key */
export function contractOf(table: TableContract): Contract {
  const fields = table.columns.map(fieldOf);
  const byColumn = new Map(fields.map((field) => [field.column.name.toLowerCase(), field]));
  const byName = new Map([...fields].reverse().map((field) => [field.name, field]));
  const key = byColumn.get((table.primaryKey[0] ?? 'id').toLowerCase());
  if (key === undefined) throw invalidCall(`data table ${table.table} is missing a recognizable primary key`);
  const first = (...names: string[]) => names.map((name) => byColumn.get(name)).find((field) => field !== undefined);
  return {
    name: table.table,
    sql: quoteName(table.table),
    rowId: ['_rowid_', 'rowid', 'oid'].find((name) => !byColumn.has(name)),
    fields: [...byName.values()].sort((left, right) => (left.name < right.name ? -1 : 1)),
    byName,
    key,
    isKeyNumbered: key.column.identity !== undefined,
    createdAt: timed(first('created_at', 'create_at')),
    updatedAt: timed(first('updated_at', 'update_at')),
    deletedAt: timed(first('deleted_at', 'delete_at')),
    tenantId: byColumn.get('tenant_id'),
  };
}

/** Columns that the host alone writes; `create_at` and its like stay writable. */
const AUTOMATIC: readonly string[] = ['created_at', 'updated_at', 'deleted_at'];

function fieldOf(column: ColumnContract): Field {
  const name = column.name.toLowerCase();
  // To PostgreSQL a serial column is one with a default, which a record may overrule.
  const isNumbered = column.identity === 'always' || column.identity === 'by default';
  return {
    name: fieldNameOf(name),
    column,
    sql: quoteName(column.name),
    read: readExpression(column),
    encode: encoderOf(column),
    isWritable: !isNumbered && !AUTOMATIC.includes(name),
  };
}

function fieldNameOf(lower: string): string {
  const [first = '', ...rest] = lower.split('_').filter((part) => part !== '');
  return first + rest.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('');
}

/** Types that can say when something has happened. */
const TIMED: readonly string[] = ['timestamp', 'timestamptz', 'date', 'smallint', 'integer', 'bigint', 'boolean'];

function timed(field: Field | undefined): Field | undefined {
  return field && TIMED.includes(field.column.type) && !field.column.isGenerated ? field : undefined;
}
