import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openLockStore } from '../../src/store/locks.js';

const SYNC = { pluginId: 'demo', tenantId: 0, name: 'sync' };

function stage(t: Test) {
  const clock = { now: 1_000_000 };
  const path = join(t.testdir(), 'state.db');
  const open = () => {
    const store = openLockStore(path, () => clock.now);
    t.teardown(() => store.close());
    return store;
  };
  return { clock, open };
}

t.test('F036 one holder at a time, also over two connections', async (t) => {
  const { open } = stage(t);
  const [one, other] = [open(), open()];
  const held = one.acquire(SYNC, 5000);
  t.match(held, { expireAt: 1_005_000 });
  t.equal(other.acquire(SYNC, 5000), undefined);
  t.equal(one.acquire(SYNC, 5000), undefined, 'nor the holder again');
  t.ok(one.release(SYNC, held?.fence ?? 0));
  t.ok(other.acquire(SYNC, 5000));
});

t.test('a lease that has run out is free, and its holder neither renews nor releases what others hold', async (t) => {
  const { open, clock } = stage(t);
  const store = open();
  const first = store.acquire(SYNC, 5000)?.fence ?? 0;
  clock.now += 5000;
  t.equal(store.renew(SYNC, first, 5000), undefined);
  const second = store.acquire(SYNC, 5000)?.fence ?? 0;
  t.ok(second > first, 'the fencing token grows');
  t.notOk(store.release(SYNC, first));
  t.equal(store.acquire(SYNC, 5000), undefined, 'it is held still');
});

t.test('a lease is renewed from now on', async (t) => {
  const { open, clock } = stage(t);
  const store = open();
  const { fence = 0 } = store.acquire(SYNC, 5000) ?? {};
  clock.now += 4999;
  t.equal(store.renew(SYNC, fence, 5000), 1_009_999);
  clock.now += 4999;
  t.equal(store.acquire(SYNC, 5000), undefined);
});

t.test('the fencing token grows over releases and restarts', async (t) => {
  const { open } = stage(t);
  const store = open();
  const first = store.acquire(SYNC, 5000)?.fence ?? 0;
  store.release(SYNC, first);
  store.close();
  t.ok((open().acquire(SYNC, 5000)?.fence ?? 0) > first);
});

t.test('names of other plugins, tenants and locks never collide', async (t) => {
  const { open } = stage(t);
  const store = open();
  const others = [{ pluginId: 'other' }, { tenantId: 1 }, { name: 'sync2' }].map((part) => ({ ...SYNC, ...part }));
  const { fence = 0 } = store.acquire(SYNC, 5000) ?? {};
  for (const other of others) {
    t.ok(store.acquire(other, 5000));
    t.notOk(store.release(other, fence));
    t.equal(store.renew(other, fence, 5000), undefined);
  }
});

t.test('all who share the file have the same key for tickets, and others have another', async (t) => {
  const { open } = stage(t);
  t.same(open().ticketKey(), open().ticketKey());
  t.equal(open().ticketKey().length, 32);
  const elsewhere = openLockStore(':memory:');
  t.teardown(() => elsewhere.close());
  t.notSame(elsewhere.ticketKey(), open().ticketKey());
});
