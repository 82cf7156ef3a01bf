/** One statement of PostgreSQL → statements of SQLite and a change of the catalog. What is not listed here is refused. */
import { alterTable, type Change, chained, isLight, NOTHING, rename, withoutKeysTo } from './alter.js';
import { type Context, ownName, requireOwn, stringsOf } from './context.js';
import { expression } from './expression.js';
import {
  type Catalog,
  columnOf,
  type Index,
  type Relation,
  referencesTo,
  type Table,
  tableOf,
  tablesOf,
  type View,
  viewsOver,
} from './model.js';
import { locationOf } from './nodes.js';
import type {
  CommentStmt,
  CreateStmt,
  DropStmt,
  IndexStmt,
  Node,
  NodeKind,
  NodeOf,
  SelectStmt,
  ViewStmt,
} from './parse.js';
import { quoteName, quoteNames } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { query } from './select.js';
import { indexSql, readTable, tableSql, withoutLocations } from './table.js';
import { deleteFrom, insert, requireTable, truncate, update } from './write.js';

export type { Change } from './alter.js';

type Statements = { readonly [Kind in NodeKind]?: (node: NodeOf<Kind>, context: Context) => Change };

const run = (...sql: readonly string[]): Change => ({ sql, relations: new Map() });

const STATEMENTS: Statements = {
  SelectStmt: (node, context) => (isSequenceCall(node) ? NOTHING : run(query(node, context))),
  InsertStmt: (node, context) => run(insert(node, context)),
  UpdateStmt: (node, context) => run(update(node, context)),
  DeleteStmt: (node, context) => run(deleteFrom(node, context)),
  TruncateStmt: (node, context) => run(...truncate(node, context)),
  CreateStmt: createTable,
  IndexStmt: createIndex,
  ViewStmt: createView,
  AlterTableStmt: alterTable,
  RenameStmt: rename,
  DropStmt: drop,
  CommentStmt: comment,
};

/** What people call the statements that are refused. */
const REFUSED: Readonly<Partial<Record<NodeKind, string>>> = {
  CreateTableAsStmt: 'CREATE TABLE AS and CREATE MATERIALIZED VIEW',
  VariableSetStmt: 'SET and RESET',
  VariableShowStmt: 'SHOW',
  TransactionStmt: 'BEGIN, COMMIT, ROLLBACK and SAVEPOINT (all files of a phase are one transaction)',
  DoStmt: 'DO',
  CreateFunctionStmt: 'CREATE FUNCTION and CREATE PROCEDURE',
  CreateTrigStmt: 'CREATE TRIGGER',
  CreateExtensionStmt: 'CREATE EXTENSION',
  CreateSchemaStmt: 'CREATE SCHEMA',
  CreateSeqStmt: 'CREATE SEQUENCE (use an identity column)',
  AlterSeqStmt: 'ALTER SEQUENCE',
  CreateEnumStmt: 'CREATE TYPE',
  CompositeTypeStmt: 'CREATE TYPE',
  CreateDomainStmt: 'CREATE DOMAIN',
  CreateRoleStmt: 'CREATE ROLE',
  GrantStmt: 'GRANT and REVOKE',
  GrantRoleStmt: 'GRANT and REVOKE',
  CopyStmt: 'COPY',
  VacuumStmt: 'VACUUM and ANALYZE',
  ExplainStmt: 'EXPLAIN',
  LockStmt: 'LOCK',
  MergeStmt: 'MERGE',
  CallStmt: 'CALL',
  ListenStmt: 'LISTEN',
  NotifyStmt: 'NOTIFY',
  CreatedbStmt: 'CREATE DATABASE',
  DropdbStmt: 'DROP DATABASE',
  RuleStmt: 'CREATE RULE',
  CreatePolicyStmt: 'CREATE POLICY',
  PrepareStmt: 'PREPARE',
  ExecuteStmt: 'EXECUTE',
  ReindexStmt: 'REINDEX',
  LoadStmt: 'LOAD',
};

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID with the reason and the location */
export function translate(node: Node, pluginId: string, catalog: Catalog): Change {
  const context: Context = {
    pluginId,
    catalog,
    ctes: new Set(),
    inReach: [],
    place: 'statement',
    reads: new Set(),
    expression,
    query,
  };
  const [kind, body] = Object.entries(node)[0] as [NodeKind, never];
  const translation = STATEMENTS[kind];
  if (translation !== undefined) return translation(body, context);
  throw unsupportedSql(`${REFUSED[kind] ?? kind.replace(/Stmt$/, '')} is not available to plugins`, locationOf(node));
}

/** Whether a statement may rebuild a table, for which foreign keys must be off before the transaction begins. */
export function mayRebuild(node: Node): boolean {
  if ('AlterTableStmt' in node) return !isLight(node.AlterTableStmt);
  if ('RenameStmt' in node) return node.RenameStmt.renameType === 'OBJECT_TABCONSTRAINT';
  return 'DropStmt' in node && node.DropStmt.behavior === 'DROP_CASCADE';
}

/** `SELECT setval(pg_get_serial_sequence(…), …)`: SQLite goes on after the largest number by itself. */
function isSequenceCall({ targetList, fromClause, valuesLists }: SelectStmt): boolean {
  const [target, ...others] = targetList ?? [];
  const call =
    target && 'ResTarget' in target && target.ResTarget.val && 'FuncCall' in target.ResTarget.val
      ? target.ResTarget.val.FuncCall
      : undefined;
  return (
    others.length === 0 &&
    !valuesLists &&
    (fromClause?.length ?? 0) <= 1 &&
    stringsOf(call?.funcname).at(-1) === 'setval'
  );
}

// ---- CREATE ----------------------------------------------------------------------------------------------------------------

function createTable(node: CreateStmt, context: Context): Change {
  const name = ownName(node.relation, context);
  if (node.relation?.relpersistence === 'u') throw unsupportedSql('UNLOGGED is not supported', node.relation.location);
  if (context.catalog.has(name)) {
    if (node.if_not_exists) return NOTHING;
    throw invalidSql(`relation "${name}" already exists`, node.relation?.location);
  }
  const table = readTable(node, context);
  const start = table.columns.find((column) => column.start !== undefined)?.start;
  const seed =
    start === undefined
      ? []
      : [`INSERT INTO sqlite_sequence (name, seq) VALUES ('${name.replaceAll("'", "''")}', ${start - 1})`];
  return { sql: [tableSql(table, context), ...seed], relations: new Map([[name, table]]) };
}

/** Methods that a plain index answers as well; the others search what SQLite has no index for. */
const METHODS: ReadonlySet<string> = new Set(['btree', 'hash', 'brin']);

function createIndex(node: IndexStmt, context: Context): Change {
  const { relation, accessMethod = 'btree', indexParams = [], unique = false, if_not_exists } = node;
  const table = requireTable(relation, context);
  if (!METHODS.has(accessMethod)) {
    throw unsupportedSql(
      `an index USING ${accessMethod} is not supported: leave it out, or index the expression that is searched`,
      relation?.location,
    );
  }
  if (node.nulls_not_distinct) throw unsupportedSql('NULLS NOT DISTINCT is not supported', relation?.location);
  const keys = indexParams.map((param) => indexKey(param, table, context));
  const name = node.idxname ?? freeIndexName(context.catalog, table, keys);
  requireIndexName(name, context, relation?.location);
  if (hasIndex(context.catalog, name)) {
    if (if_not_exists) return NOTHING;
    throw invalidSql(`relation "${name}" already exists`, relation?.location);
  }
  const index: Index = {
    name,
    isUnique: unique,
    keys,
    ...(node.whereClause && { where: withoutLocations(node.whereClause) }),
  };
  const next = { ...table, indexes: [...table.indexes, index] };
  if (node.whereClause)
    expression(node.whereClause, { ...context, place: 'schema', inReach: [{ alias: table.name, table }] });
  return { sql: [indexSql(index, table, context)], relations: new Map([[table.name, next]]) };
}

function indexKey(param: Node, table: Table, context: Context): Index['keys'][number] {
  const { name, expr, ordering, collation } = 'IndexElem' in param ? param.IndexElem : {};
  if (collation) throw unsupportedSql('COLLATE of an index is not supported', undefined);
  const descending = ordering === 'SORTBY_DESC';
  if (name !== undefined) {
    if (!columnOf(table, name)) throw invalidSql(`column "${name}" does not exist`, undefined);
    return { on: name, descending };
  }
  expression(expr, { ...context, place: 'schema', inReach: [{ alias: table.name, table }] });
  return { on: withoutLocations(expr!), descending };
}

function requireIndexName(name: string, { catalog }: Context, location: number | undefined): void {
  if (/^(?:sqlite|sandpool)_/i.test(name)) throw unsupportedSql(`the name ${name} belongs to the host`, location);
  if (catalog.has(name)) throw invalidSql(`relation "${name}" already exists`, location);
}

function hasIndex(catalog: Catalog, name: string): boolean {
  return tablesOf(catalog).some(({ indexes }) => indexes.some((index) => index.name === name));
}

function freeIndexName(catalog: Catalog, table: Table, keys: Index['keys']): string {
  const parts = keys.map(({ on }) => (typeof on === 'string' ? on : 'expr'));
  const base = [table.name, ...parts, 'idx'].join('_');
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? base : `${base}${number}`;
    if (!hasIndex(catalog, name)) return name;
  }
}

function createView(node: ViewStmt, context: Context): Change {
  const { view, aliases, query: body, replace = false, options, withCheckOption } = node;
  const name = ownName(view, context);
  if (options || (withCheckOption && withCheckOption !== 'NO_CHECK_OPTION')) {
    throw unsupportedSql('options of a view are not supported', view?.location);
  }
  const before = context.catalog.get(name);
  if (before && (before.kind === 'table' || !replace))
    throw invalidSql(`relation "${name}" already exists`, view?.location);
  const reads = new Set<string>();
  const select = body && 'SelectStmt' in body ? body.SelectStmt : {};
  const sql = query(select, { ...context, place: 'view', reads });
  for (const read of reads) {
    if (!context.catalog.has(read)) throw invalidSql(`relation "${read}" does not exist`, view?.location);
  }
  if (reads.has(name)) throw invalidSql(`infinite recursion detected in rules for relation "${name}"`, view?.location);
  const columns = aliases ? ` (${quoteNames(stringsOf(aliases))})` : '';
  const next: View = { kind: 'view', name, reads: [...reads], ...(before?.comment && { comment: before.comment }) };
  return {
    sql: [...(before ? [`DROP VIEW ${quoteName(name)}`] : []), `CREATE VIEW ${quoteName(name)}${columns} AS ${sql}`],
    relations: new Map([[name, next]]),
  };
}

// ---- DROP ------------------------------------------------------------------------------------------------------------------

function drop(node: DropStmt, context: Context): Change {
  const { objects = [], removeType, behavior, missing_ok = false } = node;
  const paths = objects.map((object) => stringsOf('List' in object ? object.List.items : [object]));
  if (removeType === 'OBJECT_INDEX')
    return chained(
      context,
      paths.map((path) => (at) => dropIndex(path.at(-1)!, missing_ok, at)),
    );
  if (removeType !== 'OBJECT_TABLE' && removeType !== 'OBJECT_VIEW') {
    const word = (removeType ?? '').replace('OBJECT_', '').replaceAll('_', ' ');
    throw unsupportedSql(`DROP ${word} is not available to plugins`, undefined);
  }
  const kind = removeType === 'OBJECT_TABLE' ? 'table' : 'view';
  const names = paths.map((path) => dropName(path, context)).filter((name) => isThere(name, kind, missing_ok, context));
  return dropRelations(new Set(names), behavior === 'DROP_CASCADE', context);
}

function dropName(path: readonly string[], context: Context): string {
  const [schemaname, relname] = path.length > 1 ? [path.slice(0, -1).join('.'), path.at(-1)!] : [undefined, path[0]!];
  return ownName({ relname, ...(schemaname && { schemaname }) }, context);
}

function isThere(name: string, kind: 'table' | 'view', isMissingFine: boolean, { catalog }: Context): boolean {
  const relation = catalog.get(name);
  if (relation?.kind === kind) return true;
  if (relation === undefined && isMissingFine) return false;
  throw invalidSql(relation ? `"${name}" is not a ${kind}` : `${kind} "${name}" does not exist`, undefined);
}

/** Views over the relations, and foreign keys to them, go too with CASCADE, and hold them without. */
function dropRelations(names: ReadonlySet<string>, isCascade: boolean, context: Context): Change {
  const { catalog } = context;
  const views = [...new Set([...names].flatMap((name) => viewsOver(catalog, name)))].filter(
    ({ name }) => !names.has(name),
  );
  const referring = [
    ...new Set([...names].flatMap((name) => referencesTo(catalog, name).map(({ table }) => table))),
  ].filter(({ name }) => !names.has(name));
  if (!isCascade && views.length + referring.length > 0) {
    const dependents = [...views, ...referring].map(({ name }) => name).join(', ');
    throw invalidSql(
      `cannot drop ${[...names].join(', ')} because other objects depend on it: ${dependents}`,
      undefined,
    );
  }
  return chained(context, [
    ...views.map((view) => () => dropped(view)),
    ...referring.map((table) => (at: Context) => withoutKeysTo(tableOf(at.catalog, table.name)!, names, at)),
    ...inDropOrder([...names], catalog).map((name) => (at: Context) => dropped(at.catalog.get(name)!)),
  ]);
}

/** What refers before what is referred to, so that no row is ever without its parent. */
function inDropOrder(names: readonly string[], catalog: Catalog): readonly string[] {
  const ordered = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (ordered.has(name) || path.includes(name)) return;
    const readers = [...viewsOver(catalog, name), ...referencesTo(catalog, name).map(({ table }) => table)];
    for (const reader of readers) if (names.includes(reader.name)) visit(reader.name, [...path, name]);
    ordered.add(name);
  };
  for (const name of names) visit(name, []);
  return [...ordered];
}

function dropped({ kind, name }: Relation): Change {
  return { sql: [`DROP ${kind.toUpperCase()} ${quoteName(name)}`], relations: new Map([[name, undefined]]) };
}

function dropIndex(name: string, isMissingFine: boolean, context: Context): Change {
  const table = tablesOf(context.catalog).find(({ indexes }) => indexes.some((index) => index.name === name));
  if (table === undefined) {
    if (isMissingFine) return NOTHING;
    throw invalidSql(`index "${name}" does not exist`, undefined);
  }
  const next = { ...table, indexes: table.indexes.filter((index) => index.name !== name) };
  return { sql: [`DROP INDEX ${quoteName(name)}`], relations: new Map([[table.name, next]]) };
}

// ---- COMMENT ---------------------------------------------------------------------------------------------------------------

/** Kept beside the table, and shown where an administrator reviews it; of constraints and indexes there is no place for one. */
function comment({ objtype, object, comment: text }: CommentStmt, context: Context): Change {
  const path = stringsOf(object && 'List' in object ? object.List.items : []);
  if (objtype === 'OBJECT_TABLE' || objtype === 'OBJECT_VIEW') {
    const name = dropName(path, context);
    const { comment: _before, ...relation } = requireRelation(name, context);
    return { sql: [], relations: new Map([[name, { ...relation, ...(text && { comment: text }) }]]) };
  }
  if (objtype === 'OBJECT_COLUMN') return commentColumn(path, text, context);
  if (objtype === 'OBJECT_TABCONSTRAINT') requireOwn(context.pluginId, path.at(-2) ?? '', undefined);
  else if (objtype !== 'OBJECT_INDEX')
    throw unsupportedSql('COMMENT is supported for tables, views, columns, constraints and indexes', undefined);
  return NOTHING;
}

function commentColumn(path: readonly string[], text: string | undefined, context: Context): Change {
  const name = dropName(path.slice(0, -1), context);
  const relation = requireRelation(name, context);
  if (relation.kind === 'view') return NOTHING;
  const column = columnOf(relation, path.at(-1)!);
  if (!column) throw invalidSql(`column "${path.at(-1)}" of relation "${name}" does not exist`, undefined);
  const { comment: _before, ...bare } = column;
  const columns = relation.columns.map((each) =>
    each === column ? { ...bare, ...(text && { comment: text }) } : each,
  );
  return { sql: [], relations: new Map([[name, { ...relation, columns }]]) };
}

function requireRelation(name: string, { catalog }: Context): Relation {
  const relation = catalog.get(name);
  if (relation) return relation;
  throw invalidSql(`relation "${name}" does not exist`, undefined);
}
