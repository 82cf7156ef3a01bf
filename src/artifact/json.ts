/**
 * JSON as Go's `encoding/json` reads and writes it (`spec/artifact.md` §1, §1.2). `JSON.parse` will not do: it forgets whether a
 * number was written `1` or `1.0`, and only the first is an integer to Go.
 */
import { SandpoolError } from '../protocol/errors.js';
import { goJson } from '../protocol/host-call.js';
import { compareBytes } from './text.js';

/** A number as it was written; from YAML also a boolean, which a text field accepts as text (`loose`). */
export interface Literal {
  readonly literal: string;
  readonly loose: boolean;
}

/** Objects are maps: `__proto__` is a key like any other, and of two equal keys the last one counts. */
export type JsonObject = ReadonlyMap<string, JsonValue>;
export type JsonValue = null | boolean | string | Literal | readonly JsonValue[] | JsonObject;

/** Go allows 10 000; the stack of a thread does not. No honest artifact is deeper than a dozen. */
const MAX_DEPTH = 1000;
const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const SPECIAL = /["\\\u0000-\u001f]/g;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Reads one JSON document; anything but white space after it is an error. Lone surrogates become U+FFFD.
 * @throws SyntaxError with the position.
 */
export function parseJson(text: string): JsonValue {
  let at = 0;

  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at position ${at}`);
  };
  const skipSpace = (): void => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const take = (word: string): boolean => {
    if (!text.startsWith(word, at)) return false;
    at += word.length;
    return true;
  };

  const readValue = (depth: number): JsonValue => {
    if (depth > MAX_DEPTH) fail('nested too deeply');
    skipSpace();
    const first = text[at];
    if (first === '{') return readObject(depth);
    if (first === '[') return readArray(depth);
    if (first === '"') return readString();
    if (take('null')) return null;
    if (take('true')) return true;
    if (take('false')) return false;
    return readNumber();
  };

  const readObject = (depth: number): JsonObject => {
    const entries = new Map<string, JsonValue>();
    at += 1;
    skipSpace();
    if (take('}')) return entries;
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail('expected a key');
      const key = readString();
      skipSpace();
      if (!take(':')) fail('expected ":"');
      const value = readValue(depth + 1);
      // A map keeps the first place of a key, and the last one is what counts.
      entries.delete(key);
      entries.set(key, value);
      skipSpace();
      if (take('}')) return entries;
      if (!take(',')) fail('expected "," or "}"');
    }
  };

  const readArray = (depth: number): readonly JsonValue[] => {
    const items: JsonValue[] = [];
    at += 1;
    skipSpace();
    if (take(']')) return items;
    for (;;) {
      items.push(readValue(depth + 1));
      skipSpace();
      if (take(']')) return items;
      if (!take(',')) fail('expected "," or "]"');
    }
  };

  const readString = (): string => {
    at += 1;
    const parts: string[] = [];
    for (;;) {
      const start = at;
      SPECIAL.lastIndex = at;
      at = SPECIAL.exec(text)?.index ?? text.length;
      parts.push(text.slice(start, at));
      if (take('"')) return parts.length === 1 ? parts[0]! : wellFormed(parts.join(''));
      if (text[at] !== '\\') fail(at < text.length ? 'control character in a string' : 'unfinished string');
      parts.push(readEscape());
    }
  };

  const readEscape = (): string => {
    const letter = text[at + 1] ?? '';
    const hex = text.slice(at + 2, at + 6);
    if (letter === 'u' && HEX4.test(hex)) {
      at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter]! : fail('invalid escape');
    at += 2;
    return plain;
  };

  const readNumber = (): Literal => {
    NUMBER.lastIndex = at;
    const literal = NUMBER.exec(text)?.[0] ?? fail(at < text.length ? 'unexpected character' : 'unexpected end');
    at = NUMBER.lastIndex;
    return { literal, loose: false };
  };

  const value = readValue(0);
  skipSpace();
  if (at < text.length) fail('data after the document');
  return value;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isLiteral(value: JsonValue | undefined): value is Literal {
  return typeof value === 'object' && value !== null && 'literal' in value;
}

/** What a person calls the kind of a value. */
export function kindOf(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (isArray(value)) return 'array';
  if (isObject(value)) return 'object';
  return isLiteral(value) ? 'number' : typeof value;
}

/** A value as plain JavaScript; numbers as doubles, as Go reads them where the type is left open. */
export function toPlain(value: JsonValue): unknown {
  if (isArray(value)) return value.map(toPlain);
  if (isObject(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [key, toPlain(item)]));
  if (!isLiteral(value)) return value;
  return value.literal === 'true' || value.literal === 'false' ? value.literal === 'true' : Number(value.literal);
}

/**
 * Writes a value as Go's compact form does: keys of plain objects in the order given, keys of maps bytewise, `undefined` left
 * out, `<`, `>`, `&`, U+2028 and U+2029 escaped.
 */
export function encodeJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`;
  if (value instanceof Map) return encodeMembers([...value].sort(([left], [right]) => compareBytes(left, right)));
  if (typeof value === 'object' && value !== null) return encodeMembers(Object.entries(value));
  return goJson(value);
}

function encodeMembers(entries: readonly (readonly [string, unknown])[]): string {
  const members = entries.filter(([, item]) => item !== undefined);
  return `{${members.map(([key, item]) => `${goJson(key)}:${encodeJson(item)}`).join(',')}}`;
}

/** A value with maps for its objects, so that it is written with sorted keys; numbers as Go writes doubles. */
export function toSorted(value: JsonValue): unknown {
  if (isArray(value)) return value.map(toSorted);
  if (isObject(value)) return new Map(Array.from(value, ([key, item]) => [key, toSorted(item)]));
  return toPlain(value);
}

/** Replaces lone surrogates, which UTF-8 cannot carry, by U+FFFD. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** An artifact that breaks a rule; `reason` is what a person reads. */
export function invalid(reason: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_ARTIFACT_INVALID', { reason }, cause === undefined ? {} : { cause });
}
