/** INSERT, UPDATE, DELETE and TRUNCATE. Values take the form in which the columns' types are stored. */
import { assigned } from './assignment.js';
import { type Context, type InReach, ownName, withInReach } from './context.js';
import { expression } from './expression.js';
import { type Column, identityOf, referencesTo, type Table, tableOf } from './model.js';
import { locationOf } from './nodes.js';
import type {
  DeleteStmt,
  InsertStmt,
  Node,
  OnConflictClause,
  RangeVar,
  SelectStmt,
  TruncateStmt,
  UpdateStmt,
} from './parse.js';
import { quoteName, quoteNames, quoteText } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { fromClause, isStar, query, requireColumn, returning, withClause } from './select.js';

/** A table that is written. @throws SBX_SQL_INVALID when there is none of the name, or a view */
export function requireTable(range: RangeVar | undefined, context: Context): Table {
  const name = ownName(range, context);
  const table = tableOf(context.catalog, name);
  if (table) return table;
  const reason = context.catalog.has(name) ? `"${name}" is a view` : `relation "${name}" does not exist`;
  throw invalidSql(reason, range?.location);
}

// ---- INSERT ----------------------------------------------------------------------------------------------------------------

export function insert(node: InsertStmt, context: Context): string {
  const table = requireTable(node.relation, context);
  const { sql: prefix, context: inner } = withClause(node.withClause, context);
  const alias = node.relation?.alias?.aliasname;
  const within = withInReach(inner, [{ alias: alias ?? table.name, table }]);
  const source = node.selectStmt && 'SelectStmt' in node.selectStmt ? node.selectStmt.SelectStmt : undefined;
  const columns = insertedColumns(node, table, source);
  const rows = source === undefined ? 'DEFAULT VALUES' : rowsOf(source, columns, table, node, inner);
  const names = source === undefined ? '' : ` (${quoteNames(kept(source, columns).map(({ name }) => name))})`;
  const into = `INSERT INTO ${quoteName(table.name)}${alias ? ` AS ${quoteName(alias)}` : ''}${names}`;
  return `${prefix}${into} ${rows}${conflict(node.onConflictClause, table, within)}${returning(node.returningClause?.exprs, within)}`;
}

/** The named columns, or as many from the first as there are values. */
function insertedColumns(
  { cols, relation }: InsertStmt,
  table: Table,
  source: SelectStmt | undefined,
): readonly Column[] {
  if (cols) {
    return cols.map((col) => {
      const { name = '', location, indirection } = 'ResTarget' in col ? col.ResTarget : {};
      if (indirection) throw unsupportedSql('a part of an array or of a row is not supported', location);
      return requireColumn(table, name, location);
    });
  }
  const width = source === undefined ? 0 : widthOf(source, relation?.location);
  const columns = table.columns.filter(({ generated }) => generated === undefined);
  if (width > columns.length) throw invalidSql('INSERT has more expressions than target columns', relation?.location);
  return columns.slice(0, width);
}

function widthOf({ valuesLists, targetList, larg }: SelectStmt, location: number | undefined): number {
  if (larg) return widthOf(larg, location);
  const [first] = valuesLists ?? [];
  const items = first && 'List' in first ? first.List.items : targetList;
  if (items?.some((item) => 'ResTarget' in item && isStar(item.ResTarget.val))) {
    throw unsupportedSql('INSERT … SELECT * needs a list of columns', location);
  }
  return items?.length ?? 0;
}

/** A column that is DEFAULT in every row is left out, since SQLite has no such value. */
function kept(source: SelectStmt, columns: readonly Column[]): readonly Column[] {
  const lists = listsOf(source);
  const remaining = columns.filter((_, at) => lists === undefined || !lists.every((items) => isDefault(items[at])));
  return remaining.length > 0 ? remaining : columns.slice(0, 1);
}

function listsOf({ valuesLists }: SelectStmt): readonly (readonly Node[])[] | undefined {
  return valuesLists?.map((list) => ('List' in list ? (list.List.items ?? []) : []));
}

function isDefault(node: Node | undefined): boolean {
  return node !== undefined && 'SetToDefault' in node;
}

function rowsOf(
  source: SelectStmt,
  columns: readonly Column[],
  table: Table,
  node: InsertStmt,
  context: Context,
): string {
  const lists = isValues(source) ? listsOf(source) : undefined;
  const writes = kept(source, columns);
  for (const column of writes)
    requireWritable(
      column,
      node,
      lists?.map((items) => items[columns.indexOf(column)]),
    );
  if (lists !== undefined) return valuesRows(lists, columns, writes, table, node, context);
  // A query's results take their form one level up, so that any query may stand here.
  const names = columns.map((_, at) => `c${at + 1}`);
  const from = { ...context, inReach: [{ alias: 'inserted rows', table: undefined }] };
  const results = columns.map(({ type }, at) =>
    assigned({ ColumnRef: { fields: [{ String: { sval: names[at]! } }] } }, type, from),
  );
  const inner = `WITH "inserted rows"(${quoteNames(names)}) AS (${query(source, context)})`;
  return `${inner} SELECT ${results.join(', ')} FROM "inserted rows" WHERE true`;
}

function isValues({ valuesLists, sortClause, limitCount, withClause: clause }: SelectStmt): boolean {
  return valuesLists !== undefined && !sortClause && !limitCount && !clause;
}

function valuesRows(
  lists: readonly (readonly Node[])[],
  columns: readonly Column[],
  writes: readonly Column[],
  table: Table,
  { relation }: InsertStmt,
  context: Context,
): string {
  const outside = { ...context, inReach: [] };
  const rows = lists.map((items) => {
    if (items.length !== columns.length) {
      const reason =
        items.length > columns.length ? 'more expressions than target columns' : 'more target columns than expressions';
      throw invalidSql(`INSERT has ${reason}`, locationOf(items.at(-1)) ?? relation?.location);
    }
    const cells = writes.map((column) => {
      const item = items[columns.indexOf(column)];
      return isDefault(item) ? defaultOf(column, table, outside) : assigned(item, column.type, outside);
    });
    return `(${cells.join(', ')})`;
  });
  return `VALUES ${rows.join(', ')}`;
}

/** NULL in the column that numbers the rows gives the next number. */
function defaultOf(column: Column, table: Table, context: Context): string {
  if (identityOf(table) === column || column.default === undefined) return 'NULL';
  return assigned(column.default, column.type, context);
}

function requireWritable(
  { name, identity, generated }: Column,
  node: InsertStmt,
  items?: readonly (Node | undefined)[],
): void {
  if (items?.every(isDefault)) return;
  if (generated)
    throw invalidSql(
      `cannot insert a non-DEFAULT value into column "${name}": it is a generated column`,
      locationOf(items?.[0]),
    );
  if (identity === 'always' && node.override !== 'OVERRIDING_SYSTEM_VALUE') {
    const reason = `cannot insert a non-DEFAULT value into column "${name}": it is an identity column defined as GENERATED ALWAYS`;
    throw invalidSql(reason, locationOf(items?.[0]) ?? node.relation?.location);
  }
}

function conflict(clause: OnConflictClause | undefined, table: Table, context: Context): string {
  if (clause === undefined) return '';
  const target = conflictTarget(clause, table, context);
  if (clause.action !== 'ONCONFLICT_UPDATE') return ` ON CONFLICT${target} DO NOTHING`;
  if (target === '') throw invalidSql('ON CONFLICT DO UPDATE requires a constraint or columns', clause.location);
  const within = withInReach(context, [{ alias: 'excluded', table }]);
  const sets = assignments(clause.targetList ?? [], table, {
    ...within,
    inReach: [...context.inReach, ...within.inReach],
  });
  const where = clause.whereClause ? ` WHERE ${expression(clause.whereClause, within)}` : '';
  return ` ON CONFLICT${target} DO UPDATE SET ${sets}${where}`;
}

function conflictTarget({ infer, location }: OnConflictClause, table: Table, context: Context): string {
  if (infer === undefined) return '';
  if (infer.conname !== undefined) {
    const found = table.constraints.find(({ name }) => name === infer.conname);
    if (found?.kind === 'primary' || found?.kind === 'unique') return ` (${quoteNames(found.columns)})`;
    throw invalidSql(
      `constraint "${infer.conname}" for table "${table.name}" does not exist`,
      infer.location ?? location,
    );
  }
  const stored = { ...context, place: 'schema' as const };
  const keys = (infer.indexElems ?? []).map((node) => {
    const { name, expr } = 'IndexElem' in node ? node.IndexElem : {};
    return name === undefined ? expression(expr, stored) : quoteName(requireColumn(table, name, infer.location).name);
  });
  const where = infer.whereClause ? ` WHERE ${expression(infer.whereClause, stored)}` : '';
  return ` (${keys.join(', ')})${where}`;
}

// ---- UPDATE ----------------------------------------------------------------------------------------------------------------

export function update(node: UpdateStmt, context: Context): string {
  const table = requireTable(node.relation, context);
  const { sql: prefix, context: inner } = withClause(node.withClause, context);
  const target = targetOf(node.relation, table);
  const from = fromClause(node.fromClause, inner);
  const within = withInReach(inner, [target.inReach, ...from.inReach]);
  const parts = [
    `UPDATE ${target.sql} SET ${assignments(node.targetList ?? [], table, within)}`,
    from.sql && `FROM ${from.sql}`,
    node.whereClause && `WHERE ${expression(node.whereClause, within)}`,
  ];
  return `${prefix}${parts.filter(Boolean).join(' ')}${returning(node.returningClause?.exprs, within)}`;
}

function targetOf(range: RangeVar | undefined, table: Table): { readonly sql: string; readonly inReach: InReach } {
  const alias = range?.alias?.aliasname;
  const sql = alias === undefined ? quoteName(table.name) : `${quoteName(table.name)} AS ${quoteName(alias)}`;
  return { sql, inReach: { alias: alias ?? table.name, table } };
}

function assignments(nodes: readonly Node[], table: Table, context: Context): string {
  const done: string[] = [];
  for (const node of nodes) {
    const { name = '', val, location } = 'ResTarget' in node ? node.ResTarget : {};
    const column = requireColumn(table, name, location);
    const value = val && 'MultiAssignRef' in val ? partOf(val.MultiAssignRef, location) : val;
    if ((column.generated || column.identity === 'always') && !isDefault(value)) {
      throw invalidSql(`column "${name}" can only be updated to DEFAULT`, location);
    }
    const sql = isDefault(value) ? resetOf(column, context) : assigned(value, column.type, context);
    if (sql !== undefined) done.push(`${quoteName(name)} = ${sql}`);
  }
  if (done.length === 0) throw unsupportedSql('this UPDATE sets nothing that SQLite can set', locationOf(nodes[0]));
  return done.join(', ');
}

/** `(a, b) = (1, 2)` is taken apart; of a query there is no part. */
function partOf(
  { source, colno = 1 }: { source?: Node; colno?: number },
  location: number | undefined,
): Node | undefined {
  if (source && 'RowExpr' in source) return source.RowExpr.args?.[colno - 1];
  throw unsupportedSql('SET (a, b) = (SELECT …) is not supported: set each column by a query of its own', location);
}

function resetOf({ default: value, type, generated, identity }: Column, context: Context): string | undefined {
  if (generated || identity) return undefined;
  return value === undefined ? 'NULL' : assigned(value, type, { ...context, inReach: [] });
}

// ---- DELETE and TRUNCATE ---------------------------------------------------------------------------------------------------

export function deleteFrom(node: DeleteStmt, context: Context): string {
  const table = requireTable(node.relation, context);
  const { sql: prefix, context: inner } = withClause(node.withClause, context);
  const target = targetOf(node.relation, table);
  const using = fromClause(node.usingClause, inner);
  const within = withInReach(inner, [target.inReach, ...using.inReach]);
  const condition = node.whereClause ? expression(node.whereClause, within) : undefined;
  const where = using.sql === '' ? condition : `_rowid_ IN (${rowsBeside(target, using.sql, condition, table)})`;
  const alone = withInReach(inner, [target.inReach]);
  return `${prefix}DELETE FROM ${target.sql}${where ? ` WHERE ${where}` : ''}${returning(node.returningClause?.exprs, alone)}`;
}

/** SQLite has no USING: the rows are found by their number. */
function rowsBeside(
  { sql, inReach }: ReturnType<typeof targetOf>,
  using: string,
  condition: string | undefined,
  table: Table,
): string {
  if (table.columns.some(({ name }) => name.toLowerCase() === '_rowid_')) {
    throw unsupportedSql('DELETE … USING of a table with a column _rowid_ is not supported', undefined);
  }
  return `SELECT ${quoteName(inReach.alias)}._rowid_ FROM ${sql}, ${using}${condition ? ` WHERE ${condition}` : ''}`;
}

export function truncate(
  { relations = [], restart_seqs, behavior }: TruncateStmt,
  context: Context,
): readonly string[] {
  const tables = relations.map((node) => requireTable('RangeVar' in node ? node.RangeVar : undefined, context));
  const names = new Set(tables.map(({ name }) => name));
  const held = tables.find(({ name }) =>
    referencesTo(context.catalog, name).some(({ table }) => !names.has(table.name)),
  );
  if (held !== undefined) {
    const reason = `cannot truncate ${held.name}: a foreign key of another table leads to it`;
    throw behavior === 'DROP_CASCADE'
      ? unsupportedSql(`${reason} (CASCADE is not supported)`, undefined)
      : invalidSql(reason, undefined);
  }
  return tables.flatMap((table) => [
    `DELETE FROM ${quoteName(table.name)}`,
    ...(restart_seqs && identityOf(table) ? [`DELETE FROM sqlite_sequence WHERE name = ${quoteText(table.name)}`] : []),
  ]);
}
