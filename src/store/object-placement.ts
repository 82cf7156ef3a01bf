/** How what was written becomes an object: counted, renamed to its place, and its name synced. */
import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { SandpoolError } from '../protocol/errors.js';
import { type Found, findFile, makeDirectories, removeDirectories, syncDirectory } from './object-files.js';
import type { ObjectLedger, ObjectScope, Usage } from './object-ledger.js';
import { makeRoot, rootOf } from './object-places.js';
import type { Quota } from './object-quota.js';

export interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  /** When it was stored, in ns since the epoch. */
  readonly updatedAtNs: bigint;
}

export interface Placement {
  readonly scope: ObjectScope;
  readonly path: string;
  /** The file, written and synced. It stays where it is when it cannot be placed. */
  readonly part: string;
  readonly bytes: number;
  /** Bytes of it that are counted already. */
  readonly counted: number;
  readonly overwrite: boolean;
  readonly until: number;
  /** Called under the lock as soon as it is an object. */
  readonly whenPlaced?: () => void;
}

export type Place = (placement: Placement) => void;

/** A place where an object is or could be. */
export type Plain = Exclude<Found, { kind: 'blocked' | 'directory' }>;

export function createPlace(directory: string, ledger: ObjectLedger, quota: Quota): Place {
  return ({ scope, path, part, bytes, counted, overwrite, until, whenPlaced }) => {
    const root = rootOf(directory, scope);
    makeRoot(root);
    const file = ledger.exclusive(until, () => {
      const found = requireVacant(findFile(root, path), overwrite);
      const growth = growthOf(found, bytes);
      quota.check(scope, { ...growth, bytes: growth.bytes - counted });
      charged(ledger, scope, growth, () => rename(part, found));
      whenPlaced?.();
      return found.file;
    });
    syncDirectory(dirname(file));
  };
}

/** What an object of that size adds there. */
export function growthOf(found: Plain, bytes: number): Usage {
  if (found.kind === 'file') return { bytes: bytes - found.bytes, entries: 0 };
  return { bytes, entries: 1 + found.missingDirectories.length };
}

/** @throws PLUGIN_STORAGE_PATH_INVALID for a directory, a link, a device, and what is below one */
export function requirePlain(found: Found): Plain {
  if (found.kind === 'file' || found.kind === 'missing') return found;
  throw new SandpoolError('PLUGIN_STORAGE_PATH_INVALID', {});
}

/** @throws PLUGIN_STORAGE_PATH_INVALID, PLUGIN_STORAGE_OBJECT_EXISTS */
export function requireVacant(found: Found, overwrite: boolean): Plain {
  const plain = requirePlain(found);
  if (plain.kind === 'file' && !overwrite) throw new SandpoolError('PLUGIN_STORAGE_OBJECT_EXISTS', {});
  return plain;
}

/** Counts before the change what it adds, and after it what it takes away; a change that fails is not counted. */
function charged(ledger: ObjectLedger, scope: ObjectScope, { bytes, entries }: Usage, change: () => void): void {
  if (bytes > 0 || entries > 0) ledger.charge(scope, Math.max(0, bytes), entries);
  try {
    change();
  } catch (thrown) {
    ledger.charge(scope, -Math.max(0, bytes), -entries);
    throw thrown;
  }
  if (bytes < 0) ledger.charge(scope, bytes, 0);
}

function rename(part: string, found: Plain): void {
  const directories = found.kind === 'missing' ? found.missingDirectories : [];
  makeDirectories(directories);
  try {
    // Before others find them, who would take them for synced.
    for (const directory of directories) syncDirectory(dirname(directory));
    renameSync(part, found.file);
  } catch (thrown) {
    removeDirectories(directories);
    throw thrown;
  }
}
