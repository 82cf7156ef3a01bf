/** Turns a guest's response, or a failure, into the HTTP answer (`spec/bridge.md` §4.6). */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ResponseEnvelope } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { bufferOver, trimGo } from '../protocol/text.js';
import { canonicalHeaderName, isHeaderName, rememberingNames } from './header-names.js';
import { parseMediaType } from './media-type.js';
import { sniffContentType } from './sniff.js';

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
  const answer = readAnswer(response, status);
  if (isInterim) sendInterim(exchange, statusCode, answer.headers);
  if (status === SWITCHING_PROTOCOLS) exchange.head.push('Connection', 'close');
  if (isBodiless(status)) {
    exchange.reply.writeHead(status, exchange.head.concat(answer.headers)).end();
    return;
  }
  const body = answer.isStream || response.body.length > 0 ? response.body : EMPTY_ANSWER;
  if (!answer.hasType && !answer.hasEncoding && body.length > 0) {
    answer.headers.push('Content-Type', sniffContentType(body));
  }
  const announced = exchange.request.method === 'HEAD' ? answer.contentLength : '';
  answer.headers.push('Content-Length', announced === '' ? String(body.length) : announced);
  sendBody(exchange.reply.writeHead(status, exchange.head.concat(answer.headers)), body);
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

/** A guest's headers, made safe. */
interface Answer {
  /** Names and values in turn. */
  readonly headers: string[];
  readonly hasType: boolean;
  readonly hasEncoding: boolean;
  /** The guest's own, for HEAD; empty when absent or no number. */
  readonly contentLength: string;
  /** An empty body of these types stays empty. */
  readonly isStream: boolean;
}

function readAnswer(response: ResponseEnvelope, status: number): Answer {
  const ownType = trimGo(response.contentType) === '' ? '' : headerValue(response.contentType);
  const headers: string[] = [];
  let type: string | undefined = ownType === '' ? undefined : ownType;
  let hasEncoding = false;
  let contentLength = '';
  for (const key in response.headers) {
    const name = answerHeaderName(key);
    for (const text of response.headers[key] as readonly string[]) {
      const value = headerValue(text);
      if (name === 'Content-Length') contentLength = DIGITS.test(value) ? value : '';
      if (name === 'Content-Encoding' && value !== '') hasEncoding = true;
      if (name === 'Content-Type') {
        if (ownType !== '' || status === NOT_MODIFIED) continue;
        type ??= value;
      }
      if (!DROPPED.has(name)) headers.push(name, value);
    }
  }
  if (ownType !== '' && status !== NOT_MODIFIED) headers.push('Content-Type', ownType);
  const isStream = response.body.length === 0 && type !== undefined && STREAM_TYPES.has(parseMediaType(type).type);
  return { headers, hasType: type !== undefined, hasEncoding, contentLength, isStream };
}

const DIGITS = /^[0-9]{1,15}$/;
const STREAM_TYPES = new Set(['text/event-stream', 'application/octet-stream', 'multipart/x-mixed-replace']);

/** Framing and connection belong to the host: a guest that sets them could make the next answer unreadable. */
const DROPPED = new Set([
  '',
  'Content-Length',
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
function sendInterim(exchange: Exchange, status: number, headers: readonly string[]): void {
  if (exchange.request.httpVersionMajor === 1 && exchange.request.httpVersionMinor === 0) return;
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? `status code ${status}`}\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  // Node has a public method for three of the hundred interim answers; this is what they all call.
  (exchange.reply as unknown as RawWriter)._writeRaw(`${text}\r\n`, 'latin1');
}

interface RawWriter {
  _writeRaw(data: string, encoding: BufferEncoding): void;
}
