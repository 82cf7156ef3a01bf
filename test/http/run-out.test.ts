import { once } from 'node:events';
import http, { type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { runOut } from '../../src/http/run-out.js';

async function listen(t: Test): Promise<{ server: Server; port: number }> {
  const server = http.createServer((_request, reply) => void reply.writeHead(200, ['Content-Length', '2']).end('ok'));
  // Who ends connections is `runOut` alone, however long this process is held up.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  return { server, port: (server.address() as AddressInfo).port };
}

/** Sends a request on a connection. @returns the head of the answer */
async function ask(socket: Socket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

t.test('a request on an open connection is answered, told to open another one, and the connection ends', async (t) => {
  const { server, port } = await listen(t);
  const socket = connect(port, '127.0.0.1');
  t.match(await ask(socket), /Connection: keep-alive/);
  const gone = runOut(server, { idleMs: 60_000, graceMs: 60_000 });
  const closed = once(socket, 'close');
  const answer = await ask(socket);
  t.match(answer, /^HTTP\/1.1 200 OK\r\n/);
  t.match(answer, /connection: close/i);
  await closed;
  await gone;
});

t.test('new connections are refused', async (t) => {
  const { server, port } = await listen(t);
  // As long as it is open, nobody else on this machine is given the port.
  const open = connect(port, '127.0.0.1');
  await ask(open);
  const gone = runOut(server, { idleMs: 60_000, graceMs: 60_000 });
  const late = connect(port, '127.0.0.1');
  const outcome = await new Promise((resolve) => {
    late.once('connect', () => resolve('connected'));
    late.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  late.destroy();
  t.equal(outcome, 'ECONNREFUSED');
  open.destroy();
  await gone;
});

t.test('a connection on which nobody asks is closed after a while', async (t) => {
  const { server, port } = await listen(t);
  const socket = connect(port, '127.0.0.1');
  await ask(socket);
  const closed = once(socket, 'close');
  await runOut(server, { idleMs: 1, graceMs: 60_000 });
  await closed;
});

t.test('a request that came while the process was held up is answered, however late it is seen', async (t) => {
  const { server, port } = await listen(t);
  const socket = connect(port, '127.0.0.1');
  await ask(socket);
  const gone = runOut(server, { idleMs: 20, graceMs: 60_000 });
  const answer = ask(socket);
  // The time for idle connections passes before the event loop looks at a socket again.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  t.match(await answer, /^HTTP\/1.1 200 OK\r\n/);
  await gone;
});
