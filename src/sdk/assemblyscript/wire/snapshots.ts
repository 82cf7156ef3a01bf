/**
 * The messages inside a request. Each is looked through when the request arrives, because a broken one is answered 400, and
 * decoded only when a handler asks for it, because most handlers need little of them.
 */
import { Reader } from './reader';

/** The route contract that matched. */
export class Route {
  /** Upper case. */
  method: string = '';
  publicPath: string = '';
  internalPath: string = '';
  /** Path of the contract, such as `/notes/{id}`. */
  routePath: string = '';
  /** `login` or `public`. */
  access: string = '';
  permission: string = '';
  requestType: string = '';
  readonly pathParams: Map<string, string> = new Map();
  readonly queryValues: Map<string, string[]> = new Map();
}

const ROUTE_TEXTS: string[] = ['', 'method', 'publicPath', 'internalPath', 'routePath', 'access', 'permission'];

/** Looks a route through and returns its request type. */
export function checkRoute(reader: Reader): string {
  let requestType = '';
  while (reader.next()) {
    if (reader.field == 7) requestType = reader.text('requestType');
    else if (reader.field < ROUTE_TEXTS.length) reader.pass(ROUTE_TEXTS[reader.field]);
    else if (reader.field == 8) reader.passEntry('pathParams', 'string map entry');
    else if (reader.field == 9) reader.passEntry('queryValues', 'string list entry');
    else reader.skip();
  }
  return requestType;
}

export function decodeRoute(bytes: Uint8Array): Route {
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
  return route;
}

/** The HTTP request as the host saw it. */
export class HttpSnapshot {
  method: string = '';
  publicPath: string = '';
  internalPath: string = '';
  rawPath: string = '';
  rawQuery: string = '';
  host: string = '';
  scheme: string = '';
  remoteAddr: string = '';
  clientIp: string = '';
  contentType: string = '';
  readonly headers: Map<string, string[]> = new Map();
  readonly cookies: Map<string, string> = new Map();
}

const HTTP_TEXTS: string[] = [
  '', 'method', 'publicPath', 'internalPath', 'rawPath', 'rawQuery', 'host', 'scheme', 'remoteAddr', 'clientIp', 'contentType',
];

/** Looks a request snapshot through and returns its body, null when it has none. */
export function checkHttp(reader: Reader): Uint8Array | null {
  let body: Uint8Array | null = null;
  while (reader.next()) {
    if (reader.field == 13) body = reader.body('body');
    else if (reader.field < HTTP_TEXTS.length) reader.pass(HTTP_TEXTS[reader.field]);
    else if (reader.field == 11) reader.passEntry('headers', 'string list entry');
    else if (reader.field == 12) reader.passEntry('cookies', 'string map entry');
    else reader.skip();
  }
  return body;
}

export function decodeHttp(bytes: Uint8Array): HttpSnapshot {
  const reader = new Reader(bytes, 'request snapshot');
  const request = new HttpSnapshot();
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
      default: reader.skip();
    }
  }
  return request;
}

/** Who is asking; absent on public routes, in lifecycle handlers and in jobs. */
export class Identity {
  tokenId: string = '';
  userId: i32 = 0;
  username: string = '';
  status: i32 = 0;
  permissions: string[] = [];
  roleNames: string[] = [];
  isSuperAdmin: bool = false;
  /** 0 none, 1 all, 2 tenant, 3 department, 4 self. */
  dataScope: i32 = 0;
  dataScopeUnsupported: bool = false;
  unsupportedDataScope: i32 = 0;
  /** 0 is the platform. */
  tenantId: i32 = 0;
  actingUserId: i32 = 0;
  actingAsTenant: bool = false;
  isImpersonation: bool = false;

  /** Whether this user may do what a permission such as `my-plugin:notes:delete` names. */
  may(permission: string): bool {
    return this.isSuperAdmin || this.permissions.includes(permission);
  }
}

export function decodeIdentity(reader: Reader): Identity {
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
  return identity;
}
