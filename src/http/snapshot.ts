/** What a guest receives of an HTTP request (`spec/bridge.md` §4.5). The encoder trims; nothing here does. */
import type { IncomingMessage } from 'node:http';
import type { HttpRequestSnapshot } from '../protocol/envelope.js';
import { textAt } from '../protocol/text.js';
import { canonicalHeaderName, isHeaderName, rememberingNames } from './header-names.js';
import { parsePairs } from './query.js';
import { addValue, emptyRecord, NO_LISTS, NO_VALUES } from './record.js';
import type { PluginPath, Target } from './target.js';

/** @param trustProxy whether forwarding headers may name the client */
export function takeSnapshot(
  request: IncomingMessage,
  target: Target,
  path: PluginPath,
  body: Buffer,
  trustProxy: boolean,
): HttpRequestSnapshot {
  const headers = readHeaders(request.rawHeaders);
  const remoteIp = remoteIpOf(request);
  return {
    method: request.method ?? '',
    publicPath: path.publicPath,
    internalPath: path.internalPath,
    rawPath: target.path,
    rawQuery: textOfLatin1(target.rawQuery),
    host: textOfLatin1(target.host === '' ? (request.headers.host ?? '') : target.host),
    scheme: target.scheme,
    remoteAddr: addressOf(remoteIp, request.socket.remotePort),
    clientIp: trustProxy ? forwardedIp(headers, remoteIp) : remoteIp,
    contentType: headers['Content-Type']?.[0] ?? '',
    headers,
    cookies: headers.Cookie === undefined ? NO_VALUES : readCookies(headers.Cookie),
    body,
  };
}

/** All pairs of a query; those with `;` or a broken escape are dropped. */
export function readQueryValues(rawQuery: string): Readonly<Record<string, readonly string[]>> {
  return rawQuery === '' ? NO_LISTS : parsePairs(rawQuery);
}

/**
 * Headers by canonical name, values in order, without `Authorization`, `Host` and what belongs to the transfer.
 * @param rawHeaders names and values in turn, raw bytes beyond ASCII as one character each
 */
export function readHeaders(rawHeaders: readonly string[]): Record<string, string[]> {
  const headers = emptyRecord<string[]>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = guestHeaderName(rawHeaders[i] as string);
    if (name !== '') addValue(headers, name, textOfLatin1(rawHeaders[i + 1] as string));
  }
  if (headers.Pragma?.[0] === 'no-cache') headers['Cache-Control'] ??= ['no-cache'];
  return headers;
}

const WITHHELD = new Set(['Authorization', 'Host', 'Transfer-Encoding', 'Trailer']);

/** Canonical name, empty for a header that no guest receives. */
const guestHeaderName = rememberingNames((name) => {
  const canonical = canonicalHeaderName(name);
  return WITHHELD.has(canonical) ? '' : canonical;
});

function textOfLatin1(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  return textAt(bytes, 0, bytes.length);
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** Cookies of all `Cookie` lines as Go reads them: a name must be a token, a value plain ASCII; the last of a name stays. */
export function readCookies(lines: readonly string[]): Record<string, string> {
  const cookies = emptyRecord<string>();
  for (const line of lines) {
    for (const part of line.split(';')) {
      const pair = part.trim();
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals).trim();
      const value = equals === -1 ? '' : withoutQuotes(pair.slice(equals + 1));
      if (isHeaderName(name) && COOKIE_VALUE.test(value)) cookies[name] = value;
    }
  }
  return cookies;
}

function withoutQuotes(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

const COOKIE_VALUE = /^[ !#-:<-[\]-~]*$/;

/** The peer's address; an IPv4 one as such even when the socket is an IPv6 one. */
function remoteIpOf(request: IncomingMessage): string {
  const ip = request.socket.remoteAddress ?? '';
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice('::ffff:'.length) : ip;
}

function addressOf(ip: string, port: number | undefined): string {
  if (ip === '') return '';
  return ip.includes(':') ? `[${ip}]:${port ?? 0}` : `${ip}:${port ?? 0}`;
}

const FORWARDING_HEADERS = [
  'Proxy-Client-Ip',
  'Wl-Proxy-Client-Ip',
  'Http_client_ip',
  'Http_x_forwarded_for',
  'X-Real-Ip',
];

function forwardedIp(headers: Record<string, string[]>, remoteIp: string): string {
  const forwardedFor = headers['X-Forwarded-For']?.[0] ?? '';
  const first = forwardedFor.toLowerCase() === 'unknown' ? '' : (forwardedFor.split(',', 1)[0] as string);
  if (first !== '') return first;
  for (const name of FORWARDING_HEADERS) {
    const ip = headers[name]?.[0] ?? '';
    if (ip !== '') return ip;
  }
  return remoteIp;
}
