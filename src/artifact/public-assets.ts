/** Which frontend files a plugin publishes, and under which path (`spec/artifact.md` §4.4). */
import { type Decoder, list, object, text } from './decode.js';
import { invalid } from './json.js';
import { cleanPath } from './paths.js';
import { trim } from './text.js';

export interface PublicAssetDeclaration {
  /** Directory of the plugin, e.g. `frontend/pages`. */
  readonly source: string;
  /** Empty for the version root. */
  readonly mount: string;
  /** Plain file name, `index.html` by default. */
  readonly index: string;
}

export const decodePublicAssets: Decoder<readonly PublicAssetDeclaration[]> = list(
  object({ source: ['source', text], mount: ['mount', text], index: ['index', text] }),
);

/**
 * Checks and normalises declarations. A root mount may stand beside other mounts, which may not lie in one another; whether a
 * file of the root hides behind another mount is for {@link checkPublicFiles}.
 * @throws SBX_ARTIFACT_INVALID
 */
export function normalizePublicAssets(declared: readonly PublicAssetDeclaration[]): readonly PublicAssetDeclaration[] {
  const normalized = declared.map(({ source, mount, index }) => ({
    source: normalizePath(source, 'source'),
    mount: ['', '/'].includes(trim(mount)) ? '' : normalizePath(mount, 'mount'),
    index: normalizeIndex(index),
  }));
  checkOverlaps(normalized.map(({ mount }) => mount));
  return normalized;
}

/**
 * Checks that every source has a file, and that no public path has two.
 * @param paths the plugin's frontend files, e.g. `frontend/pages/index.html`.
 * @throws SBX_ARTIFACT_INVALID
 */
export function checkPublicFiles(declarations: readonly PublicAssetDeclaration[], paths: readonly string[]): void {
  for (const { source } of declarations) {
    if (paths.some((path) => isAtOrBelow(path, source))) continue;
    throw invalid(`public_assets source ${source}: asset prefix does not exist`);
  }
  const root = declarations.find(({ mount }) => mount === '');
  for (const { mount } of declarations) {
    if (root === undefined || mount === '') continue;
    const hidden = paths.find((path) => isAtOrBelow(path, `${root.source}/${mount}`));
    if (hidden !== undefined) throw invalid(`public_assets mount ${mount} overlaps ${hidden} of the root mount`);
  }
}

/**
 * The file behind a public path, or `undefined`. The longest mount that covers the path wins; a mount itself gives its index.
 * @param rest what follows the version in the URL, decoded, e.g. `pages/app.js`.
 */
export function resolvePublicAsset(declarations: readonly PublicAssetDeclaration[], rest: string): string | undefined {
  const path = rest.replace(/^\//, '');
  if (path.includes('\\') || path.includes('\0') || path.split('/').some((segment) => /^\.\.?$/.test(segment)))
    return undefined;
  const covering = declarations
    .filter(({ mount }) => mount === '' || isAtOrBelow(path, mount))
    .sort((left, right) => right.mount.length - left.mount.length);
  const [winner] = covering;
  if (winner === undefined) return undefined;
  const suffix = path.slice(winner.mount.length).replace(/^\//, '');
  if (suffix.endsWith('/')) return undefined;
  return cleanPath(`${winner.source}/${suffix === '' ? winner.index : suffix}`);
}

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function normalizePath(declared: string, field: string): string {
  const path = trim(declared).replaceAll('\\', '/');
  const refuse = (why: string): never => {
    throw invalid(`public_assets ${field} ${declared} ${why}`);
  };
  if (path === '') throw invalid(`public_assets ${field} cannot be empty`);
  if (path.includes('://') || /^[A-Za-z][A-Za-z0-9+.-]+:/.test(path)) refuse('cannot be a URL');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) refuse('must be relative');
  if (/[*?#]/.test(path)) refuse('contains unsupported characters');
  if (path.split('/').some((segment) => /^\.\.?$/.test(segment))) {
    refuse('escapes plugin root: segments "." and ".." are refused');
  }
  return path.endsWith('/') && field === 'index' ? path : cleanPath(path);
}

function normalizeIndex(declared: string): string {
  if (trim(declared) === '') return 'index.html';
  const name = normalizePath(declared, 'index');
  if (name.includes('/')) throw invalid(`public_assets index ${declared} must be a file name`);
  return name;
}

function checkOverlaps(mounts: readonly string[]): void {
  mounts.forEach((mount, index) => {
    const other = mounts.slice(0, index).find((earlier) => overlaps(mount, earlier));
    if (other !== undefined) throw invalid(`public_assets mount ${mount || '/'} overlaps ${other || '/'}`);
  });
}

function overlaps(left: string, right: string): boolean {
  if (left === '' || right === '') return left === right;
  return isAtOrBelow(left, right) || isAtOrBelow(right, left);
}
