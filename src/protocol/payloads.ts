/** Dedicated payloads of the host services, to and from bytes, by the table of their fields. */
import type { AnyField, Message } from './payload-fields.js';
import { PAYLOADS, type Payload, type PayloadInput, type PayloadType } from './payload-table.js';
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
  takeInt64,
  takeLength,
  takeString,
  takeTag,
  takeUint32,
  type Writer,
  writeBool,
  writeBytes,
  writeInt32,
  writeInt64,
  writeString,
  writeText,
  writtenBytes,
} from './wire.js';
import {
  type ListMap,
  NO_ENTRIES,
  type StringMap,
  takeListEntry,
  takeStringEntry,
  writeListMap,
  writeStringMap,
} from './wire-map.js';

export type { Payload, PayloadInput, PayloadType } from './payload-table.js';

/**
 * Decodes a payload; every member of the result is there. Byte strings are views on `bytes`.
 * @throws SBX_WIRE_INVALID with the reference's text, as `failed to decode state get key`
 */
export function decodePayload<T extends PayloadType>(type: T, bytes: Uint8Array): Payload<T> {
  return decodeMessage(PAYLOADS[type], bytes) as Payload<T>;
}

/** Encodes a payload as the reference does; absent members are zero, and zero members are left out. */
export function encodePayload<T extends PayloadType>(type: T, value: PayloadInput<T>): Uint8Array {
  return encodeMessage(PAYLOADS[type], value);
}

// By name, for the services that answer most often.
export const decodeLogRequest = (bytes: Uint8Array) => decodePayload('HostCallLogRequest', bytes);
export const decodeStateGetRequest = (bytes: Uint8Array) => decodePayload('HostCallStateGetRequest', bytes);
export const decodeStateSetRequest = (bytes: Uint8Array) => decodePayload('HostCallStateSetRequest', bytes);
export const decodeStateDeleteRequest = (bytes: Uint8Array) => decodePayload('HostCallStateDeleteRequest', bytes);
export const decodeConfigKeyRequest = (bytes: Uint8Array) => decodePayload('HostServiceConfigKeyRequest', bytes);
export const decodeManifestGetRequest = (bytes: Uint8Array) => decodePayload('HostServiceManifestGetRequest', bytes);
export const encodeStateGetResponse = (value: PayloadInput<'HostCallStateGetResponse'>) =>
  encodePayload('HostCallStateGetResponse', value);
export const encodeConfigValueResponse = (value: PayloadInput<'HostServiceConfigValueResponse'>) =>
  encodePayload('HostServiceConfigValueResponse', value);
export const encodeManifestGetResponse = (value: PayloadInput<'HostServiceManifestGetResponse'>) =>
  encodePayload('HostServiceManifestGetResponse', value);

/**
 * Decodes any message that is described by a table entry.
 * @throws SBX_WIRE_INVALID
 */
export function decodeMessage(message: Message, bytes: Uint8Array): Record<string, unknown> {
  return takeMessage(openReader(bytes), message);
}

function takeMessage(reader: Reader, message: Message): Record<string, unknown> {
  const value: Record<string, unknown> = { ...message.zeros };
  while (reader.at < reader.end) {
    const number = takeTag(reader, message.name);
    const known = message.byNumber[number];
    if (known === undefined) skipUnknown(reader, number, message.unknownName);
    else value[known[0]] = takeField(reader, known[1], known[2], value[known[0]]);
  }
  return value;
}

/** The field's new value: what was read, or for lists and maps the earlier value with it. */
function takeField(reader: Reader, field: AnyField, label: string, earlier: unknown): unknown {
  switch (field.kind) {
    case 'string':
      return takeString(reader, label);
    case 'bytes':
      return takeBytes(reader, label);
    case 'bool':
      return takeBool(reader, label);
    case 'int32':
      return takeInt32(reader, label);
    case 'uint32':
      return takeUint32(reader, label);
    case 'int64':
      return takeInt64(reader, label);
    case 'message':
      return takeNested(reader, field.message as Message, label);
    case 'stringMap':
      return takeStringEntry(reader, madeMap<string>(earlier), label) ?? NO_ENTRIES;
    case 'listMap':
      return takeListEntry(reader, madeMap<string[]>(earlier), label) ?? NO_ENTRIES;
    default:
      return appended(field, earlier, takeItem(reader, field, label));
  }
}

function takeItem(reader: Reader, field: AnyField, label: string): unknown {
  if (field.kind === 'strings') return takeString(reader, label);
  if (field.kind === 'bytesList') return takeBytes(reader, label);
  if (field.kind === 'int64List') return takeInt64(reader, label);
  return takeNested(reader, field.message as Message, label);
}

/** A list of its own is made by the first item; until then the field holds the shared empty one. */
function appended(field: AnyField, list: unknown, item: unknown): unknown {
  if (list === field.zero) return [item];
  (list as unknown[]).push(item);
  return list;
}

function madeMap<V>(map: unknown): Record<string, V> | undefined {
  return map === NO_ENTRIES ? undefined : (map as Record<string, V>);
}

function takeNested(reader: Reader, message: Message, label: string): Record<string, unknown> {
  const length = takeLength(reader, label);
  const after = reader.end;
  reader.end = reader.at + length;
  const value = takeMessage(reader, message);
  reader.end = after;
  return value;
}

/** Encodes any message that is described by a table entry. */
export function encodeMessage(message: Message, value: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = growingWriter(128);
  writeMessage(writer, message, value);
  return writtenBytes(writer);
}

function writeMessage(writer: Writer, message: Message, value: Readonly<Record<string, unknown>>): void {
  for (const known of message.byNumber) {
    if (known === undefined) continue;
    const member = value[known[0]];
    if (member !== undefined && member !== null) writeField(writer, known[1], member);
  }
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;

function writeField(writer: Writer, field: AnyField, value: unknown): void {
  const tag = (field.number << 3) | LENGTH_DELIMITED;
  if (field.kind === 'string') writeStringField(writer, tag, field, value as string);
  else if (field.kind === 'bytes') writeBytes(writer, tag, value as Uint8Array);
  else if (field.kind === 'message') writeNested(writer, tag, field, value as Record<string, unknown>);
  else if (field.kind === 'stringMap') writeStringMap(writer, tag, value as StringMap);
  else if (field.kind === 'listMap') writeListMap(writer, tag, value as ListMap);
  else if (Array.isArray(value)) writeItems(writer, field, value);
  else writeNumber(writer, field, value);
}

function writeStringField(writer: Writer, tag: number, field: AnyField, text: string): void {
  if (field.trims) writeString(writer, tag, text);
  else if (text.length > 0) writeText(writer, tag, text);
}

function writeNumber(writer: Writer, field: AnyField, value: unknown): void {
  const tag = (field.number << 3) | VARINT;
  if (field.kind === 'bool') writeBool(writer, tag, value as boolean);
  else if (field.drops && (value as number | bigint) <= 0) return;
  else if (field.kind === 'int64' || field.kind === 'int64List') writeInt64(writer, tag, value as number | bigint);
  else writeInt32(writer, tag, value as number);
}

function writeItems(writer: Writer, field: AnyField, items: readonly unknown[]): void {
  const tag = (field.number << 3) | LENGTH_DELIMITED;
  for (const item of items) {
    if (item === null || item === undefined) continue;
    if (field.kind === 'strings') writeStringField(writer, tag, field, item as string);
    else if (field.kind === 'bytesList') writeBytes(writer, tag, item as Uint8Array);
    else if (field.kind === 'messages') writeNested(writer, tag, field, item as Record<string, unknown>);
    else if ((item as number | bigint) > 0) writeNumber(writer, field, item);
  }
}

/** Most nested messages are short enough for a length of one byte. */
const NESTED_BYTES = 100;

function writeNested(writer: Writer, tag: number, field: AnyField, value: Readonly<Record<string, unknown>>): void {
  const start = writer.at;
  const body = beginNested(writer, tag, NESTED_BYTES);
  writeMessage(writer, field.message as Message, value);
  if (field.drops && writer.at === body) writer.at = start;
  else endNested(writer, body, NESTED_BYTES);
}
