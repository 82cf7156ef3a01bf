/** Sums and differences of moments and intervals, and the moment of the statement. */
import { compared } from './assignment.js';
import type { Context } from './context.js';
import { NOW } from './functions.js';
import { MOMENTS, typeOf } from './inference.js';
import { type Interval, readInterval } from './moments.js';
import { locationOf, operatorOf, textOf } from './nodes.js';
import type { A_Expr, FuncCall, Node, NodeOf } from './parse.js';
import { unsupportedSql } from './refusal.js';

interface Span {
  readonly interval: Interval;
  /** SQL of a number that the interval is taken times. */
  readonly factor?: string;
}

/** `+` and `-` of anything. @throws SBX_SQL_UNSUPPORTED for intervals that are not written out */
export function sumOf({ lexpr, rexpr, location }: A_Expr, name: '+' | '-', context: Context): string {
  const [left, right] = [typeOf(lexpr, context), typeOf(rexpr, context)];
  if (right === 'interval') return moved(lexpr, spanOf(rexpr, context), name, context);
  if (left === 'interval' && name === '+') return moved(rexpr, spanOf(lexpr, context), name, context);
  if (left === 'interval' || (MOMENTS.has(left) && MOMENTS.has(right) && (left !== 'date' || right !== 'date'))) {
    throw unsupportedSql('a difference of timestamps is supported only in extract(epoch from …)', location);
  }
  const operands = `${context.expression(lexpr, context)}, ${context.expression(rexpr, context)}`;
  if (left === 'date' && right === 'date') return `pg_days_between(${operands})`;
  if (left === 'date') return `pg_add_days(${operands}, ${name}1)`;
  if (right === 'date')
    return `pg_add_days(${context.expression(rexpr, context)}, ${context.expression(lexpr, context)}, 1)`;
  return `(${context.expression(lexpr, context)} ${name} ${context.expression(rexpr, context)})`;
}

function moved(moment: Node | undefined, { interval, factor }: Span, name: '+' | '-', context: Context): string {
  const sign = name === '-' ? -1 : 1;
  const type = typeOf(moment, context);
  const start =
    textOf(moment) === undefined ? context.expression(moment, context) : compared(moment, 'timestamp', context);
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
    const times = context.expression(isLeft ? rexpr : lexpr, context);
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
    if (interval) return { interval, factor: `CAST(${context.expression(arg.A_Expr.lexpr, context)} AS REAL)` };
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
  return { interval, factor: context.expression(arg, context) };
}

/** `extract(epoch from a - b)` is the difference of their epochs. */
export function secondsBetween({ args = [] }: FuncCall, context: Context): string | undefined {
  const [field, span] = args;
  if (textOf(field)?.toLowerCase() !== 'epoch' || !span || !('A_Expr' in span)) return undefined;
  const { lexpr, rexpr } = span.A_Expr;
  if (operatorOf(span.A_Expr) !== '-' || !MOMENTS.has(typeOf(lexpr, context)) || !MOMENTS.has(typeOf(rexpr, context))) {
    return undefined;
  }
  return `(pg_extract('epoch', ${context.expression(lexpr, context)}) - pg_extract('epoch', ${context.expression(rexpr, context)}))`;
}

/** `CURRENT_TIMESTAMP(3)` and its like. */
export function momentNow(op: string, precision: number | undefined): string {
  if (op === 'SVFOP_CURRENT_DATE') return "date('now')";
  const isWhole = op.endsWith('_N') && (precision ?? 0) === 0;
  if (op.includes('TIMESTAMP')) return isWhole ? "datetime('now')" : NOW;
  if (/TIME(?:_N)?$/.test(op)) return isWhole ? "time('now')" : `substr(${NOW}, 12)`;
  throw unsupportedSql('the user and the database of a session are not there', undefined);
}
