/** One run of a guest's execute export, from an envelope to its outcome. */
import type { Grant } from '../grants/grant.js';
import type { Metrics } from '../metrics.js';
import {
  decodeResponseEnvelope,
  encodeRequest,
  encodeRequestEnvelope,
  type Identity,
  type RequestEnvelope,
  type ResponseEnvelope,
} from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { completeIdentity } from '../protocol/identity.js';
import { EXECUTION_SOURCES, type ExecutionSource, type PostedRelease } from '../protocol/messages.js';
import type { HostCallContext } from '../services/service.js';
import type { Waiting } from './batch.js';
import type { Dispatch } from './dispatch.js';
import type { Job, JobResult, JobTimings } from './job.js';

export interface Invocation {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  readonly envelope: RequestEnvelope;
  readonly tenantId: number;
  /** Longest run, in ms from pick-up by a worker; the plugin's setting when absent. */
  readonly deadlineMs?: number;
}

export type InvocationTimings = JobTimings;

/** How an invocation ended. */
export type Outcome =
  | { readonly ok: true; readonly response: ResponseEnvelope; readonly timings: InvocationTimings }
  | { readonly ok: false; readonly error: SandpoolError; readonly timings: InvocationTimings };

/** An invocation that has begun. */
export interface Started {
  /**
   * Nobody waits for the outcome any more. It ends with SBX_CANCELLED: at once while it waits, at the guest's next host call or
   * within about a millisecond of a loop when it runs, at the deadline at the latest. Without effect when it has ended.
   */
  cancel(): void;
}

/** Answers host calls that are placed on the main thread: request bytes in, response bytes out. Never rejects. */
export type AnswerHostCall = (
  grant: Grant,
  request: Uint8Array,
  context: HostCallContext,
) => Uint8Array | Promise<Uint8Array>;

/** What an invocation needs to know of the release that it runs. */
export interface ServingRelease {
  readonly release: {
    readonly pluginId: string;
    readonly version: string;
    readonly grant: Grant;
    readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  };
  readonly posted: PostedRelease;
  readonly limits: { readonly deadlineMs: number };
}

export interface InvokeOptions {
  readonly dispatch: Pick<Dispatch, 'enqueue' | 'cancel'>;
  readonly metrics: Pick<Metrics, 'invocation'>;
  readonly answerHostCall: AnswerHostCall;
}

/** Runs a release; `end` is called once with the outcome, possibly before this returns. */
export type StartInvocation = (
  serving: ServingRelease,
  invocation: Invocation,
  end: (outcome: Outcome) => void,
) => Started;

export function createInvoke(options: InvokeOptions): StartInvocation {
  return (serving, invocation, end) => {
    const job = new InvocationJob(options, serving, invocation, end);
    job.waiting = options.dispatch.enqueue(job);
    return job;
  };
}

export const NOT_STARTED: Started = { cancel: () => {} };

export function failed(error: SandpoolError): Outcome {
  return { ok: false, error, timings: { queueMs: 0, runMs: 0, hostCalls: 0 } };
}

/** A class, because every request makes one: its methods are shared where closures would be made anew. */
class InvocationJob implements Job, Started {
  readonly pluginId: string;
  readonly release: PostedRelease;
  readonly source: number;
  readonly tenantId: number;
  readonly deadlineMs: number;
  waiting: Waiting | undefined;
  readonly #options: InvokeOptions;
  readonly #serving: ServingRelease;
  readonly #invocation: Invocation;
  readonly #end: (outcome: Outcome) => void;
  #context: InvocationContext | undefined;

  constructor(
    options: InvokeOptions,
    serving: ServingRelease,
    invocation: Invocation,
    end: (outcome: Outcome) => void,
  ) {
    this.pluginId = serving.release.pluginId;
    this.release = serving.posted;
    this.source = EXECUTION_SOURCES.indexOf(invocation.executionSource);
    this.tenantId = invocation.tenantId;
    this.deadlineMs = invocation.deadlineMs ?? serving.limits.deadlineMs;
    this.#options = options;
    this.#serving = serving;
    this.#invocation = invocation;
    this.#end = end;
  }

  cancel(): void {
    if (this.waiting) this.#options.dispatch.cancel(this.waiting);
  }

  encode(target: Buffer, end: number): number {
    return encodeRequestEnvelope(this.#invocation.envelope, target, 0, end);
  }

  encoded(): Uint8Array {
    return encodeRequest(this.#invocation.envelope);
  }

  answer(request: Uint8Array, deadlineAt: number): Uint8Array | Promise<Uint8Array> {
    this.#context ??= new InvocationContext(this.#invocation, this.#serving, deadlineAt);
    return this.#options.answerHostCall(this.#serving.release.grant, request, this.#context);
  }

  settle(result: JobResult, timings: JobTimings): void {
    const outcome: Outcome =
      'error' in result ? { ok: false, error: result.error, timings } : decode(result.response, timings);
    this.waiting = undefined;
    this.#context?.abandon();
    this.#options.metrics.invocation({
      pluginId: this.pluginId,
      version: this.#serving.release.version,
      code: outcome.ok ? 'ok' : outcome.error.code,
      queueSeconds: timings.queueMs / 1000,
      runSeconds: timings.runMs / 1000,
    });
    this.#end(outcome);
  }
}

/** For the host calls of one invocation. A class for its accessor: few services ask for the identity, and it is made anew. */
class InvocationContext implements HostCallContext {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  readonly routePath: string;
  readonly requestId: string;
  readonly tenantId: number;
  readonly deadlineAt: number;
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  readonly grant: Grant;
  readonly release: PostedRelease;
  readonly #envelope: RequestEnvelope;
  #abandoned: (() => void) | undefined;

  constructor(
    { envelope, executionSource, tenantId }: Invocation,
    { release, posted }: ServingRelease,
    deadlineAt: number,
  ) {
    this.pluginId = release.pluginId;
    this.executionSource = executionSource;
    this.routePath = envelope.route?.routePath ?? '';
    this.requestId = envelope.requestId;
    this.tenantId = tenantId;
    this.deadlineAt = deadlineAt;
    this.manifestResources = release.manifestResources;
    this.grant = release.grant;
    this.release = posted;
    this.#envelope = envelope;
  }

  /** Of the call that is being answered; a guest makes one at a time. */
  onAbandoned(listener: () => void): void {
    this.#abandoned = listener;
  }

  abandon(): void {
    this.#abandoned?.();
  }

  get identity(): Identity | undefined {
    return completeIdentity(this.#envelope.identity);
  }
}

function decode(response: Uint8Array, timings: InvocationTimings): Outcome {
  try {
    return { ok: true, response: decodeResponseEnvelope(response), timings };
  } catch (thrown) {
    const error = new SandpoolError('SBX_RESPONSE_INVALID', { reason: reasonOf(thrown) }, { cause: thrown });
    return { ok: false, error, timings };
  }
}
