/**
 * Bridge request and response: what the host sends to `execute` and what the guest answers (`spec/bridge.md` §2.3).
 *
 * Every HTTP request passes here twice, so the host's two directions, encoding a request and decoding a response, go straight
 * between objects and bytes: no table of fields, no view or object per field. The guest's directions are in
 * `envelope-guest.ts`.
 */
import {
  beginNested,
  endNested,
  fixedWriter,
  growingWriter,
  NO_BYTES,
  openReader,
  type Reader,
  skipUnknown,
  takeBytes,
  takeInt32,
  takeLength,
  takeString,
  takeTag,
  type Writer,
  writeBool,
  writeBytes,
  writeInt32,
  writeString,
  writtenBytes,
} from './wire.js';
import { NO_ENTRIES, takeListEntry, writeListMap, writeStringMap } from './wire-map.js';

export interface RouteMatch {
  readonly method: string;
  readonly publicPath: string;
  readonly internalPath: string;
  readonly routePath: string;
  readonly access: string;
  readonly permission: string;
  readonly requestType: string;
  readonly pathParams: Readonly<Record<string, string>>;
  readonly queryValues: Readonly<Record<string, readonly string[]>>;
}

export interface HttpRequestSnapshot {
  readonly method: string;
  readonly publicPath: string;
  readonly internalPath: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddr: string;
  readonly clientIp: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Identity {
  readonly tokenId: string;
  readonly userId: number;
  readonly username: string;
  readonly status: number;
  readonly permissions: readonly string[];
  readonly roleNames: readonly string[];
  readonly isSuperAdmin: boolean;
  readonly dataScope: number;
  readonly dataScopeUnsupported: boolean;
  readonly unsupportedDataScope: number;
  readonly tenantId: number;
  readonly actingUserId: number;
  readonly actingAsTenant: boolean;
  readonly isImpersonation: boolean;
}

/** Absent nested messages are left out of the bytes; absent members of a present one are zero. */
export interface RequestEnvelope {
  readonly pluginId: string;
  readonly route?: Partial<RouteMatch>;
  readonly request?: Partial<HttpRequestSnapshot>;
  readonly identity?: Partial<Identity>;
  readonly requestId: string;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface ResponseEnvelope {
  readonly statusCode: number;
  readonly contentType: string;
  /** Keys as the guest sent them; a null-prototype object. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
  readonly failure?: Failure;
}

/**
 * Writes the request into `target` from `offset` up to `end`; `target` may be a view on shared memory.
 * @returns the number of bytes written, or -1 when the request does not fit; nothing outside that range is touched either way
 */
export function encodeRequestEnvelope(
  envelope: RequestEnvelope,
  target: Uint8Array,
  offset = 0,
  end = target.length,
): number {
  if ((envelope.request?.body?.length ?? 0) > end - offset) return -1;
  const writer = fixedWriter(target, offset, end);
  writeRequest(writer, envelope);
  return writer.overflowed ? encodeTightly(envelope, target, offset, end) : writer.at - offset;
}

/** A guessed length prefix may have been a byte too long where room is scarce; the exact form may still fit. */
function encodeTightly(envelope: RequestEnvelope, target: Uint8Array, offset: number, end: number): number {
  const bytes = encodeRequest(envelope);
  if (bytes.length > end - offset) return -1;
  target.set(bytes, offset);
  return bytes.length;
}

/** The encoded request in a buffer of its own. */
export function encodeRequest(envelope: RequestEnvelope): Uint8Array {
  const writer = growingWriter(1024 + (envelope.request?.body?.length ?? 0));
  writeRequest(writer, envelope);
  return writtenBytes(writer);
}

/** Exact number of bytes that the request takes; costs as much as encoding it. */
export function requestEnvelopeBytes(envelope: RequestEnvelope): number {
  return encodeRequest(envelope).length;
}

function writeRequest(writer: Writer, envelope: RequestEnvelope): void {
  const { route, request, identity } = envelope;
  writeString(writer, 0x0a, envelope.pluginId);
  if (route !== undefined) writeRoute(writer, route);
  if (request !== undefined) writeSnapshot(writer, request);
  if (identity !== undefined) writeIdentity(writer, identity);
  writeString(writer, 0x2a, envelope.requestId);
}

const ROUTE_BYTES = 100;

function writeRoute(writer: Writer, route: Partial<RouteMatch>): void {
  const body = beginNested(writer, 0x12, ROUTE_BYTES);
  writeString(writer, 0x0a, route.method);
  writeString(writer, 0x12, route.publicPath);
  writeString(writer, 0x1a, route.internalPath);
  writeString(writer, 0x22, route.routePath);
  writeString(writer, 0x2a, route.access);
  writeString(writer, 0x32, route.permission);
  writeString(writer, 0x3a, route.requestType);
  writeStringMap(writer, 0x42, route.pathParams);
  writeListMap(writer, 0x4a, route.queryValues);
  endNested(writer, body, ROUTE_BYTES);
}

const SNAPSHOT_BYTES = 400;

function writeSnapshot(writer: Writer, request: Partial<HttpRequestSnapshot>): void {
  const expectedBytes = SNAPSHOT_BYTES + (request.body?.length ?? 0);
  const body = beginNested(writer, 0x1a, expectedBytes);
  writeString(writer, 0x0a, request.method);
  writeString(writer, 0x12, request.publicPath);
  writeString(writer, 0x1a, request.internalPath);
  writeString(writer, 0x22, request.rawPath);
  writeString(writer, 0x2a, request.rawQuery);
  writeString(writer, 0x32, request.host);
  writeString(writer, 0x3a, request.scheme);
  writeString(writer, 0x42, request.remoteAddr);
  writeString(writer, 0x4a, request.clientIp);
  writeString(writer, 0x52, request.contentType);
  writeListMap(writer, 0x5a, request.headers);
  writeStringMap(writer, 0x62, request.cookies);
  writeBytes(writer, 0x6a, request.body);
  endNested(writer, body, expectedBytes);
}

function writeIdentity(writer: Writer, identity: Partial<Identity>): void {
  const expectedBytes = 40 + 20 * (identity.permissions?.length ?? 0);
  const body = beginNested(writer, 0x22, expectedBytes);
  writeString(writer, 0x0a, identity.tokenId);
  writeInt32(writer, 0x10, identity.userId);
  writeString(writer, 0x1a, identity.username);
  writeInt32(writer, 0x20, identity.status);
  for (const permission of identity.permissions ?? []) writeString(writer, 0x2a, permission);
  for (const roleName of identity.roleNames ?? []) writeString(writer, 0x32, roleName);
  writeBool(writer, 0x38, identity.isSuperAdmin);
  writeInt32(writer, 0x40, identity.dataScope);
  writeBool(writer, 0x48, identity.dataScopeUnsupported);
  writeInt32(writer, 0x50, identity.unsupportedDataScope);
  writeInt32(writer, 0x58, identity.tenantId);
  writeInt32(writer, 0x60, identity.actingUserId);
  writeBool(writer, 0x68, identity.actingAsTenant);
  writeBool(writer, 0x70, identity.isImpersonation);
  endNested(writer, body, expectedBytes);
}

/**
 * Decodes a guest's response. `body` is a copy, so `bytes` may be a slot that is given to someone else next.
 * @throws SBX_WIRE_INVALID with the reference's text, as `failed to decode bridge response tag`
 */
export function decodeResponseEnvelope(bytes: Uint8Array): ResponseEnvelope {
  const reader = openReader(bytes);
  let statusCode = 0;
  let contentType = '';
  let headers: Record<string, string[]> | undefined;
  let body = NO_BYTES;
  let failure: Failure | undefined;
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'bridge response');
    if (field === 1) statusCode = takeInt32(reader, 'bridge response statusCode');
    else if (field === 2) contentType = takeString(reader, 'bridge response contentType');
    else if (field === 3) headers = takeListEntry(reader, headers, 'bridge response headers');
    else if (field === 4) body = takeBytes(reader, 'bridge response body');
    else if (field === 5) failure = takeFailure(reader);
    else skipUnknown(reader, field, 'bridge response');
  }
  const response = { statusCode, contentType, headers: headers ?? NO_ENTRIES, body: copyOf(body) };
  return failure === undefined ? response : { ...response, failure };
}

/** A pooled Buffer is several times cheaper than a fresh Uint8Array of a few hundred bytes. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? NO_BYTES : Buffer.from(bytes);
}

/** A repeated failure replaces the earlier one as a whole. */
function takeFailure(reader: Reader): Failure {
  const length = takeLength(reader, 'bridge response failure');
  const after = reader.end;
  reader.end = reader.at + length;
  let code = '';
  let message = '';
  while (reader.at < reader.end) {
    const field = takeTag(reader, 'failure');
    if (field === 1) code = takeString(reader, 'failure code');
    else if (field === 2) message = takeString(reader, 'failure message');
    else skipUnknown(reader, field, 'failure');
  }
  reader.end = after;
  return { code, message };
}
