import { normalizeManifestPath } from '../artifact/paths.js';
import { compileGlob } from './glob.js';

/**
 * Brings a path relative to `manifest/` into its one spelling, without a trailing `/` (`spec/bridge.md` §5.2.3).
 * @returns undefined for a path that is empty, absolute, a URL, has a drive, leaves the folder or names the folder itself.
 */
export function cleanManifestPath(path: string): string | undefined {
  const result = normalizeManifestPath(path);
  return 'problem' in result ? undefined : result.path.replace(/\/$/, '');
}

/**
 * Compiles one authorised pattern into a test of targets, which it cleans: a base written with a trailing `/`, a glob, or a path.
 * @returns undefined for a pattern that is no safe path; it grants nothing.
 */
export function compileManifestPattern(pattern: string): ((target: string) => boolean) | undefined {
  const result = normalizeManifestPath(pattern);
  if ('problem' in result) return undefined;
  const below = result.path.endsWith('/') ? result.path : undefined;
  const base = result.path.replace(/\/$/, '');
  const glob = /[*?[]/.test(base) ? compileGlob(base) : undefined;
  return (target) => {
    const path = cleanManifestPath(target);
    if (path === undefined) return false;
    return path === base || (below !== undefined && path.startsWith(below)) || glob?.(path) === true;
  };
}
