/**
 * The two map kinds of the bridge, `map<string, string>` and `map<string, list of strings>` (`spec/bridge.md` §2.1, §2.2): one
 * entry per key, 1 the key, 2 the value or each value. Decoded maps have no prototype, so that `__proto__` is a key like others.
 */
import {
  beginNested,
  endNested,
  type Reader,
  skipUnknown,
  takeLength,
  takeString,
  takeTag,
  trimGo,
  type Writer,
  writeText,
} from './wire.js';

export type StringMap = Readonly<Record<string, string>>;
export type ListMap = Readonly<Record<string, readonly string[]>>;

/** The map without entries. */
export const NO_ENTRIES: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

/** Writes one entry per key in the order of the untrimmed keys' bytes; key and value are trimmed, and written even when empty. */
export function writeStringMap(writer: Writer, tag: number, map: StringMap | undefined): void {
  if (map === undefined) return;
  for (const key of sortedKeys(map)) {
    const value = map[key] as string;
    const expectedBytes = 4 + key.length + value.length;
    const body = beginNested(writer, tag, expectedBytes);
    writeText(writer, 0x0a, trimGo(key));
    writeText(writer, 0x12, trimGo(value));
    endNested(writer, body, expectedBytes);
  }
}

/** As `writeStringMap`, with one field per value; a key without values is written alone. */
export function writeListMap(writer: Writer, tag: number, map: ListMap | undefined): void {
  if (map === undefined) return;
  for (const key of sortedKeys(map)) {
    const values = map[key] as readonly string[];
    let expectedBytes = 2 + key.length;
    for (const value of values) expectedBytes += 2 + value.length;
    const body = beginNested(writer, tag, expectedBytes);
    writeText(writer, 0x0a, trimGo(key));
    for (const value of values) writeText(writer, 0x12, trimGo(value));
    endNested(writer, body, expectedBytes);
  }
}

/** Most maps are a dozen headers; insertion beats a general sort there, and beyond this many keys it no longer does. */
const FEW_KEYS = 24;

function sortedKeys(map: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(map);
  if (keys.length > FEW_KEYS) return keys.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    for (; at > 0 && isBefore(key, keys[at - 1] as string); at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** Order of the UTF-8 bytes. UTF-16 differs from it in one place: surrogates come before U+E000 … U+FFFF. */
function isBefore(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x < 0xd800 || y < 0xd800 ? x < y : surrogateLast(x) < surrogateLast(y);
  }
  return a.length < b.length;
}

function surrogateLast(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * Reads one entry into `map`, which is made by the first one. A blank key is dropped, a later key replaces an earlier one.
 * @param what message and field, as `route snapshot pathParams`
 * @throws SBX_WIRE_INVALID
 */
export function takeStringEntry(
  reader: Reader,
  map: Record<string, string> | undefined,
  what: string,
): Record<string, string> | undefined {
  let key = '';
  let value = '';
  const after = beginEntry(reader, what);
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'string map entry');
    if (field === 1) key = takeString(reader, 'string map entry key');
    else if (field === 2) value = takeString(reader, 'string map entry value');
    else skipUnknown(reader, field, 'string map entry');
  }
  reader.end = after;
  return trimGo(key) === '' ? map : withEntry(map, key, value);
}

/**
 * As `takeStringEntry`, for a list of strings.
 * @throws SBX_WIRE_INVALID
 */
export function takeListEntry(
  reader: Reader,
  map: Record<string, string[]> | undefined,
  what: string,
): Record<string, string[]> | undefined {
  let key = '';
  const values: string[] = [];
  const after = beginEntry(reader, what);
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'string list entry');
    if (field === 1) key = takeString(reader, 'string list entry key');
    else if (field === 2) values.push(takeString(reader, 'string list entry value'));
    else skipUnknown(reader, field, 'string list entry');
  }
  reader.end = after;
  return trimGo(key) === '' ? map : withEntry(map, key, values);
}

/** Narrows the reader to the entry and returns where it ended before. */
function beginEntry(reader: Reader, what: string): number {
  const length = takeLength(reader, what);
  const after = reader.end;
  reader.end = reader.at + length;
  return after;
}

function withEntry<V>(map: Record<string, V> | undefined, key: string, value: V): Record<string, V> {
  const target = map ?? (Object.create(null) as Record<string, V>);
  target[key] = value;
  return target;
}
