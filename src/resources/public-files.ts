/**
 * Published files of releases, ready to be sent (`spec/governance.md` §5): which file a public path means, its type, its tag, and
 * its compressed forms, each made once.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { AssetFile } from '../artifact/artifact.js';
import type { PublicAssetDeclaration } from '../artifact/public-assets.js';
import { assetContentType, isCompressibleType } from './content-type.js';

/** What is read of a release. */
export interface AssetRelease {
  readonly pluginId: string;
  readonly checksum: string;
  readonly generation: number;
  readonly artifact: {
    readonly manifest: { readonly publicAssets: readonly PublicAssetDeclaration[] };
    readonly frontendAssets: readonly AssetFile[];
  };
}

export type Encoding = 'br' | 'gzip';

/** One form of a file. */
export interface Representation {
  readonly content: Uint8Array;
  /** Absent for the file as it is. */
  readonly encoding?: Encoding;
  /** Strong, in quotes; another for every form. */
  readonly etag: string;
}

export interface PublicFile extends Representation {
  readonly contentType: string;
  /** Whether compressed forms are offered. */
  readonly isCompressible: boolean;
  /** Where its compressed forms are kept: plugin, checksum, generation and path. */
  readonly cacheKey: string;
}

export interface PublicFiles {
  /** @param path what follows `/x-assets/<id>/<version>/`, decoded; matched as it is, letter by letter */
  find(release: AssetRelease, path: string): PublicFile | undefined;
  /** A compressed form; the file itself where compressing does not make it smaller. At once when it is there already. */
  encode(file: PublicFile, encoding: Encoding): Representation | Promise<Representation>;
  /** Drops everything that is kept of a plugin. */
  forget(pluginId: string): void;
}

export interface PublicFilesOptions {
  /** Most bytes of compressed forms that are kept; 0 compresses nothing. */
  readonly cacheBytes: number;
  /** Type of a file whose name tells none. */
  readonly sniff: (content: Uint8Array) => string;
  readonly count?: (event: 'hit' | 'miss' | 'eviction') => void;
}

export function createPublicFiles(options: PublicFilesOptions): PublicFiles {
  const bundles = new Map<string, Bundle>();
  const encoded = createEncodedCache(options);
  return {
    find(release, path) {
      const { pluginId, checksum, generation } = release;
      let bundle = bundles.get(pluginId);
      if (bundle?.checksum !== checksum || bundle.generation !== generation) {
        bundle = openBundle(release, options);
        bundles.set(pluginId, bundle);
      }
      return bundle.file(path);
    },
    encode: encoded.encode,
    forget(pluginId) {
      bundles.delete(pluginId);
      encoded.forget(pluginId);
    },
  };
}

/**
 * Every public path with the file behind it; a mount itself, with and without a slash, is its index. The longest mount that
 * covers a path decides, also when it has no such file.
 */
export function publicPaths(
  declarations: readonly PublicAssetDeclaration[],
  assets: readonly AssetFile[],
): ReadonlyMap<string, AssetFile> {
  const paths = new Map<string, AssetFile>();
  for (const { source, mount, index } of declarations) {
    const deeper = declarations.filter((other) => other.mount.length > mount.length).map((other) => other.mount);
    for (const asset of assets) {
      if (!asset.path.startsWith(`${source}/`)) continue;
      const suffix = asset.path.slice(source.length + 1);
      const path = mount === '' ? suffix : `${mount}/${suffix}`;
      if (deeper.some((other) => path === other || path.startsWith(`${other}/`))) continue;
      paths.set(path, asset);
      if (suffix === index) paths.set(mount, asset).set(mount === '' ? '' : `${mount}/`, asset);
    }
  }
  return paths;
}

interface Bundle {
  readonly checksum: string;
  readonly generation: number;
  readonly file: (path: string) => PublicFile | undefined;
}

function openBundle(release: AssetRelease, { sniff, cacheBytes }: PublicFilesOptions): Bundle {
  const { pluginId, checksum, generation, artifact } = release;
  const assets = publicPaths(artifact.manifest.publicAssets, artifact.frontendAssets);
  const files = new Map<string, PublicFile>();
  return {
    checksum,
    generation,
    file(path) {
      const asset = assets.get(path);
      if (asset === undefined) return undefined;
      let file = files.get(asset.path);
      if (file === undefined) {
        file = describeFile(asset, `${pluginId}/${checksum}/${generation}/${asset.path}`, cacheBytes, sniff);
        files.set(asset.path, file);
      }
      return file;
    },
  };
}

function describeFile(
  asset: AssetFile,
  cacheKey: string,
  cacheBytes: number,
  sniff: PublicFilesOptions['sniff'],
): PublicFile {
  const { content } = asset;
  const contentType = assetContentType(asset, sniff);
  const isWorthIt = content.length >= SMALLEST_BYTES && content.length <= cacheBytes / LARGEST_SHARE;
  return {
    content,
    contentType,
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, ETAG_LENGTH)}"`,
    isCompressible: isWorthIt && isCompressibleType(contentType),
    cacheKey,
  };
}

/** Below this the header costs what the compression gains. */
const SMALLEST_BYTES = 256;
/** A file that would take more than this share of the cache would be compressed anew again and again. */
const LARGEST_SHARE = 4;
const ETAG_LENGTH = 27;

function createEncodedCache({ cacheBytes, count }: PublicFilesOptions) {
  // A cache needs some bound; with a budget of 0 nothing is compressible, and nothing comes in.
  const kept = new LRUCache<string, Representation>({
    maxSize: Math.max(1, cacheBytes),
    sizeCalculation: ({ content, encoding }) => (encoding === undefined ? ENTRY_BYTES : content.length + ENTRY_BYTES),
    disposeAfter: (_form, _key, reason) => {
      if (reason === 'evict') count?.('eviction');
    },
  });
  const running = new Map<string, Promise<Representation>>();

  const compress = async (file: PublicFile, encoding: Encoding, key: string): Promise<Representation> => {
    try {
      const form = await COMPRESS[encoding](file, encoding);
      kept.set(key, form);
      return form;
    } finally {
      running.delete(key);
    }
  };

  return {
    encode(file: PublicFile, encoding: Encoding): Representation | Promise<Representation> {
      const key = `${file.cacheKey}/${encoding}`;
      const known = kept.get(key) ?? running.get(key);
      count?.(known === undefined ? 'miss' : 'hit');
      if (known !== undefined) return known;
      const promise = compress(file, encoding, key);
      running.set(key, promise);
      return promise;
    },
    forget(pluginId: string): void {
      for (const key of [...kept.keys()]) if (key.startsWith(`${pluginId}/`)) kept.delete(key);
    },
  };
}

/** About what a key and an entry take besides the content. */
const ENTRY_BYTES = 512;
/** Up to here the best compression is worth its time. */
const BEST_UP_TO_BYTES = 128 * 1024;

const brotli = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);

/** Both run in threads of Node's own. */
const COMPRESS: Readonly<Record<Encoding, (file: PublicFile, encoding: Encoding) => Promise<Representation>>> = {
  br: async (file, encoding) => {
    const { content } = file;
    const params = {
      [zlib.constants.BROTLI_PARAM_QUALITY]: content.length <= BEST_UP_TO_BYTES ? 11 : 6,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    return smaller(file, await brotli(content, { params }), encoding);
  },
  gzip: async (file, encoding) => {
    const level = file.content.length <= BEST_UP_TO_BYTES ? 9 : 6;
    return smaller(file, await gzip(file.content, { level }), encoding);
  },
};

function smaller(file: PublicFile, content: Buffer, encoding: Encoding): Representation {
  if (content.length >= file.content.length) return { content: file.content, etag: file.etag };
  return { content, encoding, etag: `${file.etag.slice(0, -1)}-${encoding}"` };
}
