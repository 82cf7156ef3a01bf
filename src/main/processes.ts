/** Several processes: how many there are, and what the rooms of one ask of the others and answer to them. */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { PeerAnswers, Peers } from '../cluster/peers.js';
import type { Config } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import type { IdentityPeers, IdentityRoom } from '../identity/identity.js';
import type { Metrics } from '../metrics.js';
import type { Registry } from '../registry/registry.js';

/** Host processes that share the port. */
export function processesOf({ server }: Config): number {
  return server.processes === 'auto' ? availableParallelism() : server.processes;
}

/** Failed logins are counted for all processes, and all hear of a change. */
export function identityPeers(peers: Peers, log: Logger): IdentityPeers {
  return {
    attempt: peers.attemptLogin,
    async spread() {
      try {
        await peers.spread({ of: 'identities' });
      } catch (thrown) {
        log.error({ err: thrown }, 'not every process has heard of a change of users or sessions');
        throw thrown;
      }
    },
  };
}

/** Ends a quarantine in this process and in all others. */
export function liftingEverywhere({ liftQuarantine }: Pick<Engine, 'liftQuarantine'>, peers: Peers | undefined) {
  return async (pluginId: string): Promise<boolean> => {
    const wasHere = liftQuarantine(pluginId);
    const wasElsewhere = await peers?.spread({ of: 'quarantine', pluginId });
    return wasHere || wasElsewhere === true;
  };
}

export interface PeerAnswerParts {
  readonly registry: Pick<Registry, 'refresh'>;
  readonly identity: Pick<IdentityRoom, 'forget'>;
  readonly engine: Pick<Engine, 'liftQuarantine'>;
  readonly metrics: Pick<Metrics, 'values'>;
}

/** What this process answers to the others. */
export function peerAnswers({ registry, identity, engine, metrics }: PeerAnswerParts): PeerAnswers {
  return {
    async refresh({ key, news, isAbandoned }) {
      // A change of a plugin may be one of what roles permit.
      identity.forget();
      await registry.refresh({ pluginId: key, news, isAbandoned });
    },
    hear(news) {
      if (news.of === 'quarantine') return engine.liftQuarantine(news.pluginId);
      identity.forget();
      return true;
    },
    metrics: metrics.values,
  };
}
