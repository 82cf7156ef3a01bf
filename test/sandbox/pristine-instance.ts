/**
 * A pristine instance in this thread, as a sandbox makes it, and all of its state as it really is: the map, the memory behind
 * the guest's size, and every global. The clock goes a millisecond further at each look and stands still otherwise, so that a
 * deadline is a number of looks, however long the machine takes.
 */
import { SandpoolError } from '../../src/protocol/errors.js';
import type { RewriteLayout, Snapshot } from '../../src/protocol/layout.js';
import type { PostedRelease } from '../../src/protocol/messages.js';
import { limitMemory } from '../../src/rewrite/memory-limit.js';
import { rewriteModule } from '../../src/rewrite/rewrite.js';
import { type AnswerHostCall, createInstance, type Instance } from '../../src/sandbox/instance.js';

/** Runs one request: the response's bytes in hexadecimal, or the code of the failure. */
export type Run = (request: Uint8Array, answer: AnswerHostCall, looks: number) => string;

export interface PristineInstance {
  readonly run: Run;
  /** What it is reset to. */
  readonly snapshot: Snapshot;
  /** Resets, and tells what is not as it was; undefined when everything is. Begins anew after growth, as the sandbox does. */
  reset(): string | undefined;
  /** How often an instance was made. */
  made(): number;
}

const MEMORY_LIMIT_MIB = 32;
const PAGES = MEMORY_LIMIT_MIB * 16;

export function openPristine(bytes: Uint8Array): PristineInstance {
  const { bytes: rewritten, layout } = rewriteModule(bytes, { maxPages: PAGES, dirtyPages: true, fuel: true });
  const first = releaseOf(rewritten, layout);
  const snapshot = begin(first).instance.takeSnapshot()!;
  const release = { ...first, snapshot };
  let current = begin(release);
  let made = 1;

  return {
    snapshot,
    run: (request, answer, looks) => runIn(current, request, answer, looks),
    reset() {
      const report = current.instance.reset()!;
      const wrong = differenceOf(current.exports, layout, snapshot);
      if (report.hasGrown) {
        current = begin(release);
        made++;
      }
      return wrong;
    },
    made: () => made,
  };
}

/** Runs every request in a new instance of the module as it came, but for its memory limit. Nothing stops an endless loop. */
export function runsOfOriginal(bytes: Uint8Array): Run {
  const release = releaseOf(limitMemory(bytes, PAGES), undefined);
  return (request, answer, looks) => runIn(begin(release), request, answer, looks);
}

interface Begun {
  readonly instance: Instance;
  readonly exports: WebAssembly.Exports;
  readonly now: () => number;
  answer: AnswerHostCall;
}

const NOTHING: AnswerHostCall = () => ({ status: 0, payload: new Uint8Array(0) });

/** The real way to an instance, and a look at what it is made of, which nobody else has. */
function begin(release: PostedRelease): Begun {
  const Original = WebAssembly.Instance;
  let exports: WebAssembly.Exports = {};
  WebAssembly.Instance = class extends Original {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      exports = this.exports;
    }
  };
  try {
    let looks = 0;
    const now = () => looks++;
    const log = { line() {}, settle() {} };
    const begun: { answer: AnswerHostCall } = { answer: NOTHING };
    const answer: AnswerHostCall = (...call) => begun.answer(...call);
    const host = { answer, log, now };
    const instance = createInstance(release, host, invocationFor(300));
    return Object.assign(begun, { instance, exports, now });
  } finally {
    WebAssembly.Instance = Original;
  }
}

function invocationFor(deadlineAt: number) {
  return { deadlineAt, deadlineMs: deadlineAt, hostCalls: 0, failure: undefined };
}

function runIn(begun: Begun, request: Uint8Array, answer: AnswerHostCall, looks: number): string {
  begun.answer = answer;
  try {
    return Buffer.from(begun.instance.run(request, invocationFor(begun.now() + looks))).toString('hex');
  } catch (error) {
    if (error instanceof SandpoolError) return error.code;
    throw error;
  }
}

function differenceOf(exports: WebAssembly.Exports, layout: RewriteLayout, snapshot: Snapshot): string | undefined {
  const { buffer } = exports[layout.memoryExport!] as WebAssembly.Memory;
  const map = new Uint8Array(buffer, 0, layout.memoryBase);
  const memory = new Uint8Array(buffer, layout.memoryBase);
  if (!isZero(map)) return `page ${map.findIndex((byte) => byte !== 0)} is still marked`;
  if (Buffer.compare(memory.subarray(0, snapshot.memory.length), snapshot.memory) !== 0) {
    return `byte ${snapshot.memory.findIndex((byte, index) => byte !== memory[index])} was not reset`;
  }
  if (!isZero(memory.subarray(snapshot.memory.length)))
    return `something is left behind byte ${snapshot.memory.length}`;
  const wrong = layout.globals.find(
    ({ exportName }, index) => !Object.is((exports[exportName] as WebAssembly.Global).value, snapshot.globals[index]),
  );
  return wrong && `${wrong.exportName} was not reset`;
}

const ZEROS = new Uint8Array((MEMORY_LIMIT_MIB + 1) * 2 ** 20);

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;
}

function releaseOf(bytes: Uint8Array, layout: RewriteLayout | undefined): PostedRelease {
  return {
    key: 1,
    pluginId: 'guest',
    checksum: '',
    module: new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>),
    layout,
    allocExport: 'lina_dynamic_route_alloc',
    executeExport: 'lina_dynamic_route_execute',
    isolation: 'pristine',
    grantedServices: [],
    manifestResources: new Map(),
    memoryLimitMiB: MEMORY_LIMIT_MIB,
    maxResponseBytes: 2 ** 20,
    maxHostCalls: 1000,
    headroomBytes: 0,
    recycleAfter: 0,
    tenantFilter: true,
    logLinesPerSecond: 1,
    traceHostCalls: false,
  };
}
