/** Composition of a host: configuration → stores → registry → services → engine → HTTP, closed in reverse order. */
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Peers } from './cluster/peers.js';
import type { Config } from './config/schema.js';
import { createEngine, type Engine } from './engine/engine.js';
import { runOut } from './http/run-out.js';
import type { IdentityRoom } from './identity/identity.js';
import type { JobClock } from './jobs/jobs.js';
import { createCache } from './main/cache.js';
import { holdDataDir, makeDataDir } from './main/data-dir.js';
import { copyLedgers, openDatabases, openTables } from './main/databases.js';
import { once, shutDown } from './main/end.js';
import { engineOptions } from './main/engine-options.js';
import { tellHooks } from './main/hooks.js';
import { createHostCallAnswers, openHostTables, openPluginNetwork } from './main/host-calls.js';
import { createHttp } from './main/http.js';
import { openIdentity } from './main/identity.js';
import { jobPlugins, openJobs } from './main/jobs.js';
import { listen, urlOf } from './main/listen.js';
import { createLog, pluginLog, slowHostCalls } from './main/log.js';
import { createPluginDirectory } from './main/plugin-directory.js';
import { peerAnswers } from './main/processes.js';
import { openRegistry } from './main/registry.js';
import { createAssets, createPluginTexts } from './main/resources.js';
import { provisionTenants, requireConsistency, startPlugins } from './main/start.js';
import { tenantCallbacks } from './main/tenants.js';
import { createMetrics } from './metrics.js';
import { createAuditLog } from './registry/audit.js';
import { createHooks } from './registry/hooks.js';
import type { Registry } from './registry/registry.js';
import { openBlobs } from './store/blobs.js';
import { keepObjects } from './store/object-upkeep.js';
import { openDatabase } from './store/sqlite.js';
import { openStateStore } from './store/state.js';

/** A host that has been up for so long without a plugin, in ms, gets a thread ready for the first. */
const REHEARSE_AFTER_MS = 1000;
/** How long a connection without a request stays open when its process is replaced, in ms. */
const IDLE_CONNECTION_MS = 2000;

export interface HostOptions {
  readonly config: Config;
  /** Password of the first administrator; made up when absent. */
  readonly adminPassword?: string | undefined;
  readonly log?: Logger;
  /** The other processes of this host, when it has several. */
  readonly peers?: Peers;
  /** What scheduled jobs go by, of which tests make their own; the system's when absent. */
  readonly jobClock?: JobClock;
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
 * @throws SBX_DATA_DIR, SBX_PORT_IN_USE, SBX_LISTEN_FAILED, SBX_STORE_FAILED
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { config, adminPassword, peers, log = createLog(config) } = options;
  const isFirst = peers?.isFirst !== false;
  const closers: (() => unknown)[] = [];
  const unready = new Set(['starting']);
  try {
    const dataDir = makeDataDir(config.data.dir);
    // Among several processes it is the primary that holds it.
    if (peers === undefined) closers.push(holdDataDir(dataDir));
    const database = openDatabase(join(dataDir, 'sandpool.db'), { synchronous: 'FULL' });
    closers.push(() => database.close());
    const callbacks = tenantCallbacks(() => ({ registry, engine, config, log }));
    const identity = await openIdentity({
      config,
      dataDir,
      database,
      peers,
      log,
      callbacks,
      registry: () => registry,
      state: () => state,
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
      isFirst,
      onFailure: (thrown) => log.error({ err: thrown }, 'stored objects could not be kept in order'),
    });
    closers.push(kept.close);
    const registry = openRegistry({
      config,
      dataDir,
      database,
      blobs,
      hooks,
      storage: kept,
      state,
      identity,
      peers,
      log,
      engine: () => engine,
    });
    const tell = tellHooks({ hooks, registry, identity });
    const tables = openTables(dataDir, registry);
    closers.push(tables.close);
    const databases = openDatabases(dataDir, registry);
    closers.push(databases.close);
    const { cache, cacheStamps } = createCache({ config, registry, metrics, peers, log });
    const network = openPluginNetwork(config, registry);
    closers.push(() => network.close());
    const jobs = openJobs({ config, dataDir, database, metrics, log, engine: () => engine, clock: options.jobClock });
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
    if (isFirst) copyLedgers(database, dataDir, log);
    await startPlugins(registry, config, log, seeLoaded, isFirst);
    requireConsistency(identity, registry);
    if (isFirst) await provisionTenants(registry, identity, config);
    await options.beforeListening?.({ registry });
    if (peers !== undefined) await listen(app, config);
    unready.delete('starting');
    jobs.start(jobPlugins(registry), isFirst);
    if (isFirst) void tell({ name: 'system.started', tenantId: 0, payload: {} });
    const rehearsal = setTimeout(() => void engine.rehearse(), REHEARSE_AFTER_MS).unref();
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
