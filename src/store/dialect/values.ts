/** Values in the form in which they are stored, one function for each type; undefined where PostgreSQL would refuse. */
import type { ColumnType, TypeWord } from './model.js';
import { toDate, toTime, toTimestamp } from './moments.js';

/** Whatever SQLite hands to a function; integers come as bigint. */
export type SqlValue = string | number | bigint | Buffer | null;

/** `args` are those of the type. NULL is never asked. */
type Coercion = (value: Exclude<SqlValue, null>, args: readonly number[]) => SqlValue | undefined;

const asText = (value: Exclude<SqlValue, null>): string | undefined =>
  Buffer.isBuffer(value) ? undefined : String(value);

const fromText =
  (read: (text: string, args: readonly number[]) => SqlValue | undefined): Coercion =>
  (value, args) => {
    const text = asText(value);
    return text === undefined ? undefined : read(text, args);
  };

const whole =
  (bits: 16 | 32 | 64): Coercion =>
  (value) => {
    const number = typeof value === 'bigint' ? value : wholeOf(value);
    return number !== undefined && BigInt.asIntN(bits, number) === number ? number : undefined;
  };

const real: Coercion = (value) => {
  const number = Buffer.isBuffer(value) || String(value).trim() === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
};

const COERCIONS: Readonly<Record<TypeWord, Coercion>> = {
  smallint: whole(16),
  integer: whole(32),
  bigint: whole(64),
  real,
  'double precision': real,
  numeric: (value, args) => numericOf(value, args),
  boolean: (value) => booleanOf(value),
  char: fromText((text, [length = 1]) => fitting(text.replace(/ +$/, ''), length)),
  varchar: fromText((text, [length]) => (length === undefined ? text : fitting(text, length))),
  text: (value) => asText(value),
  timestamp: fromText((text, [precision]) => toTimestamp(text, false, precision)),
  timestamptz: fromText((text, [precision]) => toTimestamp(text, true, precision)),
  date: fromText(toDate),
  time: fromText((text, [precision]) => toTime(text, precision)),
  json: fromText((text) => (isJson(text) ? text : undefined)),
  jsonb: fromText(canonicalJson),
  uuid: fromText(uuidOf),
  bytea: (value) => (Buffer.isBuffer(value) ? value : bytesOf(String(value))),
};

/** A value as a column of the type stores it; undefined when it is not one of the type. */
export function coerce(value: SqlValue, { word, args }: ColumnType): SqlValue | undefined {
  return value === null ? null : COERCIONS[word](value, args);
}

/** PostgreSQL rounds what is assigned to an integer, half away from zero, but reads only whole numbers from text. */
function wholeOf(value: number | string | Buffer): bigint | undefined {
  if (typeof value === 'string') return /^\s*[+-]?\d+\s*$/.test(value) ? BigInt(value) : undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return BigInt(Math.sign(value) * Math.round(Math.abs(value)));
}

/** SQLite keeps 15 digits of a fraction: more are refused, not lost. */
function numericOf(value: number | bigint | string | Buffer, args: readonly number[]): SqlValue | undefined {
  const text = Buffer.isBuffer(value) ? '' : String(value).trim();
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  if (/^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) {
    return isWithin(Number(text), args) ? BigInt(text) : undefined;
  }
  const [precision, scale = 0] = args;
  const exact = precision === undefined ? text : roundDecimal(text, scale);
  const digits = exact.replace(/e.*$/i, '').replace(/[^\d]/g, '').replace(/^0+/, '').length;
  return digits <= 15 && isWithin(Number(exact), args) ? Number(exact) : undefined;
}

function isWithin(value: number, [precision, scale = 0]: readonly number[]): boolean {
  return precision === undefined || Math.abs(value) < 10 ** (precision - scale);
}

/** Half away from zero, on the digits themselves. */
function roundDecimal(text: string, scale: number): string {
  if (/e/i.test(text)) return Number(text).toFixed(Math.min(scale, 100));
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text) ?? [];
  if (fraction.length <= scale) return text;
  const kept = BigInt(`${whole}${fraction.slice(0, scale)}` || '0') + (fraction[scale]! >= '5' ? 1n : 0n);
  const digits = kept.toString().padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, digits.length - scale)}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}

function booleanOf(value: number | bigint | string | Buffer): 0n | 1n | undefined {
  const word = String(value).trim().toLowerCase();
  if (word === '1' || word === 'on' || (word !== '' && ('true'.startsWith(word) || 'yes'.startsWith(word)))) return 1n;
  const isFalse = 'false'.startsWith(word) || 'no'.startsWith(word) || word === 'off' || word === 'of';
  return word === '0' || (word !== '' && isFalse) ? 0n : undefined;
}

/** Blanks beyond the length are cut, as the standard says. */
function fitting(text: string, length: number): string | undefined {
  const characters = Array.from(text);
  if (characters.length <= length) return text;
  return /^ *$/.test(characters.slice(length).join('')) ? characters.slice(0, length).join('') : undefined;
}

function uuidOf(text: string): string | undefined {
  const hex = text
    .trim()
    .toLowerCase()
    .replace(/^\{(.*)\}$/, '$1')
    .replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** `\xDEADBEEF`, or text with `\\` and octal escapes. */
function bytesOf(text: string): Buffer | undefined {
  if (text.startsWith('\\x')) {
    const hex = text.slice(2).replace(/\s/g, '');
    return /^(?:[0-9a-f]{2})*$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined;
  }
  if (/\\(?!\\|[0-3][0-7]{2})/.test(text.replaceAll('\\\\', ''))) return undefined;
  const pieces = text.match(/\\\\|\\[0-3][0-7]{2}|[^\\]+/g) ?? [];
  return Buffer.concat(
    pieces.map((piece) => {
      if (piece === '\\\\') return Buffer.from('\\');
      return piece.startsWith('\\') ? Buffer.of(Number.parseInt(piece.slice(1), 8)) : Buffer.from(piece);
    }),
  );
}

// ---- JSON ------------------------------------------------------------------------------------------------------------------

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** As `jsonb` is written: a blank after `:` and `,`, keys by length and then by bytes, of two the last, numbers as they are. */
export function canonicalJson(text: string): string | undefined {
  return isJson(text) ? writeJson(readJson(text)) : undefined;
}

/** A literal as its text, a list, or pairs. */
type Json = string | readonly Json[] | ReadonlyMap<string, Json>;

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[-+.\w]+|[[\]{},:])/y;

/** The text is JSON already; numbers stay as written, which `JSON.parse` would not keep. */
function readJson(text: string): Json {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) tokens.push(token[1]!);
  let at = 0;
  const value = (): Json => {
    const token = tokens[at++]!;
    if (token === '[') return items(']', () => value());
    if (token !== '{') return token;
    const pair = () => {
      const key = JSON.parse(tokens[at]!) as string;
      at += 2;
      return [key, value()] as const;
    };
    return new Map(items('}', pair));
  };
  const items = <Item>(end: string, item: () => Item): Item[] => {
    const found: Item[] = [];
    for (; tokens[at] !== end; at += tokens[at] === ',' ? 1 : 0) found.push(item());
    at += 1;
    return found;
  };
  return value();
}

function writeJson(value: Json): string {
  if (typeof value === 'string') return value.startsWith('"') ? JSON.stringify(JSON.parse(value)) : plainNumber(value);
  if (!(value instanceof Map)) return `[${(value as readonly Json[]).map(writeJson).join(', ')}]`;
  const pairs = [...(value as ReadonlyMap<string, Json>)]
    .map(([key, item]) => ({ key, item, bytes: Buffer.from(key) }))
    .sort((left, right) => left.bytes.length - right.bytes.length || Buffer.compare(left.bytes, right.bytes));
  return `{${pairs.map(({ key, item }) => `${JSON.stringify(key)}: ${writeJson(item)}`).join(', ')}}`;
}

/** `jsonb` holds numerics, which are written without an exponent. */
function plainNumber(literal: string): string {
  const number = /^(-?)(\d+)(?:\.(\d+))?e([+-]?\d+)$/i.exec(literal);
  if (!number) return literal;
  const [, sign, whole = '', fraction = '', exponent] = number;
  const shift = Number(exponent);
  if (Math.abs(shift) > 400) return literal;
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift - fraction.length))}`;
  const point = Math.max(0, -shift) + whole.length + shift;
  const integer = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  return `${sign}${integer}${point < digits.length ? `.${digits.slice(point)}` : ''}`;
}
