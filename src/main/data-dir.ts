/** The data directory of a host, which is one host's alone. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { isBusy } from '../store/patience.js';
import { type Database, openDatabase } from '../store/sqlite.js';

/**
 * Makes the directory, for its owner alone, and gives its absolute path. One that is there stays as it is.
 * @throws SBX_DATA_DIR
 */
export function makeDataDir(dir: string): string {
  const dataDir = resolve(dir);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return dataDir;
  } catch (cause) {
    throw unusable(dataDir, reasonOf(cause), cause);
  }
}

/**
 * Keeps every other host out until the returned function is called, or this process ends, however it ends. Two hosts would not
 * hear of each other's changes. The processes of one host are kept out by nothing: their primary holds the directory for all.
 * @throws SBX_DATA_DIR when another host has it, or nothing can be written there
 */
export function holdDataDir(dataDir: string): () => void {
  let database: Database | undefined;
  try {
    database = openDatabase(join(dataDir, 'host.db'), { busyTimeoutMs: 0 });
    // Committed first, so that others can read who is here; the transaction then stays open, and is what keeps them out.
    database.exec(`PRAGMA user_version = ${process.pid}; BEGIN IMMEDIATE`);
    return () => database?.close();
  } catch (thrown) {
    // A failure to open it is a failure of the store already, with SQLite's own behind it.
    const cause = thrown instanceof SandpoolError ? thrown.cause : thrown;
    const reason = isBusy(cause) ? `${holderOf(database)} runs a host on it` : reasonOf(cause);
    database?.close();
    throw unusable(dataDir, reason, cause);
  }
}

function holderOf(database: Database | undefined): string {
  return database ? `process ${database.pragma('user_version', { simple: true })}` : 'another process';
}

function unusable(dir: string, reason: string, cause: unknown): SandpoolError {
  return new SandpoolError('SBX_DATA_DIR', { dir, reason }, { cause });
}
