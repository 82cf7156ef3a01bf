/** Data calls as a guest makes them: raw bytes through a real guest in a real worker, on a database that SQL of the plugin has made. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { decodeHostCallResponse, encodeHostCallRequest } from '../../../src/protocol/host-call.js';
import type { ExecutionSource } from '../../../src/protocol/messages.js';
import { decodePayload, encodePayload, type Payload, type PayloadType } from '../../../src/protocol/payloads.js';
import { runPhase } from '../../../src/registry/install-sql.js';
import { loadParser } from '../../../src/store/dialect/parse.js';
import { openPluginDatabase } from '../../../src/store/plugin-database.js';
import { type EngineHost, type EngineHostOptions, startEngine } from '../../engine-host.js';
import { watGuest } from '../../guest-modules.js';
import { granted } from '../host.js';

await loadParser();

export const PLUGIN = 'demo-dynamic';
export const TABLE = 'plugin_demo_dynamic_record';

export interface Caller {
  readonly pluginId?: string;
  readonly table?: string;
  readonly source?: ExecutionSource;
  /** 0 for nobody. */
  readonly userId?: number;
  readonly tenantId?: number;
  readonly deadlineMs?: number;
}

export interface Answered {
  readonly status: number;
  /** Hex of the reply's payload. */
  readonly payload: string;
  readonly fallback: string;
  readonly errorCode: string;
}

export interface House {
  readonly dataDir: string;
  readonly host: EngineHost;
  /** Sends the payload, in hex or bytes, as user 42 unless the caller is another. */
  send(method: string, payload: string | Uint8Array, caller?: Caller): Promise<Answered>;
  /** Any bytes as a host call. */
  sendBytes(call: Uint8Array, caller?: Caller): Promise<Answered>;
  list(plan: object, caller?: Caller): Promise<Listed>;
  get(key: unknown, more?: object, caller?: Caller): Promise<unknown>;
  create(record: object, caller?: Caller): Promise<Changed>;
  update(key: unknown, record: object, caller?: Caller): Promise<Changed>;
  delete(key: unknown, caller?: Caller): Promise<Changed>;
  /** SQL of the plugin, as an upgrade runs it. */
  sql(text: string, pluginId?: string): void;
  /** Rows as they are stored. */
  rows(sql: string, pluginId?: string): readonly Record<string, unknown>[];
}

export interface Listed {
  readonly records: readonly Record<string, unknown>[];
  readonly total: number;
}

export interface Changed {
  readonly affectedRows: number;
  readonly key: unknown;
}

export interface HouseOptions extends EngineHostOptions {
  readonly sql: string;
  readonly methods?: readonly string[];
  readonly tables?: readonly string[];
  readonly plugins?: readonly string[];
}

export async function openHouse(t: Test, options: HouseOptions): Promise<House> {
  const { sql, methods, tables = [TABLE], plugins = [PLUGIN], ...rest } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'sandpool-data-'));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  let release = 0;
  const run = (text: string, pluginId = PLUGIN): void => {
    const database = openPluginDatabase(dataDir, pluginId);
    release += 1;
    const files = [{ key: `${release}.sql`, content: text }];
    runPhase(database, { pluginId, releaseId: release, phase: release === 1 ? 'install' : 'upgrade', files });
    database.close();
  };
  if (sql !== '') for (const pluginId of plugins) run(sql, pluginId);
  const host = startEngine(t, { dataDir, ...rest });
  const guest = await watGuest('host-call');
  const services = [granted('data', { tables, ...(methods && { methods }) })];
  for (const pluginId of plugins) await host.load(pluginId, guest, { services });

  const sendBytes = async (call: Uint8Array, caller: Caller = {}): Promise<Answered> => {
    const { pluginId = PLUGIN, source = 'route', userId = 42, tenantId = 0, deadlineMs } = caller;
    const outcome = await host.engine.invoke({
      pluginId,
      executionSource: source,
      tenantId,
      envelope: {
        pluginId,
        requestId: 'r',
        route: { method: 'POST', publicPath: '/', internalPath: '/', routePath: '/', requestType: 'Req' },
        request: { method: 'POST', body: call },
        ...(userId !== 0 && { identity: { tokenId: 't', userId, username: 'u', tenantId } }),
      },
      ...(deadlineMs !== undefined && { deadlineMs }),
    });
    if (!outcome.ok) throw outcome.error;
    const { status, payload } = decodeHostCallResponse(outcome.response.body);
    const error = status === 0 ? {} : (JSON.parse(Buffer.from(payload).toString()) as Record<string, string>);
    return {
      status,
      payload: Buffer.from(payload).toString('hex'),
      fallback: error.fallback ?? '',
      errorCode: error.errorCode ?? '',
    };
  };
  const send: House['send'] = (method, payload, caller = {}) =>
    sendBytes(callOf(method, typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload, caller), caller);
  const ask = async <T extends PayloadType>(
    type: T,
    method: string,
    payload: Uint8Array,
    caller?: Caller,
  ): Promise<Payload<T>> => {
    const answered = await send(method, payload, caller);
    if (answered.status !== 0) throw new Error(`${answered.status} ${answered.fallback}`);
    return decodePayload(type, Buffer.from(answered.payload, 'hex'));
  };
  const change = async (method: string, parts: object, caller?: Caller): Promise<Changed> => {
    const payload = encodePayload('HostServiceDataMutationRequest', parts);
    const changed = await ask('HostServiceDataMutationResponse', method, payload, caller);
    const text = Buffer.from(changed.keyJson).toString();
    return { affectedRows: Number(changed.affectedRows), key: text === '' ? undefined : JSON.parse(text) };
  };
  const planned = (action: string, plan: object, caller: Caller = {}) =>
    jsonBytes({ table: caller.table ?? TABLE, action, ...plan });

  return {
    dataDir,
    host,
    send,
    sendBytes,
    async list(plan, caller) {
      const payload = encodePayload('HostServiceDataListRequest', { planJson: planned('list', plan, caller) });
      const { records, total } = await ask('HostServiceDataListResponse', 'list', payload, caller);
      return { records: records.map((bytes) => JSON.parse(Buffer.from(bytes).toString())), total };
    },
    async get(key, more = {}, caller) {
      const planJson = planned('get', { keyJson: base64(key), ...more }, caller);
      const payload = encodePayload('HostServiceDataGetRequest', { planJson });
      const { found, recordJson } = await ask('HostServiceDataGetResponse', 'get', payload, caller);
      return found ? JSON.parse(Buffer.from(recordJson).toString()) : undefined;
    },
    create: (record, caller) => change('create', { recordJson: jsonBytes(record) }, caller),
    update: (key, record, caller) =>
      change('update', { keyJson: jsonBytes(key), recordJson: jsonBytes(record) }, caller),
    delete: (key, caller) => change('delete', { keyJson: jsonBytes(key), recordJson: Buffer.from('null') }, caller),
    sql: run,
    rows(text, pluginId = PLUGIN) {
      const database = openPluginDatabase(dataDir, pluginId);
      try {
        return database.prepare<[], Record<string, unknown>>(text).all();
      } finally {
        database.close();
      }
    },
  };
}

/** The whole host call. */
export function callOf(method: string, payload: Uint8Array, { table = TABLE }: Caller = {}): Uint8Array {
  return encodeHostCallRequest({ service: 'data', method, resourceRef: '', table, payload, owner: '', version: '' });
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** JSON in base64, as plans carry keys and values. */
export function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

/** A filter of a plan. */
export function filter(field: string, operator: 'eq' | 'like' | 'in', value: unknown): object {
  return operator === 'in'
    ? { field, operator, valuesJson: (value as unknown[]).map(base64) }
    : { field, operator, valueJson: base64(value) };
}
