import { Json } from './json/json';
import { parseJsonBytes } from './json/parse';
import { decodeText } from './text';
import { HttpSnapshot, Identity, Route, decodeHttp, decodeRoute } from './wire/snapshots';

const EMPTY: Uint8Array = new Uint8Array(0);

/** One invocation of the plugin, usually an HTTP request. */
export class Request {
  pluginId: string = '';
  /** Not unique: plugin, method and path. */
  requestId: string = '';
  requestType: string = '';
  /** Who is asking; null on public routes, in lifecycle handlers and in jobs. */
  identity: Identity | null = null;
  private routeBytes: Uint8Array | null = null;
  private routeRead: Route | null = null;
  private httpBytes: Uint8Array | null = null;
  private httpRead: HttpSnapshot | null = null;
  private bodyRead: Uint8Array | null = null;

  /** For the dispatcher: the bytes of the route, which are decoded when they are needed. */
  setRoute(bytes: Uint8Array, requestType: string): void {
    this.routeBytes = bytes;
    this.requestType = requestType;
  }

  /** For the dispatcher: the bytes of the request snapshot, which are decoded when they are needed. */
  setHttp(bytes: Uint8Array, body: Uint8Array | null): void {
    this.httpBytes = bytes;
    this.bodyRead = body;
  }

  get hasRoute(): bool {
    return this.routeBytes != null;
  }

  /** The route contract that matched. */
  get route(): Route {
    const read = this.routeRead;
    if (read) return read;
    const bytes = this.routeBytes;
    const route = bytes ? decodeRoute(bytes) : new Route();
    this.routeRead = route;
    return route;
  }

  private get http(): HttpSnapshot {
    const read = this.httpRead;
    if (read) return read;
    const bytes = this.httpBytes;
    const http = bytes ? decodeHttp(bytes) : new HttpSnapshot();
    this.httpRead = http;
    return http;
  }

  /** Upper case. */
  get method(): string {
    return this.http.method;
  }

  /** Path as the client sent it, decoded: `/x/my-plugin/notes/7`. */
  get publicPath(): string {
    return this.http.publicPath;
  }

  /** Path below the plugin: `/notes/7`. */
  get internalPath(): string {
    return this.http.internalPath;
  }

  get rawPath(): string {
    return this.http.rawPath;
  }

  get rawQuery(): string {
    return this.http.rawQuery;
  }

  get host(): string {
    return this.http.host;
  }

  get scheme(): string {
    return this.http.scheme;
  }

  get remoteAddr(): string {
    return this.http.remoteAddr;
  }

  get clientIp(): string {
    return this.http.clientIp;
  }

  get contentType(): string {
    return this.http.contentType;
  }

  get headers(): Map<string, string[]> {
    return this.http.headers;
  }

  get cookies(): Map<string, string> {
    return this.http.cookies;
  }

  /** A view, not a copy; empty when there is none. */
  get body(): Uint8Array {
    const body = this.bodyRead;
    return body ? body : EMPTY;
  }

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
    const headers = this.headers;
    if (headers.has(name)) return headers.get(name);
    const wanted = name.toLowerCase();
    const names = headers.keys();
    for (let i = 0; i < names.length; i++) {
      if (names[i].toLowerCase() == wanted) return headers.get(names[i]);
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
