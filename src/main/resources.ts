/** Assets and texts of what the registry serves. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { AssetRouteOptions } from '../http/routes/x-assets.js';
import type { Metrics } from '../metrics.js';
import { sniffContentType } from '../protocol/sniff.js';
import type { PluginView, Registry } from '../registry/registry.js';
import { openAssetHistory } from '../resources/asset-history.js';
import { hostTexts } from '../resources/host-texts.js';
import { createPublicFiles } from '../resources/public-files.js';
import { createServedReleases } from '../resources/served-releases.js';
import { createTexts, type Texts } from '../resources/texts.js';
import type { Database } from '../store/sqlite.js';

export interface Assets extends AssetRouteOptions {
  /** To be told of every plugin when it is loaded. */
  readonly see: (pluginId: string) => void;
}

export interface AssetParts {
  readonly config: Config;
  readonly registry: Pick<Registry, 'find' | 'subscribe'>;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Public assets of what the registry serves. */
export function createAssets({ config: { assets }, registry, database, metrics, log }: AssetParts): Assets {
  const files = createPublicFiles({
    cacheBytes: assets.cacheMiB * 1024 * 1024,
    sniff: sniffContentType,
    count: (event) => metrics.cache('assets', event),
  });
  const graceMs = assets.previousVersionGraceSeconds * 1000;
  const releases = createServedReleases<PluginView>({ plugins: registry, graceMs, now: Date.now });
  const history = openAssetHistory(database);
  const see = (pluginId: string): void => {
    const view = registry.find(pluginId);
    releases.see(pluginId, view);
    if (!view?.installed || !view.enabled) return;
    try {
      history.see(view);
    } catch (thrown) {
      log.warn({ plugin: pluginId, err: thrown }, 'browsers are told to ask for its assets every time');
    }
  };
  registry.subscribe(({ pluginId }) => {
    files.forget(pluginId);
    see(pluginId);
  });
  const lasting = `public, max-age=${assets.maxAgeSeconds}, immutable`;
  const cacheControlOf = (view: PluginView): string =>
    assets.maxAgeSeconds > 0 && history.isFirst(view) ? lasting : 'public, no-cache';
  return { files, releases, cacheControlOf, see };
}

/** Texts of the host and of what the registry serves. */
export function createPluginTexts(registry: Pick<Registry, 'list' | 'subscribe'>): Texts {
  const texts = createTexts({
    host: hostTexts(),
    plugins: () =>
      registry
        .list()
        .flatMap(({ plugin: { pluginId, installed, status }, artifact }) =>
          artifact === undefined ? [] : [{ pluginId, isEnabled: installed === 1 && status === 1, artifact }],
        ),
  });
  registry.subscribe(() => texts.forget());
  return texts;
}
