import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { readBody } from '../../../src/services/network/body.js';

const LIMIT = { maxBytes: 1000, isGzip: false };
const GZIP = { maxBytes: 1000, isGzip: true };
const TOO_LARGE = { status: 3, message: 'network response body exceeds 1000 bytes' };

t.test('a body up to the limit is read, plain or packed', async (t) => {
  const content = Buffer.alloc(1000, 'x');
  t.ok((await readBody(Readable.from([content.subarray(0, 3), content.subarray(3)]), LIMIT)).equals(content));
  t.ok((await readBody(Readable.from([gzipSync(content)]), GZIP)).equals(content));
  t.equal((await readBody(Readable.from([]), GZIP)).length, 0);
});

t.test('one byte more is status 3, and the stream is ended', async (t) => {
  for (const [content, limits] of [
    [Buffer.alloc(1001), LIMIT],
    [gzipSync(Buffer.alloc(1001)), GZIP],
  ] as const) {
    const stream = Readable.from([content]);
    await t.rejects(readBody(stream, limits), TOO_LARGE);
    t.ok(stream.destroyed);
  }
});

t.test('of a body without an end, little more than the limit is taken', async (t) => {
  let given = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        given += 100;
        yield Buffer.alloc(100);
      }
    })(),
    { highWaterMark: 1 },
  );
  await t.rejects(readBody(endless, LIMIT), TOO_LARGE);
  t.ok(given <= 2000, `${given} bytes`);
});

t.test('of a bomb, little more than the limit is unpacked', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const before = process.memoryUsage().arrayBuffers;
  await t.rejects(readBody(Readable.from([bomb]), GZIP), TOO_LARGE);
  t.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
});

t.test('packed bytes that are damaged or cut short fail', async (t) => {
  const packed = gzipSync(Buffer.from('content'));
  await t.rejects(readBody(Readable.from([packed.subarray(0, -3)]), GZIP), { code: 'Z_BUF_ERROR' });
  await t.rejects(readBody(Readable.from([Buffer.from('not gzip')]), GZIP), { code: 'Z_DATA_ERROR' });
});

t.test('a failure of the stream is the failure of the body', async (t) => {
  const broken = () =>
    Readable.from(
      (async function* () {
        yield gzipSync('x').subarray(0, 4);
        throw new Error('reset');
      })(),
    );
  await t.rejects(readBody(broken(), LIMIT), { message: 'reset' });
  await t.rejects(readBody(broken(), GZIP), { message: 'reset' });
});
