/** `list`, `get` and `batch_get` (`spec/host-services.md` §6.4). */
import type { HostCallRequest } from '../../protocol/host-call.js';
import { decodePayload, encodePayload } from '../../protocol/payloads.js';
import { trimGo } from '../../protocol/text.js';
import { EMPTY_REPLY, reply, type ServiceReply } from '../service.js';
import { anyOf, type Condition, filterCondition, type Scope, tenantOf, visibleTo, whereOf } from './conditions.js';
import type { Contract, Field } from './contract.js';
import { encodeKey, type Key, readKey } from './keys.js';
import { DEFAULT_ROWS, MAX_REPLY_BYTES, MAX_ROWS, SMALL_ROW_BYTES } from './limits.js';
import { type Plan, readPlan } from './plan.js';
import { invalidCall, tooMuch } from './refusals.js';
import type { Room } from './room.js';
import { type Reading, type Row, type Select, VALUE } from './statements.js';

/** A call of one method on a table that is the plugin's own. */
export interface DataCall {
  readonly room: Room;
  readonly contract: Contract;
  readonly scope: Scope;
  readonly call: HostCallRequest;
}

export function list({ room, contract, scope, call }: DataCall): ServiceReply {
  const plan = planOf('HostServiceDataListRequest', call);
  if (plan.action !== 'list' && plan.action !== 'count')
    throw invalidCall(`data.list does not support the plan action ${plan.action}`);
  const conditions = [
    ...visibleTo(contract, scope),
    ...plan.filters.map((filter) => filterCondition(contract, filter)),
  ];
  const fields = selectedFields(contract, plan.fields);
  const order = orderOf(contract, plan);
  if (plan.action === 'count')
    return reply(encodePayload('HostServiceDataListResponse', { total: count(room, contract, conditions) }));
  const { limit, offset } = pageOf(plan);
  const where = whereOf(timed(contract, conditions));
  const inner = `SELECT ${namesOf(fields)} FROM ${contract.sql}${where.sql}${order} LIMIT ${VALUE} OFFSET ${VALUE}`;
  const select = selectOf(fields, `(${inner}) LIMIT -1`);
  const reading = room.statements.reading(select);
  const rows = room.attempt(() => reading.rows([...where.values, limit, offset]));
  const isWhole = rows.length < limit && (rows.length > 0 || offset === 0);
  const total = isWhole ? offset + rows.length : count(room, contract, conditions);
  return bounded(encodePayload('HostServiceDataListResponse', { records: rows.map(recordsOf(fields)), total }));
}

export function get({ room, contract, scope, call }: DataCall): ServiceReply {
  const plan = planOf('HostServiceDataGetRequest', call);
  if (plan.action !== 'get') throw invalidCall(`data.get does not support the plan action ${plan.action}`);
  const key = readKey(plan.keyJson, contract.key);
  const { reading, encode } = pointRead(room, contract, plan.fields, scope);
  const { tenantId } = contract;
  const values = tenantId && scope.tenantId !== 0 ? [key.stored, tenantOf(tenantId, scope.tenantId)] : [key.stored];
  const row = room.attempt(() => reading.row(values));
  if (row === undefined) return EMPTY_REPLY;
  return bounded(encodePayload('HostServiceDataGetResponse', { found: true, recordJson: encode(row) }));
}

/** How one row is read by its key, and told. */
interface PointRead {
  readonly reading: Reading;
  readonly encode: (row: Row) => Uint8Array;
}

/** The most frequent question of all: for each choice of fields it is put into words once. */
const pointReads = new WeakMap<Contract, Map<string, PointRead>>();
const MAX_POINT_READS = 100;

function pointRead(room: Room, contract: Contract, names: readonly string[], scope: Scope): PointRead {
  let known = pointReads.get(contract);
  if (known === undefined) {
    known = new Map();
    pointReads.set(contract, known);
  }
  const choice = `${scope.tenantId === 0}\0${names.join('\0')}`;
  const again = known.get(choice);
  if (again) return again;
  const fields = selectedFields(contract, names);
  const where = whereOf([{ sql: `${contract.key.sql} = ${VALUE}`, values: [] }, ...visibleTo(contract, scope)]);
  const select = selectOf(fields, `${contract.sql}${where.sql} LIMIT 1`);
  const made = { reading: room.statements.reading(select), encode: recordsOf(fields) };
  if (known.size >= MAX_POINT_READS) known.clear();
  known.set(choice, made);
  return made;
}

export function batchGet({ room, contract, scope, call }: DataCall): ServiceReply {
  const request = decodePayload('HostServiceDataBatchGetRequest', call.payload);
  if (request.keyJson.length === 0) throw invalidCall('record store batch_get needs at least one key');
  if (request.keyJson.length > MAX_ROWS) throw tooMuch(MAX_ROWS);
  const keys = distinct(request.keyJson.map((json) => readKey(json, contract.key)));
  const fields = selectedFields(contract, request.fields.map(requireName));
  const stored = keys.map(({ stored }) => stored);
  const where = whereOf([anyOf(contract.key, stored), ...visibleTo(contract, scope)]);
  const order = ` ORDER BY ${contract.key.sql} LIMIT ${MAX_ROWS}`;
  const select = selectOf([...fields, contract.key], `${contract.sql}${where.sql}${order}`);
  const rows = room.attempt(() => room.statements.reading(select).rows(where.values));
  const found = new Set(rows.map((row) => contract.key.encode(row[fields.length] ?? null)));
  const missing = keys.filter((key) => !found.has(encodeKey(key, contract.key)));
  const missingKeyJson = missing.map(({ raw }) => Buffer.from(raw));
  return bounded(
    encodePayload('HostServiceDataBatchGetResponse', { records: rows.map(recordsOf(fields)), missingKeyJson }),
  );
}

function planOf(type: 'HostServiceDataListRequest' | 'HostServiceDataGetRequest', call: HostCallRequest): Plan {
  const plan = readPlan(decodePayload(type, call.payload).planJson);
  const table = trimGo(call.table);
  if (plan.table !== table) throw invalidCall(`record store query plan table mismatch: ${plan.table} != ${table}`);
  return plan;
}

function requireName(name: string): string {
  const field = trimGo(name);
  if (field === '') throw invalidCall('record store query plan field cannot be empty');
  return field;
}

/** Two keys of the same JSON are one. */
function distinct(keys: readonly Key[]): readonly Key[] {
  const seen = new Set<string>();
  return keys.filter(({ json }) => !seen.has(json) && seen.add(json));
}

/** All fields when none is named. @throws SBX_WIRE_INVALID */
function selectedFields({ fields, byName }: Contract, names: readonly string[]): readonly Field[] {
  if (names.length === 0) return fields;
  for (const name of names)
    if (!byName.has(name)) throw invalidCall(`record store capability selected field is not authorized: ${name}`);
  const wanted = new Set(names);
  return fields.filter(({ name }) => wanted.has(name));
}

/** PostgreSQL takes NULL for the largest value. The key decides between equals, so that no row is on two pages. */
function orderOf(contract: Contract, { orders }: Plan): string {
  const terms = orders.map(({ field: name, direction }) => {
    const field = contract.byName.get(name);
    if (field === undefined) throw invalidCall(`record store capability order field is not authorized: ${name}`);
    const nulls = field.column.isNullable ? (direction === 'asc' ? ' NULLS LAST' : ' NULLS FIRST') : '';
    return `${field.sql} ${direction}${nulls}`;
  });
  const hasKey = orders.some(({ field }) => field === contract.key.name);
  return ` ORDER BY ${[...terms, ...(hasKey ? [] : [contract.key.sql])].join(', ')}`;
}

function pageOf({ pageNum, pageSize }: Plan): { readonly limit: number; readonly offset: number } {
  const limit = Math.min(pageSize > 0 ? pageSize : DEFAULT_ROWS, MAX_ROWS);
  return { limit, offset: ((pageNum > 0 ? pageNum : 1) - 1) * limit };
}

function count(room: Room, contract: Contract, conditions: readonly Condition[]): number {
  // Without any condition SQLite counts without looking at a row.
  const where = whereOf(conditions.length === 0 ? [] : timed(contract, conditions));
  const sql = `SELECT count(*) AS c0 FROM ${contract.sql}${where.sql}`;
  const [[total = 0] = []] = room.attempt(() => room.statements.reading({ columns: ['c0'], sql }).rows(where.values));
  return Number(total);
}

/** With a look at the clock every 256 rows. */
function timed({ rowId }: Contract, conditions: readonly Condition[]): readonly Condition[] {
  if (rowId === undefined) return conditions;
  return [...conditions, { sql: `((${rowId} & 255) <> 0 OR sandpool_in_time())`, values: [] }];
}

function namesOf(fields: readonly Field[]): string {
  return [...new Set(fields.map(({ sql }) => sql))].join(', ');
}

/** Texts of fewer characters are never what makes a row large. */
const MANY = 256;
const UNBOUNDED: readonly string[] = ['text', 'json', 'jsonb', 'bytea', 'varchar', 'char'];

/** Reads fields, and weighs rows that are not small before they are brought into memory. */
function selectOf(fields: readonly Field[], from: string): Select {
  const columns = fields.map((_, at) => `c${at}`);
  const reads = fields.map(({ read }, at) => `${read} AS c${at}`);
  const sizes = fields
    .filter(({ column: { type, typeArgs } }) => UNBOUNDED.includes(type) && !((typeArgs[0] ?? MANY) < MANY))
    .map(({ sql }) => `coalesce(octet_length(${sql}), 0)`);
  if (sizes.length === 0) return { columns, sql: `SELECT ${reads.join(', ')} FROM ${from}` };
  const bytes = sizes.join(' + ');
  const weigh = `CASE WHEN ${bytes} > ${SMALL_ROW_BYTES} THEN sandpool_weigh(${bytes}) END AS weight`;
  return { columns: [...columns, 'weight'], sql: `SELECT ${[...reads, weigh].join(', ')} FROM ${from}` };
}

/** The JSON of rows, with as many members as there are fields. */
function recordsOf(fields: readonly Field[]): (row: Row) => Uint8Array {
  const heads = fields.map(({ name }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  return (row) => {
    let json = fields.length === 0 ? '{' : '';
    for (let at = 0; at < fields.length; at++)
      json += (heads[at] as string) + (fields[at] as Field).encode(row[at] ?? null);
    return Buffer.from(`${json}}`);
  };
}

function bounded(payload: Uint8Array): ServiceReply {
  if (payload.length > MAX_REPLY_BYTES) throw tooMuch(MAX_REPLY_BYTES);
  return reply(payload);
}
