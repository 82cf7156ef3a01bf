/**
 * What is asked of a cache, as plain data: it crosses threads and processes, and any backend takes the same. A batch of commands
 * is one trip.
 */

/** Whose keys: nobody else's commands reach them. */
export interface CacheScope {
  readonly pluginId: string;
  /** 0 is the platform. */
  readonly tenantId: number;
  readonly namespace: string;
}

/** Times are ms since the epoch. */
export type CacheCommand =
  | { readonly do: 'get'; readonly key: string }
  | { readonly do: 'set'; readonly key: string; readonly value: string; readonly expireAt: number }
  | { readonly do: 'delete'; readonly key: string }
  /** A missing key counts from 0; what is beyond 64 bits wraps. */
  | { readonly do: 'incr'; readonly key: string; readonly delta: number | bigint; readonly expireAt: number }
  | { readonly do: 'expire'; readonly key: string; readonly expireAt: number };

export interface CacheValue {
  /** 1 text, 2 integer. */
  readonly kind: 1 | 2;
  /** Empty for an integer. */
  readonly text: string;
  /** 0 for a text. */
  readonly integer: number | bigint;
  readonly expireAt: number;
}

/** What a command has led to; undefined for a missing key, and of a delete. `not-integer`: nothing was changed. */
export type CacheResult = CacheValue | 'not-integer' | undefined;

/** Runs the commands in order, each on its own; gives a result for each. */
export type CacheStore = (
  scope: CacheScope,
  commands: readonly CacheCommand[],
) => readonly CacheResult[] | Promise<readonly CacheResult[]>;

/** One text for one key of one scope. */
export function cacheId({ pluginId, tenantId, namespace }: CacheScope, key: string): string {
  return `${pluginId}:${tenantId}:${namespace.length}:${namespace}:${key}`;
}

/**
 * Change stamps: how the host tells its threads that a key is no longer what it was. One number for each of many groups of keys,
 * in shared memory; only the host adds to them, after a change and before anybody hears of it.
 */
export type CacheStamps = Int32Array<SharedArrayBuffer>;

const GROUPS = 1 << 14;

export function createCacheStamps(): CacheStamps {
  return new Int32Array(new SharedArrayBuffer(GROUPS * Int32Array.BYTES_PER_ELEMENT));
}

/** The group of a key (FNV-1a). Two keys in one group cost each other a trip to the host now and then. */
export function stampGroup(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (GROUPS - 1);
}
