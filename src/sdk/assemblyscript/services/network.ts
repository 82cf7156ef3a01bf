import { EMPTY, invoke } from '../invoke';
import { Json } from '../json/json';
import { parseJsonBytes } from '../json/parse';
import { Reply } from '../reply';
import { decodeText } from '../text';
import { broken } from './decode';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/** Answer of another server. Any status is an answer; only what gave none is an error of the reply. */
export class NetworkResponse {
  statusCode: i32 = 0;
  /** First value of each header, names as in `Content-Type`. */
  readonly headers: Map<string, string> = new Map();
  /** Without parameters, in lower case. */
  contentType: string = '';
  body: Uint8Array = EMPTY;

  /** Whether the status is 2xx. */
  get ok(): bool {
    return this.statusCode >= 200 && this.statusCode < 300;
  }

  get text(): string {
    return decodeText(this.body);
  }

  /** The body as JSON; `Json.missing` when it is none. */
  get json(): Json {
    const value = parseJsonBytes(this.body);
    return value ? value : Json.missing;
  }

  /** First value of a header, by name in any letter case; empty when there is none. */
  header(name: string): string {
    const wanted = name.toLowerCase();
    const names = this.headers.keys();
    for (let i = 0; i < names.length; i++) {
      if (names[i].toLowerCase() == wanted) return this.headers.get(names[i]);
    }
    return '';
  }
}

/** Sends a request to a URL that plugin.yaml declares: `resources: [{ url: 'https://*.example.com/api' }]`. At most 2 MiB go each way. */
export function request(
  method: string,
  url: string,
  body: Uint8Array = EMPTY,
  headers: Map<string, string> | null = null,
): Reply<NetworkResponse> {
  const payload = new Writer(128 + body.length);
  payload.text(1, method);
  if (headers) payload.textMap(2, headers);
  payload.bytes(3, body);
  const reply = invoke('network', 'request', url, '', payload.toBytes());
  const error = reply.error;
  return error ? Reply.failed<NetworkResponse>(error) : decodeResponse(reply.value);
}

export function get(url: string, headers: Map<string, string> | null = null): Reply<NetworkResponse> {
  return request('GET', url, EMPTY, headers);
}

/** Posts JSON; a `Content-Type` among the headers wins. */
export function postJson(url: string, value: Json, headers: Map<string, string> | null = null): Reply<NetworkResponse> {
  const all = new Map<string, string>().set('Content-Type', 'application/json');
  if (headers) {
    for (let i = 0, names = headers.keys(); i < names.length; i++) {
      if (names[i].toLowerCase() == 'content-type') all.delete('Content-Type');
      all.set(names[i], headers.get(names[i]));
    }
  }
  return request('POST', url, value.toBytes(), all);
}

function decodeResponse(bytes: Uint8Array): Reply<NetworkResponse> {
  const reader = new Reader(bytes, 'network response');
  const response = new NetworkResponse();
  while (reader.next()) {
    switch (reader.field) {
      case 1: response.statusCode = reader.i32('statusCode'); break;
      case 2: reader.textMapEntry('headers', response.headers); break;
      case 3: response.body = reader.body('body'); break;
      case 4: response.contentType = reader.text('contentType'); break;
      default: reader.skip();
    }
  }
  return reader.problem.length > 0 ? broken<NetworkResponse>(reader) : Reply.of<NetworkResponse>(response);
}
