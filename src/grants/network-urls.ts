import { isIP } from 'node:net';
import { posix } from 'node:path';
import { compileGlob } from './glob.js';
import type { Grant } from './grant.js';

/** `named` when an entry of the grant writes the very IP address, or `localhost`, out: then it may be a private one. */
export type UrlAccess = 'refused' | 'granted' | 'named';

/** Prepares what a grant says about URLs, as an authoriser does, and whether it names their addresses. */
export function compileUrlAccess({ services }: Grant): (url: string) => UrlAccess {
  const entry = services.find(({ owner, service }) => owner === '' && service === 'network');
  const patterns = (entry?.resources ?? []).map(({ ref }) => ref);
  const compile = (some: readonly string[]) => some.map(compileUrlPattern).filter((test) => test !== undefined);
  const named = compile(patterns.filter(namesAddress));
  const others = compile(patterns.filter((pattern) => !namesAddress(pattern)));
  return (url) => {
    if (named.some((test) => test(url))) return 'named';
    return others.some((test) => test(url)) ? 'granted' : 'refused';
  };
}

function namesAddress(pattern: string): boolean {
  const host = readUrl(pattern)?.host ?? '';
  return host === 'localhost' || isIP(host) !== 0;
}

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
  // A host with other letters, or an address, has a second spelling: the one in which a client knows it.
  const spellings = [granted.host, readAsClient(pattern)?.host ?? granted.host];
  const globs = spellings.map(compileGlob);
  const hostMatches = (host: string) => spellings.includes(host) || globs.some((glob) => glob?.(host) === true);
  const below = granted.path === '/' ? '/' : `${granted.path}/`;
  const pathMatches = (path: string) => path === granted.path || path.startsWith(below);
  const matches = (target: Target) =>
    target.scheme === granted.scheme && hostMatches(target.host) && pathMatches(target.path);
  return (url) => {
    const target = readUrl(url);
    if (target === undefined || !matches(target)) return false;
    if (granted.port !== '' && granted.port !== target.port) return false;
    const connected = readAsClient(url);
    return connected !== undefined && matches(connected);
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

/** The bytes of a path, one character each, as Go compares them: they need not be UTF-8. */
function decodePath(path: string): string | undefined {
  if (path === '') return '/';
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const bytes = Buffer.from(path).toString('latin1');
  return bytes.replace(/%(..)/g, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
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
