/** Calls of functions, and of aggregates over the rows of a group. */
import { compared, spelled } from './assignment.js';
import { type Context, stringsOf } from './context.js';
import { FUNCTIONS } from './functions.js';
import { typeOf } from './inference.js';
import { secondsBetween } from './intervals.js';
import { textOf } from './nodes.js';
import type { FuncCall, Node } from './parse.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { ordering, windowOf } from './window.js';

/** @throws SBX_SQL_UNSUPPORTED for a function that is not listed, SBX_SQL_INVALID for other arguments */
export function call(node: FuncCall, context: Context): string {
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
  if (isSpelled) return spelled(context.expression(arg, context), ['t', 'f']);
  if (/^jsonb?_(?:build|agg|object_agg)/.test(name)) return asJson(arg, context);
  const isMoment = (name === 'date_trunc' || name === 'extract' || name === 'date_part') && at === 1;
  return isMoment && textOf(arg) !== undefined
    ? compared(arg, 'timestamptz', context)
    : context.expression(arg, context);
}

/** SQLite's JSON functions take truth for a number, and JSON for a text. */
function asJson(node: Node, context: Context): string {
  const sql = context.expression(node, context);
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
  const filter = node.agg_filter ? ` FILTER (WHERE ${context.expression(node.agg_filter, context)})` : '';
  // SQLite takes one argument with DISTINCT: `string_agg(DISTINCT x, ',')` has its own default.
  if (node.agg_distinct && node.args?.length === 2) {
    if (textOf(node.args[1]) !== ',')
      throw unsupportedSql("string_agg(DISTINCT …) is supported with ',' alone", node.location);
    return `${name}(DISTINCT ${context.expression(node.args[0], context)}${order})${filter}`;
  }
  const over = node.over ? ` OVER ${windowOf(node.over, context)}` : '';
  return `${name}(${node.agg_distinct ? 'DISTINCT ' : ''}${inner}${order})${filter}${over}`;
}
