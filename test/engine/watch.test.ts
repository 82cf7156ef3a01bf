import t, { type Test } from 'tap';
import { createBatch, type Running, type RunningBatch } from '../../src/engine/batch.js';
import { createWatch } from '../../src/engine/watch.js';
import { createFeeds, type Feed, openFeeds } from '../../src/protocol/feed.js';
import { createSlotTable, finishSlot, queueSlot, RESPONSE, type Slot, takeSlot } from '../../src/protocol/slot.js';
import { stopClock } from './clock.js';

/** A batch whose guest began so long ago; what the watch does with it is told by name. */
function watchGuest(t: Test, { ranMs, fuel }: { ranMs: number; fuel: boolean }) {
  const clock = stopClock(t);
  const slot = createSlotTable(1, 8192).slots[0] as Slot;
  queueSlot(slot, 1, { releaseKey: 1, requestBytes: 0, source: 0, tenantId: 0, deadlineMs: 100 });
  takeSlot(slot, 1, clock.now() - ranMs);
  const batch: RunningBatch = createBatch(openFeeds(createFeeds(1, 2), 2)[0] as Feed);
  const job = { deadlineMs: 100, release: { layout: fuel ? { fuelGlobal: 'f' } : {} } };
  batch.entries.push({ slot, job } as unknown as Running);
  const seen: string[] = [];
  let looks = 0;
  const looked = (wanted: number) =>
    new Promise<void>((resolve) => {
      const ask = () => (looks >= wanted ? resolve() : setImmediate(ask));
      ask();
    });
  let rest = (): void => {};
  const rested = new Promise<void>((resolve) => {
    rest = resolve;
  });
  const watch = createWatch({
    batches: [batch],
    isIdle() {
      const isIdle = batch.entries.length === 0;
      if (isIdle) rest();
      return isIdle;
    },
    expire: () => seen.push('expire'),
    withdraw: () => seen.push('withdraw'),
    kill: () => seen.push('kill'),
    onLook: () => {
      looks += 1;
      watch.begin();
    },
  });
  t.teardown(() => watch.end());
  return { watch, batch, slot, seen, looked, rested };
}

const CASES = [
  ['a guest within its deadline only loses what waits behind it', { ranMs: 110, fuel: false }, false],
  ['a guest past its deadline is killed', { ranMs: 111, fuel: false }, true],
  ['a guest that looks at the deadline by itself is given more time for it', { ranMs: 200, fuel: true }, false],
  ['but not for ever', { ranMs: 201, fuel: true }, true],
] as const;

for (const [promise, guest, isKilled] of CASES) {
  t.test(promise, async (t) => {
    const { watch, seen, looked } = watchGuest(t, guest);
    watch.begin();
    await looked(1);
    t.same([...new Set(seen)], isKilled ? ['expire', 'withdraw', 'kill'] : ['expire', 'withdraw']);
  });
}

t.test('a guest that has ended is left alone, however long it took', async (t) => {
  const { watch, slot, seen, looked } = watchGuest(t, { ranMs: 10_000, fuel: false });
  finishSlot(slot, { kind: RESPONSE, bytes: 0, hostCalls: 0, endedAt: 0 });
  watch.begin();
  await looked(2);
  t.same(new Set(seen), new Set(['expire']));
});

t.test('it looks as long as there is something to see, and begins anew', async (t) => {
  const { watch, batch, seen, looked, rested } = watchGuest(t, { ranMs: 0, fuel: true });
  watch.begin();
  await looked(2);
  const entries = batch.entries.splice(0);
  await rested;
  const before = seen.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(seen.length, before, 'at rest');
  batch.entries.push(...entries);
  watch.begin();
  await looked(before + 1);
  t.ok(seen.length > before);
});
