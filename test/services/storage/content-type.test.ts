import t from 'tap';
import { contentTypeOf, contentTypeOfNew } from '../../../src/services/storage/content-type.js';

const BY_NAME: readonly (readonly [path: string, type: string])[] = [
  ['a/b.json', 'application/json'],
  ['a/b.JPG', 'image/jpeg'],
  ['a/b.txt', 'text/plain'],
  ['a.d/b', 'application/octet-stream'],
  ['json', 'application/octet-stream'],
  ['a/b.unheard-of', 'application/octet-stream'],
];
t.test('the type of a stored object is that of its name', async (t) => {
  for (const [path, type] of BY_NAME) t.equal(contentTypeOf(path), type, path);
});

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const NEW: readonly (readonly [given: string, head: Uint8Array, path: string, type: string])[] = [
  [' Text/Plain; charset=latin-1', PNG, 'a.json', 'text/plain'],
  ['', PNG, 'a.json', 'image/png'],
  [' ; charset=utf-8', PNG, 'a.json', 'image/png'],
  ['', Buffer.from('words'), 'a.json', 'text/plain'],
  ['', Buffer.of(0, 1, 2), 'a.json', 'application/json'],
  ['', Buffer.of(0, 1, 2), 'a', 'application/octet-stream'],
  ['', Buffer.alloc(0), 'a.json', 'application/json'],
];
t.test('the type of a new object is the one given, else that of its bytes, else that of its name', async (t) => {
  for (const [given, head, path, type] of NEW) t.equal(contentTypeOfNew(given, head, path), type, `${given} ${path}`);
});
