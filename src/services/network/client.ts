/**
 * The HTTP client of plugins (`spec/host-services.md` §5.2). Each hop of a request is authorised, its name resolved once, its
 * addresses checked, and the connection made to one of those; everything within one bound of time.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { type AddressRules, type AddressTest, compileAddressRules, type Naming } from './addresses.js';
import { readBody } from './body.js';
import {
  type IncomingResponse,
  type Network,
  type NetworkCaller,
  NetworkFailure,
  type OutgoingRequest,
} from './exchange.js';
import { createNames, type Lookup } from './names.js';
import { createPools, type Pools } from './pools.js';
import { redirectOf } from './redirect.js';
import { createTurns, type Turns } from './turns.js';

export interface NetworkLimits extends AddressRules {
  /** Longest time of one request: its turn, redirects and body included. */
  readonly timeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Requests of a plugin that are under way at once, and its connections to one origin. */
  readonly concurrency: number;
  readonly idleConnectionMs: number;
  readonly pinMs: number;
}

export interface NetworkOptions {
  readonly limitsOf: (pluginId: string) => NetworkLimits;
  readonly proxy?: string | undefined;
  /** Authorities, in PEM, besides those that Node knows. */
  readonly ca?: string | undefined;
  /** Default: the system's resolver. */
  readonly lookup?: Lookup | undefined;
  /** Ms of any clock that never goes back; for how long names are pinned. */
  readonly now?: (() => number) | undefined;
}

export interface NetworkClient extends Network {
  /** Lets a plugin's requests end, then closes its connections. */
  forget(pluginId: string): void;
  /** Ends all requests and closes all connections. */
  close(): Promise<void>;
}

/** What one plugin has to itself. */
interface Share {
  readonly limits: NetworkLimits;
  readonly turns: Turns;
  readonly pools: Pools;
  readonly addressesOf: Lookup;
  readonly mayConnect: AddressTest;
  /** Requests under way, those that wait for their turn included. */
  users: number;
}

const MAX_REDIRECTS = 10;
/** A redirect's body of up to this size is read so that the connection stays. */
const MAX_DRAINED_BYTES = 2048;

export function createNetworkClient(options: NetworkOptions): NetworkClient {
  const shares = new Map<string, Share>();
  /** Of plugins that were forgotten while requests were under way. */
  const leaving = new Set<Share>();
  const running = new Set<AbortController>();
  let isClosed = false;

  return {
    async send(request, caller) {
      if (isClosed) throw new NetworkFailure(4, 'the host is shutting down');
      const share = shareOf(caller.pluginId);
      const { timeoutMs, maxRequestBytes } = share.limits;
      if (request.body.length > maxRequestBytes)
        throw new NetworkFailure(3, `network request body exceeds ${maxRequestBytes} bytes`);
      const bound = new AbortController();
      const timer = setTimeout(() => bound.abort(new NetworkFailure(4, timedOut(request.url, timeoutMs))), timeoutMs);
      caller.onAbandoned?.(() => bound.abort(new NetworkFailure(4, 'nobody waits for the response any more')));
      running.add(bound);
      share.users += 1;
      try {
        return await share.turns.run(bound.signal, () => exchange(share, request, caller, bound.signal));
      } catch (thrown) {
        throw bound.signal.aborted ? bound.signal.reason : failureOf(request.url, thrown);
      } finally {
        clearTimeout(timer);
        running.delete(bound);
        share.users -= 1;
        if (share.users === 0 && leaving.delete(share)) share.pools.close();
      }
    },
    forget(pluginId) {
      const share = shares.get(pluginId);
      if (share === undefined) return;
      shares.delete(pluginId);
      // A request may be between two hops and need another connection.
      if (share.users > 0) leaving.add(share);
      share.pools.close();
    },
    async close() {
      isClosed = true;
      for (const bound of running) bound.abort(new NetworkFailure(4, 'the host is shutting down'));
      await Promise.all([...shares.values(), ...leaving].map(({ pools }) => pools.destroy()));
    },
  };

  function shareOf(pluginId: string): Share {
    const known = shares.get(pluginId);
    if (known) return known;
    const limits = options.limitsOf(pluginId);
    const share: Share = {
      limits,
      turns: createTurns(limits.concurrency),
      pools: createPools({
        connections: limits.concurrency,
        idleMs: limits.idleConnectionMs,
        connectTimeoutMs: limits.timeoutMs,
        proxy: options.proxy,
        ca: options.ca,
      }),
      addressesOf: createNames({
        lookup: options.lookup ?? lookUp,
        pinMs: limits.pinMs,
        now: options.now ?? (() => performance.now()),
      }),
      mayConnect: compileAddressRules(limits),
      users: 0,
    };
    shares.set(pluginId, share);
    return share;
  }
}

async function lookUp(hostname: string): Promise<string[]> {
  return (await systemLookup(hostname, { all: true })).map(({ address }) => address);
}

/** Hop after hop, until a response is the answer. */
async function exchange(
  share: Share,
  request: OutgoingRequest,
  caller: NetworkCaller,
  signal: AbortSignal,
): Promise<IncomingResponse> {
  let hop = request;
  for (let redirects = 0; ; redirects++) {
    const addresses = await admit(share, hop.url, caller, signal);
    const { statusCode, headers, body } = await dispatch(share.pools, hop, addresses, signal);
    const next = redirectOf(hop, { statusCode, headers });
    if (next === undefined) return finish(share.limits, hop, { statusCode, headers, body });
    await leave(body, headers);
    if (redirects === MAX_REDIRECTS) throw new NetworkFailure(4, `stopped after ${MAX_REDIRECTS} redirects`);
    hop = next;
  }
}

// ---- before a hop --------------------------------------------------------------------------------------------------------

/** The addresses that a hop may be connected to. @throws NetworkFailure 1 */
async function admit(
  { addressesOf, mayConnect }: Share,
  url: URL,
  { pluginId, accessOf }: NetworkCaller,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const target = `plugin ${pluginId} is not authorized for host service network.request resource=${shown(url)}`;
  // A client leaves the usual port out, and an entry of a grant may ask for it.
  const access = [accessOf(url.href), accessOf(withPort(url))];
  if (!access.some((granted) => granted !== 'refused')) throw new NetworkFailure(1, `${target} table=`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isLiteral = isIP(host) !== 0;
  const naming: Naming = access.includes('named') ? (isLiteral ? 'literal' : 'loopback') : undefined;
  const addresses = isLiteral ? [host] : await untilAborted(addressesOf(host), signal);
  if (addresses.length === 0) throw new NetworkFailure(4, `network request to ${url.host} failed: ENOTFOUND`);
  // One bad address spoils the name: which of them is connected to, is up to the network.
  if (!addresses.every((address) => mayConnect(address, naming)))
    throw new NetworkFailure(1, `${target}: ${url.hostname} is not a public address`);
  return addresses;
}

function withPort(url: URL): string {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return `${url.protocol}//${url.hostname}:${port}${url.pathname}`;
}

/** Without credentials and query, which do not belong into messages. */
function shown(url: URL): string {
  return `${url.origin === 'null' ? url.protocol : url.origin}${url.pathname}`;
}

/** What cannot be ended is left: a look-up, or a request whose connection is not made yet, which undici ends only once it is. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

// ---- one hop -------------------------------------------------------------------------------------------------------------

interface Arrived {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

async function dispatch(
  pools: Pools,
  { method, url, headers, body }: OutgoingRequest,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Arrived> {
  const responding = pools.of(url, addresses).request({
    method: method as 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { ...authorizationOf(url), ...ownHeaders(method, headers), ...headers },
    body: body.length === 0 ? null : Buffer.from(body.buffer, body.byteOffset, body.length),
    signal,
    responseHeaders: 'raw',
  });
  const response = await untilAborted(responding, signal);
  const { statusCode, body: content } = response;
  return { statusCode, headers: firstValues(response.headers as unknown as readonly string[]), body: content };
}

/** What Go's client adds. */
function ownHeaders(method: string, headers: OutgoingRequest['headers']): Record<string, string> {
  return { 'user-agent': 'sandpool', ...(asksForGzip(method, headers) && { 'accept-encoding': 'gzip' }) };
}

function asksForGzip(method: string, headers: OutgoingRequest['headers']): boolean {
  return headers['accept-encoding'] === undefined && headers.range === undefined && method !== 'HEAD';
}

/** User-info of a URL is sent as Go's client sends it. */
function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = Buffer.from(`${decoded(username)}:${decoded(password)}`);
  return { authorization: `Basic ${credentials.toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign stands for itself
  }
}

/** Raw names and values in turn → the first value of each, by canonical name. What frames the message is no header to Go. */
function firstValues(raw: readonly string[]): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = canonicalName(String(raw[at]));
    if (name !== 'Transfer-Encoding' && name !== 'Trailer') headers[name] ??= String(raw[at + 1]);
  }
  return headers;
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (initial) => initial.toUpperCase());
}

// ---- after a hop ---------------------------------------------------------------------------------------------------------

/** The whole response. What was packed because this client asked for it is unpacked, and nobody hears of it. */
async function finish(
  { maxResponseBytes }: NetworkLimits,
  request: OutgoingRequest,
  { statusCode, headers, body }: Arrived,
): Promise<IncomingResponse> {
  const isGzip =
    asksForGzip(request.method, request.headers) && headers['Content-Encoding']?.toLowerCase().trim() === 'gzip';
  const content = await readBody(body, { maxBytes: maxResponseBytes, isGzip });
  if (!isGzip) return { statusCode, headers, body: content };
  const { 'Content-Encoding': _packed, 'Content-Length': _packedBytes, ...rest } = headers;
  return { statusCode, headers: rest, body: content };
}

/** Done with a response of which only the head counts. */
async function leave(body: Readable & { dump?(): Promise<unknown> }, headers: Arrived['headers']): Promise<void> {
  body.on('error', () => {});
  const bytes = headers['Content-Length'];
  if (bytes !== undefined && Number(bytes) <= MAX_DRAINED_BYTES) await readBody(body, DRAINED);
  else body.destroy();
}

const DRAINED = { maxBytes: MAX_DRAINED_BYTES, isGzip: false };

// ---- failures ------------------------------------------------------------------------------------------------------------

function timedOut(url: URL, timeoutMs: number): string {
  return `network request to ${url.host} failed: no response within ${timeoutMs} ms`;
}

/** A failure of the network in words that tell nothing of addresses. */
function failureOf(url: URL, thrown: unknown): NetworkFailure {
  if (thrown instanceof NetworkFailure) return thrown;
  const { code, name, errors } = thrown as { code?: string; name?: string; errors?: readonly { code?: string }[] };
  const reason = code ?? errors?.[0]?.code ?? name ?? 'unknown error';
  return Object.assign(new NetworkFailure(4, `network request to ${url.host} failed: ${reason}`), { cause: thrown });
}
