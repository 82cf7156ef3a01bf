/** Lexical path rules of the artifact format. No rule here touches a file system. */
import { posix } from 'node:path';
import { trim } from './text.js';

/** A path in normal form, or the reason why there is none. */
export type PathResult = { readonly path: string } | { readonly problem: string };

/** Collapses `//` and `.`, resolves `..`, drops a trailing `/`; the empty path becomes `.`. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Whether a clean path names its own root or leaves it. */
export function leavesRoot(clean: string): boolean {
  return clean === '.' || clean === '..' || clean.startsWith('../');
}

/** Storage paths (`spec/artifact.md` §5.2). A trailing `/` is kept: it grants everything below. */
export function normalizeStoragePath(path: string): PathResult {
  const slashed = trim(path).replaceAll('\\', '/');
  const problem = slashed === '' ? 'path cannot be empty' : rootProblem(slashed);
  if (problem !== undefined) return { problem };
  const clean = cleanPath(slashed);
  if (leavesRoot(clean)) return { problem: 'path is invalid' };
  return { path: slashed.endsWith('/') ? `${clean}/` : clean };
}

/** Paths of the `manifest` service, relative to `manifest/`; glob characters are kept. */
export function normalizeManifestPath(path: string): PathResult {
  if (path.includes('://')) return { problem: 'path cannot be a url' };
  const result = normalizeStoragePath(path);
  if ('problem' in result || !/^manifest(?:\/|$)/.test(result.path)) return result;
  return { problem: 'path must be relative to manifest root' };
}

/** Paths of packed manifest files, which begin with `manifest/` (`spec/artifact.md` §2.6). */
export function normalizeResourcePath(path: string): PathResult {
  const slashed = trim(path).replaceAll('\\', '/');
  if (slashed === '' || slashed === '.') return { problem: 'path is empty or root' };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(slashed)) return { problem: 'path cannot be URL' };
  if (slashed.startsWith('/')) return { problem: 'path cannot be absolute' };
  if (/^[A-Za-z]:/.test(slashed)) return { problem: 'path cannot contain drive prefix' };
  const clean = cleanPath(slashed);
  if (leavesRoot(clean)) return { problem: 'path escapes manifest root' };
  return clean.startsWith('manifest/') ? { path: clean } : { problem: 'path must use manifest source layout' };
}

/** Paths of frontend assets, relative to the plugin's root (`spec/artifact.md` §2.3). */
export function normalizeAssetPath(path: string): PathResult {
  const slashed = trim(path).replaceAll('\\', '/');
  const clean = cleanPath(trim(slashed.replace(/^\//, '').replace(/^\.\//, '')));
  return leavesRoot(clean) || clean.startsWith('/') ? { problem: 'path cannot be empty' } : { path: clean };
}

function rootProblem(slashed: string): string | undefined {
  if (slashed.startsWith('/')) return 'path cannot be absolute';
  return /^[A-Za-z]:/.test(slashed) ? 'path cannot contain a drive prefix' : undefined;
}
