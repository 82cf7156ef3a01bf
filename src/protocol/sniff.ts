/**
 * Content type of a body that came without one: the table of https://mimesniff.spec.whatwg.org/ as Go's
 * `http.DetectContentType` has it, first match wins (`spec/bridge.md` §4.6).
 */

const SNIFFED_BYTES = 512;

/** Always a type; `application/octet-stream` when nothing else is known. Looks at the first 512 bytes. */
export function sniffContentType(body: Uint8Array): string {
  const head = body.length > SNIFFED_BYTES ? body.subarray(0, SNIFFED_BYTES) : body;
  let textStart = 0;
  while (textStart < head.length && isBlank(head[textStart] as number)) textStart += 1;
  return (
    (isMarkup(head, textStart) ? 'text/html; charset=utf-8' : undefined) ??
    (startsWith(head, textStart, '<?xml') ? 'text/xml; charset=utf-8' : undefined) ??
    typeOfSignature(head) ??
    (isText(head, textStart) ? 'text/plain; charset=utf-8' : 'application/octet-stream')
  );
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x0c;
}

const MARKUP = (
  '<!DOCTYPE HTML,<HTML,<HEAD,<SCRIPT,<IFRAME,<H1,<DIV,<FONT,<TABLE,<A,<STYLE,<TITLE,<B,<BODY,<BR,<P,<!--' as const
).split(',');

function isMarkup(head: Uint8Array, start: number): boolean {
  if (head[start] !== 0x3c) return false;
  return MARKUP.some((tag) => {
    const after = head[start + tag.length];
    return (after === 0x20 || after === 0x3e) && startsWithAnyCase(head, start, tag);
  });
}

/** Letters of `tag`, which are capitals, also match small. */
function startsWithAnyCase(head: Uint8Array, start: number, tag: string): boolean {
  for (let i = 0; i < tag.length; i++) {
    const expected = tag.charCodeAt(i);
    const byte = head[start + i] as number;
    const isLetter = expected >= 0x41 && expected <= 0x5a;
    if ((isLetter ? byte & 0xdf : byte) !== expected) return false;
  }
  return true;
}

function startsWith(head: Uint8Array, start: number, text: string): boolean {
  if (head.length - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (head[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** In a pattern `.` stands for any byte. */
// biome-ignore format: a table
const SIGNATURES: readonly (readonly [pattern: string, type: string])[] = [
  ['%PDF-',                       'application/pdf'],
  ['%!PS-Adobe-',                 'application/postscript'],
  ['\xfe\xff..',                  'text/plain; charset=utf-16be'],
  ['\xff\xfe..',                  'text/plain; charset=utf-16le'],
  ['\xef\xbb\xbf.',               'text/plain; charset=utf-8'],
  ['\0\0\x01\0',                  'image/x-icon'],
  ['\0\0\x02\0',                  'image/x-icon'],
  ['BM',                          'image/bmp'],
  ['GIF87a',                      'image/gif'],
  ['GIF89a',                      'image/gif'],
  ['RIFF....WEBPVP',              'image/webp'],
  ['\x89PNG\r\n\x1a\n',           'image/png'],
  ['\xff\xd8\xff',                'image/jpeg'],
  ['FORM....AIFF',                'audio/aiff'],
  ['ID3',                         'audio/mpeg'],
  ['OggS\0',                      'application/ogg'],
  ['MThd\0\0\0\x06',              'audio/midi'],
  ['RIFF....AVI ',                'video/avi'],
  ['RIFF....WAVE',                'audio/wave'],
  ['mp4',                         'video/mp4'],
  ['\x1a\x45\xdf\xa3',            'video/webm'],
  [`${'.'.repeat(34)}LP`,         'application/vnd.ms-fontobject'],
  ['\0\x01\0\0',                  'font/ttf'],
  ['OTTO',                        'font/otf'],
  ['ttcf',                        'font/collection'],
  ['wOFF',                        'font/woff'],
  ['wOF2',                        'font/woff2'],
  ['\x1f\x8b\x08',                'application/x-gzip'],
  ['PK\x03\x04',                  'application/zip'],
  ['Rar!\x1a\x07\0',              'application/x-rar-compressed'],
  ['Rar!\x1a\x07\x01\0',          'application/x-rar-compressed'],
  ['\0asm',                       'application/wasm'],
];

function typeOfSignature(head: Uint8Array): string | undefined {
  for (const [pattern, type] of SIGNATURES) {
    if (type === 'video/mp4' ? isMp4(head) : fitsPattern(head, pattern)) return type;
  }
  return undefined;
}

function fitsPattern(head: Uint8Array, pattern: string): boolean {
  if (head.length < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    const expected = pattern.charCodeAt(i);
    if (expected !== ANY && head[i] !== expected) return false;
  }
  return true;
}

const ANY = 0x2e;

/** A box `ftyp` of which a brand starts with `mp4`; bytes 12–15 are a version. */
function isMp4(head: Uint8Array): boolean {
  if (head.length < 12 || !startsWith(head, 4, 'ftyp')) return false;
  const boxBytes = new DataView(head.buffer, head.byteOffset).getUint32(0);
  if (head.length < boxBytes || boxBytes % 4 !== 0) return false;
  for (let at = 8; at < boxBytes; at += 4) if (at !== 12 && startsWith(head, at, 'mp4')) return true;
  return false;
}

function isText(head: Uint8Array, start: number): boolean {
  for (let i = start; i < head.length; i++) {
    const byte = head[i] as number;
    if (byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f)) return false;
  }
  return true;
}
