/** Answers of the main thread to host calls, and what its services work with. */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { toPlain } from '../artifact/json.js';
import { parseYaml } from '../artifact/manifest.js';
import { effectiveNetwork, pluginSection } from '../config/plugin.js';
import { type Config, isSecretPath } from '../config/schema.js';
import { type Authorizer, compileGrant } from '../grants/authorize.js';
import type { Grant } from '../grants/grant.js';
import type { CacheStore } from '../protocol/cache.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Registry } from '../registry/registry.js';
import { createHostConfig } from '../resources/host-config.js';
import { createPluginConfig } from '../resources/plugin-config.js';
import { createSysConfig, type SysConfigOptions } from '../resources/sys-config.js';
import { answerOnHost } from '../services/answer.js';
import { createServices } from '../services/index.js';
import { type NetworkClient, openNetwork } from '../services/network/lazy.js';
import type { HostCallContext, ServiceEnvironment } from '../services/service.js';
import { openNotifications } from '../store/notifications.js';
import type { PluginDatabases } from '../store/plugin-databases.js';
import type { Database } from '../store/sqlite.js';
import type { StateStore } from '../store/state.js';

export interface HostCallParts {
  readonly config: Config;
  readonly state: StateStore;
  readonly registry: Pick<Registry, 'find' | 'subscribe'>;
  /** Without it, plugins have no network. */
  readonly network?: NetworkClient;
  readonly dataDir: string;
  readonly cache: CacheStore;
  readonly databases: PluginDatabases;
  readonly log: Logger;
  /** What only a whole host has. */
  readonly more?: Partial<ServiceEnvironment>;
}

/** Answers of host calls that are placed on this thread. */
export function createHostCallAnswers({
  config,
  state,
  registry,
  network,
  dataDir,
  databases,
  cache,
  log,
  more,
}: HostCallParts) {
  const hostConfig = createHostConfig({ config, isSecret: isSecretPath });
  const pluginConfig = createPluginConfig({
    section: (pluginId) => pluginSection(config, pluginId),
    configRoot: resolve(config.plugin.configPath ?? join(dataDir, 'config')),
    developmentDir: resolve(config.plugin.developmentPath),
    manifestFile: (pluginId, path) =>
      registry.find(pluginId)?.artifact.manifestResources.find((resource) => resource.path === `manifest/${path}`)
        ?.content,
    parseYaml: (text) => toPlain(parseYaml(text, 'config.yaml')),
  });
  registry.subscribe(({ pluginId }) => pluginConfig.forget(pluginId));
  const services = createServices({
    nodeName: hostname(),
    state: () => state,
    locks: () => {
      throw new SandpoolError('SBX_INTERNAL', { reason: 'locks are answered in the workers' });
    },
    databases: () => databases,
    hostConfig,
    pluginConfig: pluginConfig.get,
    cache,
    network,
    now: Date.now,
    log: ({ pluginId, level, text, blame }) => log[level]({ plugin: pluginId, blame }, text),
    ...more,
  });
  const authorizers = new WeakMap<Grant, Authorizer>();
  const authorizerOf = (grant: Grant): Authorizer => {
    const known = authorizers.get(grant) ?? compileGrant(grant);
    authorizers.set(grant, known);
    return known;
  };

  return (grant: Grant, request: Uint8Array, context: HostCallContext): Uint8Array | Promise<Uint8Array> => {
    const answered = answerOnHost(services, { opcode: 1, request, authorize: authorizerOf(grant), context });
    return answered instanceof Promise ? answered.then(({ response }) => response) : answered.response;
  };
}

/** What services keep in the host's own database. */
export function openHostTables(database: Database, config: Config, onChange: SysConfigOptions['onChange'] = () => {}) {
  return {
    sysConfig: createSysConfig({ database, now: Date.now, onChange }),
    notifications: { ...openNotifications(database), channels: config.notifications.channels },
  } satisfies Partial<ServiceEnvironment>;
}

/** HTTP requests of plugins; the connections of one that changes are closed. */
export function openPluginNetwork(config: Config, registry: Pick<Registry, 'subscribe'>): NetworkClient {
  const limitsOf = (pluginId: string) => effectiveNetwork(config, pluginId);
  const network = openNetwork({ limitsOf, proxy: config.network.proxy });
  registry.subscribe(({ pluginId }) => network.forget(pluginId));
  return network;
}
