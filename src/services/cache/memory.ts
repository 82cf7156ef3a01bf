/**
 * The cache in this process's memory, behind the port `CacheStore`: what a plugin keeps is bounded in entries and bytes, what was
 * used longest ago goes first, and what has expired goes before that.
 */
import { LRUCache } from 'lru-cache';
import {
  type CacheCommand,
  type CacheResult,
  type CacheScope,
  type CacheStamps,
  type CacheStore,
  type CacheValue,
  cacheId,
  stampGroup,
} from '../../protocol/cache.js';

export interface MemoryCacheOptions {
  /** Of one plugin, all its tenants and namespaces together. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly now: () => number;
  /** Told of every change, for those who keep copies. */
  readonly stamps?: CacheStamps | undefined;
  readonly count?: (event: 'hit' | 'miss' | 'eviction') => void;
}

export interface MemoryCache {
  readonly run: CacheStore;
  /** Drops everything of a plugin. */
  forget(pluginId: string): void;
}

type Entries = LRUCache<string, CacheValue>;

/** What an entry takes beside its texts, about. */
const ENTRY_BYTES = 128;
/** A look at all entries for what has expired is worth it once in this time. */
const SWEEP_EVERY_MS = 1000;

/** Commands run one after the other: each is atomic for all who use this store. */
export function createMemoryCache(options: MemoryCacheOptions): MemoryCache {
  const { now, count, stamps } = options;
  const plugins = new Map<string, Shelf>();
  const changed = (id: string): void => void (stamps && Atomics.add(stamps, stampGroup(id), 1));

  return {
    run(scope, commands) {
      const shelf = plugins.get(scope.pluginId) ?? openShelf(options, changed);
      plugins.set(scope.pluginId, shelf);
      return commands.map((command) => runOne(shelf, scope, command));
    },
    forget(pluginId) {
      plugins.get(pluginId)?.entries.clear();
      plugins.delete(pluginId);
    },
  };

  function runOne(shelf: Shelf, scope: CacheScope, command: CacheCommand): CacheResult {
    const id = cacheId(scope, command.key);
    const found = shelf.entries.get(id);
    const value = found && found.expireAt > now() ? found : undefined;
    if (found && !value) shelf.entries.delete(id);
    switch (command.do) {
      case 'get':
        count?.(value ? 'hit' : 'miss');
        return value;
      case 'delete':
        shelf.entries.delete(id);
        return undefined;
      case 'expire':
        return value && put(shelf, id, { ...value, expireAt: command.expireAt });
      case 'set':
        return put(shelf, id, { kind: 1, text: command.value, integer: 0, expireAt: command.expireAt });
      case 'incr':
        return increment(shelf, id, value, command);
    }
  }

  function increment(
    shelf: Shelf,
    id: string,
    before: CacheValue | undefined,
    { delta, expireAt }: CacheCommand & { do: 'incr' },
  ): CacheResult {
    if (before?.kind === 1) return 'not-integer';
    return put(shelf, id, { kind: 2, text: '', integer: sum(before?.integer ?? 0, delta), expireAt });
  }

  function put(shelf: Shelf, id: string, value: CacheValue): CacheValue {
    if (isFull(shelf.entries, sizeOf(value, id), options)) sweep(shelf, now());
    shelf.entries.set(id, value);
    changed(id);
    return value;
  }
}

/** What one plugin keeps. */
interface Shelf {
  readonly entries: Entries;
  sweptAt: number;
}

function openShelf({ maxEntries, maxBytes, count }: MemoryCacheOptions, changed: (id: string) => void): Shelf {
  const entries: Entries = new LRUCache<string, CacheValue>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
    disposeAfter(_value, id, reason) {
      if (reason === 'set') return;
      if (reason === 'evict') count?.('eviction');
      changed(id);
    },
  });
  return { entries, sweptAt: Number.NEGATIVE_INFINITY };
}

function sizeOf({ text }: CacheValue, id: string): number {
  return ENTRY_BYTES + Buffer.byteLength(id) + Buffer.byteLength(text);
}

function isFull(entries: Entries, bytes: number, { maxEntries, maxBytes }: MemoryCacheOptions): boolean {
  return entries.size >= maxEntries || entries.calculatedSize + bytes > maxBytes;
}

function sweep(shelf: Shelf, now: number): void {
  if (now - shelf.sweptAt < SWEEP_EVERY_MS) return;
  shelf.sweptAt = now;
  const expired = [...shelf.entries.entries()].filter(([, { expireAt }]) => expireAt <= now);
  for (const [id] of expired) shelf.entries.delete(id);
}

/** In 64 bits, as Go adds. */
function sum(left: number | bigint, right: number | bigint): number | bigint {
  if (typeof left === 'number' && typeof right === 'number' && Number.isSafeInteger(left + right)) return left + right;
  const total = BigInt.asIntN(64, BigInt(left) + BigInt(right));
  const short = Number(total);
  return Number.isSafeInteger(short) ? short : total;
}
