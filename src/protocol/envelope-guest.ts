/**
 * The guest's side of the bridge envelopes (`spec/bridge.md` §2.3): reading a request and writing a response. The host needs it
 * to show wire messages to people and to play a guest in tests.
 */
import type {
  Failure,
  HttpRequestSnapshot,
  Identity,
  RequestEnvelope,
  ResponseEnvelope,
  RouteMatch,
} from './envelope.js';
import {
  beginNested,
  endNested,
  growingWriter,
  openReader,
  type Reader,
  skipUnknown,
  takeBool,
  takeBytes,
  takeInt32,
  takeLength,
  takeString,
  takeTag,
  writeBytes,
  writeInt32,
  writeString,
  writtenBytes,
} from './wire.js';
import { takeListEntry, takeStringEntry, writeListMap } from './wire-map.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Decodes a request. Members that the bytes do not carry are absent; `request.body` is a view on `bytes`.
 * @throws SBX_WIRE_INVALID with the reference's text, as `failed to decode bridge request tag`
 */
export function decodeRequestEnvelope(bytes: Uint8Array): RequestEnvelope {
  const envelope: Mutable<RequestEnvelope> = { pluginId: '', requestId: '' };
  const reader = openReader(bytes);
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'bridge request');
    if (field === 1) envelope.pluginId = takeString(reader, 'bridge request pluginId');
    else if (field === 2) envelope.route = takeNested(reader, 'bridge request route', takeRoute);
    else if (field === 3) envelope.request = takeNested(reader, 'bridge request snapshot', takeSnapshot);
    else if (field === 4) envelope.identity = takeNested(reader, 'bridge request identity', takeIdentity);
    else if (field === 5) envelope.requestId = takeString(reader, 'bridge request requestId');
    else skipUnknown(reader, field, 'bridge request');
  }
  return envelope;
}

function takeNested<T>(reader: Reader, what: string, take: (reader: Reader) => T): T {
  const length = takeLength(reader, what);
  const after = reader.end;
  reader.end = reader.at + length;
  const value = take(reader);
  reader.end = after;
  return value;
}

function takeRoute(reader: Reader): Partial<RouteMatch> {
  const route: Partial<Mutable<RouteMatch>> = {};
  let pathParams: Record<string, string> | undefined;
  let queryValues: Record<string, string[]> | undefined;
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'route snapshot');
    if (field === 1) route.method = takeString(reader, 'route snapshot method');
    else if (field === 2) route.publicPath = takeString(reader, 'route snapshot publicPath');
    else if (field === 3) route.internalPath = takeString(reader, 'route snapshot internalPath');
    else if (field === 4) route.routePath = takeString(reader, 'route snapshot routePath');
    else if (field === 5) route.access = takeString(reader, 'route snapshot access');
    else if (field === 6) route.permission = takeString(reader, 'route snapshot permission');
    else if (field === 7) route.requestType = takeString(reader, 'route snapshot requestType');
    else if (field === 8) pathParams = takeStringEntry(reader, pathParams, 'route snapshot pathParams');
    else if (field === 9) queryValues = takeListEntry(reader, queryValues, 'route snapshot queryValues');
    else skipUnknown(reader, field, 'route snapshot');
  }
  if (pathParams !== undefined) route.pathParams = pathParams;
  if (queryValues !== undefined) route.queryValues = queryValues;
  return route;
}

function takeSnapshot(reader: Reader): Partial<HttpRequestSnapshot> {
  const request: Partial<Mutable<HttpRequestSnapshot>> = {};
  let headers: Record<string, string[]> | undefined;
  let cookies: Record<string, string> | undefined;
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'request snapshot');
    if (field === 1) request.method = takeString(reader, 'request snapshot method');
    else if (field === 2) request.publicPath = takeString(reader, 'request snapshot publicPath');
    else if (field === 3) request.internalPath = takeString(reader, 'request snapshot internalPath');
    else if (field === 4) request.rawPath = takeString(reader, 'request snapshot rawPath');
    else if (field === 5) request.rawQuery = takeString(reader, 'request snapshot rawQuery');
    else if (field === 6) request.host = takeString(reader, 'request snapshot host');
    else if (field === 7) request.scheme = takeString(reader, 'request snapshot scheme');
    else if (field === 8) request.remoteAddr = takeString(reader, 'request snapshot remoteAddr');
    else if (field === 9) request.clientIp = takeString(reader, 'request snapshot clientIp');
    else if (field === 10) request.contentType = takeString(reader, 'request snapshot contentType');
    else if (field === 11) headers = takeListEntry(reader, headers, 'request snapshot headers');
    else if (field === 12) cookies = takeStringEntry(reader, cookies, 'request snapshot cookies');
    else if (field === 13) request.body = takeBytes(reader, 'request snapshot body');
    else skipUnknown(reader, field, 'request snapshot');
  }
  if (headers !== undefined) request.headers = headers;
  if (cookies !== undefined) request.cookies = cookies;
  return request;
}

function takeIdentity(reader: Reader): Partial<Identity> {
  const identity: Partial<Mutable<Identity>> = {};
  const permissions: string[] = [];
  const roleNames: string[] = [];
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'identity snapshot');
    if (field === 1) identity.tokenId = takeString(reader, 'identity snapshot tokenId');
    else if (field === 2) identity.userId = takeInt32(reader, 'identity snapshot userId');
    else if (field === 3) identity.username = takeString(reader, 'identity snapshot username');
    else if (field === 4) identity.status = takeInt32(reader, 'identity snapshot status');
    else if (field === 5) permissions.push(takeString(reader, 'identity snapshot permissions'));
    else if (field === 6) roleNames.push(takeString(reader, 'identity snapshot roleNames'));
    else if (!tookScope(reader, field, identity)) skipUnknown(reader, field, 'identity snapshot');
  }
  if (permissions.length > 0) identity.permissions = permissions;
  if (roleNames.length > 0) identity.roleNames = roleNames;
  return identity;
}

/** Fields 7 to 14: what the user may reach. False for any other field. */
function tookScope(reader: Reader, field: number, identity: Partial<Mutable<Identity>>): boolean {
  if (field === 7) identity.isSuperAdmin = takeBool(reader, 'identity snapshot isSuperAdmin');
  else if (field === 8) identity.dataScope = takeInt32(reader, 'identity snapshot dataScope');
  else if (field === 9) identity.dataScopeUnsupported = takeBool(reader, 'identity snapshot dataScopeUnsupported');
  else if (field === 10) identity.unsupportedDataScope = takeInt32(reader, 'identity snapshot unsupportedDataScope');
  else if (field === 11) identity.tenantId = takeInt32(reader, 'identity snapshot tenantId');
  else if (field === 12) identity.actingUserId = takeInt32(reader, 'identity snapshot actingUserId');
  else if (field === 13) identity.actingAsTenant = takeBool(reader, 'identity snapshot actingAsTenant');
  else if (field === 14) identity.isImpersonation = takeBool(reader, 'identity snapshot isImpersonation');
  else return false;
  return true;
}

/** A response of which anything may be absent, and then is zero. */
export type ResponseInput = Partial<Omit<ResponseEnvelope, 'failure'>> & { readonly failure?: Partial<Failure> };

const FAILURE_BYTES = 60;

/** Encodes a response as the guest SDK does: strings trimmed, empty fields left out, a failure written even when empty. */
export function encodeResponseEnvelope(response: ResponseInput): Uint8Array {
  const writer = growingWriter(256 + (response.body?.length ?? 0));
  writeInt32(writer, 0x08, response.statusCode);
  writeString(writer, 0x12, response.contentType);
  writeListMap(writer, 0x1a, response.headers);
  writeBytes(writer, 0x22, response.body);
  const { failure } = response;
  if (failure !== undefined) {
    const body = beginNested(writer, 0x2a, FAILURE_BYTES);
    writeString(writer, 0x0a, failure.code);
    writeString(writer, 0x12, failure.message);
    endNested(writer, body, FAILURE_BYTES);
  }
  return writtenBytes(writer);
}
