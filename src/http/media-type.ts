/** Content types as Go's `mime.ParseMediaType` reads them. */

export interface MediaType {
  /** Lower case, without parameters; empty when even that is not well-formed. */
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  /** Go's text of what is wrong, if anything is. */
  readonly problem?: string;
}

/** Never throws; continuations of RFC 2231 (`name*0`) are kept under their written name. */
export function parseMediaType(text: string): MediaType {
  const semicolon = text.indexOf(';');
  const type = (semicolon === -1 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  const problem = problemOfType(type);
  if (problem !== undefined) return { type: '', params: NO_PARAMS, problem };
  return semicolon === -1 ? { type, params: NO_PARAMS } : withParams(type, text.slice(semicolon));
}

const NO_PARAMS: ReadonlyMap<string, string> = new Map();

function problemOfType(type: string): string | undefined {
  if (TYPE.test(type)) return undefined;
  const first = TOKEN.exec(type)?.[0] ?? '';
  if (first === '') return 'mime: no media type';
  if (type.charAt(first.length) !== '/') return 'mime: expected slash after first token';
  const hasSubtype = TOKEN.test(type.slice(first.length + 1));
  return hasSubtype ? 'mime: unexpected content after media subtype' : 'mime: expected token after slash';
}

const TYPE = /^[!#$%&'*+\-.^_`|~0-9a-z]+(?:\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+/;
/** One `; name=value`, the value a token or a quoted text. */
const PARAM =
  /\s*;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\\r\n]|\\[^\r\n])*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))/y;
/** A backslash before anything else is a literal one, as in the file names of old browsers. */
const ESCAPED_SPECIAL = /\\([()<>@,;:\\"/[\]?=])/g;

function withParams(type: string, text: string): MediaType {
  const params = new Map<string, string>();
  let at = 0;
  for (;;) {
    PARAM.lastIndex = at;
    const found = PARAM.exec(text);
    if (found === null) break;
    const [whole, name = '', quoted, token = ''] = found;
    const value = quoted === undefined ? token : quoted.replace(ESCAPED_SPECIAL, '$1');
    const present = params.get(name.toLowerCase());
    if (present !== undefined && present !== value) {
      return { type: '', params: NO_PARAMS, problem: 'mime: duplicate parameter name' };
    }
    params.set(name.toLowerCase(), value);
    at += whole.length;
  }
  const rest = text.slice(at).trim();
  if (rest === '' || rest === ';') return { type, params };
  return { type, params: NO_PARAMS, problem: 'mime: invalid media parameter' };
}
