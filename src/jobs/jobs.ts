/**
 * Scheduled jobs: plugins declare them when they are enabled, one scheduler runs them, operators see and govern them. Everything is
 * in the file `jobs.db`, which all processes of a host share.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as setTimer } from 'node:timers';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { JobInfo, JobScope, JobsPort } from '../services/jobs-port.js';
import { migrate } from '../store/migrations.js';
import type { Database } from '../store/sqlite.js';
import { createClaims, type HistoryRules, type JobProcess } from './claims.js';
import { createCreatedJobs } from './created.js';
import { createDeclarations } from './declarations.js';
import { createDiscovery, type JobPlugin } from './discovery.js';
import type { CallGuest } from './guest.js';
import { type JobFilter, type NamedRun, openJobRows, type RunFilter, statusOf } from './rows.js';
import { createScheduler, type JobClock } from './scheduler.js';
import { JOB_MIGRATIONS, type JobRow, type JobStatus, type RunOutcome } from './tables.js';

export type { HistoryRules, JobProcess } from './claims.js';
export type { JobPlugin } from './discovery.js';
export type { CallGuest, GuestCall, GuestEnd } from './guest.js';
export type { JobFilter, NamedRun, RunFilter } from './rows.js';
export type { JobClock } from './scheduler.js';
export type { JobRow, JobStatus, RunCause, RunOutcome } from './tables.js';

export interface JobsOptions {
  /** Of jobs alone; the caller closes it after all runs have ended. */
  readonly database: Database;
  readonly callGuest: CallGuest;
  readonly rules: HistoryRules;
  /** Most runs at once of this process. */
  readonly maxRunning: number;
  readonly log: JobsLog;
  readonly metrics?: JobMetrics;
  /** Who did what, or wanted to. */
  readonly audit?: (deed: JobDeed) => void;
  readonly clock?: JobClock;
  readonly process?: JobProcess;
}

export interface JobsLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface JobMetrics {
  /** One for each run, and for each that was skipped or missed. */
  jobRun(pluginId: string, outcome: RunOutcome, seconds: number | undefined, lateSeconds: number | undefined): void;
  /** Asked for when metrics are scraped. */
  watchJobs(read: () => Readonly<Partial<Record<JobStatus, number>>>): void;
}

export interface JobDeed {
  readonly action: 'job-run' | 'job-pause' | 'job-resume';
  /** Empty for a job that is not there. */
  readonly pluginId: string;
  readonly job: string;
  readonly by: string;
  /** What was thrown, when it was not done. */
  readonly thrown?: unknown;
}

/** A job as an operator sees it. */
export interface JobRecord extends JobRow {
  readonly effectiveStatus: JobStatus;
  readonly running: number;
  readonly lastRun?: NamedRun | undefined;
}

/** Plugins that exist, with what of them is in force. */
export interface JobPlugins {
  /** Ids of what is installed. */
  readonly installed: () => readonly string[];
  readonly find: (pluginId: string) => JobPlugin | undefined;
}

export interface Jobs {
  /** What the service `jobs` asks. */
  readonly port: JobsPort;
  /**
   * Brings the jobs in line with all plugins and begins to run them.
   * @param isFirst whether no other process serves yet: then what runs is lost, and every plugin is asked for its jobs
   */
  start(plugins: JobPlugins, isFirst: boolean): void;
  /** Something of a plugin has changed. Does nothing before the start. */
  see(pluginId: string): void;
  /** Begins no more runs; those under way end with their invocations. */
  stop(): void;
  /** Resolves when nothing of this process is under way. */
  settled(): Promise<void>;
  list(filter: JobFilter): { readonly items: readonly JobRecord[]; readonly total: number };
  /** @param job its id, or `<plugin id>/<name>` @throws JOB_NOT_FOUND */
  show(job: string): JobRecord;
  runs(filter: RunFilter): readonly NamedRun[];
  /** @throws JOB_NOT_FOUND, and what `runNow` of a job throws */
  runNow(job: string, by: string): NamedRun;
  /** Is not due any more until it is resumed; what runs, runs on. @throws JOB_NOT_FOUND */
  pause(job: string, by: string): JobRecord;
  /** Is due at its next time; those that passed meanwhile are not made up for. @throws JOB_NOT_FOUND */
  resume(job: string, by: string): JobRecord;
  /** @throws JOB_NOT_FOUND */
  run(runId: number): NamedRun;
  /** Why plugins could not be asked for their jobs, by plugin. */
  problems(): ReadonlyMap<string, string>;
}

/** Opens the room and brings its tables up to date; nothing runs before the start. @throws SBX_STORE_FAILED */
export function createJobs(options: JobsOptions): Jobs {
  const { database, log, metrics, audit, clock = SYSTEM_CLOCK, process: self = thisProcess() } = options;
  migrate(database, 'jobs', JOB_MIGRATIONS);
  const rows = openJobRows(database);
  const claims = createClaims({
    database,
    rows,
    process: self,
    rules: options.rules,
    onPassed: ({ pluginId }, outcome) => metrics?.jobRun(pluginId, outcome, undefined, undefined),
  });
  const declarations = createDeclarations({ database, rows, process: self, isThere: claims.isThere });
  const created = createCreatedJobs(database, rows);
  const discovery = createDiscovery({
    declarations,
    callGuest: options.callGuest,
    now: clock.now,
    log,
    onChange: () => scheduler.rearm(),
  });
  const scheduler = createScheduler({
    rows,
    claims,
    clock,
    callGuest: options.callGuest,
    maxRunning: options.maxRunning,
    seen: openSeen(database),
    onWake: () => declarations.abandoned().forEach(see),
    onEnd: ({ job }, { outcome, durationMs }, lateMs) =>
      metrics?.jobRun(job.pluginId, outcome, durationMs / 1000, lateMs === undefined ? undefined : lateMs / 1000),
    log,
  });
  let plugins: JobPlugins | undefined;
  // A process tells its last metrics when it has closed its files already.
  metrics?.watchJobs(() => (plugins === undefined ? {} : rows.countByStatus()));

  function see(pluginId: string): void {
    if (plugins !== undefined) bringInLine(plugins, pluginId, plugins.installed().includes(pluginId));
  }

  function bringInLine(plugins: JobPlugins, pluginId: string, isInstalled: boolean): void {
    try {
      if (isInstalled) discovery.see(pluginId, plugins.find(pluginId));
      else declarations.remove(pluginId);
    } catch (thrown) {
      log.error({ plugin: pluginId, err: thrown }, `its jobs are not in line with it: ${reasonOf(thrown)}`);
    }
  }

  function find(job: string): JobRow {
    const [, pluginId, name] = /^([^/]+)\/(.+)$/s.exec(job) ?? [];
    const isId = /^[1-9]\d{0,14}$/.test(job);
    const found = isId ? rows.job(Number(job)) : rows.declared(pluginId ?? '', name ?? '');
    if (found === undefined) throw new SandpoolError('JOB_NOT_FOUND', { job });
    return found;
  }

  const record = (job: JobRow): JobRecord => {
    const [lastRun] = rows.runs({ jobId: job.id, limit: 1 });
    const running = rows.countRunning(job.id);
    return { ...job, effectiveStatus: statusOf(job), running, ...(lastRun && { lastRun }) };
  };
  const begin = (id: number, operator: string): NamedRun => {
    const claim = claims.now(id, operator, clock.now());
    scheduler.execute(claim);
    return rows.run(claim.runId)!;
  };
  /** Does what somebody asks for, and tells the audit log whatever comes of it. */
  const audited = <Result>(
    { action, by, job: asked }: Pick<JobDeed, 'action' | 'by' | 'job'>,
    work: (job: JobRow) => Result,
  ): Result => {
    let about = { pluginId: '', job: asked };
    try {
      const job = find(asked);
      about = { pluginId: job.pluginId, job: job.name };
      const result = work(job);
      audit?.({ action, by, ...about });
      return result;
    } catch (thrown) {
      audit?.({ action, by, ...about, thrown });
      throw thrown;
    }
  };
  const switchTo = (status: 'enabled' | 'disabled', action: JobDeed['action']) => (asked: string, by: string) =>
    audited({ action, by, job: asked }, ({ id }) => {
      created.switch(id, status, clock.now());
      scheduler.rearm();
      return record(rows.job(id)!);
    });

  return {
    port: createPort(),
    start(given, isFirst) {
      plugins = given;
      if (isFirst) {
        claims.reap(clock.now(), true);
        declarations.forgetReleases();
      }
      const installed = new Set(given.installed());
      const known = new Set([...installed, ...declarations.known()]);
      for (const pluginId of known) bringInLine(given, pluginId, installed.has(pluginId));
      scheduler.start();
    },
    see,
    stop() {
      plugins = undefined;
      scheduler.stop();
    },
    async settled() {
      await discovery.settled();
      await scheduler.settled();
    },
    list(filter) {
      const { items, total } = rows.list(filter);
      return { items: items.map(record), total };
    },
    show: (job) => record(find(job)),
    runs: rows.runs,
    runNow: (job, by) => audited({ action: 'job-run', by, job }, ({ id }) => begin(id, by)),
    pause: switchTo('disabled', 'job-pause'),
    resume: switchTo('enabled', 'job-resume'),
    run(runId) {
      const run = rows.run(runId);
      if (run === undefined) throw new SandpoolError('JOB_NOT_FOUND', { job: `of run ${runId}` });
      return run;
    },
    problems: declarations.problems,
  };

  function createPort(): JobsPort {
    const isSeen = (job: JobRow, { tenantId, createdBy }: JobScope): boolean =>
      (tenantId === undefined || job.tenantId === tenantId) &&
      (createdBy === undefined || job.isBuiltin === 1 || job.createdBy === createdBy);
    return {
      collector: discovery.collector,
      find: (ids, scope) =>
        ids
          .map(rows.job)
          .filter((job) => job !== undefined)
          .filter((job) => isSeen(job, scope))
          .map(infoOf),
      list(query, scope) {
        const { items, total } = rows.list({ ...query, ...scope, status: query.status || undefined });
        return { items: items.map(infoOf), total };
      },
      create(caller, draft) {
        const id = created.create(caller, draft, clock.now());
        scheduler.rearm();
        return id;
      },
      update(caller, id, draft) {
        created.update(caller, id, draft, clock.now());
        scheduler.rearm();
      },
      remove: created.remove,
      setStatus(caller, id, status) {
        created.setStatus(caller, id, status, clock.now());
        scheduler.rearm();
      },
      run(caller, id) {
        created.own(caller, id);
        begin(id, `plugin:${caller.pluginId}`);
      },
    };
  }
}

function infoOf(job: JobRow): JobInfo {
  const { id, name, groupId, retentionMode, retentionValue } = job;
  const retention = retentionMode === '' ? undefined : { mode: retentionMode, value: retentionValue };
  return { id, name, groupId, status: statusOf(job), retention };
}

function openSeen(database: Database) {
  const read = database.prepare<[], number>('SELECT seen_at FROM sandpool_job_clock').pluck();
  const write = database.prepare('UPDATE sandpool_job_clock SET seen_at = ?');
  return { read: () => read.get() ?? 0, write: (now: number) => void write.run(now) };
}

const SYSTEM_CLOCK: JobClock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimer(call, ms).unref();
    return () => clearTimeout(timer);
  },
};

function thisProcess(): JobProcess {
  return { pid: process.pid, token: randomUUID(), isAlive };
}

/** A process of another user refuses the question, and is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
