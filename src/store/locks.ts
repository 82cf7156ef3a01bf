import { randomBytes } from 'node:crypto';
import { neverWait, patientlyUntil } from './patience.js';
import { type Database, openDatabase } from './sqlite.js';

/** Whose lock: names of other plugins and tenants never collide. */
export interface LockScope {
  readonly pluginId: string;
  /** 0 is the platform. */
  readonly tenantId: number;
  readonly name: string;
  /** How long to wait while others write, in ms since the epoch; 15 s when absent. */
  readonly deadlineAt?: number | undefined;
}

export interface HeldLock {
  /** Fencing token: greater than that of every earlier holder. */
  readonly fence: number;
  /** Ms since the epoch. */
  readonly expireAt: number;
}

/** Locks with leases, table `sys_plugin_lock`: one holder at a time among all threads and processes that share the file. */
export interface LockStore {
  /** Undefined while somebody holds it. */
  acquire(scope: LockScope, leaseMs: number): HeldLock | undefined;
  /** When the new lease ends; undefined when that holder holds it no more. */
  renew(scope: LockScope, fence: number, leaseMs: number): number | undefined;
  /** Whether that holder held it. */
  release(scope: LockScope, fence: number): boolean;
  /** Signs tickets; made at the first start, the same for all who share the file. */
  ticketKey(): Uint8Array;
  close(): void;
}

/** AUTOINCREMENT never gives a number twice, also not that of a row that was deleted. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sys_plugin_lock (
    fence     INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin_id TEXT    NOT NULL,
    tenant_id INTEGER NOT NULL,
    lock_name TEXT    NOT NULL,
    expire_at INTEGER NOT NULL,
    UNIQUE (plugin_id, tenant_id, lock_name)
  );
  CREATE TABLE IF NOT EXISTS sys_plugin_lock_key (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    key BLOB    NOT NULL
  )`;

const KEY_BYTES = 32;

/**
 * Opens the locks on a connection of its own; `:memory:` lives as long as the store.
 * @param now ms since the epoch, by a clock that all who share the file go by
 * @throws SBX_STORE_FAILED when the file cannot be opened
 */
export function openLockStore(path: string, now: () => number = Date.now): LockStore {
  const database = openDatabase(path);
  database.exec(SCHEMA);
  neverWait(database);
  const statements = prepare(database);
  const acquire = database.transaction(({ pluginId, tenantId, name }: LockScope, leaseMs: number) => {
    const at = now();
    statements.expire.run(pluginId, tenantId, name, at);
    const expireAt = at + leaseMs;
    const fence = statements.insert.get(pluginId, tenantId, name, expireAt);
    return fence === undefined ? undefined : { fence, expireAt };
  });
  let key: Uint8Array | undefined;
  return {
    acquire: (scope, leaseMs) => patientlyUntil(scope.deadlineAt, () => acquire.immediate(scope, leaseMs)),
    renew: ({ pluginId, tenantId, name, deadlineAt }, fence, leaseMs) =>
      patientlyUntil(deadlineAt, () => {
        const at = now();
        const { changes } = statements.renew.run(at + leaseMs, fence, pluginId, tenantId, name, at);
        return changes === 1 ? at + leaseMs : undefined;
      }),
    release: ({ pluginId, tenantId, name, deadlineAt }, fence) =>
      patientlyUntil(deadlineAt, () => statements.release.run(fence, pluginId, tenantId, name).changes === 1),
    ticketKey() {
      key ??= patientlyUntil(undefined, () => {
        const known = statements.key.get();
        if (known === undefined) statements.makeKey.run(randomBytes(KEY_BYTES));
        return known ?? (statements.key.get() as Uint8Array);
      });
      return key;
    },
    close: () => database.close(),
  };
}

type Name = [pluginId: string, tenantId: number, name: string];

function prepare(database: Database) {
  const where = 'WHERE fence = ? AND plugin_id = ? AND tenant_id = ? AND lock_name = ?';
  return {
    expire: database.prepare<[...Name, at: number]>(
      'DELETE FROM sys_plugin_lock WHERE plugin_id = ? AND tenant_id = ? AND lock_name = ? AND expire_at <= ?',
    ),
    insert: database
      .prepare<[...Name, expireAt: number], number>(
        `INSERT INTO sys_plugin_lock (plugin_id, tenant_id, lock_name, expire_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (plugin_id, tenant_id, lock_name) DO NOTHING RETURNING fence`,
      )
      .pluck(),
    renew: database.prepare<[expireAt: number, fence: number, ...Name, at: number]>(
      `UPDATE sys_plugin_lock SET expire_at = ? ${where} AND expire_at > ?`,
    ),
    release: database.prepare<[fence: number, ...Name]>(`DELETE FROM sys_plugin_lock ${where}`),
    makeKey: database.prepare<[Uint8Array]>('INSERT INTO sys_plugin_lock_key VALUES (1, ?) ON CONFLICT DO NOTHING'),
    key: database.prepare<[], Uint8Array>('SELECT key FROM sys_plugin_lock_key').pluck(),
  };
}
