/**
 * Host-call request and response, and what every service puts into them: values, JSON, failures (`spec/bridge.md` §2.4,
 * `spec/host-services.md` §1.3–§1.6).
 */
import { reasonOf, SandpoolError } from './errors.js';
import { bufferOver } from './text.js';
import {
  fixedWriter,
  growingWriter,
  NO_BYTES,
  openReader,
  skipUnknown,
  takeBytes,
  takeString,
  takeTag,
  takeUint32,
  trimGo,
  varintSize,
  type Writer,
  writeBytes,
  writeInt32,
  writePrefix,
  writeString,
  writeText,
  writtenBytes,
} from './wire.js';

export interface HostCallRequest {
  readonly service: string;
  readonly method: string;
  readonly resourceRef: string;
  readonly table: string;
  readonly payload: Uint8Array;
  readonly owner: string;
  readonly version: string;
}

export interface HostCallResponse {
  /** 0 success, 1 capability denied, 2 not found, 3 invalid request, 4 internal error. */
  readonly status: number;
  /** Reply of the method; for a status other than 0 the JSON error payload. */
  readonly payload: Uint8Array;
  /** What follows on `payload` and is still elsewhere. */
  readonly rest?: PayloadRest | undefined;
}

/** The end of a payload, written straight to where the response goes: a file into the memory of a guest. */
export interface PayloadRest {
  readonly bytes: number;
  /** Writes all of it to the start of `target`. @throws when it cannot be read */
  readInto(target: Uint8Array): void;
  /** To be called once, whether it was written or not. */
  close(): void;
}

const REQUEST = 'host service request';

/**
 * Decodes a host-call request. Strings are as the guest sent them, untrimmed; `payload` is a view on `bytes`.
 * @throws SBX_WIRE_INVALID with the reference's text, as `failed to decode host service request tag`
 */
export function decodeHostCallRequest(bytes: Uint8Array): HostCallRequest {
  let service = '';
  let method = '';
  let resourceRef = '';
  let table = '';
  let payload = NO_BYTES;
  let owner = '';
  let version = '';
  const reader = openReader(bytes);
  while (reader.at < reader.end) {
    const field = takeTag(reader, REQUEST);
    if (field === 1) service = takeString(reader, 'host service request service');
    else if (field === 2) method = takeString(reader, 'host service request method');
    else if (field === 3) resourceRef = takeString(reader, 'host service request resourceRef');
    else if (field === 4) table = takeString(reader, 'host service request table');
    else if (field === 5) payload = takeBytes(reader, 'host service request payload');
    else if (field === 6) owner = takeString(reader, 'host service request owner');
    else if (field === 7) version = takeString(reader, 'host service request version');
    else skipUnknown(reader, field, REQUEST);
  }
  return { service, method, resourceRef, table, payload, owner, version };
}

/** Encodes a host-call request as the guest SDK does: strings trimmed, empty fields left out. */
export function encodeHostCallRequest(request: HostCallRequest): Uint8Array {
  const writer = growingWriter(64 + request.payload.length);
  writeString(writer, 0x0a, request.service);
  writeString(writer, 0x12, request.method);
  writeString(writer, 0x1a, request.resourceRef);
  writeString(writer, 0x22, request.table);
  writeBytes(writer, 0x2a, request.payload);
  writeString(writer, 0x32, request.owner);
  writeString(writer, 0x3a, request.version);
  return writtenBytes(writer);
}

/** Exact size of the encoded response; 0 means success without payload, which the guest reads without any bytes. */
export function hostCallResponseBytes(response: HostCallResponse): number {
  const { status, payload, rest } = response;
  const statusBytes = status === 0 ? 0 : 1 + varintSize(status);
  const payloadBytes = payload.length + (rest === undefined ? 0 : rest.bytes);
  return statusBytes + (payloadBytes === 0 ? 0 : 1 + varintSize(payloadBytes) + payloadBytes);
}

/**
 * Writes the encoded response into `target` from `offset` and returns the number of bytes written, or -1 when it does not
 * fit; nothing outside `target` is touched. @throws what the rest of the payload does
 */
export function writeHostCallResponse(response: HostCallResponse, target: Uint8Array, offset = 0): number {
  const writer = fixedWriter(target, offset);
  writeResponse(writer, response);
  return writer.overflowed ? -1 : writer.at - offset;
}

export function encodeHostCallResponse(response: HostCallResponse): Uint8Array {
  const bytes = exactBytes(hostCallResponseBytes(response));
  writeResponse(fixedWriter(bytes, 0), response);
  return bytes;
}

function writeResponse(writer: Writer, response: HostCallResponse): void {
  writeInt32(writer, 0x08, response.status);
  if (response.rest === undefined) writeBytes(writer, 0x12, response.payload);
  else writeInParts(writer, response.payload, response.rest);
}

function writeInParts(writer: Writer, payload: Uint8Array, rest: PayloadRest): void {
  if (!writePrefix(writer, 0x12, payload.length + rest.bytes)) return;
  writer.bytes.set(payload, writer.at);
  const restAt = writer.at + payload.length;
  writer.at = restAt + rest.bytes;
  rest.readInto(writer.bytes.subarray(restAt, writer.at));
}

const RESPONSE = 'host call response';

/**
 * Decodes a host-call response; `payload` is a view on `bytes`.
 * @throws SBX_WIRE_INVALID
 */
export function decodeHostCallResponse(bytes: Uint8Array): HostCallResponse {
  let status = 0;
  let payload = NO_BYTES;
  const reader = openReader(bytes);
  while (reader.at < reader.end) {
    const field = takeTag(reader, RESPONSE);
    if (field === 1) status = takeUint32(reader, 'host call response status');
    else if (field === 2) payload = takeBytes(reader, 'host call response payload');
    else skipUnknown(reader, field, RESPONSE);
  }
  return { status, payload };
}

/** What went wrong in a host call, before it is given a default code and text. */
export interface HostCallFailure {
  /** Business code; without it the default of the status is used. */
  readonly errorCode?: string;
  /** Default: `error.` and the code in lower case, its parts joined by dots. */
  readonly messageKey?: string;
  readonly messageParams?: Readonly<Record<string, unknown>>;
  /** English text; blank means the default of the status. */
  readonly message: string;
}

/** The JSON error payload of a status other than 0, byte for byte as Go writes it (`spec/host-services.md` §1.5). */
export function encodeErrorPayload(status: number, failure: HostCallFailure): Uint8Array {
  const preset = DEFAULTS[status] ?? OTHER;
  const errorCode = trimGo(failure.errorCode ?? '');
  const params = failure.messageParams;
  return Buffer.from(
    goJson({
      errorCode: errorCode || preset.errorCode,
      messageKey: failure.messageKey ?? (errorCode ? messageKeyOf(errorCode) : preset.messageKey),
      messageParams: params && Object.keys(params).length > 0 ? sorted(params) : undefined,
      fallback: trimGo(failure.message) || preset.fallback,
    }),
  );
}

/** A response with that status and the error payload of the failure. */
export function failedResponse(status: number, failure: HostCallFailure): HostCallResponse {
  return { status, payload: encodeErrorPayload(status, failure) };
}

const preset = (errorCode: string, messageKey: string, fallback: string) => ({ errorCode, messageKey, fallback });

// biome-ignore format: a table
const DEFAULTS: Readonly<Record<number, ReturnType<typeof preset>>> = {
  1: preset('HOST_CALL_CAPABILITY_DENIED', 'error.host_call.capability_denied', 'Host call capability denied'),
  2: preset('HOST_CALL_NOT_FOUND',         'error.host_call.not_found',         'Host call target not found'),
  3: preset('HOST_CALL_INVALID_REQUEST',   'error.host_call.invalid_request',   'Invalid host call request'),
  4: preset('HOST_CALL_INTERNAL_ERROR',    'error.host_call.internal_error',    'Host call failed'),
};
const OTHER = preset('HOST_CALL_FAILED', 'error.host_call.failed', 'Host call failed');

function messageKeyOf(errorCode: string): string {
  const parts = errorCode.toLowerCase().split(/[_\-. ]/);
  return ['error', ...parts.filter((part) => part !== '')].join('.');
}

/** Go writes the keys of a map in the order of their bytes. */
function sorted(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** JSON text as Go's encoder writes it: `<`, `>`, `&`, U+2028 and U+2029 are escaped. `undefined` becomes `null`. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return ESCAPED.test(text) ? text.replace(EVERY_ESCAPED, escapeOf) : text;
}

const ESCAPED = /[<>&\u2028\u2029]/;
const EVERY_ESCAPED = /[<>&\u2028\u2029]/g;

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Longest byte string that V8 keeps within its object, which is quicker to make than a piece of Node's pool. */
const SHORT_BYTES = 64;

/** Room for so many bytes, all of which are written. */
function exactBytes(count: number): Uint8Array {
  return count <= SHORT_BYTES ? new Uint8Array(count) : Buffer.allocUnsafe(count);
}

/** A value response: one string, trimmed; an empty one is zero bytes. */
export function encodeValueResponse(value: string): Uint8Array {
  return shortAscii(0x0a, trimGo(value)) ?? longValue(value);
}

/** A field of nothing but ASCII, in as many bytes as it takes; undefined when it is longer, empty or has other characters. */
function shortAscii(tag: number, text: string): Uint8Array | undefined {
  const length = text.length;
  if (length === 0 || length > SHORT_BYTES - 2) return undefined;
  const bytes = new Uint8Array(2 + length);
  bytes[0] = tag;
  bytes[1] = length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return undefined;
    bytes[2 + i] = code;
  }
  return bytes;
}

/** A value response: so many bytes in lower-case hexadecimal, as ids are written. */
export function encodeHexValueResponse(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const digits = (end - start) * 2;
  if (digits === 0 || digits > SHORT_BYTES - 2)
    return encodeValueResponse(bufferOver(bytes).toString('hex', start, end));
  const value = new Uint8Array(2 + digits);
  value[0] = 0x0a;
  value[1] = digits;
  for (let from = start, to = 2; from < end; from++) {
    const byte = bytes[from] as number;
    value[to++] = hexDigit(byte >>> 4);
    value[to++] = hexDigit(byte & 15);
  }
  return value;
}

function hexDigit(nibble: number): number {
  return nibble + (nibble < 10 ? 0x30 : 0x57);
}

/** A value response: a whole number in decimal digits. */
export function encodeIntegerResponse(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) return encodeValueResponse(String(value));
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits += 1;
  const bytes = new Uint8Array(2 + digits);
  bytes[0] = 0x0a;
  bytes[1] = digits;
  // In two parts that fit into 32 bits: V8 divides those several times as fast.
  const upper = Math.floor(value / 1e8);
  const at = writeDigits(bytes, 1 + digits, value - upper * 1e8, upper > 0 ? 8 : digits);
  if (upper > 0) writeDigits(bytes, at, upper, digits - 8);
  return bytes;
}

/** Writes the last `digits` digits of `value` up to and including `at`; returns where the next one goes. */
function writeDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0;
  let place = at;
  for (; digits > at - place; place--) {
    const tenth = (rest / 10) | 0;
    bytes[place] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return place;
}

function longValue(value: string): Uint8Array {
  const writer = growingWriter(6 + value.length);
  writeString(writer, 0x0a, value);
  return writtenBytes(writer);
}

/** A JSON response: `value` as Go-style JSON text in the wrapper message. */
export function encodeJsonResponse(value: unknown): Uint8Array {
  return encodeJsonText(goJson(value));
}

/** A JSON request or response around text that is JSON already. */
export function encodeJsonText(json: string): Uint8Array {
  const writer = growingWriter(6 + json.length);
  writeText(writer, 0x0a, json);
  return writtenBytes(writer);
}

/**
 * The JSON value of a JSON request. An empty payload or an empty text is `undefined`: no arguments, every field zero.
 * @throws SBX_WIRE_INVALID when the wrapper is broken, or with `decode capability JSON request failed: …` when the text is;
 *   the parser's own error is then its `cause`
 */
export function decodeJsonRequest(payload: Uint8Array): unknown {
  const text = decodeJsonText(payload);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = `decode capability JSON request failed: ${reasonOf(cause)}`;
    throw new SandpoolError('SBX_WIRE_INVALID', { reason }, { cause });
  }
}

const JSON_REQUEST = 'host service JSON request';

/**
 * The text in a JSON request, unparsed.
 * @throws SBX_WIRE_INVALID
 */
export function decodeJsonText(payload: Uint8Array): string {
  let text = '';
  const reader = openReader(payload);
  while (reader.at < reader.end) {
    const field = takeTag(reader, JSON_REQUEST);
    if (field === 1) text = takeString(reader, 'host service JSON request value');
    else skipUnknown(reader, field, JSON_REQUEST);
  }
  return text;
}

/**
 * A member of a decoded JSON object as Go finds it: by name in any letter case, the last one wins, `null` leaves it unset.
 * Undefined when `json` is no object.
 */
export function jsonMember(json: unknown, name: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const wanted = name.toLowerCase();
  let found: unknown;
  for (const [key, value] of Object.entries(json)) {
    if (value !== null && (key === name || key.toLowerCase() === wanted)) found = value;
  }
  return found;
}
