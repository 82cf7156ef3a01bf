/**
 * The request target as Go's `net/http` and GoFrame read it (`spec/bridge.md` §4.1, §4.2): path percent-decoded as a whole, so
 * that `%2F` separates segments, and without trailing slashes.
 */
import { SandpoolError } from '../protocol/errors.js';
import { textAt, trimGo } from '../protocol/text.js';

export interface Target {
  /** Decoded, without trailing `/` except for `/` itself; not trimmed. */
  readonly path: string;
  /** After the `?`, undecoded. */
  readonly rawQuery: string;
  /** Of an absolute-form target (`GET http://host/…`), else empty. */
  readonly scheme: string;
  readonly host: string;
}

/**
 * @param url as Node gives it: raw bytes beyond ASCII as one character each
 * @throws SBX_PATH_INVALID for a broken percent escape in the path
 */
export function readTarget(url: string): Target {
  if (url.charCodeAt(0) !== SLASH) return readAbsolute(url);
  const mark = url.indexOf('?');
  const path = decodePath(mark === -1 ? url : url.slice(0, mark));
  return { path, rawQuery: mark === -1 ? '' : url.slice(mark + 1), scheme: '', host: '' };
}

/**
 * Whether a target belongs to the plugin routes. Like the reference's router this looks at the undecoded path, and forgives
 * repeated slashes in front.
 */
export function isPluginTarget(url: string): boolean {
  if (url.charCodeAt(0) !== SLASH) return ABSOLUTE_PLUGIN_TARGET.test(url);
  let at = 1;
  while (url.charCodeAt(at) === SLASH) at += 1;
  if (url.charCodeAt(at) !== LETTER_X) return false;
  const after = url.charCodeAt(at + 1);
  return after === SLASH || after === QUESTION_MARK || url.length === at + 1;
}

export interface PluginPath {
  /** Trimmed request path. */
  readonly publicPath: string;
  readonly pluginId: string;
  /** What follows `/x/<plugin-id>`, at least `/`. */
  readonly internalPath: string;
}

/**
 * Splits `/x/<plugin-id>/…`.
 * @throws SBX_ROUTE_NOT_FOUND unless the path starts with `/x/`
 * @throws SBX_PLUGIN_ID_MISSING when the segment after it is blank
 */
export function splitPluginPath(path: string): PluginPath {
  const publicPath = trimGo(path);
  if (!publicPath.startsWith('/x/')) throw new SandpoolError('SBX_ROUTE_NOT_FOUND', { path: publicPath });
  const end = publicPath.indexOf('/', PREFIX_LENGTH);
  const pluginId = trimGo(end === -1 ? publicPath.slice(PREFIX_LENGTH) : publicPath.slice(PREFIX_LENGTH, end));
  if (pluginId === '') throw new SandpoolError('SBX_PLUGIN_ID_MISSING', { path: publicPath });
  return { publicPath, pluginId, internalPath: end === -1 ? '/' : publicPath.slice(end) };
}

const SLASH = 0x2f;
const PERCENT = 0x25;
const QUESTION_MARK = 0x3f;
const LETTER_X = 0x78;
const PREFIX_LENGTH = '/x/'.length;

const ABSOLUTE_PLUGIN_TARGET = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*\/+x(?:[/?]|$)/i;
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#@]*)(.*)$/is;

function readAbsolute(url: string): Target {
  const parts = ABSOLUTE.exec(url);
  if (parts === null) throw new SandpoolError('SBX_PATH_INVALID');
  const [, scheme = '', host = '', rest = ''] = parts;
  return { ...readTarget(rest.startsWith('/') ? rest : `/${rest}`), scheme: scheme.toLowerCase(), host };
}

function decodePath(path: string): string {
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === PERCENT || code > 0x7f) return withoutTrailingSlashes(decodeBytes(path));
  }
  return withoutTrailingSlashes(path);
}

function decodeBytes(path: string): string {
  if (BROKEN_ESCAPE.test(path)) throw new SandpoolError('SBX_PATH_INVALID', { path });
  return textOfEscaped(path);
}

const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;

/** Text of latin-1 characters and valid `%xx` escapes, read together as UTF-8. */
export function textOfEscaped(escaped: string): string {
  const bytes = Buffer.from(escaped, 'latin1');
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const isEscape = bytes[i] === PERCENT;
    bytes[length++] = isEscape ? hexDigit(bytes[i + 1]) * 16 + hexDigit(bytes[i + 2]) : (bytes[i] as number);
    if (isEscape) i += 2;
  }
  return textAt(bytes, 0, length);
}

function hexDigit(code = 0): number {
  return (code & 0xf) + (code > 0x39 ? 9 : 0);
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === SLASH) end -= 1;
  return end === path.length ? path : path.slice(0, end);
}
