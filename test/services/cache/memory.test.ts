import t from 'tap';
import { type CacheCommand, type CacheValue, createCacheStamps } from '../../../src/protocol/cache.js';
import { createMemoryCache, type MemoryCacheOptions } from '../../../src/services/cache/memory.js';

const SCOPE = { pluginId: 'demo', tenantId: 0, namespace: 'n' };

function stage(more: Partial<MemoryCacheOptions> = {}) {
  const clock = { now: 1_000_000 };
  const events: string[] = [];
  const count = (event: string) => void events.push(event);
  const cache = createMemoryCache({ maxEntries: 3, maxBytes: 1 << 20, now: () => clock.now, count, ...more });
  const run = (command: CacheCommand, scope = SCOPE) =>
    (cache.run(scope, [command]) as readonly (CacheValue | undefined)[])[0];
  const set = (key: string, value = 'v', lifeMs = 60_000, scope = SCOPE) =>
    run({ do: 'set', key, value, expireAt: clock.now + lifeMs }, scope);
  const has = (key: string, scope = SCOPE) => run({ do: 'get', key }, scope) !== undefined;
  return { cache, clock, events, run, set, has };
}

t.test('what was used longest ago makes room', async (t) => {
  const { set, has, events } = stage();
  for (const key of ['a', 'b', 'c']) set(key);
  has('a');
  set('d');
  t.strictSame(
    ['a', 'b', 'c', 'd'].map((key) => has(key)),
    [true, false, true, true],
  );
  t.equal(events.filter((event) => event === 'eviction').length, 1);
});

t.test('what has expired makes room before what lives', async (t) => {
  const { set, has, clock } = stage();
  set('a');
  set('short', 'v', 10);
  set('c');
  clock.now += 10;
  set('d');
  t.strictSame(
    ['a', 'short', 'c', 'd'].map((key) => has(key)),
    [true, false, true, true],
  );
});

t.test('a plugin has so many bytes, and no more', async (t) => {
  const { set, has } = stage({ maxEntries: 1000, maxBytes: 4096 });
  for (let i = 0; i < 10; i++) set(`k${i}`, 'v'.repeat(1000));
  t.strictSame([has('k6'), has('k7'), has('k9')], [false, true, true]);
});

t.test('a plugin that fills its cache costs no other plugin an entry', async (t) => {
  const { set, has } = stage();
  const other = { ...SCOPE, pluginId: 'other' };
  set('mine', 'v', 60_000, other);
  for (let i = 0; i < 100; i++) set(`k${i}`);
  t.ok(has('mine', other));
});

t.test('no tenant, namespace and key together mean what others mean', async (t) => {
  const { set, has } = stage({ maxEntries: 100 });
  set('b:c', 'v', 60_000, { ...SCOPE, namespace: 'a' });
  t.notOk(has('c', { ...SCOPE, namespace: 'a:b' }));
  set('k', 'v', 60_000, { ...SCOPE, tenantId: 1 });
  t.notOk(has('k', { ...SCOPE, tenantId: 11 }));
});

t.test('hits and misses are counted', async (t) => {
  const { set, has, events } = stage();
  set('a');
  has('a');
  has('b');
  t.strictSame(events, ['hit', 'miss']);
});

t.test('every change is stamped: writes, deletes, what makes room, what is forgotten', async (t) => {
  const stamps = createCacheStamps();
  const { cache, run, set } = stage({ stamps, maxEntries: 1 });
  const changes = (work: () => unknown): number => {
    const before = stamps.reduce((sum, stamp) => sum + stamp, 0);
    work();
    return stamps.reduce((sum, stamp) => sum + stamp, 0) - before;
  };
  t.equal(
    changes(() => set('a')),
    1,
  );
  t.equal(
    changes(() => run({ do: 'get', key: 'a' })),
    0,
  );
  t.equal(
    changes(() => run({ do: 'expire', key: 'a', expireAt: 2_000_000 })),
    1,
  );
  t.equal(
    changes(() => run({ do: 'incr', key: 'a', delta: 1, expireAt: 2_000_000 })),
    0,
    'a text is no counter',
  );
  t.equal(
    changes(() => set('b')),
    2,
    'b came and a went',
  );
  t.equal(
    changes(() => run({ do: 'delete', key: 'b' })),
    1,
  );
  t.equal(
    changes(() => run({ do: 'delete', key: 'b' })),
    0,
  );
  set('c');
  t.equal(
    changes(() => cache.forget('demo')),
    1,
  );
  t.equal(run({ do: 'get', key: 'c' }), undefined);
});
