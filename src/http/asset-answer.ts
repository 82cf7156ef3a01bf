/** Answers of public assets: whole, not modified, in part, or not there (`spec/governance.md` §5.2). */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PublicFile, Representation } from '../resources/public-files.js';
import { type ByteRange, isNotModified, rangesOf } from './ranges.js';

export interface AssetExchange {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
}

/** Sends a form of a file: 200, 206, 304 or 416. A HEAD has the headers of the GET without ranges. */
export function sendAsset(exchange: AssetExchange, file: PublicFile, form: Representation, cacheControl: string): void {
  const { request, reply } = exchange;
  const head = commonHead(file, form, cacheControl);
  if (isNotModified(request.headers, form.etag)) {
    reply.writeHead(304, head).end();
    return;
  }
  const size = form.content.length;
  const ranges = request.method === 'HEAD' ? 'whole' : rangesOf(request.headers, form.etag, size);
  if (ranges === 'none') sendUnsatisfiable(reply, size);
  else if (ranges === 'whole') sendWhole(exchange, file, form, head);
  else if (ranges.length === 1) sendPart(reply, file, form, ranges[0] as ByteRange, head);
  else sendParts(reply, file, form, ranges, head);
}

/** The only answer to whatever cannot be served; it tells no reason, and nobody may keep it. */
export function sendAssetMiss({ request, reply }: AssetExchange): void {
  reply.writeHead(404, MISS_HEAD).end(request.method === 'HEAD' ? undefined : MISS);
}

const MISS = 'Not Found';
const MISS_HEAD = [
  ...['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff', 'Cache-Control', 'no-store'],
  ...['X-Sandpool-Error', 'SBX_NOT_FOUND', 'Content-Length', String(MISS.length)],
];

function commonHead(file: PublicFile, { etag }: Representation, cacheControl: string): string[] {
  const head = ['ETag', etag, 'Cache-Control', cacheControl, 'Access-Control-Allow-Origin', '*'];
  if (file.isCompressible) head.push('Vary', 'Accept-Encoding');
  return head;
}

function sendWhole(
  { request, reply }: AssetExchange,
  { contentType }: PublicFile,
  { content, encoding }: Representation,
  head: string[],
): void {
  head.push('Content-Type', contentType, 'X-Content-Type-Options', 'nosniff', 'Accept-Ranges', 'bytes');
  head.push('Content-Length', String(content.length));
  if (encoding !== undefined) head.push('Content-Encoding', encoding);
  reply.writeHead(200, head).end(request.method === 'HEAD' ? undefined : content);
}

function sendPart(
  reply: ServerResponse,
  { contentType }: PublicFile,
  { content }: Representation,
  range: ByteRange,
  head: string[],
): void {
  const part = content.subarray(range.start, range.end + 1);
  head.push('Content-Type', contentType, 'X-Content-Type-Options', 'nosniff', 'Accept-Ranges', 'bytes');
  head.push('Content-Range', contentRange(range, content.length), 'Content-Length', String(part.length));
  reply.writeHead(206, head).end(part);
}

/**
 *   --boundary CRLF Content-Type: … CRLF Content-Range: … CRLF CRLF part CRLF   (once for each part)
 *   --boundary-- CRLF
 */
function sendParts(
  reply: ServerResponse,
  { contentType }: PublicFile,
  { content }: Representation,
  ranges: readonly ByteRange[],
  head: string[],
): void {
  const boundary = randomUUID();
  const pieces = ranges.flatMap((range) => {
    const partHead = `Content-Type: ${contentType}\r\nContent-Range: ${contentRange(range, content.length)}`;
    return [
      Buffer.from(`--${boundary}\r\n${partHead}\r\n\r\n`, 'latin1'),
      content.subarray(range.start, range.end + 1),
      Buffer.from('\r\n'),
    ];
  });
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  head.push('Content-Type', `multipart/byteranges; boundary=${boundary}`, 'Accept-Ranges', 'bytes');
  head.push('Content-Length', String(body.length));
  reply.writeHead(206, head).end(body);
}

function sendUnsatisfiable(reply: ServerResponse, size: number): void {
  const head = ['Content-Range', `bytes */${size}`, 'Cache-Control', 'no-store', 'Content-Length', '0'];
  reply.writeHead(416, head).end();
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}
