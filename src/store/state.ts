import { neverWait, patientlyUntil } from './patience.js';
import { type Database, openDatabase } from './sqlite.js';

/** Whose state: a plugin's, for one tenant; 0 is the platform. */
export interface StateScope {
  readonly pluginId: string;
  readonly tenantId: number;
  /** How long to wait while others write, in ms since the epoch; 15 s when absent. */
  readonly deadlineAt?: number | undefined;
}

/** Key/value state of plugins, table `sys_plugin_state`. Keys and values are kept as given; their limits are the service's. */
export interface StateStore {
  get(scope: StateScope, key: string): string | undefined;
  /** The keys that exist, in no promised order. */
  getMany(scope: StateScope, keys: readonly string[]): ReadonlyMap<string, string>;
  set(scope: StateScope, key: string, value: string): void;
  /** All of them or none. */
  setMany(scope: StateScope, values: ReadonlyMap<string, string>): void;
  delete(scope: StateScope, key: string): void;
  deleteMany(scope: StateScope, keys: readonly string[]): void;
  /** Everything that a plugin has stored, for every tenant; what the host says of its tenants stays. */
  purge(pluginId: string): void;
  close(): void;
}

/** Rows with key `__tenant_enabled__` are the host's own (`spec/governance.md` §0.2). */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sys_plugin_state (
    plugin_id   TEXT    NOT NULL,
    tenant_id   INTEGER NOT NULL DEFAULT 0,
    state_key   TEXT    NOT NULL,
    state_value TEXT    NOT NULL DEFAULT '',
    enabled     INTEGER NOT NULL DEFAULT 0,
    created_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (plugin_id, tenant_id, state_key)
  )`;

/**
 * Opens the state on a connection of its own, with the table made when it is missing; `:memory:` lives as long as the store.
 * @throws SBX_STORE_FAILED when the file cannot be opened
 */
export function openStateStore(path: string): StateStore {
  const database = openDatabase(path);
  database.exec(SCHEMA);
  neverWait(database);
  return storeOver(database);
}

function storeOver(database: Database): StateStore {
  const statements = prepare(database);
  const setAll = database.transaction((scope: StateScope, values: ReadonlyMap<string, string>) => {
    for (const [key, value] of values) statements.set.run(scope.pluginId, scope.tenantId, key, value);
  });
  return {
    get: ({ pluginId, tenantId, deadlineAt }, key) =>
      patientlyUntil(deadlineAt, () => statements.get.get(pluginId, tenantId, key)),
    getMany: ({ pluginId, tenantId, deadlineAt }, keys) =>
      new Map(patientlyUntil(deadlineAt, () => statements.getMany.all(pluginId, tenantId, JSON.stringify(keys)))),
    set({ pluginId, tenantId, deadlineAt }, key, value) {
      patientlyUntil(deadlineAt, () => statements.set.run(pluginId, tenantId, key, value));
    },
    setMany: (scope, values) => patientlyUntil(scope.deadlineAt, () => setAll.immediate(scope, values)),
    delete({ pluginId, tenantId, deadlineAt }, key) {
      patientlyUntil(deadlineAt, () => statements.delete.run(pluginId, tenantId, key));
    },
    deleteMany({ pluginId, tenantId, deadlineAt }, keys) {
      patientlyUntil(deadlineAt, () => statements.deleteMany.run(pluginId, tenantId, JSON.stringify(keys)));
    },
    purge(pluginId) {
      patientlyUntil(undefined, () => statements.purge.run(pluginId));
    },
    close: () => database.close(),
  };
}

type OneKey = [pluginId: string, tenantId: number, key: string];

function prepare(database: Database) {
  const where = 'WHERE plugin_id = ? AND tenant_id = ? AND state_key';
  const many = `${where} IN (SELECT value FROM json_each(?))`;
  return {
    get: database.prepare<OneKey, string>(`SELECT state_value FROM sys_plugin_state ${where} = ?`).pluck(),
    getMany: database
      .prepare<OneKey, [string, string]>(`SELECT state_key, state_value FROM sys_plugin_state ${many}`)
      .raw(),
    set: database.prepare<[...OneKey, value: string]>(
      `INSERT INTO sys_plugin_state (plugin_id, tenant_id, state_key, state_value) VALUES (?, ?, ?, ?)
       ON CONFLICT (plugin_id, tenant_id, state_key) DO UPDATE
       SET state_value = excluded.state_value, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
    ),
    delete: database.prepare<OneKey>(`DELETE FROM sys_plugin_state ${where} = ?`),
    deleteMany: database.prepare<OneKey>(`DELETE FROM sys_plugin_state ${many}`),
    purge: database.prepare<[pluginId: string]>(
      `DELETE FROM sys_plugin_state WHERE plugin_id = ? AND state_key <> '__tenant_enabled__'`,
    ),
  };
}
