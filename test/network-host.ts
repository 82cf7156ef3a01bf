/** Plugins with a network: real guests in real workers, servers on loopback, names that resolve to what a test wants. */
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Test } from 'tap';
import { decodeHostCallResponse, encodeHostCallRequest } from '../src/protocol/host-call.js';
import { decodePayload, encodePayload, type PayloadInput } from '../src/protocol/payloads.js';
import { createNetworkClient, type NetworkClient, type NetworkLimits } from '../src/services/network/client.js';
import { type EngineHost, type EngineHostOptions, grantOf, startEngine } from './engine-host.js';
import { watGuest } from './guest-modules.js';

const fixture = (name: string) => readFileSync(new URL(`../../test/fixtures/network/${name}`, import.meta.url), 'utf8');

/** Of a server for `*.example.com`, `*.bar.example.com` and `localhost`; its own authority. */
export const CERTIFICATE = fixture('certificate.pem');
const KEY = fixture('key.pem');

export const LOOPBACK = ['127.0.0.0/8', '::1'];

/** Bounds that no machine is too slow for. */
export const LIMITS: NetworkLimits = {
  timeoutMs: 120_000,
  maxRequestBytes: 2 * 1024 * 1024,
  maxResponseBytes: 2 * 1024 * 1024,
  concurrency: 8,
  idleConnectionMs: 600_000,
  pinMs: 30_000,
  allowedAddresses: [],
  deniedAddresses: [],
};

export interface NetworkHostOptions extends EngineHostOptions {
  readonly network?: Partial<NetworkLimits>;
  readonly pluginNetwork?: Readonly<Record<string, Partial<NetworkLimits>>>;
  readonly proxy?: string;
  /** Default: 127.0.0.1 for every name. */
  readonly resolve?: (hostname: string) => readonly string[] | Promise<readonly string[]>;
}

export interface Sent {
  readonly status: number;
  /** Hex of the payload. */
  readonly payload: string;
  readonly error?: { readonly errorCode: string; readonly fallback: string };
  readonly response: ReturnType<typeof decodePayload<'HostServiceNetworkResponse'>>;
  /** Of the response, as text. */
  readonly body: string;
}

export interface NetworkHost extends EngineHost {
  readonly client: NetworkClient;
  /** Host names that were looked up. */
  readonly lookups: string[];
  /** Loads the guest that makes any host call, granted these URLs, as plugin `id`. */
  permit(id: string, urls: readonly string[]): Promise<void>;
  /** What a guest of the plugin gets for this request: a message, or the bytes of a payload. */
  send(
    id: string,
    url: string,
    request?: PayloadInput<'HostServiceNetworkRequest'> | Uint8Array,
    options?: { deadlineMs?: number; signal?: AbortSignal },
  ): Promise<Sent>;
}

export function startNetworkHost(t: Test, options: NetworkHostOptions = {}): NetworkHost {
  const { network, pluginNetwork, proxy, resolve, ...rest } = options;
  const lookups: string[] = [];
  const client = createNetworkClient({
    limitsOf: (id) => ({ ...LIMITS, ...network, ...pluginNetwork?.[id] }),
    proxy,
    ca: CERTIFICATE,
    // Names stay pinned however long a test takes.
    now: () => 0,
    async lookup(hostname) {
      lookups.push(hostname);
      return resolve?.(hostname) ?? ['127.0.0.1'];
    },
  });
  const host = startEngine(t, {
    ...rest,
    limits: { deadlineMs: 240_000, memoryLimitMiB: 64, ...rest.limits },
    environment: { network: client, ...rest.environment },
  });
  t.teardown(() => client.close());

  const permit: NetworkHost['permit'] = async (id, urls) => {
    const resources = urls.map((ref) => ({ ref }));
    await host.load(id, await watGuest('host-call'), { services: [grantOf('network', ['request'], { resources })] });
  };
  const send: NetworkHost['send'] = async (id, url, request = {}, more = {}) => {
    const payload = request instanceof Uint8Array ? request : encodePayload('HostServiceNetworkRequest', request);
    const outcome = await host.request(id, callOf(url, payload), more);
    if (!outcome.ok) throw outcome.error;
    return read(outcome.response.body);
  };
  return { ...host, client, lookups, permit, send };
}

/** The bytes of a host call to the network. */
export function callOf(url: string, payload: Uint8Array): Uint8Array {
  return encodeHostCallRequest({
    service: 'network',
    method: 'request',
    resourceRef: url,
    table: '',
    payload,
    owner: '',
    version: '',
  });
}

function read(bytes: Uint8Array): Sent {
  const { status, payload } = decodeHostCallResponse(bytes);
  const response = decodePayload('HostServiceNetworkResponse', status === 0 ? payload : new Uint8Array());
  return {
    status,
    payload: Buffer.from(payload).toString('hex'),
    ...(status !== 0 && { error: JSON.parse(Buffer.from(payload).toString()) }),
    response,
    body: Buffer.from(response.body).toString(),
  };
}

export interface TestServer {
  readonly port: number;
  /** Connections that were ever made to it. */
  readonly connections: () => number;
}

/** An HTTP server; with TLS for the names of the certificate. It closes no connection by itself. */
export function serveHttp(t: Test, listener: RequestListener, { tls = false, host = '127.0.0.1' } = {}) {
  const server = tls ? createHttpsServer({ cert: CERTIFICATE, key: KEY }, listener) : createHttpServer(listener);
  server.keepAliveTimeout = 0;
  return listen(t, server, host);
}

/** A server that speaks whatever the test wants; its sockets swallow their errors. */
export function serveTcp(t: Test, onSocket: (socket: Socket) => void): Promise<TestServer> {
  const server = createTcpServer((socket) => onSocket(socket.on('error', () => {})));
  return listen(t, server, '127.0.0.1');
}

/** A server that answers whatever is asked with these bytes, and closes the connection when told to. */
export function serveBytes(t: Test, answer: string | Buffer, { ends = true } = {}): Promise<TestServer> {
  return serveTcp(t, (socket) => {
    socket.once('data', () => {
      socket.write(answer);
      if (ends) socket.end();
    });
  });
}

/** A proxy that notes what it is asked for, answers tunnels with this status, and leads them all to this port. */
export async function serveProxy(t: Test, { status = 200, to }: { status?: number; to?: number } = {}) {
  const asked: unknown[] = [];
  const sockets: Socket[] = [];
  const proxy = createHttpServer((request, response) => {
    asked.push(['no tunnel', request.url]);
    response.writeHead(400).end();
  });
  proxy.on('connect', (request, socket: Socket) => {
    asked.push([request.url, request.headers['proxy-authorization']]);
    sockets.push(socket.on('error', () => {}));
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const [host, port] = (request.url as string).split(':');
    const upstream = connect(to ?? Number(port), host).on('error', () => {});
    sockets.push(upstream);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (proxy.address() as AddressInfo).port, asked };
}

interface Listening {
  listen(port: number, host: string): unknown;
  address(): unknown;
  close(): unknown;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
}

async function listen(t: Test, server: Listening, host: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server as never, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => count };
}

/** Counts the sockets that this process opens while a test runs: none means that nothing has left. */
export function watchSockets(t: Test): () => number {
  let opened = 0;
  const count = (): void => {
    opened += 1;
  };
  diagnostics.subscribe('net.client.socket', count);
  t.teardown(() => void diagnostics.unsubscribe('net.client.socket', count));
  return () => opened;
}

/** Runs a fault while another plugin waits for its server and a third computes; both must not notice. */
export async function besideBystanders<T>(t: Test, host: NetworkHost, fault: () => Promise<T>): Promise<T> {
  let arrive: (answer: () => void) => void = () => {};
  const arrived = new Promise<() => void>((resolve) => {
    arrive = resolve;
  });
  const server = await serveHttp(t, (_request, response) => arrive(() => response.end('untouched')));
  await host.permit('bystander', [`http://127.0.0.1:${server.port}/`]);
  await host.load('echo', await watGuest('echo'));
  const waiting = host.send('bystander', `http://127.0.0.1:${server.port}/`);
  const answer = await arrived;
  const result = await fault();
  t.match(await host.request('echo'), { ok: true }, 'a plugin that computes is served');
  answer();
  t.match(await waiting, { status: 0, body: 'untouched' }, 'a request of another plugin is untouched');
  return result;
}
