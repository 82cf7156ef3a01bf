/**
 * Files of artifacts: the archive, whose files never change once they are named, and the staged files, one per plugin.
 *
 *   <archiveDir>/releases/<plugin-id>/<version>/<checksum>/<plugin-id>.wasm
 *   <stagingDir>/<plugin-id>.wasm
 *
 * A file appears under its name whole and synced, or not at all: it is written under another name, synced, renamed, and then
 * the directories are synced. Whoever writes a name into a database after that may rely on it.
 */
import { randomUUID, webcrypto } from 'node:crypto';
import { copyFile, type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { storeFailure } from './sqlite.js';

/** What names an archived file. */
export interface ArchiveKey {
  readonly pluginId: string;
  readonly version: string;
  /** Lowercase hex SHA-256 of the bytes. */
  readonly checksum: string;
}

/** A file of the staging directory; `stamp` changes whenever the file does. */
export interface StagedFile {
  readonly name: string;
  readonly stamp: string;
}

export interface BlobOptions {
  readonly archiveDir: string;
  readonly stagingDir: string;
  /** Hears of every step that a crash could follow. */
  readonly onStep?: (step: BlobStep) => void;
}

export type BlobStep = 'temporary-written' | 'renamed' | 'directories-synced';

export interface Blobs {
  /**
   * Keeps the bytes durably; a sound file under the same name is left alone, a damaged one replaced.
   * @returns its path relative to the archive directory, with `/`.
   * @throws SBX_STORE_FAILED also when the bytes do not have this checksum.
   */
  archive(key: ArchiveKey, bytes: Uint8Array): Promise<string>;
  /** @throws SBX_ARCHIVE_BROKEN when the file is missing, unreadable or does not have this checksum. */
  readArchive(path: string, checksum: string): Promise<Uint8Array>;
  /** Removes the archived files of a plugin except these, as {@link Blobs.archive} named them. */
  pruneArchive(pluginId: string, keep: ReadonlySet<string>): Promise<void>;
  /** Puts a staged file in place of the one before, which is kept until the change is settled. */
  stage(pluginId: string, bytes: Uint8Array): Promise<StagedChange>;
  /** Removes a staged file; one that is not there is a success. */
  unstage(name: string): Promise<void>;
  /** The `*.wasm` files right in the staging directory, by name. */
  listStaged(): Promise<readonly StagedFile[]>;
  /** @throws SBX_STORE_FAILED */
  readStaged(name: string): Promise<Uint8Array>;
  /** Removes what a crash has left half-written. Nobody may be writing. */
  sweep(): Promise<void>;
}

export interface StagedChange {
  /** Puts the file before back, or removes the new one if there was none. */
  readonly undo: () => Promise<void>;
  readonly keep: () => Promise<void>;
}

const TEMPORARY = '.sandpool-tmp-';
const BACKUP = '.sandpool-bak-';

/** Opens the files of artifacts; directories are made when they are first needed. */
export function openBlobs({ archiveDir, stagingDir, onStep = () => {} }: BlobOptions): Blobs {
  const archiveRoot = join(archiveDir, 'releases');

  const place = async (target: string, bytes: Uint8Array, rootDir: string): Promise<void> => {
    const directory = dirname(target);
    await mkdir(directory, { recursive: true });
    const temporary = join(directory, `${TEMPORARY}${randomUUID()}`);
    try {
      await writeSynced(temporary, bytes);
      onStep('temporary-written');
      await rename(temporary, target);
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
    onStep('renamed');
    await syncUpTo(directory, rootDir);
    onStep('directories-synced');
  };

  const blobs: Blobs = {
    async archive({ pluginId, version, checksum }, bytes) {
      if ((await checksumOf(bytes)) !== checksum) throw unusable(`bytes without checksum ${checksum}`);
      const names = [pluginId, version, checksum, `${pluginId}.wasm`].map(plainName);
      const path = join(archiveRoot, ...names);
      if (!(await hasChecksum(path, checksum))) await place(path, bytes, archiveDir);
      return relative(archiveDir, path).replaceAll(sep, '/');
    },

    async readArchive(path, checksum) {
      const bytes = await readFile(join(archiveDir, path)).catch((cause: unknown) => {
        throw new SandpoolError('SBX_ARCHIVE_BROKEN', { path, reason: reasonOf(cause) }, { cause });
      });
      if ((await checksumOf(bytes)) === checksum) return bytes;
      const reason = `its ${bytes.length} bytes do not have checksum ${checksum}`;
      throw new SandpoolError('SBX_ARCHIVE_BROKEN', { path, reason });
    },

    async pruneArchive(pluginId, keep) {
      const root = join(archiveRoot, plainName(pluginId));
      for (const directory of await checksumDirectories(root)) {
        const path = relative(archiveDir, join(directory, `${pluginId}.wasm`)).replaceAll(sep, '/');
        if (!keep.has(path)) await rm(directory, { recursive: true, force: true });
      }
    },

    async stage(pluginId, bytes) {
      const path = join(stagingDir, `${plainName(pluginId)}.wasm`);
      const backup = join(stagingDir, `${BACKUP}${randomUUID()}`);
      const hadOne = await keepCopy(path, backup);
      await place(path, bytes, stagingDir);
      return {
        undo: async () => {
          if (hadOne) await rename(backup, path);
          else await rm(path, { force: true });
          await syncDirectory(stagingDir);
        },
        keep: () => rm(backup, { force: true }),
      };
    },

    async unstage(name) {
      await rm(join(stagingDir, plainName(name)), { force: true });
      await syncDirectory(stagingDir);
    },

    async listStaged() {
      const names = await namesIn(stagingDir);
      const files = names.filter((name) => name.endsWith('.wasm')).sort();
      return (await Promise.all(files.map((name) => stampOf(stagingDir, name)))).flat();
    },

    async readStaged(name) {
      return readFile(join(stagingDir, plainName(name)));
    },

    async sweep() {
      await Promise.all([removeLeftovers(stagingDir, false), removeLeftovers(archiveRoot, true)]);
    },
  };
  return named(blobs);
}

/** Every failure of the file system gets a code of the table. */
function named(blobs: Blobs): Blobs {
  const guard =
    <Given extends unknown[], Result>(operation: (...given: Given) => Promise<Result>) =>
    (...given: Given): Promise<Result> =>
      operation(...given).catch((thrown: unknown) => {
        throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
      });
  return {
    archive: guard(blobs.archive),
    readArchive: guard(blobs.readArchive),
    pruneArchive: guard(blobs.pruneArchive),
    stage: guard(blobs.stage),
    unstage: guard(blobs.unstage),
    listStaged: guard(blobs.listStaged),
    readStaged: guard(blobs.readStaged),
    sweep: guard(blobs.sweep),
  };
}

/** Off the main thread: some MB take some ms. */
async function checksumOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

/** Ids, versions and checksums are checked elsewhere; that they cannot lead out of the store is checked here. */
function plainName(name: string): string {
  if (/^(?!\.)[0-9A-Za-z._-]+$/.test(name)) return name;
  throw unusable(`the name ${JSON.stringify(name)}`);
}

function unusable(what: string): SandpoolError {
  return new SandpoolError('SBX_STORE_FAILED', { reason: `${what} cannot be stored` });
}

async function hasChecksum(path: string, checksum: string): Promise<boolean> {
  try {
    return (await checksumOf(await readFile(path))) === checksum;
  } catch {
    // Absent or unreadable: it is written anew, and that tells why if it cannot be.
    return false;
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file: FileHandle = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Syncs a directory and those above it up to the root: each may be new, and a new name is lost with its directory. */
async function syncUpTo(directory: string, rootDir: string): Promise<void> {
  await syncDirectory(directory);
  const parent = dirname(directory);
  if (directory !== rootDir && parent !== directory && parent.startsWith(rootDir)) await syncUpTo(parent, rootDir);
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory; its file system keeps names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @returns whether there was a file to keep. */
async function keepCopy(path: string, backup: string): Promise<boolean> {
  try {
    // A second name costs nothing; file systems without them get a copy.
    await link(path, backup).catch((thrown: unknown) =>
      isMissing(thrown) ? Promise.reject(thrown) : copyFile(path, backup),
    );
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
}

/** One entry, or none when the file has gone meanwhile or is no file. */
async function stampOf(directory: string, name: string): Promise<StagedFile[]> {
  try {
    const found = await stat(join(directory, name), { bigint: true });
    return found.isFile() ? [{ name, stamp: [found.size, found.mtimeNs, found.ctimeNs, found.ino].join(':') }] : [];
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

async function checksumDirectories(root: string): Promise<string[]> {
  const versions = (await namesIn(root)).map((version) => join(root, version));
  const below = await Promise.all(
    versions.map(async (version) => (await namesIn(version)).map((sum) => join(version, sum))),
  );
  return below.flat();
}

/** Names in a directory; none when it is not there. */
async function namesIn(directory: string, recursive = false): Promise<string[]> {
  try {
    return await readdir(directory, { recursive });
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return [];
    throw thrown;
  }
}

async function removeLeftovers(directory: string, recursive: boolean): Promise<void> {
  const isLeftover = (path: string) => /(?:^|[\\/])\.sandpool-(?:tmp|bak)-[0-9a-f-]+$/.test(path);
  const leftovers = (await namesIn(directory, recursive)).filter(isLeftover);
  await Promise.all(leftovers.map((path) => rm(join(directory, path), { force: true })));
}
