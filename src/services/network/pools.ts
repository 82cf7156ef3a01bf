/** The connections of one plugin: a pool per origin and the addresses that it stands for. */
import type { Socket } from 'node:net';
import { buildConnector, Client, Pool } from 'undici';
import { NetworkFailure } from './exchange.js';

export interface PoolOptions {
  /** Most connections of a pool. */
  readonly connections: number;
  /** Idle time after which a connection is closed, in ms. */
  readonly idleMs: number;
  readonly connectTimeoutMs: number;
  /** URL of an HTTP proxy through which everything goes, as a tunnel. */
  readonly proxy?: string | undefined;
  /** Authorities, in PEM, besides those that Node knows. */
  readonly ca?: string | undefined;
}

export interface Pools {
  /** Connects to one of these addresses and no other, whatever the host name resolves to. */
  of(url: URL, addresses: readonly string[]): Pool;
  /** Lets running requests end. */
  close(): void;
  /** Ends running requests. */
  destroy(): Promise<void>;
}

/** Pools of a plugin; the one that was not used for longest makes way. */
const MAX_POOLS = 32;
const MAX_HEADER_BYTES = 64 * 1024;
/** A server may ask for longer than `idleMs`, up to this. */
const MAX_IDLE_MS = 30_000;

type Connector = ReturnType<typeof buildConnector>;

export function createPools(options: PoolOptions): Pools {
  const pools = new Map<string, Pool>();
  const closing = new Set<Pool>();

  return {
    of(url, addresses) {
      const key = `${url.origin} ${addresses.join(' ')}`;
      const pool = pools.get(key) ?? openPool(url, addresses, options);
      pools.delete(key);
      pools.set(key, pool);
      if (pools.size > MAX_POOLS) {
        const [oldest] = pools.entries().next().value as [string, Pool];
        letEnd(oldest);
      }
      return pool;
    },
    close() {
      for (const key of [...pools.keys()]) letEnd(key);
    },
    async destroy() {
      const open = [...pools.values(), ...closing];
      pools.clear();
      await Promise.allSettled(open.map((pool) => pool.destroy()));
    },
  };

  function letEnd(key: string): void {
    const pool = pools.get(key) as Pool;
    pools.delete(key);
    closing.add(pool);
    void pool.close().then(
      () => closing.delete(pool),
      () => closing.delete(pool),
    );
  }
}

function openPool({ origin }: URL, addresses: readonly string[], options: PoolOptions): Pool {
  return new Pool(origin, {
    connections: options.connections,
    connect: options.proxy === undefined ? directly(addresses, options) : tunnelled(addresses, options.proxy, options),
    keepAliveTimeout: options.idleMs,
    keepAliveMaxTimeout: Math.max(options.idleMs, MAX_IDLE_MS),
    maxHeaderSize: MAX_HEADER_BYTES,
    // The caller's signal bounds everything.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * Node gives each of several addresses but the last a quarter of a second. When a process that is busy sees too late that one has
 * answered, and no other does, it is asked once more, without that bound.
 */
function directly(addresses: readonly string[], options: PoolOptions): Connector {
  const connect = connectorTo(addresses, options);
  if (addresses.length === 1) return connect;
  return (target, done) =>
    connect(target, (...ended) => {
      const [error] = ended;
      const [late] = error === null ? [] : addressesGivenUp(error);
      if (late === undefined) done(...ended);
      else connectorTo([late], options)(target, done);
    });
}

function addressesGivenUp(error: Error): string[] {
  const { errors = [] } = error as { errors?: readonly { code?: string; address?: string }[] };
  return errors.flatMap(({ code, address }) => (code === 'ETIMEDOUT' && address !== undefined ? [address] : []));
}

function connectorTo(addresses: readonly string[], { connectTimeoutMs, ca }: PoolOptions): Connector {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return buildConnector({
    timeout: connectTimeoutMs,
    ...(ca !== undefined && { ca }),
    // Asked for names; a host that is an address was checked as such.
    lookup: (_hostname, { all }, done) => {
      if (all) done(null, found);
      else done(null, found[0]?.address ?? '', found[0]?.family);
    },
  });
}

/** The proxy is asked for the address that was checked, not for the name: it must not resolve that to something else. */
function tunnelled(addresses: readonly string[], proxy: string, { connectTimeoutMs, ca }: PoolOptions): Connector {
  const { username, password, origin } = new URL(proxy);
  const secure = buildConnector({ timeout: connectTimeoutMs, ...(ca !== undefined && { ca }) });
  const address = addresses[0] as string;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    ...(username !== '' && { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
  };
  return (target, done) => {
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const path = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    openTunnel({ origin, path, headers, timeoutMs: connectTimeoutMs }).then(
      (socket) => {
        if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, done);
        else done(null, socket);
      },
      (error: Error) => done(error, null),
    );
  };
}

interface Tunnel {
  readonly origin: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
}

/** One client per tunnel: the socket leaves it. */
async function openTunnel({ origin, path, headers, timeoutMs }: Tunnel): Promise<Socket> {
  const client = new Client(origin, { connect: { timeout: timeoutMs } });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { socket, statusCode } = await client.connect({ path, headers: { ...headers, host: path }, signal });
    if (statusCode === 200) return socket as Socket;
    socket.on('error', () => {}).destroy();
    throw new NetworkFailure(4, `the proxy answered ${statusCode}`);
  } finally {
    void client.destroy().catch(() => {});
  }
}
