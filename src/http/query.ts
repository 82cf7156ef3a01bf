/**
 * Queries and forms as the reference reads them, twice over: Go's `url.ParseQuery`, whose result the guest receives, and
 * GoFrame's `gstr.Parse`, whose refusals answer 500 before a route is looked for (`spec/bridge.md` §4.1, §4.5).
 */
import { addValue, emptyRecord } from './record.js';
import { textOfEscaped } from './target.js';

/** A broken query or form; the message is Go's. */
export class QueryProblem extends Error {}

/**
 * All pairs in order, as `url.ParseQuery`. Pairs with a `;` or a broken escape are left out; `onProblem` gets the text of the
 * first reason.
 */
export function parsePairs(query: string, onProblem?: (reason: string) => void): Record<string, string[]> {
  const values = emptyRecord<string[]>();
  if (hasTooManyPairs(query)) {
    onProblem?.('number of URL query parameters exceeded limit');
    return values;
  }
  let problem: string | undefined;
  for (const pair of query.split('&')) {
    const reason = pair === '' ? undefined : addPair(values, pair);
    if (reason !== undefined) problem = reason === SEMICOLON ? reason : (problem ?? reason);
  }
  if (problem !== undefined) onProblem?.(problem);
  return values;
}

/** Go's own bound; without it 8 MiB of `&` would block every other request. */
const MAX_PAIRS = 10_000;

function hasTooManyPairs(query: string): boolean {
  let pairs = 1;
  for (let at = query.indexOf('&'); at !== -1; at = query.indexOf('&', at + 1)) pairs += 1;
  return pairs > MAX_PAIRS;
}

const SEMICOLON = 'invalid semicolon separator in query';

function addPair(values: Record<string, string[]>, pair: string): string | undefined {
  if (pair.includes(';')) return SEMICOLON;
  const equals = pair.indexOf('=');
  try {
    const name = unescapeQuery(equals === -1 ? pair : pair.slice(0, equals));
    addValue(values, name, equals === -1 ? '' : unescapeQuery(pair.slice(equals + 1)));
    return undefined;
  } catch (error) {
    if (error instanceof QueryProblem) return error.message;
    throw error;
  }
}

/**
 * Go's `url.QueryUnescape` over latin-1 characters: `+` is a space, `%xx` a byte.
 * @throws QueryProblem for a broken escape
 */
export function unescapeQuery(text: string): string {
  if (!ESCAPED_OR_WIDE.test(text)) return text;
  const broken = BROKEN_ESCAPE.exec(text);
  if (broken !== null)
    throw new QueryProblem(`invalid URL escape ${quote(text.slice(broken.index, broken.index + 3))}`);
  return textOfEscaped(text.replaceAll('+', ' '));
}

const ESCAPED_OR_WIDE = /[%+\x80-\xff]/;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;

/** Go's `strconv.Quote`, near enough for a diagnostic. */
function quote(text: string): string {
  return JSON.stringify(text);
}

/** Value of a parameter: a text, a list (`name[]`) or a map (`name[key]`). */
export type Parameter = string | Parameter[] | Map<string, Parameter>;

/**
 * Parameters by name, with `name[key]` and `name[]` nested, as `gstr.Parse`.
 * @throws QueryProblem for a broken escape in a `name=value` pair, or a name used in two shapes, or more than 10,000 pairs
 */
export function parseParameters(query: string): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  if (hasTooManyPairs(query)) throw new QueryProblem('number of URL query parameters exceeded limit');
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    if (equals <= 0) continue;
    const name = unescapePart(pair.slice(0, equals)).replace(/^ +/, '');
    if (name === '' || name.startsWith('[')) continue;
    const value = unescapePart(pair.slice(equals + 1));
    setParameter(parameters, splitName(name), value);
  }
  return parameters;
}

function unescapePart(part: string): string {
  try {
    return unescapeQuery(part);
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
    throw new QueryProblem(`url.QueryUnescape failed for string "${part}": ${error.message}`);
  }
}

/** `a[b][]` → `a`, `b`, ``. What follows a bracket that is not another bracket is dropped. */
function splitName(name: string): string[] {
  const open = name.indexOf('[', 1);
  const first = open === -1 ? -1 : name.indexOf(']', open);
  if (first === -1) return [plainName(name)];
  const keys = [plainName(name.slice(0, open))];
  let at = open;
  while (name.charAt(at) === '[') {
    const close = name.indexOf(']', at);
    if (close === -1) break;
    keys.push(name.slice(at + 1, close));
    at = close + 1;
  }
  return keys;
}

/** Spaces, dots and the first stray bracket become `_`. */
function plainName(name: string): string {
  const bracket = name.indexOf('[');
  if (bracket === -1) return name.replace(/[ .]/g, '_');
  return `${name.slice(0, bracket).replace(/[ .]/g, '_')}_${name.slice(bracket + 1)}`;
}

function setParameter(parameters: Map<string, Parameter>, keys: readonly string[], value: string): void {
  const [first = '', second, third] = keys;
  const key = withoutQuotes(first);
  if (second === undefined) {
    parameters.set(key, value);
    return;
  }
  if (second === '' && keys.length === 2) {
    if (key !== '') listAt(parameters, key).push(value);
    return;
  }
  if (second === '' && third !== '') {
    setInLastMap(listAt(parameters, key), keys.slice(2), value);
    return;
  }
  setParameter(mapAt(parameters, key), keys.slice(1), value);
}

function withoutQuotes(name: string): string {
  let start = 0;
  let end = name.length;
  while (start < end && isQuote(name.charAt(start))) start += 1;
  while (end > start && isQuote(name.charAt(end - 1))) end -= 1;
  return name.slice(start, end);
}

function isQuote(character: string): boolean {
  return character === "'" || character === '"';
}

/** `v[][a]=1&v[][b]=2` fills one map until a key comes again. */
function setInLastMap(list: Parameter[], keys: readonly string[], value: string): void {
  const last = list.at(-1);
  const isOpen = last instanceof Map && !last.has(keys[0] as string);
  const map = isOpen ? last : new Map<string, Parameter>();
  if (!isOpen) list.push(map);
  try {
    setParameter(map, keys, value);
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
  }
}

function listAt(parameters: Map<string, Parameter>, key: string): Parameter[] {
  const present = parameters.get(key);
  if (Array.isArray(present)) return present;
  if (present !== undefined) throw shapeProblem('[]any', key, present);
  const list: Parameter[] = [];
  parameters.set(key, list);
  return list;
}

function mapAt(parameters: Map<string, Parameter>, key: string): Map<string, Parameter> {
  const present = parameters.get(key);
  if (present instanceof Map) return present;
  if (present !== undefined) throw shapeProblem('map[string]any', key, present);
  const map = new Map<string, Parameter>();
  parameters.set(key, map);
  return map;
}

function shapeProblem(expected: string, key: string, present: Parameter): QueryProblem {
  const actual = Array.isArray(present)
    ? '[]interface {}'
    : present instanceof Map
      ? 'map[string]interface {}'
      : 'string';
  return new QueryProblem(`expected type '${expected}' for key '${key}', but got '${actual}'`);
}
