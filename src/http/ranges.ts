/** Conditions and ranges of a request for stored bytes (RFC 9110 §13 and §14). */
import type { IncomingHttpHeaders } from 'node:http';
import parseRange from 'range-parser';

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Whether the client has the bytes with this tag already. */
export function isNotModified({ 'if-none-match': header }: IncomingHttpHeaders, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return (header.match(ETAG) ?? []).some((tag) => tag.replace(/^W\//, '') === etag);
}

/**
 * The parts that a request asks for, in its order, overlapping ones joined. `whole` when it asks for none, in a unit or a form
 * that is not known, for more than 16, or under an If-Range that does not hold; `none` when no part exists.
 */
export function rangesOf(
  headers: IncomingHttpHeaders,
  etag: string,
  size: number,
): readonly ByteRange[] | 'whole' | 'none' {
  const { range: header } = headers;
  if (header === undefined || !BYTES.test(header) || !isCurrent(headers, etag)) return 'whole';
  const asked = header.split(',');
  if (asked.length > MAX_RANGES) return 'whole';
  const ranges = parseRange(size, asked.map((part) => wholeTail(part, size)).join(','), { combine: true });
  if (ranges === -1) return 'none';
  return ranges === -2 ? 'whole' : ranges;
}

const BYTES = /^\s*bytes\s*=/i;
const MAX_RANGES = 16;
const ETAG = /(?:W\/)?"[^"]*"/g;

/** Dates never hold: assets have no date. */
function isCurrent({ 'if-range': condition }: IncomingHttpHeaders, etag: string): boolean {
  return typeof condition !== 'string' || condition.trim() === etag;
}

/** A tail longer than the file is the whole file; range-parser takes it for no part at all. */
function wholeTail(part: string, size: number): string {
  return part.replace(/((?:^|=)\s*)-(\d+)(\s*)$/, (all, before: string, length: string, after: string) =>
    Number(length) > size && size > 0 ? `${before}0-${after}` : all,
  );
}
