/**
 * Values between JSON and the database (`spec/host-services.md` §6.6). What JSON says arrives as text, as PostgreSQL's driver hands
 * it on, and the column's type decides what it means.
 */
import { coerce, type SqlValue } from '../../store/dialect/values.js';
import type { ColumnContract } from '../../store/plugin-catalog.js';
import { invalidCall } from './refusals.js';

/** What SQLite gives for a column. */
export type Stored = string | number | Buffer | null;
/** The JSON text of what is stored. */
export type Encode = (stored: Stored) => string;

// ---- reading ---------------------------------------------------------------------------------------------------------------

/** 64-bit integers and numerics are read as text: a double would round them. */
export function readExpression({ name, type }: ColumnContract): string {
  const sql = `"${name.replaceAll('"', '""')}"`;
  return type === 'bigint' || type === 'numeric' ? `CAST(${sql} AS TEXT)` : sql;
}

export function encoderOf(column: ColumnContract): Encode {
  const encode = encoderOfType(column);
  return (stored) => (stored === null ? 'null' : encode(stored));
}

const TIMESTAMP_LENGTH = 'YYYY-MM-DD HH:MM:SS'.length;
const TIME_LENGTH = 'HH:MM:SS'.length;

function encoderOfType({ type, typeArgs }: ColumnContract): (stored: string | number | Buffer) => string {
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'real':
    case 'double precision':
      return (stored) => JSON.stringify(stored);
    case 'bigint':
      return String;
    case 'numeric':
      return (stored) => JSON.stringify(decimalText(String(stored), typeArgs));
    case 'boolean':
      return (stored) => (stored ? 'true' : 'false');
    case 'timestamp':
    case 'timestamptz':
      return (stored) => JSON.stringify(String(stored).slice(0, TIMESTAMP_LENGTH));
    case 'time':
      return (stored) => JSON.stringify(String(stored).slice(0, TIME_LENGTH));
    case 'bytea':
      return (stored) => `"${Buffer.isBuffer(stored) ? stored.toString('base64') : ''}"`;
    case 'char':
      return (stored) => JSON.stringify(padded(String(stored), typeArgs[0] ?? 1));
    default:
      return (stored) => JSON.stringify(String(stored));
  }
}

/** PostgreSQL gives blanks back that the store has cut. */
function padded(text: string, length: number): string {
  const missing = length - Array.from(text).length;
  return missing > 0 ? text + ' '.repeat(missing) : text;
}

/** A numeric as PostgreSQL writes it: no exponent, as many digits behind the point as its scale says. */
export function decimalText(stored: string, [precision, scale = 0]: readonly number[]): string {
  const plain = withoutExponent(stored);
  const [whole = '0', fraction = ''] = plain.split('.');
  const kept = precision === undefined ? fraction.replace(/0+$/, '') : fraction.padEnd(scale, '0').slice(0, scale);
  return kept === '' ? whole : `${whole}.${kept}`;
}

function withoutExponent(text: string): string {
  const [, sign = '', whole = '0', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d*))?e([+-]?\d+)$/i.exec(text) ?? [];
  if (exponent === undefined) return text;
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0').slice(0, point)}.${digits.slice(point)}`;
}

// ---- writing ---------------------------------------------------------------------------------------------------------------

/** A value as the driver would send it: a text, or NULL. */
export type Given = string | null;

/** What a parsed JSON value is to the driver. Numbers are doubles by now, as they are to the reference. */
export function givenOf(value: unknown): Given {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'boolean' ? String(value) : jsonText(value);
}

/** Go writes doubles for a database without an exponent. */
function numberText(value: number): string {
  const text = String(value);
  return text.includes('e') ? decimalText(text, []) : text;
}

/** As Go writes JSON: members in the order of their names. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => (isObject(member) ? sorted(member) : member));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(object);
  if (names.length < 2) return object;
  // Without a prototype, `__proto__` is a name as any other.
  const result = Object.create(null) as Record<string, unknown>;
  for (const name of names.sort()) result[name] = object[name];
  return result;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Half a character becomes U+FFFD, as in Go. */
function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? Buffer.from(text).toString() : text;
}

/**
 * A value as the column stores it.
 * @throws SBX_WIRE_INVALID `invalid input syntax for type …`
 */
export function storedOf(given: Given, column: ColumnContract): SqlValue {
  if (given === null) return null;
  const { type, typeArgs } = column;
  if (given.includes('\0') && type !== 'bytea') throw invalidCall('invalid byte sequence for encoding "UTF8": 0x00');
  const stored = type === 'text' ? given : coerce(given, { word: type, args: typeArgs });
  if (stored === undefined) throw invalidCall(refusalOf(given, column));
  return stored;
}

/** A value to compare with: one that is too long or too precise for the column is no error, it equals nothing. */
export function comparedOf(given: Given, column: ColumnContract): SqlValue {
  const { type } = column;
  if (type === 'char') return given === null ? null : given.replace(/ +$/, '');
  const isSized = type === 'varchar' || type === 'numeric';
  return storedOf(given, isSized ? { ...column, typeArgs: [] } : column);
}

function refusalOf(given: string, { type, declaredType }: ColumnContract): string {
  const isLong = type === 'varchar' || type === 'char';
  if (isLong) return `value too long for type ${declaredType}`;
  return `invalid input syntax for type ${declaredType}: ${JSON.stringify(given.slice(0, 100))}`;
}
