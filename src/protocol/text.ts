/** Text as the reference host handles it: trimming and UTF-8 as Go does them. */

/** Go's `strings.TrimSpace`: Unicode White_Space, which has U+0085 and has not U+FEFF. */
export function trimGo(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isWhiteSpace(code: number): boolean {
  if (code > 0x20 && code < 0x85) return false;
  return code <= 0x20 ? code === 0x20 || (code >= 0x09 && code <= 0x0d) : isWideSpace(code);
}

function isWideSpace(code: number): boolean {
  if (code < 0x1680) return code === 0x85 || code === 0xa0;
  if (code <= 0x200a) return code === 0x1680 || code >= 0x2000;
  return code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f || code === 0x3000;
}

/** Longest text that is cheaper to build from character codes than by one call into the runtime. */
const SHORT_TEXT = 20;

/** The text of `bytes` from `start` to `end`; each byte that is no part of UTF-8 becomes U+FFFD. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT_TEXT) return longTextAt(bytes, start, end);
  let text = '';
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    const d = bytes[i + 3] as number;
    if ((a | b | c | d) > 0x7f) return longTextAt(bytes, start, end);
    text += String.fromCharCode(a, b, c, d);
  }
  for (; i < end; i++) {
    const a = bytes[i] as number;
    if (a > 0x7f) return longTextAt(bytes, start, end);
    text += String.fromCharCode(a);
  }
  return text;
}

function longTextAt(bytes: Uint8Array, start: number, end: number): string {
  const text = bufferOver(bytes).toString('utf8', start, end);
  return text.includes('\ufffd') ? lossyText(bytes, start, end) : text;
}

/**
 * The same bytes as a Buffer. Buffer's text methods take views on shared memory, which TextDecoder refuses; and they keep a leading U+FEFF.
 */
export function bufferOver(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** As Go reads invalid UTF-8: one U+FFFD for each offending byte, where Node writes one for each broken sequence. */
function lossyText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let at = start;
  while (at < end) {
    const length = sequenceLength(bytes, at, end);
    text += length === 0 ? '\ufffd' : bufferOver(bytes).toString('utf8', at, at + length);
    at += length || 1;
  }
  return text;
}

/** Bytes of the well-formed UTF-8 sequence at `at`, or 0: overlong forms, surrogates and values past U+10FFFF are not. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  const second = bytes[at + 1] as number;
  const from = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const to = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < from || second > to) return 0;
  for (let i = at + 2; i < at + length; i++) if (((bytes[i] as number) & 0xc0) !== 0x80) return 0;
  return length;
}
