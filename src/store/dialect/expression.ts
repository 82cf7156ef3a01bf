/** Expressions of PostgreSQL as SQLite's, fully bracketed. */
import { type Context, stringsOf } from './context.js';
import { FUNCTIONS, NOW } from './functions.js';
import { type Inferred, MOMENTS, typeOf } from './inference.js';
import { type ColumnType, describeType } from './model.js';
import { type Interval, readInterval } from './moments.js';
import { arrayElements, COMPARISONS, globOf, jsonPathOf, REGEX_OPERATORS, SAME_OPERATORS } from './operators.js';
import type { A_Expr, FuncCall, Node, NodeKind, NodeOf, SortBy, SubLink, WindowDef } from './parse.js';
import { quoteName, quoteText } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { readType, typeNameOf } from './types.js';
import { coerce, type SqlValue } from './values.js';

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

/** Where a node begins, in bytes of the statement. */
export function locationOf(node: Node | undefined): number | undefined {
  const body = Object.values(node ?? {})[0] as { readonly location?: number } | undefined;
  return body?.location;
}

// ---- values ----------------------------------------------------------------------------------------------------------------

function constant({ ival, fval, boolval, sval, isnull, location }: NodeOf<'A_Const'>): string {
  if (isnull) return 'NULL';
  if (boolval !== undefined) return boolval.boolval ? '1' : '0';
  if (ival !== undefined) return String(ival.ival ?? 0);
  if (sval !== undefined) return quoteText(sval.sval ?? '');
  const number = (fval?.fval ?? '').replaceAll('_', '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(number)) return number;
  throw unsupportedSql('a bit string, or a number that is not decimal, is not supported', location);
}

/** A value as a literal. */
function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return quoteText(value);
  return Buffer.isBuffer(value) ? `x'${value.toString('hex')}'` : String(value);
}

/** The text of a literal; undefined for everything else. */
export function textOf(node: Node | undefined): string | undefined {
  if (node === undefined || !('A_Const' in node) || node.A_Const.sval === undefined) return undefined;
  return node.A_Const.sval.sval ?? '';
}

function isNull(node: Node | undefined): boolean {
  return node !== undefined && 'A_Const' in node && node.A_Const.isnull === true;
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

/** `CURRENT_TIMESTAMP(3)` and its like. */
function momentNow(op: string, precision: number | undefined): string {
  if (op === 'SVFOP_CURRENT_DATE') return "date('now')";
  const isWhole = op.endsWith('_N') && (precision ?? 0) === 0;
  if (op.includes('TIMESTAMP')) return isWhole ? "datetime('now')" : NOW;
  if (/TIME(?:_N)?$/.test(op)) return isWhole ? "time('now')" : `substr(${NOW}, 12)`;
  throw unsupportedSql('the user and the database of a session are not there', undefined);
}

// ---- types -----------------------------------------------------------------------------------------------------------------

function cast({ arg, typeName, location }: NodeOf<'TypeCast'>, context: Context): string {
  if (typeNameOf(typeName) === 'interval') {
    throw unsupportedSql('an interval stands only beside + and - of a date or a timestamp', location);
  }
  const { type, identity } = readType(typeName);
  if (identity !== undefined) throw invalidSql(`type "${typeNameOf(typeName)}" does not exist`, location);
  if ((type.word === 'varchar' || type.word === 'char') && type.args[0] !== undefined) {
    // A cast cuts, where an assignment refuses.
    return `substr(${expression(arg, context)}, 1, ${type.args[0]})`;
  }
  if (type.word === 'text' || type.word === 'varchar') return asText(arg, context);
  return assigned(arg, type, context);
}

function asText(arg: Node | undefined, context: Context): string {
  const sql = expression(arg, context);
  if (textOf(arg) !== undefined) return sql;
  return typeOf(arg, context) === 'boolean' ? spelled(sql) : `CAST(${sql} AS TEXT)`;
}

/** A boolean as PostgreSQL's text of it. */
function spelled(sql: string, [yes, no] = ['true', 'false']): string {
  return `CASE ${sql} WHEN 1 THEN '${yes}' WHEN 0 THEN '${no}' END`;
}

const NUMBERS: ReadonlySet<Inferred> = new Set<Inferred>(['smallint', 'integer', 'bigint']);

/** An expression in the form that a column of the type stores. @throws SBX_SQL_INVALID for a literal that is not of the type */
export function assigned(node: Node | undefined, type: ColumnType, context: Context): string {
  const literalSql = assignedLiteral(node, type);
  if (literalSql !== undefined) return literalSql;
  const sql = expression(node, context);
  const from = typeOf(node, context);
  if (type.word === 'text' || type.word === 'varchar') return from === 'boolean' ? spelled(sql) : sql;
  if (isStoredAlike(from, type)) return sql;
  return `pg_assign(${[sql, quoteText(type.word), ...type.args].join(', ')})`;
}

function assignedLiteral(node: Node | undefined, type: ColumnType): string | undefined {
  if (isNull(node)) return 'NULL';
  const text = textOf(node);
  if (text === undefined) return undefined;
  const value = coerce(text, type);
  if (value !== undefined) return literal(value);
  const isLength = type.word === 'varchar' || type.word === 'char';
  const reason = isLength
    ? `value too long for type ${describeType(type)}`
    : `invalid input syntax for type ${describeType(type)}`;
  throw invalidSql(`${reason}: ${JSON.stringify(text)}`, locationOf(node));
}

function isStoredAlike(from: Inferred, { word, args }: ColumnType): boolean {
  if (NUMBERS.has(word)) return NUMBERS.has(from);
  if (word === 'timestamp' || word === 'timestamptz') {
    return args.length === 0 && (from === 'timestamp' || from === 'timestamptz');
  }
  return from === word && args.length === 0 && word !== 'json' && word !== 'jsonb' && word !== 'numeric';
}

/** An operand of a comparison: a literal takes the type of the other side. */
function compared(node: Node | undefined, other: Inferred, context: Context): string {
  const sql = () => expression(node, context);
  if (other === undefined || other === 'interval') return sql();
  if (textOf(node) !== undefined && other !== 'char') return assigned(node, { word: other, args: [] }, context);
  // A date compares with a timestamp as its midnight.
  const isDate = typeOf(node, context) === 'date' && (other === 'timestamp' || other === 'timestamptz');
  return isDate ? assigned(node, { word: other, args: [] }, context) : sql();
}

// ---- operators -------------------------------------------------------------------------------------------------------------

const KINDS: Readonly<Partial<Record<NonNullable<A_Expr['kind']>, (expr: A_Expr, context: Context) => string>>> = {
  AEXPR_OP: operator,
  AEXPR_DISTINCT: (expr, context) => comparison(expr, 'IS NOT', context),
  AEXPR_NOT_DISTINCT: (expr, context) => comparison(expr, 'IS', context),
  AEXPR_NULLIF: ({ lexpr, rexpr }, context) =>
    `nullif(${expression(lexpr, context)}, ${compared(rexpr, typeOf(lexpr, context), context)})`,
  AEXPR_IN: (expr, context) => among(expr, listOf(expr.rexpr), operatorOf(expr) === '<>', context),
  AEXPR_OP_ANY: (expr, context) => quantified(expr, '=', context),
  AEXPR_OP_ALL: (expr, context) => quantified(expr, '<>', context),
  AEXPR_LIKE: like,
  AEXPR_ILIKE: like,
  AEXPR_BETWEEN: (expr, context) => between(expr, false, context),
  AEXPR_NOT_BETWEEN: (expr, context) => between(expr, true, context),
};

function operation(expr: A_Expr, context: Context): string {
  const translate = KINDS[expr.kind ?? 'AEXPR_OP'];
  if (translate !== undefined) return translate(expr, context);
  const name = (expr.kind ?? '').replace(/^AEXPR_/, '').replaceAll('_', ' ');
  throw unsupportedSql(`${name.replace('SIMILAR', 'SIMILAR TO')} is not supported`, expr.location);
}

function operatorOf({ name }: A_Expr): string {
  return stringsOf(name).at(-1) ?? '';
}

function listOf(node: Node | undefined): readonly Node[] {
  return node && 'List' in node ? (node.List.items ?? []) : [];
}

function operator(expr: A_Expr, context: Context): string {
  const { lexpr, rexpr, location } = expr;
  const name = operatorOf(expr);
  if (lexpr === undefined) return prefixed(name, rexpr, context, location);
  if (COMPARISONS.has(name)) return comparison(expr, SAME_OPERATORS[name]!, context);
  if (name === '+' || name === '-') return sumOf(expr, name, context);
  const regex = REGEX_OPERATORS[name];
  if (regex) {
    const test = `pg_regex(${expression(lexpr, context)}, ${expression(rexpr, context)}, ${regex.ignoreCase})`;
    return regex.negated ? `(NOT ${test})` : test;
  }
  if (name === '||') return `(${joined(lexpr, context)} || ${joined(rexpr, context)})`;
  if (name === '->' || name === '->>' || name === '#>' || name === '#>>') return jsonPart(expr, name, context);
  if (name === '^') return `pow(${expression(lexpr, context)}, ${expression(rexpr, context)})`;
  if (name === '/')
    return `pg_divide(${expression(lexpr, context)}, ${expression(rexpr, context)}, ${isWhole(expr, context)})`;
  const same = SAME_OPERATORS[name];
  if (same === undefined) throw unsupportedSql(`the operator ${name} is not supported`, location);
  return `(${expression(lexpr, context)} ${same} ${expression(rexpr, context)})`;
}

/** Whether a division is one of integers, which PostgreSQL cuts. */
function isWhole({ lexpr, rexpr }: A_Expr, context: Context): 0 | 1 {
  const isFraction = (node: Node | undefined) => {
    const type = typeOf(node, context);
    return type === 'numeric' || type === 'real' || type === 'double precision';
  };
  return isFraction(lexpr) || isFraction(rexpr) ? 0 : 1;
}

function prefixed(name: string, rexpr: Node | undefined, context: Context, location: number | undefined): string {
  if (name === '-' || name === '+' || name === '~') return `(${name} ${expression(rexpr, context)})`;
  throw unsupportedSql(`the operator ${name} is not supported`, location);
}

function comparison({ lexpr, rexpr }: A_Expr, name: string, context: Context): string {
  const left = compared(lexpr, typeOf(rexpr, context), context);
  return `(${left} ${name} ${compared(rexpr, typeOf(lexpr, context), context)})`;
}

/** An operand of `||`. */
function joined(node: Node | undefined, context: Context): string {
  const sql = expression(node, context);
  return typeOf(node, context) === 'boolean' ? spelled(sql) : sql;
}

function among({ lexpr }: A_Expr, items: readonly Node[], negated: boolean, context: Context): string {
  const type = typeOf(lexpr, context);
  const values = items.map((item) => compared(item, type, context));
  const isRow = lexpr !== undefined && 'RowExpr' in lexpr;
  const list = isRow ? `VALUES ${values.join(', ')}` : values.join(', ');
  return `(${expression(lexpr, context)} ${negated ? 'NOT IN' : 'IN'} (${list}))`;
}

/** `= ANY (ARRAY[…])` is `IN`, and `<> ALL (ARRAY[…])` is `NOT IN`. */
function quantified(expr: A_Expr, wanted: '=' | '<>', context: Context): string {
  const items = arrayItems(expr.rexpr);
  if (operatorOf(expr) !== wanted || items === undefined) {
    throw unsupportedSql('of ANY and ALL only = ANY and <> ALL of a written array are supported', expr.location);
  }
  return among(expr, items, wanted === '<>', context);
}

/** The elements of a written array, `ARRAY[…]` or `'{…}'`, cast or not. */
export function arrayItems(node: Node | undefined): readonly Node[] | undefined {
  if (node === undefined) return undefined;
  if ('TypeCast' in node) return arrayItems(node.TypeCast.arg);
  if ('A_ArrayExpr' in node) return node.A_ArrayExpr.elements ?? [];
  const text = textOf(node);
  const elements = text === undefined ? undefined : arrayElements(text);
  return elements?.map((element) => ({ A_Const: { sval: { sval: element } } }));
}

function like(expr: A_Expr, context: Context): string {
  const { kind, lexpr, rexpr } = expr;
  const negation = operatorOf(expr).startsWith('!') ? 'NOT ' : '';
  const escaped = rexpr && 'FuncCall' in rexpr ? rexpr.FuncCall.args : undefined;
  const [pattern, mark] = escaped ?? [rexpr];
  const [text, markText] = [textOf(pattern), textOf(mark)];
  const isKnown = text !== undefined && (mark === undefined || markText !== undefined);
  if (kind === 'AEXPR_LIKE' && isKnown) {
    return `(${expression(lexpr, context)} ${negation}GLOB ${globOf(text, markText)})`;
  }
  const args = [lexpr, pattern].map((arg) => expression(arg, context));
  const markSql = mark === undefined ? "'\\'" : expression(mark, context);
  return `(${negation}pg_like(${[...args, markSql, kind === 'AEXPR_ILIKE' ? 1 : 0].join(', ')}))`;
}

function between({ lexpr, rexpr }: A_Expr, negated: boolean, context: Context): string {
  const type = typeOf(lexpr, context);
  const [low, high] = listOf(rexpr).map((bound) => compared(bound, type, context));
  return `(${expression(lexpr, context)} ${negated ? 'NOT BETWEEN' : 'BETWEEN'} ${low} AND ${high})`;
}

function jsonPart({ lexpr, rexpr, location }: A_Expr, name: string, context: Context): string {
  const subject = expression(lexpr, context);
  const isText = name.endsWith('>>');
  if (name.startsWith('#')) {
    const path = jsonPathOf(textOf(rexpr) ?? '');
    if (path === undefined) throw unsupportedSql(`${name} needs a path that is written out, such as '{a,b}'`, location);
    return isText ? `CAST(${subject} ->> ${path} AS TEXT)` : `(${subject} -> ${path})`;
  }
  const part = `${subject} ${name} ${expression(rexpr, context)}`;
  return isText ? `pg_json_text(${subject} -> ${expression(rexpr, context)})` : `(${part})`;
}

// ---- moments ---------------------------------------------------------------------------------------------------------------

interface Span {
  readonly interval: Interval;
  /** SQL of a number that the interval is taken times. */
  readonly factor?: string;
}

function sumOf({ lexpr, rexpr, location }: A_Expr, name: '+' | '-', context: Context): string {
  const [left, right] = [typeOf(lexpr, context), typeOf(rexpr, context)];
  if (right === 'interval') return moved(lexpr, spanOf(rexpr, context), name, context);
  if (left === 'interval' && name === '+') return moved(rexpr, spanOf(lexpr, context), name, context);
  if (left === 'interval' || (MOMENTS.has(left) && MOMENTS.has(right) && (left !== 'date' || right !== 'date'))) {
    throw unsupportedSql('a difference of timestamps is supported only in extract(epoch from …)', location);
  }
  const operands = `${expression(lexpr, context)}, ${expression(rexpr, context)}`;
  if (left === 'date' && right === 'date') return `pg_days_between(${operands})`;
  if (left === 'date') return `pg_add_days(${operands}, ${name}1)`;
  if (right === 'date') return `pg_add_days(${expression(rexpr, context)}, ${expression(lexpr, context)}, 1)`;
  return `(${expression(lexpr, context)} ${name} ${expression(rexpr, context)})`;
}

function moved(moment: Node | undefined, { interval, factor }: Span, name: '+' | '-', context: Context): string {
  const sign = name === '-' ? -1 : 1;
  const type = typeOf(moment, context);
  const start = textOf(moment) === undefined ? expression(moment, context) : compared(moment, 'timestamp', context);
  if (type === 'time' || type === 'interval')
    throw unsupportedSql('an interval is added only to a date or a timestamp', locationOf(moment));
  const { months, days, micros } = interval;
  return `pg_add_interval(${[start, months, days, micros, factor === undefined ? sign : `${sign} * ${factor}`].join(', ')})`;
}

/** Bits of an interval's type modifier. */
const UNIT_BITS: Readonly<Record<number, string>> = {
  4: 'year',
  2: 'month',
  8: 'day',
  1024: 'hour',
  2048: 'minute',
  4096: 'second',
};
const INTERVAL_ARGUMENTS = ['years', 'months', 'weeks', 'days', 'hours', 'mins', 'secs'];

function spanOf(node: Node | undefined, context: Context): Span {
  if (node && 'TypeCast' in node) return writtenSpan(node.TypeCast, context);
  if (node && 'FuncCall' in node) return madeSpan(node.FuncCall, context);
  if (node && 'A_Expr' in node && operatorOf(node.A_Expr) === '*') {
    const { lexpr, rexpr } = node.A_Expr;
    const isLeft = typeOf(lexpr, context) === 'interval';
    const { interval, factor } = spanOf(isLeft ? lexpr : rexpr, context);
    const times = expression(isLeft ? rexpr : lexpr, context);
    return { interval, factor: factor === undefined ? times : `(${factor} * ${times})` };
  }
  throw unsupportedSql('this interval is not supported: write it as a literal, times a number', locationOf(node));
}

function writtenSpan({ arg, typeName, location }: NodeOf<'TypeCast'>, context: Context): Span {
  const [modifier] = typeName?.typmods ?? [];
  const bits = modifier && 'A_Const' in modifier ? (modifier.A_Const.ival?.ival ?? 0) : undefined;
  const text = textOf(arg);
  if (text !== undefined) {
    const interval = readInterval(text, bits === undefined ? 'second' : UNIT_BITS[bits]);
    if (interval) return { interval };
  }
  // `(n || ' days')::interval`
  if (arg && 'A_Expr' in arg && operatorOf(arg.A_Expr) === '||') {
    const unit = textOf(arg.A_Expr.rexpr);
    const interval = unit === undefined ? undefined : readInterval(`1 ${unit.trim()}`);
    if (interval) return { interval, factor: `CAST(${expression(arg.A_Expr.lexpr, context)} AS REAL)` };
  }
  throw unsupportedSql('this interval is not supported: write it as a literal, times a number', location);
}

function madeSpan({ args = [], location }: FuncCall, context: Context): Span {
  const [only, ...others] = args;
  const { name, arg } = (only && 'NamedArgExpr' in only && only.NamedArgExpr) || {};
  const interval = name !== undefined && INTERVAL_ARGUMENTS.includes(name) ? readInterval(`1 ${name}`) : undefined;
  if (interval === undefined || others.length > 0) {
    throw unsupportedSql('make_interval is supported with one argument by name', location);
  }
  return { interval, factor: expression(arg, context) };
}

/** `extract(epoch from a - b)` is the difference of their epochs. */
function secondsBetween({ args = [] }: FuncCall, context: Context): string | undefined {
  const [field, span] = args;
  if (textOf(field)?.toLowerCase() !== 'epoch' || !span || !('A_Expr' in span)) return undefined;
  const { lexpr, rexpr } = span.A_Expr;
  if (operatorOf(span.A_Expr) !== '-' || !MOMENTS.has(typeOf(lexpr, context)) || !MOMENTS.has(typeOf(rexpr, context))) {
    return undefined;
  }
  return `(pg_extract('epoch', ${expression(lexpr, context)}) - pg_extract('epoch', ${expression(rexpr, context)}))`;
}

// ---- functions -------------------------------------------------------------------------------------------------------------

function call(node: FuncCall, context: Context): string {
  const { funcname, args = [], location } = node;
  const names = stringsOf(funcname);
  const name = names.at(-1) ?? '';
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  const isElsewhere = names.length > 1 && names[0] !== 'pg_catalog' && names[0] !== 'public';
  if (known === undefined || isElsewhere || node.func_variadic || node.agg_within_group) {
    throw unsupportedSql(
      `the function ${names.filter((part) => part !== 'pg_catalog').join('.')} is not supported`,
      location,
    );
  }
  if (context.place === 'schema' && known.isVolatile) {
    throw unsupportedSql(`${name}() gives another value each time, so that nothing stored may rest on it`, location);
  }
  const between = name === 'extract' || name === 'date_part' ? secondsBetween(node, context) : undefined;
  if (between !== undefined) return between;
  const [least, most] = known.args;
  if (args.length < least || args.length > most) throw invalidSql(`function ${name} takes other arguments`, location);
  const sql = known.sql(
    args.map((arg, at) => argument(name, arg, at, context)),
    args.map(textOf),
  );
  if (typeof sql !== 'string') throw unsupportedSql(sql.refused, location);
  return known.isAggregate ? overRows(node, sql, context) : plainCall(node, sql);
}

/** Booleans are spelled where a text is asked, here in one letter, and a literal beside a moment becomes one. */
function argument(name: string, arg: Node, at: number, context: Context): string {
  const isSpelled = (name === 'concat' || name === 'concat_ws') && typeOf(arg, context) === 'boolean';
  if (isSpelled) return spelled(expression(arg, context), ['t', 'f']);
  if (/^jsonb?_(?:build|agg|object_agg)/.test(name)) return asJson(arg, context);
  const isMoment = (name === 'date_trunc' || name === 'extract' || name === 'date_part') && at === 1;
  return isMoment && textOf(arg) !== undefined ? compared(arg, 'timestamptz', context) : expression(arg, context);
}

/** SQLite's JSON functions take truth for a number, and JSON for a text. */
function asJson(node: Node, context: Context): string {
  const sql = expression(node, context);
  const type = typeOf(node, context);
  if (type === 'boolean') return `json(${spelled(sql)})`;
  return type === 'json' || type === 'jsonb' ? `json(${sql})` : sql;
}

function plainCall({ over, agg_distinct, agg_filter, agg_order, agg_star, location }: FuncCall, sql: string): string {
  if (over || agg_distinct || agg_filter || agg_order || agg_star) {
    throw invalidSql('DISTINCT, FILTER, ORDER BY and OVER go with aggregates', location);
  }
  return sql;
}

function overRows(node: FuncCall, sql: string, context: Context): string {
  const inner = node.agg_star ? '*' : sql.slice(sql.indexOf('(') + 1, -1);
  const name = sql.slice(0, sql.indexOf('('));
  const order = node.agg_order ? ` ORDER BY ${ordering(node.agg_order, context)}` : '';
  const filter = node.agg_filter ? ` FILTER (WHERE ${expression(node.agg_filter, context)})` : '';
  // SQLite takes one argument with DISTINCT: `string_agg(DISTINCT x, ',')` has its own default.
  if (node.agg_distinct && node.args?.length === 2) {
    if (textOf(node.args[1]) !== ',')
      throw unsupportedSql("string_agg(DISTINCT …) is supported with ',' alone", node.location);
    return `${name}(DISTINCT ${expression(node.args[0], context)}${order})${filter}`;
  }
  const over = node.over ? ` OVER ${windowOf(node.over, context)}` : '';
  return `${name}(${node.agg_distinct ? 'DISTINCT ' : ''}${inner}${order})${filter}${over}`;
}

/** NULLs are the largest values in PostgreSQL, and the smallest in SQLite. */
export function ordering(nodes: readonly Node[], context: Context): string {
  return nodes
    .map((node) => {
      const sort: SortBy = 'SortBy' in node ? node.SortBy : {};
      if (sort.sortby_dir === 'SORTBY_USING') throw unsupportedSql('ORDER BY … USING is not supported', sort.location);
      const descending = sort.sortby_dir === 'SORTBY_DESC';
      const isFirst =
        sort.sortby_nulls === 'SORTBY_NULLS_DEFAULT' ? descending : sort.sortby_nulls === 'SORTBY_NULLS_FIRST';
      return `${expression(sort.node, context)} ${descending ? 'DESC' : 'ASC'} NULLS ${isFirst ? 'FIRST' : 'LAST'}`;
    })
    .join(', ');
}

/** PostgreSQL's bits of a window's frame. */
const FRAME = {
  nonDefault: 0x1,
  rows: 0x4,
  groups: 0x8,
  startUnbounded: 0x20,
  endUnbounded: 0x100,
  startCurrent: 0x200,
  endCurrent: 0x400,
  startPreceding: 0x800,
  endPreceding: 0x1000,
  startFollowing: 0x2000,
  endFollowing: 0x4000,
  exclusions: 0x38000,
} as const;

export function windowOf(window: WindowDef, context: Context): string {
  const { name, refname, partitionClause, orderClause, frameOptions = 0 } = window;
  const isFramed = (frameOptions & FRAME.nonDefault) !== 0;
  if (name !== undefined && partitionClause === undefined && orderClause === undefined && !isFramed)
    return quoteName(name);
  const parts = [
    refname && quoteName(refname),
    partitionClause && `PARTITION BY ${partitionClause.map((node) => expression(node, context)).join(', ')}`,
    orderClause && `ORDER BY ${ordering(orderClause, context)}`,
    isFramed && frameOf(window, context),
  ];
  return `(${parts.filter(Boolean).join(' ')})`;
}

function frameOf({ frameOptions: bits = 0, startOffset, endOffset, location }: WindowDef, context: Context): string {
  if ((bits & FRAME.exclusions) !== 0) throw unsupportedSql('EXCLUDE of a window is not supported', location);
  const mode = (bits & FRAME.rows) !== 0 ? 'ROWS' : (bits & FRAME.groups) !== 0 ? 'GROUPS' : 'RANGE';
  const offset = (node: Node | undefined, way: string) => `${expression(node, context)} ${way}`;
  const start = () => {
    if ((bits & FRAME.startUnbounded) !== 0) return 'UNBOUNDED PRECEDING';
    if ((bits & FRAME.startCurrent) !== 0) return 'CURRENT ROW';
    return offset(startOffset, (bits & FRAME.startPreceding) !== 0 ? 'PRECEDING' : 'FOLLOWING');
  };
  const end = () => {
    if ((bits & FRAME.endUnbounded) !== 0) return 'UNBOUNDED FOLLOWING';
    if ((bits & FRAME.endCurrent) !== 0) return 'CURRENT ROW';
    return offset(endOffset, (bits & FRAME.endPreceding) !== 0 ? 'PRECEDING' : 'FOLLOWING');
  };
  return `${mode} BETWEEN ${start()} AND ${end()}`;
}

// ---- queries in expressions ------------------------------------------------------------------------------------------------

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
