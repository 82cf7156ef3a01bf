/** SELECT, VALUES and WITH. */
import { type Context, type InReach, readName, stringsOf, withInReach } from './context.js';
import { expression } from './expression.js';
import { columnOf } from './model.js';
import { arrayItems, locationOf, textOf } from './nodes.js';
import type { JoinExpr, Node, RangeFunction, RangeSubselect, SelectStmt, WithClause } from './parse.js';
import { quoteName, quoteNames } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { typeNameOf } from './types.js';
import { ordering, windowOf } from './window.js';

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function query(select: SelectStmt, context: Context): string {
  refuse(select);
  const { sql: prefix, context: inner } = withClause(select.withClause, context);
  if (select.valuesLists) return `${prefix}${values(select.valuesLists, inner)}${tail(select, inner)}`;
  if (select.op && select.op !== 'SETOP_NONE') return `${prefix}${combined(select, inner)}${tail(select, inner)}`;
  const from = fromClause(select.fromClause, inner);
  const within = withInReach(inner, from.inReach);
  const parts = [
    `SELECT ${select.distinctClause ? 'DISTINCT ' : ''}${targets(select.targetList ?? [], within)}`,
    from.sql && `FROM ${from.sql}`,
    select.whereClause && `WHERE ${expression(select.whereClause, within)}`,
    select.groupClause && `GROUP BY ${select.groupClause.map((node) => expression(node, within)).join(', ')}`,
    select.havingClause && `HAVING ${expression(select.havingClause, within)}`,
    select.windowClause && `WINDOW ${select.windowClause.map((node) => namedWindow(node, within)).join(', ')}`,
  ];
  return `${prefix}${parts.filter(Boolean).join(' ')}${tail(select, within)}`;
}

function refuse({ distinctClause, intoClause, limitOption }: SelectStmt): void {
  // Plain DISTINCT is a list with one empty node.
  const on = distinctClause?.find((node) => Object.keys(node).length > 0);
  if (on) throw unsupportedSql('DISTINCT ON is not supported: use GROUP BY, or row_number()', locationOf(on));
  if (intoClause)
    throw unsupportedSql('SELECT INTO is not supported: CREATE TABLE, then INSERT', intoClause.rel?.location);
  if (limitOption === 'LIMIT_OPTION_WITH_TIES') throw unsupportedSql('WITH TIES is not supported', undefined);
}

/** `WITH a AS (…) `, and the context in which its names are known. */
export function withClause(clause: WithClause | undefined, context: Context): { sql: string; context: Context } {
  if (clause === undefined) return { sql: '', context };
  if (clause.recursive && context.place !== 'statement') {
    throw unsupportedSql('a view WITH RECURSIVE is not supported: nothing would bound its time', clause.location);
  }
  let inner = context;
  const parts: string[] = [];
  for (const node of clause.ctes ?? []) {
    const cte = 'CommonTableExpr' in node ? node.CommonTableExpr : {};
    const name = cte.ctename ?? '';
    const known = { ...inner, ctes: new Set([...inner.ctes, name]) };
    parts.push(commonTable(cte, clause.recursive ? known : inner));
    inner = known;
  }
  return { sql: `WITH ${clause.recursive ? 'RECURSIVE ' : ''}${parts.join(', ')} `, context: inner };
}

type CommonTable = Extract<Node, { CommonTableExpr: unknown }>['CommonTableExpr'];

function commonTable(cte: CommonTable, context: Context): string {
  const { ctename = '', aliascolnames, ctematerialized, ctequery, location } = cte;
  if (!ctequery || !('SelectStmt' in ctequery)) {
    throw unsupportedSql('INSERT, UPDATE and DELETE inside of WITH are not supported', location);
  }
  if (cte.search_clause || cte.cycle_clause) throw unsupportedSql('SEARCH and CYCLE are not supported', location);
  const columns = aliascolnames ? `(${quoteNames(stringsOf(aliascolnames))})` : '';
  const hint = {
    CTEMaterializeAlways: 'MATERIALIZED ',
    CTEMaterializeNever: 'NOT MATERIALIZED ',
    CTEMaterializeDefault: '',
  };
  const inner = query(ctequery.SelectStmt, { ...context, inReach: [] });
  return `${quoteName(ctename)}${columns} AS ${hint[ctematerialized ?? 'CTEMaterializeDefault']}(${inner})`;
}

function values(lists: readonly Node[], context: Context): string {
  const rows = lists.map((list) => {
    const items = 'List' in list ? (list.List.items ?? []) : [];
    return `(${items.map((item) => expression(item, context)).join(', ')})`;
  });
  return `VALUES ${rows.join(', ')}`;
}

const SET_OPERATIONS = {
  SETOP_UNION: 'UNION',
  SETOP_INTERSECT: 'INTERSECT',
  SETOP_EXCEPT: 'EXCEPT',
  SETOP_NONE: '',
} as const;

/** SQLite reads a chain from the left, without brackets and without precedence. */
function combined(
  { op = 'SETOP_NONE', all, larg = {}, rarg = {}, sortClause, limitCount }: SelectStmt,
  context: Context,
): string {
  const name = SET_OPERATIONS[op];
  if (all && op !== 'SETOP_UNION') throw unsupportedSql(`${name} ALL is not supported`, undefined);
  const isOrdered = sortClause !== undefined || limitCount !== undefined;
  const left =
    isPlain(larg) || (isChain(larg) && !isOrdered) || isChain(larg) ? query(larg, context) : bracketed(larg, context);
  const right = isPlain(rarg) ? query(rarg, context) : bracketed(rarg, context);
  return `${left} ${name}${all ? ' ALL' : ''} ${right}`;
}

function bracketed(select: SelectStmt, context: Context): string {
  return `SELECT * FROM (${query(select, context)})`;
}

function isPlain({ op, sortClause, limitCount, limitOffset, withClause }: SelectStmt): boolean {
  return (op ?? 'SETOP_NONE') === 'SETOP_NONE' && !sortClause && !limitCount && !limitOffset && !withClause;
}

function isChain({ op, sortClause, limitCount, limitOffset, withClause }: SelectStmt): boolean {
  return (op ?? 'SETOP_NONE') !== 'SETOP_NONE' && !sortClause && !limitCount && !limitOffset && !withClause;
}

/** ORDER BY, LIMIT and OFFSET. Locks need no saying: there is one writer. */
function tail({ sortClause, limitCount, limitOffset }: SelectStmt, context: Context): string {
  const order = sortClause ? ` ORDER BY ${ordering(sortClause, context)}` : '';
  const isAll = limitCount === undefined || ('A_Const' in limitCount && limitCount.A_Const.isnull === true);
  const limit = isAll ? '-1' : expression(limitCount, context);
  if (limitOffset === undefined) return isAll ? order : `${order} LIMIT ${limit}`;
  return `${order} LIMIT ${limit} OFFSET ${expression(limitOffset, context)}`;
}

function namedWindow(node: Node, context: Context): string {
  const window = 'WindowDef' in node ? node.WindowDef : {};
  const { name = '', ...definition } = window;
  return `${quoteName(name)} AS ${windowOf(definition, context)}`;
}

/** A list of results, each with the name that PostgreSQL gives it. */
export function targets(nodes: readonly Node[], context: Context): string {
  return nodes
    .map((node) => {
      const { name, val } = 'ResTarget' in node ? node.ResTarget : {};
      const sql = expression(val, context);
      const given = name ?? (isStar(val) ? undefined : nameOf(val));
      return given === undefined ? sql : `${sql} AS ${quoteName(given)}`;
    })
    .join(', ');
}

export function isStar(node: Node | undefined): boolean {
  return node !== undefined && 'ColumnRef' in node && (node.ColumnRef.fields ?? []).some((field) => 'A_Star' in field);
}

function nameOf(node: Node | undefined): string {
  if (node === undefined) return '?column?';
  if ('ColumnRef' in node) return stringsOf(node.ColumnRef.fields).at(-1) ?? '?column?';
  if ('FuncCall' in node) return stringsOf(node.FuncCall.funcname).at(-1) ?? '?column?';
  if ('CoalesceExpr' in node) return 'coalesce';
  if ('CaseExpr' in node) return 'case';
  if ('MinMaxExpr' in node) return node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest';
  if ('SubLink' in node) return node.SubLink.subLinkType === 'EXISTS_SUBLINK' ? 'exists' : '?column?';
  if ('SQLValueFunction' in node) return (node.SQLValueFunction.op ?? '').replace(/^SVFOP_|_N$/g, '').toLowerCase();
  if (!('TypeCast' in node)) return '?column?';
  const inner = nameOf(node.TypeCast.arg);
  return inner === '?column?' ? typeNameOf(node.TypeCast.typeName) : inner;
}

// ---- FROM ------------------------------------------------------------------------------------------------------------------

interface From {
  readonly sql: string;
  readonly inReach: readonly InReach[];
}

export function fromClause(nodes: readonly Node[] | undefined, context: Context): From {
  const items = (nodes ?? []).map((node) => fromItem(node, context));
  return { sql: items.map(({ sql }) => sql).join(', '), inReach: items.flatMap(({ inReach }) => inReach) };
}

function fromItem(node: Node, context: Context): From {
  if ('RangeVar' in node) {
    const { sql, table } = readName(node.RangeVar, context);
    const { aliasname, colnames } = node.RangeVar.alias ?? {};
    if (colnames)
      throw unsupportedSql('new names for the columns of a table are not supported', node.RangeVar.location);
    const alias = aliasname ?? node.RangeVar.relname ?? '';
    return { sql: aliasname === undefined ? sql : `${sql} AS ${quoteName(alias)}`, inReach: [{ alias, table }] };
  }
  if ('JoinExpr' in node) return join(node.JoinExpr, context);
  if ('RangeSubselect' in node) return subselect(node.RangeSubselect, context);
  if ('RangeFunction' in node) return rangeFunction(node.RangeFunction, context);
  throw unsupportedSql(`${Object.keys(node)[0]} in FROM is not supported`, locationOf(node));
}

const JOINS: Readonly<Record<string, string>> = {
  JOIN_INNER: 'JOIN',
  JOIN_LEFT: 'LEFT JOIN',
  JOIN_RIGHT: 'RIGHT JOIN',
  JOIN_FULL: 'FULL JOIN',
};

function join(node: JoinExpr, context: Context): From {
  const { jointype = 'JOIN_INNER', isNatural, larg, rarg, usingClause, quals, alias } = node;
  if (alias || node.join_using_alias) throw unsupportedSql('an alias of a join is not supported', locationOf(larg));
  const left = fromItem(larg!, context);
  const right = fromItem(rarg!, context);
  const inReach = [...left.inReach, ...right.inReach];
  const isBare = !usingClause && !quals && !isNatural;
  const name = isBare && jointype === 'JOIN_INNER' ? 'CROSS JOIN' : `${isNatural ? 'NATURAL ' : ''}${JOINS[jointype]}`;
  const on = quals ? ` ON ${expression(quals, withInReach(context, inReach))}` : '';
  const using = usingClause ? ` USING (${quoteNames(stringsOf(usingClause))})` : '';
  const rightSql = rarg && 'JoinExpr' in rarg ? `(${right.sql})` : right.sql;
  return { sql: `${left.sql} ${name} ${rightSql}${on}${using}`, inReach };
}

/** New names of columns are those of a common table, which SQLite allows nowhere else. */
function subselect({ lateral, subquery, alias }: RangeSubselect, context: Context): From {
  if (lateral) throw unsupportedSql('LATERAL is not supported', undefined);
  const select = subquery && 'SelectStmt' in subquery ? subquery.SelectStmt : {};
  const inner = query(select, { ...context, inReach: [] });
  const name = alias?.aliasname ?? 'unnamed_subquery';
  const columns = stringsOf(alias?.colnames);
  return {
    sql: `(${renamed(name, columns, inner)}) AS ${quoteName(name)}`,
    inReach: [{ alias: name, table: undefined }],
  };
}

function renamed(name: string, columns: readonly string[], inner: string): string {
  if (columns.length === 0) return inner;
  return `WITH ${quoteName(name)}(${quoteNames(columns)}) AS (${inner}) SELECT * FROM ${quoteName(name)}`;
}

function rangeFunction(
  { lateral, ordinality, is_rowsfrom, functions = [], alias, coldeflist }: RangeFunction,
  context: Context,
): From {
  const [list] = functions;
  const [node] = list && 'List' in list ? (list.List.items ?? []) : [];
  const call = node && 'FuncCall' in node ? node.FuncCall : {};
  const name = stringsOf(call.funcname).at(-1) ?? '';
  if (lateral || ordinality || is_rowsfrom || coldeflist || functions.length !== 1) {
    throw unsupportedSql('of functions in FROM, plain generate_series and unnest are supported', call.location);
  }
  const rows = rowsOf(name, call.args ?? [], context, call.location);
  const shown = alias?.aliasname ?? name;
  const column = stringsOf(alias?.colnames)[0] ?? shown;
  return {
    sql: `(${renamed(shown, [column], rows)}) AS ${quoteName(shown)}`,
    inReach: [{ alias: shown, table: undefined }],
  };
}

function rowsOf(name: string, args: readonly Node[], context: Context, location: number | undefined): string {
  const outside = { ...context, inReach: [] };
  if (name === 'generate_series' && context.place === 'statement') {
    if (args.length < 2 || args.length > 3 || args.some((arg) => textOf(arg) !== undefined || 'TypeCast' in arg)) {
      throw unsupportedSql('generate_series is supported for whole numbers', location);
    }
    const [first, last, step] = args.map((arg) => expression(arg, outside));
    return `SELECT value FROM pg_generate_series(${first}, ${last}, ${step ?? 1})`;
  }
  const items = name === 'unnest' && args.length === 1 ? arrayItems(args[0]) : undefined;
  if (items === undefined) throw unsupportedSql(`the function ${name} in FROM is not supported here`, location);
  if (items.length === 0) return 'SELECT NULL WHERE 0';
  return `VALUES ${items.map((item) => `(${expression(item, outside)})`).join(', ')}`;
}

// ---- RETURNING -------------------------------------------------------------------------------------------------------------

export function returning(nodes: readonly Node[] | undefined, context: Context): string {
  return nodes ? ` RETURNING ${targets(nodes, context)}` : '';
}

/** A column that a statement names. @throws SBX_SQL_INVALID when the table has none of the name */
export function requireColumn(table: Parameters<typeof columnOf>[0], name: string, location: number | undefined) {
  const column = columnOf(table, name);
  if (column) return column;
  throw invalidSql(`column "${name}" of relation "${table.name}" does not exist`, location);
}
