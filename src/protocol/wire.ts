/**
 * Protobuf wire primitives as the reference codec uses them (`spec/bridge.md` §2.1, §2.2): known fields are read by number
 * and never by wire type, strings are trimmed by writers and taken as they come by readers.
 *
 * A reader is a cursor over bytes; a nested message is read by narrowing `end`, so nothing is copied and no view is made.
 * A writer is a cursor over a buffer that either grows or, for a leased slot, notes that it overflowed.
 */
import { SandpoolError } from './errors.js';
import { bufferOver, textAt, trimGo } from './text.js';

export { trimGo };

export interface Reader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
  /** The last varint, as two unsigned halves of 32 bits. */
  low: number;
  high: number;
  /** Wire type of the last tag. */
  wireType: number;
}

/** A reader over `bytes`, which may be a view on shared memory as long as nobody writes there meanwhile. */
export function openReader(bytes: Uint8Array): Reader {
  return { bytes, at: 0, end: bytes.length, low: 0, high: 0, wireType: 0 };
}

/** The error of every refused byte. `reason` is the reference's text, such as `failed to decode bridge request pluginId`. */
export function wireInvalid(reason: string): SandpoolError {
  return new SandpoolError('SBX_WIRE_INVALID', { reason });
}

/**
 * Next field number; its wire type is left in `reader.wireType`.
 * @throws SBX_WIRE_INVALID `failed to decode <message> tag`
 */
export function takeTag(reader: Reader, message: string): number {
  const field = readTag(reader);
  if (field === 0) throw wireInvalid(`failed to decode ${message} tag`);
  return field;
}

/**
 * Steps over the value of an unknown field, groups included.
 * @throws SBX_WIRE_INVALID `failed to skip unknown <message> field`
 */
export function skipUnknown(reader: Reader, field: number, message: string): void {
  if (!skipValue(reader, field, reader.wireType)) throw wireInvalid(`failed to skip unknown ${message} field`);
}

/**
 * Length of a length-delimited value that lies wholly before `reader.end`; the cursor stands on its first byte.
 * @param what message and field, as `bridge request pluginId`
 * @throws SBX_WIRE_INVALID `failed to decode <what>`
 */
export function takeLength(reader: Reader, what: string): number {
  if (readVarint(reader) && reader.high === 0 && reader.low <= reader.end - reader.at) return reader.low;
  throw wireInvalid(`failed to decode ${what}`);
}

/**
 * A string, neither trimmed nor validated: each byte that is no UTF-8 becomes U+FFFD.
 * @throws SBX_WIRE_INVALID
 */
export function takeString(reader: Reader, what: string): string {
  const length = takeLength(reader, what);
  const start = reader.at;
  reader.at = start + length;
  return textAt(reader.bytes, start, reader.at);
}

/**
 * A view of the bytes, not a copy.
 * @throws SBX_WIRE_INVALID
 */
export function takeBytes(reader: Reader, what: string): Uint8Array {
  const length = takeLength(reader, what);
  const start = reader.at;
  reader.at = start + length;
  return length === 0 ? NO_BYTES : reader.bytes.subarray(start, reader.at);
}

/** The shared empty byte string. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * Low 32 bits of a varint, signed.
 * @throws SBX_WIRE_INVALID
 */
export function takeInt32(reader: Reader, what: string): number {
  if (!readVarint(reader)) throw wireInvalid(`failed to decode ${what}`);
  return reader.low | 0;
}

/**
 * Low 32 bits of a varint, unsigned.
 * @throws SBX_WIRE_INVALID
 */
export function takeUint32(reader: Reader, what: string): number {
  if (!readVarint(reader)) throw wireInvalid(`failed to decode ${what}`);
  return reader.low;
}

/**
 * A signed 64-bit integer: a number where that is exact, a bigint beyond ±(2^53 − 1).
 * @throws SBX_WIRE_INVALID
 */
export function takeInt64(reader: Reader, what: string): number | bigint {
  if (!readVarint(reader)) throw wireInvalid(`failed to decode ${what}`);
  const value = (reader.high | 0) * 0x1_0000_0000 + reader.low;
  if (Number.isSafeInteger(value)) return value;
  return (BigInt(reader.high | 0) << 32n) | BigInt(reader.low);
}

/**
 * True for any varint but 0.
 * @throws SBX_WIRE_INVALID
 */
export function takeBool(reader: Reader, what: string): boolean {
  if (!readVarint(reader)) throw wireInvalid(`failed to decode ${what}`);
  return reader.low !== 0 || reader.high !== 0;
}

/** Field number of the next tag, 0 when it is invalid: truncated, over 64 bits, or outside 1 … 2^31 − 1. */
function readTag(reader: Reader): number {
  if (!readVarint(reader) || reader.high > 3) return 0;
  reader.wireType = reader.low & 7;
  return reader.high * 0x2000_0000 + (reader.low >>> 3);
}

/** Reads a varint of at most 10 bytes and 64 bits; shorter forms need not be used. False leaves the cursor anywhere. */
function readVarint(reader: Reader): boolean {
  const { bytes, end } = reader;
  if (reader.at >= end) return false;
  const first = bytes[reader.at++] as number;
  reader.low = first & 0x7f;
  reader.high = 0;
  if (first < 0x80) return true;
  for (let shift = 7; shift < 70; shift += 7) {
    if (reader.at >= end) return false;
    const byte = bytes[reader.at++] as number;
    if (shift === 63 && byte > 1) return false;
    const bits = byte & 0x7f;
    if (shift < 28) reader.low |= bits << shift;
    else if (shift === 28) {
      reader.low |= bits << 28;
      reader.high = bits >>> 4;
    } else reader.high |= bits << (shift - 32);
    if (byte < 0x80) {
      reader.low >>>= 0;
      reader.high >>>= 0;
      return true;
    }
  }
  return false;
}

const GROUP_START = 3;
const GROUP_END = 4;
/** The reference's recursion limit: one more level than this may be open. */
const MAX_GROUP_DEPTH = 10_000;

function skipValue(reader: Reader, field: number, wireType: number): boolean {
  switch (wireType) {
    case 0:
      return readVarint(reader);
    case 1:
      return skipBytes(reader, 8);
    case 2:
      return readVarint(reader) && reader.high === 0 && skipBytes(reader, reader.low);
    case GROUP_START:
      return skipGroup(reader, field);
    case 5:
      return skipBytes(reader, 4);
    default:
      return false;
  }
}

function skipBytes(reader: Reader, count: number): boolean {
  if (count > reader.end - reader.at) return false;
  reader.at += count;
  return true;
}

/** A loop with its own stack: 10 000 nested groups in a hostile message must not become 10 000 calls. */
function skipGroup(reader: Reader, outermost: number): boolean {
  const open = [outermost];
  while (open.length > 0) {
    const field = readTag(reader);
    if (field === 0) return false;
    if (reader.wireType === GROUP_END) {
      if (open.pop() !== field) return false;
    } else if (reader.wireType === GROUP_START) {
      if (open.length > MAX_GROUP_DEPTH) return false;
      open.push(field);
    } else if (!skipValue(reader, field, reader.wireType)) return false;
  }
  return true;
}

export interface Writer {
  bytes: Uint8Array;
  at: number;
  end: number;
  /** A fixed writer belongs to someone else's buffer: it never writes at or past `end`. */
  readonly fixed: boolean;
  /** Something did not fit into a fixed writer; what was written is of no use. */
  overflowed: boolean;
}

/** A writer that starts with room for `capacityBytes` and grows as needed. */
export function growingWriter(capacityBytes: number): Writer {
  return { bytes: Buffer.allocUnsafe(capacityBytes), at: 0, end: capacityBytes, fixed: false, overflowed: false };
}

/** A writer into `target` from `offset` up to `end`; `target` may be a view on shared memory. */
export function fixedWriter(target: Uint8Array, offset: number, end = target.length): Writer {
  return { bytes: target, at: offset, end, fixed: true, overflowed: false };
}

/** What a growing writer has written. The bytes are a view, possibly on Node's common buffer pool. */
export function writtenBytes(writer: Writer): Uint8Array {
  return writer.bytes.subarray(0, writer.at);
}

/** True when `count` more bytes may be written; grows a growing writer, marks a fixed one as overflowed. */
export function roomFor(writer: Writer, count: number): boolean {
  return writer.at + count <= writer.end || makeRoom(writer, count);
}

function makeRoom(writer: Writer, count: number): boolean {
  if (writer.fixed) {
    writer.overflowed = true;
    return false;
  }
  const grown = Buffer.allocUnsafe(Math.max(writer.end * 2, writer.at + count));
  grown.set(writtenBytes(writer));
  writer.bytes = grown;
  writer.end = grown.length;
  return true;
}

/** Trims, then writes the string unless it is absent or empty. `tag` is one byte: every field of the bridge is below 16. */
export function writeString(writer: Writer, tag: number, text: string | undefined): void {
  if (text === undefined || text.length === 0) return;
  const trimmed = trimGo(text);
  if (trimmed.length > 0) writeText(writer, tag, trimmed);
}

/** Longest text that is cheaper to copy character by character than by two calls into the runtime. */
const SHORT_COPY = 40;

/** Writes the text as it is, even when it is empty. */
export function writeText(writer: Writer, tag: number, text: string): void {
  if (text.length > SHORT_COPY || !wroteAscii(writer, tag, text)) writeLongText(writer, tag, text);
}

/** False when the text is not ASCII: nothing is written then. */
function wroteAscii(writer: Writer, tag: number, text: string): boolean {
  const length = text.length;
  if (!roomFor(writer, 2 + length)) return true;
  const bytes = writer.bytes;
  let at = writer.at;
  bytes[at++] = tag;
  bytes[at++] = length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    bytes[at++] = code;
  }
  writer.at = at;
  return true;
}

function writeLongText(writer: Writer, tag: number, text: string): void {
  const length = Buffer.byteLength(text);
  if (!writePrefix(writer, tag, length)) return;
  bufferOver(writer.bytes).write(text, writer.at, length, 'utf8');
  writer.at += length;
}

/** Writes the bytes unless there are none. */
export function writeBytes(writer: Writer, tag: number, bytes: Uint8Array | undefined): void {
  if (bytes === undefined || bytes.length === 0 || !writePrefix(writer, tag, bytes.length)) return;
  writer.bytes.set(bytes, writer.at);
  writer.at += bytes.length;
}

/** Tag and length, and room made for the `length` bytes that follow. False when there is none. */
export function writePrefix(writer: Writer, tag: number, length: number): boolean {
  if (!roomFor(writer, 1 + varintSize(length) + length)) return false;
  writer.bytes[writer.at++] = tag;
  putVarint32(writer, length);
  return true;
}

/** An int32 as the reference writes it: left out when 0, sign-extended to 64 bits when negative. */
export function writeInt32(writer: Writer, tag: number, value: number | undefined): void {
  if (value === undefined || value === 0) return;
  if (value < 0) {
    writeBigint(writer, tag, BigInt(value));
    return;
  }
  if (!roomFor(writer, 1 + varintSize(value))) return;
  writer.bytes[writer.at++] = tag;
  putVarint32(writer, value);
}

/** A signed 64-bit integer, left out when 0. */
export function writeInt64(writer: Writer, tag: number, value: number | bigint): void {
  if (value >= 0 && value <= 0xffff_ffff) writeInt32(writer, tag, Number(value));
  else writeBigint(writer, tag, BigInt(value));
}

function writeBigint(writer: Writer, tag: number, value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  if (!roomFor(writer, 1 + bigVarintSize(rest))) return;
  writer.bytes[writer.at++] = tag;
  for (; rest > 0x7fn; rest >>= 7n) writer.bytes[writer.at++] = Number(rest & 0x7fn) | 0x80;
  writer.bytes[writer.at++] = Number(rest);
}

/** A true is written as 1; a false is left out. */
export function writeBool(writer: Writer, tag: number, value: boolean | undefined): void {
  if (!value || !roomFor(writer, 2)) return;
  writer.bytes[writer.at++] = tag;
  writer.bytes[writer.at++] = 1;
}

/**
 * Opens a nested message whose length is not known yet and returns where its body begins; `endNested` closes it.
 * @param expectedBytes a guess of the body's length; a wrong guess costs one move of the body
 */
export function beginNested(writer: Writer, tag: number, expectedBytes: number): number {
  const reserved = varintSize(expectedBytes);
  if (!roomFor(writer, 1 + reserved)) return writer.at;
  writer.bytes[writer.at++] = tag;
  writer.at += reserved;
  return writer.at;
}

/** Closes a nested message that `beginNested` opened with the same guess. */
export function endNested(writer: Writer, bodyAt: number, expectedBytes: number): void {
  if (writer.overflowed) return;
  const length = writer.at - bodyAt;
  const reserved = varintSize(expectedBytes);
  const needed = varintSize(length);
  if (needed !== reserved) {
    if (needed > reserved && !roomFor(writer, needed - reserved)) return;
    writer.bytes.copyWithin(bodyAt - reserved + needed, bodyAt, writer.at);
  }
  writer.at = bodyAt - reserved;
  putVarint32(writer, length);
  writer.at += length;
}

function putVarint32(writer: Writer, value: number): void {
  const bytes = writer.bytes;
  let rest = value;
  while (rest > 0x7f) {
    bytes[writer.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[writer.at++] = rest;
}

/** Bytes that a varint of 0 … 2^32 − 1 takes. */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function bigVarintSize(value: bigint): number {
  let size = 1;
  for (let rest = value; rest > 0x7fn; rest >>= 7n) size += 1;
  return size;
}
