/** Which rows a call is about: what the caller may see, and what the plan says. Values never become part of the SQL. */
import type { SqlValue } from '../../store/dialect/values.js';
import type { Contract, Field } from './contract.js';
import type { Filter } from './plan.js';
import { invalidCall } from './refusals.js';
import { VALUE } from './statements.js';
import { comparedOf, type Given, storedOf } from './values.js';

/** Whose rows: those of one tenant, or all. */
export interface Scope {
  /** 0 when nothing is filtered. */
  readonly tenantId: number;
}

export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Rows that are there for the caller. */
export function visibleTo(contract: Contract, { tenantId }: Scope): readonly Condition[] {
  const { deletedAt, tenantId: column } = contract;
  return [
    ...(deletedAt ? [notDeleted(deletedAt)] : []),
    ...(column && tenantId !== 0 ? [{ sql: `${column.sql} = ${VALUE}`, values: [tenantOf(column, tenantId)] }] : []),
  ];
}

/** A tenant's number as the column holds it. */
export function tenantOf({ column }: Field, tenantId: number): SqlValue {
  return storedOf(String(tenantId), column);
}

function notDeleted({ sql, column: { type } }: Field): Condition {
  const isMoment = type === 'timestamp' || type === 'timestamptz' || type === 'date';
  return { sql: isMoment ? `${sql} IS NULL` : `${sql} = 0`, values: [] };
}

/** ` WHERE …`, or nothing. */
export function whereOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { sql: '', values: [] };
  const sql = ` WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`;
  return { sql, values: conditions.flatMap(({ values }) => values) };
}

/** @throws SBX_WIRE_INVALID */
export function filterCondition(contract: Contract, { field: name, operator, values, isList }: Filter): Condition {
  const field = contract.byName.get(name);
  if (field === undefined) throw invalidCall(`record store capability filter field is not authorized: ${name}`);
  if (operator === 'like') return likeCondition(field, values[0] ?? '');
  const compared = values.map((given) => comparedOf(given, field.column));
  if (isList) return anyOf(field, compared);
  const [value = null] = compared;
  return value === null
    ? { sql: `${field.sql} IS NULL`, values: [] }
    : { sql: `${field.sql} = ${VALUE}`, values: [value] };
}

/** Few lengths, so that there are few statements; NULL equals nothing. */
const LENGTHS = [1, 4, 16, 100, 1000];

export function anyOf({ sql }: Pick<Field, 'sql'>, values: readonly SqlValue[]): Condition {
  const distinct = values.filter((value) => value !== null);
  if (distinct.length === 0) return { sql: '0', values: [] };
  const length = LENGTHS.find((one) => one >= distinct.length) ?? distinct.length;
  const padded = [...distinct, ...new Array<null>(length - distinct.length).fill(null)];
  return { sql: `${sql} IN (${new Array<string>(length).fill(VALUE).join(', ')})`, values: padded };
}

const TEXTS: readonly string[] = ['text', 'varchar', 'char'];

/** `%v%`, in which `%`, `_` and `\` of the value mean what they mean to PostgreSQL. */
function likeCondition({ sql, column }: Field, value: NonNullable<Given>): Condition {
  if (!TEXTS.includes(column.type)) throw invalidCall(`operator does not exist: ${column.type} ~~ unknown`);
  if (value === '') return { sql: `${sql} IS NOT NULL`, values: [] };
  return /[%_\\]/.test(value)
    ? { sql: `sandpool_like(${sql}, ${VALUE})`, values: [`%${value}%`] }
    : { sql: `instr(${sql}, ${VALUE}) > 0`, values: [value] };
}
