/** Rows of the tables that plugins offer through the host's generic resource API (E14, `spec/governance.md` §2.2). */
import type { TableResource } from '../artifact/table-resources.js';
import type { Identity } from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { toDate } from '../store/dialect/moments.js';
import { quoteName } from '../store/dialect/quote.js';
import { coerce, type SqlValue } from '../store/dialect/values.js';
import {
  type ColumnContract,
  readTableComments,
  readTableContract,
  type TableContract,
} from '../store/plugin-catalog.js';
import { joinPluginDatabase } from '../store/plugin-database.js';
import type { Database } from '../store/sqlite.js';

export interface TableLists {
  /**
   * The rows of one page, each with the declared fields, as many as the caller's data scope shows.
   * @throws SBX_RESOURCE_UNAVAILABLE, SBX_BODY_INVALID for a filter that is no value of its column
   */
  list(query: TableListQuery): TableList;
  /** What `COMMENT ON TABLE` says, by table; nothing where the plugin has no tables yet. */
  commentsOf(pluginId: string): ReadonlyMap<string, string>;
  /** Lets go of a plugin's database: its file or its tables may be others from now on. */
  forget(pluginId: string): void;
  close(): void;
}

export interface TableListQuery {
  readonly pluginId: string;
  readonly resource: TableResource;
  readonly caller: Pick<Identity, 'userId' | 'tenantId' | 'isSuperAdmin' | 'dataScope'>;
  /** Parameters of the request, among which the declared filters are looked for. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly pageNum: number;
  readonly pageSize: number;
}

export interface TableList {
  readonly list: readonly Readonly<Record<string, unknown>>[];
  readonly total: number;
}

/** Data scopes of roles (`spec/bridge.md` §2.3): only a department and oneself hide rows. */
const SCOPE = { all: 1, tenant: 2, department: 3, self: 4 } as const;

/** One connection for each plugin that is asked for, until it is forgotten. */
export function createTableLists({ dataDir }: { readonly dataDir: string }): TableLists {
  const rooms = new Map<string, Room>();
  const roomOf = (pluginId: string): Room | undefined => {
    const known = rooms.get(pluginId);
    if (known !== undefined) return known;
    // Whoever only reads waits for nobody who writes.
    const database = joinPluginDatabase(dataDir, pluginId);
    const room = database && createRoom(database);
    if (room !== undefined) rooms.set(pluginId, room);
    return room;
  };
  const forget = (pluginId: string): void => {
    rooms.get(pluginId)?.database.close();
    rooms.delete(pluginId);
  };
  return {
    list(query) {
      const { pluginId, resource } = query;
      const room = roomOf(pluginId);
      const table = room?.tableOf(resource.table);
      if (room === undefined || table === undefined) throw unavailable(query, `there is no table ${resource.table}`);
      return read(room, table, query);
    },
    commentsOf: (pluginId) => roomOf(pluginId)?.comments() ?? NO_COMMENTS,
    forget,
    close: () => [...rooms.keys()].forEach(forget),
  };
}

const NO_COMMENTS: ReadonlyMap<string, string> = new Map();

/** A connection with what was learned over it. Statements are never freed (`store/sqlite.ts`), so that each is made once. */
interface Room {
  readonly database: Database;
  readonly tableOf: (name: string) => TableContract | undefined;
  readonly comments: () => ReadonlyMap<string, string>;
  readonly prepare: (sql: string) => Statement;
}

type Statement = ReturnType<typeof prepareRaw>;

const prepareRaw = (database: Database, sql: string) => database.prepare<SqlValue[], SqlValue[]>(sql).raw();

function createRoom(database: Database): Room {
  const tables = new Map<string, TableContract | undefined>();
  const statements = new Map<string, Statement>();
  let comments: ReadonlyMap<string, string> | undefined;
  return {
    database,
    comments() {
      comments ??= readTableComments(database);
      return comments;
    },
    tableOf(name) {
      if (!tables.has(name)) tables.set(name, readTableContract(database, name));
      return tables.get(name);
    },
    prepare(sql) {
      const statement = statements.get(sql) ?? prepareRaw(database, sql);
      statements.set(sql, statement);
      return statement;
    },
  };
}

interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

function read({ prepare }: Room, table: TableContract, query: TableListQuery): TableList {
  const { resource, pageNum, pageSize } = query;
  const column = columnFinder(table, query);
  const fields = resource.fields.map(({ name, column: declared }) => ({ name, column: column(declared) }));
  const conditions = [...filtersOf(query, column), ...scopeOf(query, column), ...tenantOf(query, table)];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`;
  const values = conditions.flatMap((condition) => condition.values);
  const from = ` FROM ${quoteName(table.table)}${where}`;
  const order = orderOf(table, resource, column);
  const names = fields.map((field) => quoteName(field.column.name)).join(', ');
  try {
    const [[total = 0] = []] = prepare(`SELECT count(*)${from}`).all(...values);
    const rows = prepare(`SELECT ${names}${from}${order} LIMIT ? OFFSET ?`).all(
      ...values,
      pageSize,
      (pageNum - 1) * pageSize,
    );
    const list = rows.map((row) =>
      Object.fromEntries(fields.map(({ name, column: { type } }, at) => [name, jsonOf(row[at] ?? null, type)])),
    );
    return { list, total: Number(total) };
  } catch (thrown) {
    throw unavailable(query, reasonOf(thrown), thrown);
  }
}

type FindColumn = (name: string) => ColumnContract;

function columnFinder({ table, columns }: TableContract, query: TableListQuery): FindColumn {
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  return (name) => {
    const found = byName.get(name.toLowerCase());
    if (found === undefined) throw unavailable(query, `table ${table} has no column ${name}`);
    return found;
  };
}

/** The primary key decides between equals, so that no row is on two pages. */
function orderOf(table: TableContract, { orderBy }: TableResource, column: FindColumn): string {
  const first = column(orderBy.column).name;
  const rest = table.primaryKey.filter((name) => name !== first).map(quoteName);
  return ` ORDER BY ${[`${quoteName(first)} ${orderBy.direction}`, ...rest].join(', ')}`;
}

// ---- which rows ------------------------------------------------------------------------------------------------------------

function filtersOf({ resource, params }: TableListQuery, column: FindColumn): readonly Condition[] {
  return resource.filters.flatMap(({ param, column: declared, operator }) => {
    const given = Object.hasOwn(params, param) ? params[param] : undefined;
    if (given === undefined || given === '') return [];
    if (typeof given !== 'string') throw invalid(param, 'is given more than once');
    return [filterOf(param, column(declared), operator, given)];
  });
}

type Operator = TableResource['filters'][number]['operator'];

function filterOf(param: string, column: ColumnContract, operator: Operator, given: string): Condition {
  const name = quoteName(column.name);
  if (operator === 'like') return { sql: `instr(${name}, ?) > 0`, values: [given] };
  if (operator === 'eq') {
    const value = coerce(given, { word: column.type, args: column.typeArgs });
    if (value === undefined) throw invalid(param, `is no ${column.declaredType}`);
    return { sql: `${name} = ?`, values: [value] };
  }
  const date = toDate(given);
  if (date === undefined) throw invalid(param, 'is no date');
  // Dates and moments are stored as text whose order is theirs.
  if (operator === 'gte-date') return { sql: `${name} >= ?`, values: [date] };
  return { sql: `substr(${name}, 1, 10) <= ?`, values: [date] };
}

/** What roles may see is limited where the resource declares whose a row is. This host knows no departments. */
function scopeOf({ resource, caller }: TableListQuery, column: FindColumn): readonly Condition[] {
  const { dataScope } = resource;
  const seesAll = caller.isSuperAdmin || caller.dataScope === SCOPE.all || caller.dataScope === SCOPE.tenant;
  if (dataScope === undefined || seesAll) return [];
  if (caller.dataScope === SCOPE.self && dataScope.userColumn !== '') {
    return [{ sql: `${quoteName(column(dataScope.userColumn).name)} = ?`, values: [caller.userId] }];
  }
  return [{ sql: '0', values: [] }];
}

function tenantOf({ caller }: TableListQuery, { columns }: TableContract): readonly Condition[] {
  if (caller.tenantId === 0 || !columns.some(({ name }) => name === 'tenant_id')) return [];
  return [{ sql: '"tenant_id" = ?', values: [caller.tenantId] }];
}

// ---- values ----------------------------------------------------------------------------------------------------------------

/** As `spec/host-services.md` §6.6 writes them. */
function jsonOf(value: SqlValue, type: ColumnContract['type']): unknown {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (type === 'boolean') return Boolean(value);
  if (type === 'numeric') return String(value);
  if (type === 'timestamp' || type === 'timestamptz') return String(value).slice(0, 'YYYY-MM-DD HH:MM:SS'.length);
  return value;
}

function invalid(param: string, reason: string): SandpoolError {
  return new SandpoolError('SBX_BODY_INVALID', { reason: `parameter ${param} ${reason}` });
}

function unavailable({ pluginId, resource }: TableListQuery, reason: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_RESOURCE_UNAVAILABLE', { pluginId, resource: resource.key, reason }, { cause });
}
