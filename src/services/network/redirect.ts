/** Where a redirect leads, as Go's client follows it. */
import { type IncomingResponse, NetworkFailure, type OutgoingRequest } from './exchange.js';

/** Only for the origin that they were given for. */
const CREDENTIALS = ['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate'];

/**
 * The request that follows this response; undefined when the response is the answer. 307 and 308 repeat method and body, the
 * others turn into a GET without it. Credentials stay with their origin, which is stricter than Go about subdomains and ports.
 * @throws NetworkFailure 4 when the location is no URL
 */
export function redirectOf(
  request: OutgoingRequest,
  { statusCode, headers }: Pick<IncomingResponse, 'statusCode' | 'headers'>,
): OutgoingRequest | undefined {
  const location = headers.Location;
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined || location === '') return undefined;
  if (!URL.canParse(location, request.url.href)) throw new NetworkFailure(4, 'failed to parse Location header');
  const url = new URL(location, request.url.href);
  const keepsBody = statusCode >= 307;
  const dropped = [
    ...(url.origin === request.url.origin ? [] : CREDENTIALS),
    ...(keepsBody ? [] : Object.keys(request.headers).filter((name) => name.startsWith('content-'))),
  ];
  return {
    method: keepsBody || request.method === 'HEAD' ? request.method : 'GET',
    url,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !dropped.includes(name))),
    body: keepsBody ? request.body : new Uint8Array(),
  };
}
