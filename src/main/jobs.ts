/** Scheduled jobs of the plugins that the registry has installed. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import { createJobs, type JobClock, type JobDeed, type JobPlugins, type Jobs } from '../jobs/jobs.js';
import type { Metrics } from '../metrics.js';
import { auditFailure, createAuditLog } from '../registry/audit.js';
import type { Registry } from '../registry/registry.js';
import { type Database, openDatabase } from '../store/sqlite.js';
import { engineOptions } from './engine-options.js';

export interface JobParts {
  readonly config: Config;
  readonly dataDir: string;
  /** Of the audit log. */
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly engine: () => Pick<Engine, 'invoke'>;
  readonly clock: JobClock | undefined;
}

/** Scheduled jobs. Their file is their own: nobody else waits for its lock, and a commit waits for no disk. */
export function openJobs({
  config,
  dataDir,
  database,
  metrics,
  log,
  engine,
  clock,
}: JobParts): Jobs & { close(): Promise<void> } {
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
    ...(clock && { clock }),
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

/** The plugins whose declared jobs run. */
export function jobPlugins(registry: Pick<Registry, 'list' | 'find'>): JobPlugins {
  return {
    installed: () => registry.list().flatMap(({ plugin }) => (plugin.installed === 1 ? [plugin.pluginId] : [])),
    find: registry.find,
  };
}
