/**
 * Decoders for JSON and YAML values with the leniency of Go's structs (`spec/artifact.md` §1.2): unknown keys are ignored, a key
 * matches in any case, `null` is the zero value, a wrong type is refused.
 */
import { invalid, isArray, isLiteral, isObject, type JsonObject, type JsonValue, kindOf } from './json.js';

/** Reads a value, which is absent, null or given; `at` is its path in messages, e.g. `menus[2].sort`. */
export type Decoder<T> = (value: JsonValue | undefined, at: string) => T;

const MAX_INT = 2n ** 63n - 1n;
/** With the sign. Millions of digits would take their time. */
const MAX_INT_DIGITS = 20;
const YES = /^(?:y|yes|on|true)$/i;
const NO = /^(?:n|no|off|false)$/i;

export const text: Decoder<string> = (value, at) => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (isLiteral(value) && value.loose) return value.literal;
  return wrongType(value, at, 'a string');
};

export const integer: Decoder<number> = (value, at) => {
  if (value === undefined || value === null) return 0;
  if (!isLiteral(value) || !/^-?\d+$/.test(value.literal)) return wrongType(value, at, 'an integer');
  const exact = value.literal.length > MAX_INT_DIGITS ? undefined : BigInt(value.literal);
  if (exact === undefined || exact > MAX_INT || exact < -MAX_INT - 1n) {
    throw invalid(`${at} is outside the range of integers`);
  }
  return Number(exact);
};

export const flag: Decoder<boolean> = (value, at) => {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  if (isLiteral(value) && value.loose && YES.test(value.literal)) return true;
  if (isLiteral(value) && value.loose && NO.test(value.literal)) return false;
  return wrongType(value, at, 'a boolean');
};

/** `undefined` where the value is absent or null. */
export function optional<T>(decode: Decoder<T>): Decoder<T | undefined> {
  return (value, at) => (value === undefined || value === null ? undefined : decode(value, at));
}

/** An array, empty where absent or null. Each item is decoded; a null item is what `decode` makes of it. */
export function list<T>(decode: Decoder<T>): Decoder<readonly T[]> {
  return (value, at) => {
    if (value === undefined || value === null) return [];
    if (!isArray(value)) return wrongType(value, at, 'an array');
    return value.map((item, index) => decode(item, `${at}[${index}]`));
  };
}

/** A decoder that refuses null. */
export function notNull<T>(decode: Decoder<T>): Decoder<T> {
  return (value, at) => {
    if (value === null || value === undefined) throw invalid(`${at} cannot be null`);
    return decode(value, at);
  };
}

/** Entries of a `{string: T}` object in the order given, empty where absent or null. */
export function entries<T>(decode: Decoder<T>): Decoder<readonly (readonly [string, T])[]> {
  return (value, at) => {
    if (value === undefined || value === null) return [];
    if (!isObject(value)) return wrongType(value, at, 'an object');
    return Array.from(value, ([key, item]) => [key, decode(item, `${at}.${key}`)] as const);
  };
}

/** The shape of an object: for each field of the result its key in the document and its decoder. */
type Shape<T> = { readonly [Field in keyof T]: readonly [key: string, decode: Decoder<T[Field]>] };

/** An object with known keys; where absent or null, every field is decoded as absent. */
export function object<T extends object>(shape: Shape<T>): Decoder<T> {
  const fields = Object.entries(shape) as [keyof T & string, readonly [string, Decoder<unknown>]][];
  return (value, at) => {
    if (value !== undefined && value !== null && !isObject(value)) return wrongType(value, at, 'an object');
    const read = value ? lookup(value) : () => undefined;
    return Object.fromEntries(
      fields.map(([field, [key, decode]]) => [field, decode(read(key), at === '' ? key : `${at}.${key}`)]),
    ) as T;
  };
}

/** Any value, left as it is. */
export const anything: Decoder<JsonValue | undefined> = (value) => value;

/** Finds keys in any case; of several that differ in case the last one, as Go sets a field again for each of them. */
export function lookup(value: JsonObject): (key: string) => JsonValue | undefined {
  const folded = new Map(Array.from(value, ([name, item]) => [fold(name), item]));
  return (key) => folded.get(fold(key));
}

/** Go's case folding as far as it concerns ASCII keys: long s and the Kelvin sign are letters too. */
function fold(key: string): string {
  return key.toLowerCase().replaceAll('\u017f', 's');
}

function wrongType(value: JsonValue | undefined, at: string, expected: string): never {
  throw invalid(`${at === '' ? 'the value' : at} must be ${expected}, not ${kindOf(value)}`);
}
