import t from 'tap';
import {
  addEntry,
  createBatch,
  isHeldUp,
  isOpen,
  isWaitingForHost,
  type Running,
  type RunningBatch,
  ranMs,
  removeEntry,
} from '../../src/engine/batch.js';
import { closeFeed, createFeeds, type Feed, openFeeds } from '../../src/protocol/feed.js';
import { CALLING, createSlotTable, queueSlot, type Slot, setBlocking, takeSlot } from '../../src/protocol/slot.js';

const STARTED_AT = 1_000_000;

function batchOf(count: number): { readonly batch: RunningBatch; readonly slots: readonly Slot[] } {
  const { slots } = createSlotTable(count, 8192);
  const batch = createBatch(openFeeds(createFeeds(1, 4), 4)[0] as Feed);
  for (const slot of slots) {
    queueSlot(slot, 1, { releaseKey: 1, requestBytes: 0, source: 0, tenantId: 0, deadlineMs: 100 });
    addEntry({ slot, batch, expectedMs: 0.1 } as Running);
  }
  return { batch, slots };
}

t.test(
  'a batch takes more while its first guest is quick, and nothing once that one has run longer than 2 ms',
  async (t) => {
    const { batch, slots } = batchOf(2);
    t.equal(ranMs(batch, STARTED_AT + 500), 0, 'nobody has begun');
    t.ok(isOpen(batch, STARTED_AT + 500));
    takeSlot(slots[0]!, 1, STARTED_AT);
    t.equal(ranMs(batch, STARTED_AT + 2), 2);
    t.same([isHeldUp(batch, STARTED_AT + 2), isOpen(batch, STARTED_AT + 2)], [false, true]);
    t.same([isHeldUp(batch, STARTED_AT + 3), isOpen(batch, STARTED_AT + 3)], [true, false]);
  },
);

t.test('how long a guest runs is counted from its own start, not from that of the one before it', async (t) => {
  const { batch, slots } = batchOf(2);
  takeSlot(slots[0]!, 1, STARTED_AT);
  removeEntry(batch.entries[0]!);
  t.notOk(isHeldUp(batch, STARTED_AT + 500), 'the next has not begun');
  takeSlot(slots[1]!, 1, STARTED_AT + 500);
  t.equal(ranMs(batch, STARTED_AT + 501), 1);
});

t.test('a batch that was closed takes no more, however quick its guests are', async (t) => {
  const { batch } = batchOf(1);
  closeFeed(batch.feed);
  t.notOk(isOpen(batch, STARTED_AT));
});

t.test('a batch without guests holds nobody up and waits for nobody', async (t) => {
  const { batch } = batchOf(0);
  t.same([ranMs(batch, STARTED_AT), isHeldUp(batch, STARTED_AT), isWaitingForHost(batch)], [0, false, false]);
});

t.test('the work of a batch is that of its guests, and none is left with the last of them', async (t) => {
  const { batch } = batchOf(3);
  const [first, second, third] = [...batch.entries] as [Running, Running, Running];
  t.equal(batch.expectedMs.toFixed(3), '0.300');
  removeEntry(second);
  t.same(batch.entries, [first, third], 'one in the middle goes alone');
  t.equal(batch.expectedMs.toFixed(3), '0.200');
  removeEntry(first);
  removeEntry(third);
  t.equal(batch.expectedMs, 0, 'not a rest of the sums');
});

t.test(
  'a thread waits when the guest that it runs waits for the host or a disk, whatever stands behind it',
  async (t) => {
    const { batch, slots } = batchOf(2);
    t.notOk(isWaitingForHost(batch));
    Atomics.store(slots[1]!.words, 0, CALLING);
    t.notOk(isWaitingForHost(batch), 'the second does not run yet');
    Atomics.store(slots[0]!.words, 0, CALLING);
    t.ok(isWaitingForHost(batch));
    takeSlot(slots[0]!, 1, STARTED_AT);
    Atomics.store(slots[0]!.words, 0, 0);
    setBlocking(slots[0]!, true);
    t.ok(isWaitingForHost(batch), 'for a disk');
    setBlocking(slots[0]!, false);
    t.notOk(isWaitingForHost(batch));
  },
);
