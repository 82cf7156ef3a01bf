/**
 * One SQLite file for each plugin, `<data directory>/plugins/<plugin id>/data.db`: whatever the SQL of a plugin does, it can do
 * to nothing but this file.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkPluginId } from '../artifact/plugin-id.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { migrate } from './migrations.js';
import { PLUGIN_MIGRATIONS } from './plugin-catalog.js';
import { registerFunctions } from './sql-functions.js';
import { type Database, openDatabase, storeFailure } from './sqlite.js';

export interface PluginDatabaseOptions {
  readonly busyTimeoutMs?: number;
  /** The file grows no further. */
  readonly maxBytes?: number;
}

const PAGE_BYTES = 4096;
const DEFAULT_MAX_BYTES = 1024 ** 3;

/** @throws PLUGIN_ID_INVALID, so that no name leads elsewhere */
export function pluginDatabasePath(dataDir: string, pluginId: string): string {
  checkPluginId(pluginId);
  return join(dataDir, 'plugins', pluginId, 'data.db');
}

export function hasPluginDatabase(dataDir: string, pluginId: string): boolean {
  return existsSync(pluginDatabasePath(dataDir, pluginId));
}

/**
 * Opens a plugin's database, made when it is missing, with all functions that its schema may use. The caller closes it.
 * @throws PLUGIN_ID_INVALID, SBX_STORE_FAILED
 */
export function openPluginDatabase(dataDir: string, pluginId: string, options: PluginDatabaseOptions = {}): Database {
  const path = pluginDatabasePath(dataDir, pluginId);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (thrown) {
    throw storeFailure(thrown);
  }
  return prepared(openDatabase(path, { synchronous: 'FULL', busyTimeoutMs: options.busyTimeoutMs ?? 10_000 }), options);
}

/**
 * Opens a plugin's database that is there already, also while somebody else is writing to it; undefined when there is none, also
 * when it is being removed just now: none is made. The caller closes it.
 * @throws PLUGIN_ID_INVALID, SBX_STORE_FAILED
 */
export function joinPluginDatabase(
  dataDir: string,
  pluginId: string,
  { busyTimeoutMs = 10_000, maxBytes }: PluginDatabaseOptions = {},
): Database | undefined {
  const database = openExisting(pluginDatabasePath(dataDir, pluginId), busyTimeoutMs);
  try {
    if (database === undefined) return undefined;
    limitSize(database, maxBytes);
    registerFunctions(database);
    return database;
  } catch (thrown) {
    database?.close();
    throw thrown;
  }
}

function openExisting(path: string, busyTimeoutMs: number): Database | undefined {
  try {
    return openDatabase(path, { synchronous: 'FULL', busyTimeoutMs, mustExist: true });
  } catch (thrown) {
    // Looked at afterwards: before, it could still be removed in between.
    if (!existsSync(path)) return undefined;
    throw thrown;
  }
}

/** A database of a plugin that is nowhere kept. */
export function openScratchDatabase(): Database {
  return prepared(openDatabase(':memory:'), {});
}

function limitSize(database: Database, maxBytes = DEFAULT_MAX_BYTES): void {
  database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`);
}

function prepared(database: Database, { maxBytes }: PluginDatabaseOptions): Database {
  try {
    limitSize(database, maxBytes);
    registerFunctions(database);
    migrate(database, 'plugin', PLUGIN_MIGRATIONS);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
  }
}

/** Removes all data of a plugin; nothing happens when there is none. @throws SBX_STORE_FAILED */
export function purgePluginDatabase(dataDir: string, pluginId: string): void {
  const path = pluginDatabasePath(dataDir, pluginId);
  try {
    // The file itself first: without it, what else there is means nothing.
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  } catch (thrown) {
    throw new SandpoolError('SBX_STORE_FAILED', { reason: reasonOf(thrown) }, { cause: thrown });
  }
}
