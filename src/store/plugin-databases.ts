/** Open connections of one thread to the databases of plugins: few, verified now and then, and closed when nobody asks. */
import { statSync } from 'node:fs';
import { neverWait } from './patience.js';
import { joinPluginDatabase, pluginDatabasePath } from './plugin-database.js';
import type { Database } from './sqlite.js';
import { createWriterTurns, type WriterTurns } from './writer-turns.js';

export interface PluginDatabases extends WriterTurns {
  /**
   * The connection to a plugin's database, another one after its file or its schema has become another; undefined when the plugin
   * has no database. Whatever was learned over a connection is good for as long as `get` gives that very connection.
   * @throws SBX_STORE_FAILED
   */
  get(pluginId: string, asker: Asker): Database | undefined;
  /** Closes a plugin's connection, which is opened again when it is asked for. */
  forget(pluginId: string): void;
  /** Closes what nobody has asked for within the idle time. */
  freeIdle(): void;
  /** Connections that are open. */
  count(): number;
  close(): void;
}

/** On whose behalf a connection is asked for; the same for all calls of an invocation. */
export interface Asker {
  /** A release that was not the last one to ask comes after SQL of an installation or upgrade: the schema is looked at. */
  readonly releaseKey: number;
  readonly deadlineAt: number;
}

export interface PluginDatabasesOptions {
  /** Without one no plugin has a database. */
  readonly dataDir?: string | undefined;
  readonly maxOpen?: number;
  /** The turns of all threads of this process; without it they are this thread's own. */
  readonly writerTurns?: SharedArrayBuffer | undefined;
  /** Time without a call after which a connection is closed, in ms. */
  readonly idleMs?: number;
  /** Clock in ms. */
  readonly now: () => number;
}

/** Three files each, of the 1,024 that a process may have open on most machines. */
const MAX_OPEN = 32;
const IDLE_MS = 60_000;
/** A schema that changes under a release that goes on serving is seen within this time, in ms. */
const VERIFY_EVERY_MS = 100;
/** Longest wait for a lock while a connection is opened, in ms. */
const OPENING_TIMEOUT_MS = 5000;

interface Open {
  readonly database: Database;
  readonly inode: bigint;
  readonly schemaVersion: number;
  readonly readSchemaVersion: () => number;
  releaseKey: number;
  deadlineAt: number;
  verifiedAt: number;
  usedAt: number;
}

export function createPluginDatabases(options: PluginDatabasesOptions): PluginDatabases {
  const { dataDir, maxOpen = MAX_OPEN, idleMs = IDLE_MS, writerTurns, now } = options;
  const { inTurn } = createWriterTurns(writerTurns);
  /** In the order of their use, the least recent first. */
  const open = new Map<string, Open>();
  let latest: { readonly pluginId: string; readonly entry: Open } | undefined;

  const forget = (pluginId: string): void => {
    latest = undefined;
    const entry = open.get(pluginId);
    open.delete(pluginId);
    entry?.database.close();
  };
  const enter = (dir: string, pluginId: string): Open | undefined => {
    const entry = openOne(dir, pluginId, now());
    if (entry === undefined) return undefined;
    const [oldest] = open.keys();
    if (oldest !== undefined && open.size >= maxOpen) forget(oldest);
    open.set(pluginId, entry);
    return entry;
  };
  const verified = (dir: string, pluginId: string, known: Open, asker: Asker): Open | undefined => {
    const at = now();
    known.usedAt = at;
    known.deadlineAt = asker.deadlineAt;
    const isSame = known.releaseKey === asker.releaseKey;
    known.releaseKey = asker.releaseKey;
    open.delete(pluginId);
    open.set(pluginId, known);
    if (isSame && at - known.verifiedAt < VERIFY_EVERY_MS) return known;
    known.verifiedAt = at;
    if (isCurrent(dir, pluginId, known)) return known;
    forget(pluginId);
    return enter(dir, pluginId);
  };

  return {
    get(pluginId, asker) {
      // All calls of an invocation have one deadline: the clock is looked at once for them.
      if (latest?.pluginId === pluginId && latest.entry.deadlineAt === asker.deadlineAt) return latest.entry.database;
      if (dataDir === undefined) return undefined;
      const known = open.get(pluginId);
      const entry = known ? verified(dataDir, pluginId, known, asker) : enter(dataDir, pluginId);
      if (entry === undefined) return undefined;
      entry.releaseKey = asker.releaseKey;
      entry.deadlineAt = asker.deadlineAt;
      latest = { pluginId, entry };
      return entry.database;
    },
    inTurn,
    forget,
    freeIdle() {
      const before = now() - idleMs;
      for (const [pluginId, { usedAt }] of [...open]) if (usedAt <= before) forget(pluginId);
    },
    count: () => open.size,
    close: () => [...open.keys()].forEach(forget),
  };
}

function openOne(dataDir: string, pluginId: string, at: number): Open | undefined {
  const inode = inodeOf(dataDir, pluginId);
  if (inode === undefined) return undefined;
  const database = joinPluginDatabase(dataDir, pluginId, { busyTimeoutMs: OPENING_TIMEOUT_MS });
  if (database === undefined) return undefined;
  neverWait(database);
  const statement = database.prepare<[], number>('PRAGMA schema_version').pluck();
  const readSchemaVersion = () => statement.get() as number;
  const schemaVersion = readSchemaVersion();
  return {
    database,
    inode,
    schemaVersion,
    readSchemaVersion,
    releaseKey: 0,
    deadlineAt: Number.NaN,
    verifiedAt: at,
    usedAt: at,
  };
}

/** Removed and made anew, a database is another file under the same name. */
function isCurrent(dataDir: string, pluginId: string, { inode, schemaVersion, readSchemaVersion }: Open): boolean {
  if (inodeOf(dataDir, pluginId) !== inode) return false;
  try {
    return readSchemaVersion() === schemaVersion;
  } catch {
    // Whatever is wrong with it, a new connection will say so.
    return false;
  }
}

function inodeOf(dataDir: string, pluginId: string): bigint | undefined {
  return statSync(pluginDatabasePath(dataDir, pluginId), { bigint: true, throwIfNoEntry: false })?.ino;
}
