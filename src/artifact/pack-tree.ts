/**
 * Which files of a plugin's directory are packed: those that `plugin_embed.go` names, or those of the known folders
 * (`spec/artifact.md` §3.1).
 */
import { SandpoolError } from '../protocol/errors.js';
import { cleanPath, leavesRoot } from './paths.js';
import { compareBytes, trim } from './text.js';

export interface TreeEntry {
  /** From the plugin's root, with `/`. */
  readonly path: string;
  /** A link to a file is a file, `outside` when that lies outside the plugin. A link to a directory is never walked into. */
  readonly kind: 'file' | 'outside' | 'directory' | 'linked directory' | 'unreadable';
}

const DIRECTIVE = '//go:embed ';
/** Folders of the frontend that are packed whether or not they are published. */
const FRONTEND_FOLDERS: readonly string[] = ['frontend/pages', 'frontend/dist', 'frontend/public'];
const SCANNED_WITH_HIDDEN = /^manifest\/(?:i18n|sql)\//;

/**
 * The paths of the files to pack, sorted.
 * @param embedSource text of `plugin_embed.go` where there is one.
 * @param published folders that `public_assets` declares.
 * @throws SBX_PACK_FAILED
 */
export function selectFiles(
  tree: readonly TreeEntry[],
  embedSource?: string,
  published: readonly string[] = [],
): readonly string[] {
  const directives = embedSource === undefined ? undefined : readDirectives(embedSource);
  const named = directives === undefined ? tree : embedded(tree, directives);
  const isAll = packsHidden(embedSource);
  const isWanted = (path: string): boolean =>
    path === 'plugin.yaml' ||
    isFrontendFile(path, published) ||
    (isAll ? path.startsWith('manifest/') : isManifest(path));
  const wanted = named.filter(({ path, kind }) => kind !== 'directory' && isWanted(path));
  if (!wanted.some(({ path }) => path === 'plugin.yaml')) throw packFailed('missing plugin.yaml');
  for (const entry of wanted) checkKind(entry);
  return [...new Set(wanted.map(({ path }) => path))].sort(compareBytes);
}

/** Whether a file belongs to the frontend that an artifact carries. Pages in Vue and slots are built into a host instead. */
export function isFrontendFile(path: string, published: readonly string[]): boolean {
  if (!path.startsWith('frontend/') || path.startsWith('frontend/slots/') || path.endsWith('.vue')) return false;
  return [...FRONTEND_FOLDERS, ...published].some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** Whether `plugin_embed.go` asks for hidden names as well, by the prefix `all:` of Go. */
export function packsHidden(embedSource: string | undefined): boolean {
  return embedSource !== undefined && readDirectives(embedSource).some(({ isAll }) => isAll);
}

/** Whether any part of the path is hidden: such manifest files are no resources. */
export function isHidden(path: string): boolean {
  return path.split('/').some(isHiddenName);
}

export function packFailed(reason: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_PACK_FAILED', { reason }, cause === undefined ? {} : { cause });
}

/** Languages and SQL are looked for under hidden names too, as the reference does; everything else is not. */
function isManifest(path: string): boolean {
  return path === 'manifest' || (path.startsWith('manifest/') && (SCANNED_WITH_HIDDEN.test(path) || !isHidden(path)));
}

/** What is published is the plugin's own; other links to files are followed wherever they lead, as in the reference. */
function checkKind({ path, kind }: TreeEntry): void {
  if (kind === 'linked directory') throw packFailed(`${path} is a link to a directory`);
  if (kind === 'unreadable') throw packFailed(`${path} cannot be read`);
  if (kind === 'outside' && path.startsWith('frontend/')) {
    throw packFailed(`${path} is a link to a file outside the plugin, which could be published`);
  }
}

interface Directive {
  readonly pattern: string;
  /** Names that begin with `.` or `_` are walked into as well. */
  readonly isAll: boolean;
}

function readDirectives(source: string): readonly Directive[] {
  const lines = source.split(/\r?\n/).filter((line) => line.startsWith(DIRECTIVE));
  const patterns = lines.flatMap((line) => line.slice(DIRECTIVE.length).split(/\s+/).filter(Boolean));
  if (patterns.length === 0) throw packFailed('plugin_embed.go has no //go:embed directive');
  return patterns.map((pattern) => {
    const isAll = pattern.startsWith('all:');
    const clean = cleanPath(isAll ? pattern.slice('all:'.length) : pattern);
    if (leavesRoot(clean) || clean.startsWith('/')) {
      throw packFailed(`plugin_embed.go: the pattern ${pattern} must name something inside the plugin`);
    }
    return { pattern: clean, isAll };
  });
}

function embedded(tree: readonly TreeEntry[], directives: readonly Directive[]): readonly TreeEntry[] {
  return directives.flatMap(({ pattern, isAll }) => {
    const glob = globOf(pattern);
    const roots = tree.filter(({ path }) => glob.test(path));
    if (roots.length === 0) throw packFailed(`plugin_embed.go: the pattern ${pattern} matches no file`);
    return roots.flatMap((root) => (root.kind === 'directory' ? below(tree, root.path, isAll) : [root]));
  });
}

/** Everything below a directory that the walk does not skip; the directory's own name is not asked. */
function below(tree: readonly TreeEntry[], directory: string, isAll: boolean): readonly TreeEntry[] {
  const prefix = `${directory}/`;
  return tree.filter(({ path }) => path.startsWith(prefix) && (isAll || !isHidden(path.slice(prefix.length))));
}

function isHiddenName(name: string): boolean {
  return /^[._]/.test(trim(name));
}

/** A pattern of Go's `path.Match`: `*` and `?` do not cross `/`, `[a-z]` and `[^a-z]` are classes, `\` escapes. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(
    /\\(?<escaped>.)|\*|\?|\[(?<negated>\^?)(?<members>(?:\\.|[^\]\\])+)\]|./gsu,
    (token, ...rest) => {
      const groups = rest.at(-1) as { escaped?: string; negated?: string; members?: string };
      if (groups.escaped !== undefined) return literal(groups.escaped);
      if (groups.members !== undefined) return `(?!/)[${groups.negated}${groups.members.replace(/[[&~^]/g, '\\$&')}]`;
      if (token === '*') return '[^/]*';
      return token === '?' ? '[^/]' : literal(token);
    },
  );
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch (cause) {
    throw packFailed(`plugin_embed.go: the pattern ${pattern} is malformed`, cause);
  }
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
