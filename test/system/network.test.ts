/** Plugins that wait for the network beside plugins that compute. */
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { bodyOf, grantOf } from '../engine-host.js';
import { assemblyScriptGuest, watGuest } from '../guest-modules.js';
import { callOf, LOOPBACK, type NetworkHostOptions, serveHttp, serveProxy, startNetworkHost } from '../network-host.js';
import { serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';

/** Plugins `waiting` and `echo`, and a server that answers when it is told to. */
async function start(t: Test, options: NetworkHostOptions = {}) {
  const held: ServerResponse[] = [];
  const gone: string[] = [];
  const server = await serveHttp(t, (request, response) => {
    held.push(response);
    response.on('close', () => {
      if (!response.writableFinished) gone.push(request.url as string);
    });
  });
  const host = startNetworkHost(t, { network: { allowedAddresses: LOOPBACK, concurrency: 64 }, ...options });
  await host.permit('waiting', ['http://a.example.com/']);
  await host.load('echo', await watGuest('echo'));
  const until = async (count: number): Promise<void> => {
    while (held.length < count) await new Promise(setImmediate);
  };
  return { ...host, url: (path = '/') => `http://a.example.com:${server.port}${path}`, held, gone, until };
}

t.test('plugins that wait for the network hold up none that computes', async (t) => {
  const host = await start(t, { pool: { maxThreads: 2, maxWaitingThreads: 4, queueTimeoutMs: 120_000 } });
  const waiting = Array.from({ length: 4 }, () => host.send('waiting', host.url()));
  await host.until(4);
  for (let round = 0; round < 20; round++) t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  t.equal(host.held.length, 4, 'all of them still wait');
  for (const response of host.held) response.end('late');
  for (const sent of await Promise.all(waiting)) t.match(sent, { status: 0, body: 'late' });
});

t.test('a flood of requests that hang leaves threads to plugins that compute', async (t) => {
  const host = await start(t, { pool: { maxThreads: 2, maxWaitingThreads: 4, queueTimeoutMs: 120_000 } });
  const waiting = Array.from({ length: 40 }, () => host.send('waiting', host.url()));
  await host.until(4);
  for (let round = 0; round < 20; round++) t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  t.ok(host.held.length < 7);
  for (let done = 0; done < 40; done++) {
    await host.until(done + 1);
    host.held[done]?.end('late');
  }
  for (const sent of await Promise.all(waiting)) t.match(sent, { status: 0, body: 'late' });
});

t.test('plugins that hang one each leave threads to plugins that compute', async (t) => {
  const host = await start(t, { pool: { maxThreads: 2, maxWaitingThreads: 4, queueTimeoutMs: 120_000 } });
  const ids = Array.from({ length: 10 }, (_, index) => `waiting-${index}`);
  for (const id of ids) await host.permit(id, ['http://a.example.com/']);
  const waiting = ids.map((id) => host.send(id, host.url()));
  await host.until(4);
  for (let round = 0; round < 20; round++) t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  for (let done = 0; done < ids.length; done++) {
    await host.until(done + 1);
    host.held[done]?.end('late');
  }
  for (const sent of await Promise.all(waiting)) t.match(sent, { status: 0, body: 'late' });
});

t.test('when the client goes away, the request of its plugin ends', async (t) => {
  const host = await start(t);
  const gone = new AbortController();
  const asked = host.request('waiting', callOf(host.url('/gone'), new Uint8Array()), { signal: gone.signal });
  const other = host.send('waiting', host.url('/stays'));
  await host.until(2);
  gone.abort();
  t.equal(bodyOf(await asked), 'SBX_CANCELLED');
  while (host.gone.length === 0) await new Promise(setImmediate);
  t.same(host.gone, ['/gone']);
  for (const response of host.held) response.end('late');
  t.match(await other, { status: 0, body: 'late' });
});

t.test('when the deadline of an invocation passes, its request ends', async (t) => {
  const host = await start(t);
  const asked = host.request('waiting', callOf(host.url('/late'), new Uint8Array()), { deadlineMs: 300 });
  t.equal(bodyOf(await asked), 'SBX_DEADLINE');
  while (host.held.length > host.gone.length) await new Promise(setImmediate);
  t.match(await host.request('echo'), { ok: true });
});

const GET = '';
const declared = (...urls: string[]) => ({
  hostServices: [{ service: 'network', methods: ['request'], resources: urls.map((url) => ({ url })) }],
});

t.test('F034 a declared URL is answered, another host is refused', async (t) => {
  const server = await serveHttp(t, (request, response) => response.end(`${request.method} ${request.url}`));
  const other = await serveHttp(t, (_request, response) => response.end());
  const host = await startTestHost(t);
  const { asNobody } = await serveRawCalls(host, declared(`http://127.0.0.1:${server.port}/api`));
  const ask = (resourceRef: string) => asNobody('network', 'request', { resourceRef, payload: GET });
  const answered = await ask(`http://127.0.0.1:${server.port}/api/orders?id=1`);
  t.equal(answered.status, 0);
  t.match(Buffer.from(answered.bytes).toString(), 'GET /api/orders?id=1');
  const refused = { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } };
  t.match(await ask(`http://127.0.0.1:${other.port}/api`), refused);
  t.match(await ask(`http://127.0.0.1:${server.port}/other`), refused);
  t.equal(other.connections(), 0);
});

t.test('the settings of the network hold for all plugins and for one', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('0123456789'));
  const host = await startTestHost(t, {
    NETWORK_DENIED_ADDRESSES: '["127.0.0.2"]',
    NETWORK_PLUGINS_FRIEND_ALLOWED_ADDRESSES: '["127.0.0.0/8", "::1"]',
    NETWORK_PLUGINS_SHORT_MAX_RESPONSE_BYTES: '9',
  });
  const localhost = `http://localhost:${server.port}/`;
  const statusOf = async (id: string, grant: string, resourceRef: string) => {
    const { asNobody } = await serveRawCalls(host, { id, ...declared(grant) });
    return (await asNobody('network', 'request', { resourceRef, payload: GET })).status;
  };
  t.equal(await statusOf('named', 'http://localhost/', localhost), 0);
  t.equal(await statusOf('stranger', 'http://*/', localhost), 1);
  t.equal(await statusOf('friend', 'http://*/', localhost), 0);
  t.equal(await statusOf('short', 'http://localhost/', localhost), 3);
  t.equal(await statusOf('denied', 'http://127.0.0.2/', `http://127.0.0.2:${server.port}/`), 1);
});

t.test('requests of plugins go through the proxy that the configuration names', async (t) => {
  const server = await serveHttp(t, (request, response) => response.end(request.url));
  const proxy = await serveProxy(t);
  const host = await startTestHost(t, { NETWORK_PROXY: `http://127.0.0.1:${proxy.port}` });
  const resourceRef = `http://127.0.0.1:${server.port}/a`;
  const { asNobody } = await serveRawCalls(host, declared(resourceRef));
  t.match(await asNobody('network', 'request', { resourceRef, payload: GET }), { status: 0 });
  t.same(proxy.asked, [[`127.0.0.1:${server.port}`, undefined]]);
});

t.test('the connections of a plugin are closed when it is disabled, and of all when the host ends', async (t) => {
  const open = new Set<string>();
  const server = await serveHttp(t, (request, response) => {
    open.add(request.url as string);
    request.socket.once('close', () => open.delete(request.url as string));
    response.end();
  });
  const host = await startTestHost(t, { NETWORK_IDLE_CONNECTION_MS: '600000' });
  for (const id of ['one', 'two']) {
    const resourceRef = `http://127.0.0.1:${server.port}/${id}`;
    const { asNobody } = await serveRawCalls(host, { id, ...declared(resourceRef) });
    t.equal((await asNobody('network', 'request', { resourceRef, payload: GET })).status, 0);
  }
  t.same([...open].sort(), ['/one', '/two']);
  await host.registry.disable('one');
  while (open.size > 1) await new Promise(setImmediate);
  t.same([...open], ['/two']);
  await host.close();
  while (open.size > 0) await new Promise(setImmediate);
});

t.test('F059 a request through the facade of the guest library obeys the grant', async (t) => {
  const server = await serveHttp(
    t,
    async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      response.writeHead(201, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify([request.method, request.url, body]));
    },
    { tls: true },
  );
  // The guest asks for the usual port, which the proxy leads to the server.
  const proxy = await serveProxy(t, { to: server.port });
  const host = startNetworkHost(t, {
    network: { allowedAddresses: LOOPBACK },
    proxy: `http://127.0.0.1:${proxy.port}`,
    requestType: 'NetworkReq',
  });
  const module = await assemblyScriptGuest('services');
  const grant = (url: string) => [grantOf('network', ['request'], { resources: [{ ref: url }] })];
  await host.load('granted', module, { services: grant('https://*.example.com/api') });
  await host.load('other', module, { services: grant('https://*.example.com/other') });
  const answer = ['POST', '/api/orders?id=1', 'body'];
  t.same(JSON.parse(bodyOf(await host.request('granted', 'body'))), [
    201,
    true,
    'application/json',
    JSON.stringify(answer),
    'application/json; charset=utf-8',
    answer,
  ]);
  t.match(bodyOf(await host.request('other', 'body')), 'is not authorized for host service network.request');
  t.same(proxy.asked, [['127.0.0.1:443', undefined]]);
});
