import type { SandpoolError } from '../protocol/errors.js';
import type { PostedRelease } from '../protocol/messages.js';

/** One invocation on its way. */
export interface Job {
  readonly pluginId: string;
  readonly release: PostedRelease;
  /** Writes the request into the slot, up to `end`. Returns its size in bytes, or -1 when it does not fit. */
  encode(target: Buffer, end: number): number;
  /** The request in memory of its own. */
  encoded(): Uint8Array;
  /** Index into EXECUTION_SOURCES. */
  readonly source: number;
  readonly tenantId: number;
  readonly deadlineMs: number;
  /** Answers a host call that is placed on the main thread. Never rejects. */
  answer(request: Uint8Array, deadlineAt: number): Uint8Array | Promise<Uint8Array>;
  /** Called once. `response` is a view that is valid only during the call. */
  settle(result: JobResult, timings: JobTimings): void;
}

export type JobResult = { readonly response: Uint8Array } | { readonly error: SandpoolError };

export interface JobTimings {
  readonly queueMs: number;
  readonly runMs: number;
  readonly hostCalls: number;
}
