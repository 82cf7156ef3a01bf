/** Settings of the engine, from those of the host and of each plugin. */
import { availableParallelism } from 'node:os';
import { effectiveSandbox } from '../config/plugin.js';
import type { Config } from '../config/schema.js';
import type { EngineOptions } from '../engine/engine.js';
import { processesOf } from './processes.js';

/** Instances that all threads together keep. */
const MAX_INSTANCES = 8000;

/** Settings of the engine; `auto` is resolved here. */
export function engineOptions(
  config: Config,
): Pick<EngineOptions, 'pool' | 'limitsOf' | 'instanceBudgetMiB' | 'maxInstances' | 'instanceIdleMs' | 'quarantine'> {
  const { pool, sandbox } = config;
  const share = availableParallelism() / processesOf(config);
  const processors = Math.max(1, Math.floor(share));
  // With a single thread one stuck guest would hold up everybody until its deadline.
  const maxThreads = pool.maxThreads === 'auto' ? Math.max(2, Math.ceil(share)) : pool.maxThreads;
  const slots = pool.slots === 'auto' ? maxThreads * pool.batchSize * 2 + pool.maxWaitingThreads : pool.slots;
  return {
    pool: { ...pool, processors, maxThreads, minThreads: Math.min(pool.minThreads, maxThreads), slots },
    limitsOf: limitsOf(config, slots),
    instanceBudgetMiB: sandbox.instanceBudgetMiB,
    maxInstances:
      sandbox.maxInstances === 'auto' ? shareOfInstances(maxThreads + pool.maxWaitingThreads) : sandbox.maxInstances,
    instanceIdleMs: sandbox.instanceIdleMs,
    quarantine: sandbox.quarantine,
  };
}

/** Of the 12,000 memories that fit into a process, some are left to instances that run once and to those not collected yet. */
function shareOfInstances(threads: number): number {
  return Math.max(1, Math.floor(MAX_INSTANCES / threads));
}

function limitsOf(config: Config, slots: number): EngineOptions['limitsOf'] {
  const known = new Map<string, ReturnType<EngineOptions['limitsOf']>>();
  return (pluginId) => {
    let limits = known.get(pluginId);
    if (limits === undefined) {
      limits = { concurrency: slots, ...effectiveSandbox(config, pluginId) };
      known.set(pluginId, limits);
    }
    return limits;
  };
}
