import t from 'tap';
import { createTestHost, granted, hex, json } from './host.js';

const KEY_K = hex('0a016b');
const DENIED = { errorCode: 'CAPABILITY_DENIED', messageKey: 'error.capability.denied' };

t.test('29.2 #14 F031 a log line names the plugin and has its fields sorted', async (t) => {
  const host = createTestHost(t);
  const asked = await host.ask('runtime', 'log.write', {
    payload: hex('0802120568656c6c6f1a060a01621201321a060a0161120131'),
  });
  t.equal(asked.response, '');
  t.strictSame(host.logs, [{ pluginId: 'demo', level: 'info', text: '[plugin:demo] hello a=1 b=2', blame: 'plugin' }]);
});

const LEVELS: readonly (readonly [level: string, name: string])[] = [
  ['0801', 'debug'],
  ['0802', 'info'],
  ['0803', 'warn'],
  ['0804', 'error'],
  ['0805', 'info'],
  ['', 'info'],
  ['08ffffffffffffffffff01', 'info'],
];
for (const [level, name] of LEVELS) {
  t.test(`F031 log level ${level || 'none'} is ${name}`, async (t) => {
    const host = createTestHost(t);
    t.equal((await host.ask('runtime', 'log.write', { payload: hex(`${level}120178`) })).status, 0);
    t.strictSame(host.logs, [{ pluginId: 'demo', level: name, text: '[plugin:demo] x', blame: 'plugin' }]);
  });
}

t.test('29.2 #15 #16 F031 a value that was set is found', async (t) => {
  const host = createTestHost(t);
  t.equal((await host.ask('runtime', 'state.set', { payload: hex('0a016b120176') })).response, '');
  const asked = await host.ask('runtime', 'state.get', { payload: KEY_K });
  t.equal(asked.payload, '0a01761001');
});

t.test('29.2 #17 a missing key is success without payload', async (t) => {
  const asked = await createTestHost(t).ask('runtime', 'state.get', { payload: KEY_K });
  t.equal(asked.status, 0);
  t.equal(asked.response, '');
});

t.test('29.2 #18 a blank key is denied', async (t) => {
  const host = createTestHost(t);
  for (const method of ['state.get', 'state.set', 'state.delete']) {
    for (const payload of ['', '0a03202009']) {
      const asked = await host.ask('runtime', method, { payload: hex(payload) });
      t.equal(asked.status, 3);
      t.match(asked.error, DENIED);
    }
  }
});

t.test('29.2 #19 many keys are read at once, the missing ones named', async (t) => {
  const host = createTestHost(t);
  await host.ask('runtime', 'state.set', { payload: hex('0a016b120176') });
  const asked = await host.ask('runtime', 'state.get_many', {
    payload: hex('0a187b226b657973223a5b226b222c226d697373696e67225d7d'),
  });
  t.equal(
    asked.payload,
    '0a2e7b2276616c756573223a7b226b223a2276227d2c226d697373696e674b657973223a5b226d697373696e67225d7d',
  );
});

t.test('29.2 #20 many values are set and deleted at once', async (t) => {
  const host = createTestHost(t);
  const set = await host.ask('runtime', 'state.set_many', {
    payload: hex('0a1c7b2276616c756573223a7b2261223a2231222c2262223a2232227d7d'),
  });
  t.equal(set.response, '');
  const both = await host.ask('runtime', 'state.get_many', { payload: json({ keys: ['a', 'b'] }) });
  t.strictSame(both.json(), { values: { a: '1', b: '2' } });
  const deleted = await host.ask('runtime', 'state.delete_many', { payload: json({ keys: ['a', 'b', 'c'] }) });
  t.equal(deleted.response, '');
  const none = await host.ask('runtime', 'state.get_many', { payload: json({ keys: ['a', 'b'] }) });
  t.strictSame(none.json(), { values: {}, missingKeys: ['a', 'b'] });
});

t.test('29.2 #21 a key may have 255 bytes, counted in UTF-8', async (t) => {
  const host = createTestHost(t);
  const set = (key: string) => host.ask('runtime', 'state.set_many', { payload: json({ values: { [key]: 'v' } }) });
  t.equal((await set('k'.repeat(255))).status, 0);
  for (const key of ['k'.repeat(256), 'é'.repeat(128)]) {
    const asked = await set(key);
    t.equal(asked.status, 3);
    t.match(asked.error, { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 255 } });
  }
});

t.test('29.2 #22 F031 the time is milliseconds in decimal', async (t) => {
  const asked = await createTestHost(t).ask('runtime', 'info.now');
  t.equal(asked.payload, '0a0d31373633343830343330303030');
});

t.test('F031 an id differs per call', async (t) => {
  const host = createTestHost(t);
  const ids = new Set<string>();
  for (let i = 0; i < 600; i++) ids.add((await host.ask('runtime', 'info.uuid')).payload);
  t.equal(ids.size, 600);
});

t.test('F031 the node is the name of the host', async (t) => {
  const asked = await createTestHost(t).ask('runtime', 'info.node');
  t.equal(asked.payload, '0a066e6f64652d61');
});

t.test('a key is trimmed, a value is not', async (t) => {
  const host = createTestHost(t);
  await host.ask('runtime', 'state.set', { payload: hex('0a03206b20120420762020') });
  t.equal((await host.ask('runtime', 'state.get', { payload: KEY_K })).payload, '0a04207620201001');
  t.equal((await host.ask('runtime', 'state.delete', { payload: hex('0a026b0a') })).response, '');
  t.equal((await host.ask('runtime', 'state.get', { payload: KEY_K })).response, '');
});

t.test('an empty value is missing for state.get and present for state.get_many', async (t) => {
  const host = createTestHost(t);
  await host.ask('runtime', 'state.set', { payload: KEY_K });
  t.equal((await host.ask('runtime', 'state.get', { payload: KEY_K })).response, '');
  const many = await host.ask('runtime', 'state.get_many', { payload: json({ keys: ['k'] }) });
  t.strictSame(many.json(), { values: { k: '' } });
});

t.test('tenants do not see each other and not the platform', async (t) => {
  const { services } = createTestHost(t);
  const set = { service: 'runtime', method: 'state.set', resourceRef: '', table: '', owner: '', version: '' };
  const find = (name: string) => services.find('runtime', name)!.run;
  const as = (tenantId: number) => ({
    pluginId: 'demo',
    executionSource: 'jobs' as const,
    routePath: '',
    requestId: '',
    tenantId,
    deadlineAt: 0,
    manifestResources: new Map(),
    release: { key: 1, grantedServices: [], tenantFilter: true },
  });
  await find('state.set')({ ...set, payload: hex('0a016b120176') }, as(7));
  const of = async (tenantId: number) => {
    const replied = await find('state.get')({ ...set, payload: KEY_K }, as(tenantId));
    return replied.status === 0 ? replied.payload.length : -1;
  };
  t.strictSame([await of(7), await of(0), await of(8)], [5, 0, 0]);
});

t.test('a batch may name 100 keys, each counted once', async (t) => {
  const host = createTestHost(t);
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  for (const method of ['state.get_many', 'state.delete_many']) {
    const twice = await host.ask('runtime', method, { payload: json({ keys: [...keys, ...keys, ' k1 '] }) });
    t.equal(twice.status, 0);
    const more = await host.ask('runtime', method, { payload: json({ keys: [...keys, 'one more'] }) });
    t.equal(more.status, 3);
    t.match(more.error, { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 100 } });
  }
  const values = Object.fromEntries([...keys, 'one more'].map((key) => [key, 'v']));
  const set = await host.ask('runtime', 'state.set_many', { payload: json({ values }) });
  t.match(set.error, { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 100 } });
});

t.test('the values of a batch may have 1 MiB together', async (t) => {
  const host = createTestHost(t);
  const half = 'x'.repeat(1 << 19);
  const set = (values: object) => host.ask('runtime', 'state.set_many', { payload: json({ values }) });
  t.equal((await set({ a: half, b: half })).status, 0);
  const asked = await set({ a: half, b: half, c: 'x' });
  t.equal(asked.status, 3);
  t.match(asked.error, { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 1048576 } });
});

t.test('empty batches succeed', async (t) => {
  const host = createTestHost(t);
  t.equal((await host.ask('runtime', 'state.set_many')).response, '');
  t.equal((await host.ask('runtime', 'state.set_many', { payload: json({ values: {} }) })).response, '');
  t.equal((await host.ask('runtime', 'state.delete_many', { payload: json({ keys: null }) })).response, '');
  t.strictSame((await host.ask('runtime', 'state.get_many', { payload: json(null) })).json(), { values: {} });
});

t.test('members of JSON arguments are found in any letter case, and of the right type only', async (t) => {
  const host = createTestHost(t);
  const asked = await host.ask('runtime', 'state.get_many', { payload: json({ KEYS: ['k'], other: 1 }) });
  t.strictSame(asked.json(), { values: {}, missingKeys: ['k'] });
  for (const wrong of [{ keys: 'k' }, { keys: [1] }, { keys: { k: 1 } }, ['k'], 'k', 7, true]) {
    const refused = await host.ask('runtime', 'state.get_many', { payload: json(wrong) });
    t.equal(refused.status, 3, JSON.stringify(wrong));
    t.match(refused.error?.fallback, /^decode capability JSON request failed/);
  }
  const values = await host.ask('runtime', 'state.set_many', { payload: json({ values: { k: 1 } }) });
  t.match(values.error?.fallback, /^decode capability JSON request failed/);
});

t.test("the host's own row of a tenant cannot be touched", async (t) => {
  const host = createTestHost(t);
  const key = '0a125f5f74656e616e745f656e61626c65645f5f';
  for (const method of ['state.get', 'state.set', 'state.delete']) {
    const asked = await host.ask('runtime', method, { payload: hex(key) });
    t.equal(asked.status, 3);
    t.match(asked.error, DENIED);
  }
  const keys = ['a', ' __tenant_enabled__'];
  t.match((await host.ask('runtime', 'state.get_many', { payload: json({ keys }) })).error, DENIED);
  t.match((await host.ask('runtime', 'state.delete_many', { payload: json({ keys }) })).error, DENIED);
  const values = { __tenant_enabled__: 'enabled' };
  t.match((await host.ask('runtime', 'state.set_many', { payload: json({ values }) })).error, DENIED);
});

t.test('a state that fails is status 4', async (t) => {
  const host = createTestHost(t, {
    environment: {
      state: () => {
        throw new Error('database is locked');
      },
    },
  });
  const asked = await host.ask('runtime', 'state.get', { payload: KEY_K });
  t.equal(asked.status, 4);
  t.equal(asked.error?.fallback, 'database is locked');
  t.equal((await host.ask('runtime', 'state.get')).status, 3);
});

t.test('F020 runtime takes no resource', async (t) => {
  const host = createTestHost(t, { grants: [granted('runtime')] });
  t.equal((await host.ask('runtime', 'info.now', { resourceRef: 'x' })).status, 1);
});
