import { invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { broken, done, doneJson, textPayload } from './decode';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/**
 * Short-lived values, per tenant. The host may forget one at any time. `ref` is a cache that plugin.yaml declares:
 * `resources: [{ ref: pages }]`. Keys have at most 128 bytes, values 4096, batches 100 keys.
 */
const SERVICE = 'cache';

export class CacheValue {
  /** Whether `increment` made it; then it is in `integer`, and `text` is empty. */
  isInteger: bool = false;
  text: string = '';
  integer: i64 = 0;
  /** Such as `2026-04-15T12:05:00Z`. */
  expireAt: string = '';
}

/** A value; null when there is none. */
export function get(ref: string, key: string): Reply<CacheValue | null> {
  const reply = invoke(SERVICE, 'get', ref, '', textPayload(key));
  const error = reply.error;
  if (error) return Reply.failed<CacheValue | null>(error);
  const reader = new Reader(reply.value, 'cache get response');
  let found = false;
  let value = new CacheValue();
  while (reader.next()) {
    if (reader.field == 1) found = reader.bool('found');
    else if (reader.field == 2) value = takeValue(reader);
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<CacheValue | null>(reader);
  return Reply.of<CacheValue | null>(found ? value : null);
}

/** The text of a value; null when there is none. */
export function getText(ref: string, key: string): Reply<string | null> {
  const reply = get(ref, key);
  const error = reply.error;
  if (error) return Reply.failed<string | null>(error);
  const value = reply.value;
  return Reply.of<string | null>(value ? value.text : null);
}

/** The values of many keys; keys that are not there are left out. */
export function getMany(ref: string, keys: string[]): Reply<Map<string, CacheValue>> {
  return valuesReply(invokeJson(SERVICE, 'get_many', Json.object().set('keys', keys), ref));
}

/** Keeps a text for so many seconds, at least 1. */
export function set(ref: string, key: string, text: string, seconds: i64): Reply<CacheValue> {
  const payload = new Writer();
  payload.text(1, key);
  payload.text(2, text);
  payload.int(3, seconds);
  return valueReply(invoke(SERVICE, 'set', ref, '', payload.toBytes()));
}

/** Keeps many texts; should one fail, those before it are kept. */
export function setMany(ref: string, texts: Map<string, string>, seconds: i64): Reply<Map<string, CacheValue>> {
  const items = Json.list();
  for (let i = 0, keys = texts.keys(); i < keys.length; i++) {
    const item = Json.object().set('key', keys[i]).set('value', texts.get(keys[i]));
    items.push(item.set('expireSeconds', seconds));
  }
  return valuesReply(invokeJson(SERVICE, 'set_many', Json.object().set('items', items), ref));
}

/** Deletes a value; it is no error when there is none. */
function remove(ref: string, key: string): Reply<bool> {
  return done(invoke(SERVICE, 'delete', ref, '', textPayload(key)));
}

export { remove as delete };

export function deleteMany(ref: string, keys: string[]): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'delete_many', Json.object().set('keys', keys), ref));
}

/** Adds to an integer, which begins at 0, and keeps it for so many seconds from now. Nobody can come in between. */
export function incr(ref: string, key: string, delta: i64, seconds: i64): Reply<CacheValue> {
  const payload = new Writer();
  payload.text(1, key);
  payload.int(2, delta);
  payload.int(3, seconds);
  return valueReply(invoke(SERVICE, 'incr', ref, '', payload.toBytes()));
}

/** Keeps a value for so many seconds from now; the reply is when it ends, null when there is no such value. */
export function expire(ref: string, key: string, seconds: i64): Reply<string | null> {
  const payload = new Writer();
  payload.text(1, key);
  payload.int(2, seconds);
  const reply = invoke(SERVICE, 'expire', ref, '', payload.toBytes());
  const error = reply.error;
  if (error) return Reply.failed<string | null>(error);
  const reader = new Reader(reply.value, 'cache expire response');
  let found = false;
  let expireAt = '';
  while (reader.next()) {
    if (reader.field == 1) found = reader.bool('found');
    else if (reader.field == 2) expireAt = reader.text('expireAt');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<string | null>(reader);
  return Reply.of<string | null>(found ? expireAt : null);
}

/** The value of a message {1: value}. */
function valueReply(reply: Reply<Uint8Array>): Reply<CacheValue> {
  const error = reply.error;
  if (error) return Reply.failed<CacheValue>(error);
  const reader = new Reader(reply.value, 'cache set response');
  let value = new CacheValue();
  while (reader.next()) {
    if (reader.field == 1) value = takeValue(reader);
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<CacheValue>(reader) : Reply.of<CacheValue>(value);
}

function takeValue(outer: Reader): CacheValue {
  const reader = new Reader(outer.body('value'), 'cache value');
  const value = new CacheValue();
  while (reader.next()) {
    switch (reader.field) {
      case 1: value.isInteger = reader.i32('kind') == INTEGER; break;
      case 2: value.text = reader.text('string'); break;
      case 3: value.integer = <i64>reader.u64('intValue'); break;
      case 4: value.expireAt = reader.text('expireAt'); break;
      default: reader.skip();
    }
  }
  outer.adopt(reader);
  return value;
}

function valuesReply(reply: Reply<Json>): Reply<Map<string, CacheValue>> {
  const error = reply.error;
  if (error) return Reply.failed<Map<string, CacheValue>>(error);
  const items = reply.value.get('items');
  const values = new Map<string, CacheValue>();
  for (let i = 0, keys = items.names; i < keys.length; i++) {
    const item = items.get(keys[i]);
    const value = new CacheValue();
    value.isInteger = item.get('valueKind').asInt() == INTEGER;
    value.text = item.get('value').asText();
    value.integer = item.get('intValue').asInt();
    value.expireAt = item.get('expireAt').asText();
    values.set(keys[i], value);
  }
  return Reply.of<Map<string, CacheValue>>(values);
}

/** The kind of a value that `incr` made; a text is 1. */
const INTEGER: i32 = 2;
