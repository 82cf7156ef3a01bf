/** Plugins in both guest languages ask every method of every service of a whole host. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { CATALOGUE } from '../../src/artifact/host-services.js';
import { SERVICES } from '../../src/services/index.js';
import { assemblyScriptGuest, goGuestWithLibrary } from '../guest-modules.js';
import { startTestHost } from './host.js';

/** What each method is granted for. */
const RESOURCES: Readonly<Record<string, unknown>> = {
  storage: { paths: ['tour/'] },
  network: [{ url: 'http://127.0.0.1/tour' }],
  data: { tables: ['plugin_demo_tour'] },
  cache: [{ ref: 'tour' }],
  lock: [{ ref: 'tour' }],
  notifications: [{ ref: 'inbox' }],
  hostconfig: { keys: ['workspace.basePath', 'tour.flag'] },
  manifest: { paths: ['config/'] },
};

/** Steps that are refused, as they should be. */
const REFUSED: Readonly<Record<string, string>> = {
  'jobs.jobs.run': '3 JOB_SHELL_DISABLED',
  'jobs.jobs.register': '1 HOST_CALL_CAPABILITY_DENIED',
  'plugins.plugins.tenant.list': '3 CAPABILITY_DENIED',
};

/** Longest wait for what the threads have counted. */
const PATIENCE_MS = 300_000;

const go = await goGuestWithLibrary('services');
const GUESTS = [
  { language: 'AssemblyScript', module: await assemblyScriptGuest('tour'), skip: false },
  { language: 'Go', module: go ?? new Uint8Array(), skip: go === undefined && 'Go >= 1.24 is not installed' },
] as const;

for (const { language, module, skip } of GUESTS) {
  t.test(`a plugin in ${language} asks every method of every service, and each does its work`, { skip }, async (t) => {
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${request.headers['x-tour']} ${Buffer.concat(pieces)}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;

    const host = await startTestHost(t, { NETWORK_ALLOWED_ADDRESSES: '["127.0.0.0/8"]' });
    await host.serve('demo', {
      manifest: { supportsMultiTenant: false, defaultInstallMode: 'global' },
      module,
      routes: [{ method: 'POST', path: '/tour', access: 'login', requestType: 'TourReq' }],
      hostServices: SERVICES.map(({ name: service }) => ({
        service,
        methods: Object.keys(CATALOGUE[service] ?? {}),
        ...(RESOURCES[service] !== undefined && { resources: RESOURCES[service] }),
      })),
      installSql: {
        '001-tour.sql':
          'CREATE TABLE plugin_demo_tour (id VARCHAR(32) PRIMARY KEY, title TEXT NOT NULL, stars INT NOT NULL DEFAULT 0);',
      },
      manifestResources: { 'manifest/config/config.yaml': 'title: On tour\n' },
    });
    const admin = await host.authorization();
    const tenant = await host.fetch('/api/v1/tenant', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...admin },
      body: JSON.stringify({ code: 'one', name: 'One' }),
    });
    t.equal(tenant.status, 200, tenant.text);
    const answer = await host.fetch('/x/demo/tour', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...admin },
      body: JSON.stringify({ url: `http://127.0.0.1:${port}/tour/stop` }),
    });
    t.equal(answer.status, 200, answer.text);
    const report = JSON.parse(answer.text) as { method: string; problem: string }[];
    for (const { method, problem } of report) t.equal(problem, REFUSED[method] ?? '', method);

    // What a thread has counted is told when its task ends.
    const uncounted = (metrics: string): string[] =>
      report
        .filter(({ method, problem }) => problem === '' && !method.includes(' '))
        .map(({ method }) => method.split('.'))
        .map(([service, ...method]) => `{service="${service}",method="${method.join('.')}",status="0"}`)
        .filter((labels) => !metrics.includes(`sandpool_host_calls_total${labels}`));
    let left = uncounted((await host.fetch('/metrics')).text);
    for (const until = Date.now() + PATIENCE_MS; left.length > 0 && Date.now() < until; ) {
      await setTimeout(20);
      left = uncounted((await host.fetch('/metrics')).text);
    }
    t.same(left, [], 'every call is counted by service, method and status');

    const visited = new Set(report.map(({ method }) => method));
    const all = SERVICES.flatMap(({ name }) => Object.keys(CATALOGUE[name] ?? {}).map((method) => `${name}.${method}`));
    for (const method of all) t.ok(visited.has(method), `the tour comes by ${method}`);
  });
}
