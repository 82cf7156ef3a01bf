import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { reservedPort } from '../closed-port.js';
import { assemblyScriptGuest, watGuest } from '../guest-modules.js';
import { serveRawCalls } from '../raw-calls.js';
import { ADMIN_PASSWORD, startTestHost } from './host.js';

const ROUTES = [{ method: 'POST', path: '/echo', requestType: 'EchoReq' }];
const post = (body: string | Uint8Array) => ({ method: 'POST', body });

t.test('an artifact answers HTTP', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', { module: await assemblyScriptGuest('echo'), routes: ROUTES });
  t.match(await host.fetch('/x/demo/echo', post('hello')), { status: 200, text: 'hello' });
  t.match(await host.fetch('/x/demo/nothing'), { status: 404, text: 'Dynamic route not found' });
});

t.test('enabled plugins serve again after a restart, with their state', async (t) => {
  const directory = t.testdir();
  const first = await startTestHost(t, {}, directory);
  await first.serve('demo', { module: await assemblyScriptGuest('echo'), routes: ROUTES });
  const token = await first.authorization();
  await first.close();
  const second = await startTestHost(t, {}, directory);
  t.match(await second.fetch('/x/demo/echo', post('again')), { status: 200, text: 'again' });
  t.equal(second.firstPassword, undefined);
  t.match(await second.fetch('/api/v1/auth/me', { headers: token }), { status: 200, text: /"username":"admin"/ });
});

t.test('the first administrator gets a password that is told once', async (t) => {
  const { startHost } = await import('../../src/main.js');
  const { loadConfig } = await import('../../src/config/load.js');
  const { default: pino } = await import('pino');
  const { config } = loadConfig({ env: { SANDPOOL_SERVER_PORT: '0', SANDPOOL_DATA_DIR: join(t.testdir(), 'data') } });
  const first = await startHost({ config, log: pino({ level: 'silent' }) });
  t.match(first.firstPassword, /^.{16,}$/);
  const login = await fetch(`${first.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: first.firstPassword }),
  });
  t.equal(login.status, 200);
  await first.close();
  const second = await startHost({ config, log: pino({ level: 'silent' }) });
  t.equal(second.firstPassword, undefined);
  await second.close();
});

t.test('a host tells whether it lives, whether it is ready, and what it has measured', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', { module: await assemblyScriptGuest('echo'), routes: ROUTES });
  await host.fetch('/x/demo/echo', post('x'));
  t.match(await host.fetch('/healthz'), { status: 200 });
  t.match(await host.fetch('/readyz'), { status: 200, text: /"ready":true/ });
  const metrics = await host.fetch('/metrics');
  t.match(metrics.text, 'sandpool_invocations_total{plugin="demo",version="v0.1.0",code="ok"} 1');
  t.match(metrics.text, /^sandpool_pool_threads \d/m);
});

t.test('a running request ends before the host does', async (t) => {
  const { url, asked, answer } = await slowServer(t);
  const host = await startTestHost(t, {
    NETWORK_ALLOWED_ADDRESSES: '["127.0.0.0/8"]',
    NETWORK_TIMEOUT_MS: '300000',
    SANDBOX_DEADLINE_MS: '300000',
    SERVER_SHUTDOWN_GRACE_MS: '300000',
    SERVER_PORT: String(await reservedPort(t)),
  });
  const hostServices = [{ service: 'network', methods: ['request'], resources: [{ url: 'http://127.0.0.1/' }] }];
  const { asNobody } = await serveRawCalls(host, { hostServices });
  const running = asNobody('network', 'request', { resourceRef: url });
  await asked;
  const closing = host.close();
  const isLetIn = () =>
    host.fetch('/healthz').then(
      () => true,
      () => false,
    );
  while (await isLetIn());
  answer('late');
  const { status, bytes } = await running;
  t.equal(status, 0);
  t.match(Buffer.from(bytes).toString('latin1'), 'late');
  await closing;
});

/** A server that answers when it is told to; `asked` resolves when it has been asked. */
async function slowServer(t: Test) {
  let answer: (body: string) => void = () => {};
  const server = createHttpServer();
  const asked = once(server, 'request').then(([, response]) => {
    answer = (body) => void (response as ServerResponse).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, asked, answer: (body: string) => answer(body) };
}

t.test('a request that does not end within the grace is told so', async (t) => {
  const host = await startTestHost(t, { SERVER_SHUTDOWN_GRACE_MS: '100', SANDBOX_DEADLINE_MS: '600000' });
  await host.serve('slow', { module: await watGuest('stuck'), routes: ROUTES });
  const running = host.fetch('/x/slow/echo', post(''));
  while (!/^sandpool_slots_in_use 1$/m.test((await host.fetch('/metrics')).text));
  await host.close();
  t.match(await running, { status: 503, text: 'the host is shutting down' });
});

t.test('a taken port is an error with a code, and nothing stays open', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void taken.close());
  const { port } = taken.address() as { port: number };
  await t.rejects(startTestHost(t, { SERVER_PORT: String(port) }), { code: 'SBX_PORT_IN_USE', details: { port } });
});

t.test('an address that this machine does not have is an error with a code', async (t) => {
  await t.rejects(startTestHost(t, { SERVER_HOST: '192.0.2.1' }), {
    code: 'SBX_LISTEN_FAILED',
    message: 'cannot listen on port 0 of 192.0.2.1: this machine does not have that address',
  });
});

t.test('a second host on the same data directory is refused until the first one has ended', async (t) => {
  const directory = t.testdir();
  const first = await startTestHost(t, {}, directory);
  await t.rejects(startTestHost(t, {}, directory), {
    code: 'SBX_DATA_DIR',
    details: { reason: `process ${process.pid} runs a host on it` },
  });
  t.match(await first.fetch('/healthz'), { status: 200 }, 'the first one does not notice');
  await first.close();
  const second = await startTestHost(t, {}, directory);
  t.match(await second.fetch('/healthz'), { status: 200 });
});

t.test('a data directory that cannot be made is an error with a code', async (t) => {
  const directory = t.testdir({ data: 'a file' });
  await t.rejects(startTestHost(t, {}, directory), { code: 'SBX_DATA_DIR' });
  t.equal(await readFile(join(directory, 'data'), 'utf8'), 'a file');
});

t.test('the secret of tokens is kept, and readable by its owner alone', async (t) => {
  const directory = t.testdir();
  const host = await startTestHost(t, {}, directory);
  const { mode } = await stat(join(directory, 'data', 'auth.secret'));
  t.equal(mode & 0o777, 0o600);
  await host.close();
});

t.test('plugins that the configuration names are installed and enabled at the start', async (t) => {
  const directory = t.testdir();
  await mkdir(join(directory, 'staged'));
  const { buildArtifact } = await import('../artifact/build.js');
  const artifact = buildArtifact({ module: await assemblyScriptGuest('echo'), routes: ROUTES });
  await writeFile(join(directory, 'staged', 'demo.wasm'), artifact);
  await writeFile(join(directory, 'staged', 'broken.wasm'), 'not wasm');
  const host = await startTestHost(t, { PLUGIN_AUTO_ENABLE: '[{"id":"demo"}]' }, directory);
  t.match(await host.fetch('/x/demo/echo', post('up')), { status: 200, text: 'up' });
});

t.test('C97 C99: a host whose configuration names a plugin that cannot be enabled does not start', async (t) => {
  const starting = startTestHost(t, { PLUGIN_AUTO_ENABLE: '[{"id":"missing"}]' }, t.testdir());
  await t.rejects(starting, {
    code: 'PLUGIN_AUTO_ENABLE_FAILED',
    cause: { code: 'PLUGIN_AUTO_ENABLE_MANIFEST_NOT_FOUND' },
  });
});

t.test('plugins that were granted nothing are denied, and told apart from those that were', async (t) => {
  const host = await startTestHost(t);
  const parts = {
    module: await assemblyScriptGuest('echo'),
    routes: [{ method: 'GET', path: '/secret', requestType: 'EchoReq', access: 'login' }],
  };
  await host.serve('demo', parts);
  t.match(await host.fetch('/x/demo/secret'), { status: 401, text: 'Missing Authorization header' });
  const headers = await host.authorization();
  t.equal((await host.fetch('/x/demo/secret', { headers })).status, 200);
  t.not(headers.authorization.includes(ADMIN_PASSWORD), true);
});
