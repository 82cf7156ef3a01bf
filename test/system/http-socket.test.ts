/** What only a real socket shows: framing, pipelining, clients that misbehave or leave. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { Outcome } from '../../src/engine/engine.js';
import { reservedPort } from '../closed-port.js';
import { done, type FakeHost, type FakeHostOptions, fakeHost, response, route, view } from '../http/fakes.js';

const HEAD = 'Host: h\r\n';
const CLOSE = 'Host: h\r\nConnection: close\r\n';
const ROUTES = ['GET', 'HEAD', 'POST'].map((verb) => route(verb, '/a'));

interface Listening extends FakeHost {
  readonly port: number;
}

async function listen(t: Test, options: FakeHostOptions = {}, wanted = 0): Promise<Listening> {
  const host = fakeHost({ views: [view('p', ROUTES)], ...options });
  await host.app.listen({ host: '127.0.0.1', port: wanted });
  t.teardown(() => host.app.close());
  return { ...host, port: (host.app.server.address() as AddressInfo).port };
}

interface Client {
  readonly socket: Socket;
  /** What has arrived so far, one character a byte. */
  received(): string;
  /** Waits until `wanted` has arrived. */
  until(wanted: string): Promise<void>;
  /** Waits for the end and gives all that arrived. */
  ended(): Promise<string>;
}

function dial(t: Test, port: number): Client {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const end = once(socket, 'close');
  return {
    socket,
    received: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) {
        if (socket.destroyed) throw new Error(`the connection ended without ${wanted}, after: ${text}`);
        await Promise.race([once(socket, 'data'), end]);
      }
    },
    async ended() {
      await end;
      return text;
    },
  };
}

/** A guest that runs until the test lets it finish. */
interface SlowGuest {
  readonly guest: () => Promise<Outcome>;
  /** Resolves when the guest runs. */
  readonly started: Promise<void>;
  finish(outcome: Outcome): void;
}

function slowGuest(): SlowGuest {
  let start = (): void => undefined;
  let finish = (_outcome: Outcome): void => undefined;
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const outcome = new Promise<Outcome>((resolve) => {
    finish = resolve;
  });
  const guest = (): Promise<Outcome> => {
    start();
    return outcome;
  };
  return { guest, started, finish: (result) => finish(result) };
}

async function ask(t: Test, port: number, request: string | Buffer): Promise<string> {
  const client = dial(t, port);
  client.socket.write(typeof request === 'string' ? Buffer.from(request, 'latin1') : request);
  return client.ended();
}

async function pingBystander(t: Test, port: number): Promise<void> {
  const text = await ask(t, port, `GET /x/bystander/ping HTTP/1.1\r\n${CLOSE}\r\n`);
  t.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\npong$/, 'the bystander is served');
}

t.test('repeated headers reach the guest one by one, bytes as UTF-8', async (t) => {
  const { port, invocations } = await listen(t);
  const headers =
    'X-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: a=2; b=3\r\nX-U: \xe4\xb8\xad\r\nAuthorization: Bearer x\r\n';
  await ask(t, port, `GET /x/p/a HTTP/1.1\r\n${CLOSE}${headers}\r\n`);
  const request = invocations[0]?.envelope.request;
  t.same(
    { ...request?.headers },
    { Connection: ['close'], 'X-A': ['1', '2'], Cookie: ['a=1', 'a=2; b=3'], 'X-U': ['中'] },
  );
  t.same({ ...request?.cookies }, { a: '2', b: '3' });
  t.match(request?.remoteAddr, /^127\.0\.0\.1:\d+$/);
  t.equal(request?.clientIp, '127.0.0.1');
});

t.test('an absolute target decides host and scheme', async (t) => {
  const { port, invocations } = await listen(t);
  const text = await ask(t, port, `GET http://other:99/x/p/a?b=1 HTTP/1.1\r\n${CLOSE}\r\n`);
  t.match(text, /^HTTP\/1\.1 200/);
  t.match(invocations[0]?.envelope.request, { host: 'other:99', scheme: 'http', rawPath: '/x/p/a', rawQuery: 'b=1' });
});

t.test('pipelined requests are answered in order, a slow first one included', async (t) => {
  const { guest, finish } = slowGuest();
  const { port } = await listen(t, { guest });
  const client = dial(t, port);
  const ping = `GET /x/bystander/ping HTTP/1.1\r\n${HEAD}\r\n`;
  client.socket.write(
    `POST /x/p/a HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\n{}${ping}GET /x/none HTTP/1.1\r\n${CLOSE}\r\n`,
  );
  await pingBystander(t, port);
  t.equal(client.received(), '', 'nobody overtakes');
  finish(done(response({ body: 'first' })));
  t.match(await client.ended(), /first[\s\S]*pong[\s\S]*Dynamic route not found$/);
});

t.test('chunked bodies and expectations are understood', async (t) => {
  const { port, invocations } = await listen(t);
  const chunked = `POST /x/p/a HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`;
  t.match(await ask(t, port, chunked), /^HTTP\/1\.1 200/);
  t.equal(Buffer.from(invocations[0]?.envelope.request?.body ?? '').toString(), 'abcde');
  t.notOk('Transfer-Encoding' in (invocations[0]?.envelope.request?.headers ?? {}));
  const client = dial(t, port);
  client.socket.write(`POST /x/p/a HTTP/1.1\r\n${CLOSE}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  await client.until('100 Continue');
  client.socket.write('xyz');
  t.match(await client.ended(), /HTTP\/1\.1 200 OK[\s\S]*ok$/);
});

t.test('a body that announces too much is refused before it is sent, and the connection lives on', async (t) => {
  const { port, invocations } = await listen(t);
  const client = dial(t, port);
  client.socket.write(`POST /x/p/a HTTP/1.1\r\n${HEAD}Content-Length: 200000\r\n\r\n`);
  await client.until('request body too large');
  await pingBystander(t, port);
  client.socket.write(`${'a'.repeat(200_000)}GET /x/bystander/ping HTTP/1.1\r\n${CLOSE}\r\n`);
  t.match(await client.ended(), /^HTTP\/1\.1 500[\s\S]*request body too largeHTTP\/1\.1 200[\s\S]*pong$/);
  t.equal(invocations.length, 0);
});

t.test('a body that turns out too large is refused at the limit', async (t) => {
  const { port, invocations } = await listen(t);
  const client = dial(t, port);
  client.socket.write(`POST /x/p/a HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  client.socket.write(`400\r\n${'a'.repeat(0x400)}\r\n`);
  await client.until('request body too large');
  client.socket.write(`400\r\n${'a'.repeat(0x400)}\r\n0\r\n\r\nGET /x/bystander/ping HTTP/1.1\r\n${CLOSE}\r\n`);
  t.match(await client.ended(), /X-Sandpool-Error: SBX_BODY_TOO_LARGE\r\n[\s\S]*pong$/);
  t.equal(invocations.length, 0);
});

t.test('a client that leaves within its body costs nothing but itself', async (t) => {
  const { port, invocations, logged, app } = await listen(t);
  const client = dial(t, port);
  client.socket.write(`POST /x/p/a HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\nhalf`);
  const [request] = (await once(app.server, 'request')) as [IncomingMessage];
  client.socket.destroy();
  await new Promise((resolve) => request.once('close', resolve));
  t.equal(invocations.length, 0, 'the guest never ran');
  t.same(logged, [], 'and nobody is told');
  await pingBystander(t, port);
});

t.test('a client that leaves while its guest runs is not waited for', async (t) => {
  const { guest, started, finish } = slowGuest();
  const { port, logged, cancelled } = await listen(t, { guest });
  const client = dial(t, port);
  client.socket.write(`GET /x/p/a HTTP/1.1\r\n${HEAD}\r\n`);
  await started;
  t.same(cancelled, []);
  client.socket.destroy();
  while (cancelled.length === 0) await pingBystander(t, port);
  t.match(cancelled, [{ pluginId: 'p' }], 'its guest is told to end');
  finish(done(response({ body: 'too late' })));
  await pingBystander(t, port);
  t.same(logged, []);
});

t.test('bytes that are no HTTP are answered in the words of Go', async (t) => {
  const { port } = await listen(t);
  const cases: [label: string, bytes: string, status: string][] = [
    ['nonsense', 'nonsense\r\n\r\n', '400 Bad Request'],
    ['a small verb', `get /x/p/a HTTP/1.1\r\n${HEAD}\r\n`, '400 Bad Request'],
    [
      'two lengths',
      `POST /x/p/a HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      '400 Bad Request',
    ],
    ['a header name with a space', `GET /x/p/a HTTP/1.1\r\n${HEAD}X A: 1\r\n\r\n`, '400 Bad Request'],
    ['huge headers', `GET /x/p/a HTTP/1.1\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
  ];
  for (const [label, bytes, status] of cases) {
    const text = await ask(t, port, bytes);
    const headers = 'Content-Type: text/plain; charset=utf-8\r\nConnection: close';
    t.equal(text, `HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${status}`, label);
    await pingBystander(t, port);
  }
});

t.test('headers of 60 KiB are taken', async (t) => {
  const { port } = await listen(t);
  t.match(
    await ask(t, port, `GET /x/p/a HTTP/1.1\r\n${CLOSE}Cookie: a=${'b'.repeat(60_000)}\r\n\r\n`),
    /^HTTP\/1\.1 200/,
  );
});

t.test('whatever the guest says, the next answer on the connection is readable', async (t) => {
  const bodies: [label: string, outcome: Outcome, method: 'GET' | 'HEAD'][] = [
    ['too long a length', done(response({ headers: { 'Content-Length': ['999'] }, body: 'x' })), 'GET'],
    ['too short a length', done(response({ headers: { 'Content-Length': ['1'] }, body: 'xyz' })), 'GET'],
    ['a false encoding', done(response({ headers: { 'Transfer-Encoding': ['chunked'] }, body: 'x' })), 'GET'],
    ['a body for 204', done(response({ statusCode: 204, body: 'HTTP/1.1 666 Evil\r\n\r\n' })), 'GET'],
    ['a body for 304', done(response({ statusCode: 304, body: 'HTTP/1.1 666 Evil\r\n\r\n' })), 'GET'],
    ['a body for HEAD', done(response({ body: 'HTTP/1.1 666 Evil\r\n\r\n' })), 'HEAD'],
    [
      'line ends in a header',
      done(response({ headers: { X: ['\r\n\r\nHTTP/1.1 666 Evil\r\n\r\n'] }, body: 'x' })),
      'GET',
    ],
    ['a wish to close', done(response({ headers: { Connection: ['close'] }, body: 'x' })), 'GET'],
  ];
  for (const [label, outcome, method] of bodies) {
    const { port } = await listen(t, { guest: () => outcome });
    const client = dial(t, port);
    client.socket.write(`${method} /x/p/a HTTP/1.1\r\n${HEAD}\r\nGET /x/bystander/ping HTTP/1.1\r\n${CLOSE}\r\n`);
    const text = await client.ended();
    t.match(text, /HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\npong$/, label);
    t.notMatch(text, /^HTTP\/1\.1 666/m, label);
  }
});

t.test('an informational status becomes an interim answer ahead of 200', async (t) => {
  const outcome = done(response({ statusCode: 103, headers: { Link: ['</a.css>'] }, body: 'x' }));
  const { port } = await listen(t, { guest: () => outcome });
  const text = await ask(t, port, `GET /x/p/a HTTP/1.1\r\n${CLOSE}\r\n`);
  t.match(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nx$/);
  const old = await ask(t, port, 'GET /x/p/a HTTP/1.0\r\n\r\n');
  t.match(old, /^HTTP\/1\.1 200 OK/, 'HTTP/1.0 knows none');
});

t.test('a guest that says 101 gets no tunnel', async (t) => {
  const { port } = await listen(t, { guest: () => done(response({ statusCode: 101, body: 'x' })) });
  const client = dial(t, port);
  client.socket.write(`GET /x/p/a HTTP/1.1\r\n${HEAD}\r\n`);
  t.match(await client.ended(), /^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*Connection: close\r\n[\s\S]*\r\n\r\n$/);
  await pingBystander(t, port);
});

t.test('closing lets running and pipelined requests finish, all their headers intact', async (t) => {
  const { guest, started, finish } = slowGuest();
  const { port, app } = await listen(t, { guest }, await reservedPort(t));
  const client = dial(t, port);
  client.socket.write(`GET /x/p/a HTTP/1.1\r\n${HEAD}\r\n`);
  await started;
  const closed = app.close();
  client.socket.write(`GET /x/p/a HTTP/1.1\r\n${HEAD}\r\n`);
  await once(app.server, 'request');
  finish(done(response({ headers: { 'Set-Cookie': ['a=1', 'b=2'] }, body: 'last' })));
  const [, first, second] = (await client.ended()).split('HTTP/1.1 200 OK');
  for (const answer of [first, second]) t.match(answer, /Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n[\s\S]*\r\n\r\nlast$/);
  t.match(second, 'Connection: close');
  await closed;
  await t.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
});
