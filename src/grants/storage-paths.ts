import { cleanRelativePath } from './manifest-paths.js';

/** A storage path in its one spelling. */
export interface StoragePath {
  readonly path: string;
  /** Written with a trailing `/`: in a grant it stands for everything below. */
  readonly isPrefix: boolean;
}

/**
 * Normalises a storage path (`spec/bridge.md` §5.2.1).
 * @returns undefined for a path that is empty, absolute, a URL, has a drive or leaves the store.
 */
export function cleanStoragePath(path: string): StoragePath | undefined {
  const slashed = path.trim().replaceAll('\\', '/');
  if (slashed === '' || slashed.includes('://')) return undefined;
  const clean = cleanRelativePath(slashed);
  return clean === undefined ? undefined : { path: clean, isPrefix: slashed.endsWith('/') };
}

/**
 * Compiles one authorised path into a test of targets, which it cleans. There are no globs: `base/` is a prefix, `base` is exact.
 * @returns undefined for a pattern that is no safe path; it grants nothing.
 */
export function compileStoragePattern(pattern: string): ((target: string) => boolean) | undefined {
  const granted = cleanStoragePath(pattern);
  if (granted === undefined) return undefined;
  const below = `${granted.path}/`;
  return (target) => {
    const asked = cleanStoragePath(target);
    if (asked === undefined) return false;
    if (granted.isPrefix) return asked.path === granted.path || asked.path.startsWith(below);
    // A target with a trailing slash asks for everything below, which an exact grant does not give.
    return asked.path === granted.path && !asked.isPrefix;
  };
}
