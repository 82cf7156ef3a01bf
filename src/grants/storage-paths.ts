import { normalizeStoragePath } from '../artifact/paths.js';

/**
 * Brings a storage path into its one spelling (`spec/bridge.md` §5.2.1). A trailing `/` is kept.
 * @returns undefined for a path that is empty, absolute, a URL, has a drive or leaves the store.
 */
export function cleanStoragePath(path: string): string | undefined {
  const result = normalizeStoragePath(path);
  return path.includes('://') || 'problem' in result ? undefined : result.path;
}

/**
 * Compiles one authorised path into a test of targets, which it cleans. There are no globs: `base/` is a prefix, `base` is exact.
 * @returns undefined for a pattern that is no safe path; it grants nothing.
 */
export function compileStoragePattern(pattern: string): ((target: string) => boolean) | undefined {
  const granted = cleanStoragePath(pattern);
  if (granted === undefined) return undefined;
  if (!granted.endsWith('/')) return (target) => cleanStoragePath(target) === granted;
  return (target) => {
    const asked = cleanStoragePath(target);
    return asked !== undefined && (asked.startsWith(granted) || `${asked}/` === granted);
  };
}
