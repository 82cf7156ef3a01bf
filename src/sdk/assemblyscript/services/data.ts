import { encodeBase64 } from '../base64';
import { EMPTY, invoke } from '../invoke';
import { Json } from '../json/json';
import { jsonProblem, parseJsonBytes } from '../json/parse';
import { HostError, Reply } from '../reply';
import { broken } from './decode';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/**
 * Tables of the plugin, which its install SQL makes and plugin.yaml declares: `resources: { tables: [plugin_my_notes] }`.
 * Records are JSON objects; the column `created_at` is the field `createdAt`.
 *
 *     const notes = data.table('plugin_my_notes');
 *     notes.create(Json.object().set('id', id).set('title', title));
 *     const page = notes.where('author', name).orderBy('createdAt', 'desc').page(1, 20).list().value;
 */
const SERVICE = 'data';

export function table(name: string): Table {
  return new Table(name);
}

/** A page of records, and how many there are on all pages. */
export class Records {
  constructor(readonly items: Json[], readonly total: i32) {}
}

/** What a change did: how many rows it met, and the key of the row; `Json.missing` when the host gives none. */
export class Change {
  constructor(readonly rows: i64, readonly key: Json) {}
}

/** What became of a transaction: the changes in order (the host leaves out those that did nothing), and all rows met. */
export class Changes {
  constructor(readonly items: Change[], readonly rows: i64) {}
}

/** One table. Keys are texts or numbers: values of its primary key, or of its column `id`. */
export class Table {
  constructor(readonly name: string) {}

  /** The record of a key; null when there is none. */
  get<K>(key: K): Reply<Json | null> {
    const plan = planOf(this.name, 'get').set('keyJson', encoded(Json.of<K>(key)));
    const reply = invoke(SERVICE, 'get', '', this.name, planPayload(plan));
    const error = reply.error;
    if (error) return Reply.failed<Json | null>(error);
    const reader = new Reader(reply.value, 'data get response');
    let found = false;
    let record = EMPTY;
    while (reader.next()) {
      if (reader.field == 1) found = reader.bool('found');
      else if (reader.field == 2) record = reader.body('recordJson');
      else reader.skip();
    }
    if (reader.problem.length > 0) return broken<Json | null>(reader);
    if (!found) return Reply.of<Json | null>(null);
    const value = parseJsonBytes(record);
    return value ? Reply.of<Json | null>(value) : notJson<Json | null>();
  }

  /** The records of up to 100 keys, in any order; missing ones are left out. Without `fields` they are whole. */
  getMany<K>(keys: K[], fields: string[] = []): Reply<Json[]> {
    const payload = new Writer();
    for (let i = 0; i < keys.length; i++) payload.bytes(1, Json.of<K>(keys[i]).toBytes());
    for (let i = 0; i < fields.length; i++) payload.text(2, fields[i]);
    const reply = records(invoke(SERVICE, 'batch_get', '', this.name, payload.toBytes()), false);
    const error = reply.error;
    return error ? Reply.failed<Json[]>(error) : Reply.of<Json[]>(reply.value.items);
  }

  /** All records, page by page; add conditions with `where`. */
  query(): Query {
    return new Query(this.name);
  }

  where<V>(field: string, value: V): Query {
    return this.query().where<V>(field, value);
  }

  create(record: Json): Reply<Change> {
    return change(invoke(SERVICE, 'create', '', this.name, mutation(Json.missing, record)));
  }

  /** Sets some fields of a record; no row is met when there is none of that key. */
  update<K>(key: K, record: Json): Reply<Change> {
    return change(invoke(SERVICE, 'update', '', this.name, mutation(Json.of<K>(key), record)));
  }

  delete<K>(key: K): Reply<Change> {
    return change(invoke(SERVICE, 'delete', '', this.name, mutation(Json.of<K>(key), Json.missing)));
  }

  /** Changes that happen all or not at all. */
  transaction(): Transaction {
    return new Transaction(this.name);
  }
}

/** Which records, in what order, and which of their fields. All conditions must hold. */
export class Query {
  private fields: Json = Json.list();
  private filters: Json = Json.list();
  private orders: Json = Json.list();
  private pages: Json = Json.missing;

  constructor(readonly table: string) {}

  /** Records hold only these fields. */
  select(fields: string[]): this {
    for (let i = 0; i < fields.length; i++) this.fields.push(fields[i]);
    return this;
  }

  /** The field equals a text, number or truth value; with `Json.null` it has no value. */
  where<V>(field: string, value: V): this {
    return this.filter(field, 'eq', 'valueJson', Json.text(encoded(Json.of<V>(value))));
  }

  whereIn<V>(field: string, values: V[]): this {
    const list = Json.list();
    for (let i = 0; i < values.length; i++) list.push(encoded(Json.of<V>(values[i])));
    return this.filter(field, 'in', 'valuesJson', list);
  }

  /** The field contains a text; `%` and `_` in it stand for any. */
  whereLike(field: string, text: string): this {
    return this.filter(field, 'like', 'valueJson', Json.text(encoded(Json.text(text))));
  }

  /** `asc` or `desc`; a second order decides where the first does not. */
  orderBy(field: string, direction: string = 'asc'): this {
    this.orders.push(Json.object().set('field', field).set('direction', direction));
    return this;
  }

  /** Pages count from 1 and have at most 100 records; without this, page 1 of 10. */
  page(number: i32, size: i32): this {
    this.pages = Json.object().set('pageNum', number).set('pageSize', size);
    return this;
  }

  list(): Reply<Records> {
    return records(invoke(SERVICE, 'list', '', this.table, planPayload(this.plan('list'))), true);
  }

  /** The first record; null when there is none. */
  first(): Reply<Json | null> {
    const reply = this.page(1, 1).list();
    const error = reply.error;
    if (error) return Reply.failed<Json | null>(error);
    const items = reply.value.items;
    return Reply.of<Json | null>(items.length > 0 ? items[0] : null);
  }

  /** How many records there are. */
  count(): Reply<i32> {
    const reply = records(invoke(SERVICE, 'list', '', this.table, planPayload(this.plan('count'))), true);
    const error = reply.error;
    return error ? Reply.failed<i32>(error) : Reply.of<i32>(reply.value.total);
  }

  private filter(field: string, operator: string, member: string, value: Json): this {
    this.filters.push(Json.object().set('field', field).set('operator', operator).set(member, value));
    return this;
  }

  private plan(action: string): Json {
    const plan = planOf(this.table, action);
    if (this.fields.length > 0) plan.set('fields', this.fields);
    if (this.filters.length > 0) plan.set('filters', this.filters);
    if (this.orders.length > 0) plan.set('orders', this.orders);
    return plan.set('page', this.pages);
  }
}

/** Changes of one table that happen all or not at all, with `commit`. */
export class Transaction {
  private payload: Writer = new Writer(256);

  constructor(readonly table: string) {}

  create(record: Json): this {
    return this.add('create', Json.missing, record);
  }

  update<K>(key: K, record: Json): this {
    return this.add('update', Json.of<K>(key), record);
  }

  delete<K>(key: K): this {
    return this.add('delete', Json.of<K>(key), Json.missing);
  }

  commit(): Reply<Changes> {
    const reply = invoke(SERVICE, 'transaction', '', this.table, this.payload.toBytes());
    const error = reply.error;
    if (error) return Reply.failed<Changes>(error);
    const reader = new Reader(reply.value, 'record store transaction response');
    const items: Change[] = [];
    let rows: i64 = 0;
    while (reader.next()) {
      if (reader.field == 1) items.push(takeChange(reader));
      else if (reader.field == 2) rows = <i64>reader.u64('affectedRows');
      else reader.skip();
    }
    return reader.problem.length > 0 ? broken<Changes>(reader) : Reply.of<Changes>(new Changes(items, rows));
  }

  private add(method: string, key: Json, record: Json): this {
    const operation = new Writer();
    operation.text(1, method);
    if (!key.isMissing) operation.bytes(2, key.toBytes());
    if (!record.isMissing) operation.bytes(3, record.toBytes());
    this.payload.message(1, operation.toBytes());
    return this;
  }
}

function planOf(table: string, action: string): Json {
  return Json.object().set('table', table).set('action', action);
}

function planPayload(plan: Json): Uint8Array {
  const payload = new Writer(256);
  payload.bytes(1, plan.toBytes());
  return payload.toBytes();
}

/** A value inside a plan: base64 of its JSON text. */
function encoded(value: Json): string {
  return encodeBase64(value.toBytes());
}

function mutation(key: Json, record: Json): Uint8Array {
  const payload = new Writer(256);
  if (!key.isMissing) payload.bytes(1, key.toBytes());
  if (!record.isMissing) payload.bytes(2, record.toBytes());
  return payload.toBytes();
}

/** The records of a message {1: each record, 2: total}; in that of `batch_get` field 2 is a missing key. */
function records(reply: Reply<Uint8Array>, hasTotal: bool): Reply<Records> {
  const error = reply.error;
  if (error) return Reply.failed<Records>(error);
  const reader = new Reader(reply.value, 'data list response');
  const items: Json[] = [];
  let total = 0;
  while (reader.next()) {
    if (reader.field == 1) {
      const record = parseJsonBytes(reader.body('record'));
      if (!record) return reader.problem.length > 0 ? broken<Records>(reader) : notJson<Records>();
      items.push(record);
    } else if (hasTotal && reader.field == 2) total = reader.i32('total');
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<Records>(reader) : Reply.of<Records>(new Records(items, total));
}

/** The reply of a mutation {1: rows, 2: key}. */
function change(reply: Reply<Uint8Array>): Reply<Change> {
  const error = reply.error;
  if (error) return Reply.failed<Change>(error);
  const reader = new Reader(reply.value, 'data mutation response');
  const result = readChange(reader);
  return reader.problem.length > 0 ? broken<Change>(reader) : Reply.of<Change>(result);
}

function takeChange(outer: Reader): Change {
  const reader = new Reader(outer.body('result'), 'data mutation response');
  const result = readChange(reader);
  outer.adopt(reader);
  return result;
}

function readChange(reader: Reader): Change {
  let rows: i64 = 0;
  let key = EMPTY;
  while (reader.next()) {
    if (reader.field == 1) rows = <i64>reader.u64('affectedRows');
    else if (reader.field == 2) key = reader.body('keyJson');
    else reader.skip();
  }
  const value = key.length > 0 ? parseJsonBytes(key) : null;
  return new Change(rows, value ? value : Json.missing);
}

function notJson<T>(): Reply<T> {
  return Reply.failed<T>(HostError.local(4, `record is not JSON: ${jsonProblem}`));
}
