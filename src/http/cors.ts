/** The permissive CORS step of the reference (`spec/bridge.md` §4.1): its headers are on every answer below `/x`. */
import type { IncomingHttpHeaders } from 'node:http';

/** Header names and values in turn, as `writeHead` takes them; a new array that the caller may extend. */
export function corsHeaders(headers: IncomingHttpHeaders): string[] {
  return [
    'Access-Control-Allow-Origin',
    allowedOrigin(headers),
    'Access-Control-Allow-Credentials',
    'true',
    'Access-Control-Max-Age',
    '3628800',
    'Access-Control-Allow-Methods',
    'GET,PUT,POST,DELETE,PATCH,HEAD,CONNECT,OPTIONS,TRACE',
    'Access-Control-Allow-Headers',
    allowedHeaders(headers['access-control-request-headers']),
  ];
}

function allowedOrigin(headers: IncomingHttpHeaders): string {
  const origin = headers.origin;
  if (origin !== undefined && origin !== '') return origin;
  const referer = headers.referer;
  return referer === undefined || referer === '' ? '*' : originOf(referer);
}

/** Scheme and host of a `Referer`; `*` when it has none. */
function originOf(referer: string): string {
  const parts = ORIGIN.exec(referer);
  return parts === null ? '*' : `${(parts[1] as string).toLowerCase()}://${parts[2]}`;
}

const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#@]+)/i;

const ALLOWED_HEADERS = 'Origin,Content-Type,Accept,User-Agent,Cookie,Authorization,X-Auth-Token,X-Requested-With';
const ALLOWED_BY_DEFAULT = new Set(ALLOWED_HEADERS.split(','));

function allowedHeaders(requested: string | string[] | undefined): string {
  if (requested === undefined || requested === '') return ALLOWED_HEADERS;
  const names = String(requested)
    .split(',')
    .map((name) => name.trim());
  const more = names.filter((name) => name !== '' && !ALLOWED_BY_DEFAULT.has(name));
  return [ALLOWED_HEADERS, ...more].join(',');
}
