/** What the main thread does for stored objects: purges them, forgets uploads that nobody goes on with, counts after a power cut. */
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import type { ObjectStorage } from '../protocol/messages.js';
import { findFile } from './object-files.js';
import type { ObjectScope } from './object-ledger.js';
import { partsIn, pluginsIn, rootOf, scopesOf } from './object-places.js';
import { recount } from './object-quota.js';
import { type Objects, openObjects } from './objects.js';
import { storeFailure } from './sqlite.js';

export interface ObjectUpkeep {
  /**
   * Deletes the objects of a plugin, of all tenants, at these paths: all below for one that ends with `/`; and its uploads.
   * @throws SBX_STORE_FAILED
   */
  purge(pluginId: string, paths: readonly string[]): Promise<void>;
  /**
   * To be called once, by one process, before anything is stored: after a power cut, uploads are forgotten at once and what is
   * stored is counted anew until the promise resolves.
   */
  start(): Promise<void>;
  /** Forgets expired uploads and removes what killed threads have left. */
  sweep(): void;
}

/** Objects that are deleted before others get a turn. */
const BATCH = 50;
/** How long to wait for the lock, in ms. */
const PATIENCE_MS = 10_000;
/** Longer than any invocation runs, in ms: nobody writes to a part of this age that no upload owns. */
const LEFT_BEHIND_MS = 2 * 3_600_000;
const SWEEP_EVERY_MS = 60_000;

export interface KeptObjects extends Pick<ObjectUpkeep, 'purge'> {
  readonly objects: Objects;
  close(): void;
}

/**
 * Opens the objects for the main thread and keeps them in order until they are closed.
 * @param onFailure hears what could not be done; nobody waits for it
 * @throws SBX_STORE_FAILED, PLUGIN_STORAGE_PROVIDER_UNAVAILABLE
 */
export function keepObjects(
  storage: ObjectStorage,
  { isFirst, onFailure }: { readonly isFirst: boolean; readonly onFailure: (thrown: unknown) => void },
): KeptObjects {
  const objects = openObjects({ ...storage, now: Date.now });
  const upkeep = createObjectUpkeep(objects, Date.now);
  if (isFirst) upkeep.start().catch(onFailure);
  const timer = setInterval(() => {
    try {
      upkeep.sweep();
    } catch (thrown) {
      onFailure(thrown);
    }
  }, SWEEP_EVERY_MS).unref();
  return {
    objects,
    purge: upkeep.purge,
    close() {
      clearInterval(timer);
      objects.close();
    },
  };
}

/** @param bootId changes whenever the machine starts */
export function createObjectUpkeep(objects: Objects, now: () => number, bootId = bootIdOf()): ObjectUpkeep {
  const { directory, ledger, uploads } = objects;
  const until = (): number => now() + PATIENCE_MS;

  return {
    async purge(pluginId, paths) {
      try {
        uploads.forget(ledger.uploadsOf(pluginId), until());
        for (const scope of scopesOf(directory, pluginId)) {
          for (const path of paths) await purgePath(objects, scope, path, until);
          // What was no object has gone as well.
          for (const _ of recount(directory, ledger, scope, now())) await setImmediate();
        }
      } catch (thrown) {
        throw storeFailure((thrown as Error).cause ?? thrown);
      }
    },
    async start() {
      if (ledger.note('boot', bootId) === bootId) return;
      uploads.forget([...ledger.uploadIds()], until());
      for (const pluginId of pluginsIn(directory)) {
        for (const scope of scopesOf(directory, pluginId)) {
          for (const _ of recount(directory, ledger, scope, now())) await setImmediate();
        }
      }
    },
    sweep() {
      uploads.forget(ledger.expiredUploads(now()), until());
      const known = ledger.uploadIds();
      for (const name of readdirSync(partsIn(directory))) {
        const part = join(partsIn(directory), name);
        if (!known.has(name) && isLeftBehind(part, now())) rmSync(part, { force: true });
      }
    },
  };
}

async function purgePath(objects: Objects, scope: ObjectScope, path: string, until: () => number): Promise<void> {
  if (!path.endsWith('/')) {
    const found = findFile(rootOf(objects.directory, scope), path);
    if (found.kind === 'file') objects.remove(scope, path, until());
    return;
  }
  const base = path.slice(0, -1);
  for (;;) {
    const listed = objects.list(scope, base, { after: '', limit: BATCH });
    for (const object of listed) objects.remove(scope, object.path, until());
    if (listed.length < BATCH) break;
    await setImmediate();
  }
  removeRest(rootOf(objects.directory, scope), base);
}

/** Links, devices and empty directories, which are no objects and were put there by somebody else. */
function removeRest(root: string, base: string): void {
  const found = findFile(root, base);
  if (found.kind === 'directory') rmSync(found.file, { recursive: true, force: true });
}

function isLeftBehind(part: string, now: number): boolean {
  const stats = lstatSync(part, { throwIfNoEntry: false });
  return stats !== undefined && now - stats.mtimeMs > LEFT_BEHIND_MS;
}

/** Linux tells; elsewhere a machine seems never to start anew. */
function bootIdOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
