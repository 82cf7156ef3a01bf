/** Users, roles, menus, tenants and sessions, with what they need of the rooms that are opened after them. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import type { Config } from '../config/schema.js';
import { createIdentity, type IdentityRoom } from '../identity/identity.js';
import { loadSecret } from '../identity/secret.js';
import type { TenantCallbacks } from '../identity/tenants.js';
import type { Registry } from '../registry/registry.js';
import type { Database } from '../store/sqlite.js';
import type { StateStore } from '../store/state.js';
import { identityPeers } from './processes.js';
import { showsPlugin, tenantPlugins } from './tenants.js';

/** Longest time, in seconds, that the last use of a session stays unwritten. */
const WRITE_BEHIND_SECONDS = 30;

export interface IdentityParts {
  readonly config: Config;
  readonly dataDir: string;
  readonly database: Database;
  readonly peers: Peers | undefined;
  readonly log: Logger;
  readonly callbacks: TenantCallbacks;
  /** Opened after the identities. */
  readonly registry: () => Registry;
  /** Opened after the identities. */
  readonly state: () => StateStore;
}

/** @throws SBX_DATA_DIR when the file of the secret cannot be read or made */
export async function openIdentity(parts: IdentityParts): Promise<IdentityRoom> {
  const { config, dataDir, database, peers, log, callbacks, registry, state } = parts;
  const { secret, accessTokenTtlSeconds, sessionTtlSeconds } = config.auth;
  const identity: IdentityRoom = createIdentity({
    database,
    secret: await loadSecret(dataDir, secret),
    accessTokenTtlSeconds,
    sessionTtlSeconds,
    // Other processes see a use once it is written: a session must not seem to be idle for long because of it.
    writeBehindSeconds: Math.min(WRITE_BEHIND_SECONDS, sessionTtlSeconds / 4),
    peers: peers && identityPeers(peers, log),
    onWriteFailed: (error) => log.error({ err: error }, 'the last uses of sessions could not be written'),
    showsPlugin: (pluginId, tenantId) => showsPlugin(identity, registry().find(pluginId), tenantId),
    tenancy: {
      state,
      plugins: () => tenantPlugins(registry()),
      callbacks,
    },
    onMenuWarning: (plugin, warning) => log.warn({ plugin }, warning),
  });
  return identity;
}
