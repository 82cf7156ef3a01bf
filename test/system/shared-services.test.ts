/** What plugins share in several processes: one cache, one holder of each lock. */
import t, { type Test } from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';
import { rawCall } from '../raw-calls.js';
import { type Answer, type Ask, type Connection, type Processes, serveProcesses } from './processes.js';

t.setTimeout(3_600_000);

const PLUGINS = '/api/v1/plugins';
const SERVICES = [
  { service: 'cache', methods: ['get', 'set', 'incr', 'delete'], resources: [{ ref: 'shared' }] },
  { service: 'lock', methods: ['acquire', 'renew', 'release'], resources: [{ ref: 'shared' }] },
];

/** Two processes that serve a plugin, and a connection to each. */
async function stage(t: Test): Promise<[one: Connection, other: Connection, host: Processes]> {
  const host = await serveProcesses(t, { PLUGIN_GRANT_UNREVIEWED: 'true' });
  const headers = await host.authorization();
  const artifact = buildArtifact({
    manifest: { id: 'demo', name: 'demo' },
    module: await watGuest('host-call'),
    hostServices: SERVICES,
    routes: [{ method: 'POST', path: '/call', requestType: 'CallReq' }],
  });
  ok(await host.ask(`${PLUGINS}/dynamic/package`, upload(headers, artifact)));
  ok(await host.ask(`${PLUGINS}/demo/install`, { method: 'POST', headers, body: {} }));
  ok(await host.ask(`${PLUGINS}/demo/enable`, { method: 'PUT', headers, body: {} }));
  const [first, second] = await host.pids();
  return [await host.connect(first), await host.connect(second), host];
}

function upload(headers: Record<string, string>, artifact: Uint8Array): Ask {
  const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.wasm"\r\n\r\n';
  const body = Buffer.concat([Buffer.from(head), artifact, Buffer.from('\r\n--b--\r\n')]);
  return { method: 'POST', headers: { ...headers, 'content-type': 'multipart/form-data; boundary=b' }, body };
}

function ok({ status, text }: Answer): Answer {
  if (status !== 200) throw new Error(`${status} ${text}`);
  return { status, text, headers: {} };
}

/** The bytes of the reply as text. */
async function call({ ask }: Pick<Connection, 'ask'>, service: string, method: string, payload: Uint8Array) {
  const body = rawCall(service, method, { resourceRef: 'shared', payload });
  return ok(await ask('/x/demo/call', { method: 'POST', body })).text;
}

const SET = (value: string) => encodePayload('HostServiceCacheSetRequest', { key: 'k', value, expireSeconds: 3600 });
const GET = encodePayload('HostServiceCacheGetRequest', { key: 'k' });
const INCR = encodePayload('HostServiceCacheIncrRequest', { key: 'n', delta: 1, expireSeconds: 3600 });
const LEASE = encodePayload('HostServiceLockAcquireRequest', { leaseMillis: 300_000 });

t.test('F035 F036 processes of one host have one cache and one holder of a lock', async (t) => {
  const [one, other, host] = await stage(t);
  for (const value of ['first', 'second']) {
    await call(one, 'cache', 'set', SET(value));
    t.match(await call(other, 'cache', 'get', GET), value);
    t.match(await call(one, 'cache', 'get', GET), value);
  }
  const counted = await Promise.all(Array.from({ length: 60 }, () => call(host, 'cache', 'incr', INCR)));
  t.equal(new Set(counted).size, 60, 'each got a number of its own');

  const held = await call(one, 'lock', 'acquire', LEASE);
  const [ticket = ''] = /eyJ[\w-]+/.exec(held) ?? [];
  t.equal(await call(other, 'lock', 'acquire', LEASE), '');
  t.equal(await call(other, 'lock', 'release', encodePayload('HostServiceLockReleaseRequest', { ticket })), '');
  t.match(await call(other, 'lock', 'acquire', LEASE), /eyJ/);
  t.equal(await call(one, 'lock', 'acquire', LEASE), '');

  const headers = await host.authorization();
  ok(await host.ask(`${PLUGINS}/demo/disable`, { method: 'PUT', headers, body: {} }));
  ok(await host.ask(`${PLUGINS}/demo`, { method: 'DELETE', headers }));
  ok(await host.ask(`${PLUGINS}/demo/install`, { method: 'POST', headers, body: {} }));
  ok(await host.ask(`${PLUGINS}/demo/enable`, { method: 'PUT', headers, body: {} }));
  t.equal(await call(host, 'cache', 'get', GET), '', 'what was uninstalled is forgotten');
});
