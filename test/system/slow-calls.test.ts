/** What an operator learns of host calls that take long. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import t from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { serveRawCalls } from '../raw-calls.js';
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
