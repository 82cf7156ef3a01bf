/** Asks releases for their jobs when they come into force (`spec/bridge.md` §7.1), in one process of the host. */
import { createHash } from 'node:crypto';
import type { GrantedService } from '../protocol/grant.js';
import type { RegisterJob } from '../services/jobs-port.js';
import { contractOf, type JobContract } from './contract.js';
import { MAX_JOBS_PER_PLUGIN } from './created.js';
import type { Declarations } from './declarations.js';
import { type CallGuest, callOf, failureOf } from './guest.js';

/** A plugin, as far as its jobs depend on it. */
export interface JobPlugin {
  readonly pluginId: string;
  readonly checksum: string;
  readonly generation: number;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly runtimeState: string;
  readonly grant: { readonly services: readonly GrantedService[] };
}

export interface Discovery {
  /** Brings the jobs of a plugin in line with it; undefined for one that does not serve. */
  see(pluginId: string, plugin: JobPlugin | undefined): void;
  /** What takes the registrations of the discovery with this request id. */
  collector(requestId: string): RegisterJob | undefined;
  /** Resolves when no discovery of this process is under way. */
  settled(): Promise<void>;
}

export interface DiscoveryParts {
  readonly declarations: Declarations;
  readonly callGuest: CallGuest;
  readonly now: () => number;
  readonly log: DiscoveryLog;
  /** Jobs have changed. */
  readonly onChange: () => void;
}

export interface DiscoveryLog {
  warn(facts: object, message: string): void;
}

const PATH = '/register-jobs';
const REQUEST_TYPE = 'RegisterJobsReq';

export function createDiscovery({ declarations, callGuest, now, log, onChange }: DiscoveryParts): Discovery {
  const collected = new Map<string, Map<string, JobContract>>();
  const underWay = new Set<Promise<void>>();

  const discover = async (pluginId: string, release: string, plugin: JobPlugin): Promise<void> => {
    const contracts = mayRegister(plugin) ? await ask(pluginId) : [];
    if (contracts instanceof Error) {
      declarations.fail(pluginId, release, contracts.message);
      log.warn({ plugin: pluginId, err: contracts }, 'the plugin does not say which jobs it has');
    } else declarations.replace(pluginId, release, contracts, now());
    onChange();
  };

  const ask = async (pluginId: string): Promise<readonly JobContract[] | Error> => {
    const call = callOf(pluginId, 'jobs.discovery', PATH, REQUEST_TYPE);
    const { requestId } = call.envelope;
    const contracts = new Map<string, JobContract>();
    collected.set(requestId, contracts);
    try {
      const end = await callGuest(call);
      // Before all else: who knows of no such request has no jobs.
      if (end.ok && end.response.statusCode === 404) return [];
      const failure = failureOf(end, 'SBX_JOB_DISCOVERY_FAILED', `dynamic plugin Jobs discovery failed (${pluginId})`);
      return failure ?? [...contracts.values()];
    } finally {
      collected.delete(requestId);
    }
  };

  const begin = (work: Promise<void>, pluginId: string): void => {
    const ended = work
      .catch((thrown: unknown) => log.warn({ plugin: pluginId, err: thrown }, 'the jobs of the plugin are not known'))
      .finally(() => underWay.delete(ended));
    underWay.add(ended);
  };

  return {
    see(pluginId, plugin) {
      if (plugin === undefined || !isInForce(plugin)) declarations.pause(pluginId);
      else {
        const release = releaseOf(plugin);
        if (declarations.serve(pluginId, release, now())) begin(discover(pluginId, release, plugin), pluginId);
      }
      onChange();
    },
    collector(requestId) {
      const contracts = collected.get(requestId);
      return contracts && ((request) => collect(contracts, contractOf(request)));
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

function collect(contracts: Map<string, JobContract>, contract: JobContract | string): string | undefined {
  if (typeof contract === 'string') return contract;
  const { name } = contract;
  if (contracts.has(name)) return `Jobs registration is duplicated: ${name}`;
  if (contracts.size >= MAX_JOBS_PER_PLUGIN) return `a plugin has at most ${MAX_JOBS_PER_PLUGIN} jobs`;
  contracts.set(name, contract);
  return undefined;
}

/** Jobs run in the same state in which routes are served (`spec/governance.md` §1.4). */
function isInForce({ installed, enabled, runtimeState }: JobPlugin): boolean {
  return installed && enabled && runtimeState === 'normal';
}

function mayRegister({ grant }: JobPlugin): boolean {
  return grant.services.some(
    ({ owner, service, methods }) => owner === '' && service === 'jobs' && methods.includes('jobs.register'),
  );
}

/** Another word for every other content and every other grant. */
function releaseOf({ checksum, generation, grant }: JobPlugin): string {
  const granted = createHash('sha256').update(JSON.stringify(grant.services)).digest('hex');
  return `${generation} ${checksum} ${granted.slice(0, 16)}`;
}
