/** The cache of plugins: in this process, or in the primary for all of several. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import type { Config } from '../config/schema.js';
import type { Metrics } from '../metrics.js';
import { type CacheStamps, type CacheStore, createCacheStamps } from '../protocol/cache.js';
import type { Registry } from '../registry/registry.js';
import { createMemoryCache } from '../services/cache/memory.js';

export interface CacheParts {
  readonly config: Config;
  readonly registry: Pick<Registry, 'find' | 'subscribe'>;
  readonly metrics: Pick<Metrics, 'cache'>;
  readonly peers: Peers | undefined;
  readonly log: Logger;
}

export interface PluginCache {
  readonly cache: CacheStore;
  readonly cacheStamps?: CacheStamps;
}

/** One process keeps the cache, and its threads copies of it. Of several the primary keeps it for all, and there are no copies. */
export function createCache({ config, registry, metrics, peers, log }: CacheParts): PluginCache {
  const onRemoval = (forget: (pluginId: string) => void): void =>
    void registry.subscribe(({ pluginId }) => {
      if (registry.find(pluginId)?.installed !== true) forget(pluginId);
    });
  if (peers !== undefined) {
    const failed = (thrown: unknown) =>
      log.warn({ err: thrown }, 'what a removed plugin had cached may still be there');
    onRemoval((pluginId) => void peers.forgetCache(pluginId).catch(failed));
    return { cache: peers.cache };
  }
  const cacheStamps = createCacheStamps();
  const count = (event: 'hit' | 'miss' | 'eviction') => metrics.cache('plugins', event);
  const { run, forget } = createMemoryCache({ ...cacheLimits(config), now: Date.now, stamps: cacheStamps, count });
  onRemoval(forget);
  return { cache: run, cacheStamps };
}

/** What one plugin may keep in its cache. */
export function cacheLimits({ cache }: Config): { readonly maxEntries: number; readonly maxBytes: number } {
  return { maxEntries: cache.maxEntries, maxBytes: cache.budgetMiB * 1024 * 1024 };
}
