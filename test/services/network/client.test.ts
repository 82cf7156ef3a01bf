import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { createNetworkClient, type NetworkLimits } from '../../../src/services/network/client.js';
import type { NetworkCaller } from '../../../src/services/network/exchange.js';
import { LIMITS, LOOPBACK, serveHttp, serveTcp } from '../../network-host.js';

const caller = (more: Partial<NetworkCaller> = {}): NetworkCaller => ({
  pluginId: 'demo',
  accessOf: () => 'granted',
  ...more,
});

const get = (port: number, path = '/') => ({
  method: 'GET',
  url: new URL(`http://127.0.0.1:${port}${path}`),
  headers: {},
  body: new Uint8Array(),
});

/** A connection is free again a turn of the event loop after its response has ended. */
async function aTurn(): Promise<void> {
  for (const _ of [1, 2]) await new Promise(setImmediate);
}

function open(t: Test, limits: Partial<NetworkLimits> = {}) {
  const client = createNetworkClient({ limitsOf: () => ({ ...LIMITS, allowedAddresses: LOOPBACK, ...limits }) });
  t.teardown(() => client.close());
  return client;
}

/** A server that answers when it is told to. */
async function holding(t: Test) {
  const held: ServerResponse[] = [];
  const gone: string[] = [];
  const server = await serveHttp(t, (request, response) => {
    held.push(response);
    response.on('close', () => {
      if (!response.writableFinished) gone.push(request.url as string);
    });
  });
  const until = async (count: number): Promise<void> => {
    while (held.length < count) await new Promise(setImmediate);
  };
  return { ...server, held, gone, until };
}

t.test('a plugin has so many requests under way at once and no more, whatever others do', async (t) => {
  const server = await holding(t);
  const client = open(t, { concurrency: 2 });
  const mine = [1, 2, 3].map(() => client.send(get(server.port), caller()));
  await server.until(2);
  const other = client.send(get(server.port), caller({ pluginId: 'other' }));
  await server.until(3);
  server.held[2]?.end('other');
  t.match(await other, { statusCode: 200 }, 'another plugin does not wait for this one');
  t.equal(server.held.length, 3);
  server.held[0]?.end();
  await server.until(4);
  for (const response of server.held) response.end();
  await Promise.all(mine);
  t.equal(server.connections(), 3, 'and connections are as many');
});

t.test('who waits for a turn waits no longer than a request may take', async (t) => {
  const server = await holding(t);
  const client = open(t, { concurrency: 1, timeoutMs: 200 });
  const late = { status: 4, message: /no response within 200 ms/ };
  const failure = () => client.send(get(server.port), caller()).catch((failure: unknown) => failure);
  const failures = [failure(), failure(), failure()];
  // Timers fire in the order in which they are due, however late: this one is due after the bounds of all three requests, and before
  // a bound that begins with a turn, of which the second comes 200 ms after the first.
  const later = new Promise((resolve) => setTimeout(resolve, 350, 'waits on'));
  for (const failed of failures) t.match(await Promise.race([failed, later]), late);
});

t.test('a connection serves one request after the other, each plugin its own', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end());
  const client = open(t);
  for (const _ of [1, 2, 3]) {
    await client.send(get(server.port), caller());
    await aTurn();
  }
  t.equal(server.connections(), 1);
  await client.send(get(server.port), caller({ pluginId: 'other' }));
  t.equal(server.connections(), 2);
});

t.test('a plugin that is forgotten ends its requests and keeps no connection', async (t) => {
  const server = await holding(t);
  const client = open(t);
  const running = client.send(get(server.port), caller());
  await server.until(1);
  const closed = once(server.held[0]?.socket as never, 'close');
  client.forget('demo');
  server.held[0]?.end('done');
  t.match(await running, { statusCode: 200 });
  await closed;
  const again = client.send(get(server.port), caller());
  await server.until(2);
  server.held[1]?.end();
  t.match(await again, { statusCode: 200 });
  t.equal(server.connections(), 2);
  client.forget('nobody');
});

t.test('a plugin that is forgotten between two hops makes the second, and keeps no connection of it', async (t) => {
  const server = await holding(t);
  const client = open(t, { idleConnectionMs: 600_000 });
  const running = client.send(get(server.port), caller());
  await server.until(1);
  client.forget('demo');
  server.held[0]?.writeHead(302, { location: '/next' }).end();
  await server.until(2);
  const closed = once(server.held[1]?.socket as never, 'close');
  server.held[1]?.end('done');
  t.match(await running, { statusCode: 200 });
  await closed;
});

t.test('a client that closes ends what runs, and sends no more', async (t) => {
  const server = await holding(t);
  const client = open(t);
  const running = client.send(get(server.port), caller());
  await server.until(1);
  const refused = t.rejects(running, { status: 4, message: 'the host is shutting down' });
  await client.close();
  await refused;
  await t.rejects(client.send(get(server.port), caller()), { status: 4, message: 'the host is shutting down' });
  while (server.gone.length === 0) await new Promise(setImmediate);
});

t.test('a request ends when nobody waits for it', async (t) => {
  const server = await holding(t);
  const client = open(t);
  let abandon: () => void = () => {};
  const onAbandoned = (listener: () => void): void => {
    abandon = listener;
  };
  const abandoned = client.send(get(server.port, '/abandoned'), caller({ onAbandoned }));
  await server.until(1);
  abandon();
  await t.rejects(abandoned, { status: 4, message: 'nobody waits for the response any more' });
  while (!server.gone.includes('/abandoned')) await new Promise(setImmediate);
});

t.test('a request ends when nobody waits for it, also while its connection is being made', async (t) => {
  let arrive: () => void = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  // It never answers the handshake.
  const server = await serveTcp(t, () => arrive());
  const client = open(t, { timeoutMs: 600_000 });
  let abandon: () => void = () => {};
  const onAbandoned = (listener: () => void): void => {
    abandon = listener;
  };
  const secure = { ...get(server.port), url: new URL(`https://127.0.0.1:${server.port}/`) };
  const abandoned = client.send(secure, caller({ onAbandoned }));
  await arrived;
  abandon();
  await t.rejects(abandoned, { status: 4, message: 'nobody waits for the response any more' });
});

t.test('each hop asks the grant, in both spellings of the usual port', async (t) => {
  const server = await serveHttp(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/next?q=1' }).end();
    else response.end('arrived');
  });
  const asked: string[] = [];
  const accessOf = (url: string) => {
    asked.push(url);
    return 'granted' as const;
  };
  await open(t).send(get(server.port), caller({ accessOf }));
  t.match(new Set(asked), new Set([`http://127.0.0.1:${server.port}/`, `http://127.0.0.1:${server.port}/next?q=1`]));

  const withPort = (url: string) => (url === 'http://127.0.0.1:80/x' ? 'named' : 'refused') as 'named' | 'refused';
  const client = open(t, { allowedAddresses: [], deniedAddresses: ['127.0.0.1'] });
  const usual = { ...get(80), url: new URL('http://127.0.0.1:80/x') };
  await t.rejects(client.send(usual, caller({ accessOf: withPort })), { status: 1, message: /not a public address/ });
});

t.test('messages name neither addresses nor credentials', async (t) => {
  const client = open(t, { allowedAddresses: [] });
  const secret = { ...get(80), url: new URL('http://me:secret@127.0.0.1/path?token=secret') };
  await t.rejects(client.send(secret, caller()), {
    status: 1,
    message:
      'plugin demo is not authorized for host service network.request resource=http://127.0.0.1/path: 127.0.0.1 is not a public address',
  });
});
