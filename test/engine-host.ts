/** An engine on its own, for tests: releases from modules, host calls answered by the real services. */
import {
  createEngine,
  type Engine,
  type EngineOptions,
  type Outcome,
  type PluginLimits,
} from '../src/engine/engine.js';
import { compileGrant } from '../src/grants/authorize.js';
import { grantAll } from '../src/grants/grant.js';
import { createMetrics, type Metrics } from '../src/metrics.js';
import type { RequestEnvelope } from '../src/protocol/envelope.js';
import type { GrantedService } from '../src/protocol/grant.js';
import { answerOnHost } from '../src/services/answer.js';
import { createMemoryCache } from '../src/services/cache/memory.js';
import { createServices } from '../src/services/index.js';
import type { ServiceEnvironment } from '../src/services/service.js';
import { openLockStore } from '../src/store/locks.js';
import { createPluginDatabases } from '../src/store/plugin-databases.js';
import { openStateStore } from '../src/store/state.js';

export interface EngineHost {
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly logs: { pluginId: string; level: string; text: string; stream: string }[];
  /** Loads a module as plugin `id`, granted what is given. */
  load(id: string, module: Uint8Array, parts?: ReleaseParts): Promise<void>;
  /** Runs one request with that body. */
  request(
    id: string,
    body?: Uint8Array | string,
    options?: { deadlineMs?: number; signal?: AbortSignal },
  ): Promise<Outcome>;
  /** Ends the engine when nothing runs any more: every thread has told what it has counted, however long it was held up. */
  end(): Promise<void>;
}

export interface ReleaseParts {
  readonly services?: readonly GrantedService[];
  readonly manifestResources?: ReadonlyMap<string, Uint8Array>;
  readonly generation?: number;
  /** Bodies of requests that warm the release up. */
  readonly warmUp?: () => readonly string[];
}

export interface EngineHostOptions extends Partial<Omit<EngineOptions, 'pool' | 'limitsOf'>> {
  readonly pool?: Partial<EngineOptions['pool']>;
  readonly limits?: Partial<PluginLimits>;
  readonly perPlugin?: Readonly<Record<string, Partial<PluginLimits>>>;
  readonly environment?: Partial<ServiceEnvironment>;
  /** Request type of the route that all requests go to; `Req` when absent. */
  readonly requestType?: string;
}

/** The longest that a timer can be set to, in ms: what is waited for has no bound but that of the test. */
const FOR_EVER_MS = 2 ** 31 - 1;

// A busy machine holds up threads for seconds: who tests a bound sets it.
const POOL = {
  minThreads: 1,
  processors: 2,
  maxThreads: 2,
  maxWaitingThreads: 2,
  idleTimeoutMs: 30_000,
  maxQueue: 256,
  queueTimeoutMs: 120_000,
  batchSize: 16,
  slotBytes: 65_536,
  slots: 64,
};
const LIMITS: PluginLimits = {
  isolation: 'pristine',
  deadlineMs: 120_000,
  memoryLimitMiB: 16,
  maxResponseBytes: 16 * 1024 * 1024,
  maxHostCalls: 10_000,
  logLinesPerSecond: 100,
  concurrency: 64,
  weight: 1,
  queue: 256,
  memoryHeadroomMiB: 0,
  recycleAfter: 0,
  tenantFilter: true,
};

/** Closed when the test ends. */
export function startEngine(
  t: { teardown(end: () => Promise<void>): void },
  options: EngineHostOptions = {},
): EngineHost {
  const metrics = createMetrics();
  const logs: EngineHost['logs'] = [];
  const { pool, limits, perPlugin, environment, requestType = 'Req', ...rest } = options;
  const state = openStateStore(':memory:');
  const databases = createPluginDatabases({ dataDir: rest.dataDir, now: Date.now });
  const services = createServices(
    {
      nodeName: 'node-a',
      state: () => state,
      locks: () => openLockStore(':memory:'),
      databases: () => databases,
      log: (line) => void logs.push({ ...line, stream: 'log' }),
      hostConfig: () => undefined,
      pluginConfig: () => undefined,
      cache: createMemoryCache({ maxEntries: 1000, maxBytes: 1 << 20, now: Date.now }).run,
      now: Date.now,
      ...environment,
    },
    { placements: rest.placements ?? {} },
  );
  const engine = createEngine({
    pool: { ...POOL, ...pool },
    limitsOf: (id) => ({ ...LIMITS, ...limits, ...perPlugin?.[id] }),
    instanceBudgetMiB: 64,
    maxInstances: 1000,
    instanceIdleMs: 300_000,
    quarantine: { failures: 0, failurePercent: 50, withinMs: 10_000, backOffMs: 5000, maxBackOffMs: 300_000 },
    stateFile: ':memory:',
    metrics,
    log: (line) => void logs.push(line),
    answerHostCall: async (grant, request, context) =>
      (await answerOnHost(services, { opcode: 1, request, authorize: compileGrant(grant), context })).response,
    ...rest,
  });
  t.teardown(async () => {
    await engine.close();
    databases.close();
  });

  return {
    engine,
    metrics,
    logs,
    load: (id, module, parts = {}) =>
      engine.load({
        pluginId: id,
        version: 'v0.1.0',
        checksum: `${id}-${module.length}`,
        generation: parts.generation ?? 1,
        bridge: BRIDGE,
        grant: grantAll(id, parts.services ?? []),
        manifestResources: parts.manifestResources ?? new Map(),
        ...(parts.warmUp && { warmUp: () => parts.warmUp!().map((body) => envelopeOf(id, requestType, body)) }),
        readArtifact: async () => module,
      }),
    request: (id, body = '', { deadlineMs, signal } = {}) =>
      new Promise((resolve) => {
        const invocation = {
          pluginId: id,
          executionSource: 'route' as const,
          tenantId: 0,
          envelope: envelopeOf(id, requestType, body),
          ...(deadlineMs !== undefined && { deadlineMs }),
        };
        const started = engine.start(invocation, resolve);
        signal?.addEventListener('abort', () => started.cancel(), { once: true });
      }),
    end: () => engine.close(FOR_EVER_MS),
  };
}

function envelopeOf(id: string, requestType: string, body: Uint8Array | string): RequestEnvelope {
  return {
    pluginId: id,
    requestId: `${id}:POST:/`,
    route: { method: 'POST', publicPath: `/x/${id}/`, internalPath: '/', routePath: '/', requestType },
    request: { method: 'POST', body: Buffer.from(body) },
  };
}

const BRIDGE = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: 'lina_dynamic_route_alloc',
  executeExport: 'lina_dynamic_route_execute',
} as const;

/** Body of an outcome as text; the code when it failed. */
export function bodyOf(outcome: Outcome): string {
  return outcome.ok ? Buffer.from(outcome.response.body).toString() : outcome.error.code;
}

export function grantOf(
  service: string,
  methods: readonly string[],
  parts: Partial<GrantedService> = {},
): GrantedService {
  return { owner: '', service, version: '', methods, paths: [], tables: [], keys: [], resources: [], ...parts };
}
