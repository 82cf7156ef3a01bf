import { callHost } from './host';
import { HostError, Reply } from './reply';
import { decodeText } from './text';
import { Json } from './json/json';
import { jsonProblem, parseJsonBytes } from './json/parse';
import { Reader } from './wire/reader';
import { Writer } from './wire/writer';

/** A payload without bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** Memory of all requests: the host has read one when it answers, and nothing is collected within an invocation. */
const request = new Writer();

/**
 * Asks any service by name: `invoke('storage', 'get', 'a/b.txt', '', payload)`. Payload and reply are the service's own
 * messages; `Writer` and `Reader` make and take them apart. `resourceRef` is what the grant is checked against.
 */
export function invoke(
  service: string,
  method: string,
  resourceRef: string = '',
  table: string = '',
  payload: Uint8Array = EMPTY,
  owner: string = '',
  version: string = '',
): Reply<Uint8Array> {
  request.clear(64 + payload.length);
  request.trimmed(1, service);
  request.trimmed(2, method);
  request.trimmed(3, resourceRef);
  request.trimmed(4, table);
  request.bytes(5, payload);
  request.trimmed(6, owner);
  request.trimmed(7, version);
  return decodeReply(callHost(request.toBytes()));
}

/** Asks a method whose request and reply are JSON. `Json.missing` as argument means none; so does a reply without bytes. */
export function invokeJson(
  service: string,
  method: string,
  argument: Json = Json.missing,
  resourceRef: string = '',
  owner: string = '',
  version: string = '',
): Reply<Json> {
  const payload = new Writer();
  if (!argument.isMissing) payload.bytes(1, argument.toBytes());
  const reply = invoke(service, method, resourceRef, '', payload.toBytes(), owner, version);
  const error = reply.error;
  if (error) return Reply.failed<Json>(error);
  return decodeJsonReply(reply.value);
}

function decodeReply(bytes: Uint8Array): Reply<Uint8Array> {
  const reader = new Reader(bytes, 'host call response');
  let status: u32 = 0;
  let payload = EMPTY;
  while (reader.next()) {
    if (reader.field == 1) status = reader.u32('status');
    else if (reader.field == 2) payload = reader.body('payload');
    else reader.skip();
  }
  if (reader.problem.length > 0) return Reply.failed<Uint8Array>(HostError.local(4, reader.problem));
  if (status != 0) return Reply.failed<Uint8Array>(new HostError(status, decodeText(payload)));
  return Reply.of<Uint8Array>(payload);
}

function decodeJsonReply(bytes: Uint8Array): Reply<Json> {
  const reader = new Reader(bytes, 'host service JSON response');
  let text = EMPTY;
  while (reader.next()) {
    if (reader.field == 1) text = reader.body('value');
    else reader.skip();
  }
  if (reader.problem.length > 0) return Reply.failed<Json>(HostError.local(4, reader.problem));
  if (text.length == 0) return Reply.of<Json>(Json.missing);
  const value = parseJsonBytes(text);
  return value ? Reply.of<Json>(value) : Reply.failed<Json>(HostError.local(4, `reply is not JSON: ${jsonProblem}`));
}
