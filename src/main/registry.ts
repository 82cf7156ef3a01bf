/** The registry of plugins, with the SQL of its releases and the engine that serves them. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import type { Config } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import type { IdentityRoom } from '../identity/identity.js';
import type { Hooks } from '../registry/hooks.js';
import { createRegistry, type Registry, type RegistryOptions } from '../registry/registry.js';
import { createSqlPort } from '../registry/sql-port.js';
import { createSqlRunner } from '../registry/sql-runner.js';
import type { Database } from '../store/sqlite.js';
import { prepareRelease, releaseOf } from './releases.js';

export interface RegistryParts {
  readonly config: Config;
  readonly dataDir: string;
  readonly database: Database;
  readonly blobs: RegistryOptions['blobs'];
  readonly hooks: Hooks;
  readonly storage: RegistryOptions['storage'];
  readonly state: RegistryOptions['state'];
  readonly identity: Pick<IdentityRoom, 'pluginMenus' | 'forgetAccess'>;
  readonly peers: Peers | undefined;
  readonly log: Logger;
  /** Created after the registry. */
  readonly engine: () => Engine;
}

/** Its releases are loaded later, by `startPlugins`. */
export function openRegistry(parts: RegistryParts): Registry {
  const { config, dataDir, database, hooks, identity, peers, log, engine } = parts;
  const registry: Registry = createRegistry({
    database,
    blobs: parts.blobs,
    hooks,
    storage: parts.storage,
    state: parts.state,
    sql: createSqlPort({
      dataDir,
      core: database,
      runner: createSqlRunner({ dataDir, deadlineMs: config.plugin.sqlDeadlineMs }),
      onWarning: (plugin, { file, line, reason }) => log.warn({ plugin, file, line }, reason),
    }),
    governance: identity.pluginMenus,
    grantUnreviewed: config.plugin.grantUnreviewed,
    allowForceUninstall: config.plugin.allowForceUninstall,
    servesPending: config.plugin.servePending,
    turns: peers && { begin: peers.beginTurn },
    log,
    engine: {
      prepare: (view) => prepareRelease(engine(), releaseOf(view, registry, config)),
      deactivate: (pluginId) => engine().unload(pluginId),
    },
  });
  registry.subscribe(identity.forgetAccess);
  registry.subscribe(({ pluginId }) => hooks.forget(pluginId));
  return registry;
}
