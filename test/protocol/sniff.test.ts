import t from 'tap';
import { sniffContentType } from '../../src/protocol/sniff.js';

t.test('the first bytes tell the content type, as in Go', async (t) => {
  const cases: [bytes: string, type: string][] = [
    ['', 'text/plain; charset=utf-8'],
    ['{"a":1}', 'text/plain; charset=utf-8'],
    ['hello', 'text/plain; charset=utf-8'],
    ['\n\t <!doctype html>', 'text/html; charset=utf-8'],
    ['<HtMl ', 'text/html; charset=utf-8'],
    ['<html', 'text/plain; charset=utf-8'],
    ['<htmlx>', 'text/plain; charset=utf-8'],
    ['<a href=x>', 'text/html; charset=utf-8'],
    ['<h1>', 'text/html; charset=utf-8'],
    ['<!-- x', 'text/html; charset=utf-8'],
    ['  <?xml version', 'text/xml; charset=utf-8'],
    ['<?XML', 'text/plain; charset=utf-8'],
    ['%PDF-1.7', 'application/pdf'],
    [' %PDF-1.7', 'text/plain; charset=utf-8'],
    ['%!PS-Adobe-3', 'application/postscript'],
    ['\xfe\xff\0a', 'text/plain; charset=utf-16be'],
    ['\xff\xfea\0', 'text/plain; charset=utf-16le'],
    ['\xef\xbb\xbfa', 'text/plain; charset=utf-8'],
    ['\0\0\x01\0', 'image/x-icon'],
    ['BM\x01', 'image/bmp'],
    ['GIF89a', 'image/gif'],
    ['RIFFabcdWEBPVP8', 'image/webp'],
    ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['FORMabcdAIFF', 'audio/aiff'],
    ['ID3\x03', 'audio/mpeg'],
    ['OggS\0', 'application/ogg'],
    ['MThd\0\0\0\x06', 'audio/midi'],
    ['RIFFabcdAVI ', 'video/avi'],
    ['RIFFabcdWAVE', 'audio/wave'],
    ['\0\0\0\x14ftypisom\0\0\0\0mp42', 'video/mp4'],
    ['\0\0\0\x14ftypisomMP4 qt  ', 'application/octet-stream'],
    ['\0\0\0\x13ftypmp42\0\0\0\0abc', 'application/octet-stream'],
    ['\x1a\x45\xdf\xa3', 'video/webm'],
    [`${'\0'.repeat(34)}LP`, 'application/vnd.ms-fontobject'],
    ['\0\x01\0\0', 'font/ttf'],
    ['OTTO', 'font/otf'],
    ['wOF2', 'font/woff2'],
    ['\x1f\x8b\x08', 'application/x-gzip'],
    ['PK\x03\x04', 'application/zip'],
    ['Rar!\x1a\x07\0', 'application/x-rar-compressed'],
    ['\0asm\x01\0\0\0', 'application/wasm'],
    ['a\0', 'application/octet-stream'],
    ['a\x1b[0m', 'text/plain; charset=utf-8'],
    ['\xff\xff\xff', 'text/plain; charset=utf-8'],
  ];
  for (const [bytes, type] of cases)
    t.equal(sniffContentType(Buffer.from(bytes, 'latin1')), type, JSON.stringify(bytes));
});

t.test('bytes behind the first 512 do not matter', async (t) => {
  t.equal(sniffContentType(Buffer.from(`${'a'.repeat(512)}\0`)), 'text/plain; charset=utf-8');
  t.equal(sniffContentType(Buffer.from(`${'a'.repeat(511)}\0`)), 'application/octet-stream');
});

t.test('a view into a larger buffer is sniffed from its own start', async (t) => {
  const whole = Buffer.from('xxxx\0\0\0\x14ftypisom\0\0\0\0mp42', 'latin1');
  t.equal(sniffContentType(whole.subarray(4)), 'video/mp4');
});
