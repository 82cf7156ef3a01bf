import { Json } from './json/json';
import { parseJsonBytes } from './json/parse';
import { decodeText } from './text';

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

/** The route contract that matched. */
export class Route {
  method: string = '';
  publicPath: string = '';
  internalPath: string = '';
  routePath: string = '';
  access: string = '';
  permission: string = '';
  requestType: string = '';
  pathParams: Map<string, string> = new Map();
  queryValues: Map<string, string[]> = new Map();
}

/** One invocation of the plugin, usually an HTTP request. */
export class Request {
  pluginId: string = '';
  /** Not unique: plugin, method and path. */
  requestId: string = '';
  route: Route = new Route();
  hasRoute: bool = false;
  identity: Identity | null = null;

  /** Upper case. */
  method: string = '';
  /** Path as the client sent it, decoded: `/x/my-plugin/notes/7`. */
  publicPath: string = '';
  /** Path below the plugin: `/notes/7`. */
  internalPath: string = '';
  rawPath: string = '';
  rawQuery: string = '';
  host: string = '';
  scheme: string = '';
  remoteAddr: string = '';
  clientIp: string = '';
  contentType: string = '';
  headers: Map<string, string[]> = new Map();
  cookies: Map<string, string> = new Map();
  body: Uint8Array = new Uint8Array(0);

  /** A parameter of the path: `id` of `/notes/{id}`; empty when there is none. */
  param(name: string): string {
    const params = this.route.pathParams;
    return params.has(name) ? params.get(name) : '';
  }

  hasParam(name: string): bool {
    return this.route.pathParams.has(name);
  }

  /** The first value of a query parameter, or `fallback`. */
  query(name: string, fallback: string = ''): string {
    const values = this.queryAll(name);
    return values.length > 0 ? values[0] : fallback;
  }

  /** Every value of a query parameter, in order. */
  queryAll(name: string): string[] {
    const values = this.route.queryValues;
    return values.has(name) ? values.get(name) : [];
  }

  /** The first value of a header, whatever the case of its name; empty when there is none. */
  header(name: string): string {
    const values = this.headerAll(name);
    return values.length > 0 ? values[0] : '';
  }

  headerAll(name: string): string[] {
    if (this.headers.has(name)) return this.headers.get(name);
    const wanted = name.toLowerCase();
    const names = this.headers.keys();
    for (let i = 0; i < names.length; i++) {
      if (names[i].toLowerCase() == wanted) return this.headers.get(names[i]);
    }
    return [];
  }

  cookie(name: string): string {
    return this.cookies.has(name) ? this.cookies.get(name) : '';
  }

  /** The body as text. */
  text(): string {
    return decodeText(this.body);
  }

  /** The body as JSON; null when it is none, with the reason in `jsonProblem`. */
  json(): Json | null {
    return parseJsonBytes(this.body);
  }
}
