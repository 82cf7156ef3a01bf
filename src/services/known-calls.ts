/**
 * Calls that were decoded and allowed before. A guest asks for the same few things over and over, in the same bytes but for the
 * payload, which comes last: comparing what precedes it is far cheaper than decoding it and asking the grant again.
 */
import { decodeHostCallRequest, type HostCallRequest } from '../protocol/host-call.js';
import { NO_BYTES, varintSize } from '../protocol/wire.js';
import type { RegisteredMethod } from './index.js';

/** A call that its grant allows, and the method that answers it. Neither depends on the payload. */
export interface AllowedCall {
  readonly call: HostCallRequest;
  readonly method: RegisteredMethod;
}

/** For one grant and one set of services: with others, the same bytes may mean something else. */
export interface KnownCalls {
  /** What the bytes from `start` to `end` mean, exactly as decoding them would tell, when a call has begun like this before. */
  find(bytes: Uint8Array, start: number, end: number): AllowedCall | undefined;
  /** Remembers how an allowed call begins. */
  learn(request: Uint8Array, allowed: AllowedCall): void;
}

/** A guest with more kinds of calls, or with ever new resources, pays for a few comparisons in vain. */
const MAX_KNOWN = 16;
const MAX_HEAD_BYTES = 256;
/** When there is no more room, one call in so many replaces an earlier one. */
const LEARN_EVERY = 8;

interface Known {
  /** Whole fields, which may be all of a call or be followed by its payload. */
  readonly head: Uint8Array;
  readonly allowed: AllowedCall;
}

export function createKnownCalls(): KnownCalls {
  const known: Known[] = [];
  let latest: Known | undefined;
  let next = 0;
  let unlearned = 0;

  return {
    find(bytes, start, end) {
      const again = latest && match(latest, bytes, start, end);
      if (again) return again;
      for (const candidate of known) {
        const found = match(candidate, bytes, start, end);
        if (found === undefined) continue;
        latest = candidate;
        return found;
      }
      return undefined;
    },
    learn(request, { call, method }) {
      const bytes = headBytes(request, call.payload);
      if (bytes === undefined || bytes > MAX_HEAD_BYTES) return;
      if (known.length === MAX_KNOWN && ++unlearned % LEARN_EVERY !== 0) return;
      const head = new Uint8Array(request.subarray(0, bytes));
      known[next] = { head, allowed: { call: decodeHostCallRequest(head), method } };
      next = (next + 1) % MAX_KNOWN;
    },
  };
}

const PAYLOAD_TAG = 0x2a;

function match({ head, allowed }: Known, bytes: Uint8Array, start: number, end: number): AllowedCall | undefined {
  const at = start + head.length;
  if (at > end) return undefined;
  // Backwards: calls differ in their methods, which stand behind their services.
  for (let i = head.length - 1; i >= 0; i--) if (head[i] !== bytes[start + i]) return undefined;
  if (at === end) return allowed;
  if (bytes[at] !== PAYLOAD_TAG) return undefined;
  const payload = lastPayload(bytes, at + 1, end);
  return payload && withPayload(allowed, payload);
}

/** The payload whose length is at `at`, when it goes on to the end. */
function lastPayload(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  let length = 0;
  for (let place = at, shift = 0; place < end && shift < 28; place++, shift += 7) {
    const byte = bytes[place] as number;
    length |= (byte & 0x7f) << shift;
    if (byte > 0x7f) continue;
    if (place + 1 + length !== end) return undefined;
    return length === 0 ? NO_BYTES : bytes.subarray(place + 1, end);
  }
  return undefined;
}

function withPayload({ call, method }: AllowedCall, payload: Uint8Array): AllowedCall {
  const { service, method: name, resourceRef, table, owner, version } = call;
  return { call: { service, method: name, resourceRef, table, payload, owner, version }, method };
}

/** Bytes before a payload that ends the request, in its usual encoding; all bytes when there is no payload. */
function headBytes(request: Uint8Array, payload: Uint8Array): number | undefined {
  if (payload.length === 0) return request.length;
  if (payload.byteOffset + payload.length !== request.byteOffset + request.length) return undefined;
  const bytes = request.length - payload.length - varintSize(payload.length) - 1;
  return request[bytes] === PAYLOAD_TAG ? bytes : undefined;
}
