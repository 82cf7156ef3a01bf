/** Which thread holds which releases. */
import type { Batch, PostedRelease } from '../protocol/messages.js';

export interface ThreadLedger {
  /** Whether a thread has been sent a release. */
  holds(threadId: number, key: number): boolean;
  /** A thread that holds the release already; else the oldest idle one. */
  choose(idle: readonly number[], release: PostedRelease | undefined): number;
  /** What a thread must be sent and told to drop before it runs these; it holds them from now on. */
  handOver(threadId: number, releases: readonly PostedRelease[]): Pick<Batch, 'load' | 'forget'>;
  /** A thread is gone, and what it held with it. */
  forgetThread(threadId: number): void;
  /** No invocation will name that release again; threads are told when they are next sent something. */
  forgetRelease(key: number): void;
}

export function createThreadLedger(): ThreadLedger {
  const held = new Map<number, Set<number>>();
  const forgotten = new Set<number>();

  return {
    holds: (threadId, key) => held.get(threadId)?.has(key) === true,
    choose: (idle, release) =>
      idle.find((threadId) => release && held.get(threadId)?.has(release.key)) ?? (idle[0] as number),
    handOver(threadId, releases) {
      let keys = held.get(threadId);
      if (keys === undefined) {
        keys = new Set();
        held.set(threadId, keys);
      }
      const needed = new Set(releases.map((release) => release.key));
      const forget = [...forgotten].filter((key) => !needed.has(key) && keys.delete(key));
      const load = [...new Set(releases)].filter((release) => !keys.has(release.key));
      for (const release of load) keys.add(release.key);
      for (const key of forget) if (![...held.values()].some((others) => others.has(key))) forgotten.delete(key);
      return { load, forget };
    },
    forgetThread: (threadId) => void held.delete(threadId),
    forgetRelease: (key) => void forgotten.add(key),
  };
}
