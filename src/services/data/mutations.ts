/** `create`, `update`, `delete` and `transaction` (`spec/host-services.md` §6.4, §6.5). */
import { decodePayload, encodePayload, type PayloadInput } from '../../protocol/payloads.js';
import { trimGo } from '../../protocol/text.js';
import type { SqlValue } from '../../store/dialect/values.js';
import { reply, type ServiceReply } from '../service.js';
import { type Scope, tenantOf, visibleTo, whereOf } from './conditions.js';
import type { Contract, Field } from './contract.js';
import { readKey } from './keys.js';
import { MAX_OPERATIONS } from './limits.js';
import { bytesToText, parse } from './plan.js';
import type { DataCall } from './reads.js';
import { invalidCall, Refused, tooMuch } from './refusals.js';
import type { Room } from './room.js';
import { VALUE } from './statements.js';
import { givenOf, jsonText, storedOf } from './values.js';

type Result = PayloadInput<'HostServiceDataMutationResponse'>;

/** A mutation that was read and found right, and is to be done. */
type Planned = (room: Room) => Result;

interface Operation {
  readonly keyJson: Uint8Array;
  readonly recordJson: Uint8Array;
}

/** Where and when a mutation happens. */
interface Place {
  readonly contract: Contract;
  readonly scope: Scope;
  /** ms since the epoch */
  readonly now: number;
}

const PLANNERS: Readonly<Record<string, (operation: Operation, place: Place) => Planned>> = {
  create: planCreate,
  update: planUpdate,
  delete: planDelete,
};

export function mutate(method: 'create' | 'update' | 'delete', data: DataCall, now: number): ServiceReply {
  const operation = decodePayload('HostServiceDataMutationRequest', data.call.payload);
  const planned = (PLANNERS[method] as (typeof PLANNERS)['create'])!(operation, { ...data, now });
  return reply(
    encodePayload(
      'HostServiceDataMutationResponse',
      data.room.write(() => planned(data.room)),
    ),
  );
}

/** @param isGranted whether a method is granted by itself, as each operation must be */
export function transaction(data: DataCall, now: number, isGranted: (method: string) => boolean): ServiceReply {
  const { operations } = decodePayload('HostServiceDataTransactionRequest', data.call.payload);
  if (operations.length === 0) throw invalidCall('record store transaction needs at least one operation');
  if (operations.length > MAX_OPERATIONS) throw tooMuch(MAX_OPERATIONS);
  const place = { ...data, now };
  // All is read before the lock is taken.
  const planned = operations.map((operation) => {
    const method = trimGo(operation.method).toLowerCase();
    const plan = Object.hasOwn(PLANNERS, method) ? PLANNERS[method] : undefined;
    if (plan === undefined)
      throw invalidCall(`record store transaction operation is not supported: ${operation.method}`);
    if (!isGranted(method)) throw notGranted(method, data.call.table);
    return plan(operation, place);
  });
  const results = data.room.atomically(() =>
    planned.map((run) => {
      data.room.requireTime();
      return run(data.room);
    }),
  );
  const affectedRows = results.reduce((sum, result) => sum + Number(result.affectedRows), 0);
  return reply(encodePayload('HostServiceDataTransactionResponse', { results, affectedRows }));
}

function notGranted(method: string, table: string): Refused {
  const message = `data host service method ${method} is not authorized for table ${trimGo(table)}`;
  return new Refused({ status: 1, error: { message } });
}

// ---- one mutation --------------------------------------------------------------------------------------------------------------

function planCreate({ recordJson }: Operation, place: Place): Planned {
  const { contract } = place;
  const record = readRecord(recordJson, contract);
  const columns = [...columnsOf(record, contract), ...automaticOnCreate(record, place), ...tenantColumn(place)];
  const assigned = [...new Map(columns.map((column) => [column.field, column])).values()];
  const given = record[contract.key.name];
  const key = given === undefined || given === null ? undefined : jsonText(given);
  if (key === undefined) requireGenerated(contract);
  const names = assigned.map(({ field }) => field.sql).join(', ');
  const sql = `INSERT INTO ${contract.sql} (${names}) VALUES (${assigned.map(() => VALUE).join(', ')})`;
  const values = assigned.map(({ value }) => value);
  return (room) => {
    const { changes, rowId } = room.statements.writing(sql).run(values);
    return withKey(changes, key ?? generatedKey(room, contract, rowId));
  };
}

function planUpdate({ keyJson, recordJson }: Operation, place: Place): Planned {
  const { contract, scope, now } = place;
  const key = readKey(keyJson, contract.key);
  const record = readRecord(recordJson, contract, (name) => {
    if (name === contract.key.name) throw invalidCall(`data update cannot modify keyField: ${name}`);
  });
  const updatedAt = contract.updatedAt && [{ field: contract.updatedAt, value: momentOf(contract.updatedAt, now) }];
  const columns = [...columnsOf(record, contract), ...(updatedAt ?? []), ...tenantColumn(place)];
  const assigned = [...new Map(columns.map((column) => [column.field, column])).values()];
  const where = whereOf([
    { sql: `${contract.key.sql} = ${VALUE}`, values: [key.stored] },
    ...visibleTo(contract, scope),
  ]);
  const sql = `UPDATE ${contract.sql} SET ${assigned.map(({ field }) => `${field.sql} = ${VALUE}`).join(', ')}${where.sql}`;
  const values = [...assigned.map(({ value }) => value), ...where.values];
  return (room) => withKey(room.statements.writing(sql).run(values).changes, key.json);
}

function planDelete({ keyJson }: Operation, { contract, scope, now }: Place): Planned {
  const key = readKey(keyJson, contract.key);
  const where = whereOf([
    { sql: `${contract.key.sql} = ${VALUE}`, values: [key.stored] },
    ...visibleTo(contract, scope),
  ]);
  const { deletedAt } = contract;
  const sql = deletedAt
    ? `UPDATE ${contract.sql} SET ${deletedAt.sql} = ${VALUE}${where.sql}`
    : `DELETE FROM ${contract.sql}${where.sql}`;
  const values = deletedAt ? [momentOf(deletedAt, now), ...where.values] : where.values;
  return (room) => withKey(room.statements.writing(sql).run(values).changes, key.json);
}

function withKey(affectedRows: number, key: string | undefined): Result {
  return { affectedRows, ...(key !== undefined && { keyJson: Buffer.from(key) }) };
}

// ---- records -------------------------------------------------------------------------------------------------------------------

type JsonRecord = Readonly<Record<string, unknown>>;

interface Assigned {
  readonly field: Field;
  readonly value: SqlValue;
}

/** @throws SBX_WIRE_INVALID for a record with nothing to write, or with what may not be written */
function readRecord(recordJson: Uint8Array, { byName }: Contract, check?: (name: string) => void): JsonRecord {
  const parsed = recordJson.length === 0 ? {} : parse(bytesToText(recordJson), 'mutation record');
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw invalidCall('decode data mutation record failed: it is not an object');
  const names = Object.keys(parsed ?? {});
  if (check) names.forEach(check);
  if (!names.some((name) => byName.get(name)?.isWritable))
    throw invalidCall('data mutation record contains no writable fields');
  const wrong = names.find((name) => !byName.get(name)?.isWritable);
  if (wrong !== undefined) throw invalidCall(`data mutation field is not authorized: ${wrong}`);
  return parsed as JsonRecord;
}

/** In the order of the fields, so that records with the same members have the same statement. */
function columnsOf(record: JsonRecord, { fields }: Contract): readonly Assigned[] {
  return fields
    .filter(({ name }) => Object.hasOwn(record, name))
    .map((field) => ({ field, value: storedOf(givenOf(record[field.name]), field.column) }));
}

// ---- columns that the host writes ----------------------------------------------------------------------------------------------

function automaticOnCreate(record: JsonRecord, { contract, now }: Place): readonly Assigned[] {
  const { createdAt, updatedAt, deletedAt } = contract;
  const absent = [createdAt, updatedAt].filter((field) => field !== undefined && !Object.hasOwn(record, field.name));
  const moments = absent.map((field) => ({ field: field as Field, value: momentOf(field as Field, now) }));
  // "Not deleted" is 0 in a number, which a row must have been given.
  const isLeftOpen = deletedAt !== undefined && !isMoment(deletedAt) && !deletedAt.column.hasDefault;
  return isLeftOpen && !Object.hasOwn(record, deletedAt.name) ? [...moments, { field: deletedAt, value: 0n }] : moments;
}

/** With a tenant in force, rows are written for that tenant, whatever the record says. */
function tenantColumn({ contract: { tenantId: field }, scope: { tenantId } }: Place): readonly Assigned[] {
  return field && tenantId !== 0 ? [{ field, value: tenantOf(field, tenantId) }] : [];
}

/** The time as the column's type has it. */
function momentOf(field: Field, now: number): SqlValue {
  if (field.column.type === 'boolean') return 1n;
  return isMoment(field) ? storedOf(new Date(now).toISOString(), field.column) : BigInt(Math.floor(now / 1000));
}

function isMoment({ column: { type } }: Field): boolean {
  return type === 'timestamp' || type === 'timestamptz' || type === 'date';
}

// ---- keys that the database makes ----------------------------------------------------------------------------------------------

function isInteger({ column: { type } }: Field): boolean {
  return type === 'smallint' || type === 'integer' || type === 'bigint';
}

/** Where the reference has the driver fail, and where SQLite alone would make a number of its own. */
function requireGenerated({ name, key, isKeyNumbered }: Contract): void {
  const { column } = key;
  if (!isInteger(key)) throw invalidCall(`LastInsertId is not supported by primary key type: ${column.declaredType}`);
  if (!isKeyNumbered && !column.hasDefault && !column.isNullable)
    throw invalidCall(`NOT NULL constraint failed: ${name}.${column.name}`);
}

function generatedKey(room: Room, contract: Contract, rowId: number): string | undefined {
  if (contract.isKeyNumbered) return rowId > 0 ? String(rowId) : undefined;
  if (contract.rowId === undefined) return undefined;
  const sql = `SELECT CAST(${contract.key.sql} AS TEXT) AS c0 FROM ${contract.sql} WHERE ${contract.rowId} = ${VALUE}`;
  const [[key] = []] = room.statements.reading({ columns: ['c0'], sql }).rows([rowId]);
  return Number(key) > 0 ? String(key) : undefined;
}
