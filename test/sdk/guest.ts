/** Runs a guest module in a bare instance under a host of the test's own, one reply per host call. */
import { wallClock } from '../../src/protocol/clock.js';
import {
  decodeResponseEnvelope,
  encodeRequest,
  type RequestEnvelope,
  type ResponseEnvelope,
} from '../../src/protocol/envelope.js';
import { decodeHostCallRequest, encodeHostCallResponse, type HostCallRequest } from '../../src/protocol/host-call.js';
import { createGuestMemory, plainMemory } from '../../src/sandbox/memory.js';
import { createWasi } from '../../src/sandbox/wasi.js';

export interface Guest {
  /** Runs execute on the bytes of a request and returns those of the response. */
  readonly run: (request: Uint8Array) => Uint8Array;
  readonly ask: (envelope: RequestEnvelope) => ResponseEnvelope;
  /** Host calls so far. */
  readonly calls: HostCallRequest[];
  /** What was printed to standard output and error so far, as `1:text` and `2:text`. */
  readonly printed: string[];
  readonly memory: WebAssembly.Memory;
}

export interface HostReply {
  readonly status?: number;
  readonly payload?: Uint8Array;
}

/** What the test's host answers; nothing means success without a payload, for which host_call returns 0. */
export type Answer = (call: HostCallRequest) => HostReply | undefined;

interface GuestExports {
  readonly memory: WebAssembly.Memory;
  readonly _initialize?: () => void;
  readonly lina_dynamic_route_alloc: (length: number) => number;
  readonly lina_dynamic_route_execute: (length: number) => bigint;
  readonly lina_host_call_alloc: (length: number) => number;
}

/** Instantiates a guest and runs its `_initialize`. */
export function startGuest(module: Uint8Array, answer: Answer = () => undefined): Guest {
  const calls: HostCallRequest[] = [];
  const host_call = (opcode: number, pointer: number, length: number): bigint => {
    if (opcode !== 1) throw new Error(`opcode ${opcode}`);
    const call = decodeHostCallRequest(copyOut(exports.memory, pointer >>> 0, length));
    calls.push({ ...call, payload: Uint8Array.from(call.payload) });
    const reply = answer(call);
    const bytes = encodeHostCallResponse({ status: reply?.status ?? 0, payload: reply?.payload ?? new Uint8Array(0) });
    return bytes.length === 0 ? 0n : pack(copyIn(exports.memory, exports.lina_host_call_alloc(bytes.length), bytes));
  };
  const printed: string[] = [];
  const wasi = createWasi({
    memory: () => createGuestMemory(plainMemory(exports.memory)),
    output: (descriptor, bytes) => printed.push(`${descriptor}:${Buffer.from(bytes).toString()}`),
    sleepUntil: (time) => Atomics.wait(NEVER, 0, 0, Math.max(0, time - wallClock())),
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
    check: () => undefined,
  });
  const imports = { lina_env: { host_call }, wasi_snapshot_preview1: wasi };
  const instance = new WebAssembly.Instance(compile(module), imports);
  const exports = instance.exports as unknown as GuestExports;
  exports._initialize?.();
  const run = (request: Uint8Array): Uint8Array => {
    copyIn(exports.memory, exports.lina_dynamic_route_alloc(request.length), request);
    const packed = BigInt.asUintN(64, exports.lina_dynamic_route_execute(request.length));
    return copyOut(exports.memory, Number(packed >> 32n), Number(packed & 0xffffffffn));
  };
  return {
    run,
    ask: (envelope) => decodeResponseEnvelope(run(encodeRequest(envelope))),
    calls,
    printed,
    memory: exports.memory,
  };
}

const modules = new WeakMap<Uint8Array, WebAssembly.Module>();

function compile(bytes: Uint8Array): WebAssembly.Module {
  const module = modules.get(bytes) ?? new WebAssembly.Module(bytes);
  modules.set(bytes, module);
  return module;
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Text of a response's body. */
export function bodyOf(response: ResponseEnvelope): string {
  return Buffer.from(response.body).toString();
}

/** The request of a route with a query and a body. */
export function requestOf(
  requestType: string,
  query: Record<string, string | string[]> = {},
  body = '',
): RequestEnvelope {
  const lists = Object.entries(query).map(([name, value]) => [name, [value].flat()]);
  const method = body === '' ? 'GET' : 'POST';
  return {
    pluginId: 'demo',
    route: { method, requestType, queryValues: Object.fromEntries(lists) },
    request: { method, body: Buffer.from(body) },
    requestId: 'r-1',
  };
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function copyOut(memory: WebAssembly.Memory, pointer: number, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, pointer, length).slice();
}

function copyIn(memory: WebAssembly.Memory, pointer: number, bytes: Uint8Array): { pointer: number; length: number } {
  new Uint8Array(memory.buffer).set(bytes, pointer >>> 0);
  return { pointer: pointer >>> 0, length: bytes.length };
}

function pack({ pointer, length }: { pointer: number; length: number }): bigint {
  return (BigInt(pointer) << 32n) | BigInt(length);
}
