/**
 * Loads releases and runs invocations. What arrives as an envelope leaves as a response envelope or as an error; everything
 * between is slots, batches and threads.
 */
import { hostname } from 'node:os';
import type { BridgeContract } from '../artifact/artifact.js';
import type { Grant } from '../grants/grant.js';
import type { Metrics } from '../metrics.js';
import type { CacheStamps } from '../protocol/cache.js';
import { encodeRequest, type RequestEnvelope } from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { WARM_UP_EXPORT } from '../protocol/guest-exports.js';
import type { Snapshot } from '../protocol/layout.js';
import type {
  HostCallTrace,
  Isolation,
  LogLevel,
  ObjectStorage,
  PostedRelease,
  Ready,
  Rehearsal,
  RewriteEnd,
  SandboxCounts,
  SandboxMessage,
  TaskPayload,
  Trim,
  WarmUp,
} from '../protocol/messages.js';
import type { Placement } from '../services/service.js';
import { createDispatch } from './dispatch.js';
import { createIdleThreads } from './idle-threads.js';
import {
  type AnswerHostCall,
  createInvoke,
  failed,
  type Invocation,
  NOT_STARTED,
  type Outcome,
  type Started,
} from './invoke.js';
import { type CompiledModule, createModules, type ModuleSource } from './modules.js';
import { createPool, type EndOf, type Pool, type RunningTask } from './pool.js';
import {
  createQuarantine,
  type Quarantine,
  type QuarantineSettings,
  type QuarantineState,
  type TellEnd,
} from './quarantine.js';

export type { Invocation, InvocationTimings, Outcome, Started } from './invoke.js';

/** A release as the engine needs it. */
export interface EngineRelease {
  readonly pluginId: string;
  readonly version: string;
  /** SHA-256 of the artifact file: key of every cache. */
  readonly checksum: string;
  readonly generation: number;
  readonly bridge?: BridgeContract;
  readonly grant: Grant;
  /** By path relative to `manifest/`. */
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  /** Requests that warm an instance up before its snapshot is taken. What it throws is told to the operator. */
  readonly warmUp?: (() => readonly RequestEnvelope[]) | undefined;
  /** Reads the artifact's bytes; called once per compile. */
  readonly readArtifact: () => Promise<Uint8Array>;
}

/** A release that could serve at once; nobody sees it before it is published. */
export interface PreparedRelease {
  /** Runs it, published or not. Never rejects. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Makes it the effective one of its plugin. What runs on the release before it, ends on that one. */
  publish(): void;
  /** Lets go of it, unless it is the effective one. */
  discard(): void;
}

export interface Engine {
  /**
   * Compiles a release and initialises it once in a worker, beside the one that serves.
   * @throws SBX_MODULE_INVALID
   */
  prepare(release: EngineRelease): Promise<PreparedRelease>;
  /**
   * Prepares and publishes a release.
   * @throws SBX_MODULE_INVALID; the plugin then keeps the release that it had.
   */
  load(release: EngineRelease): Promise<void>;
  /** Forgets a plugin's release; running invocations end on it. */
  unload(pluginId: string): void;
  /** Runs the effective release of a plugin; `end` is called once with the outcome, possibly before this returns. */
  start(invocation: Invocation, end: (outcome: Outcome) => void): Started;
  /** Runs the effective release of a plugin. Never rejects. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /** What a plugin's release runs in, and why not in what was asked for; undefined without a release. */
  isolationOf(pluginId: string): IsolationState | undefined;
  /** Since when, until when and why a plugin's release is kept away from the threads; undefined when it serves. */
  quarantineOf(pluginId: string): QuarantineState | undefined;
  /** Lets a plugin's release serve again at once. Whether it was in quarantine. */
  liftQuarantine(pluginId: string): boolean;
  /**
   * Gets a thread ready to rewrite a first release, which then takes half the time. Does nothing when a release was rewritten
   * already. Never rejects.
   */
  rehearse(): Promise<void>;
  /** Waits for running invocations up to `graceMs`, then ends every thread. */
  close(graceMs?: number): Promise<void>;
}

/** The isolation in force. */
export interface IsolationState {
  readonly isolation: Isolation;
  /** Why it is not the one that was configured, and what else the module does not allow, in words for the operator. */
  readonly reasons: readonly string[];
}

/** Settings of one plugin's sandbox. */
export interface PluginLimits {
  readonly isolation: Isolation;
  readonly deadlineMs: number;
  readonly memoryLimitMiB: number;
  readonly maxResponseBytes: number;
  readonly maxHostCalls: number;
  /** More are dropped and counted. */
  readonly logLinesPerSecond: number;
  readonly concurrency: number;
  readonly queue: number;
  readonly weight: number;
  /** Memory that instances have in reserve behind the snapshot, in MiB. */
  readonly memoryHeadroomMiB: number;
  /** Invocations that a kept instance serves before a new one takes its place; 0 for no limit. */
  readonly recycleAfter: number;
  /** Whether `data` shows a tenant only its own rows. */
  readonly tenantFilter: boolean;
}

export interface PluginLogLine {
  readonly pluginId: string;
  readonly level: LogLevel;
  readonly text: string;
  readonly stream: 'log' | 'stdout' | 'stderr';
}

export interface EngineOptions {
  readonly pool: {
    readonly minThreads: number;
    /** Processors that the threads of this process have, the main thread among them. */
    readonly processors: number;
    /** Threads that may compute at once. */
    readonly maxThreads: number;
    /** Further threads, as many as wait for the answer of a host call. */
    readonly maxWaitingThreads: number;
    readonly idleTimeoutMs: number;
    readonly maxQueue: number;
    readonly queueTimeoutMs: number;
    readonly batchSize: number;
    readonly slotBytes: number;
    readonly slots: number;
  };
  readonly limitsOf: (pluginId: string) => PluginLimits;
  readonly instanceBudgetMiB: number;
  /** Instances that a thread may keep. */
  readonly maxInstances: number;
  /** Time without an invocation after which a kept instance is freed. */
  readonly instanceIdleMs: number;
  readonly quarantine: QuarantineSettings;
  /** SQLite file of plugin state, or `:memory:`. */
  readonly stateFile: string;
  /** Where the databases of plugins are; without it they have none. */
  readonly dataDir?: string;
  /** Where stored objects are; without it nothing can be stored. */
  readonly storage?: ObjectStorage;
  readonly metrics: Metrics;
  readonly log: (line: PluginLogLine) => void;
  readonly answerHostCall: AnswerHostCall;
  /** With it, threads keep copies of cached values. */
  readonly cacheStamps?: CacheStamps | undefined;
  /** Where services are placed, when not where they say. */
  readonly placements?: Readonly<Record<string, Placement>>;
  /** Told of host calls that take so many ms or more; 0 for none. */
  readonly slowHostCalls?: { readonly fromMs: number; readonly tell: (call: HostCallTrace) => void };
  /** Told of each host call; costs a message per call. */
  readonly onHostCall?: (call: HostCallTrace) => void;
}

const BYTES_PER_MIB = 1024 * 1024;
/** Modules kept beside those of effective releases. */
const SPARE_MODULES = 16;
/** Longest time, in ms, to rewrite a module. */
const REWRITE_LIMIT_MS = 60_000;
/** More than an instance takes that begins with a snapshot, in ms, on a machine that is busy. */
const INSTANCE_MS = 1000;
/** Longest run of the request that has a release's code compiled, in ms. */
const REHEARSAL_MS = 50;
/** A guest may end by itself this long after its deadline, in ms, before its thread is killed. */
const KILL_GRACE_MS = 100;

/** A release that serves. */
interface Loaded {
  readonly release: EngineRelease;
  readonly posted: PostedRelease;
  readonly limits: PluginLimits;
  readonly quarantine: Quarantine;
  readonly isolation: IsolationState;
}

/** A release as it will run, and why it does not initialise, if it does not. */
interface Initialised {
  readonly posted: PostedRelease;
  readonly failure: readonly string[];
}

export function createEngine(options: EngineOptions): Engine {
  const { metrics } = options;
  // Slots follow one another, and their times need 8-byte alignment.
  const slotBytes = (options.pool.slotBytes + 7) & ~7;
  const effective = new Map<string, Loaded>();
  let lastKey = 0;
  /** Whether a thread has compiled the rewriter, or is about to. */
  let hasRewritten = false;
  let pool: Pool | undefined;

  const modules = createModules(SPARE_MODULES, rewrite, {
    hit: () => metrics.cache('modules', 'hit'),
    miss: () => metrics.cache('modules', 'miss'),
    evicted: () => metrics.cache('modules', 'eviction'),
    compiled({ rewriteMs, compileMs }) {
      metrics.loaded('rewrite', rewriteMs / 1000);
      metrics.loaded('compile', compileMs / 1000);
    },
  });
  const dispatch = createDispatch({
    slotCount: options.pool.slots,
    slotBytes,
    batchSize: options.pool.batchSize,
    processors: options.pool.processors,
    maxThreads: options.pool.maxThreads,
    maxWaitingThreads: options.pool.maxWaitingThreads,
    maxQueue: options.pool.maxQueue,
    queueTimeoutMs: options.pool.queueTimeoutMs,
    limitsOf: options.limitsOf,
    run: (task) => threads().run(task),
    onCounts,
    onDeath: () => metrics.workerReplaced('died'),
    onKill(pluginId) {
      metrics.deadlineKill(pluginId);
      metrics.workerReplaced('deadline');
    },
  });
  const { answerHostCall } = options;
  const startInvocation = createInvoke({ dispatch, metrics, answerHostCall });
  const idleThreads = createIdleThreads({ idleMs: options.instanceIdleMs, trim, now: () => performance.now() });
  metrics.watchEngine(() => ({ threads: pool?.threadCount() ?? 0, ...dispatch.gauges() }));

  return {
    prepare,
    load,
    unload,
    start,
    invoke: (invocation) => new Promise((resolve) => void start(invocation, resolve)),
    isolationOf: (pluginId) => effective.get(pluginId)?.isolation,
    quarantineOf: (pluginId) => effective.get(pluginId)?.quarantine.state(),
    liftQuarantine: (pluginId) => effective.get(pluginId)?.quarantine.lift() ?? false,
    rehearse,
    close,
  };

  function threads(): Pool {
    pool ??= createPool({
      setup: {
        table: dispatch.table.buffer,
        slotBytes,
        feeds: dispatch.feeds.buffer,
        feedCapacity: dispatch.feeds.capacity,
        nodeName: hostname(),
        stateFile: options.stateFile,
        dataDir: options.dataDir,
        storage: options.storage,
        instanceBudgetMiB: options.instanceBudgetMiB,
        maxInstances: options.maxInstances,
        instanceIdleMs: options.instanceIdleMs,
        cacheStamps: options.cacheStamps,
        slowHostCallMs: options.slowHostCalls?.fromMs || Number.POSITIVE_INFINITY,
        placements: options.placements ?? {},
      },
      minThreads: options.pool.minThreads,
      maxThreads: options.pool.maxThreads + options.pool.maxWaitingThreads,
      idleTimeoutMs: options.pool.idleTimeoutMs,
      onMessage,
      onThreadGone(threadId) {
        dispatch.forgetThread(threadId);
        idleThreads.gone(threadId);
        metrics.threadGone(threadId);
      },
    });
    return pool;
  }

  function onCounts(threadId: number, counts: SandboxCounts): void {
    idleThreads.ended(threadId, counts.live + (counts.connections ?? 0));
    metrics.sandbox(threadId, counts);
  }

  /** Any thread may get the task: it frees what is idle and nothing else. A thread that dies meanwhile has nothing to free. */
  function trim(threadId: number): void {
    const choose = (idle: readonly number[]) => (idle.includes(threadId) ? threadId : (idle[0] as number));
    const task = threads().run<Trim>({ choose, payload: () => ({ trim: true }) });
    task.ended.then(
      (end) => onCounts(end.threadId, end.counts),
      () => {},
    );
  }

  function onMessage(message: SandboxMessage): void {
    if (message.kind === 'log') options.log(message);
    else if (message.kind === 'host-call') options.onHostCall?.(message.call);
    else if (message.kind === 'slow-host-call') options.slowHostCalls?.tell(message.call);
    else {
      metrics.droppedLogLines(message.pluginId, message.lines);
      const text = `${message.lines} log lines dropped: more than ${options.limitsOf(message.pluginId).logLinesPerSecond} per second`;
      warn(message.pluginId, text);
    }
  }

  // ---- releases ----------------------------------------------------------------------------------------------------------

  async function prepare(release: EngineRelease): Promise<PreparedRelease> {
    const limits = options.limitsOf(release.pluginId);
    const source = sourceOf(release, limits);
    const compiled = await modules.get(source);
    const { posted, failure } = await initialise(release, describe(release, compiled, limits), limits.deadlineMs);
    await makeReady(posted, limits.deadlineMs);
    const isolation = { isolation: posted.isolation, reasons: [...compiled.reasons, ...failure] };
    const loaded = { release, posted, limits, isolation, quarantine: quarantineFor(release) };
    return {
      invoke: (invocation) => new Promise((resolve) => void startRelease(loaded, invocation, resolve)),
      publish() {
        modules.pin(source);
        unload(release.pluginId, release.checksum);
        tellIsolation(release.pluginId, isolation, limits);
        effective.set(release.pluginId, loaded);
      },
      discard() {
        if (effective.get(release.pluginId) !== loaded) dispatch.forgetRelease(posted.key);
      },
    };
  }

  function quarantineFor({ pluginId }: EngineRelease): Quarantine {
    return createQuarantine({
      pluginId,
      settings: options.quarantine,
      now: () => performance.timeOrigin + performance.now(),
      onChange(state) {
        metrics.quarantine(pluginId, state !== undefined);
        if (state === undefined) options.log({ pluginId, level: 'info', text: 'out of quarantine', stream: 'log' });
        else {
          const { failures, lastCode, until } = state;
          const text = `in quarantine until ${new Date(until).toISOString()}: ${failures} failures, the last ${lastCode}`;
          options.log({ pluginId, level: 'error', text, stream: 'log' });
        }
      },
    });
  }

  async function load(release: EngineRelease): Promise<void> {
    const prepared = await prepare(release);
    prepared.publish();
  }

  function describe(release: EngineRelease, compiled: CompiledModule, limits: PluginLimits): PostedRelease {
    lastKey += 1;
    return {
      key: lastKey,
      pluginId: release.pluginId,
      checksum: release.checksum,
      module: compiled.module,
      layout: compiled.layout,
      allocExport: release.bridge?.allocExport ?? '',
      executeExport: release.bridge?.executeExport ?? '',
      isolation: limits.isolation === 'pristine' && !compiled.isResettable ? 'fresh' : limits.isolation,
      grantedServices: release.grant.services,
      tenantFilter: limits.tenantFilter,
      manifestResources: release.manifestResources,
      memoryLimitMiB: limits.memoryLimitMiB,
      maxResponseBytes: limits.maxResponseBytes,
      maxHostCalls: limits.maxHostCalls,
      headroomBytes: limits.memoryHeadroomMiB * BYTES_PER_MIB,
      recycleAfter: limits.recycleAfter,
      logLinesPerSecond: limits.logLinesPerSecond,
      traceHostCalls: options.onHostCall !== undefined,
    };
  }

  async function rehearse(): Promise<void> {
    if (hasRewritten) return;
    hasRewritten = true;
    // A thread that dies meanwhile has lost nothing.
    await runBounded<Rehearsal>({ rehearse: true }, REWRITE_LIMIT_MS).catch(() => {});
  }

  /** In a worker, because it takes a second for 20 MB. */
  async function rewrite(bytes: Uint8Array, maxPages: number, isResettable: boolean): Promise<RewriteEnd> {
    hasRewritten = true;
    const end = await runBounded({ rewrite: bytes, maxPages, isResettable }, REWRITE_LIMIT_MS);
    if (end.error) throw SandpoolError.fromData(end.error);
    return end;
  }

  /**
   * Initialises an instance once, for its snapshot, and because compiled code belongs to the module, whichever thread made it:
   * the first instance in every other thread is faster for it. It happens in a worker and not here, because a guest may loop or
   * exhaust the stack in it. A guest that fails in it is published all the same and fails each request with its code, as on
   * the reference host.
   */
  async function initialise(release: EngineRelease, posted: PostedRelease, deadlineMs: number): Promise<Initialised> {
    if (posted.executeExport === '') return { posted, failure: [] };
    const startedAt = performance.now();
    try {
      return { posted: { ...posted, snapshot: await snapshotOf(release, posted, deadlineMs) }, failure: [] };
    } catch (thrown) {
      const reason = `the release does not initialise: ${reasonOf(thrown)}`;
      return { posted: { ...posted, isolation: 'fresh' }, failure: [reason] };
    } finally {
      metrics.loaded('warm', (performance.now() - startedAt) / 1000);
    }
  }

  /** With the warm-up, if there is one. Of one that fails nothing remains but a warning: the instance is initialised anew. */
  async function snapshotOf(release: EngineRelease, posted: PostedRelease, deadlineMs: number) {
    if (!hasWarmUp(release, posted)) return initialiseOnce({ warmUp: posted, deadlineMs });
    try {
      const requests = (release.warmUp?.() ?? []).map(encodeRequest);
      return await initialiseOnce({ warmUp: posted, deadlineMs, requests });
    } catch (thrown) {
      const snapshot = await initialiseOnce({ warmUp: posted, deadlineMs });
      warn(posted.pluginId, `requests find the state after the initialisation, not warmed up: ${reasonOf(thrown)}`);
      return snapshot;
    }
  }

  async function initialiseOnce(task: WarmUp): Promise<Snapshot | undefined> {
    const limitMs = task.requests === undefined ? task.deadlineMs : 2 * task.deadlineMs;
    const end = await runBounded(task, limitMs + KILL_GRACE_MS);
    onCounts(end.threadId, end.counts);
    if (end.error) throw SandpoolError.fromData(end.error);
    return end.snapshot;
  }

  /** The first request finds an instance, and compiled code. A thread that dies meanwhile costs it no more than that. */
  async function makeReady(posted: PostedRelease, deadlineMs: number): Promise<void> {
    if (posted.executeExport === '' || posted.isolation === 'fresh') return;
    const rehearsal = { rehearsal: encodeRequest(requestForNothing(posted)), deadlineMs: REHEARSAL_MS };
    const task = (threadId: number): Ready => ({
      ready: posted.key,
      ...rehearsal,
      ...dispatch.handOver(threadId, posted),
    });
    const instanceMs = posted.snapshot ? INSTANCE_MS : deadlineMs;
    await runBounded(task, REHEARSAL_MS + instanceMs + KILL_GRACE_MS).then(
      (end) => onCounts(end.threadId, end.counts),
      () => {},
    );
  }

  function tellIsolation(pluginId: string, { isolation, reasons }: IsolationState, limits: PluginLimits): void {
    metrics.isolation(pluginId, isolation, reasons);
    if (reasons.length === 0) return;
    const what = isolation === limits.isolation ? '' : `runs ${isolation} instead of ${limits.isolation}: `;
    warn(pluginId, `${what}${reasons.join('; ')}`);
  }

  /** Runs a task on any thread and kills that one when the task takes too long. */
  function runBounded<Payload extends TaskPayload>(
    payload: Payload | ((threadId: number) => Payload),
    limitMs: number,
  ): Promise<EndOf<Payload>> {
    let timer: NodeJS.Timeout | undefined;
    const task: RunningTask<EndOf<Payload>> = threads().run({
      choose: (idle) => idle[0] as number,
      payload(threadId) {
        timer = setTimeout(() => void task.kill(), limitMs);
        return typeof payload === 'function' ? payload(threadId) : payload;
      },
    });
    return task.ended.finally(() => clearTimeout(timer));
  }

  function warn(pluginId: string, text: string): void {
    options.log({ pluginId, level: 'warn', text, stream: 'log' });
  }

  function unload(pluginId: string, keepChecksum?: string): void {
    const loaded = effective.get(pluginId);
    if (loaded === undefined) return;
    effective.delete(pluginId);
    if (loaded.quarantine.state()) metrics.quarantine(pluginId, false);
    metrics.isolation(pluginId, undefined, []);
    dispatch.forgetRelease(loaded.posted.key);
    if (loaded.release.checksum !== keepChecksum) modules.unpin(sourceOf(loaded.release, loaded.limits));
  }

  // ---- invocations -------------------------------------------------------------------------------------------------------

  function start(invocation: Invocation, end: (outcome: Outcome) => void): Started {
    const loaded = effective.get(invocation.pluginId);
    if (loaded) return startRelease(loaded, invocation, end);
    end(failed(new SandpoolError('SBX_RELEASE_NOT_LOADED', { pluginId: invocation.pluginId })));
    return NOT_STARTED;
  }

  function startRelease(loaded: Loaded, invocation: Invocation, end: (outcome: Outcome) => void): Started {
    const tellEnd =
      loaded.posted.executeExport === '' ? new SandpoolError('SBX_BRIDGE_MISSING') : admit(loaded, invocation);
    if (tellEnd instanceof SandpoolError) {
      end(failed(tellEnd));
      return NOT_STARTED;
    }
    return startInvocation(loaded, invocation, (outcome) => {
      tellEnd(outcome.ok ? undefined : outcome.error);
      end(outcome);
    });
  }

  /** Lifecycle callbacks always run: a plugin in quarantine can be disabled, upgraded and removed. */
  function admit({ quarantine, release }: Loaded, { executionSource }: Invocation): TellEnd | SandpoolError {
    if (executionSource === 'lifecycle') return () => {};
    try {
      return quarantine.admit();
    } catch (thrown) {
      metrics.quarantineRefusal(release.pluginId);
      return thrown as SandpoolError;
    }
  }

  // ---- end ---------------------------------------------------------------------------------------------------------------

  async function close(graceMs = 0): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([dispatch.drained(), grace]);
    clearTimeout(timer);
    idleThreads.close();
    dispatch.close();
    await pool?.close();
  }
}

/** No route has it, and nobody asks. */
function requestForNothing({ pluginId }: PostedRelease): RequestEnvelope {
  const paths = { method: 'GET', publicPath: `/x/${pluginId}/`, internalPath: '/' };
  return {
    pluginId,
    route: { ...paths, routePath: '/' },
    request: { ...paths, rawPath: paths.publicPath },
    requestId: `${pluginId}:rehearsal`,
  };
}

function sourceOf(release: EngineRelease, limits: PluginLimits): ModuleSource {
  const { checksum, readArtifact } = release;
  return {
    checksum,
    readArtifact,
    memoryLimitMiB: limits.memoryLimitMiB,
    isResettable: limits.isolation === 'pristine',
  };
}

function hasWarmUp({ warmUp }: EngineRelease, { module }: PostedRelease): boolean {
  return warmUp !== undefined || WebAssembly.Module.exports(module).some(({ name }) => name === WARM_UP_EXPORT);
}
