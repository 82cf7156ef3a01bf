import { HostError, Reply } from '../reply';
import { Json } from '../json/json';
import { jsonProblem, parseJson } from '../json/parse';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/** Turns the reply of a method that answers nothing into `true`. */
export function done(reply: Reply<Uint8Array>): Reply<bool> {
  const error = reply.error;
  return error ? Reply.failed<bool>(error) : Reply.of<bool>(true);
}

/** As `done`, for a JSON method. */
export function doneJson(reply: Reply<Json>): Reply<bool> {
  const error = reply.error;
  return error ? Reply.failed<bool>(error) : Reply.of<bool>(true);
}

/** The text of a message {1: text}. */
export function textReply(reply: Reply<Uint8Array>): Reply<string> {
  const error = reply.error;
  if (error) return Reply.failed<string>(error);
  const reader = new Reader(reply.value, 'host service value response');
  let value = '';
  while (reader.next()) {
    if (reader.field == 1) value = reader.text('value');
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<string>(reader) : Reply.of<string>(value);
}

/** The text of a message {1: text, 2: found}; null when it was not found. */
export function foundText(reply: Reply<Uint8Array>, message: string): Reply<string | null> {
  const error = reply.error;
  if (error) return Reply.failed<string | null>(error);
  const reader = new Reader(reply.value, message);
  let value = '';
  let found = false;
  while (reader.next()) {
    if (reader.field == 1) value = reader.text('value');
    else if (reader.field == 2) found = reader.bool('found');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<string | null>(reader);
  return Reply.of<string | null>(found ? value : null);
}

/** The value of a JSON text; `Json.missing` when there is no text. */
export function jsonOf(reply: Reply<string | null>): Reply<Json> {
  const error = reply.error;
  if (error) return Reply.failed<Json>(error);
  const text = reply.value;
  if (text == null) return Reply.of<Json>(Json.missing);
  const value = parseJson(text);
  return value ? Reply.of<Json>(value) : Reply.failed<Json>(HostError.local(4, `value is not JSON: ${jsonProblem}`));
}

/** A message with one text in field 1. */
export function textPayload(text: string): Uint8Array {
  const payload = new Writer();
  payload.text(1, text);
  return payload.toBytes();
}

/** The failure of a reply that could not be decoded. */
export function broken<T>(reader: Reader): Reply<T> {
  return Reply.failed<T>(HostError.local(4, reader.problem));
}
