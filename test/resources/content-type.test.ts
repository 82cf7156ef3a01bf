import t from 'tap';
import { assetContentType, isCompressibleType } from '../../src/resources/content-type.js';

const sniff = () => 'sniffed/type';
const typeOf = (path: string, contentType = '') =>
  assetContentType({ path, contentType, content: Buffer.from('x') }, sniff);

t.test('browsers get the types that they insist on, whatever is stored', async (t) => {
  for (const [path, type] of [
    ['a.js', 'text/javascript; charset=utf-8'],
    ['a.MJS', 'text/javascript; charset=utf-8'],
    ['a.wasm', 'application/wasm'],
    ['a.html', 'text/html; charset=utf-8'],
  ] as const) {
    t.equal(typeOf(path), type);
    t.equal(typeOf(path, 'application/octet-stream'), type);
  }
});

t.test('the stored type comes first, then the name, then the bytes', async (t) => {
  t.equal(typeOf('a.css', 'text/css; charset=gbk'), 'text/css; charset=gbk');
  t.equal(typeOf('a.css'), 'text/css; charset=utf-8');
  t.equal(typeOf('a.png'), 'image/png');
  t.equal(typeOf('dir.png/noextension'), 'sniffed/type');
  t.equal(typeOf('a.unheardof'), 'sniffed/type');
});

t.test('a stored type that could break the answer is not used', async (t) => {
  for (const type of ['text/css\r\nSet-Cookie: a=b', 'nonsense', 'text/', 'text/css; x=\u00e9']) {
    t.equal(typeOf('a.css', type), 'text/css; charset=utf-8', type);
  }
});

t.test('texts, code and plain pictures are worth compressing; what is compressed already is not', async (t) => {
  const worth = ['text/css', 'text/javascript; charset=utf-8', 'application/json', 'image/svg+xml', 'application/wasm'];
  for (const type of [...worth, 'font/ttf', 'application/ld+json']) t.equal(isCompressibleType(type), true, type);
  for (const type of ['image/png', 'font/woff2', 'video/mp4', 'application/zip', 'application/octet-stream']) {
    t.equal(isCompressibleType(type), false, type);
  }
});
