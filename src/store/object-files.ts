/**
 * Files of objects, synchronously and without following a link: whoever can put one into the directory must not lead a plugin
 * out of it. Node has no `openat`, so every directory on the way is looked at before a file is touched.
 */
import { randomUUID } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** What is at a path below a root. `blocked`: a directory, a link, a device, or below what is no directory. */
export type Found =
  | { readonly kind: 'file'; readonly file: string; readonly bytes: number; readonly updatedAtNs: bigint }
  | { readonly kind: 'missing'; readonly file: string; readonly missingDirectories: readonly string[] }
  | { readonly kind: 'directory'; readonly file: string }
  | { readonly kind: 'blocked' };

/** Looks at `path`, a clean relative one, and at every directory on the way to it. */
export function findFile(root: string, path: string): Found {
  const names = path.split('/');
  const name = names.pop() as string;
  const missingDirectories: string[] = [];
  let directory = root;
  for (const next of names) {
    directory = join(directory, next);
    const stats = missingDirectories.length > 0 ? undefined : look(directory);
    if (stats === undefined) missingDirectories.push(directory);
    else if (!stats.isDirectory()) return { kind: 'blocked' };
  }
  const file = join(directory, name);
  const stats = missingDirectories.length > 0 ? undefined : look(file);
  if (stats === undefined) return { kind: 'missing', file, missingDirectories };
  if (stats.isDirectory()) return { kind: 'directory', file };
  return stats.isFile() ? { kind: 'file', file, ...timesOf(stats) } : { kind: 'blocked' };
}

function look(path: string): BigIntStats | undefined {
  return ifThere(() => lstatSync(path, { bigint: true }));
}

function timesOf({ size, mtimeNs }: BigIntStats): { bytes: number; updatedAtNs: bigint } {
  return { bytes: Number(size), updatedAtNs: mtimeNs };
}

/** Bytes of an open file. Whoever has it closes it. */
export interface OpenFile {
  readonly bytes: number;
  readonly updatedAtNs: bigint;
  /** Reads the whole file to the start of `target`. @throws when the file is shorter than it was */
  readInto(target: Uint8Array): void;
  close(): void;
}

const PLAIN = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a regular file for reading; undefined when it is gone or something else by now. */
export function openFile(file: string): OpenFile | undefined {
  const descriptor = ifThere(() => openSync(file, constants.O_RDONLY | PLAIN));
  if (descriptor === undefined) return undefined;
  const stats = fstatSync(descriptor, { bigint: true });
  if (!stats.isFile()) {
    closeSync(descriptor);
    return undefined;
  }
  const times = timesOf(stats);
  return {
    ...times,
    readInto: (target) => readAll(descriptor, target, times.bytes),
    close: () => closeSync(descriptor),
  };
}

function readAll(descriptor: number, target: Uint8Array, bytes: number): void {
  for (let at = 0; at < bytes; ) {
    const read = readSync(descriptor, target, at, bytes - at, at);
    if (read === 0) throw new Error(`a file of ${bytes} bytes ends after ${at}`);
    at += read;
  }
}

/** Writes a new file and syncs it; nothing stays when that fails. */
export function writeNew(file: string, body: Uint8Array): { bytes: number; updatedAtNs: bigint } {
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | PLAIN, 0o600);
  try {
    writeAll(descriptor, body, 0);
    fsyncSync(descriptor);
    return timesOf(fstatSync(descriptor, { bigint: true }));
  } catch (thrown) {
    rmSync(file, { force: true });
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes at an offset of a file, which is made when it is not there and ends there when that fails. Not synced. */
export function writeAt(file: string, body: Uint8Array, offset: number): void {
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT | PLAIN, 0o600);
  try {
    writeAll(descriptor, body, offset);
  } catch (thrown) {
    ftruncateSync(descriptor, offset);
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, body: Uint8Array, offset: number): void {
  for (let at = 0; at < body.length; ) at += writeSync(descriptor, body, at, body.length - at, offset + at);
}

/** Makes the names in a directory survive a power cut; when others have removed it meanwhile, its absence. */
export function syncDirectory(directory: string): void {
  // Windows cannot open a directory; its file system keeps names by itself.
  if (process.platform === 'win32') return;
  const descriptor = ifThere(() => openSync(directory, constants.O_RDONLY));
  if (descriptor === undefined) {
    syncDirectory(dirname(directory));
    return;
  }
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when others have removed what is looked for meanwhile, or have put a file in the place of a directory above it. */
function ifThere<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw thrown;
  }
}

/** Makes directories, parents first; those that were made are gone again when one cannot be. */
export function makeDirectories(directories: readonly string[]): void {
  const made: string[] = [];
  try {
    for (const directory of directories) {
      mkdirSync(directory, { mode: 0o700 });
      made.push(directory);
    }
  } catch (thrown) {
    removeDirectories(made);
    throw thrown;
  }
}

/** Removes empty directories, the last one first. */
export function removeDirectories(directories: readonly string[]): void {
  for (const directory of directories.toReversed()) rmdirSync(directory);
}

/** Removes directories that have become empty, from `directory` up to but not including `root`. */
export function pruneDirectories(directory: string, root: string): { removed: number; left: string } {
  let removed = 0;
  let left = directory;
  for (; left !== root && isRemoved(left); left = dirname(left)) removed += 1;
  return { removed, left };
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (thrown) {
    if (['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return false;
    throw thrown;
  }
}

/** A name for a file that is to be renamed. */
export function newPartName(prefix: string): string {
  return `${prefix}-${randomUUID()}`;
}

/**
 * The regular files below a directory in the order of the bytes of their paths, which begin with `prefix`; only those behind
 * `after`. What is no directory holds nothing.
 */
export function* filesBelow(directory: string, prefix: string, after = ''): Generator<{ file: string; path: string }> {
  for (const { name, isDirectory } of sortedEntries(directory)) {
    const path = `${prefix}${name}`;
    const file = join(directory, name);
    if (!isDirectory) {
      if (isBehind(path, after)) yield { file, path };
    } else if (after.startsWith(`${path}/`)) yield* filesBelow(file, `${path}/`, after);
    else if (isBehind(`${path}/`, after)) yield* filesBelow(file, `${path}/`);
  }
}

/** Directories stand where the paths in them do: `a.txt` comes before `a/b`. */
function sortedEntries(directory: string): { name: string; isDirectory: boolean }[] {
  const entries = entriesOf(directory).filter((entry) => entry.isFile() || entry.isDirectory());
  const keyed = entries.map((entry) => {
    const isDirectory = entry.isDirectory();
    return { name: entry.name, isDirectory, key: isDirectory ? `${entry.name}/` : entry.name };
  });
  return keyed.sort((left, right) => compareBytes(left.key, right.key));
}

/** Files and directories below a directory, and the bytes of the files; yields now and then, for those who must not block. */
export function* weighBelow(directory: string): Generator<undefined, { bytes: number; entries: number }> {
  let bytes = 0;
  let entries = 0;
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      const below = yield* weighBelow(path);
      bytes += below.bytes;
      entries += below.entries;
    } else bytes += Number(look(path)?.size ?? 0n);
    entries += 1;
    if (entries % YIELD_EVERY === 0) yield;
  }
  return { bytes, entries };
}

const YIELD_EVERY = 200;

function entriesOf(directory: string) {
  return ifThere(() => readdirSync(directory, { withFileTypes: true })) ?? [];
}

function isBehind(path: string, after: string): boolean {
  return after === '' || compareBytes(path, after) > 0;
}

/** Order of the bytes in UTF-8. JavaScript's own differs where characters beyond the first plane meet the last of it. */
function compareBytes(left: string, right: string): number {
  if (SURROGATE.test(left) || SURROGATE.test(right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

const SURROGATE = /[\ud800-\udfff]/;
