import t from 'tap';
import type { Lane, RunningBatch, Waiting } from '../../src/engine/batch.js';
import { createBatch } from '../../src/engine/batch.js';
import { createLeases } from '../../src/engine/leases.js';
import { closeFeed, nextEntry, publishFeed, readFeed } from '../../src/protocol/feed.js';
import { readRequest, takeSlot } from '../../src/protocol/slot.js';

const SIZES = { slotCount: 3, slotBytes: 8192, batchSize: 2, feedCount: 1 };
const open = () => false;
const closed = () => true;

function waitingWith(text: string): Waiting {
  const job = {
    release: { key: 7 },
    source: 1,
    tenantId: 2,
    deadlineMs: 1000,
    encode: (target: Buffer, end: number) => (text.length > end ? -1 : target.write(text)),
    encoded: () => Buffer.from(text),
  };
  return { job, lane: { averageRunMs: 3 } as Lane, isLarge: false } as unknown as Waiting;
}

t.test('a request is in a slot, which the thread of the batch finds in its feed', async (t) => {
  const leases = createLeases(SIZES);
  const batch = createBatch(leases.takeFeed());
  t.equal(leases.freeFeeds(), 0);
  const running = leases.lease(waitingWith('hello'), batch, open);
  t.match(running, { expectedMs: 3, settled: false });
  publishFeed(batch.feed);
  const reader = readFeed(batch.feed);
  t.ok(nextEntry(reader, 0));
  const slot = leases.table.slots[reader.slot];
  t.ok(slot && takeSlot(slot, reader.ticket, Date.now()));
  t.equal(slot && readRequest(slot).bytes.toString(), 'hello');
  t.equal(leases.freeSlots(), 2);
  if (running) leases.giveBack(running.slot);
  t.equal(leases.freeSlots(), 3);
});

t.test('what no slot can hold has memory of its own as long as the slot is its', async (t) => {
  const leases = createLeases(SIZES);
  const batch = createBatch(leases.takeFeed());
  const large = waitingWith('x'.repeat(10_000));
  t.equal(leases.lease(large, batch, closed), undefined, 'a batch that was posted cannot send it along');
  t.equal(large.isLarge, true);
  t.equal(leases.freeSlots(), 3);
  const running = leases.lease(large, batch, open);
  t.equal(batch.large?.get(running?.slot.index ?? -1), running?.slot.words.buffer);
  t.equal(running && readRequest(running.slot).bytes.length, 10_000);
  if (running) leases.giveBack(running.slot);
  const next = leases.lease(waitingWith('small'), batch, closed);
  t.equal(next?.slot.words.buffer, leases.table.slots[0]?.words.buffer, 'the slot itself again');
});

t.test('a feed that takes no more takes no slot either', async (t) => {
  const leases = createLeases(SIZES);
  const batch: RunningBatch = createBatch(leases.takeFeed());
  t.ok(leases.lease(waitingWith('a'), batch, open));
  t.ok(leases.lease(waitingWith('b'), batch, open));
  t.equal(leases.lease(waitingWith('c'), batch, open), undefined, 'it is full');
  const late = waitingWith('x'.repeat(10_000));
  closeFeed(batch.feed);
  t.equal(leases.lease(late, batch, open), undefined, 'it is closed');
  t.equal(batch.large?.size, 0, 'nothing is sent along for it');
  t.equal(leases.freeSlots(), 1);
  leases.giveFeedBack(batch.feed);
  t.equal(leases.takeFeed().words[0], 0, 'a feed begins empty');
});
