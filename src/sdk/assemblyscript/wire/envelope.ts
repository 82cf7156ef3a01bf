import { Request } from '../request';
import { Failure, Response } from '../response';
import { Reader } from './reader';
import { checkHttp, checkRoute, decodeIdentity } from './snapshots';
import { Writer } from './writer';

/** Why the last `decodeRequest` failed; empty when it did not. */
export let problem: string = '';

/** Reads what the host sent to execute. The body is a view of `bytes`. After a failure `problem` is set. */
export function decodeRequest(bytes: Uint8Array): Request {
  const reader = new Reader(bytes, 'bridge request');
  const request = new Request();
  while (reader.next()) {
    if (reader.field == 1) request.pluginId = reader.text('pluginId');
    else if (reader.field == 2) takeRoute(request, reader);
    else if (reader.field == 3) takeHttp(request, reader);
    else if (reader.field == 4) takeIdentity(request, reader);
    else if (reader.field == 5) request.requestId = reader.text('requestId');
    else reader.skip();
  }
  problem = reader.problem;
  return request;
}

function takeRoute(request: Request, outer: Reader): void {
  const bytes = outer.body('route');
  const reader = new Reader(bytes, 'route snapshot');
  request.setRoute(bytes, checkRoute(reader));
  outer.adopt(reader);
}

function takeHttp(request: Request, outer: Reader): void {
  const bytes = outer.body('snapshot');
  const reader = new Reader(bytes, 'request snapshot');
  request.setHttp(bytes, checkHttp(reader));
  outer.adopt(reader);
}

function takeIdentity(request: Request, outer: Reader): void {
  const reader = new Reader(outer.body('identity'), 'identity snapshot');
  request.identity = decodeIdentity(reader);
  outer.adopt(reader);
}

export function encodeResponse(response: Response): Uint8Array {
  const out = new Writer(128 + response.body.length);
  out.int(1, response.statusCode);
  out.trimmed(2, response.contentType);
  if (response.hasHeaders) out.listMap(3, response.headers);
  out.bytes(4, response.body);
  const failure = response.failure;
  if (failure) out.message(5, encodeFailure(failure));
  return out.toBytes();
}

function encodeFailure(failure: Failure): Uint8Array {
  const out = new Writer();
  out.trimmed(1, failure.code);
  out.trimmed(2, failure.message);
  return out.toBytes();
}
