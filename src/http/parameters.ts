/**
 * What the reference's framework does to a request before a route is looked for (`spec/bridge.md` §4.1): it reads the parameter
 * `lang` from form, body or query, and on the way consumes multipart bodies, unwraps JSON that was sent as a form, and refuses
 * what it cannot parse. Most requests can neither hold `lang` nor be refused, and are let through after a few searches.
 */
import { type Facts, SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import { parseMediaType } from './media-type.js';
import { MultipartProblem, parseMultipart } from './multipart.js';
import { type Parameter, parsePairs, parseParameters, QueryProblem } from './query.js';
import { addValue, emptyRecord } from './record.js';

export interface ParameterSource {
  readonly method: string;
  /** As sent. */
  readonly contentType: string;
  readonly rawQuery: string;
  readonly body: Buffer;
}

export interface RequestParameters {
  /** Absent when neither form, body nor query has it. */
  readonly lang: string | undefined;
  /** What the guest receives: as sent, empty for multipart, the unwrapped text for JSON sent as a form. */
  readonly body: Buffer;
}

/**
 * @throws SBX_FORM_INVALID for a form that cannot be parsed
 * @throws SBX_QUERY_INVALID for a query that cannot be parsed, unless `lang` came from the body
 */
export function readParameters(source: ParameterSource): RequestParameters {
  const form = source.body.length === 0 ? { body: source.body, lang: undefined } : readForm(source);
  if (form.lang !== undefined) return form;
  const lang = langOfQuery(source.rawQuery);
  return lang === undefined ? form : { body: form.body, lang };
}

function readForm(source: ParameterSource): RequestParameters {
  const { contentType } = source;
  if (contentType.includes('multipart/')) return readMultipart(source);
  const pairs = contentType.includes('form') ? parseForm(source) : undefined;
  const names = pairs === undefined ? [] : Object.keys(pairs);
  if (pairs === undefined || names.length === 0) return { body: source.body, lang: langOfBody(source.body) };
  const unwrapped = names.length === 1 ? unwrapDocument(names[0] as string, pairs[names[0] as string] as string[]) : '';
  if (unwrapped !== '') {
    const body = Buffer.from(unwrapped, 'utf8');
    return { body, lang: langOfBody(body) };
  }
  return { body: source.body, lang: langOfPairs(pairs) ?? langOfBody(source.body) };
}

function readMultipart(source: ParameterSource): RequestParameters {
  const { type, params, problem: typeProblem } = parseMediaType(source.contentType);
  const problem = formProblem(source).reason;
  if (type !== 'multipart/form-data' || typeProblem !== undefined) {
    throw multipartInvalid("request Content-Type isn't multipart/form-data");
  }
  const boundary = params.get('boundary');
  if (boundary === undefined) throw multipartInvalid('no multipart boundary param in Content-Type');
  const values = readMultipartValues(source.body, boundary);
  if (problem !== undefined) throw multipartInvalid(problem);
  return { body: NO_BODY, lang: langOfPairs(values) };
}

const NO_BODY = Buffer.alloc(0);

function readMultipartValues(body: Buffer, boundary: string): Record<string, string[]> {
  try {
    const values = emptyRecord<string[]>();
    for (const [name, value] of parseMultipart(body, boundary)) addValue(values, name, value);
    return values;
  } catch (error) {
    if (error instanceof MultipartProblem) throw multipartInvalid(error.message);
    throw error;
  }
}

function multipartInvalid(reason: string): SandpoolError {
  return formInvalid({ step: 'r.ParseMultipartForm', reason });
}

function formInvalid(facts: Facts): SandpoolError {
  return new SandpoolError('SBX_FORM_INVALID', facts);
}

function parseForm(source: ParameterSource): Record<string, string[]> | undefined {
  const { reason, pairs } = formProblem(source);
  if (reason !== undefined) throw formInvalid({ step: 'r.Request.ParseForm', reason });
  return pairs;
}

const METHODS_WITH_FORM = new Set(['POST', 'PUT', 'PATCH']);

/** Go's `ParseForm`: the body of three verbs, and always the query, of which it also refuses a `;`. */
function formProblem(source: ParameterSource): { reason?: string; pairs?: Record<string, string[]> } {
  let reason: string | undefined;
  let pairs: Record<string, string[]> | undefined;
  const note = (problem: string): void => {
    reason ??= problem;
  };
  if (METHODS_WITH_FORM.has(source.method)) {
    const { type, problem } = parseMediaType(source.contentType);
    if (problem !== undefined) note(problem);
    if (type === 'application/x-www-form-urlencoded') pairs = parsePairs(source.body.toString('latin1'), note);
  }
  parsePairs(source.rawQuery, note);
  return { ...(reason === undefined ? {} : { reason }), ...(pairs === undefined ? {} : { pairs }) };
}

/** A form of one parameter that reads like a JSON or XML document is one, cut at its first `=`. */
function unwrapDocument(name: string, values: readonly string[]): string {
  if (PARAMETER_NAME.test(name)) return '';
  const text = trimGo(name + values.join(' '));
  return isBetween(text, '{', '}') || isBetween(text, '<', '>') ? text : '';
}

function isBetween(text: string, first: string, last: string): boolean {
  return text.length > 1 && text.startsWith(first) && text.endsWith(last);
}

const PARAMETER_NAME = /^[\w\-[\]]+$/;

/** The framework writes the form down again and reads it with its own parser, names unescaped. */
function langOfPairs(pairs: Record<string, string[]>): string | undefined {
  const parts: string[] = [];
  for (const [name, values] of Object.entries(pairs)) {
    const isList = values.length > 1 && name.length > 2 && name.endsWith('[]');
    for (const value of isList ? values : values.slice(-1)) parts.push(`${latin1(name)}=${encodeURIComponent(value)}`);
  }
  if (parts.length === 0) return undefined;
  try {
    return textOf(parseParameters(parts.join('&')).get('lang'));
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
    throw formInvalid({ step: 'Parse request parameters', reason: error.message });
  }
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A list or a map is some text, and no language. */
function textOf(parameter: Parameter | undefined): string | undefined {
  return parameter === undefined || typeof parameter === 'string' ? parameter : NOT_A_LANGUAGE;
}

const NOT_A_LANGUAGE = '[]';

/** `lang` in a JSON object, in an XML document, or in `name=value` text; what cannot be parsed has none. */
function langOfBody(body: Buffer): string | undefined {
  if (body.length > MAX_SEARCHED_BYTES) return undefined;
  const latin1 = body.toString('latin1');
  if (!mayNameLang(latin1)) return undefined;
  const text = trimGo(body.toString('utf8'));
  const json = isBetween(text, '{', '}') ? langOfJson(text) : undefined;
  if (json !== undefined) return json.lang;
  if (text.startsWith('<?xml') || isBetween(text, '<', '>')) return langOfXml(text);
  try {
    return textOf(parseParameters(latin1).get('lang'));
  } catch (error) {
    if (error instanceof QueryProblem) return undefined;
    throw error;
  }
}

/** Parsing blocks every other request, so larger bodies are not searched for a language. */
const MAX_SEARCHED_BYTES = 256 * 1024;

/** Every letter of `lang` is `\u006…` in JSON and `%6…` in a form when it is not written plainly. */
function mayNameLang(text: string): boolean {
  return text.includes('lang') || text.includes('\\u006') || text.includes('%6');
}

function langOfJson(text: string): { lang: string | undefined } | undefined {
  try {
    const value = (JSON.parse(text) as { lang?: unknown }).lang;
    if (value === undefined || value === null) return { lang: undefined };
    return { lang: typeof value === 'string' ? value : JSON.stringify(value) };
  } catch {
    return undefined; // not JSON after all: the next reading is tried
  }
}

/** Text of the root's child element `lang`. */
function langOfXml(text: string): string | undefined {
  let depth = 0;
  let start = -1;
  for (let open = text.indexOf('<'); open !== -1; open = text.indexOf('<', open + 1)) {
    const close = endOfMarkup(text, open);
    if (close === -1) return undefined;
    const tag = text.slice(open + 1, close);
    if (tag.startsWith('/')) {
      depth -= 1;
      if (depth === 1 && start !== -1) return text.slice(start, open);
    } else if (!tag.startsWith('!') && !tag.startsWith('?')) {
      const isEmpty = tag.endsWith('/');
      const isLang = depth === 1 && tag.split(/[\s/]/, 1)[0] === 'lang';
      if (isLang && isEmpty) return '';
      if (isLang) start = close + 1;
      if (!isEmpty) depth += 1;
    }
    open = close;
  }
  return undefined;
}

function endOfMarkup(text: string, open: number): number {
  if (text.startsWith('<!--', open)) return lastOf(text.indexOf('-->', open), '-->');
  if (text.startsWith('<![CDATA[', open)) return lastOf(text.indexOf(']]>', open), ']]>');
  return text.indexOf('>', open);
}

function lastOf(start: number, mark: string): number {
  return start === -1 ? -1 : start + mark.length - 1;
}

function langOfQuery(rawQuery: string): string | undefined {
  if (rawQuery === '' || !(MAY_BE_REFUSED.test(rawQuery) || rawQuery.includes('lang'))) return undefined;
  try {
    return textOf(parseParameters(rawQuery).get('lang'));
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
    throw new SandpoolError('SBX_QUERY_INVALID', { reason: error.message });
  }
}

const MAY_BE_REFUSED = /[%[]/;
