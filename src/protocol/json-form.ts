/** The JSON form of a described message: what Go's JSON encoder makes of the reference's structs, and back. */
import type { AnyField, Message } from './payload-fields.js';
import { wireInvalid } from './wire.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A decoded message as JSON. Members that are zero are left out unless the field is always there. */
export function toJson(message: Message, value: JsonObject): JsonObject {
  const json: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(message.fields)) {
    const member = value[key];
    if (isZero(field, member)) {
      if (field.always) json[key] = field.kind === 'bytes' ? null : field.zero;
    } else json[key] = memberToJson(field, member);
  }
  return json;
}

function isZero(field: AnyField, value: unknown): boolean {
  if (value === undefined || value === field.zero) return true;
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (field.kind === 'stringMap' || field.kind === 'listMap') return Object.keys(value as JsonObject).length === 0;
  return false;
}

function memberToJson(field: AnyField, value: unknown): unknown {
  switch (field.kind) {
    case 'bytes':
      return base64(value as Uint8Array);
    case 'int64':
      return integerToJson(value);
    case 'message':
      return toJson(field.message as Message, value as JsonObject);
    case 'listMap':
      return mapped(value as JsonObject, (items) => ((items as unknown[]).length === 0 ? null : items));
    case 'bytesList':
      return (value as Uint8Array[]).map((item) => (item.length === 0 ? null : base64(item)));
    case 'int64List':
      return (value as unknown[]).map(integerToJson);
    case 'messages':
      return (value as JsonObject[]).map((item) => toJson(field.message as Message, item));
    default:
      return value;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function integerToJson(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** The same keys, `__proto__` among them, with other values. */
function mapped(map: JsonObject, change: (value: unknown, key: string) => unknown): JsonObject {
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(map)) result[key] = change(value, key);
  return result;
}

/**
 * What the encoder takes, from JSON; `null` is an absent member.
 * @param where the message in errors, as `RequestEnvelope.route`
 * @throws SBX_WIRE_INVALID for an unknown member or one of another type
 */
export function fromJson(message: Message, json: unknown, where: string): JsonObject {
  if (!isObject(json)) throw wireInvalid(`${where} must be an object`);
  const value: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(json)) {
    const field = Object.hasOwn(message.fields, key) ? message.fields[key] : undefined;
    if (field === undefined) throw wireInvalid(`${where} has no member ${key}`);
    if (member !== null) value[key] = memberFromJson(field, member, `${where}.${key}`);
  }
  return value;
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function memberFromJson(field: AnyField, json: unknown, where: string): unknown {
  switch (field.kind) {
    case 'string':
      return text(json, where);
    case 'bytes':
      return bytesOf(json, where);
    case 'bool':
      if (typeof json !== 'boolean') throw wireInvalid(`${where} must be true or false`);
      return json;
    case 'message':
      return fromJson(field.message as Message, json, where);
    case 'stringMap':
      return mapped(object(json, where), (value, key) => text(value ?? '', `${where}.${key}`));
    case 'listMap':
      return mapped(object(json, where), (value, key) => list(value ?? [], `${where}.${key}`).map(textItem(where)));
    case 'int32':
    case 'uint32':
    case 'int64':
      return integer(json, field, where);
    default:
      return list(json, where).map((item) => itemFromJson(field, item, where));
  }
}

function itemFromJson(field: AnyField, json: unknown, where: string): unknown {
  const each = `each item of ${where}`;
  if (field.kind === 'strings') return text(json ?? '', each);
  if (field.kind === 'bytesList') return bytesOf(json ?? '', each);
  if (field.kind === 'int64List') return integer(json ?? 0, field, each);
  return json === null ? null : fromJson(field.message as Message, json, each);
}

const textItem = (where: string) => (item: unknown) => text(item ?? '', `each item of ${where}`);

function text(json: unknown, where: string): string {
  if (typeof json !== 'string') throw wireInvalid(`${where} must be a string`);
  return json;
}

function list(json: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(json)) throw wireInvalid(`${where} must be a list`);
  return json;
}

function object(json: unknown, where: string): JsonObject {
  if (!isObject(json)) throw wireInvalid(`${where} must be an object`);
  return json;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(json: unknown, where: string): Uint8Array {
  if (typeof json !== 'string' || !BASE64.test(json)) throw wireInvalid(`${where} must be base64 text`);
  return Buffer.from(json, 'base64');
}

// biome-ignore format: a table
const RANGES = {
  int32:     [-(2n ** 31n), 2n ** 31n - 1n],
  uint32:    [0n,           2n ** 32n - 1n],
  int64:     [-(2n ** 63n), 2n ** 63n - 1n],
  int64List: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

const DECIMAL = /^-?\d{1,19}$/;

/** A JSON number, or decimal text for what a JSON number cannot hold. */
function integer(json: unknown, field: AnyField, where: string): number | bigint {
  const isNumber = typeof json === 'number' && Number.isSafeInteger(json);
  if (!isNumber && !(typeof json === 'string' && DECIMAL.test(json))) {
    throw wireInvalid(`${where} must be an integer, as decimal text beyond 2^53 - 1`);
  }
  const value = BigInt(json as number | string);
  const [least, most] = RANGES[field.kind as keyof typeof RANGES];
  if (value < least || value > most) throw wireInvalid(`${where} must be from ${least} to ${most}`);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
