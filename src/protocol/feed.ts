/**
 * What joins a batch that runs already: a thread that has work keeps its task for a while, and the main thread puts further slots
 * into the feed of that task, which costs neither side a message.
 *
 *   feed   ┌───────────┬──────────────────┬──────────────────────────────┐
 *          │ head      │ tail · asleep    │ capacity × (slot, ticket)    │
 *          └───────────┴──────────────────┴──────────────────────────────┘
 *            64 B        64 B, by worker    by main
 *
 * `head` counts the entries that were ever put down, and carries CLOSED above them: a closed feed takes no more, what is in it is
 * still run. It is changed by compare-and-exchange only, because the worker may close the feed while the main thread is about
 * to add to it. `tail` counts the entries that the worker has taken.
 */

const HEAD = 0;
const TAIL = 16;
/** 1 while the worker waits for the head to change; the main thread calls into the kernel only then. */
const ASLEEP = 17;
const ENTRIES = 32;
const CLOSED = 1 << 30;
const COUNT = CLOSED - 1;

export interface Feed {
  readonly index: number;
  readonly words: Int32Array;
  /** A power of two. */
  readonly capacity: number;
  /** Entries that the main thread has put down and the worker cannot see yet. */
  staged: number;
}

/** Entries that a feed must hold for batches of that size. */
export function feedCapacity(batchSize: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, batchSize)));
}

/** Shared memory for `count` feeds. */
export function createFeeds(count: number, capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * feedBytes(capacity));
}

/** The feeds in that memory. */
export function openFeeds(buffer: SharedArrayBuffer, capacity: number): Feed[] {
  const bytes = feedBytes(capacity);
  return Array.from({ length: buffer.byteLength / bytes }, (_, index) => ({
    index,
    words: new Int32Array(buffer, index * bytes, bytes / 4),
    capacity,
    staged: 0,
  }));
}

function feedBytes(capacity: number): number {
  return (ENTRIES + 2 * capacity) * 4;
}

// ---- main thread -------------------------------------------------------------------------------------------------------

/** Makes a feed that no thread reads ready for the next batch. */
export function resetFeed(feed: Feed): void {
  feed.staged = 0;
  feed.words[TAIL] = 0;
  feed.words[ASLEEP] = 0;
  Atomics.store(feed.words, HEAD, 0);
}

/** Puts a slot down, for the worker to see when the feed is published. False when the feed is closed or full. */
export function stageSlot(feed: Feed, slot: number, ticket: number): boolean {
  const { words, capacity, staged } = feed;
  const head = Atomics.load(words, HEAD) + staged;
  if (head >= CLOSED || head - Atomics.load(words, TAIL) >= capacity) return false;
  const place = placeOf(head, capacity);
  words[place] = slot;
  words[place + 1] = ticket;
  feed.staged += 1;
  return true;
}

/**
 * Shows the worker all that is staged, and wakes it when it sleeps: once for all, because a light guest has run before the next
 * slot is staged. Returns how many it will never see, because it has closed the feed meanwhile.
 */
export function publishFeed(feed: Feed): number {
  const { words, staged } = feed;
  if (staged === 0) return 0;
  feed.staged = 0;
  const head = Atomics.load(words, HEAD);
  if (head >= CLOSED || Atomics.compareExchange(words, HEAD, head, head + staged) !== head) return staged;
  wake(words);
  return 0;
}

/** Lets the worker end its batch with what is in the feed. */
export function closeFeed({ words }: Feed): void {
  Atomics.or(words, HEAD, CLOSED);
  wake(words);
}

export function isFeedOpen({ words }: Feed): boolean {
  return Atomics.load(words, HEAD) < CLOSED;
}

function wake(words: Int32Array): void {
  if (Atomics.load(words, ASLEEP) === 1) Atomics.notify(words, HEAD, 1);
}

// ---- worker thread -----------------------------------------------------------------------------------------------------

/** Where a worker is in a feed. */
export interface FeedReader {
  readonly feed: Feed;
  taken: number;
  /** The entry taken last. */
  slot: number;
  ticket: number;
}

export function readFeed(feed: Feed): FeedReader {
  return { feed, taken: 0, slot: -1, ticket: 0 };
}

/** Whether an entry is there to be taken. */
export function hasEntry({ feed, taken }: FeedReader): boolean {
  return (Atomics.load(feed.words, HEAD) & COUNT) !== taken;
}

/**
 * Takes the next entry into `reader`; waits up to `waitMs` for one. False when the feed is closed and empty; it is closed when
 * nothing has come.
 */
export function nextEntry(reader: FeedReader, waitMs: number): boolean {
  const { words } = reader.feed;
  for (let hasWaited = waitMs <= 0; ; hasWaited = true) {
    const head = Atomics.load(words, HEAD);
    if ((head & COUNT) !== reader.taken) return takeEntry(reader);
    if (head >= CLOSED) return false;
    if (!hasWaited) sleepOn(words, head, waitMs);
    else if (Atomics.compareExchange(words, HEAD, head, head | CLOSED) === head) return false;
  }
}

function takeEntry(reader: FeedReader): true {
  const { words, capacity } = reader.feed;
  const place = placeOf(reader.taken, capacity);
  reader.slot = words[place] as number;
  reader.ticket = words[place + 1] as number;
  reader.taken += 1;
  Atomics.store(words, TAIL, reader.taken);
  return true;
}

function sleepOn(words: Int32Array, head: number, waitMs: number): void {
  Atomics.store(words, ASLEEP, 1);
  // Returns at once when the head has changed before the main thread could see that this thread sleeps.
  Atomics.wait(words, HEAD, head, waitMs);
  Atomics.store(words, ASLEEP, 0);
}

/** The worker takes no more than what is in the feed. */
export function endFeed({ feed }: FeedReader): void {
  Atomics.or(feed.words, HEAD, CLOSED);
}

function placeOf(count: number, capacity: number): number {
  return ENTRIES + 2 * (count & (capacity - 1));
}
