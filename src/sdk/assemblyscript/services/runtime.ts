import { isInt64, parseInt64 } from '../json/int64';
import { Json } from '../json/json';
import { invoke, invokeJson } from '../invoke';
import { HostError, Reply } from '../reply';
import { trim } from '../text';
import { done, doneJson, foundText, jsonOf, textPayload, textReply } from './decode';
import { Writer } from '../wire/writer';

const SERVICE = 'runtime';

/** Lines in the host's log. Fields appear behind the message, sorted: `log.info('created', new Map<string, string>().set('id', id))`. */
export namespace log {
  export function debug(message: string, fields: Map<string, string> | null = null): Reply<bool> {
    return write(1, message, fields);
  }

  export function info(message: string, fields: Map<string, string> | null = null): Reply<bool> {
    return write(2, message, fields);
  }

  export function warning(message: string, fields: Map<string, string> | null = null): Reply<bool> {
    return write(3, message, fields);
  }

  export function error(message: string, fields: Map<string, string> | null = null): Reply<bool> {
    return write(4, message, fields);
  }

  /** Levels: 1 debug, 2 info, 3 warning, 4 error. */
  export function write(level: i32, message: string, fields: Map<string, string> | null = null): Reply<bool> {
    const payload = new Writer();
    payload.int(1, level);
    payload.trimmed(2, message);
    if (fields) payload.textMap(3, fields);
    return done(invoke(SERVICE, 'log.write', '', '', payload.toBytes()));
  }
}

/**
 * Texts that outlive the request, kept per plugin and tenant. Keys have at most 255 bytes, batches at most 100 keys. A class,
 * because a function cannot be called `delete`.
 */
export abstract class state {
  /** The text of a key; null when there is none. An empty text that was set also reads as null: the host says so. */
  static get(key: string): Reply<string | null> {
    return foundText(invoke(SERVICE, 'state.get', '', '', textPayload(trim(key))), 'host service state get response');
  }

  /** The text of a key read as JSON; `Json.missing` when there is none. */
  static getJson(key: string): Reply<Json> {
    return jsonOf(state.get(key));
  }

  /** Stores a value as JSON text. */
  static setJson(key: string, value: Json): Reply<bool> {
    return state.set(key, value.toString());
  }

  /** The texts of many keys; keys that are not there are left out. */
  static getMany(keys: string[]): Reply<Map<string, string>> {
    const reply = invokeJson(SERVICE, 'state.get_many', Json.object().set('keys', keys));
    const error = reply.error;
    if (error) return Reply.failed<Map<string, string>>(error);
    const values = reply.value.get('values');
    const found = new Map<string, string>();
    for (let i = 0, names = values.names; i < names.length; i++) found.set(names[i], values.get(names[i]).asText());
    return Reply.of<Map<string, string>>(found);
  }

  static set(key: string, value: string): Reply<bool> {
    const payload = new Writer();
    payload.trimmed(1, key);
    payload.text(2, value);
    return done(invoke(SERVICE, 'state.set', '', '', payload.toBytes()));
  }

  /** Sets all or none of the keys. */
  static setMany(values: Map<string, string>): Reply<bool> {
    const members = Json.object();
    for (let i = 0, keys = values.keys(); i < keys.length; i++) members.set(keys[i], values.get(keys[i]));
    return doneJson(invokeJson(SERVICE, 'state.set_many', Json.object().set('values', members)));
  }

  /** Deletes a key; it is no error when there is none. */
  static delete(key: string): Reply<bool> {
    return done(invoke(SERVICE, 'state.delete', '', '', textPayload(trim(key))));
  }

  static deleteMany(keys: string[]): Reply<bool> {
    return doneJson(invokeJson(SERVICE, 'state.delete_many', Json.object().set('keys', keys)));
  }
}

/** What the host knows: the time, fresh ids, its own name. */
export namespace info {
  /** Milliseconds since 1970. */
  export function now(): Reply<i64> {
    const reply = textReply(invoke(SERVICE, 'info.now'));
    const error = reply.error;
    if (error) return Reply.failed<i64>(error);
    if (!isInt64(reply.value)) return Reply.failed<i64>(HostError.local(4, `the host's time is no number: ${reply.value}`));
    return Reply.of<i64>(parseInt64(reply.value));
  }

  /** A new id of 32 lower-case letters and digits, never given twice. */
  export function uuid(): Reply<string> {
    return textReply(invoke(SERVICE, 'info.uuid'));
  }

  /** Name of the machine that runs the host. */
  export function node(): Reply<string> {
    return textReply(invoke(SERVICE, 'info.node'));
  }
}
