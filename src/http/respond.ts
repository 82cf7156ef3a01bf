/** Turns a guest's response, or a failure, into the HTTP answer (`spec/bridge.md` §4.6). */
import { type IncomingMessage, type OutgoingHttpHeader, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ResponseEnvelope } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { sniffContentType } from '../protocol/sniff.js';
import { bufferOver, trimGo } from '../protocol/text.js';
import { canonicalHeaderName, isHeaderName, rememberingNames } from './header-names.js';
import { parseMediaType } from './media-type.js';
import { addValue, emptyRecord } from './record.js';

/** A request that is being answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
  /** Names and values in turn of the headers that every answer of this exchange has; grows as the host works. */
  readonly head: string[];
}

/** Sends the guest's response; a status that HTTP does not have becomes SBX_STATUS_INVALID. */
export function sendResponse(exchange: Exchange, response: ResponseEnvelope): void {
  const { statusCode } = response;
  if ((statusCode > 0 && statusCode < 100) || statusCode > 999) {
    sendFailure(exchange, new SandpoolError('SBX_STATUS_INVALID', { statusCode }));
    return;
  }
  const isInterim = statusCode >= 100 && statusCode < 200 && statusCode !== SWITCHING_PROTOCOLS;
  const status = statusCode <= 0 || isInterim ? 200 : statusCode;
  const headers = readHeaders(response, status);
  if (isInterim) sendInterim(exchange, statusCode, headers);
  if (isBodiless(status)) {
    delete headers['Content-Length'];
    if (status === SWITCHING_PROTOCOLS) headers.Connection = ['close'];
    exchange.reply.writeHead(status, joinHeaders(exchange.head, headers)).end();
    return;
  }
  const body = response.body.length > 0 || isStream(headers) ? response.body : EMPTY_ANSWER;
  if (body.length > 0 && !('Content-Type' in headers) && !headers['Content-Encoding']?.[0]) {
    headers['Content-Type'] = [sniffContentType(body)];
  }
  if (exchange.request.method !== 'HEAD' || !('Content-Length' in headers)) {
    headers['Content-Length'] = [String(body.length)];
  }
  sendBody(exchange.reply.writeHead(status, joinHeaders(exchange.head, headers)), body);
}

/** Node joins headers and a body that is text into one write; a short body of bytes is worth the copy. */
function sendBody(reply: ServerResponse, body: Uint8Array): void {
  if (body.length > ONE_WRITE_BYTES) reply.end(body);
  else reply.end(bufferOver(body).toString('latin1'), 'latin1');
}

const ONE_WRITE_BYTES = 8192;

/** Sends the failure's sentence as plain text, its code in `X-Sandpool-Error`. */
export function sendFailure(exchange: Exchange, error: SandpoolError): void {
  const body = Buffer.from(error.message, 'utf8');
  exchange.head.push(
    'Content-Type',
    'text/plain; charset=utf-8',
    'X-Sandpool-Error',
    error.code,
    'Content-Length',
    String(body.length),
  );
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) exchange.head.push('Retry-After', String(retryAfter));
  exchange.reply.writeHead(error.status, exchange.head).end(body);
}

/** Seconds after which a refused request may succeed; undefined when waiting does not help. */
export function retryAfterSeconds(error: SandpoolError): number | undefined {
  if (error.status !== 429 && error.status !== 503) return undefined;
  const { retryAfterSeconds: seconds } = error.details;
  return typeof seconds === 'number' && seconds > 0 ? Math.ceil(seconds) : DEFAULT_RETRY_AFTER_SECONDS;
}

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** What the response helper of the reference sends when nobody wrote a body. */
export const EMPTY_ANSWER: Buffer = Buffer.from('{"code":0,"message":"OK","data":null}');

const SWITCHING_PROTOCOLS = 101;
const NOT_MODIFIED = 304;

function isBodiless(status: number): boolean {
  return status === 204 || status === NOT_MODIFIED || status === SWITCHING_PROTOCOLS;
}

/** The guest's headers by canonical name, made safe. `Content-Length` is there only as a plausible number, for HEAD. */
function readHeaders(response: ResponseEnvelope, status: number): Record<string, string[]> {
  const headers = emptyRecord<string[]>();
  for (const key in response.headers) {
    const name = answerHeaderName(key);
    if (DROPPED.has(name)) continue;
    for (const value of response.headers[key] as readonly string[]) addValue(headers, name, headerValue(value));
  }
  if (trimGo(response.contentType) !== '') headers['Content-Type'] = [headerValue(response.contentType)];
  if (status === NOT_MODIFIED) delete headers['Content-Type'];
  if ('Content-Length' in headers && !LENGTH.test(headers['Content-Length']?.[0] ?? ''))
    delete headers['Content-Length'];
  return headers;
}

const LENGTH = /^[0-9]{1,15}$/;

/** An empty body of these types stays empty. */
function isStream(headers: Record<string, string[]>): boolean {
  const type = headers['Content-Type']?.[0];
  return type !== undefined && STREAM_TYPES.has(parseMediaType(type).type);
}

const STREAM_TYPES = new Set(['text/event-stream', 'application/octet-stream', 'multipart/x-mixed-replace']);

/** Framing and connection belong to the host: a guest that sets them could make the next answer unreadable. */
const DROPPED = new Set([
  '',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'Te',
  'Trailer',
  'Upgrade',
  'X-Sandpool-Error',
]);

/** Canonical name, empty for one that is no header name; Go drops those too. */
const answerHeaderName = rememberingNames((name) => (isHeaderName(name) ? canonicalHeaderName(name) : ''));

/**
 * Headers of the host and of the guest as `writeHead` takes them. Several values of a name are one list: given one by one,
 * Node keeps the last of them whenever someone has called `setHeader` before.
 */
function joinHeaders(head: readonly string[], headers: Record<string, string[]>): OutgoingHttpHeader[] {
  const joined: OutgoingHttpHeader[] = head.slice();
  for (const name in headers) {
    const values = headers[name] as string[];
    const at = SET_BY_HOST.test(name) ? placeOf(name, head) : -1;
    if (at !== -1) joined[at + 1] = [head[at + 1] as string, ...values];
    else joined.push(name, values.length === 1 ? (values[0] as string) : values);
  }
  return joined;
}

const SET_BY_HOST = /^(?:Access-Control-|Content-Language$)/;

function placeOf(name: string, head: readonly string[]): number {
  for (let i = 0; i < head.length; i += 2) if (head[i] === name) return i;
  return -1;
}

/** As Go writes values: line ends become spaces, blanks around go, text is UTF-8. Other control characters become spaces. */
function headerValue(text: string): string {
  if (PLAIN_VALUE.test(text)) return text;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes
    .replace(CONTROL, ' ')
    .replace(/^[ \t]+/, '')
    .replace(/(?<![ \t])[ \t]+$/, '');
}

const PLAIN_VALUE = /^[!-~](?:[\t -~]*[!-~])?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the wire
const CONTROL = /[\0-\x08\n-\x1f\x7f]/g;

/** An informational answer ahead of the real one. HTTP/1.0 has none. */
function sendInterim(exchange: Exchange, status: number, headers: Record<string, string[]>): void {
  if (exchange.request.httpVersionMajor === 1 && exchange.request.httpVersionMinor === 0) return;
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? `status code ${status}`}\r\n`;
  for (const name in headers) {
    if (name !== 'Content-Length') for (const value of headers[name] as string[]) text += `${name}: ${value}\r\n`;
  }
  // Node has a public method for three of the hundred interim answers; this is what they all call.
  (exchange.reply as unknown as RawWriter)._writeRaw(`${text}\r\n`, 'latin1');
}

interface RawWriter {
  _writeRaw(data: string, encoding: BufferEncoding): void;
}
