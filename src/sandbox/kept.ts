/**
 * Which instances a thread keeps for later invocations: the last used ones, within a budget of memory and of addresses, until
 * they have served long enough or nobody has asked for them.
 *
 *     budget          more linear memory than the thread may keep
 *     address-space   more instances than the thread may keep: each reserves about 10 GiB of addresses, whatever it uses,
 *                     and a process has 128 TiB
 *     recycled        has served its number of invocations
 *     idle            nobody asked for it for a while
 */
import { LRUCache } from 'lru-cache';
import type { Discard } from './counts.js';
import type { Instance } from './instance.js';

export interface KeptOptions {
  /** Linear memory of all kept instances together. */
  readonly budgetBytes: number;
  readonly maxInstances: number;
  /** Time without an invocation after which an instance goes. */
  readonly idleMs: number;
  readonly discarded: (reason: Discard) => void;
  /** Clock in ms. */
  readonly now: () => number;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

export interface Kept {
  get(key: number): Instance | undefined;
  /** Keeps an instance that has just served so often, unless it has served enough. The least recently used ones make room. */
  keep(key: number, instance: Instance, served?: number): void;
  /** Whether there was one. Does not count it. */
  drop(key: number): boolean;
  /** Gives up half of all, the least recently used ones, because there are no addresses left. Returns how many. */
  makeRoom(): number;
  /** Gives up what nobody has asked for. */
  freeIdle(): void;
  count(): number;
}

/** Of its `recycleAfter`, an instance serves at least this part: those that were made together do not go together. */
const RECYCLE_JITTER = 0.2;

interface Entry {
  readonly instance: Instance;
  readonly bytes: number;
  usesLeft: number;
  usedAt: number;
}

export function createKept({ budgetBytes, maxInstances, idleMs, discarded, now, random }: KeptOptions): Kept {
  const entries = new LRUCache<number, Entry>({
    maxSize: budgetBytes,
    sizeCalculation: ({ bytes }) => bytes,
    dispose: (_entry, _key, reason) => {
      if (reason === 'evict') discarded('budget');
    },
  });

  const giveUpOldest = (reason: Discard): void => {
    const [oldest] = entries.rkeys();
    if (oldest === undefined) return;
    entries.delete(oldest);
    discarded(reason);
  };

  return {
    get: (key) => entries.get(key)?.instance,
    keep(key, instance, served = 1) {
      const bytes = Math.max(1, instance.memoryBytes());
      const known = entries.peek(key);
      const isKnown = known?.instance === instance;
      const usesLeft = (isKnown ? known.usesLeft : usesOf(instance, random)) - served;
      if (isKnown && known.bytes === bytes && usesLeft > 0) {
        known.usesLeft = usesLeft;
        known.usedAt = now();
        return;
      }
      entries.delete(key);
      if (usesLeft <= 0) {
        discarded('recycled');
        return;
      }
      if (entries.size >= maxInstances) giveUpOldest('address-space');
      entries.set(key, { instance, bytes, usesLeft, usedAt: now() });
      // One that is larger than the whole budget is not taken in, and nobody is told.
      if (!entries.has(key)) discarded('budget');
    },
    drop: (key) => entries.delete(key),
    makeRoom() {
      const count = Math.ceil(entries.size / 2);
      for (let index = 0; index < count; index++) giveUpOldest('address-space');
      return count;
    },
    freeIdle() {
      const usedBefore = now() - idleMs;
      for (const key of [...entries.rkeys()]) {
        if ((entries.peek(key) as Entry).usedAt > usedBefore) return;
        giveUpOldest('idle');
      }
    },
    count: () => entries.size,
  };
}

function usesOf({ release }: Instance, random: () => number): number {
  const { recycleAfter } = release;
  if (recycleAfter === 0) return Number.POSITIVE_INFINITY;
  return Math.max(1, recycleAfter - Math.floor(random() * RECYCLE_JITTER * recycleAfter));
}
