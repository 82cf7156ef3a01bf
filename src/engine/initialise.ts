/**
 * From a compiled module to a release that can be posted to threads: with the snapshot that its instances begin with, and an instance
 * that is ready for the first request.
 */
import type { Metrics } from '../metrics.js';
import { encodeRequest, type RequestEnvelope } from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { WARM_UP_EXPORT } from '../protocol/guest-exports.js';
import type { Snapshot } from '../protocol/layout.js';
import type { PostedRelease, Ready, SandboxCounts, TaskPayload, WarmUp } from '../protocol/messages.js';
import type { Dispatch } from './dispatch.js';
import type { CompiledModule } from './modules.js';
import type { EngineRelease, PluginLimits } from './options.js';
import type { EndOf } from './pool.js';

/** A release as it will run, and why it does not initialise, if it does not. */
export interface Initialised {
  readonly posted: PostedRelease;
  readonly failure: readonly string[];
}

export interface InitialiserOptions {
  readonly metrics: Pick<Metrics, 'loaded'>;
  /** Runs a task on any thread and kills that one when the task takes too long. */
  readonly run: <Payload extends TaskPayload>(
    payload: Payload | ((threadId: number) => Payload),
    limitMs: number,
  ) => Promise<EndOf<Payload>>;
  readonly onCounts: (threadId: number, counts: SandboxCounts) => void;
  readonly handOver: Dispatch['handOver'];
  readonly warn: (pluginId: string, text: string) => void;
  /** Whether the main thread is told of each host call. */
  readonly traceHostCalls: boolean;
}

/**
 * Initialises an instance once, for its snapshot, and because compiled code belongs to the module, whichever thread made it: the
 * first instance in every other thread is faster for it. It happens in a worker and not here, because a guest may loop or exhaust
 * the stack in it. A guest that fails in it can be published all the same and fails each request with its code, as on the
 * reference host. Never rejects.
 */
export type Initialise = (
  release: EngineRelease,
  compiled: CompiledModule,
  limits: PluginLimits,
) => Promise<Initialised>;

const BYTES_PER_MIB = 1024 * 1024;
/** More than an instance takes that begins with a snapshot, in ms, on a machine that is busy. */
const INSTANCE_MS = 3000;
/** Longest run of the requests that have a release's code compiled, in ms. */
const REHEARSAL_MS = 50;
/** A guest that looks at the deadline by itself has this long, in ms, before its thread is killed: a busy machine may hold it up. */
const FUEL_GRACE_MS = 3000;
/** The same for a guest that does not look. */
const KILL_GRACE_MS = 100;

export function createInitialiser(options: InitialiserOptions): Initialise {
  const { metrics, run, onCounts, warn } = options;
  let lastKey = 0;

  return async (release, compiled, limits) => {
    lastKey += 1;
    const bare = describe(release, compiled, limits, { key: lastKey, traceHostCalls: options.traceHostCalls });
    if (bare.executeExport === '') return { posted: bare, failure: [] };
    const initialised = await initialise(release, bare, limits.deadlineMs);
    if (initialised.posted.isolation !== 'fresh') await makeReady(release, initialised.posted, limits.deadlineMs);
    return initialised;
  };

  async function initialise(release: EngineRelease, posted: PostedRelease, deadlineMs: number): Promise<Initialised> {
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
    const end = await run(task, limitMs + graceMs(task.warmUp));
    onCounts(end.threadId, end.counts);
    if (end.error) throw SandpoolError.fromData(end.error);
    return end.snapshot;
  }

  /** The first request finds an instance, and compiled code. A thread that dies meanwhile costs it no more than that. */
  async function makeReady(release: EngineRelease, posted: PostedRelease, deadlineMs: number): Promise<void> {
    const rehearsals = rehearsalsOf(release).map(encodeRequest);
    const task = (threadId: number): Ready => ({
      ready: posted.key,
      rehearsals,
      deadlineMs: REHEARSAL_MS,
      ...options.handOver(threadId, posted),
    });
    const instanceMs = posted.snapshot ? INSTANCE_MS : deadlineMs;
    await run(task, REHEARSAL_MS + instanceMs + KILL_GRACE_MS).then(
      (end) => onCounts(end.threadId, end.counts),
      () => {},
    );
  }
}

function graceMs({ layout }: PostedRelease): number {
  return layout?.fuelGlobal === undefined ? KILL_GRACE_MS : FUEL_GRACE_MS;
}

function describe(
  release: EngineRelease,
  compiled: CompiledModule,
  limits: PluginLimits,
  of: Pick<PostedRelease, 'key' | 'traceHostCalls'>,
): PostedRelease {
  return {
    ...of,
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
  };
}

function hasWarmUp({ warmUp }: EngineRelease, { module }: PostedRelease): boolean {
  return warmUp !== undefined || WebAssembly.Module.exports(module).some(({ name }) => name === WARM_UP_EXPORT);
}

/** Those of a release; without any, one that no route has. */
function rehearsalsOf({ pluginId, rehearsals }: EngineRelease): RequestEnvelope[] {
  const requestId = `${pluginId}:rehearsal`;
  const requests = rehearsals?.().map((request) => ({ ...request, requestId })) ?? [];
  if (requests.length > 0) return requests;
  const paths = { method: 'GET', publicPath: `/x/${pluginId}/`, internalPath: '/' };
  const request = { ...paths, rawPath: paths.publicPath };
  return [{ pluginId, route: { ...paths, routePath: '/' }, request, requestId }];
}
