import { posix } from 'node:path';
import { compileGlob } from './glob.js';

/**
 * Brings a path relative to `manifest/` into its one spelling (`spec/bridge.md` §5.2.3).
 * @returns undefined for a path that is empty, absolute, a URL, has a drive, leaves the folder or names the folder itself.
 */
export function cleanManifestPath(path: string): string | undefined {
  const slashed = path.trim().replaceAll('\\', '/');
  if (slashed === '' || slashed.includes('://')) return undefined;
  const clean = cleanRelativePath(slashed);
  return clean === 'manifest' || clean?.startsWith('manifest/') ? undefined : clean;
}

/**
 * Compiles one authorised pattern into a test of targets, which it cleans: a base written with a trailing `/`, a glob, or a path.
 * @returns undefined for a pattern that is no safe path; it grants nothing.
 */
export function compileManifestPattern(pattern: string): ((target: string) => boolean) | undefined {
  const base = cleanManifestPath(pattern);
  if (base === undefined) return undefined;
  const below = pattern.trim().replaceAll('\\', '/').endsWith('/') ? `${base}/` : undefined;
  const glob = compileGlob(base);
  return (target) => {
    const path = cleanManifestPath(target);
    if (path === undefined) return false;
    return path === base || (below !== undefined && path.startsWith(below)) || glob?.(path) === true;
  };
}

/** Cleans a path with forward slashes; undefined when it is absolute, has a drive, or is not below where it starts. */
export function cleanRelativePath(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return undefined;
  const clean = posix.normalize(path).replace(/\/$/, '');
  return clean === '.' || clean === '..' || clean.startsWith('../') ? undefined : clean;
}
