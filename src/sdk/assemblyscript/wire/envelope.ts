import { Identity, Request, Route } from '../request';
import { Failure, Response } from '../response';
import { Reader } from './reader';
import { Writer } from './writer';

/** Why the last `decodeRequest` failed; empty when it did not. */
export let problem: string = '';

/** Reads what the host sent to execute. The body is a view of `bytes`. After a failure `problem` is set. */
export function decodeRequest(bytes: Uint8Array): Request {
  const reader = new Reader(bytes, 'bridge request');
  let pluginId = '';
  let requestId = '';
  let route: Route | null = null;
  let identity: Identity | null = null;
  let request = new Request();
  while (reader.next()) {
    if (reader.field == 1) pluginId = reader.text('pluginId');
    else if (reader.field == 2) route = decodeRoute(reader, reader.body('route'));
    else if (reader.field == 3) request = decodeSnapshot(reader, reader.body('snapshot'));
    else if (reader.field == 4) identity = decodeIdentity(reader, reader.body('identity'));
    else if (reader.field == 5) requestId = reader.text('requestId');
    else reader.skip();
  }
  problem = reader.problem;
  request.pluginId = pluginId;
  request.requestId = requestId;
  request.identity = identity;
  request.hasRoute = route != null;
  if (route) request.route = route;
  return request;
}

function decodeRoute(outer: Reader, bytes: Uint8Array): Route {
  const reader = new Reader(bytes, 'route snapshot');
  const route = new Route();
  while (reader.next()) {
    switch (reader.field) {
      case 1: route.method = reader.text('method'); break;
      case 2: route.publicPath = reader.text('publicPath'); break;
      case 3: route.internalPath = reader.text('internalPath'); break;
      case 4: route.routePath = reader.text('routePath'); break;
      case 5: route.access = reader.text('access'); break;
      case 6: route.permission = reader.text('permission'); break;
      case 7: route.requestType = reader.text('requestType'); break;
      case 8: reader.textMapEntry('pathParams', route.pathParams); break;
      case 9: reader.listMapEntry('queryValues', route.queryValues); break;
      default: reader.skip();
    }
  }
  outer.adopt(reader);
  return route;
}

function decodeSnapshot(outer: Reader, bytes: Uint8Array): Request {
  const reader = new Reader(bytes, 'request snapshot');
  const request = new Request();
  while (reader.next()) {
    switch (reader.field) {
      case 1: request.method = reader.text('method'); break;
      case 2: request.publicPath = reader.text('publicPath'); break;
      case 3: request.internalPath = reader.text('internalPath'); break;
      case 4: request.rawPath = reader.text('rawPath'); break;
      case 5: request.rawQuery = reader.text('rawQuery'); break;
      case 6: request.host = reader.text('host'); break;
      case 7: request.scheme = reader.text('scheme'); break;
      case 8: request.remoteAddr = reader.text('remoteAddr'); break;
      case 9: request.clientIp = reader.text('clientIp'); break;
      case 10: request.contentType = reader.text('contentType'); break;
      case 11: reader.listMapEntry('headers', request.headers); break;
      case 12: reader.textMapEntry('cookies', request.cookies); break;
      case 13: request.body = reader.body('body'); break;
      default: reader.skip();
    }
  }
  outer.adopt(reader);
  return request;
}

function decodeIdentity(outer: Reader, bytes: Uint8Array): Identity {
  const reader = new Reader(bytes, 'identity snapshot');
  const identity = new Identity();
  while (reader.next()) {
    switch (reader.field) {
      case 1: identity.tokenId = reader.text('tokenId'); break;
      case 2: identity.userId = reader.i32('userId'); break;
      case 3: identity.username = reader.text('username'); break;
      case 4: identity.status = reader.i32('status'); break;
      case 5: identity.permissions.push(reader.text('permissions')); break;
      case 6: identity.roleNames.push(reader.text('roleNames')); break;
      case 7: identity.isSuperAdmin = reader.bool('isSuperAdmin'); break;
      case 8: identity.dataScope = reader.i32('dataScope'); break;
      case 9: identity.dataScopeUnsupported = reader.bool('dataScopeUnsupported'); break;
      case 10: identity.unsupportedDataScope = reader.i32('unsupportedDataScope'); break;
      case 11: identity.tenantId = reader.i32('tenantId'); break;
      case 12: identity.actingUserId = reader.i32('actingUserId'); break;
      case 13: identity.actingAsTenant = reader.bool('actingAsTenant'); break;
      case 14: identity.isImpersonation = reader.bool('isImpersonation'); break;
      default: reader.skip();
    }
  }
  outer.adopt(reader);
  return identity;
}

export function encodeResponse(response: Response): Uint8Array {
  const out = new Writer(128 + response.body.length);
  out.int(1, response.statusCode);
  out.trimmed(2, response.contentType);
  out.listMap(3, response.headers);
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
