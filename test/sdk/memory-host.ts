/** The services that the sample plugin asks, over plain maps: what it needs of them and no more. */
import { readFileSync } from 'node:fs';
import { encodeValueResponse, type HostCallRequest } from '../../src/protocol/host-call.js';
import { decodePayload, encodePayload, type PayloadInput, type PayloadType } from '../../src/protocol/payloads.js';
import type { Answer, HostReply } from './guest.js';

type Row = Readonly<Record<string, string | number>>;

/** Counts ids and milliseconds. @param settings JSON texts of the plugin's configuration */
export function memoryHost(settings: Record<string, string> = {}): Answer {
  const state = new Map<string, string>();
  const files = new Map<string, { readonly body: Uint8Array; readonly contentType: string }>();
  const cached = new Map<string, string>();
  const rows = new Map<string, Row>();
  let ids = 0;

  const answers: Record<string, (payload: Uint8Array) => HostReply | undefined> = {
    'runtime.state.get': (payload) => {
      const value = state.get(decodePayload('HostCallStateGetRequest', payload).key);
      return value === undefined ? undefined : reply('HostCallStateGetResponse', { value, found: true });
    },
    'runtime.state.set': (payload) => {
      const { key, value } = decodePayload('HostCallStateSetRequest', payload);
      state.set(key, value);
      return undefined;
    },
    'runtime.info.now': () => ({ payload: encodeValueResponse(String(1700000000000 + ++ids)) }),
    'runtime.info.uuid': () => ({ payload: encodeValueResponse(`id-${ids + 1}`) }),
    'runtime.info.node': () => ({ payload: encodeValueResponse('node-a') }),
    'plugins.config.get': (payload) => setting(settings[decodePayload('HostServiceConfigKeyRequest', payload).key]),
    'hostconfig.get': () => setting('"/admin"'),
    'manifest.get': (payload) => {
      const { path } = decodePayload('HostServiceManifestGetRequest', payload);
      return reply('HostServiceManifestGetResponse', { found: true, body: readFileSync(new URL(path, MANIFEST)) });
    },
    'data.list': (payload) => {
      const found = listed([...rows.values()], decodePayload('HostServiceDataListRequest', payload).planJson);
      return reply('HostServiceDataListResponse', { records: found.map(bytesOf), total: found.length });
    },
    'data.get': (payload) => {
      const plan = parse(decodePayload('HostServiceDataGetRequest', payload).planJson) as { keyJson: string };
      const row = rows.get(String(parse(Buffer.from(plan.keyJson, 'base64'))));
      return row && reply('HostServiceDataGetResponse', { found: true, recordJson: bytesOf(row) });
    },
    'data.create': (payload) => {
      const row = parse(decodePayload('HostServiceDataMutationRequest', payload).recordJson) as Row;
      rows.set(String(row.id), row);
      return reply('HostServiceDataMutationResponse', { affectedRows: 1, keyJson: bytesOf(row.id) });
    },
    'data.delete': (payload) => {
      const { keyJson } = decodePayload('HostServiceDataMutationRequest', payload);
      const affectedRows = rows.delete(String(parse(keyJson))) ? 1 : 0;
      return reply('HostServiceDataMutationResponse', { affectedRows, keyJson });
    },
    'storage.put': (payload) => {
      const { path, body, contentType } = decodePayload('HostServiceStoragePutRequest', payload);
      files.set(path, { body: Uint8Array.from(body), contentType });
      return reply('HostServiceStoragePutResponse', { object: { path, size: body.length, contentType } });
    },
    'storage.get': (payload) => {
      const { path } = decodePayload('HostServiceStorageGetRequest', payload);
      const file = files.get(path);
      return file && reply('HostServiceStorageGetResponse', { found: true, object: { path }, body: file.body });
    },
    'storage.delete': (payload) => {
      files.delete(decodePayload('HostServiceStorageDeleteRequest', payload).path);
      return undefined;
    },
    'cache.get': (payload) => {
      const value = cached.get(decodePayload('HostServiceCacheGetRequest', payload).key);
      return value === undefined
        ? undefined
        : reply('HostServiceCacheGetResponse', { found: true, value: { valueKind: 1, value } });
    },
    'cache.set': (payload) => {
      const { key, value } = decodePayload('HostServiceCacheSetRequest', payload);
      cached.set(key, value);
      return reply('HostServiceCacheSetResponse', { value: { valueKind: 1, value } });
    },
    'cache.delete': (payload) => {
      cached.delete(decodePayload('HostServiceCacheDeleteRequest', payload).key);
      return undefined;
    },
  };
  return ({ service, method, payload }: HostCallRequest) => answers[`${service}.${method}`]?.(payload);
}

const MANIFEST = new URL('../../../src/sdk/templates/common/manifest/', import.meta.url);

/** Newest first; of the filters only `like`. */
function listed(rows: readonly Row[], planJson: Uint8Array): readonly Row[] {
  const { filters = [] } = parse(planJson) as { filters?: { field: string; valueJson: string }[] };
  const found = filters.reduce(
    (left, { field, valueJson }) =>
      left.filter((row) => String(row[field]).includes(parse(Buffer.from(valueJson, 'base64')) as string)),
    rows,
  );
  return [...found].sort((left, right) => Number(right.writtenAt) - Number(left.writtenAt));
}

function setting(value: string | undefined): HostReply | undefined {
  return value === undefined ? undefined : reply('HostServiceConfigValueResponse', { value, found: true });
}

function reply<T extends PayloadType>(type: T, value: PayloadInput<T>): HostReply {
  return { payload: encodePayload(type, value) };
}

function parse(json: Uint8Array): unknown {
  return JSON.parse(Buffer.from(json).toString());
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
