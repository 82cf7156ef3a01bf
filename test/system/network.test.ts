/** Plugins that wait for the network beside plugins that compute. */
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { bodyOf } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { callOf, LOOPBACK, type NetworkHostOptions, serveHttp, startNetworkHost } from '../network-host.js';

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
