/** A whole engine in this process, with threads, services and plugin state: everything of a host but HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { parseArtifact } from '../src/artifact/artifact.js';
import { type Config, defaults } from '../src/config/schema.js';
import { createEngine, type Outcome } from '../src/engine/engine.js';
import { grantAll } from '../src/grants/grant.js';
import { cacheLimits } from '../src/main/cache.js';
import { engineOptions } from '../src/main/engine-options.js';
import { createHostCallAnswers } from '../src/main/host-calls.js';
import { createMetrics } from '../src/metrics.js';
import { createCacheStamps } from '../src/protocol/cache.js';
import type { GrantedService } from '../src/protocol/grant.js';
import { createMemoryCache } from '../src/services/cache/memory.js';
import { createPluginDatabases } from '../src/store/plugin-databases.js';
import { openStateStore } from '../src/store/state.js';
import { LONGEST_WAIT_MS } from './case.js';
import { artifactOf, BRIDGE, envelopeOf } from './guests.js';

export interface BenchEngine {
  /** Where the databases of plugins are. */
  readonly dataDir: string;
  /** @param services what the plugin is granted beside what every guest of the bench is */
  load(id: string, module: Uint8Array, services?: readonly GrantedService[]): Promise<void>;
  invoke(id: string, requestType: string, parts?: InvokeParts): Promise<Outcome>;
  end(): Promise<void>;
}

interface InvokeParts {
  readonly body?: Uint8Array;
  readonly calls?: number;
  readonly deadlineMs?: number;
  /** Who asks; nobody when absent. */
  readonly userId?: number;
}

export async function openEngine(options: {
  readonly maxThreads: number;
  /** Where services are, when not where they say. */
  readonly placements?: Readonly<Record<string, 'worker' | 'host'>>;
  /** Whether threads keep copies of cached values; they do when absent. */
  readonly cacheCopies?: boolean;
}): Promise<BenchEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
  const stateFile = join(directory, 'state.db');
  const state = openStateStore(stateFile);
  // A guest that fails on purpose, again and again, is to fail in a thread.
  const quarantine = { ...defaults.sandbox.quarantine, failures: 0 };
  const config: Config = {
    ...defaults,
    pool: { ...defaults.pool, maxThreads: options.maxThreads, queueTimeoutMs: LONGEST_WAIT_MS },
    sandbox: { ...defaults.sandbox, maxHostCalls: 1_000_000, quarantine },
  };
  const stamps = options.cacheCopies === false ? undefined : createCacheStamps();
  const { run: cache } = createMemoryCache({ ...cacheLimits(config), now: Date.now, stamps });
  const log = pino({ level: 'silent' });
  const registry = { find: () => undefined, subscribe: () => () => {} };
  const databases = createPluginDatabases({ dataDir: directory, now: Date.now });
  const engine = createEngine({
    ...engineOptions(config),
    stateFile,
    dataDir: directory,
    storage: { directory: join(directory, 'storage'), limits: config.storage },
    metrics: createMetrics(),
    log() {},
    cacheStamps: stamps,
    answerHostCall: createHostCallAnswers({ config, state, registry, dataDir: directory, databases, cache, log }),
    ...(options.placements && { placements: options.placements }),
  });

  return {
    dataDir: directory,
    async load(id, module, services = []) {
      const bytes = artifactOf(id, module);
      const { checksum, hostServices } = parseArtifact(bytes);
      await engine.load({
        pluginId: id,
        version: 'v0.1.0',
        checksum,
        generation: 1,
        bridge: BRIDGE,
        grant: grantAll(id, [...hostServices, ...services]),
        manifestResources: new Map(),
        readArtifact: async () => bytes,
      });
    },
    invoke: (id, requestType, { deadlineMs, userId, ...parts } = {}) =>
      engine.invoke({
        pluginId: id,
        executionSource: 'route',
        tenantId: 0,
        envelope: {
          ...envelopeOf(requestType, parts),
          pluginId: id,
          ...(userId !== undefined && { identity: { tokenId: 'bench', userId, username: 'bench' } }),
        },
        ...(deadlineMs !== undefined && { deadlineMs }),
      }),
    async end() {
      await engine.close();
      databases.close();
      state.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The outcome of an invocation that must not fail. */
export function succeeded(outcome: Outcome): Outcome & { ok: true } {
  if (!outcome.ok) throw outcome.error;
  return outcome;
}
