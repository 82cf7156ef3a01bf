/** Expressions in the form of a type: assigned to a column, cast, or compared with another. */
import type { Context } from './context.js';
import { type Inferred, typeOf } from './inference.js';
import { type ColumnType, describeType } from './model.js';
import { isNull, locationOf, textOf } from './nodes.js';
import type { Node, NodeOf } from './parse.js';
import { quoteText } from './quote.js';
import { invalidSql, unsupportedSql } from './refusal.js';
import { readType, typeNameOf } from './types.js';
import { coerce, type SqlValue } from './values.js';

const NUMBERS: ReadonlySet<Inferred> = new Set<Inferred>(['smallint', 'integer', 'bigint']);

/** An expression in the form that a column of the type stores. @throws SBX_SQL_INVALID for a literal that is not of the type */
export function assigned(node: Node | undefined, type: ColumnType, context: Context): string {
  const literalSql = assignedLiteral(node, type);
  if (literalSql !== undefined) return literalSql;
  const sql = context.expression(node, context);
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

/** A value as a literal. */
function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return quoteText(value);
  return Buffer.isBuffer(value) ? `x'${value.toString('hex')}'` : String(value);
}

function isStoredAlike(from: Inferred, { word, args }: ColumnType): boolean {
  if (NUMBERS.has(word)) return NUMBERS.has(from);
  if (word === 'timestamp' || word === 'timestamptz') {
    return args.length === 0 && (from === 'timestamp' || from === 'timestamptz');
  }
  return from === word && args.length === 0 && word !== 'json' && word !== 'jsonb' && word !== 'numeric';
}

/** An operand of a comparison: a literal takes the type of the other side. */
export function compared(node: Node | undefined, other: Inferred, context: Context): string {
  const sql = () => context.expression(node, context);
  if (other === undefined || other === 'interval') return sql();
  if (textOf(node) !== undefined && other !== 'char') return assigned(node, { word: other, args: [] }, context);
  // A date compares with a timestamp as its midnight.
  const isDate = typeOf(node, context) === 'date' && (other === 'timestamp' || other === 'timestamptz');
  return isDate ? assigned(node, { word: other, args: [] }, context) : sql();
}

/** `CAST (… AS …)` and `…::…`. @throws SBX_SQL_UNSUPPORTED, SBX_SQL_INVALID */
export function cast({ arg, typeName, location }: NodeOf<'TypeCast'>, context: Context): string {
  if (typeNameOf(typeName) === 'interval') {
    throw unsupportedSql('an interval stands only beside + and - of a date or a timestamp', location);
  }
  const { type, identity } = readType(typeName);
  if (identity !== undefined) throw invalidSql(`type "${typeNameOf(typeName)}" does not exist`, location);
  if ((type.word === 'varchar' || type.word === 'char') && type.args[0] !== undefined) {
    // A cast cuts, where an assignment refuses.
    return `substr(${context.expression(arg, context)}, 1, ${type.args[0]})`;
  }
  if (type.word === 'text' || type.word === 'varchar') return asText(arg, context);
  return assigned(arg, type, context);
}

function asText(arg: Node | undefined, context: Context): string {
  const sql = context.expression(arg, context);
  if (textOf(arg) !== undefined) return sql;
  return typeOf(arg, context) === 'boolean' ? spelled(sql) : `CAST(${sql} AS TEXT)`;
}

/** A boolean as PostgreSQL's text of it. */
export function spelled(sql: string, [yes, no] = ['true', 'false']): string {
  return `CASE ${sql} WHEN 1 THEN '${yes}' WHEN 0 THEN '${no}' END`;
}
