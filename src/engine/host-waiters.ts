/**
 * Plugins that keep threads waiting for the host or the disk: an upstream that is slow, a lock that is held, one write after another.
 * They may have so many threads and no more, so that some are left for plugins that compute; what is beyond that waits in its lane, as
 * if all threads were busy. While they have them all, a plugin that was not seen waiting but is granted the network gets no thread
 * either: it would show that it is one of them by taking one of the last. Those that compute never stand behind them. The writes of one
 * plugin go one after the other whatever there is for them, so it has two threads for them: one that waits, and one that gets the
 * next ready. While others compute it has one, because the second takes more from them than it gains.
 */
import { wallClock } from '../protocol/clock.js';
import { isAtDisk, wasAtDisk } from '../protocol/slot.js';
import { isWaitingForHost, type Lane, type Running, type RunningBatch, ranMs, type Waiting } from './batch.js';

export interface HostWaiters {
  /** The first of this batch has run for a while: if it waits for the host, its plugin is one of those from now on. */
  see(batch: RunningBatch): void;
  /** An invocation has ended; one that did not wait clears its plugin, unless others of it still wait. */
  ended(entry: Running): void;
  /** Whether it may be given to a thread: to that of the batch, or to one more. */
  mayRun(waiting: Waiting, batch?: RunningBatch): boolean;
  /** Whether it is of another kind than all that have threads: it computes, and they keep theirs waiting. */
  isKeptOut(waiting: Waiting): boolean;
}

/** A plugin is one of them, too, when so many of its invocations wait for the disk, however short. */
const MUCH = 0.5;
/** Threads of a plugin that waits for its own writes, while they go on; and when nobody else has computed for a while. */
const THREADS_AT_DISK = 1;
const THREADS_AT_DISK_ALONE = 2;
/** That while, in ms. */
const ALONE_AFTER_MS = 1000;
/** Whoever waits longer than this, in ms, waits for somebody else's lock; others of the plugin may only want to read. */
const STUCK_MS = 50;

/** @param maxThreads threads that such plugins may have together */
export function createHostWaiters(batches: Iterable<RunningBatch>, maxThreads: number): HostWaiters {
  /** And whether it waits for the disk. */
  const known = new Map<Lane, boolean>();
  const seen = new WeakSet<Running>();
  /** When somebody has computed, while others were waiting. */
  let computedAt = Number.NEGATIVE_INFINITY;
  const holdsKnown = ({ entries }: RunningBatch) => entries.some(({ waiting }) => known.has(waiting.lane));

  return {
    see(batch) {
      const [first] = batch.entries;
      if (first === undefined || !isWaitingForHost(batch)) return;
      known.set(first.waiting.lane, isAtDisk(first.slot));
      seen.add(first);
    },
    ended(entry) {
      const { lane } = entry.waiting;
      lane.diskShare += ((wasAtDisk(entry.slot) ? 1 : 0) - lane.diskShare) / 8;
      if (lane.diskShare > MUCH) {
        known.set(lane, true);
        return;
      }
      if (known.size === 0) return;
      if (!known.has(lane)) computedAt = wallClock();
      if (seen.has(entry) || !known.has(lane)) return;
      for (const batch of batches) if (batch.entries[0]?.waiting.lane === lane && isWaitingForHost(batch)) return;
      known.delete(lane);
    },
    isKeptOut({ lane, job }) {
      if (known.size === 0 || known.has(lane) || mayWait(job)) return false;
      for (const batch of batches) if (!holdsKnown(batch)) return false;
      return true;
    },
    mayRun({ lane, job }, batch) {
      if (known.size === 0) return true;
      const isKnown = known.has(lane);
      const isFirst = batch === undefined || batch.entries.length === 0;
      if (!isFirst && !isKnown && !mayWait(job)) return !holdsKnown(batch);
      if (!isFirst && (isKnown || holdsKnown(batch))) return holdsKnown(batch);
      if (!isKnown && !mayWait(job)) return true;
      const now = wallClock();
      let threads = 0;
      let own = 0;
      for (const other of batches) {
        if (holdsKnown(other)) threads += 1;
        if (ranMs(other, now) < STUCK_MS && other.entries.some((entry) => entry.waiting.lane === lane)) own += 1;
      }
      const atDisk = now - computedAt < ALONE_AFTER_MS ? THREADS_AT_DISK : THREADS_AT_DISK_ALONE;
      return threads < maxThreads && !(known.get(lane) === true && own >= atDisk);
    },
  };
}

function mayWait({ release }: Waiting['job']): boolean {
  return release.grantedServices.some(({ owner, service }) => owner === '' && service === 'network');
}
