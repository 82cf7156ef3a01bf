/** What an operator learns of host calls that take long. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import t from 'tap';
import { createCacheStamps } from '../../src/protocol/cache.js';
import type { HostCallTrace } from '../../src/protocol/messages.js';
import { encodePayload } from '../../src/protocol/payloads.js';
import { createMemoryCache } from '../../src/services/cache/memory.js';
import { grantOf, startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { rawCall, serveRawCalls } from '../raw-calls.js';
import { filter, openHouse, PLUGIN, TABLE } from '../services/data/house.js';
import { startTestHost } from './host.js';

t.test(
  'a slow host call is a log line that names plugin, method and resource, and nothing that was said',
  async (t) => {
    const server = createServer(async (request, response) => {
      for (const until = performance.now() + 30; performance.now() < until; ) await setTimeout(5);
      request.resume();
      response.writeHead(404).end('secret answer');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/late`;

    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const settings = { NETWORK_ALLOWED_ADDRESSES: '["127.0.0.0/8"]', SANDBOX_SLOW_HOST_CALL_MS: '20' };
    const host = await startTestHost(t, settings, t.testdir(), log);
    const hostServices = [{ service: 'network', methods: ['request'], resources: [{ url: 'http://127.0.0.1/late' }] }];
    const { asNobody } = await serveRawCalls(host, { hostServices });
    const payload = encodePayload('HostServiceNetworkRequest', { method: 'POST', body: Buffer.from('secret request') });
    t.equal((await asNobody('network', 'request', { resourceRef: `${url}?key=secret`, payload })).status, 0);

    const isSlow = (line: string) => line.includes('slow host call');
    while (!lines.some(isSlow)) await setTimeout(5);
    const [line = ''] = lines.filter(isSlow);
    const told = JSON.parse(line) as { ms: number };
    t.match(told, { level: 40, plugin: 'demo', service: 'network', method: 'request', resource: url, status: 0 });
    t.ok(told.ms >= 20);
    t.notMatch(lines.join(''), 'secret');
  },
);

/** So many calls of a kind that the clock is no longer looked at for each of them. */
const MANY = 40;

t.test('a search that is slow for once is told, although reading is quick as a rule', async (t) => {
  const told: HostCallTrace[] = [];
  const slowHostCalls = { fromMs: 20, tell: (call: HostCallTrace) => void told.push(call) };
  const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT);
    INSERT INTO ${TABLE} SELECT n, repeat('a', 2000) FROM generate_series(1, 2000) AS n;`;
  const house = await openHouse(t, { sql, pool: { maxThreads: 1 }, slowHostCalls });
  for (let calls = 0; calls < MANY; calls++) await house.list({ fields: ['id'], filters: [filter('id', 'eq', 1)] });
  told.length = 0;
  // Some 80 million steps: no machine is too quick for that.
  const { total } = await house.list({ action: 'count', filters: [filter('title', 'like', `_${'a'.repeat(20)}b`)] });
  t.equal(total, 0);
  while (told.length === 0) await setTimeout(5);
  t.match(told, [{ pluginId: PLUGIN, service: 'data', method: 'list', resource: TABLE, status: 0 }]);
});

t.test('so is a value that is not in the thread when the host is busy', async (t) => {
  const told: HostCallTrace[] = [];
  const { run } = createMemoryCache({ maxEntries: 10, maxBytes: 10_000, now: Date.now });
  let isBusy = false;
  const host = startEngine(t, {
    pool: { maxThreads: 1 },
    cacheStamps: createCacheStamps(),
    slowHostCalls: { fromMs: 20, tell: (call) => void told.push(call) },
    environment: {
      cache(scope, commands) {
        for (const until = performance.now() + 30; isBusy && performance.now() < until; );
        return run(scope, commands);
      },
    },
  });
  const services = [grantOf('cache', ['get'], { resources: [{ ref: 'shared' }] })];
  await host.load('demo', await watGuest('host-call'), { services });
  const get = (key: string) =>
    host.request('demo', rawCall('cache', 'get', { resourceRef: 'shared', payload: Buffer.from(`\n\x01${key}`) }));
  for (let calls = 0; calls < MANY; calls++) await get('k');
  isBusy = true;
  told.length = 0;
  await get('l');
  while (told.length === 0) await setTimeout(5);
  t.match(told, [{ service: 'cache', method: 'get', resource: 'shared', status: 0 }]);
});
