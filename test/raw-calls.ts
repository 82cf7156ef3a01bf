/**
 * Host calls byte for byte through a whole host: a guest forwards the body of a request as a host call and answers with the bytes
 * that the host replied.
 *
 * ```ts
 * const host = await startTestHost(t);
 * const { asAdmin, asNobody } = await serveRawCalls(host, { hostServices: [{ service: 'runtime', methods: ['info.now'] }] });
 * t.equal((await asAdmin('runtime', 'state.get', { payload: '0a016b' })).payload, '0a01761001');
 * ```
 */
import {
  decodeHostCallResponse,
  decodeJsonText,
  encodeHostCallRequest,
  encodeJsonText,
} from '../src/protocol/host-call.js';
import type { ArtifactParts } from './artifact/build.js';
import { watGuest } from './guest-modules.js';
import type { TestHost } from './system/host.js';

export interface RawCallParts {
  readonly resourceRef?: string;
  readonly table?: string;
  /** Bytes, or hex. */
  readonly payload?: Uint8Array | string;
  /** Sent as the payload of a JSON method. */
  readonly json?: unknown;
  readonly owner?: string;
  readonly version?: string;
}

export interface RawReply {
  readonly status: number;
  /** Hex of the whole response; empty when the host returned 0. */
  readonly response: string;
  /** Hex of its payload. */
  readonly payload: string;
  readonly bytes: Uint8Array;
  /** The error payload; undefined for status 0. */
  readonly error?: { readonly errorCode: string; readonly messageParams?: object; readonly fallback: string };
  /** The value in a JSON response; undefined without a payload. */
  readonly json: () => unknown;
}

export type RawCall = (service: string, method: string, parts?: RawCallParts) => Promise<RawReply>;

/**
 * Serves a plugin that makes the calls; `id` is `demo` when absent. What it declares in `hostServices` it is granted.
 * @returns who asks: the administrator over a route with login, nobody over a public route, or whoever has the headers of `as`
 */
export async function serveRawCalls(
  host: TestHost,
  { id = 'demo', ...parts }: ArtifactParts & { readonly id?: string },
): Promise<{
  readonly asAdmin: RawCall;
  readonly asNobody: RawCall;
  readonly as: (headers: Readonly<Record<string, string>>) => RawCall;
}> {
  const routes = ['login', 'public'].map((access) => ({
    method: 'POST',
    path: `/${access}`,
    access,
    requestType: 'CallReq',
  }));
  await host.serve(id, { module: await watGuest('host-call'), ...parts, routes: [...routes, ...(parts.routes ?? [])] });
  const as = (headers: Readonly<Record<string, string>>) => callOver(`${host.url}/x/${id}/login`, headers);
  return { asAdmin: as(await host.authorization()), asNobody: callOver(`${host.url}/x/${id}/public`, {}), as };
}

function callOver(url: string, headers: Readonly<Record<string, string>>): RawCall {
  return async (service, method, parts) => {
    const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(rawCall(service, method, parts)) });
    const response = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200) throw new Error(`${service}.${method} is answered with ${answer.status}: ${response}`);
    return readRaw(response.equals(NO_BODY) ? Buffer.alloc(0) : response);
  };
}

/** What the host makes of an answer without a body and a type (`spec/bridge.md` §4.6); no response of a host call begins like it. */
const NO_BODY = Buffer.from('{"code":0,"message":"OK","data":null}');

/** The bytes of a host-call request, for guests that forward them. */
export function rawCall(service: string, method: string, parts: RawCallParts = {}): Uint8Array {
  const { resourceRef = '', table = '', payload = '', owner = '', version = '' } = parts;
  const given = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const bytes = 'json' in parts ? encodeJsonText(JSON.stringify(parts.json)) : given;
  return encodeHostCallRequest({ service, method, resourceRef, table, payload: bytes, owner, version });
}

/** What the bytes that a guest has forwarded say. */
export function readRaw(response: Uint8Array): RawReply {
  const { status, payload } = decodeHostCallResponse(response);
  const text = Buffer.from(payload).toString();
  return {
    status,
    response: Buffer.from(response).toString('hex'),
    payload: Buffer.from(payload).toString('hex'),
    bytes: payload,
    ...(status !== 0 && { error: JSON.parse(text) as NonNullable<RawReply['error']> }),
    json: () => (payload.length === 0 ? undefined : JSON.parse(decodeJsonText(payload))),
  };
}
