/** The door to better-sqlite3. */
import BetterSqlite3 from 'better-sqlite3';
import { reasonOf, SandpoolError } from '../protocol/errors.js';

export type Database = BetterSqlite3.Database;

export interface DatabaseOptions {
  readonly readonly?: boolean;
  /** A file that is not there is not made. */
  readonly mustExist?: boolean;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
  /** `FULL` survives a power cut with every commit; `NORMAL` may lose the last ones, never the file. Both survive kill -9. */
  readonly synchronous?: 'NORMAL' | 'FULL';
}

/**
 * Opens a connection in WAL mode, so that readers never wait for the writer; `:memory:` is private to the connection.
 * @throws SBX_STORE_FAILED when the file cannot be opened
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const { readonly = false, mustExist = false, busyTimeoutMs = 5000, synchronous = 'NORMAL' } = options;
  let database: Database | undefined;
  try {
    database = keptAlive(new BetterSqlite3(path, { readonly, fileMustExist: mustExist, timeout: busyTimeoutMs }));
    // `exec` and not `pragma`, which would leave a statement behind for each.
    if (!readonly) database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA foreign_keys = ON`);
    return database;
  } catch (cause) {
    // Nobody else could: what is kept alive is not closed by being forgotten.
    database?.close();
    throw new SandpoolError('SBX_STORE_FAILED', { reason: `${reasonOf(cause)}: ${path}` }, { cause });
  }
}

/**
 * Connections and statements of this thread, never let go. Node 24 ends the process when one of them is collected by a garbage
 * collection that no JavaScript runs in (`RemoveEnvironmentCleanupHook`, seen with 24.21 and better-sqlite3 12.11). All of our
 * statements are prepared once, so there are few.
 */
const alive: unknown[] = [];

function keptAlive(database: Database): Database {
  alive.push(database);
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    const statement = prepare(sql);
    alive.push(statement);
    return statement;
  }) as Database['prepare'];
  return database;
}

/** What the database threw, as a failure of the store. */
export function storeFailure(cause: unknown): SandpoolError {
  return new SandpoolError('SBX_STORE_FAILED', { reason: reasonOf(cause) }, { cause });
}
