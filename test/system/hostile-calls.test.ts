/**
 * Host calls that mean harm: SQL in every text, payloads cut short, bytes changed at random, the names of others. Whatever is
 * asked, other plugins and tenants keep what they have, and the host goes on. The random bytes come from a seed, so a failure repeats.
 */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { encodeHostCallRequest } from '../../src/protocol/host-call.js';
import { completeIdentity } from '../../src/protocol/identity.js';
import { encodePayload } from '../../src/protocol/payloads.js';
import { createSysConfig } from '../../src/resources/sys-config.js';
import { createMemoryCache } from '../../src/services/cache/memory.js';
import type { JobDraft } from '../../src/services/jobs-port.js';
import type { PluginDirectory } from '../../src/services/plugin-directory-port.js';
import { openLockStore } from '../../src/store/locks.js';
import { openNotifications } from '../../src/store/notifications.js';
import { type Database, openDatabase } from '../../src/store/sqlite.js';
import { openStateStore } from '../../src/store/state.js';
import { openJobHouse } from '../jobs/house.js';
import { rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { createTestHost, granted, json } from '../services/host.js';
import { startTestHost } from './host.js';

t.setTimeout(600_000);

const EVIL = `x'); DROP TABLE sys_config; DELETE FROM sys_plugin_state; --" OR 1=1 \u0000\u2028\ud83d`;
const NOW = 1_763_472_030_000;
const RUNTIME = { service: 'runtime', resourceRef: '' };
const CACHE = { service: 'cache', resourceRef: 'shared' };
const LOCK = { service: 'lock', resourceRef: 'shared' };
const CONFIG = { service: 'hostconfig', resourceRef: 'k' };
const NOTIFY = { service: 'notifications', resourceRef: '' };
const PLUGINS = { service: 'plugins', resourceRef: '' };
const JOBS = { service: 'jobs', resourceRef: '' };
const MANIFEST = { service: 'manifest', resourceRef: 'config/' };

interface Sample {
  readonly service: string;
  readonly resourceRef: string;
  readonly method: string;
  readonly payload: Uint8Array;
}

/** One call of every method, with this text wherever a text can be. */
function samples(x: string): Sample[] {
  const of = (target: { service: string; resourceRef: string }, method: string, payload: Uint8Array): Sample => ({
    ...target,
    method,
    payload,
  });
  const item = { key: x, value: x, expireSeconds: 60 };
  const ids = { ids: [x, '1'] };
  const texts = { Name: x, Description: x, ShellCmd: x, WorkDir: x, Env: { [x]: x } };
  const draft = { GroupID: '1', CronExpr: '@daily', Timezone: 'UTC', ...texts };
  return [
    of(RUNTIME, 'state.set', encodePayload('HostCallStateSetRequest', { key: x, value: x })),
    of(RUNTIME, 'state.get', encodePayload('HostCallStateGetRequest', { key: x })),
    of(RUNTIME, 'state.set_many', json({ values: { [x]: x, other: x } })),
    of(RUNTIME, 'state.get_many', json({ keys: [x, 'other'] })),
    of(RUNTIME, 'state.delete_many', json({ keys: [x, 'other'] })),
    of(RUNTIME, 'state.delete', encodePayload('HostCallStateDeleteRequest', { key: x })),
    of(RUNTIME, 'log.write', encodePayload('HostCallLogRequest', { level: 4, message: x, fields: { [x]: x } })),
    of(CACHE, 'set', encodePayload('HostServiceCacheSetRequest', item)),
    of(CACHE, 'get', encodePayload('HostServiceCacheGetRequest', { key: x })),
    of(CACHE, 'incr', encodePayload('HostServiceCacheIncrRequest', { key: x, delta: 1, expireSeconds: 60 })),
    of(CACHE, 'expire', encodePayload('HostServiceCacheExpireRequest', { key: x, expireSeconds: 60 })),
    of(CACHE, 'set_many', json({ items: [item] })),
    of(CACHE, 'get_many', json({ keys: [x] })),
    of(CACHE, 'delete_many', json({ keys: [x] })),
    of(CACHE, 'delete', encodePayload('HostServiceCacheDeleteRequest', { key: x })),
    of(LOCK, 'acquire', encodePayload('HostServiceLockAcquireRequest', { leaseMillis: 5000 })),
    of(LOCK, 'renew', encodePayload('HostServiceLockRenewRequest', { ticket: x })),
    of(LOCK, 'release', encodePayload('HostServiceLockReleaseRequest', { ticket: x })),
    of(CONFIG, 'get', encodePayload('HostServiceConfigKeyRequest', { key: 'k' })),
    of(CONFIG, 'sys_config.value.set', json({ key: 'k', value: x })),
    of(CONFIG, 'sys_config.get', json({ key: 'k' })),
    of(CONFIG, 'sys_config.reset', json({ key: 'k' })),
    of(CONFIG, 'sys_config.value.set', json({ key: x, value: x })),
    of(
      { ...NOTIFY, resourceRef: 'inbox' },
      'messages.send',
      encodePayload('HostServiceNotificationsSendRequest', {
        title: x,
        content: x,
        sourceType: x,
        sourceId: x,
        categoryCode: x,
        recipientUserIds: [42, 7],
        payloadJson: Buffer.from(JSON.stringify({ [x]: x })),
      }),
    ),
    of(NOTIFY, 'messages.batch_get', json(ids)),
    of(NOTIFY, 'messages.list', json({ sourceType: x, sourceId: x, categoryCode: x, page: { Sort: x } })),
    of(NOTIFY, 'messages.by_source.batch_get', json({ sourceType: x, sourceIds: [x] })),
    of(NOTIFY, 'messages.visible.ensure', json(ids)),
    of(NOTIFY, 'messages.mark_read', json(ids)),
    of(NOTIFY, 'messages.mark_unread', json(ids)),
    of(NOTIFY, 'messages.delete', json(ids)),
    of(NOTIFY, 'messages.by_source.delete', json({ sourceType: x, sourceIds: [x] })),
    of(PLUGINS, 'config.get', encodePayload('HostServiceConfigKeyRequest', { key: x })),
    of(PLUGINS, 'plugins.batch_get', json(ids)),
    of(PLUGINS, 'plugins.registry.list', json({ Keyword: x, PluginID: x, Name: x, Type: x, Page: { Sort: x } })),
    of(PLUGINS, 'plugins.state.enabled.check', json({ pluginId: x })),
    of(PLUGINS, 'plugins.lifecycle.tenant_plugin_disabled.notify', json({ pluginId: x, tenantId: 3 })),
    of(JOBS, 'jobs.create', json(draft)),
    of(JOBS, 'jobs.create', json({ ...draft, GroupID: x, CronExpr: x, Timezone: x, Scope: x, Status: x })),
    of(JOBS, 'jobs.list', json({ keyword: x, group: x, status: x })),
    of(JOBS, 'jobs.list', json({ keyword: x })),
    of(JOBS, 'jobs.batch_get', json(ids)),
    of(JOBS, 'jobs.visible.ensure', json(ids)),
    of(JOBS, 'jobs.update', json({ ...draft, ID: '1' })),
    of(JOBS, 'jobs.status.set', json({ jobId: '1', status: x })),
    of(JOBS, 'jobs.status.set', json({ jobId: x, status: 'enabled' })),
    of(JOBS, 'jobs.run', json({ jobId: '1' })),
    of(JOBS, 'jobs.delete', json({ jobId: '1' })),
    of(JOBS, 'jobs.register', encodePayload('HostServiceJobsRegisterRequest', { name: x, pattern: x, requestType: x })),
    of(MANIFEST, 'get', encodePayload('HostServiceManifestGetRequest', { path: x })),
    of(MANIFEST, 'get_many', json({ paths: [x, 'config/a.yaml'] })),
    of(MANIFEST, 'list', json({ prefix: x })),
  ];
}

/** Services over real stores, in which `victim` and tenant 9 have something of everything. */
function stage(t: Test) {
  const path = join(t.testdir({}), 'state.db');
  const { jobs, database: jobsDatabase } = openJobHouse(t);
  const database = openDatabase(':memory:');
  const state = openStateStore(path);
  const locks = openLockStore(path, () => NOW);
  const look = openDatabase(path);
  t.teardown(() => [state, locks, look, database].forEach((one) => void one.close()));
  const sysConfig = createSysConfig({ database, now: () => NOW, onChange() {} });
  const channels = [{ key: 'inbox', type: 'inbox', enabled: true }];
  const notifications = { ...openNotifications(database, () => NOW), channels };
  const { run: cache } = createMemoryCache({ maxEntries: 1000, maxBytes: 1 << 20, now: () => NOW });
  const plants = [
    { pluginId: 'victim', tenantId: 0 },
    { pluginId: 'demo', tenantId: 9 },
  ];
  const value = { do: 'set' as const, key: 'other', value: 'kept', expireAt: NOW + 60_000 };
  for (const scope of plants) {
    state.set(scope, 'other', 'kept');
    cache({ ...scope, namespace: 'shared' }, [value]);
    locks.acquire({ ...scope, name: 'shared' }, 60_000);
    const message = { title: 'kept', content: '', sourceType: 'plugin', sourceId: 'other', categoryCode: 'other' };
    const kept = { ...message, payloadJson: '{}', channelKey: 'inbox', senderUserId: 7, recipientUserIds: [7] };
    notifications.send({ ...scope, ...kept });
    jobs.port.create({ ...scope, userId: 7, scope: {} }, KEPT_JOB);
  }
  sysConfig.set(9, 'k', { value: 'kept' }, 'ada');
  sysConfig.set(0, 'secret', { value: 'kept' }, 'ada');
  const host = createTestHost(t, {
    grants: [
      granted('runtime'),
      granted('plugins'),
      granted('cache', { resources: [{ ref: 'shared' }] as never }),
      granted('lock', { resources: [{ ref: 'shared' }] as never }),
      granted('hostconfig', { keys: ['k'] }),
      granted('notifications', { resources: [{ ref: 'inbox' }] as never }),
      granted('jobs'),
      granted('manifest', { paths: ['config/'] }),
    ],
    environment: {
      state: () => state,
      locks: () => locks,
      sysConfig,
      notifications,
      cache,
      jobs: jobs.port,
      pluginDirectory: NO_PLUGINS,
      now: () => NOW,
    },
    context: {
      tenantId: 0,
      identity: completeIdentity({ userId: 42, permissions: ['system:tenant:plugin'] }),
      manifestResources: new Map(
        ['config/a.yaml', 'secret/b.yaml'].map((file) => [file, Buffer.from('of the plugin')]),
      ),
    },
  });
  /** All that is not this plugin's own, on the platform or in tenant 3. */
  const others = () =>
    JSON.stringify([
      look
        .prepare("SELECT * FROM sys_plugin_state WHERE plugin_id <> 'demo' OR tenant_id NOT IN (0, 3) ORDER BY 1, 2, 3")
        .all(),
      look
        .prepare("SELECT * FROM sys_plugin_lock WHERE plugin_id <> 'demo' OR tenant_id NOT IN (0, 3) ORDER BY 1")
        .all(),
      database
        .prepare("SELECT * FROM sys_config WHERE config_key <> 'k' OR tenant_id NOT IN (0, 3) ORDER BY 1, 2")
        .all(),
      database
        .prepare("SELECT * FROM sys_notify_message WHERE plugin_id <> 'demo' OR tenant_id NOT IN (0, 3) ORDER BY 1")
        .all(),
      plants.map((scope) => cache({ ...scope, namespace: 'shared' }, [{ do: 'get', key: 'other' }])),
      jobsDatabase
        .prepare("SELECT * FROM sys_job WHERE plugin_id <> 'demo' OR tenant_id NOT IN (0, 3) ORDER BY id")
        .all(),
    ]);
  return { host, others, all: () => everything(look, database, jobsDatabase) };
}

/** A job that the host runs no earlier than next year, if at all. */
const KEPT_JOB: JobDraft = {
  groupId: 1,
  name: 'kept',
  description: '',
  timeoutSeconds: 0,
  shellCmd: '',
  workDir: '',
  env: {},
  pattern: '0 0 0 1 1 *',
  timezone: 'UTC',
  scope: '',
  concurrency: '',
  maxConcurrency: 0,
  maxExecutions: 0,
  status: 'enabled',
};

const NO_PLUGINS: PluginDirectory = {
  list: () => [],
  find: () => undefined,
  exposes: () => false,
  isEnabledNow: () => false,
  tenantExists: (tenantId) => tenantId === 3,
  ask: async () => {},
  tell: async () => {},
};

function everything(...databases: readonly Database[]): string {
  const tables = (database: Database) =>
    database.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").pluck().all();
  return JSON.stringify(
    databases.map((database) =>
      tables(database).map((name) => [name, database.prepare(`SELECT * FROM ${name}`).raw().all()]),
    ),
    (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value),
  );
}

const request = ({ payload, ...sample }: Sample, more: object = {}) =>
  encodeHostCallRequest({ table: '', owner: '', version: '', ...sample, payload, ...more });

t.test('SQL in every text is text, and reaches nobody else', async (t) => {
  const { host, others } = stage(t);
  const before = others();
  for (const sample of samples(EVIL)) {
    const { status, error } = await host.askBytes(request(sample));
    t.ok([0, 1, 3].includes(status), `${sample.service}.${sample.method} is ${status} ${error?.fallback ?? ''}`);
    t.equal(others(), before, 'nothing of others has changed');
  }
  const { payload } = await host.ask('runtime', 'state.get', { payload: Buffer.from('\n\x01k') });
  t.equal(payload, '', 'the tables are there');
  t.strictSame(
    host.logs.filter(({ blame }) => blame === 'host'),
    [],
  );
});

t.test('what another plugin or tenant keeps under the same names is neither read nor changed', async (t) => {
  const { host, others } = stage(t);
  const before = others();
  for (const sample of samples('other').filter(({ method }) => method === 'state.get' || method === 'get')) {
    if (sample.service === 'hostconfig' || sample.service === 'manifest') continue;
    t.equal((await host.askBytes(request(sample))).response, '', `${sample.service}.${sample.method}`);
  }
  t.match((await host.ask('lock', 'acquire', { resourceRef: 'shared' })).payload, /^0801/, 'the lock is another one');
  const by = (method: string, members: object) =>
    host.ask('notifications', `messages.${method}`, { payload: json(members) });
  for (const method of ['visible.ensure', 'mark_read', 'mark_unread', 'delete'])
    t.match(await by(method, { ids: ['1'] }), { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } }, method);
  t.match((await by('list', {})).json(), { Total: 0 });
  for (const [method, members] of [
    ['update', { ID: '1', GroupID: '1', Name: 'mine', CronExpr: '@daily', Timezone: 'UTC' }],
    ['status.set', { jobId: '1', status: 'disabled' }],
    ['run', { jobId: '1' }],
    ['delete', { jobId: '1' }],
    ['visible.ensure', { ids: ['1'] }],
  ] as const) {
    const stolen = await host.ask('jobs', `jobs.${method}`, { payload: json(members) });
    t.match(stolen, { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } }, `a job of others: ${method}`);
  }
  for (const sample of samples('other')) await host.askBytes(request(sample));
  const tenant = { context: { ...host.context, tenantId: 3 } };
  for (const sample of [...samples('other'), ...samples('k')]) await host.askBytes(request(sample), tenant);
  const source = json({ sourceType: 'plugin', sourceIds: ['other'] });
  const taken = { ...NOTIFY, method: 'messages.by_source.delete', payload: source };
  t.equal((await host.askBytes(request(taken), tenant)).status, 0, 'what it has sent itself for tenant 3 is gone');
  t.equal(others(), before);
});

t.test('SQL and the names of others in envelopes are denied, and nothing is read or written', async (t) => {
  const { host, all } = stage(t);
  const before = all();
  for (const sample of samples('k')) {
    for (const resourceRef of [EVIL, 'shared2', 'other', '../shared', 'secret']) {
      const { status } = await host.askBytes(request(sample, { resourceRef }));
      t.equal(status, 1, `${sample.service}.${sample.method} of ${resourceRef.slice(0, 10)}`);
    }
    for (const more of [{ service: EVIL }, { method: EVIL }, { service: `${sample.service}\u0000` }])
      t.equal((await host.askBytes(request(sample, more))).status, 2);
    for (const more of [{ owner: EVIL }, { version: EVIL }])
      t.ok([2, 3].includes((await host.askBytes(request(sample, more))).status));
  }
  t.equal(all(), before);
});

const TRICKS = [
  'secret/b.yaml',
  '../secret/b.yaml',
  'config/../secret/b.yaml',
  'config//..//secret/b.yaml',
  'config/./../secret/b.yaml',
  'config/../../../../etc/passwd',
  'config\\..\\secret\\b.yaml',
  '/secret/b.yaml',
  '/etc/passwd',
  'C:\\secret\\b.yaml',
  'c:secret/b.yaml',
  'file:///secret/b.yaml',
  'http://config/a.yaml',
  'manifest/config/a.yaml',
  'manifest',
  'config/%2e%2e/secret/b.yaml',
  'config/..%2fsecret/b.yaml',
  'config%2f..%2fsecret/b.yaml',
  'config\0/../secret/b.yaml',
  'configs/a.yaml',
  'CONFIG/a.yaml',
  '*',
  '**',
  '[a-z]*/*.yaml',
  '.',
  '..',
  '',
];

t.test('paths of the manifest lead to nothing but what is granted', async (t) => {
  const { host } = stage(t);
  const get = (path: string) => encodePayload('HostServiceManifestGetRequest', { path });
  const read = await host.ask('manifest', 'get', { resourceRef: 'config/a.yaml', payload: get('config/a.yaml') });
  t.match(Buffer.from(read.payload, 'hex').toString(), 'of the plugin');
  for (const path of TRICKS) {
    for (const resourceRef of [path, 'config/', 'config/a.yaml']) {
      for (const [method, payload] of [
        ['get', get(path)],
        ['get_many', json({ paths: [path] })],
        ['list', json({ prefix: path })],
      ] as const) {
        const { status, payload: reply } = await host.ask('manifest', method, { resourceRef, payload });
        const told = `${method} ${JSON.stringify(path)} on ${resourceRef}`;
        t.ok([0, 1, 3].includes(status), `${told} is ${status}`);
        t.notMatch(Buffer.from(reply, 'hex').toString(), /of the plugin|b2YgdGhlIHBsdWdpb|"size"|root:/, told);
      }
    }
  }
});

t.test('a payload that is cut short is refused or another payload, never a failure of the host', async (t) => {
  const { host, all } = stage(t);
  for (const sample of samples('key')) {
    for (let end = 0; end < sample.payload.length; end++) {
      const before = all();
      const { status, error } = await host.askBytes(request({ ...sample, payload: sample.payload.subarray(0, end) }));
      const isKeyOfConfig = sample.method === 'config.get';
      const isDenied = sample.service === 'hostconfig' || sample.method === 'jobs.register';
      const fine = [0, 3, ...(isKeyOfConfig ? [4] : []), ...(isDenied ? [1] : [])];
      if (!fine.includes(status))
        t.fail(`${sample.service}.${sample.method} cut at ${end}: ${status} ${error?.fallback}`);
      if (status !== 0 && all() !== before) t.fail(`${sample.service}.${sample.method} cut at ${end} has written`);
    }
  }
  t.strictSame(
    host.logs.filter(({ blame }) => blame === 'host'),
    [],
  );
});

t.test('random bytes never make the host fail, nor reach anybody else', async (t) => {
  const { host, others } = stage(t);
  const before = others();
  const random = randomFrom(20_251_118);
  const base = [...samples('key'), ...samples(EVIL)].map((sample) => request(sample));
  const statuses = new Map<number, number>();
  for (let round = 0; round < 4000; round++) {
    const bytes = mutate(base[random(base.length)] as Uint8Array, random);
    const { status, error, labels } = await host.askBytes(bytes);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const isFine = status <= 3 || labels[1] === 'config.get';
    if (!isFine) t.fail(`${Buffer.from(bytes).toString('hex')} is ${status} ${error?.fallback}`);
  }
  t.ok(
    [0, 1, 2, 3].every((status) => (statuses.get(status) ?? 0) > 20),
    JSON.stringify([...statuses]),
  );
  t.equal(others(), before);
  t.strictSame(
    host.logs.filter(({ blame }) => blame === 'host'),
    [],
  );
});

t.test('random bytes through a guest leave a host that serves', async (t) => {
  const host = await startTestHost(t);
  const methods = (service: string) => [
    ...new Set(samples('k').flatMap((sample) => (sample.service === service ? [sample.method] : []))),
  ];
  const { asAdmin } = await serveRawCalls(host, {
    hostServices: [
      { service: 'runtime', methods: methods('runtime') },
      { service: 'plugins', methods: methods('plugins') },
      { service: 'cache', methods: methods('cache'), resources: [{ ref: 'shared' }] },
      { service: 'lock', methods: methods('lock'), resources: [{ ref: 'shared' }] },
      { service: 'hostconfig', methods: methods('hostconfig'), resources: { keys: ['k'] } },
      { service: 'notifications', methods: methods('notifications'), resources: [{ ref: 'inbox' }] },
      { service: 'jobs', methods: methods('jobs') },
      { service: 'manifest', methods: methods('manifest'), resources: { paths: ['config/'] } },
    ],
  });
  const random = randomFrom(7);
  const headers = await host.authorization();
  const base = samples('key').map(({ service, method, ...parts }) => rawCall(service, method, parts));
  for (let round = 0; round < 300; round++) {
    const body = Buffer.from(mutate(base[random(base.length)] as Uint8Array, random));
    const answer = await fetch(`${host.url}/x/demo/login`, { method: 'POST', headers, body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200) t.fail(`${body.toString('hex')} is answered with ${answer.status}: ${bytes}`);
    else readRaw(bytes);
  }
  const asked = await asAdmin('runtime', 'state.set', { payload: '0a016b120176' });
  t.equal(asked.status, 0);
});

/** Whole numbers below a bound, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One to four changes: a byte, a cut, a piece twice, a piece left out, a length gone wild. */
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  let changed = Uint8Array.from(bytes);
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(changed.length || 1);
    const to = at + random(8);
    const kind = random(6);
    if (kind <= 1) changed[at] = random(256);
    else if (kind === 2) changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    else if (kind === 3) changed = changed.slice(0, at);
    else if (kind === 4) changed = Uint8Array.from([...changed.slice(0, to), ...changed.slice(at)]);
    else changed = Uint8Array.from([...changed.slice(0, at), ...changed.slice(to)]);
  }
  return changed;
}
