/**
 * From the bytes of a host call to the bytes of its response (`spec/bridge.md` §5.1, `spec/host-services.md` §1.7). Both threads
 * use it: the sandbox answers what is placed there and hands the same bytes over for the rest, and the host decodes and
 * authorises them again, because a sandbox may be lying.
 */
import { capabilityOf } from '../artifact/host-services.js';
import type { Authorizer } from '../grants/authorize.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import {
  decodeHostCallRequest,
  encodeErrorPayload,
  encodeHostCallResponse,
  type HostCallRequest,
  type HostCallResponse,
  type PayloadRest,
} from '../protocol/host-call.js';
import { trimGo } from '../protocol/text.js';
import type { RegisteredMethod, ServiceRegistry } from './index.js';
import { type AllowedCall, createKnownCalls } from './known-calls.js';
import { failure, type HostCallContext, type ServiceReply } from './service.js';

export type { AllowedCall };

const SERVICE_INVOKE = 1;

export interface HostCallQuestion {
  readonly opcode: number;
  /** Bytes of the request, which nobody changes until the answer is there. */
  readonly request: Uint8Array;
  readonly authorize: Authorizer;
  readonly context: HostCallContext;
}

export interface HostCallAnswer extends HostCallResponse {
  /** Names of the catalogue, empty when the call names none of its methods: safe as metric labels. */
  readonly service: string;
  readonly method: string;
  readonly resourceRef: string;
}

/** What became of a call before a service runs: its method, or the reply already. */
export type OpenedCall = AllowedCall | RefusedCall;

export interface RefusedCall {
  readonly call: HostCallRequest | undefined;
  readonly method: undefined;
  readonly refusal: ServiceReply;
}

/** Decodes a request within some bytes, authorises it and finds the method. Never throws. */
export type OpenCall = (opcode: number, bytes: Uint8Array, start: number, end: number) => OpenedCall;

/** Opens the calls of one release, and remembers how they begin: what it gives is the same, only sooner. */
export function createOpener(services: ServiceRegistry, authorize: Authorizer): OpenCall {
  const known = createKnownCalls();
  return (opcode, bytes, start, end) => {
    const again = opcode === SERVICE_INVOKE ? known.find(bytes, start, end) : undefined;
    if (again) return again;
    const request = bytes.subarray(start, end);
    const opened = open(services, authorize, opcode, request);
    if (opened.method) known.learn(request, opened);
    return opened;
  };
}

/**
 * Answers an opened call in the sandbox thread. Undefined when the method is placed on the host: ask there with the same bytes.
 * Never throws.
 */
export function answerInWorker(
  services: ServiceRegistry,
  opened: OpenedCall,
  context: HostCallContext,
): HostCallAnswer | undefined {
  if (opened.method === undefined) return refused(opened);
  const { call, method } = opened;
  if (method.placement === 'host') {
    const copied = method.copies?.find(call, context);
    return copied && answer(opened, copied);
  }
  try {
    const replied = method.run(call, context);
    return answer(opened, isLate(replied) ? refuseLate(services, context, method, replied) : replied);
  } catch (thrown) {
    return answer(opened, replyOfThrown(services, context, method, thrown));
  }
}

export interface EncodedAnswer extends HostCallAnswer {
  /** The encoded response; zero bytes mean success without payload. */
  readonly response: Uint8Array;
}

/** Answers on the main thread, whatever the placement; at once where the service does. Never throws, never rejects. */
export function answerOnHost(
  services: ServiceRegistry,
  question: HostCallQuestion,
): EncodedAnswer | Promise<EncodedAnswer> {
  const { opcode, request, authorize, context } = question;
  const opened = open(services, authorize, opcode, request);
  if (opened.method === undefined) return encoded(refused(opened));
  const { call, method } = opened;
  const failed = (thrown: unknown) => encoded(answer(opened, replyOfThrown(services, context, method, thrown)));
  try {
    const replied = method.run(call, context);
    if (!(replied instanceof Promise)) return encoded(answer(opened, replied));
    return replied.then((reply) => encoded(answer(opened, reply))).catch(failed);
  } catch (thrown) {
    return failed(thrown);
  }
}

function encoded(answered: HostCallAnswer): EncodedAnswer {
  try {
    return { ...answered, response: encodeHostCallResponse(answered) };
  } finally {
    answered.rest?.close();
  }
}

/** An answer that never came near a service, such as status 4 for a request outside guest memory. */
export function refuseHostCall(status: 1 | 2 | 3 | 4, message: string): HostCallAnswer {
  return refused({ call: undefined, method: undefined, refusal: failure(status, message) });
}

function open(services: ServiceRegistry, authorize: Authorizer, opcode: number, request: Uint8Array): OpenedCall {
  if (opcode !== SERVICE_INVOKE)
    return { call: undefined, method: undefined, refusal: failure(2, unknownOpcode(opcode)) };
  const call = decode(request);
  if ('status' in call) return { call: undefined, method: undefined, refusal: call };
  const denial = authorize(call);
  if (denial) return { call, method: undefined, refusal: failure(denial.status, denial.message) };
  const method = trimGo(call.owner) === '' ? services.find(call.service, call.method) : undefined;
  return method ? { call, method } : { call, method, refusal: failure(2, notRegistered(call)) };
}

function unknownOpcode(opcode: number): string {
  return `unknown host call opcode: 0x${(opcode >>> 0).toString(16).padStart(4, '0')}`;
}

function decode(request: Uint8Array): HostCallRequest | ServiceReply {
  try {
    return decodeHostCallRequest(request);
  } catch (thrown) {
    return failure(3, reasonOf(thrown));
  }
}

function notRegistered(call: HostCallRequest): string {
  const [owner, service, version, method] = [call.owner, call.service, call.version, call.method].map(trimGo);
  return owner === ''
    ? `host service method not registered: ${service}.${method}`
    : `owner host service handler not registered: ${owner}/${service}/${version}.${method}`;
}

/** A broken payload is the guest's doing; anything else is ours, and is told once. */
function replyOfThrown(
  services: ServiceRegistry,
  { pluginId }: HostCallContext,
  { service, method }: RegisteredMethod,
  thrown: unknown,
): ServiceReply {
  const reason = reasonOf(thrown);
  if (thrown instanceof SandpoolError && thrown.code === 'SBX_WIRE_INVALID') return failure(3, reason);
  const text = `host service ${service}.${method} failed: ${reason}`;
  services.log({ pluginId, level: 'error', text, blame: 'host' });
  return failure(4, reason);
}

/** Asked on every call, where `instanceof` would be a part of its cost. */
function isLate(replied: ServiceReply | Promise<ServiceReply>): replied is Promise<ServiceReply> {
  return (replied as ServiceReply).status === undefined;
}

/** A sandbox thread cannot wait for a promise: the guest is on its stack. */
function refuseLate(
  services: ServiceRegistry,
  context: HostCallContext,
  method: RegisteredMethod,
  late: Promise<ServiceReply>,
): ServiceReply {
  late.catch((thrown: unknown) => replyOfThrown(services, context, method, thrown));
  const reason = `${method.service}.${method.method} is placed in the worker and answers late`;
  return replyOfThrown(services, context, method, new Error(reason));
}

function answer({ call, method: { service, method } }: AllowedCall, replied: ServiceReply): HostCallAnswer {
  const { resourceRef } = call;
  return { status: replied.status, payload: payloadOf(replied), rest: restOf(replied), service, method, resourceRef };
}

function refused({ call, refusal }: RefusedCall): HostCallAnswer {
  const service = trimGo(call?.service ?? '').toLowerCase();
  const method = trimGo(call?.method ?? '').toLowerCase();
  const names = capabilityOf(service, method) === undefined ? { service: '', method: '' } : { service, method };
  const resourceRef = call?.resourceRef ?? '';
  return { status: refusal.status, payload: payloadOf(refusal), rest: undefined, ...names, resourceRef };
}

function restOf(replied: ServiceReply): PayloadRest | undefined {
  return replied.status === 0 ? replied.rest : undefined;
}

function payloadOf(replied: ServiceReply): Uint8Array {
  return replied.status === 0 ? replied.payload : encodeErrorPayload(replied.status, replied.error);
}
