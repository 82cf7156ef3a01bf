/** System parameters: texts by key in the host's database, which administrators and granted plugins read and set. */
import { type Migration, migrate } from '../store/migrations.js';
import { type Database, storeFailure } from '../store/sqlite.js';

export interface SysConfigItem {
  readonly key: string;
  readonly value: string;
  /** What people call it. */
  readonly name: string;
  readonly systemManageable: boolean;
  /** Whose row is seen: the tenant's own, or 0 where the platform's shows through. */
  readonly tenantId: number;
  /** Ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What is not given stays; of a new parameter it is empty and false. */
export interface SysConfigChange {
  readonly value: string;
  readonly name?: string | undefined;
  readonly systemManageable?: boolean | undefined;
}

export interface SysConfigQuery {
  readonly tenantId: number;
  /** Part of the key or the name. */
  readonly keyword: string;
  readonly pageNum: number;
  readonly pageSize: number;
}

/**
 * A tenant sees its own row, else the platform's, and writes none but its own: where the reference lets a tenant overwrite the
 * platform's row, it gets one of its own. `by` is who does it, for the audit log. All may throw SBX_STORE_FAILED.
 */
export interface SysConfig {
  find(key: string, tenantId: number): SysConfigItem | undefined;
  /** By key. */
  list(query: SysConfigQuery): { readonly list: readonly SysConfigItem[]; readonly total: number };
  set(tenantId: number, key: string, change: SysConfigChange, by: string): void;
  /** Leaves an empty text. Whether the key was there. */
  reset(tenantId: number, key: string, by: string): boolean;
  /** Removes the tenant's own row, or the platform's for 0. Whether it was there. */
  remove(tenantId: number, key: string, by: string): boolean;
}

export interface SysConfigOptions {
  readonly database: Database;
  readonly now: () => number;
  /** Called inside the transaction of the change; values are not told. */
  readonly onChange: (change: { readonly by: string; readonly at: number; readonly text: string }) => void;
}

const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'system parameters',
    sql: `
CREATE TABLE sys_config (
  tenant_id         INTEGER      NOT NULL DEFAULT 0,
  config_key        VARCHAR(128) NOT NULL,
  config_value      TEXT         NOT NULL DEFAULT '',
  name              VARCHAR(128) NOT NULL DEFAULT '',
  system_manageable INTEGER      NOT NULL DEFAULT 0 CHECK (system_manageable IN (0, 1)),
  created_at        INTEGER      NOT NULL,
  updated_at        INTEGER      NOT NULL,
  PRIMARY KEY (config_key, tenant_id)
) WITHOUT ROWID;`,
  },
];

/** Opens the parameters, with the table made when it is missing. @throws SBX_STORE_FAILED */
export function createSysConfig({ database, now, onChange }: SysConfigOptions): SysConfig {
  migrate(database, 'sys-config', MIGRATIONS);
  const statements = prepare(database);
  const find = (key: string, tenantId: number): SysConfigItem | undefined =>
    stored(() => itemOf(statements.find.get(key, tenantId)));
  const change = (tenantId: number, key: string, by: string, what: string, work: () => boolean): boolean =>
    stored(() =>
      database
        .transaction(() => {
          if (!work()) return false;
          const whose = tenantId === 0 ? 'the platform' : `tenant ${tenantId}`;
          onChange({ by, at: now(), text: `parameter ${key} of ${whose}: ${what}` });
          return true;
        })
        .immediate(),
    );
  const put = (tenantId: number, key: string, { value, name, systemManageable }: SysConfigChange): true => {
    const before = find(key, tenantId);
    statements.put.run({
      tenantId,
      key,
      value,
      name: name ?? before?.name ?? '',
      systemManageable: Number(systemManageable ?? before?.systemManageable ?? false),
      at: now(),
    });
    return true;
  };
  return {
    find,
    list: ({ tenantId, keyword, pageNum, pageSize }) =>
      stored(() => {
        const rows = statements.list.all({ tenantId, keyword }).map((row) => itemOf(row) as SysConfigItem);
        return { list: rows.slice((pageNum - 1) * pageSize, pageNum * pageSize), total: rows.length };
      }),
    set: (tenantId, key, given, by) => void change(tenantId, key, by, 'set', () => put(tenantId, key, given)),
    reset: (tenantId, key, by) =>
      change(tenantId, key, by, 'reset', () => find(key, tenantId) !== undefined && put(tenantId, key, { value: '' })),
    remove: (tenantId, key, by) =>
      change(tenantId, key, by, 'removed', () => statements.remove.run(key, tenantId).changes > 0),
  };
}

type Row = Omit<SysConfigItem, 'systemManageable'> & { readonly systemManageable: number };

function itemOf(row: Row | undefined): SysConfigItem | undefined {
  return row && { ...row, systemManageable: row.systemManageable === 1 };
}

function prepare(database: Database) {
  const columns = `config_key AS "key", config_value AS value, name, system_manageable AS systemManageable,
                   tenant_id AS tenantId, created_at AS createdAt, updated_at AS updatedAt`;
  return {
    find: database.prepare<[key: string, tenantId: number], Row>(
      `SELECT ${columns} FROM sys_config WHERE config_key = ? AND tenant_id IN (0, ?) ORDER BY tenant_id DESC LIMIT 1`,
    ),
    list: database.prepare<[object], Row>(
      `SELECT ${columns}, max(tenant_id) FROM sys_config WHERE tenant_id IN (0, @tenantId)
       AND (@keyword = '' OR instr(lower(config_key), lower(@keyword)) OR instr(lower(name), lower(@keyword)))
       GROUP BY config_key ORDER BY config_key`,
    ),
    put: database.prepare<[object]>(
      `INSERT INTO sys_config VALUES (@tenantId, @key, @value, @name, @systemManageable, @at, @at)
       ON CONFLICT (config_key, tenant_id) DO UPDATE SET config_value = excluded.config_value, name = excluded.name,
       system_manageable = excluded.system_manageable, updated_at = excluded.updated_at`,
    ),
    remove: database.prepare<[key: string, tenantId: number]>(
      'DELETE FROM sys_config WHERE config_key = ? AND tenant_id = ?',
    ),
  };
}

function stored<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw storeFailure(thrown);
  }
}
