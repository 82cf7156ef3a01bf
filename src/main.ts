/** Composition of a host: configuration → stores → registry → services → engine → HTTP, closed in reverse order. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as setTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import pino, { type Logger } from 'pino';
import { toPlain } from './artifact/json.js';
import type { LifecycleOperation } from './artifact/lifecycle.js';
import { parseYaml } from './artifact/manifest.js';
import type { PeerAnswers, Peers } from './cluster/peers.js';
import { effectiveNetwork, effectiveSandbox, pluginSection } from './config/plugin.js';
import { programVersion } from './config/program-version.js';
import { type Config, isSecretPath } from './config/schema.js';
import {
  createEngine,
  type Engine,
  type EngineOptions,
  type EngineRelease,
  type PluginLogLine,
} from './engine/engine.js';
import { type Authorizer, compileGrant } from './grants/authorize.js';
import type { Grant } from './grants/grant.js';
import { createApp } from './http/app.js';
import { collectEndpoints } from './http/endpoint-docs.js';
import type { Languages } from './http/language.js';
import { createPluginSpeech } from './http/plugin-texts.js';
import { apiRoutes } from './http/routes/api.js';
import { authRoutes } from './http/routes/auth.js';
import { i18nRoutes } from './http/routes/i18n.js';
import { menuRoutes } from './http/routes/menus.js';
import { openApiRoute } from './http/routes/openapi.js';
import { roleRoutes } from './http/routes/roles.js';
import { sysConfigRoutes } from './http/routes/sys-config.js';
import { tenantRoutes } from './http/routes/tenants.js';
import { userRoutes } from './http/routes/users.js';
import type { AssetRouteOptions } from './http/routes/x-assets.js';
import { runOut } from './http/run-out.js';
import { warmUpRequests } from './http/warm-up.js';
import { createIdentity, type IdentityPeers, type IdentityRoom } from './identity/identity.js';
import { loadSecret } from './identity/secret.js';
import type { TenantCallbacks, TenantEvent, TenantPlugin } from './identity/tenants.js';
import { createJobs, type JobDeed, type JobPlugins, type Jobs } from './jobs/jobs.js';
import { createPluginDirectory } from './main/plugin-directory.js';
import { createMetrics, type Metrics } from './metrics.js';
import { type CacheStamps, type CacheStore, createCacheStamps } from './protocol/cache.js';
import { reasonOf, SandpoolError } from './protocol/errors.js';
import { sniffContentType } from './protocol/sniff.js';
import { auditFailure, createAuditLog } from './registry/audit.js';
import { createHooks, type HookEvent, type HookPayload, type Hooks } from './registry/hooks.js';
import { askGuest, hasCallback, tellGuest } from './registry/lifecycle.js';
import { createRegistry, type PluginView, type PreparedRelease, type Registry } from './registry/registry.js';
import { copyLedger, createSqlPort } from './registry/sql-port.js';
import { createSqlRunner } from './registry/sql-runner.js';
import { openAssetHistory } from './resources/asset-history.js';
import { createHostConfig } from './resources/host-config.js';
import { hostTexts } from './resources/host-texts.js';
import type { DocumentedPlugin } from './resources/openapi.js';
import { createPluginConfig } from './resources/plugin-config.js';
import { createPublicFiles } from './resources/public-files.js';
import { createServedReleases } from './resources/served-releases.js';
import { createSysConfig, type SysConfig, type SysConfigOptions } from './resources/sys-config.js';
import { createTableLists, type TableLists } from './resources/table-lists.js';
import { createTexts, type Texts } from './resources/texts.js';
import { answerOnHost } from './services/answer.js';
import { createMemoryCache } from './services/cache/memory.js';
import { createServices } from './services/index.js';
import { type NetworkClient, openNetwork } from './services/network/lazy.js';
import type { HostCallContext, ServiceEnvironment } from './services/service.js';
import { openBlobs } from './store/blobs.js';
import { openNotifications } from './store/notifications.js';
import { keepObjects } from './store/object-upkeep.js';
import { createPluginDatabases, type PluginDatabases } from './store/plugin-databases.js';
import { type Database, openDatabase } from './store/sqlite.js';
import { openStateStore, type StateStore } from './store/state.js';

/** A host that has been up for so long without a plugin, in ms, gets a thread ready for the first. */
const REHEARSE_AFTER_MS = 1000;
/** Instances that all threads together keep. */
const MAX_INSTANCES = 8000;
/** An upload carries the form around the file as well. */
const UPLOAD_FORM_BYTES = 1024 * 1024;
const MAX_UPLOAD_BYTES = 200 * 1024 * 1024;
/** Time for the last answers to leave, in ms, when the host shuts down. */
const LAST_WORDS_MS = 500;
/** How long a connection without a request stays open when its process is replaced, in ms. */
const IDLE_CONNECTION_MS = 2000;
/** Longest time, in seconds, that the last use of a session stays unwritten. */
const WRITE_BEHIND_SECONDS = 30;

export interface HostOptions {
  readonly config: Config;
  /** Password of the first administrator; made up when absent. */
  readonly adminPassword?: string | undefined;
  readonly log?: Logger;
  /** The other processes of this host, when it has several. */
  readonly peers?: Peers;
  /** What is to be done before the first request; only with `peers`, where nobody is let in before everything serves. */
  readonly beforeListening?: (host: Pick<Host, 'registry'>) => Promise<void>;
}

export interface Host {
  /** Address that answers, such as `http://127.0.0.1:9120`. */
  readonly url: string;
  readonly registry: Registry;
  readonly identity: IdentityRoom;
  /** Password that was made up for `admin` at this first start. */
  readonly firstPassword: string | undefined;
  /** Takes no new connections and lets the open ones run out, up to `server.shutdownGraceMs`; `close` comes after. */
  runOut(): Promise<void>;
  /** Ends everything in order; waits for running requests up to `server.shutdownGraceMs`. */
  close(): Promise<void>;
}

/**
 * Starts a host and resolves when its enabled plugins serve.
 * @throws SBX_DATA_DIR, SBX_PORT_IN_USE, SBX_STORE_FAILED
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { config, adminPassword, peers, log = createLog(config) } = options;
  const closers: (() => unknown)[] = [];
  const unready = new Set(['starting']);
  try {
    const dataDir = makeDataDir(config.data.dir);
    const database = openDatabase(join(dataDir, 'sandpool.db'), { synchronous: 'FULL' });
    closers.push(() => database.close());
    const callbacks = tenantCallbacks(() => ({ registry, engine, config, log }));
    const identity: IdentityRoom = createIdentity({
      database,
      secret: await loadSecret(dataDir, config.auth.secret),
      accessTokenTtlSeconds: config.auth.accessTokenTtlSeconds,
      sessionTtlSeconds: config.auth.sessionTtlSeconds,
      // Other processes see a use once it is written: a session must not seem to be idle for long because of it.
      writeBehindSeconds: Math.min(WRITE_BEHIND_SECONDS, config.auth.sessionTtlSeconds / 4),
      peers: peers && identityPeers(peers, log),
      onWriteFailed: (error) => log.error({ err: error }, 'the last uses of sessions could not be written'),
      showsPlugin: (pluginId, tenantId) => showsPlugin(identity, registry.find(pluginId), tenantId),
      tenancy: {
        state: () => state,
        plugins: () => tenantPlugins(registry),
        callbacks,
      },
      onMenuWarning: (plugin, warning) => log.warn({ plugin }, warning),
    });
    closers.push(() => identity.close());
    const firstPassword = await identity.ensureAdmin(adminPassword);

    const metrics = createMetrics();
    const stateFile = join(dataDir, 'state.db');
    const state = openStateStore(stateFile);
    closers.push(() => state.close());
    const blobs = openBlobs({ archiveDir: dataDir, stagingDir: resolve(config.plugin.dynamic.storagePath) });
    const hooks = createHooks({ dataDir, log });
    closers.push(hooks.close);
    const storage = { directory: join(dataDir, 'storage'), limits: config.storage };
    const kept = keepObjects(storage, {
      isFirst: peers?.isFirst !== false,
      onFailure: (thrown) => log.error({ err: thrown }, 'stored objects could not be kept in order'),
    });
    closers.push(kept.close);
    const registry: Registry = createRegistry({
      database,
      blobs,
      hooks,
      storage: kept,
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
        prepare: (view) => prepareRelease(engine, releaseOf(view, registry, config)),
        deactivate: (pluginId) => engine.unload(pluginId),
      },
    });
    registry.subscribe(identity.forgetAccess);
    registry.subscribe(({ pluginId }) => hooks.forget(pluginId));
    const tell = tellHooks({ hooks, registry, identity });
    const tables = openTables(dataDir, registry);
    closers.push(tables.close);
    const databases = openDatabases(dataDir, registry);
    closers.push(databases.close);
    const { cache, cacheStamps } = createCache({ config, registry, metrics, peers, log });
    const network = openPluginNetwork(config, registry);
    closers.push(() => network.close());
    const jobs = openJobs({ config, dataDir, database, metrics, log, engine: () => engine });
    closers.push(jobs.close);
    registry.subscribe(({ pluginId }) => jobs.see(pluginId));
    const audit = createAuditLog(database);
    const hostTables = openHostTables(database, config, ({ by, at, text }) =>
      audit.append({ pluginId: '', action: 'config', by, result: 'done', message: text }, at),
    );
    const answerHostCall = createHostCallAnswers({
      config,
      state,
      registry,
      network,
      dataDir,
      databases,
      cache,
      log,
      more: {
        ...hostTables,
        jobs: jobs.port,
        pluginDirectory: createPluginDirectory({ registry, identity, database, callbacks }),
      },
    });
    const engine: Engine = createEngine({
      ...engineOptions(config),
      stateFile,
      dataDir,
      storage,
      cacheStamps,
      metrics,
      answerHostCall,
      log: pluginLog(log),
      slowHostCalls: slowHostCalls(config, log),
    });
    const assets = createAssets({ config, registry, database, metrics, log });
    peers?.listen(peerAnswers({ registry, identity, engine, metrics }));
    const texts = createPluginTexts(registry);
    const app = createHttp({
      config,
      registry,
      engine,
      identity,
      metrics,
      log,
      unready,
      assets,
      texts,
      tables,
      peers,
      tell,
      jobs,
      sysConfig: hostTables.sysConfig,
    });
    closers.push(() => {
      jobs.stop();
      unready.add('shutting down');
      return shutDown(app, engine, config.server.shutdownGraceMs);
    });
    // Alone, the host tells early that it is there but not ready; among several, only those that serve take connections.
    if (peers === undefined) await listen(app, config);
    // Whoever asked before the plugins were loaded has left texts and a documentation without them.
    const seeLoaded = (pluginId: string): void => {
      assets.see(pluginId);
      texts.forget();
    };
    if (peers?.isFirst !== false) copyLedgers(database, dataDir, log);
    await startPlugins(registry, config, log, seeLoaded, peers);
    requireConsistency(identity, registry);
    if (peers?.isFirst !== false) await provisionTenants(registry, identity, config);
    await options.beforeListening?.({ registry });
    if (peers !== undefined) await listen(app, config);
    unready.delete('starting');
    jobs.start(jobPlugins(registry), peers?.isFirst !== false);
    if (peers?.isFirst !== false) void tell({ name: 'system.started', tenantId: 0, payload: {} });
    const rehearsal = setTimer(() => void engine.rehearse(), REHEARSE_AFTER_MS).unref();
    closers.push(() => clearTimeout(rehearsal));
    const { port } = app.server.address() as { port: number };
    return {
      url: urlOf(config, port),
      registry,
      identity,
      firstPassword,
      runOut() {
        jobs.stop();
        unready.add('shutting down');
        return runOut(app.server, { idleMs: IDLE_CONNECTION_MS, graceMs: config.server.shutdownGraceMs });
      },
      close: once(closers),
    };
  } catch (thrown) {
    await once(closers)();
    throw thrown;
  }
}

/** A logger that writes JSON lines to stderr; stdout belongs to the answers of commands. */
export function createLog(config: Config): Logger {
  const base = processesOf(config) > 1 ? { pid: process.pid } : null;
  return pino({ level: config.log.level, base }, pino.destination({ fd: 2, sync: true }));
}

/** Host processes that share the port. */
export function processesOf({ server }: Config): number {
  return server.processes === 'auto' ? availableParallelism() : server.processes;
}

/** Address at which a host with this configuration answers on this port. */
export function urlOf({ server }: Config, port: number): string {
  return `http://${urlHost(server.host)}:${port}`;
}

function makeDataDir(dir: string): string {
  const dataDir = resolve(dir);
  try {
    mkdirSync(dataDir, { recursive: true });
    return dataDir;
  } catch (cause) {
    throw new SandpoolError('SBX_DATA_DIR', { dir: dataDir, reason: reasonOf(cause) }, { cause });
  }
}

/** Whether menus and permissions of a plugin are there for a tenant. */
function showsPlugin({ tenants }: IdentityRoom, view: PluginView | undefined, tenantId: number): boolean {
  const isInForce = view?.installed === true && view.enabled && view.runtimeState === 'normal';
  return isInForce && tenants.exposes(view, tenantId);
}

type TellHooks = (event: { name: HookEvent; tenantId: number; payload: HookPayload }) => Promise<void>;

/** Every plugin that is in force, and there for the tenant, hears of an event of the host, by id. */
function tellHooks(parts: { hooks: Hooks; registry: Registry; identity: IdentityRoom }): TellHooks {
  const { hooks, registry, identity } = parts;
  return ({ name, tenantId, payload }) => {
    const views = registry.list().map(({ plugin }) => registry.find(plugin.pluginId));
    const inForce = views.filter((view) => view !== undefined && showsPlugin(identity, view, tenantId));
    return hooks.dispatch(name, inForce as readonly PluginView[], payload, tenantId);
  };
}

function tenantPlugins(registry: Pick<Registry, 'list'>): readonly TenantPlugin[] {
  return registry.list().map(({ plugin }) => ({
    pluginId: plugin.pluginId,
    name: plugin.name,
    version: plugin.version,
    installed: plugin.installed === 1,
    enabled: plugin.status === 1,
    installMode: plugin.installMode,
    autoEnableForNewTenants: plugin.autoEnableForNewTenants === 1,
  }));
}

interface CallbackParts {
  readonly registry: Registry;
  readonly engine: Engine;
  readonly config: Config;
  readonly log: Logger;
}

/** What guests are asked before a tenant loses something, and told afterwards (`spec/governance.md` §8.5). */
function tenantCallbacks(parts: () => CallbackParts): TenantCallbacks {
  const withGuests = async (
    operation: LifecycleOperation,
    { pluginId }: TenantEvent,
    work: (view: PluginView, prepared: PreparedRelease | undefined) => Promise<void>,
  ): Promise<void> => {
    const { registry, engine, config } = parts();
    const ids = pluginId === undefined ? registry.list().map(({ plugin }) => plugin.pluginId) : [pluginId];
    for (const view of ids.map(registry.find)) {
      if (!view?.installed || !view.enabled || !hasCallback(view.artifact, [operation])) continue;
      // One that cannot be prepared cannot be asked, and who cannot be asked refuses.
      const prepared = await prepareRelease(engine, releaseOf(view, registry, config)).catch(() => undefined);
      await work(view, prepared).finally(() => prepared?.discard());
    }
  };
  return {
    async ask(operation, about) {
      const reasons: string[] = [];
      await withGuests(operation, about, async ({ artifact, pluginId }, prepared) => {
        const verdict = await askGuest(artifact, prepared, operation, { tenantId: about.tenantId });
        if (!verdict.allowed) reasons.push(`${pluginId}:${verdict.reason}`);
      });
      if (reasons.length === 0) return;
      const facts = { operation, pluginId: about.pluginId ?? 'tenant', reasons: reasons.join(';') };
      throw new SandpoolError('PLUGIN_LIFECYCLE_PRECONDITION_VETOED', facts);
    },
    tell: (operation, about) =>
      withGuests(operation, about, ({ artifact }, prepared) =>
        tellGuest(parts().log, artifact, prepared, operation, { tenantId: about.tenantId }),
      ),
  };
}

function releaseOf(view: PluginView, registry: Registry, config: Config) {
  const { warmUp } = effectiveSandbox(config, view.pluginId);
  const resources = view.artifact.manifestResources.map(
    ({ path, content }) => [path.slice('manifest/'.length), content] as const,
  );
  return {
    pluginId: view.pluginId,
    version: view.version,
    checksum: view.checksum,
    generation: view.generation,
    ...(view.artifact.bridge?.routeExecution && { bridge: view.artifact.bridge }),
    grant: view.grant,
    manifestResources: new Map(resources),
    ...(warmUp && { warmUp: () => warmUpRequests(view.artifact, warmUp) }),
    readArtifact: () => registry.readArtifact(view),
  };
}

/** Rows of plugins for the resource API. */
function openTables(dataDir: string, registry: Pick<Registry, 'subscribe'>): TableLists {
  const tables = createTableLists({ dataDir });
  registry.subscribe(({ pluginId }) => tables.forget(pluginId));
  return tables;
}

/** Databases of plugins, for host calls that are answered on this thread. */
function openDatabases(dataDir: string, registry: Pick<Registry, 'subscribe'>): PluginDatabases {
  const databases = createPluginDatabases({ dataDir, now: Date.now });
  registry.subscribe(({ pluginId }) => databases.forget(pluginId));
  return databases;
}

/** A copy that cannot be brought up to date stops nothing: what was executed stands in the plugin's own file. */
function copyLedgers(database: Database, dataDir: string, log: Logger): void {
  const installed = database.prepare<[], string>('SELECT plugin_id FROM sys_plugin WHERE installed = 1').pluck().all();
  for (const plugin of installed) {
    try {
      copyLedger(database, dataDir, plugin);
    } catch (thrown) {
      log.warn({ plugin, reason: reasonOf(thrown) }, 'the copy of what SQL was executed is not up to date');
    }
  }
}

/** A release beside the one that serves; the host calls it for the platform, on nobody's behalf. */
async function prepareRelease(engine: Engine, release: EngineRelease): Promise<PreparedRelease> {
  const { pluginId } = release;
  const prepared = await engine.prepare(release);
  return {
    run: (callback) => prepared.invoke({ pluginId, executionSource: 'lifecycle', tenantId: 0, ...callback }),
    publish: prepared.publish,
    discard: prepared.discard,
  };
}

// ---- engine --------------------------------------------------------------------------------------------------------------

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
    maxInstances: sandbox.maxInstances === 'auto' ? shareOfInstances(maxThreads) : sandbox.maxInstances,
    instanceIdleMs: sandbox.instanceIdleMs,
    quarantine: sandbox.quarantine,
  };
}

/** Of the 12,000 memories that fit into a process, some are left to instances that run once and to those not collected yet. */
function shareOfInstances(maxThreads: number): number {
  return Math.max(1, Math.floor(MAX_INSTANCES / maxThreads));
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

function pluginLog(log: Logger): (line: PluginLogLine) => void {
  return ({ pluginId, level, text, stream }) => log[level]({ plugin: pluginId, stream }, text);
}

function slowHostCalls({ sandbox }: Config, log: Logger): NonNullable<EngineOptions['slowHostCalls']> {
  return {
    fromMs: sandbox.slowHostCallMs,
    tell({ pluginId, service, method, resource, status, ms }) {
      log.warn({ plugin: pluginId, service, method, resource, status, ms: Math.round(ms) }, 'slow host call');
    },
  };
}

/** What one plugin may keep in its cache. */
export function cacheLimits({ cache }: Config): { readonly maxEntries: number; readonly maxBytes: number } {
  return { maxEntries: cache.maxEntries, maxBytes: cache.budgetMiB * 1024 * 1024 };
}

interface CacheParts {
  readonly config: Config;
  readonly registry: Pick<Registry, 'find' | 'subscribe'>;
  readonly metrics: Pick<Metrics, 'cache'>;
  readonly peers: Peers | undefined;
  readonly log: Logger;
}

interface PluginCache {
  readonly cache: CacheStore;
  readonly cacheStamps?: CacheStamps;
}

/** One process keeps the cache, and its threads copies of it. Of several the primary keeps it for all, and there are no copies. */
function createCache({ config, registry, metrics, peers, log }: CacheParts): PluginCache {
  const onRemoval = (forget: (pluginId: string) => void): void =>
    void registry.subscribe(({ pluginId }) => {
      if (registry.find(pluginId)?.installed !== true) forget(pluginId);
    });
  if (peers !== undefined) {
    const failed = (thrown: unknown) =>
      log.warn({ err: thrown }, 'what a removed plugin had cached may still be there');
    onRemoval((pluginId) => void peers.forgetCache(pluginId).catch(failed));
    return { cache: peers.cache };
  }
  const cacheStamps = createCacheStamps();
  const count = (event: 'hit' | 'miss' | 'eviction') => metrics.cache('plugins', event);
  const { run, forget } = createMemoryCache({ ...cacheLimits(config), now: Date.now, stamps: cacheStamps, count });
  onRemoval(forget);
  return { cache: run, cacheStamps };
}

interface HostCallParts {
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

// ---- jobs ----------------------------------------------------------------------------------------------------------------

interface JobParts {
  readonly config: Config;
  readonly dataDir: string;
  /** Of the audit log. */
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly engine: () => Pick<Engine, 'invoke'>;
}

/** Scheduled jobs. Their file is their own: nobody else waits for its lock, and a commit waits for no disk. */
function openJobs({ config, dataDir, database, metrics, log, engine }: JobParts): Jobs & { close(): Promise<void> } {
  const { maxRunning, catchUpSeconds, historyRuns, historyDays } = config.jobs;
  const file = openDatabase(join(dataDir, 'jobs.db'));
  const auditLog = createAuditLog(database);
  const jobs = createJobs({
    database: file,
    callGuest: (call) => engine().invoke(call),
    rules: { catchUpMs: catchUpSeconds * 1000, keepRuns: historyRuns, keepDays: historyDays },
    maxRunning: maxRunning === 'auto' ? Math.max(1, engineOptions(config).pool.maxThreads - 1) : maxRunning,
    log,
    metrics,
    audit: ({ job, thrown, ...deed }: JobDeed) => {
      const end = thrown === undefined ? { result: 'done' as const, message: job } : auditFailure(thrown);
      auditLog.append({ ...deed, ...end }, Date.now());
    },
  });
  return {
    ...jobs,
    async close() {
      jobs.stop();
      // By now the engine has ended every invocation.
      await jobs.settled();
      file.close();
    },
  };
}

function jobPlugins(registry: Pick<Registry, 'list' | 'find'>): JobPlugins {
  return {
    installed: () => registry.list().flatMap(({ plugin }) => (plugin.installed === 1 ? [plugin.pluginId] : [])),
    find: registry.find,
  };
}

// ---- resources -----------------------------------------------------------------------------------------------------------

interface Assets extends AssetRouteOptions {
  /** To be told of every plugin when it is loaded. */
  readonly see: (pluginId: string) => void;
}

interface AssetParts {
  readonly config: Config;
  readonly registry: Pick<Registry, 'find' | 'subscribe'>;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Public assets of what the registry serves. */
function createAssets({ config: { assets }, registry, database, metrics, log }: AssetParts): Assets {
  const files = createPublicFiles({
    cacheBytes: assets.cacheMiB * 1024 * 1024,
    sniff: sniffContentType,
    count: (event) => metrics.cache('assets', event),
  });
  const graceMs = assets.previousVersionGraceSeconds * 1000;
  const releases = createServedReleases<PluginView>({ plugins: registry, graceMs, now: Date.now });
  const history = openAssetHistory(database);
  const see = (pluginId: string): void => {
    const view = registry.find(pluginId);
    releases.see(pluginId, view);
    if (!view?.installed || !view.enabled) return;
    try {
      history.see(view);
    } catch (thrown) {
      log.warn({ plugin: pluginId, err: thrown }, 'browsers are told to ask for its assets every time');
    }
  };
  registry.subscribe(({ pluginId }) => {
    files.forget(pluginId);
    see(pluginId);
  });
  const lasting = `public, max-age=${assets.maxAgeSeconds}, immutable`;
  const cacheControlOf = (view: PluginView): string =>
    assets.maxAgeSeconds > 0 && history.isFirst(view) ? lasting : 'public, no-cache';
  return { files, releases, cacheControlOf, see };
}

/** Texts of the host and of what the registry serves. */
function createPluginTexts(registry: Pick<Registry, 'list' | 'subscribe'>): Texts {
  const texts = createTexts({
    host: hostTexts(),
    plugins: () =>
      registry
        .list()
        .flatMap(({ plugin: { pluginId, installed, status }, artifact }) =>
          artifact === undefined ? [] : [{ pluginId, isEnabled: installed === 1 && status === 1, artifact }],
        ),
  });
  registry.subscribe(() => texts.forget());
  return texts;
}

// ---- several processes ---------------------------------------------------------------------------------------------------

function identityPeers(peers: Peers, log: Logger): IdentityPeers {
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
function liftingEverywhere({ liftQuarantine }: Pick<Engine, 'liftQuarantine'>, peers: Peers | undefined) {
  return async (pluginId: string): Promise<boolean> => {
    const wasHere = liftQuarantine(pluginId);
    const wasElsewhere = await peers?.spread({ of: 'quarantine', pluginId });
    return wasHere || wasElsewhere === true;
  };
}

interface AnswerParts {
  readonly registry: Pick<Registry, 'refresh'>;
  readonly identity: Pick<IdentityRoom, 'forget'>;
  readonly engine: Pick<Engine, 'liftQuarantine'>;
  readonly metrics: Pick<Metrics, 'values'>;
}

/** What this process answers to the others. */
function peerAnswers({ registry, identity, engine, metrics }: AnswerParts): PeerAnswers {
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

// ---- HTTP ----------------------------------------------------------------------------------------------------------------

type App = ReturnType<typeof createApp>;

interface HttpParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly identity: IdentityRoom;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly unready: ReadonlySet<string>;
  readonly peers: Peers | undefined;
  readonly assets: AssetRouteOptions;
  readonly texts: Texts;
  readonly tables: TableLists;
  readonly tell: TellHooks;
  readonly sysConfig: SysConfig;
  readonly jobs: Jobs;
}

function createHttp({
  config,
  registry,
  engine,
  identity,
  metrics,
  log,
  unready,
  assets,
  texts,
  tables,
  peers,
  tell,
  sysConfig,
  jobs,
}: HttpParts): App {
  const languages = languagesOf(config);
  return createApp({
    plugins: registry,
    tenantExposes: identity.tenants.exposes,
    assets,
    engine,
    identity,
    limits: { maxBodyBytes: config.server.maxBodyBytes, maxUploadBytes: MAX_UPLOAD_BYTES + UPLOAD_FORM_BYTES },
    languages,
    texts,
    trustProxy: config.server.trustProxy,
    unreadyReasons: () => [...unready],
    ...(peers && { pid: process.pid }),
    metrics: { ...config.metrics, render: peers?.metrics ?? metrics.render, contentType: metrics.contentType },
    log,
    async register(app) {
      const endpoints = collectEndpoints(app);
      const plugins = () => enabledPlugins(registry);
      await app.register(openApiRoute({ version: programVersion(), endpoints, plugins, texts, languages }));
      await app.register(i18nRoutes({ texts, languages, enabled: config.i18n.enabled }));
      await app.register(authRoutes({ identity, tell }));
      await app.register(
        menuRoutes({
          identity,
          showsPlugin: (pluginId, tenantId) => showsPlugin(identity, registry.find(pluginId), tenantId),
          texts,
          languages,
        }),
      );
      await app.register(userRoutes({ identity }));
      await app.register(roleRoutes({ identity }));
      await app.register(sysConfigRoutes({ identity, sysConfig }));
      await app.register(tenantRoutes({ identity }));
      await app.register(
        apiRoutes({
          registry,
          identity,
          isolationOf: engine.isolationOf,
          quarantine: { of: engine.quarantineOf, lift: liftingEverywhere(engine, peers) },
          speech: createPluginSpeech(texts, languages),
          tables,
          tenantExposes: identity.tenants.exposes,
          jobs,
          maxUploadBytes: MAX_UPLOAD_BYTES,
          autoEnable: config.plugin.autoEnable.map(({ id }) => id),
        }),
      );
    },
  });
}

/** Without translation everybody reads the default language. */
function languagesOf({ i18n }: Config): Languages {
  return { default: i18n.default, supported: i18n.enabled ? i18n.locales : [i18n.default] };
}

function enabledPlugins(registry: Pick<Registry, 'list' | 'find'>): readonly DocumentedPlugin[] {
  return registry.list().flatMap(({ plugin: { pluginId } }) => {
    const view = registry.find(pluginId);
    if (!view?.installed || !view.enabled) return [];
    const { routes, bridge } = view.artifact;
    return [{ pluginId, routes, routeExecution: bridge?.routeExecution === true }];
  });
}

async function listen(app: App, { server: { host, port } }: Config): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new SandpoolError('SBX_PORT_IN_USE', { host, port }, { cause });
  }
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

// ---- start and end -------------------------------------------------------------------------------------------------------

/** Loads what is enabled, of which a bad one stops no other; then what the configuration asks for, without which no start is whole. */
async function startPlugins(
  registry: Registry,
  config: Config,
  log: Logger,
  see: (pluginId: string) => void,
  peers: Peers | undefined,
): Promise<void> {
  if (peers?.isFirst === false) await registry.follow();
  const report = peers?.isFirst === false ? undefined : await registry.reload();
  for (const { plugin } of registry.list()) see(plugin.pluginId);
  log.debug({ report }, 'plugins are loaded');
  if (report === undefined) return;
  await registry.autoEnable(config.plugin.autoEnable);
}

/** Rows that only somebody else can have written (`spec/governance.md` §8.6). @throws PLUGIN_STARTUP_CONSISTENCY_FAILED */
function requireConsistency({ tenants }: IdentityRoom, registry: Pick<Registry, 'inconsistencies'>): void {
  const details = [...registry.inconsistencies(), ...tenants.inconsistencies()].join('; ');
  if (details !== '') throw new SandpoolError('PLUGIN_STARTUP_CONSISTENCY_FAILED', { details });
}

/** What the configuration wants enabled and is installed per tenant, tenants have too (`spec/governance.md` §8.4). */
async function provisionTenants(registry: Registry, { tenants }: IdentityRoom, { plugin }: Config): Promise<void> {
  for (const { id } of plugin.autoEnable) {
    if (registry.find(id)?.installMode !== 'tenant_scoped') continue;
    try {
      await registry.setProvisioningPolicy(id, { autoEnableForNewTenants: true, by: 'plugin.autoEnable' });
      tenants.provision(id);
    } catch (cause) {
      const facts = { pluginId: id, reason: reasonOf(cause) };
      throw new SandpoolError('PLUGIN_AUTO_ENABLE_TENANT_PROVISIONING_FAILED', facts, { cause });
    }
  }
}

/** Stops listening, lets running requests end, then ends whatever still runs and tells its callers. */
async function shutDown(app: App, engine: Engine, graceMs: number): Promise<void> {
  const closing = app.close();
  await engine.close(graceMs);
  await Promise.race([closing, setTimeout(LAST_WORDS_MS, undefined, { ref: false })]);
  app.server.closeAllConnections();
  await closing;
}

/** Runs the closers once, last opened first, however often it is called. */
function once(closers: readonly (() => unknown)[]): () => Promise<void> {
  let ending: Promise<void> | undefined;
  return () => {
    ending ??= (async () => {
      for (const close of closers.toReversed()) await close();
    })();
    return ending;
  };
}
