/**
 * Every method of every service that is served, asked for by a Go guest without any library: it forwards the bytes of a host call and
 * answers with the raw bytes that come back.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { CATALOGUE } from '../../src/artifact/host-services.js';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { SERVICES } from '../../src/services/index.js';
import { goGuest } from '../guest-modules.js';
import { type RawCallParts, type RawReply, serveRawCalls } from '../raw-calls.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(600_000);

const module = await goGuest('echo');
const skip = module === undefined && 'Go >= 1.24 is not installed';

const TABLE = 'plugin_demo_note';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

const NOTES = `
CREATE TABLE ${TABLE} (id VARCHAR(40) PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, title TEXT NOT NULL)`;

/** What each service declares, with the resources that it needs. */
function declarations(url: string): readonly object[] {
  const resources: Readonly<Record<string, unknown>> = {
    cache: [{ ref: 'counts' }],
    data: { tables: [TABLE] },
    hostconfig: { keys: ['workspace.basePath', 'demo.flag'] },
    lock: [{ ref: 'sync' }],
    manifest: { paths: ['config/'] },
    network: [{ url }],
    notifications: [{ ref: 'inbox' }],
    storage: { paths: ['reports/'] },
  };
  return SERVICES.map(({ name: service }) => ({
    service,
    methods: Object.keys(CATALOGUE[service] ?? {}),
    ...(resources[service] !== undefined && { resources: resources[service] }),
  }));
}

async function upstream(t: Test): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8' }).end(`${request.method} ${request.url}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
}

type Ask = (method: string, parts?: RawCallParts) => Promise<RawReply>;

/** What is there besides the plugin: a server that it may ask, and a tenant. */
interface Surroundings {
  readonly url: string;
  readonly tenantId: number;
}

/** The calls of a service, in their order, as the administrator. */
const TOURS: Readonly<Record<string, (t: Test, ask: Ask, around: Surroundings) => Promise<void>>> = {
  async runtime(t, ask) {
    t.equal((await ask('state.set', { payload: '0a016b120176' })).response, '');
    t.equal((await ask('state.get', { payload: '0a016b' })).response, '12050a01761001');
    t.equal((await ask('state.set_many', { json: { values: { a: '1', b: '2' } } })).response, '');
    const many = await ask('state.get_many', { json: { keys: ['a', 'x'] } });
    t.same(many.json(), { values: { a: '1' }, missingKeys: ['x'] });
    t.equal((await ask('state.delete', { payload: '0a016b' })).response, '');
    t.equal((await ask('state.delete_many', { json: { keys: ['a', 'b'] } })).response, '');
    t.equal((await ask('state.get', { payload: '0a0161' })).response, '', 'gone');
    t.equal((await ask('log.write', { payload: '0802120568656c6c6f' })).response, '');
    t.match((await ask('info.now')).response, /^120f0a0d(?:3[0-9]){13}$/);
    t.match((await ask('info.uuid')).response, /^12220a20(?:3[0-9]|6[1-9a-f]|7[0-9a]){32}$/);
    t.match((await ask('info.node')).payload, /^0a..(?:..)+$/);
  },

  async storage(t, ask) {
    const at = { resourceRef: 'reports/a.txt' };
    const path = '0a0d7265706f7274732f612e747874';
    t.match((await ask('put', { ...at, payload: `${path}12026869` })).payload, new RegExp(`^0a..${path}10021a0a`));
    t.match((await ask('get', { ...at, payload: path })).payload, /^080112.*1a026869$/);
    t.match((await ask('stat', { ...at, payload: path })).payload, /^080112/);
    const inAll = { resourceRef: 'reports/' };
    t.match((await ask('list', { ...inAll, payload: '0a087265706f7274732f' })).payload, new RegExp(`^0a..${path}`));
    const page = (await ask('list.cursor', { ...inAll, json: { prefix: 'reports/' } })).json();
    t.match(page, { objects: [{ path: 'reports/a.txt', size: 2 }] });
    const both = { paths: ['reports/a.txt', 'reports/b.txt'] };
    const told = (await ask('stat.batch', { ...inAll, json: both })).json();
    t.match(told, { objects: [{ path: 'reports/a.txt' }], missingPaths: ['reports/b.txt'] });
    t.equal((await ask('delete.batch', { ...inAll, json: both })).response, '');

    const uploadId = (await ask('put.init', { ...at, payload: path })).payload.slice(4);
    t.match(uploadId, /^(?:3[0-9]|6[1-6]){32}$/);
    const upload = `${path}1220${uploadId}`;
    t.equal((await ask('put.chunk', { ...at, payload: `${upload}22026869` })).payload, '0802');
    t.match((await ask('put.commit', { ...at, payload: `${upload}1802` })).payload, new RegExp(`^0a..${path}1002`));
    const other = (await ask('put.init', { ...at, payload: `${path}1801` })).payload.slice(4);
    t.equal((await ask('put.abort', { ...at, payload: `${path}1220${other}` })).response, '');
    t.equal((await ask('delete', { ...at, payload: path })).response, '');
    t.equal((await ask('get', { ...at, payload: path })).response, '', 'gone');
  },

  async network(t, ask, { url }) {
    const sent = await ask('request', { resourceRef: `${url}/orders`, payload: '0a04504f5354' });
    const { statusCode, contentType, body } = decodePayload('HostServiceNetworkResponse', sent.bytes);
    t.strictSame([statusCode, contentType, Buffer.from(body).toString()], [201, 'text/plain', 'POST /api/orders']);
    t.equal((await ask('request', { resourceRef: 'http://127.0.0.1/admin' })).status, 1);
  },

  async data(t, ask) {
    const of = (payload: Uint8Array | string): RawCallParts => ({ table: TABLE, payload });
    const mutation = (key: unknown, record?: object) =>
      of(
        encodePayload('HostServiceDataMutationRequest', {
          ...(key !== undefined && { keyJson: jsonBytes(key) }),
          ...(record && { recordJson: jsonBytes(record) }),
        }),
      );
    const plan = (action: string, more: object) =>
      jsonBytes({ table: TABLE, action, fields: ['id', 'title'], ...more });
    t.equal((await ask('create', mutation(undefined, { id: 'a', title: 'one' }))).payload, '08011203226122');
    t.equal((await ask('update', mutation('a', { title: 'two' }))).payload, '08011203226122');
    const got = encodePayload('HostServiceDataGetRequest', { planJson: plan('get', { keyJson: base64('a') }) });
    const record = hex(Buffer.from('{"id":"a","title":"two"}'));
    t.equal((await ask('get', of(got))).payload, `08011218${record}`);
    const listed = encodePayload('HostServiceDataListRequest', { planJson: plan('list', {}) });
    t.equal((await ask('list', of(listed))).payload, `0a18${record}1001`);
    t.equal(
      (await ask('batch_get', of('0a032261220a03227a221202696412057469746c65'))).payload,
      `0a18${record}1203227a22`,
    );
    const operations = [
      { method: 'create', recordJson: jsonBytes({ id: 'b', title: 'three' }) },
      { method: 'delete', keyJson: jsonBytes('a') },
    ];
    const both = encodePayload('HostServiceDataTransactionRequest', { operations });
    t.equal((await ask('transaction', of(both))).payload, '0a07080112032262220a07080112032261221002');
    t.equal((await ask('delete', mutation('b'))).payload, '08011203226222');
    t.equal((await ask('list', of(listed))).response, '', 'gone');
  },

  async cache(t, ask) {
    const at = { resourceRef: 'counts' };
    t.match((await ask('set', { ...at, payload: '0a016b120176183c' })).payload, /^0a..080112017622/);
    t.match((await ask('get', { ...at, payload: '0a016b' })).payload, /^080112..080112017622/);
    t.match((await ask('incr', { ...at, payload: '0a016e1005183c' })).payload, /^0a..0802180522/);
    t.match((await ask('expire', { ...at, payload: '0a016e101e' })).payload, /^080112/);
    const set = await ask('set_many', { ...at, json: { items: [{ key: 'a', value: '1', expireSeconds: 60 }] } });
    t.match(set.json(), { items: { a: { valueKind: 1, value: '1' } } });
    const got = (await ask('get_many', { ...at, json: { keys: ['a', 'x'] } })).json();
    t.match(got, { items: { a: { value: '1' } }, missingKeys: ['x'] });
    t.equal((await ask('delete', { ...at, payload: '0a016b' })).response, '');
    t.equal((await ask('delete_many', { ...at, json: { keys: ['a', 'n'] } })).response, '');
    t.equal((await ask('get', { ...at, payload: '0a0161' })).response, '', 'gone');
  },

  async lock(t, ask) {
    const at = { resourceRef: 'sync' };
    // 300 s, so that a slow machine does not lose the lock meanwhile.
    const acquired = await ask('acquire', { ...at, payload: '08e0a712' });
    const { ticket } = decodePayload('HostServiceLockAcquireResponse', acquired.bytes);
    t.equal((await ask('acquire', { ...at, payload: '08e0a712' })).response, '', 'held');
    const payload = encodePayload('HostServiceLockReleaseRequest', { ticket });
    t.match((await ask('renew', { ...at, payload })).payload, /^0a..32/);
    t.equal((await ask('release', { ...at, payload })).response, '');
    t.match((await ask('acquire', { ...at, payload: '08e0a712' })).payload, /^0801/, 'free again');
  },

  async hostconfig(t, ask) {
    const path = { resourceRef: 'workspace.basePath', payload: '0a12776f726b73706163652e6261736550617468' };
    t.equal((await ask('get', path)).payload, '0a08222f61646d696e221001');
    const flag = (json: object) => ({ resourceRef: 'demo.flag', json: { key: 'demo.flag', ...json } });
    t.equal((await ask('sys_config.value.set', flag({ value: 'on' }))).payload, '0a0474727565');
    t.match((await ask('sys_config.get', flag({}))).json(), { Key: 'demo.flag', Value: 'on' });
    t.equal((await ask('sys_config.reset', flag({}))).payload, '0a0474727565');
  },

  async manifest(t, ask) {
    const path = { resourceRef: 'config/a.yaml', payload: '0a0d636f6e6669672f612e79616d6c' };
    t.equal((await ask('get', path)).payload, '08011205613a20310a');
    const many = await ask('get_many', {
      resourceRef: 'config/',
      json: { paths: ['config/a.yaml', 'config/b.yaml'] },
    });
    const body = Buffer.from('a: 1\n').toString('base64');
    t.same(many.json(), { resources: [{ path: 'config/a.yaml', body }], missingPaths: ['config/b.yaml'] });
    const listed = await ask('list', { resourceRef: 'config/.manifest-list-probe', json: { prefix: 'config' } });
    t.match(listed.json(), { resources: [{ path: 'config/a.yaml', size: 5 }, { path: 'config/config.yaml' }] });
  },

  async notifications(t, ask) {
    const sent = await ask('messages.send', { resourceRef: 'inbox', payload: '0a05486572653f1a06706c7567696e22017a' });
    t.equal(sent.payload, '08011001');
    const ids = { json: { ids: ['1'] } };
    const source = { json: { sourceType: 'plugin', sourceIds: ['z'] } };
    const message = { id: '1', pluginId: 'demo', sourceId: 'z', title: 'Here?' };
    t.match((await ask('messages.batch_get', ids)).json(), { Items: { 1: message }, MissingIDs: [] });
    t.match((await ask('messages.list', { json: {} })).json(), { Items: [message], Total: 1 });
    t.match((await ask('messages.by_source.batch_get', source)).json(), { items: { z: [message] }, missingIds: [] });
    for (const method of ['visible.ensure', 'mark_read', 'mark_unread', 'delete'])
      t.equal((await ask(`messages.${method}`, ids)).payload, '0a027b7d', method);
    t.equal((await ask('messages.by_source.delete', source)).payload, '0a027b7d');
    t.match((await ask('messages.list', { json: {} })).json(), { Total: 0 }, 'gone');
  },

  async jobs(t, ask) {
    const draft = { GroupID: '1', Name: 'clean', CronExpr: '@daily', Timezone: 'UTC' };
    t.equal((await ask('jobs.create', { json: draft })).payload, '0a03223122');
    const job = { ID: '1', Name: 'clean', Group: '1', Status: 'disabled' };
    t.same((await ask('jobs.list', { json: {} })).json(), { Items: [job], Total: 1 });
    t.same((await ask('jobs.batch_get', { json: { ids: ['1'] } })).json(), { Items: { 1: job }, MissingIDs: [] });
    for (const [method, json] of [
      ['visible.ensure', { ids: ['1'] }],
      ['update', { ...draft, ID: '1', Name: 'cleaner' }],
      ['status.set', { jobId: '1', status: 'enabled' }],
    ] as const)
      t.equal((await ask(`jobs.${method}`, { json })).payload, '0a0474727565', method);
    const run = await ask('jobs.run', { json: { jobId: '1' } });
    t.match(run, { status: 3, error: { errorCode: 'JOB_SHELL_DISABLED' } });
    t.equal((await ask('jobs.delete', { json: { jobId: '1' } })).payload, '0a0474727565');
    const registered = await ask('jobs.register', { payload: '0a0161' });
    t.match(registered, { status: 1, error: { fallback: 'jobs.register only supports Jobs discovery executions' } });
  },

  async plugins(t, ask, { tenantId }) {
    const known = { ID: 'demo', Version: 'v0.1.0', Installed: true, Enabled: true, Status: 'enabled' };
    t.same((await ask('plugins.current.get')).json(), known);
    t.equal((await ask('config.get', { payload: '0a04666c6167' })).payload, '0a04747275651001');
    const found = await ask('plugins.batch_get', { json: { ids: ['demo', 'gone'] } });
    t.same(found.json(), { Items: { demo: known }, MissingIDs: ['gone'] });
    t.match((await ask('plugins.registry.list', { json: {} })).json(), { Items: [known], Total: 1 });
    t.match(await ask('plugins.tenant.list', { json: {} }), { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } });
    for (const check of ['enabled', 'provider_enabled', 'enabled_authoritative']) {
      const method = `plugins.state.${check}.check`;
      t.type((await ask(method, { json: { pluginId: 'demo' } })).json(), 'boolean', check);
    }
    for (const name of ['tenant_plugin_disable.ensure', 'tenant_plugin_disabled.notify']) {
      const loss = await ask(`plugins.lifecycle.${name}`, { json: { pluginId: 'demo', tenantId } });
      t.equal(loss.payload, '0a0474727565', name);
    }
    for (const name of ['tenant_delete.ensure', 'tenant_deleted.notify'])
      t.equal((await ask(`plugins.lifecycle.${name}`, { json: { tenantId } })).payload, '0a0474727565', name);
  },

  async bizctx(t, ask) {
    t.match((await ask('current.get')).json(), { UserID: 1, Username: 'admin', TenantID: 0 });
  },

  async route(t, ask) {
    t.match(JSON.stringify((await ask('metadata.get')).json()), '/login');
  },
};

t.test('a Go guest asks for every method of every service over the raw wire', { skip }, async (t) => {
  const url = await upstream(t);
  const host = await startTestHost(t, { NETWORK_ALLOWED_ADDRESSES: '["127.0.0.0/8"]' });
  const { asAdmin } = await serveRawCalls(host, {
    module: module as Uint8Array,
    hostServices: declarations(url),
    installSql: { '001-note.sql': NOTES },
    manifestResources: { 'manifest/config/a.yaml': 'a: 1\n', 'manifest/config/config.yaml': 'flag: true\n' },
  });
  const tenantId = await makeTenant(host);
  for (const { name } of SERVICES) {
    await t.test(name, async (t) => {
      const asked = new Set<string>();
      const ask: Ask = (method, parts) => {
        asked.add(method);
        return asAdmin(name, method, parts);
      };
      await TOURS[name]?.(t, ask, { url, tenantId });
      t.strictSame([...asked].sort(), Object.keys(CATALOGUE[name] ?? {}).sort(), 'each of its methods was asked for');
    });
  }
});

async function makeTenant(host: TestHost): Promise<number> {
  const headers = { ...(await host.authorization()), 'content-type': 'application/json' };
  const body = JSON.stringify({ code: 'acme', name: 'Acme' });
  const { text } = await host.fetch('/api/v1/tenant', { method: 'POST', headers, body });
  return (JSON.parse(text) as { data: { id: number } }).data.id;
}
