import t from 'tap';
import { createFeeds, type Feed, isFeedOpen, openFeeds, publishFeed, stageSlot } from '../../src/protocol/feed.js';
import { nextInBatch, readBatch } from '../../src/sandbox/batch.js';

const BEGAN_AT = 1_000_000;

/** A batch of some slots, begun with on a clock that the test moves. */
function begin(slots: number) {
  const feed = openFeeds(createFeeds(1, 16), 16)[0] as Feed;
  const add = (slot: number): boolean => stageSlot(feed, slot, 1) && publishFeed(feed) === 0;
  for (let slot = 0; slot < slots; slot += 1) add(slot);
  const clock = { now: BEGAN_AT };
  const now = () => clock.now;
  const reader = readBatch(feed, now);
  const next = () => (nextInBatch(reader, now) ? reader.slot : undefined);
  return { feed, clock, reader, next, add };
}

t.test('a thread takes more for 20 ms, and then makes way for others once it has run what it was given', async (t) => {
  const { feed, clock, reader, next, add } = begin(2);
  clock.now += 20;
  t.equal(next(), 0);
  t.equal(reader.takenAt, BEGAN_AT + 20);
  t.ok(add(2), 'what comes within the time, joins');
  clock.now += 1;
  t.equal(next(), 1);
  t.notOk(isFeedOpen(feed));
  t.notOk(add(3), 'what comes later, waits for the next batch');
  clock.now += 60_000;
  t.equal(next(), 2, 'what was there before is run, however long the others took');
  t.equal(next(), undefined);
});

t.test('a batch that is through before ends when nothing more comes', async (t) => {
  const { feed, next } = begin(3);
  t.same([next(), next(), next()], [0, 1, 2]);
  t.ok(isFeedOpen(feed), 'until the thread has looked for more');
  t.equal(next(), undefined);
  t.notOk(isFeedOpen(feed));
});
