/** Expressions of PostgreSQL as SQLite's, fully bracketed. Each kind of node has one entry; the larger ones have files of their own. */
import { cast, compared } from './assignment.js';
import { call } from './call.js';
import { type Context, stringsOf } from './context.js';
import { typeOf } from './inference.js';
import { momentNow } from './intervals.js';
import { locationOf } from './nodes.js';
import { operation } from './operation.js';
import type { Node, NodeKind, NodeOf, SubLink } from './parse.js';
import { quoteName, quoteText } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';

type Translation = { readonly [Kind in NodeKind]?: (node: NodeOf<Kind>, context: Context) => string };

const TRANSLATIONS: Translation = {
  A_Const: constant,
  ColumnRef: column,
  A_Expr: operation,
  BoolExpr: ({ boolop, args = [] }, context) => {
    const operands = args.map((arg) => expression(arg, context));
    if (boolop === 'NOT_EXPR') return `(NOT ${operands[0]})`;
    return `(${operands.join(boolop === 'OR_EXPR' ? ' OR ' : ' AND ')})`;
  },
  NullTest: ({ arg, nulltesttype }, context) =>
    `(${expression(arg, context)} ${nulltesttype === 'IS_NOT_NULL' ? 'IS NOT NULL' : 'IS NULL'})`,
  BooleanTest: ({ arg, booltesttype }, context) =>
    `(${expression(arg, context)} ${BOOLEAN_TESTS[booltesttype ?? 'IS_TRUE']})`,
  CaseExpr: caseOf,
  CoalesceExpr: ({ args = [] }, context) => {
    const [first, ...rest] = args.map((arg) => expression(arg, context));
    return rest.length === 0 ? first! : `coalesce(${[first, ...rest].join(', ')})`;
  },
  MinMaxExpr: ({ op, args = [] }, context) =>
    `${op === 'IS_LEAST' ? 'pg_least' : 'pg_greatest'}(${args.map((arg) => expression(arg, context)).join(', ')})`,
  FuncCall: call,
  TypeCast: cast,
  SubLink: subquery,
  SQLValueFunction: ({ op = '', typmod }) => momentNow(op, typmod),
  RowExpr: ({ args = [] }, context) => `(${args.map((arg) => expression(arg, context)).join(', ')})`,
  CollateClause: ({ arg, collname, location }, context) => {
    const name = stringsOf(collname).at(-1) ?? '';
    if (name === 'C' || name === 'POSIX' || name === 'ucs_basic') return `(${expression(arg, context)} COLLATE BINARY)`;
    throw unsupportedSql(`the collation ${name} is not supported`, location);
  },
};

const BOOLEAN_TESTS: Readonly<Record<string, string>> = {
  IS_TRUE: 'IS TRUE',
  IS_NOT_TRUE: 'IS NOT TRUE',
  IS_FALSE: 'IS FALSE',
  IS_NOT_FALSE: 'IS NOT FALSE',
  IS_UNKNOWN: 'IS NULL',
  IS_NOT_UNKNOWN: 'IS NOT NULL',
};

/** What a node that has no translation is called by people. */
const UNSUPPORTED: Readonly<Partial<Record<NodeKind, string>>> = {
  A_ArrayExpr: 'an array outside of = ANY (ARRAY[…]) and unnest',
  A_Indirection: 'a part of an array or of a row',
  ParamRef: 'a parameter',
  SetToDefault: 'DEFAULT in this place',
  GroupingFunc: 'GROUPING',
  GroupingSet: 'GROUPING SETS, ROLLUP and CUBE',
  XmlExpr: 'XML',
  XmlSerialize: 'XML',
  NamedArgExpr: 'an argument by name',
  CurrentOfExpr: 'WHERE CURRENT OF',
};

/** @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function expression(node: Node | undefined, context: Context): string {
  const [kind, body] = Object.entries(node ?? {})[0] as [NodeKind, never];
  const translate = TRANSLATIONS[kind];
  if (translate !== undefined) return translate(body, context);
  throw unsupportedSql(`${UNSUPPORTED[kind] ?? kind} is not supported`, locationOf(node));
}

function constant({ ival, fval, boolval, sval, isnull, location }: NodeOf<'A_Const'>): string {
  if (isnull) return 'NULL';
  if (boolval !== undefined) return boolval.boolval ? '1' : '0';
  if (ival !== undefined) return String(ival.ival ?? 0);
  if (sval !== undefined) return quoteText(sval.sval ?? '');
  const number = (fval?.fval ?? '').replaceAll('_', '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(number)) return number;
  throw unsupportedSql('a bit string, or a number that is not decimal, is not supported', location);
}

/** Names that SQLite gives to every table's row number, and PostgreSQL to nothing. */
const ROW_NUMBERS: ReadonlySet<string> = new Set(['rowid', 'oid', '_rowid_']);

function column({ fields = [], location }: NodeOf<'ColumnRef'>, context: Context): string {
  const names = stringsOf(fields);
  const isStar = fields.some((field) => 'A_Star' in field);
  const path = names.length + (isStar ? 1 : 0) === 3 && names[0] === 'public' ? names.slice(1) : names;
  if (path.length + (isStar ? 1 : 0) > 2) throw unsupportedSql(`${names.join('.')} is out of reach`, location);
  const last = path.at(-1) ?? '';
  const isKnown = context.inReach.some(({ table }) => table?.columns.some(({ name }) => name === last));
  if (!isStar && ROW_NUMBERS.has(last.toLowerCase()) && !isKnown) {
    throw invalidSql(`column "${last}" does not exist`, location);
  }
  return [...path.map(quoteName), ...(isStar ? ['*'] : [])].join('.');
}

function caseOf({ arg, args = [], defresult }: NodeOf<'CaseExpr'>, context: Context): string {
  const type = typeOf(arg, context);
  const whens = args.map((when) => {
    const { expr, result } = ('CaseWhen' in when && when.CaseWhen) || {};
    const condition = arg === undefined ? expression(expr, context) : compared(expr, type, context);
    return `WHEN ${condition} THEN ${expression(result, context)}`;
  });
  const subject = arg === undefined ? '' : ` ${expression(arg, context)}`;
  const otherwise = defresult === undefined ? '' : ` ELSE ${expression(defresult, context)}`;
  return `CASE${subject} ${whens.join(' ')}${otherwise} END`;
}

function subquery({ subLinkType, testexpr, operName, subselect, location }: SubLink, context: Context): string {
  if (context.place === 'schema' || context.place === 'default') {
    throw unsupportedSql('a query in a constraint, a default or an index is not supported', location);
  }
  const select = subselect && 'SelectStmt' in subselect ? subselect.SelectStmt : {};
  const query = () => context.query(select, context);
  const operator = stringsOf(operName).at(-1) ?? '=';
  if (subLinkType === 'EXISTS_SUBLINK') return `EXISTS (${query()})`;
  if (subLinkType === 'EXPR_SUBLINK') return `(${query()})`;
  if (subLinkType === 'ANY_SUBLINK' && operator === '=') return `(${expression(testexpr, context)} IN (${query()}))`;
  if (subLinkType === 'ALL_SUBLINK' && operator === '<>')
    return `(${expression(testexpr, context)} NOT IN (${query()}))`;
  throw unsupportedSql(
    'of queries in expressions, EXISTS, IN, = ANY, <> ALL and single values are supported',
    location,
  );
}
