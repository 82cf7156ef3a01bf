/** What one thread has been given, in the order in which it runs: begun as a Piscina task, fed while it runs. */
import { type Feed, isFeedOpen } from '../protocol/feed.js';
import type { BatchEnd, PostedRelease } from '../protocol/messages.js';
import { isBlocked, startedAt } from '../protocol/slot.js';
import type { Caller } from './bridge.js';
import type { Job } from './job.js';
import type { RunningTask } from './pool.js';

/** A slot that runs longer than this, in ms, is given nothing more, and gives up what waits behind it. */
export const HELD_UP_AFTER_MS = 2;

/** Invocations of one plugin. */
export interface Lane {
  readonly pluginId: string;
  readonly waiting: Waiting[];
  inFlight: number;
  /** Invocations that it has left in this turn. */
  turnLeft: number;
  /** Moving average of run times, in ms. */
  averageRunMs: number;
  /** Moving average: the part of its invocations that have waited for a disk. */
  diskShare: number;
  lastRunMs: number;
}

/** An invocation, as long as it has no outcome. */
export interface Waiting {
  readonly job: Job;
  readonly lane: Lane;
  /** ms since the epoch */
  readonly enqueuedAt: number;
  /** How often a thread died before it started this. */
  attempts: number;
  /** No slot can hold the request; known once it was tried. */
  isLarge: boolean;
  /** Where it is under way; undefined while it waits. */
  running: Running | undefined;
}

/** An invocation that has a slot. */
export interface Running extends Caller {
  readonly waiting: Waiting;
  readonly job: Job;
  readonly batch: RunningBatch;
  readonly ticket: number;
  readonly expectedMs: number;
  settled: boolean;
}

export interface RunningBatch {
  readonly feed: Feed;
  /** What has no outcome yet; the first is what the thread runs, or will run next. */
  readonly entries: Running[];
  /** Run time of the entries together, in ms, as far as it is known. */
  expectedMs: number;
  task: RunningTask<BatchEnd> | undefined;
  /** Known once the batch was posted; what is posted with it cannot be changed then. */
  threadId: number | undefined;
  /** Memory of requests that no slot can hold, by slot number. */
  large: Map<number, SharedArrayBuffer> | undefined;
  isKilled: boolean;
}

export function createBatch(feed: Feed): RunningBatch {
  return { feed, entries: [], expectedMs: 0, task: undefined, threadId: undefined, large: undefined, isKilled: false };
}

export function addEntry(entry: Running): void {
  entry.batch.entries.push(entry);
  entry.batch.expectedMs += entry.expectedMs;
}

export function removeEntry(entry: Running): void {
  const { entries } = entry.batch;
  if (entries[0] === entry) entries.shift();
  else entries.splice(entries.indexOf(entry), 1);
  entry.batch.expectedMs = entries.length === 0 ? 0 : entry.batch.expectedMs - entry.expectedMs;
}

/** How long its first entry has run, in ms; 0 when no thread has begun with it. */
export function ranMs({ entries: [first] }: RunningBatch, now: number): number {
  const startedMs = first === undefined ? 0 : startedAt(first.slot);
  return startedMs > 0 ? now - startedMs : 0;
}

export function isHeldUp(batch: RunningBatch, now: number): boolean {
  return ranMs(batch, now) > HELD_UP_AFTER_MS;
}

/** Whether the thread waits for the main thread or a disk and leaves its processor to others. */
export function isWaitingForHost({ entries: [first] }: RunningBatch): boolean {
  return first !== undefined && isBlocked(first.slot);
}

/** Whether more can be added. */
export function isOpen(batch: RunningBatch, now: number): boolean {
  return isFeedOpen(batch.feed) && !isHeldUp(batch, now);
}

export function releaseOf(entry: Running): PostedRelease {
  return entry.job.release;
}
