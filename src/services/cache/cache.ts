/** What plugins keep for a while (`spec/host-services.md` §7). */
import type { CacheCommand, CacheResult, CacheScope, CacheValue } from '../../protocol/cache.js';
import { goTime, MAX_TIME_MS } from '../../protocol/go-time.js';
import { encodeJsonText, goJson, type HostCallRequest } from '../../protocol/host-call.js';
import { decodePayload, encodePayload, type PayloadInput } from '../../protocol/payloads.js';
import { trimGo } from '../../protocol/text.js';
import { readArguments } from '../arguments.js';
import { businessFailure, limitExceeded } from '../failures.js';
import {
  defineService,
  EMPTY_REPLY,
  type HostCallContext,
  reply,
  type ServiceEnvironment,
  type ServiceReply,
} from '../service.js';
import { createCacheCopies } from './copies.js';

const MAX_KEY_BYTES = 128;
const MAX_NAMESPACE_BYTES = 64;
const MAX_VALUE_BYTES = 4096;
const MAX_BATCH_KEYS = 100;
const MAX_BATCH_KEY_BYTES = 256;
const MAX_BATCH_BYTES = 1 << 20;

/**
 * The host keeps the values; with change stamps at hand, sandbox threads answer `get` from copies. The reference's owner key, which
 * makes long plugin ids fail, is not reproduced.
 */
export const cache = defineService({
  name: 'cache',
  placement: 'host',
  methods: (environment) => {
    const on =
      (method: Method) =>
      (call: HostCallRequest, context: HostCallContext): Answer => {
        const namespace = trimGo(call.resourceRef);
        const scope: CacheScope = { pluginId: context.pluginId, tenantId: context.tenantId, namespace };
        return refuseField('namespace', namespace, MAX_NAMESPACE_BYTES) ?? method(call.payload, scope, environment);
      };
    return {
      get: on(get),
      set: on(set),
      delete: on(remove),
      incr: on(incr),
      expire: on(expire),
      get_many: on(getMany),
      set_many: on(setMany),
      delete_many: on(deleteMany),
    };
  },
  copies: ({ cacheStamps, now, countCached }) =>
    cacheStamps ? { get: createCacheCopies(cacheStamps, now, countCached) } : {},
});

type Answer = ServiceReply | Promise<ServiceReply>;
type Method = (payload: Uint8Array, scope: CacheScope, environment: ServiceEnvironment) => Answer;

const get: Method = (payload, scope, environment) => {
  const key = trimGo(decodePayload('HostServiceCacheGetRequest', payload).key);
  return one(environment, scope, { do: 'get', key }, (value) =>
    value ? reply(encodePayload('HostServiceCacheGetResponse', { found: true, value: wireValue(value) })) : EMPTY_REPLY,
  );
};

const set: Method = (payload, scope, environment) => {
  const { key, value, expireSeconds } = decodePayload('HostServiceCacheSetRequest', payload);
  const command = setCommand(environment, trimGo(key), value, expireSeconds);
  return 'status' in command ? command : one(environment, scope, command, valueReply('HostServiceCacheSetResponse'));
};

const remove: Method = (payload, scope, environment) => {
  const key = trimGo(decodePayload('HostServiceCacheDeleteRequest', payload).key);
  return one(environment, scope, { do: 'delete', key }, () => EMPTY_REPLY);
};

const incr: Method = (payload, scope, environment) => {
  const { key, delta, expireSeconds } = decodePayload('HostServiceCacheIncrRequest', payload);
  const expireAt = expiry(environment, expireSeconds);
  if (typeof expireAt !== 'number') return refuseKey(trimGo(key)) ?? expireAt;
  const command: CacheCommand = { do: 'incr', key: trimGo(key), delta, expireAt };
  return one(environment, scope, command, valueReply('HostServiceCacheIncrResponse'));
};

const expire: Method = (payload, scope, environment) => {
  const { key, expireSeconds } = decodePayload('HostServiceCacheExpireRequest', payload);
  const expireAt = expiry(environment, expireSeconds);
  if (typeof expireAt !== 'number') return refuseKey(trimGo(key)) ?? expireAt;
  return one(environment, scope, { do: 'expire', key: trimGo(key), expireAt }, (value) =>
    value
      ? reply(encodePayload('HostServiceCacheExpireResponse', { found: true, expireAt: goTime(value.expireAt) }))
      : EMPTY_REPLY,
  );
};

const getMany: Method = (payload, scope, environment) => {
  const keys = distinct(readArguments(payload).texts('keys'));
  return refuseBatch(keys, []) ?? many(environment, scope, keys.map(getCommand), (values) => items(keys, values));
};

const setMany: Method = (payload, scope, environment) => {
  const given = readArguments(payload).list('items');
  const values = new Map(given.map((item) => [trimGo(item.text('key')), item] as const));
  const keys = [...values.keys()];
  const texts = [...values.values()].map((item) => item.text('value'));
  const refusal = refuseBatch(keys, texts);
  if (refusal) return refusal;
  const commands = [...values].map(([key, item]) =>
    setCommand(environment, key, item.text('value'), item.integer('expireSeconds')),
  );
  return many(environment, scope, commands, (stored) => items(keys, stored));
};

const deleteMany: Method = (payload, scope, environment) => {
  const keys = distinct(readArguments(payload).texts('keys'));
  const commands = keys.map((key): CacheCommand => ({ do: 'delete', key }));
  return refuseBatch(keys, []) ?? many(environment, scope, commands, () => EMPTY_REPLY);
};

function getCommand(key: string): CacheCommand {
  return { do: 'get', key };
}

function setCommand(
  environment: ServiceEnvironment,
  key: string,
  value: string,
  expireSeconds: number | bigint,
): CacheCommand | ServiceReply {
  const expireAt = expiry(environment, expireSeconds);
  const refusal = refuseKey(key) ?? refuseValue(value);
  if (refusal) return refusal;
  return typeof expireAt === 'number' ? { do: 'set', key, value, expireAt } : expireAt;
}

// ---- running ---------------------------------------------------------------------------------------------------------------

function one(
  environment: ServiceEnvironment,
  scope: CacheScope,
  command: CacheCommand,
  then: (value: CacheValue | undefined) => ServiceReply,
): Answer {
  return many(environment, scope, [command], ([value]) => then(value));
}

/** Each key counts as a call of its own: those before one that is refused have been carried out. */
function many(
  { cache: run }: ServiceEnvironment,
  scope: CacheScope,
  commands: readonly (CacheCommand | ServiceReply)[],
  then: (values: readonly (CacheValue | undefined)[]) => ServiceReply,
): Answer {
  const runnable: CacheCommand[] = [];
  let refusal: ServiceReply | undefined;
  for (const command of commands) {
    refusal = 'status' in command ? command : refuseKey(command.key);
    if (refusal || 'status' in command) break;
    runnable.push(command);
  }
  const finish = (results: readonly CacheResult[]): ServiceReply => {
    if (refusal) return refusal;
    return results.includes('not-integer') ? notInteger() : then(results as readonly (CacheValue | undefined)[]);
  };
  const results = runnable.length === 0 ? [] : run(scope, runnable);
  return results instanceof Promise ? results.then(finish) : finish(results);
}

// ---- replies ---------------------------------------------------------------------------------------------------------------

function wireValue({
  kind,
  text,
  integer,
  expireAt,
}: CacheValue): PayloadInput<'HostServiceCacheGetResponse'>['value'] {
  return { valueKind: kind, value: text, intValue: integer, expireAt: goTime(expireAt) };
}

function valueReply(type: 'HostServiceCacheSetResponse' | 'HostServiceCacheIncrResponse') {
  return (value: CacheValue | undefined): ServiceReply =>
    reply(encodePayload(type, { value: value && wireValue(value) }));
}

/** The JSON is written by hand: an integer may be one that a JavaScript number cannot hold. */
function items(keys: readonly string[], values: readonly (CacheValue | undefined)[]): ServiceReply {
  const found = keys.flatMap((key, index) => (values[index] ? [[key, values[index]] as const] : []));
  const missing = keys.filter((_key, index) => values[index] === undefined);
  const members = found
    .sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    .map(([key, value]) => `${goJson(key)}:${jsonValue(value)}`);
  const missingKeys = missing.length > 0 ? `,"missingKeys":${goJson(missing)}` : '';
  return reply(encodeJsonText(`{"items":{${members.join(',')}}${missingKeys}}`));
}

function jsonValue({ kind, text, integer, expireAt }: CacheValue): string {
  const intValue = integer === 0 ? '' : `,"intValue":${integer}`;
  return `{"valueKind":${kind},"value":${goJson(text)}${intValue},"expireAt":"${goTime(expireAt)}"}`;
}

// ---- rules -----------------------------------------------------------------------------------------------------------------

function distinct(keys: readonly string[]): string[] {
  return [...new Set(keys.map(trimGo))];
}

function refuseBatch(keys: readonly string[], values: readonly string[]): ServiceReply | undefined {
  if (keys.includes('')) return businessFailure('PLUGIN_SOURCE_CACHE_KEY_REQUIRED', 'Cache key is required');
  if (keys.some((key) => Buffer.byteLength(key) > MAX_BATCH_KEY_BYTES)) return limitExceeded(MAX_BATCH_KEY_BYTES);
  if (keys.length > MAX_BATCH_KEYS) return limitExceeded(MAX_BATCH_KEYS);
  const bytes = values.reduce((total, value) => total + Buffer.byteLength(value), 0);
  return bytes > MAX_BATCH_BYTES ? limitExceeded(MAX_BATCH_BYTES) : undefined;
}

function refuseKey(key: string): ServiceReply | undefined {
  return refuseField('key', key, MAX_KEY_BYTES);
}

function refuseField(field: string, text: string, maxBytes: number): ServiceReply | undefined {
  if (text === '') return businessFailure('KV_CACHE_FIELD_REQUIRED', 'Cache field {field} is required', { field });
  if (Buffer.byteLength(text) <= maxBytes) return undefined;
  const message = 'Cache field {field} exceeds {maxBytes} bytes';
  return businessFailure('KV_CACHE_FIELD_TOO_LONG', message, { field, maxBytes });
}

function refuseValue(value: string): ServiceReply | undefined {
  if (Buffer.byteLength(value) <= MAX_VALUE_BYTES) return undefined;
  const maxBytes = MAX_VALUE_BYTES;
  return businessFailure('KV_CACHE_VALUE_TOO_LONG', 'Cache value exceeds {maxBytes} bytes', { maxBytes });
}

function notInteger(): ServiceReply {
  return businessFailure('KV_CACHE_INCREMENT_VALUE_NOT_INTEGER', 'Cache value is not an integer');
}

/** When something expires that is given so long to live. */
function expiry({ now }: ServiceEnvironment, seconds: number | bigint): number | ServiceReply {
  if (seconds > 0) return Math.min(Math.trunc(now()) + Number(seconds) * 1000, MAX_TIME_MS);
  return seconds < 0
    ? businessFailure('KV_CACHE_EXPIRE_SECONDS_NEGATIVE', 'Cache expireSeconds must not be negative')
    : businessFailure('KV_CACHE_EXPIRE_SECONDS_REQUIRED', 'Cache expireSeconds is required');
}
