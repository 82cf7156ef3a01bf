/**
 * Reads the plain values of a `multipart/form-data` body that is wholly in memory, with the boundary rules and the texts of Go's
 * `mime/multipart`. Files are stepped over: a plugin route never receives them (`spec/bridge.md` §4.1).
 *
 *   preamble CRLF --boundary CRLF  headers CRLF CRLF  content CRLF --boundary CRLF … CRLF --boundary-- CRLF
 */
import { textAt } from '../protocol/text.js';
import { parseMediaType } from './media-type.js';

/** A malformed body; the message is Go's. */
export class MultipartProblem extends Error {}

/**
 * Names and values of the parts without a file name, in order.
 * @throws MultipartProblem
 */
export function parseMultipart(body: Buffer, boundary: string): [name: string, value: string][] {
  if (boundary === '') throw new MultipartProblem('multipart: boundary is empty');
  const cursor = openBody(body, boundary);
  const values: [string, string][] = [];
  for (let parts = 0; nextPart(cursor); parts++) {
    if (parts === MAX_PARTS) throw new MultipartProblem('multipart: message too large');
    const headers = readPartHeaders(cursor);
    if (headers === undefined) break;
    const { name, isFile } = headers;
    const content = readContent(cursor);
    if (name !== '' && !isFile) values.push([name, textAt(content, 0, content.length)]);
  }
  return values;
}

const MAX_PARTS = 1000;

interface Cursor {
  readonly body: Buffer;
  readonly dashBoundary: Buffer;
  at: number;
  /** Line ending, taken from the first boundary line. */
  newline: '\r\n' | '\n';
  isFirst: boolean;
  /** Lines and look-alikes of the boundary that may still be looked at. */
  looksLeft: number;
}

/** A hostile body of nothing but line ends or near boundaries must not block every other request. */
const MAX_LOOKS = 200_000;

function look(cursor: Cursor): void {
  cursor.looksLeft -= 1;
  if (cursor.looksLeft < 0) throw new MultipartProblem('multipart: message too large');
}

function openBody(body: Buffer, boundary: string): Cursor {
  return {
    body,
    dashBoundary: Buffer.from(`--${boundary}`, 'latin1'),
    at: 0,
    newline: '\r\n',
    isFirst: true,
    looksLeft: MAX_LOOKS,
  };
}

/** Moves behind the next boundary line; false at the final one. */
function nextPart(cursor: Cursor): boolean {
  let expectsPart = false;
  for (;;) {
    const line = takeLine(cursor);
    if (isFinal(cursor, line)) return false;
    if (!line.endsWith('\n')) throw new MultipartProblem('multipart: NextPart: EOF');
    if (isDelimiter(cursor, line)) {
      cursor.isFirst = false;
      return true;
    }
    if (expectsPart) throw new MultipartProblem(`multipart: expecting a new Part; got line ${quote(line)}`);
    if (cursor.isFirst) continue;
    if (line !== cursor.newline) {
      throw new MultipartProblem(`multipart: unexpected line in Next(): ${quote(line)}`);
    }
    expectsPart = true;
  }
}

function quote(line: string): string {
  return JSON.stringify(line.slice(0, 100));
}

function takeLine(cursor: Cursor): string {
  look(cursor);
  const newline = cursor.body.indexOf(0x0a, cursor.at);
  const end = newline === -1 ? cursor.body.length : newline + 1;
  const line = cursor.body.toString('latin1', cursor.at, end);
  cursor.at = end;
  return line;
}

function isFinal(cursor: Cursor, line: string): boolean {
  const prefix = `${cursor.dashBoundary.toString('latin1')}--`;
  if (!line.startsWith(prefix)) return false;
  const rest = line.slice(prefix.length).replace(/^[ \t]+/, '');
  return rest === '' || rest === cursor.newline;
}

function isDelimiter(cursor: Cursor, line: string): boolean {
  const prefix = cursor.dashBoundary.toString('latin1');
  if (!line.startsWith(prefix)) return false;
  const rest = line.slice(prefix.length).replace(/^[ \t]+/, '');
  if (cursor.isFirst && rest === '\n') cursor.newline = '\n';
  return rest === cursor.newline;
}

/** Undefined when the body ends right behind a boundary line, which Go takes for its end. */
function readPartHeaders(cursor: Cursor): { name: string; isFile: boolean } | undefined {
  let disposition = '';
  for (;;) {
    const line = takeLine(cursor);
    if (line === '\r\n' || line === '\n') break;
    if (line === '') return undefined;
    if (!line.endsWith('\n')) throw new MultipartProblem('unexpected EOF');
    const colon = line.indexOf(':');
    if (colon <= 0) throw new MultipartProblem(`malformed MIME header: missing colon: ${quote(line.trimEnd())}`);
    if (line.slice(0, colon).toLowerCase() === 'content-disposition') disposition = line.slice(colon + 1).trim();
  }
  const { type, params } = parseMediaType(disposition);
  const utf8 = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
  return {
    name: type === 'form-data' ? utf8(params.get('name') ?? '') : '',
    isFile: (params.get('filename') ?? '') !== '',
  };
}

/** Content up to the next boundary; the cursor then stands on the line ending before it, or on the boundary of an empty part. */
function readContent(cursor: Cursor): Buffer {
  const { body, dashBoundary, at } = cursor;
  if (isBoundaryAt(body, at, dashBoundary)) return body.subarray(at, at);
  const separator = Buffer.concat([Buffer.from(cursor.newline), dashBoundary]);
  for (let found = body.indexOf(separator, at); found !== -1; found = body.indexOf(separator, found + 1)) {
    look(cursor);
    if (!isBoundaryAt(body, found, separator)) continue;
    cursor.at = found;
    return body.subarray(at, found);
  }
  throw new MultipartProblem('unexpected EOF');
}

/** A boundary is followed by white space, by `--`, or by the end. */
function isBoundaryAt(body: Buffer, at: number, boundary: Buffer): boolean {
  const end = at + boundary.length;
  if (body.compare(boundary, 0, boundary.length, at, Math.min(end, body.length)) !== 0) return false;
  if (end === body.length) return true;
  const next = body[end] as number;
  return next === 0x20 || next === 0x09 || next === 0x0d || next === 0x0a || (next === 0x2d && body[end + 1] === 0x2d);
}
