/** The door to better-sqlite3. */
import BetterSqlite3 from 'better-sqlite3';
import { reasonOf, SandpoolError } from '../protocol/errors.js';

export type Database = BetterSqlite3.Database;

export interface DatabaseOptions {
  readonly readonly?: boolean;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens a connection in WAL mode, so that readers never wait for the writer; `:memory:` is private to the connection.
 * @throws SBX_STORE_FAILED when the file cannot be opened
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const { readonly = false, busyTimeoutMs = 5000 } = options;
  try {
    const database = new BetterSqlite3(path, { readonly, timeout: busyTimeoutMs });
    if (!readonly) database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    return database;
  } catch (cause) {
    throw new SandpoolError('SBX_STORE_FAILED', { reason: reasonOf(cause) }, { cause });
  }
}
