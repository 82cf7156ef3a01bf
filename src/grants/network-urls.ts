import { posix } from 'node:path';
import { compileGlob } from './glob.js';

/** The parts of a URL that a grant speaks of. */
interface Target {
  /** Lower case, as are scheme and pattern. */
  readonly scheme: string;
  readonly host: string;
  /** Text as written; empty when absent. */
  readonly port: string;
  /** Percent-decoded and cleaned; begins with `/`. */
  readonly path: string;
}

/**
 * Compiles one authorised URL into a test of targets (`spec/bridge.md` §5.2.2): scheme and port equal, host equal or a shell glob
 * whose `*` crosses dots, path equal or below. Query, fragment and user-info say nothing.
 *
 * A target must pass as the reference reads it and as a WHATWG client would connect to it; where the two disagree on host or
 * path (`https://a.example.com\@evil.com`, `/admin/..%2fapi`), a target that only one reading allows is refused.
 * @returns undefined for a pattern that is no URL; it grants nothing.
 */
export function compileUrlPattern(pattern: string): ((url: string) => boolean) | undefined {
  const granted = readUrl(pattern);
  if (granted === undefined || granted.host === '') return undefined;
  const glob = compileGlob(granted.host);
  const hostMatches = (host: string) => host === granted.host || glob?.(host) === true;
  const below = granted.path === '/' ? '/' : `${granted.path}/`;
  const pathMatches = (path: string) => path === granted.path || path.startsWith(below);
  const matches = (target: Target) =>
    target.scheme === granted.scheme && hostMatches(target.host) && pathMatches(target.path);
  return (url) => {
    const target = readUrl(url);
    if (target === undefined || !matches(target)) return false;
    if (granted.port !== '' && granted.port !== target.port) return false;
    const connected = readAsClient(url);
    return connected !== undefined && matches({ ...connected, port: target.port });
  };
}

/** Reads a URL as Go's `net/url` does; undefined for what it refuses, and for what has no authority. */
function readUrl(text: string): Target | undefined {
  const url = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the reference refuses a URL with control characters
  if (/[\u0000-\u001f\u007f]/.test(url)) return undefined;
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/.exec(url);
  if (match === null) return undefined;
  const [, scheme = '', authority = '', path = ''] = match;
  const place = readAuthority(authority);
  const decoded = decodePath(path);
  if (place === undefined || decoded === undefined) return undefined;
  return { scheme: scheme.toLowerCase(), ...place, path: posix.normalize(decoded).replace(/(?<=.)\/$/, '') };
}

function readAuthority(authority: string): Pick<Target, 'host' | 'port'> | undefined {
  const match = /^(?:[^@]*@)*(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority);
  if (match === null) return undefined;
  const [, host = '', port = ''] = match;
  if (/[\s\\%^`{|}]/.test(host)) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1').toLowerCase(), port };
}

function decodePath(path: string): string | undefined {
  try {
    return path === '' ? '/' : decodeURIComponent(path);
  } catch {
    return undefined; // not percent-encoded UTF-8
  }
}

function readAsClient(text: string): Target | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const url = new URL(text.trim());
  const path = decodePath(url.pathname)?.replace(/\/{2,}/g, '/');
  if (path === undefined) return undefined;
  return {
    scheme: url.protocol.slice(0, -1),
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    path: path.replace(/(?<=.)\/$/, ''),
  };
}
