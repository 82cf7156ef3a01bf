/** A host of paper that publishes the assets of plugins, for tests of `/x-assets`. */
import type { FastifyInstance } from 'fastify';
import type { AssetFile } from '../../src/artifact/artifact.js';
import type { PublicAssetDeclaration } from '../../src/artifact/public-assets.js';
import { sniffContentType } from '../../src/protocol/sniff.js';
import type { PluginView } from '../../src/registry/registry.js';
import { createPublicFiles, type PublicFiles } from '../../src/resources/public-files.js';
import { createServedReleases } from '../../src/resources/served-releases.js';
import { type FakeHostOptions, fakeHost, route, view } from './fakes.js';

export const CSS = 'body { color: black; }\n'.repeat(50);

/** What plugin `p` packs; `frontend/pages` is published, and `frontend/secret` is not. */
export const FILES: Readonly<Record<string, string>> = {
  'frontend/pages/index.html': '<!doctype html><title>p</title>',
  'frontend/pages/mount.js': 'export function mount() {}\n',
  'frontend/pages/style.css': CSS,
  'frontend/pages/digits.bin': '0123456789'.repeat(10),
  'frontend/pages/sub/index.html': 'sub',
  'frontend/pages/with space.txt': 'space',
  'frontend/secret/key.txt': 'SECRET',
};

export interface AssetHostOptions extends Partial<PluginView> {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly publicAssets?: readonly PublicAssetDeclaration[];
}

/** A view of `p` v1.0.0 with a route GET `/ping`, installed and enabled. */
export function assetView({ files = FILES, publicAssets = PAGES, ...more }: AssetHostOptions = {}): PluginView {
  const base = view('p', [route('GET', '/ping')]);
  const frontendAssets: AssetFile[] = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content),
    contentType: '',
  }));
  const artifact = {
    ...base.artifact,
    frontendAssets,
    manifest: { publicAssets },
  } as unknown as PluginView['artifact'];
  return { ...base, installMode: 'global', artifact, ...more };
}

const PAGES = [{ source: 'frontend/pages', mount: '', index: 'index.html' }];

export interface AssetHost {
  readonly app: FastifyInstance;
  /** Every path that was looked up among published files. */
  readonly lookedUp: string[];
  readonly logged: { level: string; message: string }[];
  /** Puts another state of the plugin in force. */
  readonly put: (view: PluginView) => void;
}

export function assetHost(first: PluginView = assetView(), options: FakeHostOptions = {}): AssetHost {
  const plugins = new Map([[first.pluginId, first]]);
  const lookedUp: string[] = [];
  const files = createPublicFiles({ cacheBytes: 1 << 20, sniff: sniffContentType });
  const watched: PublicFiles = {
    ...files,
    find(release, path) {
      lookedUp.push(path);
      return files.find(release, path);
    },
  };
  const { app, logged } = fakeHost({
    views: [first],
    assets: {
      releases: createServedReleases<PluginView>({
        plugins: { find: (id) => plugins.get(id) },
        graceMs: 0,
        now: Date.now,
      }),
      files: watched,
      cacheControlOf: () => 'public, max-age=31536000, immutable',
    },
    ...options,
  });
  return { app, lookedUp, logged, put: (next) => void plugins.set(next.pluginId, next) };
}
