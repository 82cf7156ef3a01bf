import { randomFillSync } from 'node:crypto';
import {
  encodeHexValueResponse,
  encodeIntegerResponse,
  encodeJsonResponse,
  encodeValueResponse,
  type HostCallRequest,
} from '../protocol/host-call.js';
import type { LogLevel } from '../protocol/messages.js';
import {
  decodeLogRequest,
  decodeStateDeleteRequest,
  decodeStateGetRequest,
  decodeStateSetRequest,
  encodeStateGetResponse,
} from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import type { StateStore } from '../store/state.js';
import { STATE_FILE } from '../store/writer-turns.js';
import { readArguments } from './arguments.js';
import { capabilityDenied, limitExceeded } from './failures.js';
import {
  defineService,
  EMPTY_REPLY,
  type HostCallContext,
  reply,
  type ServiceEnvironment,
  type ServiceReply,
} from './service.js';

const MAX_KEY_BYTES = 255;
const MAX_KEYS = 100;
const MAX_BATCH_BYTES = 1 << 20;

/** The host's own row of a plugin and tenant in the same table. The reference lets guests overwrite it. */
const TENANT_ENABLED_KEY = '__tenant_enabled__';

/** Log, state, time, ids and node of the plugin (`spec/host-services.md` §3). */
export const runtime = defineService({
  name: 'runtime',
  placement: 'worker',
  reads: ['state.get', 'state.get_many', 'state.set', 'state.set_many', 'state.delete', 'state.delete_many'],
  methods: (environment) => {
    const onState =
      (method: StateMethod) =>
      (call: HostCallRequest, context: HostCallContext): ServiceReply =>
        method(environment.state, call.payload, context);
    const onStateInTurn = (method: StateMethod) => {
      const write = onState(method);
      return (call: HostCallRequest, context: HostCallContext): ServiceReply =>
        environment.databases().inTurn(STATE_FILE, () => write(call, context));
    };
    return {
      'log.write': (call, context) => writeLog(environment, call.payload, context),
      'state.get': onState(getState),
      'state.get_many': onState(getManyStates),
      'state.set': onStateInTurn(setState),
      'state.set_many': onStateInTurn(setManyStates),
      'state.delete': onStateInTurn(deleteState),
      'state.delete_many': onStateInTurn(deleteManyStates),
      'info.now': () => reply(encodeIntegerResponse(Math.trunc(environment.now()))),
      'info.uuid': () => reply(newId()),
      'info.node': () => reply(encodeValueResponse(environment.nodeName)),
    };
  },
});

const ID_BYTES = 16;
/** Random bytes for many ids: asking for those of one costs more than all else of the call. */
const randomness = Buffer.allocUnsafeSlow(ID_BYTES * 256);
let randomAt = randomness.length;

/** A random UUID (version 4) without its hyphens. */
function newId(): Uint8Array {
  if (randomAt === randomness.length) {
    randomFillSync(randomness);
    randomAt = 0;
  }
  const start = randomAt;
  randomAt += ID_BYTES;
  randomness[start + 6] = ((randomness[start + 6] as number) & 0x0f) | 0x40;
  randomness[start + 8] = ((randomness[start + 8] as number) & 0x3f) | 0x80;
  return encodeHexValueResponse(randomness, start, randomAt);
}

/** The store is a function: a refused key opens no database. */
type StateMethod = (state: () => StateStore, payload: Uint8Array, scope: HostCallContext) => ServiceReply;

const LEVELS: Readonly<Record<number, LogLevel>> = { 1: 'debug', 2: 'info', 3: 'warn', 4: 'error' };

function writeLog(environment: ServiceEnvironment, payload: Uint8Array, { pluginId }: HostCallContext): ServiceReply {
  const { level, message, fields } = decodeLogRequest(payload);
  const pairs = Object.entries(fields).sort(([left], [right]) => (left < right ? -1 : 1));
  const text = [`[plugin:${pluginId}] ${message}`, ...pairs.map(([name, value]) => `${name}=${value}`)].join(' ');
  environment.log({ pluginId, level: LEVELS[level] ?? 'info', text, blame: 'plugin' });
  return EMPTY_REPLY;
}

/** A stored empty text is answered as if there were none, as the reference does; `state.get_many` tells the two apart. */
const getState: StateMethod = (state, payload, scope) => {
  const key = trimGo(decodeStateGetRequest(payload).key);
  const refusal = refuseKey(key);
  if (refusal) return refusal;
  const value = state().get(scope, key);
  return value === undefined || value === '' ? EMPTY_REPLY : reply(encodeStateGetResponse({ value, found: true }));
};

const setState: StateMethod = (state, payload, scope) => {
  const request = decodeStateSetRequest(payload);
  const key = trimGo(request.key);
  const refusal = refuseKey(key);
  if (refusal) return refusal;
  state().set(scope, key, request.value);
  return EMPTY_REPLY;
};

const deleteState: StateMethod = (state, payload, scope) => {
  const key = trimGo(decodeStateDeleteRequest(payload).key);
  const refusal = refuseKey(key);
  if (refusal) return refusal;
  state().delete(scope, key);
  return EMPTY_REPLY;
};

const getManyStates: StateMethod = (state, payload, scope) => {
  const keys = distinct(readArguments(payload).texts('keys'));
  const refusal = refuseKeys(keys);
  if (refusal) return refusal;
  const found = keys.length === 0 ? new Map<string, string>() : state().getMany(scope, keys);
  const missingKeys = keys.filter((key) => !found.has(key));
  const values = Object.fromEntries(found);
  return reply(encodeJsonResponse(missingKeys.length > 0 ? { values, missingKeys } : { values }));
};

const setManyStates: StateMethod = (state, payload, scope) => {
  const given = readArguments(payload).textMap('values');
  const values = new Map([...given].map(([key, value]) => [trimGo(key), value]));
  const refusal = refuseKeys([...values.keys()]);
  if (refusal) return refusal;
  const bytes = [...values.values()].reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (bytes > MAX_BATCH_BYTES) return limitExceeded(MAX_BATCH_BYTES);
  if (values.size > 0) state().setMany(scope, values);
  return EMPTY_REPLY;
};

const deleteManyStates: StateMethod = (state, payload, scope) => {
  const keys = distinct(readArguments(payload).texts('keys'));
  const refusal = refuseKeys(keys);
  if (refusal) return refusal;
  if (keys.length > 0) state().deleteMany(scope, keys);
  return EMPTY_REPLY;
};

function distinct(keys: readonly string[]): string[] {
  return [...new Set(keys.map(trimGo))];
}

function refuseKeys(keys: readonly string[]): ServiceReply | undefined {
  if (keys.length > MAX_KEYS) return limitExceeded(MAX_KEYS);
  for (const key of keys) {
    const refusal = refuseKey(key);
    if (refusal) return refusal;
  }
  return undefined;
}

function refuseKey(key: string): ServiceReply | undefined {
  if (key === '' || key === TENANT_ENABLED_KEY) return capabilityDenied();
  return Buffer.byteLength(key) > MAX_KEY_BYTES ? limitExceeded(MAX_KEY_BYTES) : undefined;
}
