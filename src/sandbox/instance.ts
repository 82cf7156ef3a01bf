/**
 * One instance of a release in this thread: instantiate, initialise, run its execute export (`spec/bridge.md` §1).
 *
 * What the imports may see of the invocation that runs is in `Invocation`; between invocations there is none.
 */
import { decodeResponseEnvelope } from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { RESEED_EXPORT, WARM_UP_EXPORT } from '../protocol/guest-exports.js';
import {
  failedResponse,
  type HostCallResponse,
  hostCallResponseBytes,
  writeHostCallResponse,
} from '../protocol/host-call.js';
import type { Snapshot } from '../protocol/layout.js';
import type { PostedRelease } from '../protocol/messages.js';
import { FUEL_IMPORT } from '../rewrite/fuel.js';
import { type GuestState, openGuestState, type ResetReport } from '../rewrite/reset.js';
import { createLineCutter, type PluginLog } from './log.js';
import { createGuestMemory, type GuestMemory, plainMemory, resettableMemory } from './memory.js';
import { randomSeed } from './seeds.js';
import { createWasi } from './wasi.js';

const PAGE_BYTES = 65536;
const BYTES_PER_MIB = 1024 * 1024;
const HOST_CALL_ALLOC = 'lina_host_call_alloc';
/** Loops between two looks at the clock: about a millisecond. */
const FUEL = 1 << 20;

/** What runs now. */
export interface Invocation {
  /** When the guest must have ended, ms since the epoch. */
  readonly deadlineAt: number;
  readonly deadlineMs: number;
  hostCalls: number;
  /** Set once the host has decided that this invocation fails; whatever the guest does afterwards does not count. */
  failure: SandpoolError | undefined;
}

/** Where a host-call request is in guest memory; valid until the guest runs again. */
export interface RequestPlace {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Answers a guest's `host_call`. The place is undefined when it is not all inside the memory. */
export type AnswerHostCall = (
  opcode: number,
  request: RequestPlace | undefined,
  invocation: Invocation,
) => HostCallResponse;

export interface Instance {
  readonly release: PostedRelease;
  memoryBytes(): number;
  /**
   * Runs one request and returns a view of the response in guest memory, valid until the next run or reset.
   * @throws SandpoolError with the code of the step that failed. An instance that is not reset must not be used again then.
   */
  run(request: Uint8Array, invocation: Invocation): Uint8Array;
  /**
   * Runs the guest's own warm-up and some requests, before a snapshot. What comes of them is thrown away.
   * @throws SandpoolError when one fails; the instance must not be used then.
   */
  warmUp(requests: readonly Uint8Array[], invocation: Invocation): void;
  /** Makes the instance what it was right after its initialisation. Undefined when it cannot be reset. */
  reset(): ResetReport | undefined;
  /** What other instances of the release can begin with; undefined when they cannot be reset. */
  takeSnapshot(): Snapshot | undefined;
}

export interface InstanceHost {
  readonly answer: AnswerHostCall;
  readonly log: PluginLog;
  readonly now: () => number;
}

/**
 * Instantiates a release; begins with its snapshot, or without one runs `_initialize`.
 * @throws SBX_NO_INSTANCE_MEMORY, SBX_INSTANTIATE_FAILED, SBX_EXPORTS_MISSING, SBX_INITIALIZE_FAILED, or the code of what
 * stopped the initialisation
 */
export function createInstance(release: PostedRelease, host: InstanceHost, invocation: Invocation): Instance {
  const scope: Scope = { invocation, memory: undefined, alloc: undefined };
  const cutters = {
    1: createLineCutter((text) => host.log.line('info', text, 'stdout')),
    2: createLineCutter((text) => host.log.line('warn', text, 'stderr')),
  };
  const flush = (): void => {
    cutters[1].flush();
    cutters[2].flush();
  };
  const instance = instantiate(release, imports(release, host, scope, cutters), scope);
  const guest = requireExports(release, instance);
  const state = openState(release, instance);
  scope.memory = createGuestMemory(state ? resettableMemory(state) : plainMemory(guest.memory));
  scope.alloc = guest.hostCallAlloc;
  begin(release, scope, state, instance);
  flush();

  return {
    release,
    memoryBytes: () => guest.memory.buffer.byteLength,
    run(request, next) {
      scope.invocation = next;
      try {
        if (release.snapshot) reseed(release, scope, guest);
        return runRequest(release, scope, guest, request);
      } finally {
        flush();
      }
    },
    warmUp(requests, next) {
      scope.invocation = next;
      try {
        guarded(release, scope, 'warm-up', () => guest.warmUp?.());
        for (const request of requests) requireSuccess(runRequest(release, scope, guest, request));
      } finally {
        flush();
      }
    },
    reset() {
      const report = release.snapshot ? state?.reset() : undefined;
      if (report) scope.memory?.shrunk();
      return report;
    },
    takeSnapshot: () => state?.takeSnapshot(true),
  };
}

/** What the rewriter has added to reset an instance, if it has. */
function openState(release: PostedRelease, instance: WebAssembly.Instance): GuestState | undefined {
  const { layout } = release;
  return layout?.memoryExport === undefined ? undefined : openGuestState(instance.exports, layout);
}

/** Leads a new instance to the point where it can take its first request. */
function begin(
  release: PostedRelease,
  scope: Scope,
  state: GuestState | undefined,
  { exports }: WebAssembly.Instance,
): void {
  if (release.snapshot && state) {
    if (state.applySnapshot(release.snapshot, headroomOf(release, release.snapshot))) return;
    throw new SandpoolError('SBX_NO_INSTANCE_MEMORY', { reason: 'the snapshot finds no room' });
  }
  for (const name of [release.layout?.initializeExport, '_initialize']) {
    const initialize = name === undefined ? undefined : exports[name];
    if (typeof initialize === 'function') guarded(release, scope, 'initialize', initialize);
  }
}

/** As much of the reserve as the memory limit leaves. */
function headroomOf({ headroomBytes, memoryLimitMiB }: PostedRelease, snapshot: Snapshot): number {
  return Math.min(headroomBytes, Math.max(0, memoryLimitMiB * BYTES_PER_MIB - snapshot.memory.length));
}

/** The part of an instance that its imports reach. */
interface Scope {
  invocation: Invocation;
  memory: GuestMemory | undefined;
  alloc: WebAssembly.Callable | undefined;
}

/** Thrown through the guest by `proc_exit`. */
class GuestExit extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`guest exited with code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

function imports(
  release: PostedRelease,
  host: InstanceHost,
  scope: Scope,
  cutters: Record<1 | 2, { write(bytes: Uint8Array): void }>,
): WebAssembly.Imports {
  const check = (): void => {
    if (scope.invocation.failure) throw scope.invocation.failure;
  };
  const fail = (error: SandpoolError): never => {
    scope.invocation.failure = error;
    throw error;
  };
  const wasi = createWasi({
    check,
    memory: () => memoryOf(scope),
    output: (descriptor, bytes) => cutters[descriptor].write(bytes),
    exit: (exitCode) => {
      scope.invocation.failure = new SandpoolError('SBX_EXIT', { exitCode });
      throw new GuestExit(exitCode);
    },
    sleepUntil(time) {
      const { deadlineAt, deadlineMs } = scope.invocation;
      sleep(Math.min(time, deadlineAt), host.now);
      if (time > deadlineAt) fail(new SandpoolError('SBX_DEADLINE', { deadlineMs }));
    },
  });
  const hostCall = (opcode: number, address: number, bytes: number): bigint => {
    check();
    const { invocation } = scope;
    if (++invocation.hostCalls > release.maxHostCalls)
      fail(new SandpoolError('SBX_HOST_CALL_LIMIT', { maxHostCalls: release.maxHostCalls }));
    const response = host.answer(opcode >>> 0, placeOf(scope, address >>> 0, bytes >>> 0), invocation);
    try {
      check();
      return deliver(scope, response);
    } finally {
      response.rest?.close();
    }
  };
  // Called by the rewritten module; what it throws could be caught by the guest, a negative number ends it with a trap.
  const fuel = (): number => {
    const { invocation } = scope;
    if (invocation.failure === undefined && host.now() <= invocation.deadlineAt) return FUEL;
    invocation.failure ??= new SandpoolError('SBX_DEADLINE', { deadlineMs: invocation.deadlineMs });
    return -1;
  };
  return {
    lina_env: { host_call: hostCall },
    wasi_snapshot_preview1: wasi,
    ...(release.layout?.fuelGlobal && { [FUEL_IMPORT.module]: { [FUEL_IMPORT.name]: fuel } }),
  };
}

function placeOf(scope: Scope, start: number, bytes: number): RequestPlace | undefined {
  const memory = memoryOf(scope).around(start, bytes);
  return memory && { bytes: memory, start, end: start + bytes };
}

/** Encodes a host-call response into memory that the guest allocates; 0 when it has no bytes or there is nowhere to put them. */
function deliver(scope: Scope, response: HostCallResponse): bigint {
  const bytes = hostCallResponseBytes(response);
  if (bytes === 0 || scope.alloc === undefined) return 0n;
  const nowhere = (): bigint => {
    // A guest takes 0 for a reply without payload: an object that it has no room for must not seem to be missing.
    if (response.rest === undefined) return 0n;
    return deliver(scope, failedResponse(4, { message: `the guest has no room for a reply of ${bytes} bytes` }));
  };
  let address: number;
  try {
    address = scope.alloc(bytes) >>> 0;
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError) return nowhere();
    throw thrown;
  }
  const memory = memoryOf(scope).marked(address, bytes);
  if (memory === undefined) return nowhere();
  try {
    writeHostCallResponse(response, memory, address);
  } catch (thrown) {
    // A rest that cannot be read any more; the answer has none.
    return deliver(scope, failedResponse(4, { message: reasonOf(thrown) }));
  }
  return packed(address, bytes);
}

const packing = new DataView(new ArrayBuffer(8));

/** Address and length in one i64. By way of memory: arithmetic would make three more bigints. */
function packed(address: number, bytes: number): bigint {
  packing.setUint32(0, bytes, true);
  packing.setUint32(4, address, true);
  return packing.getBigUint64(0, true);
}

function memoryOf(scope: Scope): GuestMemory {
  if (scope.memory === undefined)
    throw new SandpoolError('SBX_INITIALIZE_FAILED', { reason: 'start function calls the host' });
  return scope.memory;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function sleep(until: number, now: () => number): void {
  for (let left = until - now(); left > 0; left = until - now()) Atomics.wait(sleeper, 0, 0, left);
}

function instantiate(release: PostedRelease, importObject: WebAssembly.Imports, scope: Scope): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(release.module, importObject);
  } catch (thrown) {
    if (scope.invocation.failure) throw scope.invocation.failure;
    if (isOutOfMemory(thrown))
      throw new SandpoolError('SBX_NO_INSTANCE_MEMORY', { reason: reasonOf(thrown) }, { cause: thrown });
    throw new SandpoolError('SBX_INSTANTIATE_FAILED', { reason: reasonOf(thrown) }, { cause: thrown });
  }
}

/** V8 reports both as a RangeError: no memory or addresses for an instance, and a start function that exhausts the stack. */
function isOutOfMemory(thrown: unknown): boolean {
  return thrown instanceof RangeError && /memory|allocate/i.test(thrown.message);
}

function requireExports(release: PostedRelease, instance: WebAssembly.Instance) {
  const functionOf = (name: string): WebAssembly.Callable | undefined => {
    const value = instance.exports[name];
    return typeof value === 'function' ? value : undefined;
  };
  const memory = instance.exports.memory;
  const alloc = functionOf(release.allocExport);
  const execute = functionOf(release.executeExport);
  if (!(memory instanceof WebAssembly.Memory) || !alloc || !execute) {
    const missing = [
      ...(memory instanceof WebAssembly.Memory ? [] : ['memory']),
      ...(alloc ? [] : [release.allocExport]),
      ...(execute ? [] : [release.executeExport]),
    ];
    throw new SandpoolError('SBX_EXPORTS_MISSING', { exports: missing.join(', ') });
  }
  return {
    memory,
    alloc,
    execute,
    hostCallAlloc: functionOf(HOST_CALL_ALLOC),
    warmUp: functionOf(WARM_UP_EXPORT),
    reseed: functionOf(RESEED_EXPORT),
  };
}

type GuestExports = ReturnType<typeof requireExports>;

function runRequest(
  release: PostedRelease,
  scope: Scope,
  { alloc, execute }: GuestExports,
  request: Uint8Array,
): Uint8Array {
  const address = Number(guarded(release, scope, 'alloc', () => alloc(request.length))) >>> 0;
  if (!memoryOf(scope).write(address, request)) {
    const reason = `address ${address} and ${request.length} bytes are outside of ${memoryOf(scope).size()} bytes`;
    throw new SandpoolError('SBX_REQUEST_WRITE_FAILED', { reason });
  }
  const result: unknown = guarded(release, scope, 'execute', () => execute(request.length));
  if (typeof result !== 'bigint')
    throw new SandpoolError('SBX_RESPONSE_READ_FAILED', { reason: `${release.executeExport} does not return an i64` });
  return readResponse(release, memoryOf(scope), BigInt.asUintN(64, result));
}

function readResponse(release: PostedRelease, memory: GuestMemory, packed: bigint): Uint8Array {
  const address = Number(packed >> 32n);
  const bytes = Number(packed & 0xffffffffn);
  if (bytes > release.maxResponseBytes)
    throw new SandpoolError('SBX_RESPONSE_TOO_LARGE', { bytes, maxBytes: release.maxResponseBytes });
  const view = memory.view(address, bytes);
  if (view === undefined) {
    const reason = `address ${address} and ${bytes} bytes are outside of ${memory.size()} bytes`;
    throw new SandpoolError('SBX_RESPONSE_READ_FAILED', { reason });
  }
  return view;
}

/** Whatever a guest remembers of a failure, every request would remember: a snapshot must not hold one. */
function requireSuccess(response: Uint8Array): void {
  const { statusCode, failure } = decodeResponseEnvelope(response);
  if (statusCode < 500) return;
  const reason = `a request is answered with ${statusCode}${failure ? ` ${failure.message}` : ''}`;
  throw new SandpoolError('SBX_WARM_UP_FAILED', { reason });
}

/** Lets the guest replace what the snapshot froze. */
function reseed(release: PostedRelease, scope: Scope, guest: GuestExports): void {
  if (guest.reseed) guarded(release, scope, 'reseed', () => guest.reseed?.(randomSeed()));
}

type Step = 'initialize' | 'warm-up' | 'reseed' | 'alloc' | 'execute';

/** Runs guest code; whatever stops it becomes an error with the code of the step or of the cause. */
function guarded<Result>(release: PostedRelease, scope: Scope, step: Step, call: () => Result): Result {
  try {
    const result = call();
    // A guest with exception handling can catch what the host throws; the host's decision stands.
    if (scope.invocation.failure) throw scope.invocation.failure;
    return result;
  } catch (thrown) {
    throw nameFailure(release, scope, step, thrown);
  }
}

function nameFailure(release: PostedRelease, scope: Scope, step: Step, thrown: unknown): SandpoolError {
  const decided = scope.invocation.failure;
  if (decided && (decided.code !== 'SBX_EXIT' || step === 'execute' || step === 'reseed')) return decided;
  const options = { cause: thrown };
  const reason = reasonOf(thrown);
  if (step === 'warm-up') return new SandpoolError('SBX_WARM_UP_FAILED', { reason }, options);
  if (step === 'reseed') return new SandpoolError('SBX_TRAP', { reason: `${RESEED_EXPORT}: ${reason}` }, options);
  if (step === 'initialize') return new SandpoolError('SBX_INITIALIZE_FAILED', { reason }, options);
  if (step === 'alloc') return new SandpoolError('SBX_ALLOC_FAILED', { reason }, options);
  if (thrown instanceof SandpoolError) return thrown;
  if (thrown instanceof RangeError) return new SandpoolError('SBX_STACK_OVERFLOW', {}, options);
  if (isAtMemoryLimit(release, scope))
    return new SandpoolError('SBX_MEMORY_LIMIT', { limitMiB: release.memoryLimitMiB }, options);
  return new SandpoolError('SBX_TRAP', { reason }, options);
}

/** A guest that cannot grow any more usually traps by its own hand; the reason worth telling is the limit. */
function isAtMemoryLimit(release: PostedRelease, scope: Scope): boolean {
  const limitBytes = release.memoryLimitMiB * BYTES_PER_MIB;
  return scope.memory !== undefined && scope.memory.size() > limitBytes - PAGE_BYTES;
}
