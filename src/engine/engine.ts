/**
 * Loads releases and runs invocations. What arrives as an envelope leaves as a response envelope or as an error; everything
 * between is slots, batches and threads.
 */
import { hostname } from 'node:os';
import { wallClock } from '../protocol/clock.js';
import { SandpoolError } from '../protocol/errors.js';
import type {
  Isolation,
  PostedRelease,
  Rehearsal,
  Rewrite,
  SandboxCounts,
  SandboxMessage,
  TaskPayload,
  Trim,
} from '../protocol/messages.js';
import { writerTurnsBuffer } from '../store/writer-turns.js';
import { limit } from './bounded.js';
import { createDispatch } from './dispatch.js';
import { createIdleThreads } from './idle-threads.js';
import { createInitialiser } from './initialise.js';
import { createInvoke, failed, type Invocation, NOT_STARTED, type Outcome, type Started } from './invoke.js';
import { createModules, type ModuleSource } from './modules.js';
import type { EngineOptions, EngineRelease, PluginLimits } from './options.js';
import { createPool, type EndOf, type Pool, type RunningTask } from './pool.js';
import { createQuarantine, type Quarantine, type QuarantineState, type TellEnd } from './quarantine.js';

export type { Invocation, InvocationTimings, Outcome, Started } from './invoke.js';
export type { EngineOptions, EngineRelease, PluginLimits, PluginLogLine } from './options.js';

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

/** Modules kept beside those of effective releases. */
const SPARE_MODULES = 16;
/** Longest time, in ms, to rewrite a module. */
const REWRITE_LIMIT_MS = 60_000;
/** A release that serves. */
interface Loaded {
  readonly release: EngineRelease;
  readonly posted: PostedRelease;
  readonly limits: PluginLimits;
  readonly quarantine: Quarantine;
  readonly isolation: IsolationState;
}

export function createEngine(options: EngineOptions): Engine {
  const { metrics } = options;
  // Slots follow one another, and their times need 8-byte alignment.
  const slotBytes = (options.pool.slotBytes + 7) & ~7;
  const effective = new Map<string, Loaded>();
  /** Whether a thread has compiled the rewriter, or is about to. */
  let hasRewritten = false;
  let pool: Pool | undefined;

  const modules = createModules(SPARE_MODULES, compile, {
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
  const initialise = createInitialiser({
    metrics,
    run: runBounded,
    onCounts,
    handOver: dispatch.handOver,
    warn,
    traceHostCalls: options.onHostCall !== undefined,
  });
  const { answerHostCall } = options;
  const startInvocation = createInvoke({ dispatch, metrics, answerHostCall });
  const idleThreads = createIdleThreads({ idleMs: options.instanceIdleMs, trim, now: () => performance.now() });
  metrics.watchEngine(() => ({ threads: pool?.threadCount() ?? 0, modules: modules.count(), ...dispatch.gauges() }));

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
        writerTurns: writerTurnsBuffer(),
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
    const { posted, failure } = await initialise(release, compiled, limits);
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
      now: wallClock,
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

  async function rehearse(): Promise<void> {
    if (hasRewritten) return;
    hasRewritten = true;
    // A thread that dies meanwhile has lost nothing.
    await runBounded<Rehearsal>({ rehearse: true }, REWRITE_LIMIT_MS).catch(() => {});
  }

  /** In a worker, because it takes a second for 20 MB. */
  async function compile(bytes: Uint8Array, maxPages: number, isResettable: boolean) {
    hasRewritten = true;
    const end = await runBounded<Rewrite>({ rewrite: bytes, maxPages, isResettable }, REWRITE_LIMIT_MS);
    if (end.error) throw SandpoolError.fromData(end.error);
    return { ...end, module: end.module as WebAssembly.Module, layout: end.layout };
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
    let endLimit = (): void => {};
    const kill = (): Promise<void> => task.kill();
    const task: RunningTask<EndOf<Payload>> = threads().run({
      choose: (idle) => idle[0] as number,
      payload(threadId) {
        endLimit = limit({ kill }, limitMs);
        return typeof payload === 'function' ? payload(threadId) : payload;
      },
    });
    return task.ended.finally(() => endLimit());
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
    // A rollback may come soon; a plugin that is off leaves nothing behind.
    if (keepChecksum === undefined) modules.drop(pluginId);
    else if (loaded.release.checksum !== keepChecksum) modules.unpin(sourceOf(loaded.release, loaded.limits));
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

function sourceOf(release: EngineRelease, limits: PluginLimits): ModuleSource {
  const { pluginId, checksum, readArtifact } = release;
  return {
    pluginId,
    checksum,
    readArtifact,
    memoryLimitMiB: limits.memoryLimitMiB,
    isResettable: limits.isolation === 'pristine',
  };
}
