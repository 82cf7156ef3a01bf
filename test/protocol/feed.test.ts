import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import {
  closeFeed,
  createFeeds,
  endFeed,
  type Feed,
  feedCapacity,
  hasEntry,
  isFeedOpen,
  nextEntry,
  openFeeds,
  publishFeed,
  readFeed,
  resetFeed,
  stageSlot,
} from '../../src/protocol/feed.js';

const newFeed = (capacity = 4): Feed => openFeeds(createFeeds(1, capacity), capacity)[0] as Feed;

const feedSlot = (feed: Feed, slot: number, ticket: number): boolean =>
  stageSlot(feed, slot, ticket) && publishFeed(feed) === 0;

t.test('what is staged is seen all at once', async (t) => {
  const feed = newFeed();
  const reader = readFeed(feed);
  for (const slot of [1, 2, 3]) t.equal(stageSlot(feed, slot, 0), true);
  t.equal(hasEntry(reader), false);
  t.equal(publishFeed(feed), 0);
  for (const slot of [1, 2, 3]) {
    nextEntry(reader, 0);
    t.equal(reader.slot, slot);
  }
});

t.test('what was staged when the worker closed its feed is never seen', async (t) => {
  const feed = newFeed();
  const reader = readFeed(feed);
  stageSlot(feed, 1, 0);
  stageSlot(feed, 2, 0);
  t.equal(nextEntry(reader, 0), false);
  t.equal(publishFeed(feed), 2);
  t.equal(publishFeed(feed), 0, 'once');
  t.equal(hasEntry(reader), false);
});

t.test('entries come out in their order, as often as the feed is filled', async (t) => {
  const feed = newFeed();
  const reader = readFeed(feed);
  for (let round = 0; round < 3; round++) {
    for (const slot of [7, 8, 9]) t.equal(feedSlot(feed, slot, slot + 100 * round), true);
    for (const slot of [7, 8, 9]) {
      t.equal(hasEntry(reader), true);
      t.equal(nextEntry(reader, 0), true);
      t.match(reader, { slot, ticket: slot + 100 * round });
    }
    t.equal(hasEntry(reader), false);
  }
});

t.test('a full feed takes no more until its worker has taken one', async (t) => {
  const feed = newFeed(2);
  const reader = readFeed(feed);
  t.same(
    [1, 2, 3].map((slot) => stageSlot(feed, slot, 0)),
    [true, true, false],
  );
  publishFeed(feed);
  nextEntry(reader, 0);
  t.equal(feedSlot(feed, 3, 0), true);
  t.equal(reader.slot, 1);
});

t.test('a worker that has nothing to do closes its feed; nothing is lost in it', async (t) => {
  const feed = newFeed();
  const reader = readFeed(feed);
  t.equal(isFeedOpen(feed), true);
  t.equal(nextEntry(reader, 0), false);
  t.equal(isFeedOpen(feed), false);
  t.equal(feedSlot(feed, 1, 1), false);
  resetFeed(feed);
  t.equal(feedSlot(feed, 1, 1), true);
});

t.test('a closed feed is emptied, whoever has closed it', async (t) => {
  for (const close of [closeFeed, (feed: Feed) => endFeed(readFeed(feed))]) {
    const feed = newFeed();
    feedSlot(feed, 1, 1);
    close(feed);
    t.equal(feedSlot(feed, 2, 2), false);
    const reader = readFeed(feed);
    t.equal(nextEntry(reader, 60_000), true);
    t.equal(nextEntry(reader, 60_000), false);
  }
});

t.test('a feed has room for a whole batch', async (t) => {
  t.same([1, 2, 3, 16, 17, 1024].map(feedCapacity), [2, 2, 4, 16, 32, 1024]);
});

t.test('a sleeping worker is woken by each entry and by the end', async (t) => {
  const buffer = createFeeds(2, 4);
  const feed = openFeeds(buffer, 4)[1] as Feed;
  const code = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { nextEntry, openFeeds, readFeed } = await import(workerData.url);
    const reader = readFeed(openFeeds(workerData.buffer, 4)[1]);
    parentPort.postMessage('ready');
    while (nextEntry(reader, 60000)) parentPort.postMessage(reader.slot);
    parentPort.postMessage('end');`;
  const url = new URL('../../src/protocol/feed.js', import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { url, buffer },
  });
  // Listened for from the beginning: a thread may be gone by the time that its last message is heard.
  const exit = once(worker, 'exit');
  t.same(await once(worker, 'message'), ['ready']);
  for (const slot of [5, 6, 7, 8, 9, 10]) {
    feedSlot(feed, slot, 0);
    t.same(await once(worker, 'message'), [slot]);
  }
  closeFeed(feed);
  t.same(await once(worker, 'message'), ['end']);
  await exit;
});
