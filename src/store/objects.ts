/**
 * Objects of plugins, as files. All of it is synchronous, for threads that have a guest on their stack.
 *
 * An object appears under its name whole and synced, or not at all: it is written elsewhere, synced, and renamed under the lock
 * of the ledger; then the directory is synced. What is refused leaves nothing behind, and what a killed thread leaves, lies among
 * the parts, where `object-upkeep.ts` finds it.
 */
import { mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { named } from './object-failures.js';
import {
  type Found,
  filesBelow,
  findFile,
  newPartName,
  openFile,
  pruneDirectories,
  syncDirectory,
  writeNew,
} from './object-files.js';
import { type ObjectLedger, type ObjectScope, openObjectLedger } from './object-ledger.js';
import {
  createPlace,
  growthOf,
  type Place,
  requirePlain,
  requireVacant,
  type StoredObject,
} from './object-placement.js';
import { partsIn, rootOf } from './object-places.js';
import { createQuota, type ObjectLimits, type Quota } from './object-quota.js';
import { createUploads, type Uploads } from './object-uploads.js';

export type { ObjectScope } from './object-ledger.js';
export type { StoredObject } from './object-placement.js';
export type { ObjectLimits } from './object-quota.js';

/** An object that is being read. Whoever has it closes it. */
export interface OpenObject extends StoredObject {
  /** Reads all of it to the start of `target`. @throws when the disk fails */
  readInto(target: Uint8Array): void;
  close(): void;
}

export interface PutOptions {
  readonly overwrite: boolean;
  /** How long to wait for others, in ms since the epoch. */
  readonly until: number;
}

export interface ListOptions {
  /** Only paths behind this one. */
  readonly after: string;
  readonly limit: number;
}

/**
 * The objects of all plugins. Paths are clean, relative and in slashes (`spec/host-services.md` §4.2); what they are is not
 * looked at again. Everything throws PLUGIN_STORAGE_PATH_INVALID when a directory, a link or a device is in the way, and
 * PLUGIN_STORAGE_PROVIDER_UNAVAILABLE, with its cause, when the disk or the ledger fails.
 */
export interface Objects {
  /** @throws PLUGIN_STORAGE_OBJECT_EXISTS, CAPABILITY_LIMIT_EXCEEDED */
  put(scope: ObjectScope, path: string, body: Uint8Array, options: PutOptions): StoredObject;
  stat(scope: ObjectScope, path: string): StoredObject | undefined;
  open(scope: ObjectScope, path: string): OpenObject | undefined;
  /** What is not there is deleted already. */
  delete(scope: ObjectScope, path: string, until: number): void;
  /** The same, but a power cut may bring it back. @returns the directory that has lost a name, if any has */
  remove(scope: ObjectScope, path: string, until: number): string | undefined;
  /** Objects at or below a path, in the order of the bytes of their paths. */
  list(scope: ObjectScope, path: string, options: ListOptions): readonly StoredObject[];
  readonly uploads: Uploads;
  readonly directory: string;
  readonly ledger: ObjectLedger;
  close(): void;
}

export interface ObjectsOptions {
  /** Of all that is stored; made when it is missing. */
  readonly directory: string;
  readonly limits: ObjectLimits;
  /** ms since the epoch */
  readonly now: () => number;
}

/** @throws SBX_STORE_FAILED, PLUGIN_STORAGE_PROVIDER_UNAVAILABLE */
export const openObjects = named(({ directory, limits, now }: ObjectsOptions): Objects => {
  mkdirSync(partsIn(directory), { recursive: true, mode: 0o700 });
  const ledger = openObjectLedger(directory, now);
  const quota = createQuota(directory, ledger, limits, now);
  const place = createPlace(directory, ledger, quota);
  const find = (scope: ObjectScope, path: string) => findFile(rootOf(directory, scope), path);
  const removeOne = (scope: ObjectScope, path: string, until: number): string | undefined => {
    if (requirePlain(find(scope, path)).kind === 'missing') return undefined;
    return ledger.exclusive(until, () => remove(ledger, scope, rootOf(directory, scope), path));
  };

  return {
    put: named(putter({ directory, quota, place })),
    stat: named((scope, path) => {
      const found = requirePlain(find(scope, path));
      return found.kind === 'file' ? describe(found, path) : undefined;
    }),
    open: named((scope, path) => {
      const found = requirePlain(find(scope, path));
      const opened = found.kind === 'file' ? openFile(found.file) : undefined;
      return opened && { path, ...opened };
    }),
    delete: named((scope, path, until) => {
      const changed = removeOne(scope, path, until);
      if (changed !== undefined) syncDirectory(changed);
    }),
    remove: named(removeOne),
    list: named((scope, path, options) => list(find(scope, path), path, options)),
    uploads: createUploads({ directory, ledger, quota, limits, now, place }),
    directory,
    ledger,
    close: ledger.close,
  };
});

function putter({ directory, quota, place }: { directory: string; quota: Quota; place: Place }): Objects['put'] {
  return (scope, path, body, { overwrite, until }) => {
    quota.checkObject(body.length);
    // What would be refused in the end is not written first.
    const found = requireVacant(findFile(rootOf(directory, scope), path), overwrite);
    quota.checkTruly(scope, growthOf(found, body.length));
    const part = join(partsIn(directory), newPartName('put'));
    const { bytes, updatedAtNs } = writeNew(part, body);
    try {
      place({ scope, path, part, bytes, counted: 0, overwrite, until });
    } catch (thrown) {
      rmSync(part, { force: true });
      throw thrown;
    }
    return { path, bytes, updatedAtNs };
  };
}

/** @returns the directory that has lost a name, if any has */
function remove(ledger: ObjectLedger, scope: ObjectScope, root: string, path: string): string | undefined {
  const found = requirePlain(findFile(root, path));
  if (found.kind === 'missing') return undefined;
  unlinkSync(found.file);
  const { removed, left } = pruneDirectories(dirname(found.file), root);
  ledger.charge(scope, -found.bytes, -1 - removed);
  return left;
}

function list(found: Found, path: string, { after, limit }: ListOptions): readonly StoredObject[] {
  if (found.kind === 'file') return after === '' || path > after ? [describe(found, path)] : [];
  if (found.kind !== 'directory') return [];
  const listed: StoredObject[] = [];
  for (const below of filesBelow(found.file, `${path}/`, after)) {
    const object = findFile(dirname(below.file), below.path.slice(below.path.lastIndexOf('/') + 1));
    // It may be gone by now.
    if (object.kind === 'file') listed.push(describe(object, below.path));
    if (listed.length === limit) break;
  }
  return listed;
}

function describe({ bytes, updatedAtNs }: Found & { kind: 'file' }, path: string): StoredObject {
  return { path, bytes, updatedAtNs };
}
