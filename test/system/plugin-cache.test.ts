/** The cache as guests in several threads see it. */
import t from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { type RawCall, serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';
import { until } from './processes.js';

const METHODS = ['get', 'get_many', 'set', 'set_many', 'delete', 'delete_many', 'incr', 'expire'];
const CACHE = [{ service: 'cache', methods: METHODS, resources: [{ ref: 'shared' }] }];

const at = (call: RawCall) => ({
  get: async (key: string) => {
    const { payload } = await call('cache', 'get', { resourceRef: 'shared', payload: Buffer.from(`\n\x01${key}`) });
    return payload;
  },
  set: (key: string, value: string) =>
    call('cache', 'set', {
      resourceRef: 'shared',
      payload: encodePayload('HostServiceCacheSetRequest', { key, value, expireSeconds: 3600 }),
    }),
  incr: (key: string) =>
    call('cache', 'incr', {
      resourceRef: 'shared',
      payload: encodePayload('HostServiceCacheIncrRequest', { key, delta: 1, expireSeconds: 3600 }),
    }),
});

t.test('F035 what counts together in many threads counts everything', async (t) => {
  const host = await startTestHost(t, { POOL_MIN_THREADS: '4', POOL_MAX_THREADS: '4', POOL_BATCH_SIZE: '1' });
  const { asNobody } = await serveRawCalls(host, { hostServices: CACHE });
  const { get, incr } = at(asNobody);
  const answered = await Promise.all(Array.from({ length: 100 }, () => incr('n')));
  t.equal(new Set(answered.map(({ payload }) => payload)).size, 100, 'everybody got a number of their own');
  t.match(await get('n'), /^0801.{4}08021864/, 'the last one is 100');
});

t.test('F035 a value that was written is read at once, in whichever thread', async (t) => {
  const host = await startTestHost(t, { POOL_MIN_THREADS: '4', POOL_MAX_THREADS: '4', POOL_BATCH_SIZE: '1' });
  const { asNobody } = await serveRawCalls(host, { hostServices: CACHE });
  const { get, set } = at(asNobody);
  for (const value of ['aa', 'bb', 'cc', 'dd', 'ee']) {
    await set('k', value);
    const read = await Promise.all(Array.from({ length: 12 }, () => get('k')));
    const expected = Buffer.from(value).toString('hex');
    t.ok(
      read.every((payload) => payload.includes(`1202${expected}`)),
      value,
    );
  }
});

t.test('what is found and what is missed is counted, wherever it is answered', async (t) => {
  const host = await startTestHost(t, { POOL_MAX_THREADS: '1', POOL_MAX_WAITING_THREADS: '0' });
  const { asNobody } = await serveRawCalls(host, { hostServices: CACHE });
  const { get, set } = at(asNobody);
  await set('k', 'v');
  for (let i = 0; i < 3; i++) await get('k');
  for (let i = 0; i < 2; i++) await get('x');
  const counted = async (event: string): Promise<number> => {
    const { text } = await host.fetch('/metrics');
    const [, value] =
      new RegExp(`^sandpool_cache_events_total\\{cache="plugins",event="${event}"\\} (\\d+)$`, 'm').exec(text) ?? [];
    return Number(value ?? 0);
  };
  // A thread tells what it has counted when its task ends.
  await until('all are counted', async () => (await counted('hit')) === 3 && (await counted('miss')) === 2);
  t.same([await counted('hit'), await counted('miss')], [3, 2]);
});

t.test('F035 no plugin reads what another has cached under the same name', async (t) => {
  const host = await startTestHost(t);
  const mine = at((await serveRawCalls(host, { hostServices: CACHE })).asNobody);
  const other = at((await serveRawCalls(host, { id: 'other', hostServices: CACHE })).asNobody);
  await mine.set('k', 'v');
  t.not(await mine.get('k'), '');
  t.equal(await other.get('k'), '');
  await host.registry.disable('demo');
  await host.registry.uninstall('demo');
  const again = at((await serveRawCalls(host, { hostServices: CACHE })).asNobody);
  t.equal(await again.get('k'), '', 'what is uninstalled is forgotten');
});
