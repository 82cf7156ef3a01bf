/**
 * The releases and instances of this thread: which release a slot names, whether an instance of it is kept, and how the host
 * calls of what runs are answered.
 */
import { compileGrant } from '../grants/authorize.js';
import { wallClock } from '../protocol/clock.js';
import { SandpoolError } from '../protocol/errors.js';
import { decodeHostCallResponse, type HostCallRequest, type HostCallResponse } from '../protocol/host-call.js';
import type { Snapshot } from '../protocol/layout.js';
import type { ObjectStorage, PostedRelease, SandboxMessage, SandboxSetup } from '../protocol/messages.js';
import { callOverSlot, type Slot, type SlotTable, setBlocking, type TakenRequest } from '../protocol/slot.js';
import {
  type AllowedCall,
  answerInWorker,
  createOpener,
  type HostCallAnswer,
  type OpenCall,
  type OpenedCall,
  refuseHostCall,
} from '../services/answer.js';
import { createServices } from '../services/index.js';
import { type LockStore, openLockStore } from '../store/locks.js';
import { type Objects, openObjects } from '../store/objects.js';
import { createPluginDatabases } from '../store/plugin-databases.js';
import { openStateStore, type StateStore } from '../store/state.js';
import { denialText, traceOf } from './call-trace.js';
import { InvocationContext } from './context.js';
import type { Counts, Discard } from './counts.js';
import { createInstance, type Instance, type Invocation, type RequestPlace } from './instance.js';
import { createKept } from './kept.js';
import { createPluginLog, type PluginLog } from './log.js';

const MIB = 1024 * 1024;
/** How often idle instances are looked for, as a part of the idle time. */
const TRIM_PART = 0.25;
/** The status of a host call that its grant does not allow. */
const DENIED = 1;
const NO_RESPONSE: HostCallResponse = { status: 0, payload: new Uint8Array(0) };

/** V8 compiles a function for its first call, and better what is called again and again. */
const REHEARSED_TIMES = 16;
const NO_LOG: PluginLog = { line() {}, settle() {} };

/** What runs now, with the slot that it came in. */
export interface SlotInvocation extends Invocation {
  readonly slot: Slot;
  readonly request: TakenRequest;
}

export interface Instances {
  load(releases: readonly PostedRelease[]): void;
  forget(keys: readonly number[]): void;
  /**
   * Initialises a release once and, if there are requests (an empty list will do), warms it up, both without a context for host
   * calls; gives its snapshot. @throws SandpoolError
   */
  warmUp(release: PostedRelease, deadlineMs: number, requests: readonly Uint8Array[] | undefined): Snapshot | undefined;
  /**
   * Keeps an instance of a loaded release for the first invocation, when instances are kept. Another one takes some requests before,
   * a few times each, so that V8 has compiled what is on their way; whatever it does is without effect, and nobody is told.
   * `deadlineMs` bounds all of that.
   */
  makeReady(key: number, rehearsals: readonly Uint8Array[], deadlineMs: number): void;
  /** Runs an invocation. The response is a view that is valid until `settle`. @throws SandpoolError */
  run(invocation: SlotInvocation): Uint8Array;
  /** Makes what has run ready for the next invocation; to be called once the response has been copied. */
  settle(): void;
  /** Frees instances that nobody has asked for within the idle time; looks only every so often. */
  trim(): void;
  /** Instances kept now. */
  live(): number;
  /** Connections to databases of plugins that are open now. */
  connections(): number;
}

export interface InstancesOptions {
  readonly setup: SandboxSetup;
  readonly table: SlotTable;
  readonly counts: Counts;
  readonly post: (message: SandboxMessage) => void;
  readonly now: () => number;
}

/** A release as this thread uses it. */
interface Loaded {
  readonly release: PostedRelease;
  readonly open: OpenCall;
  readonly log: PluginLog;
}

export function createInstances(options: InstancesOptions): Instances {
  const { setup, counts, post, now } = options;
  const releases = new Map<number, Loaded>();
  const logs = new Map<string, PluginLog>();
  const kept = createKept({
    budgetBytes: setup.instanceBudgetMiB * MIB,
    maxInstances: setup.maxInstances,
    idleMs: setup.instanceIdleMs,
    discarded: counts.discarded,
    now,
    random: Math.random,
  });
  let trimmedAt = now();
  let state: StateStore | undefined;
  let locks: LockStore | undefined;
  const databases = createPluginDatabases({
    dataDir: setup.dataDir,
    writerTurns: setup.writerTurns,
    idleMs: setup.instanceIdleMs,
    now,
  });
  /** Made at the first host call of an invocation, for all of them. */
  let context: InvocationContext | undefined;
  let contextFor: SlotInvocation | undefined;
  /** When the call that is asked began to wait for the host; undefined when it did not. */
  let leftAt: number | undefined;
  /** What has run and is not settled. */
  let used: { readonly instance: Instance; hasFailed: boolean } | undefined;
  const services = createServices(
    {
      nodeName: setup.nodeName,
      now,
      state() {
        state ??= openStateStore(setup.stateFile);
        return state;
      },
      locks() {
        locks ??= openLockStore(setup.stateFile);
        return locks;
      },
      databases: () => databases,
      objects: setup.storage && objectsIn(setup.storage),
      log: (line) => logs.get(line.pluginId)?.line(line.level, line.text, 'log'),
      // Whoever needs these is placed on the host.
      hostConfig: unreachable,
      pluginConfig: unreachable,
      cache: unreachable,
      cacheStamps: setup.cacheStamps,
      countCached: counts.cached,
    },
    { placements: setup.placements },
  );

  return {
    load(posted) {
      for (const release of posted) releases.set(release.key, prepare(release));
    },
    forget(keys) {
      for (const key of keys) {
        if (kept.drop(key)) counts.discarded('forgotten');
        const known = releases.get(key);
        if (known) databases.forget(known.release.pluginId);
        releases.delete(key);
      }
    },
    warmUp(release, deadlineMs, requests) {
      const instance = create(prepare(release), limitedTo(deadlineMs));
      counts.discarded('fresh');
      if (requests) instance.warmUp(requests, limitedTo(deadlineMs));
      return release.isolation === 'pristine' ? instance.takeSnapshot() : undefined;
    },
    makeReady(key, rehearsals, deadlineMs) {
      const loaded = releases.get(key);
      if (loaded === undefined || loaded.release.isolation === 'fresh' || kept.get(key)) return;
      rehearse(loaded.release, rehearsals, limitedTo(deadlineMs));
      kept.keep(key, create(loaded, limitedTo(deadlineMs)), 0);
    },
    run,
    settle,
    trim() {
      if (now() - trimmedAt < setup.instanceIdleMs * TRIM_PART) return;
      trimmedAt = now();
      kept.freeIdle();
      databases.freeIdle();
    },
    live: kept.count,
    connections: databases.count,
  };

  /** Only a guest that looks at the deadline by itself: no other can be stopped from this thread. */
  function rehearse(release: PostedRelease, requests: readonly Uint8Array[], invocation: Invocation): void {
    if (release.layout?.fuelGlobal === undefined) return;
    const refuse = () => refuseHostCall(4, 'host call context not available');
    try {
      const instance = createInstance(release, { log: NO_LOG, now, answer: refuse }, invocation);
      for (const request of Array(REHEARSED_TIMES).fill(requests).flat()) {
        if (now() >= invocation.deadlineAt) return;
        attempt(instance, request, invocation);
        if (!instance.reset()) return;
      }
    } catch {
      // Whoever asks first is told why there is no instance.
    }
  }

  /** A guest may fail a request for nothing; it is the compiled code that counts. */
  function attempt(instance: Instance, request: Uint8Array, invocation: Invocation): void {
    try {
      instance.run(request, { ...invocation, failure: undefined });
    } catch {}
  }

  function limitedTo(deadlineMs: number): Invocation {
    return { deadlineAt: now() + deadlineMs, deadlineMs, hostCalls: 0, failure: undefined };
  }

  function prepare(release: PostedRelease): Loaded {
    let log = logs.get(release.pluginId);
    if (log === undefined) {
      log = createPluginLog(release.pluginId, release.logLinesPerSecond, post, now);
      logs.set(release.pluginId, log);
    }
    const { pluginId, grantedServices } = release;
    const authorize = compileGrant({ pluginId, services: grantedServices });
    return { release, log, open: createOpener(services, authorize) };
  }

  function run(invocation: SlotInvocation): Uint8Array {
    const { releaseKey, bytes } = invocation.request;
    const loaded = releases.get(releaseKey);
    if (loaded === undefined)
      throw new SandpoolError('SBX_INTERNAL', { reason: `release ${releaseKey} was not posted` });
    const instance = take(loaded, invocation);
    used = { instance, hasFailed: true };
    const response = instance.run(bytes, invocation);
    used.hasFailed = false;
    return response;
  }

  function take(loaded: Loaded, invocation: SlotInvocation): Instance {
    const known = kept.get(loaded.release.key);
    if (known) counts.reused();
    return known ?? create(loaded, invocation);
  }

  function settle(): void {
    if (used === undefined) return;
    const { instance, hasFailed } = used;
    const { key, pluginId } = instance.release;
    used = undefined;
    logs.get(pluginId)?.settle();
    const discard = reasonToDiscard(instance, hasFailed);
    if (discard === undefined) {
      kept.keep(key, instance);
      return;
    }
    kept.drop(key);
    counts.discarded(discard);
  }

  /** A reset undoes failures too; only what it cannot hide from the guest is a reason to begin anew. */
  function reasonToDiscard(instance: Instance, hasFailed: boolean): Discard | undefined {
    const report = instance.reset();
    if (report) {
      counts.reset(report.dirtyPages);
      return report.hasGrown ? 'grown' : undefined;
    }
    if (hasFailed) return 'failed';
    return instance.release.isolation === 'warm' ? undefined : 'fresh';
  }

  function create(loaded: Loaded, invocation: Invocation | SlotInvocation): Instance {
    const host = { log: loaded.log, now, answer: answerer(loaded) };
    const instance = withRoom(() => createInstance(loaded.release, host, invocation));
    counts.created();
    return instance;
  }

  /** The engine has collected its garbage before it says that there is no memory; what is kept is all that is left to give. */
  function withRoom(make: () => Instance): Instance {
    try {
      return make();
    } catch (thrown) {
      if (!(thrown instanceof SandpoolError) || thrown.code !== 'SBX_NO_INSTANCE_MEMORY') throw thrown;
      if (kept.makeRoom() === 0) throw thrown;
      return make();
    }
  }

  // ---- host calls --------------------------------------------------------------------------------------------------------

  function answerer(loaded: Loaded) {
    return (opcode: number, request: RequestPlace | undefined, invocation: Invocation): HostCallResponse => {
      if (!isInSlot(invocation)) return refuseHostCall(4, 'host call context not available');
      if (request === undefined) return refuseHostCall(4, 'failed to read host call request from guest memory');
      const opened = loaded.open(opcode, request.bytes, request.start, request.end);
      const startedAt = isTimed(loaded.release, opened) ? now() : undefined;
      if (startedAt !== undefined && startedAt > invocation.deadlineAt) return expire(invocation);
      leftAt = undefined;
      const answered = ask(loaded.release, opened, request, invocation);
      const since = startedAt ?? leftAt;
      const ms = since === undefined ? undefined : now() - since;
      if (answered) count(answered, ms, startedAt !== undefined);
      if (ms !== undefined) tell(loaded.release, opened, request, answered, ms);
      if (answered?.status === DENIED && opened.call) tellDenial(loaded, opened.call, answered, invocation);
      return answered ?? expire(invocation);
    };
  }

  /** A look at the clock costs as much as a quick call; the deadline is looked at when it is taken anyway. */
  function isTimed({ traceHostCalls }: PostedRelease, { method }: OpenedCall): boolean {
    if (traceHostCalls || method === undefined || method.mayWait) return true;
    return counts.method(method.service, method.method).isDue();
  }

  /** @param isDue whether it was to be timed from the beginning, or is a call for which there was no copy in this thread */
  function count({ service, method, status }: HostCallAnswer, ms: number | undefined, isDue: boolean): void {
    const counted = counts.method(service, method);
    if (isDue || ms === undefined) counted.add(status, ms);
    else counted.addApart(status, ms);
  }

  /** The instance ends the guest when it sees the failure. */
  function expire(invocation: Invocation): HostCallResponse {
    invocation.failure = new SandpoolError('SBX_DEADLINE', { deadlineMs: invocation.deadlineMs });
    return NO_RESPONSE;
  }

  /** Here when the service is placed here, else over the slot; undefined when the deadline came first. */
  function ask(
    release: PostedRelease,
    opened: OpenedCall,
    request: RequestPlace,
    invocation: SlotInvocation,
  ): HostCallAnswer | undefined {
    const blocks = opened.method?.blocks === true && opened.method.placement === 'worker';
    if (blocks) setBlocking(invocation.slot, true);
    const answered = answerInWorker(services, opened, contextOf(release, invocation));
    if (blocks) setBlocking(invocation.slot, false);
    if (answered || opened.method === undefined) return answered;
    const bytes = request.bytes.subarray(request.start, request.end);
    leftAt = now();
    const response = callOverSlot(options.table, invocation.slot, bytes, invocation.deadlineAt, now);
    if (response === undefined) return undefined;
    const remote = describeRemote(opened, response);
    opened.method.copies?.keep(remote);
    return remote;
  }

  function contextOf(release: PostedRelease, invocation: SlotInvocation): InvocationContext {
    if (context === undefined || contextFor !== invocation) {
      context = new InvocationContext(release, invocation.request, invocation.deadlineAt);
      contextFor = invocation;
    }
    return context;
  }

  function tell(
    { pluginId, traceHostCalls }: PostedRelease,
    opened: OpenedCall,
    request: RequestPlace,
    answered: HostCallAnswer | undefined,
    ms: number,
  ): void {
    const isSlow = ms >= setup.slowHostCallMs;
    if (!isSlow && !traceHostCalls) return;
    const call = traceOf({ pluginId, opened, requestBytes: request.end - request.start, answered, ms });
    if (traceHostCalls) post({ kind: 'host-call', call });
    if (isSlow) post({ kind: 'slow-host-call', call });
  }

  /** One of the plugin's own lines: a guest that asks for what it may not have all the time is not to fill the log. */
  function tellDenial(
    { release, log }: Loaded,
    call: HostCallRequest,
    denied: HostCallAnswer,
    invocation: SlotInvocation,
  ): void {
    log.line('warn', denialText(call, denied, contextOf(release, invocation).requestId), 'log');
  }
}

function isInSlot(invocation: Invocation): invocation is SlotInvocation {
  return 'slot' in invocation;
}

/** Only methods that are registered get as far as the main thread, so their names are fit for metrics. */
function describeRemote(
  { call: { resourceRef }, method: { service, method } }: AllowedCall,
  response: Uint8Array,
): HostCallAnswer {
  return { ...decodeHostCallResponse(response), service, method, resourceRef };
}

/** Opened at the first call: most threads run plugins that store nothing. */
function objectsIn(storage: ObjectStorage): () => Objects {
  let objects: Objects | undefined;
  return () => {
    objects ??= openObjects({ ...storage, now: wallClock });
    return objects;
  };
}

function unreachable(): never {
  throw new SandpoolError('SBX_INTERNAL', { reason: 'this service needs the main thread' });
}
