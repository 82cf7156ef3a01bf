import t, { type Test } from 'tap';
import type { CacheStore } from '../../../src/protocol/cache.js';
import { encodePayload, type PayloadInput } from '../../../src/protocol/payloads.js';
import { createMemoryCache } from '../../../src/services/cache/memory.js';
import { createTestHost, granted, hex, json } from '../host.js';

const REF = 'host-call-demo-cache';
/** 2025-11-18T13:20:30.000Z */
const START = 1763472030000;

function stage(t: Test, more: { readonly cache?: CacheStore; readonly tenantId?: number; readonly ref?: string } = {}) {
  const clock = { now: START };
  const now = () => clock.now;
  const cache = more.cache ?? createMemoryCache({ maxEntries: 1000, maxBytes: 1 << 20, now }).run;
  const grants = [granted('cache', { resources: [{ ref: more.ref ?? REF }] as never })];
  const host = createTestHost(t, {
    grants,
    environment: { now, cache },
    context: { tenantId: more.tenantId ?? 0 },
  });
  const ask = (method: string, payload: Uint8Array | string, resourceRef = more.ref ?? REF) =>
    host.ask('cache', method, { resourceRef, payload: typeof payload === 'string' ? hex(payload) : payload });
  const set = (fields: PayloadInput<'HostServiceCacheSetRequest'>) =>
    ask('set', encodePayload('HostServiceCacheSetRequest', fields));
  return { ask, set, clock, cache };
}

t.test('29.6 #68 #69 F035 a value that was set is found, with the time when it expires', async (t) => {
  const { ask } = stage(t);
  const stored = await ask('set', '0a0770726f66696c6512107b22656e61626c6564223a747275657d18ac02');
  const value = '080112107b22656e61626c6564223a747275657d2214323032352d31312d31385431333a32353a33305a';
  t.equal(stored.payload, `0a2a${value}`);
  t.equal((await ask('get', '0a0770726f66696c65')).payload, `0801122a${value}`);
});

t.test('29.6 #70 #71 incr counts from zero, down as well as up, and its value has no text', async (t) => {
  const { ask } = stage(t);
  const first = await ask('incr', '0a07636f756e7465721005183c');
  t.equal(first.payload, '0a1a080218052214323032352d31312d31385431333a32313a33305a');
  const second = await ask('incr', '0a07636f756e74657210feffffffffffffffff01183c');
  t.equal(second.payload, '0a1a080218032214323032352d31312d31385431333a32313a33305a');
  t.equal(
    (await ask('get', '0a07636f756e746572')).payload.slice(8),
    '080218032214323032352d31312d31385431333a32313a33305a',
  );
  const many = await ask('get_many', json({ keys: ['counter'] }));
  t.strictSame(many.json(), {
    items: { counter: { valueKind: 2, value: '', intValue: 3, expireAt: '2025-11-18T13:21:30Z' } },
  });
});

t.test('incr goes on beyond what a JavaScript number holds, and wraps where 64 bits end', async (t) => {
  const { ask } = stage(t);
  const incr = (delta: bigint | number) =>
    ask('incr', encodePayload('HostServiceCacheIncrRequest', { key: 'n', delta, expireSeconds: 60 }));
  await incr(9_007_199_254_740_991);
  await incr(2);
  t.match(
    (await ask('get_many', json({ keys: ['n'] }))).payload,
    Buffer.from('"intValue":9007199254740993').toString('hex'),
  );
  await incr(9_223_372_036_854_775_807n);
  t.match(
    (await ask('get_many', json({ keys: ['n'] }))).payload,
    Buffer.from('"intValue":-9214364837600034816').toString('hex'),
  );
});

t.test('29.6 #72 incr on a text is refused and changes nothing', async (t) => {
  const { ask, set } = stage(t);
  await set({ key: 'k', value: '12', expireSeconds: 60 });
  const before = (await ask('get', '0a016b')).payload;
  const refused = await ask('incr', '0a016b1001183c');
  t.match(refused, { status: 3, error: { errorCode: 'KV_CACHE_INCREMENT_VALUE_NOT_INTEGER' } });
  t.equal((await ask('get', '0a016b')).payload, before);
});

const REFUSALS: readonly (readonly [title: string, method: string, payload: string, code: string, params?: object])[] =
  [
    ['29.6 #73 set without a time to live', 'set', '0a016b120176', 'KV_CACHE_EXPIRE_SECONDS_REQUIRED'],
    [
      '29.6 #74 a negative time to live',
      'set',
      '0a016b12017618ffffffffffffffffff01',
      'KV_CACHE_EXPIRE_SECONDS_NEGATIVE',
    ],
    [
      '29.6 #75 a value of 4097 bytes',
      'set',
      `0a016b128120${'61'.repeat(4097)}183c`,
      'KV_CACHE_VALUE_TOO_LONG',
      { maxBytes: 4096 },
    ],
    ['incr without a time to live', 'incr', '0a016b1001', 'KV_CACHE_EXPIRE_SECONDS_REQUIRED'],
    ['expire without a time to live', 'expire', '0a016b', 'KV_CACHE_EXPIRE_SECONDS_REQUIRED'],
    ['expire into the past', 'expire', '0a016b10ffffffffffffffffff01', 'KV_CACHE_EXPIRE_SECONDS_NEGATIVE'],
    ['a blank key', 'get', '0a0120', 'KV_CACHE_FIELD_REQUIRED', { field: 'key' }],
    ['no key', 'delete', '', 'KV_CACHE_FIELD_REQUIRED', { field: 'key' }],
    [
      'a key of 129 bytes',
      'get',
      `0a8101${'6b'.repeat(129)}`,
      'KV_CACHE_FIELD_TOO_LONG',
      { field: 'key', maxBytes: 128 },
    ],
  ];
for (const [title, method, payload, errorCode, messageParams] of REFUSALS) {
  t.test(`${title} is refused`, async (t) => {
    const { ask } = stage(t);
    const asked = await ask(method, payload);
    t.match(asked, { status: 3, error: { errorCode, ...(messageParams && { messageParams }) } });
    t.equal((await ask('get', '0a016b')).payload, '', 'nothing is stored');
  });
}

t.test('a value of 4096 bytes and a key of 128 are taken', async (t) => {
  const { set } = stage(t);
  t.equal((await set({ key: 'k'.repeat(128), value: 'v'.repeat(4096), expireSeconds: 1 })).status, 0);
});

t.test('29.6 #76 expire gives a value a new life; a missing key is found by nobody', async (t) => {
  const { ask, set, clock } = stage(t);
  await set({ key: 'counter', value: 'x', expireSeconds: 10 });
  const extended = await ask('expire', '0a07636f756e746572101e');
  t.equal(extended.payload, '08011214323032352d31312d31385431333a32313a30305a');
  clock.now += 29_999;
  t.not((await ask('get', '0a07636f756e746572')).payload, '');
  clock.now += 1;
  t.equal((await ask('get', '0a07636f756e746572')).response, '');
  t.equal((await ask('expire', '0a07636f756e746572101e')).response, '');
});

t.test('a fraction of a second is written without zeros at its end', async (t) => {
  const { ask, set, clock } = stage(t);
  clock.now += 120;
  await set({ key: 'k', value: 'v', expireSeconds: 1 });
  t.match(Buffer.from((await ask('get', '0a016b')).payload, 'hex').toString('latin1'), '2025-11-18T13:20:31.12Z');
});

t.test('a life of millions of years ends with the year 9999', async (t) => {
  const { set } = stage(t);
  const asked = await set({ key: 'k', value: 'v', expireSeconds: 9_223_372_036_854_775_807n });
  t.match(Buffer.from(asked.payload, 'hex').toString('latin1'), '9999-12-31T23:59:59.999Z');
});

t.test('an expired counter begins anew', async (t) => {
  const { ask, clock } = stage(t);
  await ask('incr', '0a016b10051801');
  clock.now += 1000;
  t.match((await ask('incr', '0a016b10021801')).payload, /^0a1a08021802/);
});

t.test('29.6 #77 many are read at once, the missing ones named', async (t) => {
  const { ask, set } = stage(t);
  await set({ key: 'a', value: 'A', expireSeconds: 60 });
  const asked = await ask('get_many', '0a127b226b657973223a5b2261222c2262225d7d');
  const text = '{"items":{"a":{"valueKind":1,"value":"A","expireAt":"2025-11-18T13:21:30Z"}},"missingKeys":["b"]}';
  t.equal(asked.payload, `0a61${Buffer.from(text).toString('hex')}`);
});

t.test('many are set and deleted at once; of a key that comes twice the last value counts', async (t) => {
  const { ask } = stage(t);
  const items = [
    { key: ' b ', value: '1', expireSeconds: 60 },
    { Key: 'a', VALUE: '2', expireSeconds: 60 },
    { key: 'b', value: '3', expireSeconds: 30 },
  ];
  const stored = await ask('set_many', json({ items }));
  t.strictSame(stored.json(), {
    items: {
      a: { valueKind: 1, value: '2', expireAt: '2025-11-18T13:21:30Z' },
      b: { valueKind: 1, value: '3', expireAt: '2025-11-18T13:21:00Z' },
    },
  });
  t.equal((await ask('delete_many', json({ keys: ['a', 'gone'] }))).response, '');
  t.strictSame((await ask('get_many', json({ keys: ['a', 'b'] }))).json(), {
    items: { b: { valueKind: 1, value: '3', expireAt: '2025-11-18T13:21:00Z' } },
    missingKeys: ['a'],
  });
});

t.test('a batch goes on up to the key that is refused', async (t) => {
  const { ask } = stage(t);
  const item = (key: string, expireSeconds = 60) => ({ key, value: 'v', expireSeconds });
  const refused = await ask('set_many', json({ items: [item('a'), item('k'.repeat(129)), item('b')] }));
  t.match(refused, { status: 3, error: { errorCode: 'KV_CACHE_FIELD_TOO_LONG' } });
  t.match((await ask('set_many', json({ items: [item('c'), item('d', 0)] }))).error, {
    errorCode: 'KV_CACHE_EXPIRE_SECONDS_REQUIRED',
  });
  const found = (await ask('get_many', json({ keys: ['a', 'b', 'c', 'd'] }))).json() as { missingKeys: string[] };
  t.strictSame(found.missingKeys, ['b', 'd']);
});

t.test('batches have limits', async (t) => {
  const { ask } = stage(t);
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`);
  t.equal((await ask('get_many', json({ keys: [...keys(100), ' k0'] }))).status, 0);
  t.match(await ask('get_many', json({ keys: keys(101) })), {
    status: 3,
    error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 100 } },
  });
  t.match((await ask('get_many', json({ keys: ['a', ' '] }))).error, { errorCode: 'PLUGIN_SOURCE_CACHE_KEY_REQUIRED' });
  t.match((await ask('delete_many', json({ keys: ['k'.repeat(257)] }))).error, { messageParams: { limit: 256 } });
  const items = keys(100).map((key) => ({ key, value: 'v'.repeat(10_486), expireSeconds: 1 }));
  t.match((await ask('set_many', json({ items }))).error, { messageParams: { limit: 1 << 20 } });
  t.strictSame((await ask('get_many', hex(''))).json(), { items: {} });
});

t.test('29.6 #78 an undeclared namespace is denied, as is none', async (t) => {
  const { ask } = stage(t);
  for (const ref of ['other', ''])
    t.match(await ask('get', '0a016b', ref), { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } });
});

t.test('a namespace of more than 64 bytes is refused', async (t) => {
  const { ask } = stage(t, { ref: 'n'.repeat(65) });
  t.match((await ask('get', '0a016b')).error, {
    errorCode: 'KV_CACHE_FIELD_TOO_LONG',
    messageParams: { field: 'namespace', maxBytes: 64 },
  });
});

t.test('tenants and namespaces have their own keys', async (t) => {
  const platform = stage(t);
  await platform.set({ key: 'k', value: 'v', expireSeconds: 60 });
  const tenant = stage(t, { cache: platform.cache, tenantId: 7 });
  t.equal((await tenant.ask('get', '0a016b')).response, '');
  t.equal((await stage(t, { cache: platform.cache, ref: 'other' }).ask('get', '0a016b')).response, '');
  t.not((await platform.ask('get', '0a016b')).response, '');
});

t.test('a cache that answers later, as another process does, gives the same answers', async (t) => {
  const { run } = createMemoryCache({ maxEntries: 10, maxBytes: 1 << 20, now: () => START });
  const { ask, set } = stage(t, { cache: async (scope, commands) => run(scope, commands) });
  await set({ key: 'k', value: 'v', expireSeconds: 60 });
  t.match((await ask('get', '0a016b')).payload, /^0801/);
  t.match((await ask('incr', '0a016b1001183c')).error, { errorCode: 'KV_CACHE_INCREMENT_VALUE_NOT_INTEGER' });
});
