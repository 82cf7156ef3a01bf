import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { ClientGone, hasBody, receiveBody } from '../../src/http/body.js';
import { SandpoolError } from '../../src/protocol/errors.js';

interface Upload {
  readonly stream: PassThrough;
  readonly body: Promise<Buffer>;
}

function upload(maxBytes: number, headers: Record<string, string> = {}): Upload {
  const stream = new PassThrough();
  const request = Object.assign(stream, { headers }) as unknown as IncomingMessage;
  const overflow = () => new SandpoolError('SBX_BODY_TOO_LARGE');
  const body = new Promise<Buffer>((resolve, reject) => {
    receiveBody(request, maxBytes, overflow, (body, error) => (body === undefined ? reject(error) : resolve(body)));
  });
  return { stream, body };
}

t.test('a body is received whole, however it is cut', async (t) => {
  const { stream, body } = upload(6);
  for (const piece of ['ab', 'cd', 'ef']) stream.write(piece);
  stream.end();
  t.equal((await body).toString(), 'abcdef');
  const empty = upload(6);
  empty.stream.end();
  t.equal((await empty.body).length, 0);
});

t.test('too large a body is refused when it is announced, else when it is too large', async (t) => {
  await t.rejects(upload(6, { 'content-length': '7' }).body, { code: 'SBX_BODY_TOO_LARGE' });
  const { stream, body } = upload(6);
  stream.write('abcdefg');
  await t.rejects(body, { code: 'SBX_BODY_TOO_LARGE' });
});

t.test('the rest of a refused body is read and dropped', async (t) => {
  const { stream, body } = upload(2);
  stream.write('abc');
  await t.rejects(body);
  for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(10_000));
  await new Promise((resolve) => stream.end(resolve));
  t.equal(stream.readableLength, 0);
});

t.test('a client that leaves early ends the wait', async (t) => {
  const { stream, body } = upload(6);
  stream.write('abc');
  stream.destroy(new Error('aborted'));
  const thrown: unknown = await body.catch((error: unknown) => error);
  t.ok(thrown instanceof ClientGone);
  t.match(thrown, { cause: { message: 'aborted' } });
});

t.test('only an announced body is waited for', async (t) => {
  const announces = (headers: Record<string, string>): boolean => hasBody({ headers } as unknown as IncomingMessage);
  t.equal(announces({}), false);
  t.equal(announces({ 'content-length': '0' }), false);
  t.equal(announces({ 'content-length': '1' }), true);
  t.equal(announces({ 'transfer-encoding': 'chunked' }), true);
});
