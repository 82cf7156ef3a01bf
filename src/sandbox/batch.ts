/** What a thread takes of a batch, and for how long, so that others get the thread. */
import { endFeed, type Feed, type FeedReader, nextEntry, readFeed } from '../protocol/feed.js';

/** A batch that has run this long, in ms, takes no more: its thread tells what it has counted, and may be given other work. */
const MAX_BATCH_MS = 20;
/** A batch of so many slots is a sign of load: its thread then waits a moment for more before it ends. */
const BUSY_FROM = 2;
const LINGER_MS = 2;

/** Where a thread is in a batch; times are ms since the epoch. */
export interface BatchReader extends FeedReader {
  readonly closeAt: number;
  /** When the latest entry was taken. */
  takenAt: number;
}

/** Begins with what is in the feed. */
export function readBatch(feed: Feed, now: () => number): BatchReader {
  const takenAt = now();
  return { ...readFeed(feed), closeAt: takenAt + MAX_BATCH_MS, takenAt };
}

/** Takes the next entry into `reader`; what is in the feed already is run however long that takes. False when the batch has ended. */
export function nextInBatch(reader: BatchReader, now: () => number): boolean {
  if (!nextEntry(reader, reader.taken < BUSY_FROM ? 0 : LINGER_MS)) return false;
  reader.takenAt = now();
  if (reader.takenAt > reader.closeAt) endFeed(reader);
  return true;
}
