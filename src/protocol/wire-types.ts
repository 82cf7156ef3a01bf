/**
 * Every message of the bridge by name, between bytes and a JSON form for people: bytes as base64, integers beyond ±(2^53 − 1) as
 * strings, members left out where Go's `omitempty` leaves them out, and a list without items as `null` inside a map.
 */
import { decodeResponseEnvelope, encodeRequest, type RequestEnvelope, type ResponseEnvelope } from './envelope.js';
import { decodeRequestEnvelope, encodeResponseEnvelope } from './envelope-guest.js';
import { SandpoolError } from './errors.js';
import {
  decodeHostCallRequest,
  decodeHostCallResponse,
  encodeHostCallRequest,
  encodeHostCallResponse,
  type HostCallRequest,
  type HostCallResponse,
} from './host-call.js';
import { fromJson, isObject, type JsonObject, toJson } from './json-form.js';
import {
  always,
  bool,
  bytes,
  int32,
  listMap,
  type Message,
  message,
  nested,
  stringMap,
  trimmed,
  trimmedStrings,
  uint32,
} from './payload-fields.js';
import { PAYLOADS } from './payload-table.js';
import { decodeMessage, encodeMessage } from './payloads.js';
import { wireInvalid } from './wire.js';

export interface WireType {
  readonly name: string;
  /** @throws SBX_WIRE_INVALID for an unknown member or one of another type */
  readonly encodeJson: (json: unknown) => Uint8Array;
  /** @throws SBX_WIRE_INVALID with the reference's text */
  readonly decodeToJson: (bytes: Uint8Array) => unknown;
}

/** Names of all types, sorted. */
export function listWireTypes(): readonly string[] {
  return [...TYPES.keys()].sort();
}

/**
 * The type of that name.
 * @throws SBX_WIRE_TYPE_UNKNOWN
 */
export function wireType(name: string): WireType {
  const type = TYPES.get(name);
  if (type === undefined) throw new SandpoolError('SBX_WIRE_TYPE_UNKNOWN', { type: name });
  return type;
}

/**
 * Encodes the JSON form of a message.
 * @throws SBX_WIRE_TYPE_UNKNOWN
 * @throws SBX_WIRE_INVALID
 */
export function encodeJson(name: string, json: unknown): Uint8Array {
  return wireType(name).encodeJson(json);
}

/**
 * Decodes a message to its JSON form.
 * @throws SBX_WIRE_TYPE_UNKNOWN
 * @throws SBX_WIRE_INVALID
 */
export function decodeToJson(name: string, bytes: Uint8Array): unknown {
  return wireType(name).decodeToJson(bytes);
}

const ROUTE = message('route snapshot', {
  method: trimmed(1),
  publicPath: trimmed(2),
  internalPath: trimmed(3),
  routePath: trimmed(4),
  access: trimmed(5),
  permission: trimmed(6),
  requestType: trimmed(7),
  pathParams: stringMap(8),
  queryValues: listMap(9),
});

const SNAPSHOT = message('request snapshot', {
  method: trimmed(1),
  publicPath: trimmed(2),
  internalPath: trimmed(3),
  rawPath: trimmed(4),
  rawQuery: trimmed(5),
  host: trimmed(6),
  scheme: trimmed(7),
  remoteAddr: trimmed(8),
  clientIp: trimmed(9),
  contentType: trimmed(10),
  headers: listMap(11),
  cookies: stringMap(12),
  body: bytes(13),
});

const IDENTITY = message('identity snapshot', {
  tokenId: trimmed(1),
  userId: int32(2),
  username: trimmed(3),
  status: int32(4),
  permissions: trimmedStrings(5),
  roleNames: trimmedStrings(6),
  isSuperAdmin: bool(7),
  dataScope: int32(8),
  dataScopeUnsupported: bool(9),
  unsupportedDataScope: int32(10),
  tenantId: int32(11),
  actingUserId: int32(12),
  actingAsTenant: bool(13),
  isImpersonation: bool(14),
});

const FAILURE = message('failure', { code: trimmed(1), message: trimmed(2) });

/** The envelopes, for their JSON form; their codecs are hand-written, and a test holds the two descriptions together. */
export const ENVELOPES = {
  RequestEnvelope: message('bridge request', {
    pluginId: always(trimmed(1)),
    route: nested(2, ROUTE),
    request: { ...nested(3, SNAPSHOT), label: 'bridge request snapshot' },
    identity: nested(4, IDENTITY),
    requestId: trimmed(5),
  }),
  ResponseEnvelope: message('bridge response', {
    statusCode: int32(1),
    contentType: trimmed(2),
    headers: listMap(3),
    body: bytes(4),
    failure: nested(5, FAILURE),
  }),
  HostServiceRequestEnvelope: message('host service request', {
    service: always(trimmed(1)),
    method: always(trimmed(2)),
    resourceRef: trimmed(3),
    table: trimmed(4),
    payload: bytes(5),
    owner: trimmed(6),
    version: trimmed(7),
  }),
  HostCallResponse: message('host call response', { status: always(uint32(1)), payload: bytes(2) }),
} as const;

function envelope<T>(
  name: keyof typeof ENVELOPES,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): WireType {
  const described: Message = ENVELOPES[name] as unknown as Message;
  return {
    name,
    encodeJson: (json) => encode({ ...described.zeros, ...fromJson(described, json, name) } as T),
    decodeToJson: (bytes) => toJson(described, decode(bytes) as JsonObject),
  };
}

function payload(name: string, described: Message): WireType {
  return {
    name,
    encodeJson: (json) => encodeMessage(described, fromJson(described, json, name)),
    decodeToJson: (bytes) => toJson(described, decodeMessage(described, bytes)),
  };
}

const JOB = 'HostServiceJobsRegisterRequest';

/** Its JSON form holds the fields in one member, `contract`, which is not there when nothing names the job. */
function jobRegistration(): WireType {
  const described = PAYLOADS[JOB] as unknown as Message;
  return {
    name: JOB,
    encodeJson: (json) => encodeMessage(described, fromJson(described, contractOf(json), `${JOB}.contract`)),
    decodeToJson: (bytes) => {
      const job = decodeMessage(described, bytes);
      const named = job.name !== '' || job.pattern !== '' || job.internalPath !== '' || job.requestType !== '';
      return named ? { contract: toJson(described, job) } : {};
    },
  };
}

function contractOf(json: unknown): unknown {
  if (!isObject(json)) throw wireInvalid(`${JOB} must be an object`);
  const unknown = Object.keys(json).find((key) => key !== 'contract');
  if (unknown !== undefined) throw wireInvalid(`${JOB} has no member ${unknown}`);
  return json.contract ?? {};
}

const TYPES: ReadonlyMap<string, WireType> = new Map(
  [
    envelope<RequestEnvelope>('RequestEnvelope', encodeRequest, decodeRequestEnvelope),
    envelope<ResponseEnvelope>('ResponseEnvelope', encodeResponseEnvelope, decodeResponseEnvelope),
    envelope<HostCallRequest>('HostServiceRequestEnvelope', encodeHostCallRequest, decodeHostCallRequest),
    envelope<HostCallResponse>('HostCallResponse', encodeHostCallResponse, decodeHostCallResponse),
    ...Object.entries(PAYLOADS).map(([name, described]) => payload(name, described as unknown as Message)),
    jobRegistration(),
  ].map((type) => [type.name, type]),
);
