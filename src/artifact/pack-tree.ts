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
  /** A link to a file is a file. A link to a directory is never walked into. */
  readonly kind: 'file' | 'directory' | 'linked directory' | 'unreadable';
}

const DIRECTIVE = '//go:embed ';
const FRONTEND_FILE = /^frontend\/(?:pages|dist|public)\//;
const SCANNED_WITH_HIDDEN = /^manifest\/(?:i18n|sql)\//;

/**
 * The paths of the files to pack, sorted.
 * @param embedSource text of `plugin_embed.go` where there is one.
 * @throws SBX_PACK_FAILED
 */
export function selectFiles(tree: readonly TreeEntry[], embedSource?: string): readonly string[] {
  const named = embedSource === undefined ? tree : embedded(tree, readDirectives(embedSource));
  const wanted = named.filter(({ path, kind }) => kind !== 'directory' && (path === 'plugin.yaml' || isPacked(path)));
  if (!wanted.some(({ path }) => path === 'plugin.yaml')) throw packFailed('missing plugin.yaml');
  const broken = wanted.find(({ kind }) => kind !== 'file');
  if (broken?.kind === 'linked directory') throw packFailed(`${broken.path} is a link to a directory`);
  if (broken !== undefined) throw packFailed(`${broken.path} cannot be read`);
  return [...new Set(wanted.map(({ path }) => path))].sort(compareBytes);
}

/** Whether any part of the path is hidden: such manifest files are no resources. */
export function isHidden(path: string): boolean {
  return path.split('/').some(isHiddenName);
}

export function packFailed(reason: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_PACK_FAILED', { reason }, cause === undefined ? {} : { cause });
}

/** Languages and SQL are looked for under hidden names too, as the reference does; everything else is not. */
function isPacked(path: string): boolean {
  if (FRONTEND_FILE.test(path)) return true;
  return path === 'manifest' || (path.startsWith('manifest/') && (SCANNED_WITH_HIDDEN.test(path) || !isHidden(path)));
}

function readDirectives(source: string): readonly string[] {
  const lines = source.split(/\r?\n/).filter((line) => line.startsWith(DIRECTIVE));
  const patterns = lines.flatMap((line) => line.slice(DIRECTIVE.length).split(/\s+/).filter(Boolean));
  if (patterns.length === 0) throw packFailed('plugin_embed.go has no //go:embed directive');
  return patterns.map((pattern) => {
    if (pattern.startsWith('all:')) throw packFailed(`plugin_embed.go: the prefix all: is not supported: ${pattern}`);
    const clean = cleanPath(pattern);
    if (leavesRoot(clean) || clean.startsWith('/')) {
      throw packFailed(`plugin_embed.go: the pattern ${pattern} must name something inside the plugin`);
    }
    return clean;
  });
}

function embedded(tree: readonly TreeEntry[], patterns: readonly string[]): readonly TreeEntry[] {
  return patterns.flatMap((pattern) => {
    const glob = globOf(pattern);
    const roots = tree.filter(({ path }) => glob.test(path));
    if (roots.length === 0) throw packFailed(`plugin_embed.go: the pattern ${pattern} matches no file`);
    return roots.flatMap((root) => (root.kind === 'directory' ? below(tree, root.path) : [root]));
  });
}

/** Everything below a directory that the walk does not skip; the directory's own name is not asked. */
function below(tree: readonly TreeEntry[], directory: string): readonly TreeEntry[] {
  const prefix = `${directory}/`;
  return tree.filter(({ path }) => path.startsWith(prefix) && !isHidden(path.slice(prefix.length)));
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
