/** Instances in this thread, by the sandbox's own code: what a worker does for a request, without the worker. */
import { wallClock as now } from '../src/protocol/clock.js';
import { encodeHostCallResponse, encodeValueResponse, type HostCallResponse } from '../src/protocol/host-call.js';
import type { PostedRelease } from '../src/protocol/messages.js';
import { createInstance, type Instance, type Invocation } from '../src/sandbox/instance.js';
import { fitToRun } from '../src/sandbox/rewrite.js';
import { BRIDGE } from './guests.js';

const MEMORY_LIMIT_MIB = 256;
const PAGES_PER_MIB = 16;
const DEADLINE_MS = 30_000;

/** What every host call is answered with: an id, as `runtime.info.uuid` gives. */
const RESPONSE: HostCallResponse = {
  status: 0,
  payload: encodeValueResponse('0f8fad5bd9cb469fa16570867728950e'),
};

/** The same as bytes. */
export const REPLY: Uint8Array = encodeHostCallResponse(RESPONSE);

/** A module as it came, without anything that the host adds. */
export function plainRelease(bytes: Uint8Array): PostedRelease {
  return { ...RELEASE, module: new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>) };
}

/** A module as a load makes it: rewritten, initialised, with its snapshot. */
export function pristineRelease(bytes: Uint8Array, warmUp: readonly Uint8Array[] = []): PostedRelease {
  const { module, layout } = rewritten(bytes);
  return withSnapshot({ ...RELEASE, isolation: 'pristine', module, layout }, warmUp);
}

/** The rewritten module with so many bytes behind it that it is another one for the engine. */
export function rewritten(bytes: Uint8Array): {
  bytes: Uint8Array;
  module: WebAssembly.Module;
  layout: PostedRelease['layout'];
} {
  const end = fitToRun(bytes, MEMORY_LIMIT_MIB * PAGES_PER_MIB, true);
  if (!end.isResettable) throw new Error(`the guest cannot be reset: ${end.reasons.join('; ')}`);
  return { bytes: end.bytes, module: new WebAssembly.Module(end.bytes as Uint8Array<ArrayBuffer>), layout: end.layout };
}

/** With the snapshot that a load takes, after the warm-up requests that an operator declares. */
export function withSnapshot(release: PostedRelease, warmUp: readonly Uint8Array[] = []): PostedRelease {
  const instance = open(release);
  instance.warmUp(warmUp, invocation());
  return { ...release, snapshot: instance.takeSnapshot() };
}

/** Instantiates, and begins with the snapshot or with `_initialize`. */
export function open(release: PostedRelease): Instance {
  return createInstance(release, HOST, invocation());
}

/** Runs one request and gives the response, a view that is valid until the next run or reset. */
export function runOnce(instance: Instance, request: Uint8Array): Uint8Array {
  return instance.run(request, invocation());
}

function invocation(): Invocation {
  return { deadlineAt: now() + DEADLINE_MS, deadlineMs: DEADLINE_MS, hostCalls: 0, failure: undefined };
}

const HOST = { answer: () => RESPONSE, log: { line() {}, settle() {} }, now };

const RELEASE = {
  key: 1,
  pluginId: 'bench',
  checksum: 'bench',
  allocExport: BRIDGE.allocExport,
  executeExport: BRIDGE.executeExport,
  isolation: 'warm' as const,
  grantedServices: [],
  manifestResources: new Map(),
  memoryLimitMiB: MEMORY_LIMIT_MIB,
  maxResponseBytes: 16 * 1024 * 1024,
  maxHostCalls: 1_000_000,
  headroomBytes: 0,
  recycleAfter: 0,
  tenantFilter: true,
  logLinesPerSecond: 100,
  traceHostCalls: false,
};
