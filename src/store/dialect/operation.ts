/** Operators, and what the parser takes for one: IN, ANY, ALL, LIKE, BETWEEN, NULLIF. */
import { compared, spelled } from './assignment.js';
import type { Context } from './context.js';
import { typeOf } from './inference.js';
import { sumOf } from './intervals.js';
import { arrayItems, listOf, operatorOf, textOf } from './nodes.js';
import { COMPARISONS, globOf, jsonPathOf, REGEX_OPERATORS, SAME_OPERATORS } from './operators.js';
import type { A_Expr, Node } from './parse.js';
import { unsupportedSql } from './refusal.js';

const KINDS: Readonly<Partial<Record<NonNullable<A_Expr['kind']>, (expr: A_Expr, context: Context) => string>>> = {
  AEXPR_OP: operator,
  AEXPR_DISTINCT: (expr, context) => comparison(expr, 'IS NOT', context),
  AEXPR_NOT_DISTINCT: (expr, context) => comparison(expr, 'IS', context),
  AEXPR_NULLIF: ({ lexpr, rexpr }, context) =>
    `nullif(${context.expression(lexpr, context)}, ${compared(rexpr, typeOf(lexpr, context), context)})`,
  AEXPR_IN: (expr, context) => among(expr, listOf(expr.rexpr), operatorOf(expr) === '<>', context),
  AEXPR_OP_ANY: (expr, context) => quantified(expr, '=', context),
  AEXPR_OP_ALL: (expr, context) => quantified(expr, '<>', context),
  AEXPR_LIKE: like,
  AEXPR_ILIKE: like,
  AEXPR_BETWEEN: (expr, context) => between(expr, false, context),
  AEXPR_NOT_BETWEEN: (expr, context) => between(expr, true, context),
};

/** @throws SBX_SQL_UNSUPPORTED for an operator that is not listed */
export function operation(expr: A_Expr, context: Context): string {
  const translate = KINDS[expr.kind ?? 'AEXPR_OP'];
  if (translate !== undefined) return translate(expr, context);
  const name = (expr.kind ?? '').replace(/^AEXPR_/, '').replaceAll('_', ' ');
  throw unsupportedSql(`${name.replace('SIMILAR', 'SIMILAR TO')} is not supported`, expr.location);
}

function operator(expr: A_Expr, context: Context): string {
  const { lexpr, rexpr, location } = expr;
  const name = operatorOf(expr);
  if (lexpr === undefined) return prefixed(name, rexpr, context, location);
  if (COMPARISONS.has(name)) return comparison(expr, SAME_OPERATORS[name]!, context);
  if (name === '+' || name === '-') return sumOf(expr, name, context);
  const regex = REGEX_OPERATORS[name];
  if (regex) {
    const test = `pg_regex(${context.expression(lexpr, context)}, ${context.expression(rexpr, context)}, ${regex.ignoreCase})`;
    return regex.negated ? `(NOT ${test})` : test;
  }
  if (name === '||') return `(${joined(lexpr, context)} || ${joined(rexpr, context)})`;
  if (name === '->' || name === '->>' || name === '#>' || name === '#>>') return jsonPart(expr, name, context);
  if (name === '^') return `pow(${context.expression(lexpr, context)}, ${context.expression(rexpr, context)})`;
  if (name === '/')
    return `pg_divide(${context.expression(lexpr, context)}, ${context.expression(rexpr, context)}, ${isWhole(expr, context)})`;
  const same = SAME_OPERATORS[name];
  if (same === undefined) throw unsupportedSql(`the operator ${name} is not supported`, location);
  return `(${context.expression(lexpr, context)} ${same} ${context.expression(rexpr, context)})`;
}

function prefixed(name: string, rexpr: Node | undefined, context: Context, location: number | undefined): string {
  if (name === '-' || name === '+' || name === '~') return `(${name} ${context.expression(rexpr, context)})`;
  throw unsupportedSql(`the operator ${name} is not supported`, location);
}

/** Whether a division is one of integers, which PostgreSQL cuts. */
function isWhole({ lexpr, rexpr }: A_Expr, context: Context): 0 | 1 {
  const isFraction = (node: Node | undefined) => {
    const type = typeOf(node, context);
    return type === 'numeric' || type === 'real' || type === 'double precision';
  };
  return isFraction(lexpr) || isFraction(rexpr) ? 0 : 1;
}

function comparison({ lexpr, rexpr }: A_Expr, name: string, context: Context): string {
  const left = compared(lexpr, typeOf(rexpr, context), context);
  return `(${left} ${name} ${compared(rexpr, typeOf(lexpr, context), context)})`;
}

/** An operand of `||`. */
function joined(node: Node | undefined, context: Context): string {
  const sql = context.expression(node, context);
  return typeOf(node, context) === 'boolean' ? spelled(sql) : sql;
}

function among({ lexpr }: A_Expr, items: readonly Node[], negated: boolean, context: Context): string {
  const type = typeOf(lexpr, context);
  const values = items.map((item) => compared(item, type, context));
  const isRow = lexpr !== undefined && 'RowExpr' in lexpr;
  const list = isRow ? `VALUES ${values.join(', ')}` : values.join(', ');
  return `(${context.expression(lexpr, context)} ${negated ? 'NOT IN' : 'IN'} (${list}))`;
}

/** `= ANY (ARRAY[…])` is `IN`, and `<> ALL (ARRAY[…])` is `NOT IN`. */
function quantified(expr: A_Expr, wanted: '=' | '<>', context: Context): string {
  const items = arrayItems(expr.rexpr);
  if (operatorOf(expr) !== wanted || items === undefined) {
    throw unsupportedSql('of ANY and ALL only = ANY and <> ALL of a written array are supported', expr.location);
  }
  return among(expr, items, wanted === '<>', context);
}

function like(expr: A_Expr, context: Context): string {
  const { kind, lexpr, rexpr } = expr;
  const negation = operatorOf(expr).startsWith('!') ? 'NOT ' : '';
  const escaped = rexpr && 'FuncCall' in rexpr ? rexpr.FuncCall.args : undefined;
  const [pattern, mark] = escaped ?? [rexpr];
  const [text, markText] = [textOf(pattern), textOf(mark)];
  const isKnown = text !== undefined && (mark === undefined || markText !== undefined);
  if (kind === 'AEXPR_LIKE' && isKnown) {
    return `(${context.expression(lexpr, context)} ${negation}GLOB ${globOf(text, markText)})`;
  }
  const args = [lexpr, pattern].map((arg) => context.expression(arg, context));
  const markSql = mark === undefined ? "'\\'" : context.expression(mark, context);
  return `(${negation}pg_like(${[...args, markSql, kind === 'AEXPR_ILIKE' ? 1 : 0].join(', ')}))`;
}

function between({ lexpr, rexpr }: A_Expr, negated: boolean, context: Context): string {
  const type = typeOf(lexpr, context);
  const [low, high] = listOf(rexpr).map((bound) => compared(bound, type, context));
  return `(${context.expression(lexpr, context)} ${negated ? 'NOT BETWEEN' : 'BETWEEN'} ${low} AND ${high})`;
}

function jsonPart({ lexpr, rexpr, location }: A_Expr, name: string, context: Context): string {
  const subject = context.expression(lexpr, context);
  const isText = name.endsWith('>>');
  if (name.startsWith('#')) {
    const path = jsonPathOf(textOf(rexpr) ?? '');
    if (path === undefined) throw unsupportedSql(`${name} needs a path that is written out, such as '{a,b}'`, location);
    return isText ? `CAST(${subject} ->> ${path} AS TEXT)` : `(${subject} -> ${path})`;
  }
  const part = `${subject} ${name} ${context.expression(rexpr, context)}`;
  return isText ? `pg_json_text(${subject} -> ${context.expression(rexpr, context)})` : `(${part})`;
}
