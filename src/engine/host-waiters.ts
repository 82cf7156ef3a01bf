/**
 * Plugins that keep threads waiting for the host: an upstream that is slow, a lock that is held. They may have so many threads and
 * no more, so that some are left for plugins that compute; what is beyond that waits in its lane, as if all threads were busy.
 * While they have them all, a plugin that was not seen waiting but is granted the network gets no thread either: it would show
 * that it is one of them by taking one of the last.
 */
import { isWaitingForHost, type Lane, type Running, type RunningBatch, type Waiting } from './batch.js';

export interface HostWaiters {
  /** The first of this batch has run for a while: if it waits for the host, its plugin is one of those from now on. */
  see(batch: RunningBatch): void;
  /** An invocation has ended; one that did not wait clears its plugin, unless others of it still wait. */
  ended(entry: Running): void;
  /** Whether it may be given to a thread: to that of the batch, or to one more. */
  mayRun(waiting: Waiting, batch?: RunningBatch): boolean;
}

/** @param maxThreads threads that such plugins may have together */
export function createHostWaiters(batches: Iterable<RunningBatch>, maxThreads: number): HostWaiters {
  const known = new Set<Lane>();
  const seen = new WeakSet<Running>();
  const holdsKnown = ({ entries }: RunningBatch) => entries.some(({ waiting }) => known.has(waiting.lane));

  return {
    see(batch) {
      const [first] = batch.entries;
      if (first === undefined || !isWaitingForHost(batch)) return;
      known.add(first.waiting.lane);
      seen.add(first);
    },
    ended(entry) {
      const { lane } = entry.waiting;
      if (known.size === 0 || seen.has(entry) || !known.has(lane)) return;
      for (const batch of batches) if (batch.entries[0]?.waiting.lane === lane && isWaitingForHost(batch)) return;
      known.delete(lane);
    },
    mayRun({ lane, job }, batch) {
      if (known.size === 0 || (!known.has(lane) && !mayWait(job))) return true;
      if (batch !== undefined && holdsKnown(batch)) return true;
      let threads = 0;
      for (const other of batches) if (holdsKnown(other)) threads += 1;
      return threads < maxThreads;
    },
  };
}

function mayWait({ release }: Waiting['job']): boolean {
  return release.grantedServices.some(({ owner, service }) => owner === '' && service === 'network');
}
