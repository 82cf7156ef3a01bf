/** The functions of PostgreSQL that SQLite lacks. Every connection that writes to a plugin's database needs them. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { ColumnType, TypeWord } from './dialect/model.js';
import { addInterval, daysBetween, extract, formatMoment, fromEpoch, toDate, truncate } from './dialect/moments.js';
import { coerce, type SqlValue } from './dialect/values.js';
import type { Database } from './sqlite.js';

type Implementation = (...args: SqlValue[]) => SqlValue;

/** Longest text that a function may make. */
const MAX_TEXT = 16 * 1024 * 1024;
const MAX_SERIES = 1_000_000;

/** Registers all of them. Integers come and go as bigint, so that none is rounded. */
export function registerFunctions(database: Database): void {
  for (const [name, implementation] of Object.entries(PURE)) {
    database.function(name, { deterministic: true, safeIntegers: true, varargs: true }, strict(implementation));
  }
  for (const [name, implementation] of Object.entries(NULLS)) {
    database.function(name, { deterministic: true, safeIntegers: true, varargs: true }, implementation as never);
  }
  for (const [name, implementation] of Object.entries(VOLATILE)) database.function(name, implementation as never);
  database.table('pg_generate_series', {
    columns: ['value'],
    parameters: ['first', 'last', 'step'],
    safeIntegers: true,
    rows: series,
  } as never);
}

/** NULL in, NULL out. */
function strict(implementation: Implementation): (...args: unknown[]) => unknown {
  return (...args) => (args.includes(null) ? null : implementation(...(args as SqlValue[])));
}

function* series(first: SqlValue, last: SqlValue, step: SqlValue): Generator<[bigint]> {
  if (first === null || last === null || step === null) return;
  const [from, to, by] = [whole(first), whole(last), whole(step)];
  if (by === 0n) throw new Error('step size cannot equal zero');
  if ((to - from) / by >= BigInt(MAX_SERIES)) throw new Error(`generate_series gives more than ${MAX_SERIES} rows`);
  for (let value = from; by > 0n ? value <= to : value >= to; value += by) yield [value];
}

const text = (value: SqlValue): string => String(value);
const whole = (value: SqlValue): bigint => (typeof value === 'bigint' ? value : BigInt(Math.round(Number(value))));
const count = (value: SqlValue): number => Number(whole(value));
const characters = (value: SqlValue): string[] => Array.from(text(value));

const PURE: Readonly<Record<string, Implementation>> = {
  pg_lower: (value) => text(value).toLowerCase(),
  pg_upper: (value) => text(value).toUpperCase(),
  pg_initcap: (value) =>
    text(value).replace(/[\p{L}\p{N}]+/gu, (word) => {
      const [first = '', ...rest] = Array.from(word);
      return first.toUpperCase() + rest.join('').toLowerCase();
    }),
  pg_substring: (value, from, length) => {
    const start = count(from!) - 1;
    if (length === undefined) return characters(value!).slice(Math.max(0, start)).join('');
    if (count(length) < 0) throw new Error('negative substring length not allowed');
    return characters(value!)
      .slice(Math.max(0, start), Math.max(0, start + count(length)))
      .join('');
  },
  // `slice` counts from the end below zero, as PostgreSQL does.
  pg_left: (value, length) => characters(value!).slice(0, count(length!)).join(''),
  pg_right: (value, length) => {
    const all = characters(value!);
    const wanted = count(length!);
    return all.slice(wanted >= 0 ? Math.max(0, all.length - wanted) : Math.min(all.length, -wanted)).join('');
  },
  pg_lpad: (value, length, fill) => padded(value!, length!, fill, (pad, kept) => pad + kept),
  pg_rpad: (value, length, fill) => padded(value!, length!, fill, (pad, kept) => kept + pad),
  pg_repeat: (value, times) => bounded(text(value!), Math.max(0, count(times!))),
  pg_reverse: (value) => characters(value!).reverse().join(''),
  pg_translate: (value, from, to) => {
    const [wanted, given] = [characters(from!), characters(to!)];
    return characters(value!)
      .map((character) => (wanted.includes(character) ? (given[wanted.indexOf(character)] ?? '') : character))
      .join('');
  },
  pg_split_part: (value, separator, part) => {
    const index = count(part!);
    if (index === 0) throw new Error('field position must not be zero');
    const parts = text(separator!) === '' ? [text(value!)] : text(value!).split(text(separator!));
    return parts.at(index > 0 ? index - 1 : index) ?? '';
  },
  pg_starts_with: (value, prefix) => (text(value!).startsWith(text(prefix!)) ? 1n : 0n),
  pg_md5: (value) => createHash('md5').update(bytes(value!)).digest('hex'),
  pg_to_hex: (value) => BigInt.asUintN(64, whole(value!)).toString(16),
  pg_encode: (value, form) => bytes(value!).toString(encodingOf(form!)),
  pg_decode: (value, form) => Buffer.from(text(value!), encodingOf(form!)),
  pg_round: (value, digits) => rounded(value!, digits, (scaled) => Math.sign(scaled) * Math.round(Math.abs(scaled))),
  pg_trunc: (value, digits) => rounded(value!, digits, Math.trunc),
  pg_divide: (left, right, isWhole) => {
    if (Number(right) === 0) throw new Error('division by zero');
    if (isWhole === 1n && typeof left === 'bigint' && typeof right === 'bigint') return left / right;
    return Number(left) / Number(right);
  },
  pg_like: (value, pattern, mark, ignoreCase) =>
    likeOf(text(pattern!), text(mark!), ignoreCase === 1n).test(text(value!)) ? 1n : 0n,
  pg_regex: (value, pattern, ignoreCase) =>
    regexOf(text(pattern!), ignoreCase === 1n ? 'i' : '').test(text(value!)) ? 1n : 0n,
  pg_regexp_replace: (value, pattern, replacement, flags = '') => {
    const letters = text(flags).replace(/[^gi]/g, '');
    const into = text(replacement!)
      .replaceAll('$', '$$$$')
      .replace(/\\([1-9&])/g, (_, group) => (group === '&' ? '$&' : `$${group}`));
    return text(value!).replace(regexOf(text(pattern!), letters), into);
  },
  pg_extract: (field, moment) => number(known(extract(text(field!), text(moment!)), moment!)),
  pg_date_trunc: (field, moment) => known(truncate(text(field!), text(moment!)), moment!),
  pg_to_char: (moment, format) => known(formatMoment(text(moment!), text(format!)), moment!),
  pg_from_epoch: (seconds) => known(fromEpoch(Number(seconds)), seconds!),
  pg_make_date: (year, month, day) =>
    known(toDate(`${String(year).padStart(4, '0')}-${month}-${day}`), `${year}-${month}-${day}`),
  pg_add_interval: (moment, months, days, micros, factor) => {
    const interval = { months: Number(months), days: Number(days), micros: Number(micros) };
    return known(addInterval(text(moment!), interval, Number(factor)), moment!);
  },
  pg_add_days: (date, days, factor) => {
    const interval = { months: 0, days: Number(days), micros: 0 };
    return known(addInterval(text(date!), interval, Number(factor)), date!).slice(0, 10);
  },
  pg_days_between: (later, earlier) => BigInt(known(daysBetween(text(later!), text(earlier!)), later!)),
  pg_json_text: (value) => {
    const parsed: unknown = JSON.parse(text(value!));
    return parsed === null ? null : typeof parsed === 'string' ? parsed : text(value!);
  },
};

/** These answer for NULLs themselves. */
const NULLS: Readonly<Record<string, Implementation>> = {
  pg_greatest: (...values) => extreme(values, (left, right) => left > right),
  pg_least: (...values) => extreme(values, (left, right) => left < right),
  pg_concat: (...values) => values.map((value) => (value === null ? '' : text(value))).join(''),
  pg_concat_ws: (separator, ...values) =>
    separator === null
      ? null
      : values
          .filter((value) => value !== null)
          .map(text)
          .join(text(separator!)),
  pg_assign: (value, word, ...args) => {
    const type: ColumnType = { word: word as TypeWord, args: args.map(Number) };
    const stored = coerce(value!, type);
    if (stored !== undefined) return stored;
    const isLength = word === 'varchar' || word === 'char';
    const name = args.length > 0 ? `${word}(${args.join(',')})` : word;
    throw new Error(
      `${isLength ? 'value too long for' : 'invalid input syntax for'} type ${name}: ${JSON.stringify(text(value!)).slice(0, 100)}`,
    );
  },
};

const VOLATILE: Readonly<Record<string, () => SqlValue>> = {
  pg_random_uuid: () => randomUUID(),
  pg_random: () => randomInt(2 ** 47) / 2 ** 47,
};

function known<Value>(value: Value | undefined, given: SqlValue): Value {
  if (value !== undefined) return value;
  throw new Error(`invalid input syntax for type timestamp: ${JSON.stringify(text(given)).slice(0, 100)}`);
}

const number = (value: number): SqlValue => (Number.isSafeInteger(value) ? BigInt(value) : value);

function bytes(value: SqlValue): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(text(value));
}

function encodingOf(form: SqlValue): 'hex' | 'base64' {
  if (form === 'hex' || form === 'base64') return form;
  throw new Error(`unrecognized encoding: ${JSON.stringify(form)}`);
}

function bounded(piece: string, times: number): string {
  if (piece.length * times > MAX_TEXT) throw new Error(`a text of more than ${MAX_TEXT} characters was asked for`);
  return piece.repeat(times);
}

function padded(
  value: SqlValue,
  length: SqlValue,
  fill: SqlValue | undefined,
  join: (pad: string, kept: string) => string,
): string {
  const wanted = Math.max(0, count(length));
  const kept = characters(value).slice(0, wanted);
  const piece = Array.from(fill === undefined ? ' ' : text(fill));
  const missing = wanted - kept.length;
  if (piece.length === 0) return kept.join('');
  const pad = Array.from(bounded(piece.join(''), Math.ceil(missing / piece.length))).slice(0, missing);
  return join(pad.join(''), kept.join(''));
}

/** Digits are moved in the number's text, since `1.005 * 100` is less than 100.5. */
function rounded(value: SqlValue, digits: SqlValue | undefined, round: (scaled: number) => number): SqlValue {
  if (typeof value === 'bigint' && (digits === undefined || count(digits) >= 0)) return value;
  const places = digits === undefined ? 0 : count(digits);
  const shifted = (from: number | string, by: number) => {
    const [mantissa, exponent = '0'] = String(from).split('e');
    return Number(`${mantissa}e${Number(exponent) + by}`);
  };
  const result = shifted(round(shifted(Number(value), places)), -places);
  return digits === undefined ? number(result) : result;
}

function extreme(values: readonly SqlValue[], isBetter: (left: never, right: never) => boolean): SqlValue {
  const there = values.filter((value) => value !== null);
  return there.reduce(
    (best: SqlValue, value) => (best === null || isBetter(value as never, best as never) ? value : best),
    null,
  );
}

// ---- patterns --------------------------------------------------------------------------------------------------------------

const patterns = new Map<string, RegExp>();

function remembered(key: string, make: () => RegExp): RegExp {
  const pattern = patterns.get(key) ?? make();
  if (patterns.size > 100) patterns.clear();
  patterns.set(key, pattern);
  return pattern;
}

function likeOf(pattern: string, mark: string, ignoreCase: boolean): RegExp {
  return remembered(`like ${ignoreCase} ${mark} ${pattern}`, () => {
    let source = '';
    const all = Array.from(pattern);
    for (let at = 0; at < all.length; at += 1) {
      const character = all[at]!;
      if (character === mark && at + 1 < all.length) source += literal(all[++at]!);
      else if (character === '%') source += '.*';
      else source += character === '_' ? '.' : literal(character);
    }
    return new RegExp(`^${source}$`, ignoreCase ? 'sui' : 'su');
  });
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Classes of PostgreSQL that JavaScript writes in another way. */
const CLASSES: Readonly<Record<string, string>> = {
  '[:alpha:]': '\\p{L}',
  '[:digit:]': '0-9',
  '[:alnum:]': '\\p{L}0-9',
  '[:space:]': '\\s',
  '[:upper:]': '\\p{Lu}',
  '[:lower:]': '\\p{Ll}',
  '[:punct:]': '\\p{P}\\p{S}',
  '[:xdigit:]': '0-9A-Fa-f',
};

function regexOf(pattern: string, flags: string): RegExp {
  return remembered(`regex ${flags} ${pattern}`, () => {
    const source = pattern
      .replace(/\[:[a-z]+:\]/g, (name) => CLASSES[name] ?? name)
      .replace(/\\[yMm]/g, '\\b')
      .replace(/\\A/g, '^')
      .replace(/\\Z/g, '$');
    try {
      return new RegExp(source, `${flags}su`);
    } catch {
      throw new Error(`invalid regular expression: ${pattern.slice(0, 100)}`);
    }
  });
}
