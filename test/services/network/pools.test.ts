import diagnostics from 'node:diagnostics_channel';
import t, { type Test } from 'tap';
import { createNetworkClient } from '../../../src/services/network/client.js';
import { createPools } from '../../../src/services/network/pools.js';
import { CERTIFICATE, LIMITS, LOOPBACK, serveHttp, serveProxy } from '../../network-host.js';

function open(t: Test, proxy: string, resolve: () => readonly string[] = () => ['127.0.0.1']) {
  const client = createNetworkClient({
    limitsOf: () => ({ ...LIMITS, allowedAddresses: LOOPBACK }),
    proxy,
    ca: CERTIFICATE,
    lookup: async () => resolve(),
  });
  t.teardown(() => client.close());
  const send = (url: string) =>
    client.send(
      { method: 'GET', url: new URL(url), headers: {}, body: new Uint8Array() },
      { pluginId: 'demo', accessOf: () => 'granted' },
    );
  return send;
}

for (const tls of [false, true]) {
  t.test(`a proxy is asked for a tunnel to the address that was checked, ${tls ? 'https' : 'http'}`, async (t) => {
    const server = await serveHttp(t, (request, response) => response.end(request.headers.host), { tls });
    const proxy = await serveProxy(t);
    const send = open(t, `http://me:se%40cret@127.0.0.1:${proxy.port}`);
    const url = `${tls ? 'https' : 'http'}://a.example.com:${server.port}/`;
    const { statusCode, body } = await send(url);
    t.equal(statusCode, 200);
    t.equal(Buffer.from(body).toString(), `a.example.com:${server.port}`);
    for (const _ of [1, 2]) await new Promise(setImmediate);
    await send(url);
    const credentials = `Basic ${Buffer.from('me:se@cret').toString('base64')}`;
    t.same(proxy.asked, [[`127.0.0.1:${server.port}`, credentials]], 'one tunnel for both');
  });
}

t.test('a proxy is not asked for what is not allowed', async (t) => {
  const proxy = await serveProxy(t);
  const send = open(t, `http://127.0.0.1:${proxy.port}`, () => ['10.0.0.1']);
  await t.rejects(send('http://a.example.com/'), { status: 1, message: /not a public address/ });
  t.same(proxy.asked, []);
});

t.test('a proxy that refuses is status 4', async (t) => {
  const proxy = await serveProxy(t, { status: 403 });
  const send = open(t, `http://127.0.0.1:${proxy.port}`);
  await t.rejects(send('http://a.example.com/'), { status: 4, message: 'the proxy answered 403' });
});

t.test('the pool that was not used for longest makes way', async (t) => {
  const pools = createPools({ connections: 1, idleMs: 1000, connectTimeoutMs: 1000 });
  t.teardown(() => pools.destroy());
  const pool = (index: number) => pools.of(new URL(`http://h${index}.example.com/`), ['127.0.0.1']);
  const first = pool(0);
  const second = pool(1);
  for (let index = 2; index < 32; index++) pool(index);
  t.equal(pool(0), first);
  pool(32);
  t.equal(pool(0), first);
  t.not(pool(1), second);
  t.not(pools.of(new URL('http://h0.example.com/'), ['127.0.0.2']), first, 'another address is another pool');
});

t.test('an address that a busy process has given up is asked once more when no other answers', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('reached'));
  const pools = createPools({ connections: 1, idleMs: 600_000, connectTimeoutMs: 120_000 });
  t.teardown(() => pools.destroy());
  let sockets = 0;
  const holdUp = (): void => {
    sockets += 1;
    // Longer than Node waits for one of several addresses, as soon as it has been asked.
    if (sockets === 1) process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400));
  };
  diagnostics.subscribe('net.client.socket', holdUp);
  t.teardown(() => void diagnostics.unsubscribe('net.client.socket', holdUp));
  // Nobody listens at the second address.
  const pool = pools.of(new URL(`http://a.example.com:${server.port}/`), ['127.0.0.1', '127.0.0.77']);
  const { body } = await pool.request({ method: 'GET', path: '/' });
  t.equal(await body.text(), 'reached');
  t.equal(sockets, 2, 'the first connection was given up');
});
