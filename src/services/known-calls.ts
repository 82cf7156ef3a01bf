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
  /** What these bytes mean, exactly as decoding them would tell, when a call has begun like this before. */
  find(request: Uint8Array): AllowedCall | undefined;
  /** Remembers how an allowed call begins. */
  learn(request: Uint8Array, allowed: AllowedCall): void;
}

/** A guest with more kinds of calls, or with ever new resources, pays for a few comparisons in vain. */
const MAX_KNOWN = 16;
const MAX_HEAD_BYTES = 256;
/** When there is no more room, one call in so many replaces an earlier one. */
const LEARN_EVERY = 8;

interface Known extends AllowedCall {
  /** Whole fields, which may be all of a call or be followed by its payload. */
  readonly head: Uint8Array;
}

export function createKnownCalls(): KnownCalls {
  const known: Known[] = [];
  let latest: Known | undefined;
  let next = 0;
  let unlearned = 0;

  return {
    find(request) {
      const again = latest && match(latest, request);
      if (again) return again;
      for (const candidate of known) {
        const found = match(candidate, request);
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
      known[next] = { head, call: decodeHostCallRequest(head), method };
      next = (next + 1) % MAX_KNOWN;
    },
  };
}

const PAYLOAD_TAG = 0x2a;

function match(known: Known, request: Uint8Array): AllowedCall | undefined {
  const { head } = known;
  const bytes = head.length;
  if (bytes > request.length) return undefined;
  // Backwards: calls differ in their methods, which stand behind their services.
  for (let i = bytes - 1; i >= 0; i--) if (head[i] !== request[i]) return undefined;
  if (bytes === request.length) return known;
  if (request[bytes] !== PAYLOAD_TAG) return undefined;
  const payload = lastPayload(request, bytes + 1);
  return payload && withPayload(known, payload);
}

/** The payload whose length is at `at`, when it ends the request. */
function lastPayload(request: Uint8Array, at: number): Uint8Array | undefined {
  let length = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = request[at++];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << shift;
    if (byte > 0x7f) continue;
    if (at + length !== request.length) return undefined;
    return length === 0 ? NO_BYTES : request.subarray(at);
  }
  return undefined;
}

function withPayload({ call, method }: Known, payload: Uint8Array): AllowedCall {
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
