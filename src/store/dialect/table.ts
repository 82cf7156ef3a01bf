/** CREATE TABLE: what is read into the model, and how the model is written as SQLite's definition. */
import { assigned } from './assignment.js';
import { type Context, ownName, stringsOf } from './context.js';
import { expression } from './expression.js';
import {
  type Column,
  type Constraint,
  columnOf,
  type ForeignKey,
  type Index,
  identityOf,
  primaryKeyOf,
  type Table,
  tableOf,
} from './model.js';
import type { ColumnDef, CreateStmt, Node, NodeOf } from './parse.js';
import { quoteName, quoteNames } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { declaredType, readType, typeCheck } from './types.js';

type ConstraintNode = NodeOf<'Constraint'>;

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function readTable(node: CreateStmt, context: Context): Table {
  const { relation, tableElts = [] } = node;
  const name = ownName(relation, context);
  if (node.inhRelations || node.ofTypename || node.partspec || node.partbound) {
    throw unsupportedSql('INHERITS, OF and PARTITION are not supported', relation?.location);
  }
  let table: Table = { kind: 'table', name, columns: [], constraints: [], indexes: [] };
  const outer: ConstraintNode[] = [];
  for (const element of tableElts) {
    if ('ColumnDef' in element) table = withColumn(table, element.ColumnDef, context);
    else if ('Constraint' in element) outer.push(element.Constraint);
    else throw unsupportedSql('CREATE TABLE … (LIKE …) is not supported', relation?.location);
  }
  for (const constraint of outer) table = withConstraint(table, constraint, context);
  if (table.columns.length === 0) throw unsupportedSql('a table without columns is not supported', relation?.location);
  requireWhole(table, relation?.location);
  return table;
}

/** SQLite numbers the rows of a table by one column. */
export function requireWhole(table: Table, location: number | undefined): void {
  const numbered = table.columns.filter(({ identity }) => identity !== undefined);
  if (numbered.length > 1) {
    throw unsupportedSql(
      `${table.name} has two columns that number its rows: ${numbered.map(({ name }) => name).join(', ')}`,
      location,
    );
  }
  if (table.constraints.filter(({ kind }) => kind === 'primary').length > 1) {
    throw invalidSql(`multiple primary keys for table "${table.name}" are not allowed`, location);
  }
}

// ---- columns ---------------------------------------------------------------------------------------------------------------

/** The table with a column and the constraints that are written beside it. */
export function withColumn(table: Table, def: ColumnDef, context: Context): Table {
  const { colname = '', typeName, constraints = [], collClause, location } = def;
  if (columnOf(table, colname)) throw invalidSql(`column "${colname}" specified more than once`, location);
  if (collClause) throw unsupportedSql('COLLATE of a column is not supported', location);
  const { type, identity } = readType(typeName);
  const column: Column = { name: colname, type, notNull: identity !== undefined, ...(identity && { identity }) };
  const nodes = constraints.flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
  const full = nodes.reduce<Column>((before, node) => withProperty(before, node, context), column);
  const next = { ...table, columns: [...table.columns, full] };
  return nodes.reduce<Table>((before, node) => withConstraint(before, node, context, colname), next);
}

function withProperty(column: Column, node: ConstraintNode, context: Context): Column {
  const { contype, raw_expr, generated_when, location } = node;
  switch (contype) {
    case 'CONSTR_NOTNULL':
    case 'CONSTR_PRIMARY':
      return { ...column, notNull: true };
    case 'CONSTR_DEFAULT':
      return withDefault(column, raw_expr, context);
    case 'CONSTR_IDENTITY':
      return withIdentity(column, node);
    case 'CONSTR_GENERATED':
      if (generated_when !== 'a' || node.generated_kind === 'v')
        throw unsupportedSql('a VIRTUAL column is not supported', location);
      return { ...column, generated: withoutLocations(raw_expr!) };
    default:
      return column;
  }
}

/** Translated once to have it refused in time; kept as a tree. */
export function withDefault(column: Column, value: Node | undefined, context: Context): Column {
  const { default: _before, ...rest } = column;
  if (value === undefined) return rest;
  if (column.identity) throw invalidSql(`both default and identity specified for column "${column.name}"`, undefined);
  defaultSql({ ...rest, default: value }, context);
  return { ...rest, default: withoutLocations(value) };
}

export function withIdentity(column: Column, { generated_when, options = [], location }: ConstraintNode): Column {
  if (!['smallint', 'integer', 'bigint'].includes(column.type.word)) {
    throw invalidSql('identity column type must be smallint, integer, or bigint', location);
  }
  let start: number | undefined;
  for (const option of options) {
    const { defname, arg } = 'DefElem' in option ? option.DefElem : {};
    const value = arg && 'Integer' in arg ? (arg.Integer.ival ?? 0) : undefined;
    const isPlain =
      (defname === 'increment' && value === 1) || (defname === 'minvalue' && value === 1) || defname === 'cache';
    if (defname === 'start' && value !== undefined && value >= 1) start = value;
    else if (!isPlain) throw unsupportedSql(`the option ${defname} of an identity is not supported`, location);
  }
  const identity = generated_when === 'a' ? 'always' : 'by default';
  return { ...column, identity, notNull: true, ...(start !== undefined && { start }) };
}

// ---- constraints -----------------------------------------------------------------------------------------------------------

/** The table with one more constraint; those that only describe a column change nothing. */
export function withConstraint(table: Table, node: ConstraintNode, context: Context, column?: string): Table {
  const { location } = node;
  if (node.deferrable && node.contype !== 'CONSTR_FOREIGN')
    throw unsupportedSql('DEFERRABLE is supported for foreign keys alone', location);
  switch (node.contype) {
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      return withKey(table, node, column);
    case 'CONSTR_CHECK': {
      const stored = { ...context, place: 'schema' as const, inReach: [{ alias: table.name, table }] };
      expression(node.raw_expr, stored);
      const name = node.conname ?? freeName(table, [table.name, ...(column ? [column] : []), 'check']);
      return add(table, { kind: 'check', name, expression: withoutLocations(node.raw_expr!) }, location);
    }
    case 'CONSTR_FOREIGN':
      return add(table, foreignKey(table, node, context, column), location);
    case 'CONSTR_EXCLUSION':
      throw unsupportedSql('EXCLUDE is not supported', location);
    case 'CONSTR_ATTR_DEFERRABLE':
    case 'CONSTR_ATTR_DEFERRED':
      throw unsupportedSql(
        'DEFERRABLE beside a column is not supported: write FOREIGN KEY (…) REFERENCES … DEFERRABLE',
        location,
      );
    case 'CONSTR_ATTR_NOT_ENFORCED':
      throw unsupportedSql('NOT ENFORCED is not supported', location);
    default:
      return table;
  }
}

function withKey(table: Table, node: ConstraintNode, column: string | undefined): Table {
  const { contype, conname, keys, nulls_not_distinct, indexname, including, without_overlaps, location } = node;
  if (nulls_not_distinct || indexname || including || without_overlaps) {
    throw unsupportedSql('NULLS NOT DISTINCT, USING INDEX, INCLUDE and WITHOUT OVERLAPS are not supported', location);
  }
  const columns = column === undefined ? stringsOf(keys) : [column];
  for (const name of columns) {
    if (!columnOf(table, name)) throw invalidSql(`column "${name}" named in key does not exist`, location);
  }
  const isPrimary = contype === 'CONSTR_PRIMARY';
  const name = conname ?? freeName(table, isPrimary ? [table.name, 'pkey'] : [table.name, ...columns, 'key']);
  const added = add(table, { kind: isPrimary ? 'primary' : 'unique', name, columns }, location);
  if (!isPrimary) return added;
  return {
    ...added,
    columns: added.columns.map((each) => (columns.includes(each.name) ? { ...each, notNull: true } : each)),
  };
}

const ACTIONS: Readonly<Record<string, string>> = { r: 'RESTRICT', c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' };

function foreignKey(table: Table, node: ConstraintNode, context: Context, column: string | undefined): ForeignKey {
  const { conname, pktable, fk_attrs, pk_attrs, fk_matchtype, fk_del_set_cols, location } = node;
  if (fk_matchtype === 'f' || fk_del_set_cols)
    throw unsupportedSql('MATCH FULL and SET NULL (columns) are not supported', location);
  const other = ownName(pktable, context);
  const target = other === table.name ? table : tableOf(context.catalog, other);
  if (target === undefined) throw invalidSql(`relation "${other}" does not exist`, pktable?.location);
  const columns = column === undefined ? stringsOf(fk_attrs) : [column];
  const references = pk_attrs ? stringsOf(pk_attrs) : primaryKeyOf(target);
  for (const name of columns) {
    if (!columnOf(table, name))
      throw invalidSql(`column "${name}" referenced in foreign key constraint does not exist`, location);
  }
  if (!isKey(target, references) || references.length !== columns.length) {
    throw invalidSql(`there is no unique constraint matching given keys for referenced table "${other}"`, location);
  }
  return {
    kind: 'foreign',
    name: conname ?? freeName(table, [table.name, ...columns, 'fkey']),
    columns,
    table: other,
    references,
    onDelete: ACTIONS[node.fk_del_action ?? 'a'] ?? '',
    onUpdate: ACTIONS[node.fk_upd_action ?? 'a'] ?? '',
    isDeferred: node.initdeferred === true,
  };
}

function isKey({ constraints, indexes }: Table, columns: readonly string[]): boolean {
  const wanted = [...columns].sort().join('\0');
  const keys = constraints.flatMap((each) => (each.kind === 'primary' || each.kind === 'unique' ? [each.columns] : []));
  const unique = indexes.filter(({ isUnique, where }) => isUnique && where === undefined);
  const byIndex = unique.map((index) => index.keys.map(({ on }) => (typeof on === 'string' ? on : '')));
  return columns.length > 0 && [...keys, ...byIndex].some((key) => [...key].sort().join('\0') === wanted);
}

function add(table: Table, constraint: Constraint, location: number | undefined): Table {
  if (table.constraints.some(({ name }) => name === constraint.name)) {
    throw invalidSql(`constraint "${constraint.name}" for relation "${table.name}" already exists`, location);
  }
  return { ...table, constraints: [...table.constraints, constraint] };
}

/** As PostgreSQL names them: `t_a_b_key`, then `t_a_b_key1`. */
function freeName({ constraints, indexes }: Table, parts: readonly string[]): string {
  const taken = new Set([...constraints, ...indexes].map(({ name }) => name));
  const base = parts.join('_');
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? base : `${base}${number}`;
    if (!taken.has(name)) return name;
  }
}

/** Trees are kept without the places where they stood. */
export function withoutLocations(node: Node): Node {
  return JSON.parse(JSON.stringify(node, (key, value) => (key === 'location' ? undefined : value))) as Node;
}

// ---- the definition --------------------------------------------------------------------------------------------------------

/** `CREATE TABLE`, under another name while a table is rebuilt. */
export function tableSql(table: Table, context: Context, name = table.name): string {
  const stored = { ...context, place: 'schema' as const, inReach: [{ alias: table.name, table }] };
  const numbered = identityOf(table);
  const columns = table.columns.map((column) => columnSql(column, column === numbered, stored));
  const constraints = table.constraints.flatMap((constraint) => constraintSql(constraint, numbered, stored));
  const checks = table.columns
    .filter((column) => column !== numbered && !column.generated)
    .flatMap((column) => typeCheck(column) ?? []);
  return `CREATE TABLE ${quoteName(name)} (\n  ${[...columns, ...constraints, ...checks].join(',\n  ')}\n)`;
}

/** The column that numbers the rows is SQLite's own row number, whatever else the primary key is. */
export function columnSql(column: Column, isNumbered: boolean, context: Context): string {
  const name = quoteName(column.name);
  if (isNumbered) return `${name} INTEGER PRIMARY KEY AUTOINCREMENT`;
  const parts = [
    `${name} ${declaredType(column.type)}`,
    column.notNull && 'NOT NULL',
    column.default && `DEFAULT (${defaultSql(column, context)})`,
    column.generated && `GENERATED ALWAYS AS (${assigned(column.generated, column.type, context)}) STORED`,
  ];
  return parts.filter(Boolean).join(' ');
}

export function defaultSql({ default: value, type }: Column, context: Context): string {
  return assigned(value, type, { ...context, place: 'default', inReach: [] });
}

function constraintSql(constraint: Constraint, numbered: Column | undefined, context: Context): readonly string[] {
  const named = `CONSTRAINT ${quoteName(constraint.name)}`;
  switch (constraint.kind) {
    case 'primary':
    case 'unique': {
      const isNumber = constraint.columns.length === 1 && constraint.columns[0] === numbered?.name;
      if (isNumber) return [];
      const isPrimary = constraint.kind === 'primary' && numbered === undefined;
      return [`${named} ${isPrimary ? 'PRIMARY KEY' : 'UNIQUE'} (${quoteNames(constraint.columns)})`];
    }
    case 'check':
      return [`${named} CHECK (${expression(constraint.expression, context)})`];
    case 'foreign':
      return [`${named} ${foreignKeySql(constraint)}`];
  }
}

function foreignKeySql({ columns, table, references, onDelete, onUpdate, isDeferred }: ForeignKey): string {
  const parts = [
    `FOREIGN KEY (${quoteNames(columns)}) REFERENCES ${quoteName(table)} (${quoteNames(references)})`,
    onDelete && `ON DELETE ${onDelete}`,
    onUpdate && `ON UPDATE ${onUpdate}`,
    isDeferred && 'DEFERRABLE INITIALLY DEFERRED',
  ];
  return parts.filter(Boolean).join(' ');
}

export function indexSql({ name, isUnique, keys, where }: Index, table: Table, context: Context): string {
  const stored = { ...context, place: 'schema' as const, inReach: [{ alias: table.name, table }] };
  const columns = keys.map(({ on, descending }) => {
    const key = typeof on === 'string' ? quoteName(on) : expression(on, stored);
    return descending ? `${key} DESC` : key;
  });
  const condition = where ? ` WHERE ${expression(where, stored)}` : '';
  return `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${quoteName(name)} ON ${quoteName(table.name)} (${columns.join(', ')})${condition}`;
}
