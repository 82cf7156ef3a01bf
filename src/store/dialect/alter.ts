/** ALTER TABLE and RENAME: the model of the table after it, and the statements that bring the rows there. */
import { assigned } from './assignment.js';
import { type Context, ownName, requireOwn, stringsOf } from './context.js';
import {
  type Catalog,
  type Column,
  columnOf,
  identityOf,
  primaryKeyOf,
  type Relation,
  referencesTo,
  type Table,
  tablesOf,
  viewsOver,
  withRelations,
} from './model.js';
import { locationOf } from './nodes.js';
import type { AlterTableCmd, AlterTableStmt, Node, RenameStmt } from './parse.js';
import { quoteName, quoteNames, quoteText } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { requireColumn } from './select.js';
import {
  columnSql,
  indexSql,
  requireWhole,
  tableSql,
  withColumn,
  withConstraint,
  withDefault,
  withIdentity,
} from './table.js';
import { readType, typeCheck } from './types.js';
import { requireTable } from './write.js';

/** What a statement does: SQL for SQLite, and the relations as they are afterwards. */
export interface Change {
  readonly sql: readonly string[];
  readonly relations: ReadonlyMap<string, Relation | undefined>;
}

export const NOTHING: Change = { sql: [], relations: new Map() };

/** A table on its way: `copies` holds the SQL from which a column of the new table is filled. */
interface Altered {
  readonly table: Table;
  readonly copies: ReadonlyMap<string, string>;
}

type Action = (altered: Altered, command: AlterTableCmd, context: Context) => Altered;

const ACTIONS: Readonly<Record<string, Action>> = {
  AT_AddColumn: addColumn,
  AT_DropColumn: dropColumn,
  AT_ColumnDefault: ({ table, copies }, { name = '', def }, context) => ({
    table: mapColumn(table, name, locationOf(def), (column) => withDefault(column, def, context)),
    copies,
  }),
  AT_SetNotNull: ({ table, copies }, { name = '' }) => ({
    table: mapColumn(table, name, undefined, (column) => ({ ...column, notNull: true })),
    copies,
  }),
  AT_DropNotNull: ({ table, copies }, { name = '' }) => {
    if (primaryKeyOf(table).includes(name)) throw invalidSql(`column "${name}" is in a primary key`, undefined);
    return { table: mapColumn(table, name, undefined, (column) => ({ ...column, notNull: false })), copies };
  },
  AT_AlterColumnType: alterType,
  AT_AddConstraint: ({ table, copies }, { def }, context) => ({
    table: withConstraint(table, def && 'Constraint' in def ? def.Constraint : {}, context),
    copies,
  }),
  AT_DropConstraint: dropConstraint,
  // Constraints hold from the moment they are added.
  AT_ValidateConstraint: (altered) => altered,
  AT_AddIdentity: ({ table, copies }, { name = '', def }) => ({
    table: mapColumn(table, name, undefined, (column) =>
      withIdentity(column, def && 'Constraint' in def ? def.Constraint : {}),
    ),
    copies,
  }),
  AT_DropIdentity: ({ table, copies }, { name = '' }) => ({
    table: mapColumn(table, name, undefined, ({ identity, start, ...column }) => column),
    copies,
  }),
};

/** Of the commands that can run while foreign keys are watched. */
export function isLight({ cmds = [] }: AlterTableStmt): boolean {
  return cmds.every((node) => 'AlterTableCmd' in node && node.AlterTableCmd.subtype === 'AT_AddColumn');
}

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function alterTable(node: AlterTableStmt, context: Context): Change {
  const { relation, cmds = [], objtype, missing_ok } = node;
  if (objtype !== 'OBJECT_TABLE') throw unsupportedSql('ALTER is supported for tables alone', relation?.location);
  if (missing_ok && !context.catalog.has(ownName(relation, context))) return NOTHING;
  const before = requireTable(relation, context);
  let altered: Altered = { table: before, copies: new Map() };
  for (const cmd of cmds) {
    const command = 'AlterTableCmd' in cmd ? cmd.AlterTableCmd : {};
    const action = ACTIONS[command.subtype ?? ''];
    if (action === undefined) {
      const words = (command.subtype ?? '')
        .replace(/^AT_/, '')
        .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
        .toUpperCase();
      throw unsupportedSql(`ALTER TABLE … ${words} is not supported`, relation?.location);
    }
    altered = action(altered, command, context);
  }
  if (altered.table === before) return NOTHING;
  requireWhole(altered.table, relation?.location);
  const sql = addedPlainly(before, altered.table, context) ?? rebuilt(before, altered, context);
  return { sql, relations: new Map([[before.name, altered.table]]) };
}

function addColumn({ table, copies }: Altered, { def, missing_ok }: AlterTableCmd, context: Context): Altered {
  const column = def && 'ColumnDef' in def ? def.ColumnDef : {};
  if (missing_ok && columnOf(table, column.colname ?? '')) return { table, copies };
  return { table: withColumn(table, column, context), copies };
}

/** What stands on the column alone goes with it; what another table or a view has of it does not. */
function dropColumn(
  { table, copies }: Altered,
  { name = '', missing_ok, behavior }: AlterTableCmd,
  context: Context,
): Altered {
  if (missing_ok && !columnOf(table, name)) return { table, copies };
  requireColumn(table, name, undefined);
  requireNoViews(table.name, context, `drop column ${name}`);
  const isReferenced = referencesTo(context.catalog, table.name).some(({ key }) => key.references.includes(name));
  if (isReferenced) {
    const reason = `cannot drop column ${name} of table ${table.name}: a foreign key leads to it`;
    throw behavior === 'DROP_CASCADE' ? unsupportedSql(reason, undefined) : invalidSql(reason, undefined);
  }
  const columns = table.columns.filter((column) => column.name !== name);
  if (columns.length === 0) throw unsupportedSql('a table without columns is not supported', undefined);
  const constraints = table.constraints.filter((each) =>
    each.kind === 'check' ? !names(each.expression, name) : !each.columns.includes(name),
  );
  const indexes = table.indexes.filter(
    ({ keys, where }) => !keys.some(({ on }) => on === name || names(on, name)) && !names(where, name),
  );
  return { table: { ...table, columns, constraints, indexes }, copies };
}

function alterType({ table, copies }: Altered, { name = '', def }: AlterTableCmd, context: Context): Altered {
  const { typeName, raw_default } = def && 'ColumnDef' in def ? def.ColumnDef : {};
  const { type, identity } = readType(typeName);
  if (identity) throw invalidSql('a column cannot become a serial', typeName?.location);
  const value = raw_default ?? { ColumnRef: { fields: [{ String: { sval: name } }] } };
  const within = { ...context, inReach: [{ alias: table.name, table }] };
  const next = mapColumn(table, name, typeName?.location, (column) => {
    const { default: before, ...rest } = column;
    return withDefault({ ...rest, type }, before, context);
  });
  const from = columnOf(table, name)!.type;
  const isCast = raw_default === undefined && type.word === 'text' && from.word === 'boolean';
  if (isCast) throw unsupportedSql('from boolean to text, write USING CASE …', typeName?.location);
  return { table: next, copies: new Map([...copies, [name, assigned(value, type, within)]]) };
}

function dropConstraint(
  { table, copies }: Altered,
  { name = '', missing_ok }: AlterTableCmd,
  context: Context,
): Altered {
  const found = table.constraints.find((each) => each.name === name);
  if (found === undefined) {
    if (missing_ok) return { table, copies };
    throw invalidSql(`constraint "${name}" of relation "${table.name}" does not exist`, undefined);
  }
  const isKey = found.kind === 'primary' || found.kind === 'unique';
  const holds = ({ references }: { references: readonly string[] }) =>
    isKey && [...references].sort().join('\0') === [...found.columns].sort().join('\0');
  if (referencesTo(context.catalog, table.name).some(({ key }) => holds(key))) {
    throw invalidSql(`cannot drop constraint ${name} on table ${table.name}: a foreign key leads to it`, undefined);
  }
  return { table: { ...table, constraints: table.constraints.filter((each) => each !== found) }, copies };
}

function mapColumn(table: Table, name: string, location: number | undefined, map: (column: Column) => Column): Table {
  const found = requireColumn(table, name, location);
  return { ...table, columns: table.columns.map((column) => (column === found ? map(column) : column)) };
}

/** Whether a tree names the column. */
function names(node: Node | string | undefined, column: string): boolean {
  if (node === undefined || typeof node === 'string') return false;
  let isNamed = false;
  JSON.stringify(node, (key, value) => {
    if (key === 'ColumnRef' && stringsOf(value.fields).at(-1) === column) isNamed = true;
    return value;
  });
  return isNamed;
}

function requireNoViews(name: string, { catalog }: Context, action: string): void {
  const [view] = viewsOver(catalog, name);
  if (view)
    throw unsupportedSql(
      `cannot ${action} of ${name} while the view ${view.name} reads it: drop the view first`,
      undefined,
    );
}

// ---- rows ------------------------------------------------------------------------------------------------------------------

/** Columns at the end with a constant default, and no constraint, need no new table. */
function addedPlainly(before: Table, after: Table, context: Context): readonly string[] | undefined {
  const isLonger = after.columns.length > before.columns.length && after.constraints === before.constraints;
  const added = after.columns.slice(before.columns.length);
  const isSame = before.columns.every((column, at) => column === after.columns[at]) && before.indexes === after.indexes;
  const isPlain = added.every(({ identity, generated, notNull, default: value }) => {
    const isConstant = value === undefined || 'A_Const' in value;
    return !identity && !generated && isConstant && (!notNull || value !== undefined);
  });
  if (!isLonger || !isSame || !isPlain) return undefined;
  return added.map((column) => {
    const check = typeCheck(column);
    const definition = `${columnSql(column, false, context)}${check ? ` ${check}` : ''}`;
    return `ALTER TABLE ${quoteName(before.name)} ADD COLUMN ${definition}`;
  });
}

const REBUILT = 'sandpool_rebuilt';

/**
 * SQLite's way to alter what it cannot: a new table, the rows copied, the old one gone, the name taken over
 * (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"). Foreign keys must be off, or
 * dropping the old table would empty those that lead to it.
 */
function rebuilt(before: Table, { table, copies }: Altered, context: Context): readonly string[] {
  const kept = table.columns.filter(({ name, generated }) => columnOf(before, name) && !generated);
  const values = kept.map(({ name }) => copies.get(name) ?? quoteName(name));
  const old = quoteName(before.name);
  const numbers =
    identityOf(before) && identityOf(table)
      ? [
          `DELETE FROM sqlite_sequence WHERE name = ${quoteText(REBUILT)}`,
          `INSERT INTO sqlite_sequence (name, seq) SELECT ${quoteText(REBUILT)}, seq FROM sqlite_sequence WHERE name = ${quoteText(before.name)}`,
        ]
      : [];
  return [
    'PRAGMA legacy_alter_table = ON',
    tableSql(table, context, REBUILT),
    ...(kept.length > 0
      ? [`INSERT INTO ${REBUILT} (${quoteNames(kept.map(({ name }) => name))}) SELECT ${values.join(', ')} FROM ${old}`]
      : []),
    ...numbers,
    `DROP TABLE ${old}`,
    `ALTER TABLE ${REBUILT} RENAME TO ${quoteName(table.name)}`,
    'PRAGMA legacy_alter_table = OFF',
    ...table.indexes.map((index) => indexSql(index, table, context)),
  ];
}

/** The table without some of its foreign keys. */
export function withoutKeysTo(table: Table, gone: ReadonlySet<string>, context: Context): Change {
  const constraints = table.constraints.filter((each) => each.kind !== 'foreign' || !gone.has(each.table));
  const next = { ...table, constraints };
  return { sql: rebuilt(table, { table: next, copies: new Map() }, context), relations: new Map([[table.name, next]]) };
}

// ---- names -----------------------------------------------------------------------------------------------------------------

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function rename(node: RenameStmt, context: Context): Change {
  const { renameType, relation, missing_ok, newname = '' } = node;
  if (renameType === 'OBJECT_INDEX') return renameIndex(node, context);
  if (renameType !== 'OBJECT_TABLE' && renameType !== 'OBJECT_COLUMN' && renameType !== 'OBJECT_TABCONSTRAINT') {
    throw unsupportedSql('RENAME is supported for tables, columns, constraints and indexes', relation?.location);
  }
  if (missing_ok && !context.catalog.has(ownName(relation, context))) return NOTHING;
  const table = requireTable(relation, context);
  if (renameType === 'OBJECT_COLUMN') return renameColumn(table, node, context);
  if (renameType === 'OBJECT_TABCONSTRAINT') return renameConstraint(table, node, context);
  requireOwn(context.pluginId, newname, relation?.location);
  requireNoViews(table.name, context, 'change the name');
  if (context.catalog.has(newname)) throw invalidSql(`relation "${newname}" already exists`, relation?.location);
  const referring = renamedInKeys(context.catalog, (key) =>
    key.table === table.name ? { ...key, table: newname } : key,
  );
  const self = referring.get(table.name) ?? table;
  return {
    sql: [`ALTER TABLE ${quoteName(table.name)} RENAME TO ${quoteName(newname)}`],
    relations: new Map<string, Relation | undefined>([
      ...referring,
      [table.name, undefined],
      [newname, { ...self, name: newname }],
    ]),
  };
}

type Key = Extract<Table['constraints'][number], { kind: 'foreign' }>;

function renamedInKeys(catalog: Catalog, map: (key: Key) => Key): Map<string, Table> {
  const changed = new Map<string, Table>();
  for (const table of tablesOf(catalog)) {
    const constraints = table.constraints.map((each) => (each.kind === 'foreign' ? map(each) : each));
    if (constraints.some((each, at) => each !== table.constraints[at]))
      changed.set(table.name, { ...table, constraints });
  }
  return changed;
}

function renameColumn(table: Table, { subname = '', newname = '', relation }: RenameStmt, context: Context): Change {
  requireColumn(table, subname, relation?.location);
  requireNoViews(table.name, context, `rename column ${subname}`);
  if (columnOf(table, newname))
    throw invalidSql(`column "${newname}" of relation "${table.name}" already exists`, relation?.location);
  const swap = (name: string) => (name === subname ? newname : name);
  const referring = renamedInKeys(context.catalog, (key) =>
    key.table === table.name && key.references.includes(subname)
      ? { ...key, references: key.references.map(swap) }
      : key,
  );
  const self = referring.get(table.name) ?? table;
  const next: Table = {
    ...self,
    columns: self.columns.map((column) => ({
      ...column,
      name: swap(column.name),
      ...(column.generated && { generated: renamedIn(column.generated, subname, newname) }),
    })),
    constraints: self.constraints.map((each) =>
      each.kind === 'check'
        ? { ...each, expression: renamedIn(each.expression, subname, newname) }
        : { ...each, columns: each.columns.map(swap) },
    ),
    indexes: self.indexes.map((index) => ({
      ...index,
      keys: index.keys.map(({ on, ...key }) => ({
        ...key,
        on: typeof on === 'string' ? swap(on) : renamedIn(on, subname, newname),
      })),
      ...(index.where && { where: renamedIn(index.where, subname, newname) }),
    })),
  };
  return {
    sql: [`ALTER TABLE ${quoteName(table.name)} RENAME COLUMN ${quoteName(subname)} TO ${quoteName(newname)}`],
    relations: new Map<string, Relation>([...referring, [table.name, next]]),
  };
}

function renamedIn(node: Node, from: string, to: string): Node {
  const text = JSON.stringify(node, (key, value) => {
    if (key !== 'ColumnRef' || stringsOf(value.fields).at(-1) !== from) return value;
    return { ...value, fields: [...value.fields.slice(0, -1), { String: { sval: to } }] };
  });
  return JSON.parse(text) as Node;
}

function renameConstraint(
  table: Table,
  { subname = '', newname = '', relation }: RenameStmt,
  context: Context,
): Change {
  if (!table.constraints.some(({ name }) => name === subname)) {
    throw invalidSql(`constraint "${subname}" for table "${table.name}" does not exist`, relation?.location);
  }
  const constraints = table.constraints.map((each) => (each.name === subname ? { ...each, name: newname } : each));
  const next = { ...table, constraints };
  return { sql: rebuilt(table, { table: next, copies: new Map() }, context), relations: new Map([[table.name, next]]) };
}

function renameIndex({ relation, newname = '', missing_ok }: RenameStmt, context: Context): Change {
  const name = relation?.relname ?? '';
  const table = tablesOf(context.catalog).find(({ indexes }) => indexes.some((index) => index.name === name));
  if (table === undefined) {
    if (missing_ok) return NOTHING;
    throw invalidSql(`relation "${name}" does not exist`, relation?.location);
  }
  const indexes = table.indexes.map((index) => (index.name === name ? { ...index, name: newname } : index));
  const next = { ...table, indexes };
  return {
    sql: [`DROP INDEX ${quoteName(name)}`, indexSql(indexes.find((index) => index.name === newname)!, next, context)],
    relations: new Map([[table.name, next]]),
  };
}

/** One change after another. */
export function chained(context: Context, steps: readonly ((context: Context) => Change)[]): Change {
  const sql: string[] = [];
  const relations = new Map<string, Relation | undefined>();
  let { catalog } = context;
  for (const step of steps) {
    const change = step({ ...context, catalog });
    sql.push(...change.sql);
    for (const [name, relation] of change.relations) relations.set(name, relation);
    catalog = withRelations(catalog, change.relations);
  }
  return { sql, relations };
}
