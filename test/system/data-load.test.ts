/** Rows of several plugins under load, and what of them is left when the host is killed in the middle of it. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { decodeHostCallResponse } from '../../src/protocol/host-call.js';
import { encodePayload } from '../../src/protocol/payloads.js';
import { openPluginDatabase } from '../../src/store/plugin-database.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';
import { rawCall } from '../raw-calls.js';
import { type Random, randomOf } from '../rewrite/random-program.js';
import { ADMIN_PASSWORD, loginHeader, startChildHost } from './child-host.js';

t.setTimeout(3_600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
const PLUGINS = ['load-a', 'load-b', 'load-c', 'load-d'];
/** From an effort of 8 on, the load that a host shall bear: 64 connections, and a first life of 60 s. */
const CLIENTS = Math.min(64, 8 * EFFORT);
const FIRST_LIFE_MS = EFFORT < 8 ? 0 : 60_000;
/** Answers of each life of the host, at least. */
const ANSWERS = 250;
const LIVES = 2 + Math.min(EFFORT, 10);

const tableOf = (plugin: string): string => `plugin_${plugin.replace('-', '_')}`;

async function artifactOf(id: string): Promise<Uint8Array> {
  const columns =
    'id VARCHAR(40) PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, part INT NOT NULL, count INT NOT NULL, updated_at TIMESTAMP';
  const methods = ['list', 'get', 'batch_get', 'create', 'update', 'delete', 'transaction'];
  return buildArtifact({
    manifest: { id, name: id },
    module: await watGuest('host-call'),
    installSql: { '001-a.sql': `CREATE TABLE IF NOT EXISTS ${tableOf(id)} (${columns})` },
    hostServices: [{ service: 'data', methods, resources: { tables: [tableOf(id)] } }],
    routes: [{ method: 'POST', path: '/call', access: 'login', requestType: 'CallReq' }],
  });
}

interface Host {
  /** The reply to a host call of a plugin; undefined when the host died before it had answered. */
  call(
    plugin: string,
    method: string,
    payload: Uint8Array,
    agent: Agent,
  ): Promise<{ status: number; payload: Buffer } | undefined>;
  admin(method: string, path: string, body: object | FormData): Promise<void>;
  kill(): Promise<void>;
}

async function serve(t: Test, cwd: string): Promise<Host> {
  const { url, end } = await startChildHost(t, {
    cwd,
    flags: ['--port', '0', '--data', join(cwd, 'data')],
    env: SETTINGS,
  });
  const headers = await loginHeader(url);
  return {
    async call(plugin, method, payload, agent) {
      const body = rawCall('data', method, { table: tableOf(plugin), payload });
      const answer = await post(`${url}/x/${plugin}/call`, headers, body, agent).catch(() => undefined);
      if (answer === undefined) return undefined;
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.toString()}`);
      const { status, payload: reply } = decodeHostCallResponse(answer.body);
      return { status, payload: Buffer.from(reply) };
    },
    async admin(method, path, body) {
      const isForm = body instanceof FormData;
      const response = await fetch(`${url}/api/v1/plugins${path}`, {
        method,
        headers: { ...headers, ...(!isForm && { 'content-type': 'application/json' }) },
        body: isForm ? body : JSON.stringify(body),
      });
      const answer = await response.text();
      if (!/^{"code":0,/.test(answer)) throw new Error(`${method} ${path}: ${answer}`);
    },
    kill: async () => void (await end('SIGKILL')),
  };
}

const SETTINGS = {
  SANDPOOL_ADMIN_PASSWORD: ADMIN_PASSWORD,
  SANDPOOL_POOL_MAX_THREADS: '2',
  // Of what is tested nothing ends by itself, however slow the disk is.
  SANDPOOL_POOL_QUEUE_TIMEOUT_MS: '600000',
  SANDPOOL_SANDBOX_DEADLINE_MS: '3600000',
  SANDPOOL_PLUGIN_GRANT_UNREVIEWED: 'true',
  SANDPOOL_LOG_LEVEL: 'warn',
};

async function post(url: string, headers: Record<string, string>, body: Uint8Array, agent: Agent) {
  const asked = request(url, { method: 'POST', headers: { ...headers, 'content-length': body.length }, agent });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
  return { status: response.statusCode ?? 0, body: await buffer(response) };
}

/** A row as a client knows it: its count when that was acknowledged, or what it may be. */
interface Known {
  readonly counts: readonly (number | undefined)[];
}

/** What clients know of each plugin's rows, by key. */
type Ledger = Map<string, Map<string, Known>>;

t.test('what was acknowledged is there after kill -9, and no lock ever reaches a guest', async (t) => {
  const cwd = t.testdir({});
  const ledger: Ledger = new Map(PLUGINS.map((plugin) => [plugin, new Map()]));
  const random = randomOf(SEED);
  for (let life = 0; life < LIVES; life += 1) {
    const host = await serve(t, cwd);
    if (life === 0) await install(host);
    const failures = await load(host, ledger, random, life);
    t.same(failures, [], `life ${life}: every call was answered with success`);
    await host.kill();
    for (const plugin of PLUGINS) compare(t, join(cwd, 'data'), plugin, ledger.get(plugin)!);
  }
});

async function install(host: Host): Promise<void> {
  for (const id of PLUGINS) {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(await artifactOf(id))]), `${id}.wasm`);
    await host.admin('POST', '/dynamic/package', form);
    await host.admin('POST', `/${id}/install`, {});
    await host.admin('PUT', `/${id}/enable`, {});
  }
}

/** Clients that read and write until there were enough answers; the host dies while they go on. */
async function load(host: Host, ledger: Ledger, random: Random, life: number): Promise<string[]> {
  const failures: string[] = [];
  const endsAt = Date.now() + (life === 0 ? FIRST_LIFE_MS : 0);
  let answers = 0;
  let isDying = false;
  const client = async (number: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const own: [plugin: string, key: string][] = [];
    for (let step = 0; !isDying; step += 1) {
      const plugin = PLUGINS[random(PLUGINS.length)]!;
      const failure = await act({
        host,
        agent,
        plugin,
        rows: ledger.get(plugin)!,
        own,
        random,
        name: `${life}-${number}-${step}`,
      });
      if (failure !== undefined) failures.push(failure);
      answers += 1;
      if (answers < ANSWERS || Date.now() < endsAt || isDying) continue;
      isDying = true;
      await host.kill();
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  t.comment(`life ${life}: ${answers} answers to ${CLIENTS} connections`);
  return failures;
}

interface Act {
  readonly host: Host;
  readonly agent: Agent;
  readonly plugin: string;
  readonly rows: Map<string, Known>;
  /** Rows of this client, which nobody else changes. */
  readonly own: [plugin: string, key: string][];
  readonly random: Random;
  readonly name: string;
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

async function act({ host, agent, plugin, rows, own, random, name }: Act): Promise<string | undefined> {
  /** Notes what may be before, and what is once it was acknowledged. */
  const write = async (method: string, payload: Uint8Array, keys: readonly string[], count: number | undefined) => {
    const before = keys.map((key) => rows.get(key)?.counts ?? [undefined]);
    keys.forEach((key, at) => void rows.set(key, { counts: [...before[at]!, count] }));
    const reply = await host.call(plugin, method, payload, agent);
    if (reply === undefined) return undefined;
    if (reply.status !== 0) return `${method} ${reply.status} ${reply.payload}`;
    for (const key of keys) rows.set(key, { counts: [count] });
    return undefined;
  };
  const read = async (method: string, payload: Uint8Array) => {
    const reply = await host.call(plugin, method, payload, agent);
    return reply === undefined || reply.status === 0 ? undefined : `${method} ${reply.status} ${reply.payload}`;
  };
  const mine = own.map(([where, key]) => (where === plugin ? key : '')).filter((key) => rows.get(key)?.counts[0]);
  const key = mine[random(Math.max(1, mine.length))];
  const mutation = (parts: object) => encodePayload('HostServiceDataMutationRequest', parts);
  const choice = random(10);
  if (choice < 3 || key === undefined) {
    own.push([plugin, name]);
    return write('create', mutation({ recordJson: json({ id: name, part: 0, count: 1 }) }), [name], 1);
  }
  if (choice < 5) {
    const count = random(1_000_000);
    return write('update', mutation({ keyJson: json(key), recordJson: json({ count }) }), [key], count);
  }
  if (choice === 5) return write('delete', mutation({ keyJson: json(key) }), [key], undefined);
  if (choice === 6) {
    const keys = [1, 2, 3].map((part) => `${name}/${part}`);
    const operations = keys.map((id, part) => ({ method: 'create', recordJson: json({ id, part, count: 3 }) }));
    return write('transaction', encodePayload('HostServiceDataTransactionRequest', { operations }), keys, 3);
  }
  const table = tableOf(plugin);
  if (choice === 7) {
    const orders = [{ field: 'updatedAt', direction: 'desc' }];
    return read(
      'list',
      encodePayload('HostServiceDataListRequest', { planJson: json({ table, action: 'list', orders }) }),
    );
  }
  const keyJson = Buffer.from(JSON.stringify(key)).toString('base64');
  return read('get', encodePayload('HostServiceDataGetRequest', { planJson: json({ table, action: 'get', keyJson }) }));
}

/** Holds the rows against what clients know, and settles what they could not know. */
function compare(t: Test, dataDir: string, plugin: string, rows: Map<string, Known>): void {
  const database = openPluginDatabase(dataDir, plugin);
  const stored = new Map(
    database
      .prepare<[], [string, number]>(`SELECT id, count FROM ${tableOf(plugin)}`)
      .raw()
      .all(),
  );
  t.equal(database.pragma('integrity_check', { simple: true }), 'ok', `${plugin} is whole`);
  database.close();
  const wrong = [...rows].filter(([key, { counts }]) => !counts.includes(stored.get(key)));
  t.same(wrong, [], `${plugin} has what was acknowledged`);
  t.same(
    [...stored.keys()].filter((key) => !rows.has(key)),
    [],
    `${plugin} has nothing else`,
  );
  const parts = [...rows.keys()].filter((key) => key.endsWith('/1')).map((key) => key.slice(0, -2));
  const halves = parts.filter((name) => {
    const untouched = [1, 2, 3].filter((part) => rows.get(`${name}/${part}`)?.counts.length === 2);
    const there = untouched.filter((part) => stored.has(`${name}/${part}`)).length;
    return there !== 0 && there !== untouched.length;
  });
  t.same(halves, [], `${plugin} has no half of a transaction`);
  for (const key of rows.keys()) rows.set(key, { counts: [stored.get(key)] });
}
