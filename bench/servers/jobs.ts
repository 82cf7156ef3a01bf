/**
 * A process with many scheduled jobs and guests that answer at once. Each job has a time of the day of its own, which is the
 * worst case: patterns that several share are compiled once. Prints one JSON document.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createJobs, type JobClock, type JobPlugin, type Jobs } from '../../src/jobs/jobs.js';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { openDatabase } from '../../src/store/sqlite.js';

/** `work` declares and runs jobs, and leaves them in the file; `idle` starts with what is there, and waits. */
export interface JobsPlan {
  readonly mode: 'work' | 'idle';
  readonly directory: string;
  readonly count: number;
  readonly windowMs: number;
}

export interface WorkResult {
  readonly wakeUs: number;
  readonly startMs: number;
  readonly runUs: number;
}

export interface IdleResult {
  /** Of one second. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

const JOBS_PER_PLUGIN = 1000;
const LOOKS = 200;

const succeeded = {
  ok: true as const,
  response: { statusCode: 200, contentType: '', headers: {}, body: new Uint8Array() },
};

const SETTINGS = {
  rules: { catchUpMs: 86_400_000, keepRuns: 1000, keepDays: 30 },
  maxRunning: 100,
  log: { warn: console.error, error: console.error },
};

const { mode, directory, count, windowMs } = JSON.parse(process.argv[2] as string) as JobsPlan;
process.stdout.write(JSON.stringify(mode === 'work' ? await work() : await idle()));
process.exit(0);

async function work(): Promise<WorkResult> {
  const plugins = pluginsOf();
  const first = open(plugins);
  await first.jobs.settled();
  first.jobs.stop();
  const startedAt = performance.now();
  const again = open(plugins);
  await again.jobs.settled();
  const startMs = performance.now() - startedAt;
  again.jobs.stop();
  return { startMs, ...(await measureLooks(plugins)), ...(await measureRuns(plugins)) };
}

/** As a process does that has been running for long: it has declared nothing lately. */
async function idle(): Promise<IdleResult> {
  const { jobs, runs } = open(pluginsOf(), { isFirst: false });
  await pause(windowMs);
  const cpuMs = await cpuOf(windowMs);
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { total } = jobs.list({ offset: 0, limit: 1 });
  if (total !== count || runs() > 0) throw new Error(`${total} jobs, of which ${runs()} ran`);
  return { cpuMs, residentBytes: process.memoryUsage().rss };
}

/** A look for what is due, as the scheduler has once a minute. */
async function measureLooks(plugins: readonly JobPlugin[]): Promise<Pick<WorkResult, 'wakeUs'>> {
  const clock = handClock(Date.now());
  const { jobs } = open(plugins, { clock });
  await jobs.settled();
  const startedAt = performance.now();
  for (let look = 0; look < LOOKS; look++) clock.wake();
  const wakeUs = ((performance.now() - startedAt) * 1000) / LOOKS;
  jobs.stop();
  return { wakeUs };
}

/** All jobs are due in the course of a day that passes at once; in another file, whose clock is a day ahead then. */
async function measureRuns(plugins: readonly JobPlugin[]): Promise<Pick<WorkResult, 'runUs'>> {
  const clock = handClock(Date.now());
  const { jobs, runs } = open(plugins, { clock, file: 'runs.db' });
  await jobs.settled();
  clock.at += 86_400_000;
  const startedAt = performance.now();
  while (runs() < count) {
    clock.wake();
    await jobs.settled();
  }
  const runUs = ((performance.now() - startedAt) * 1000) / count;
  jobs.stop();
  return { runUs };
}

interface Opened {
  readonly jobs: Jobs;
  readonly runs: () => number;
}

function open(
  plugins: readonly JobPlugin[],
  { clock, isFirst = true, file = 'jobs.db' }: { clock?: JobClock; isFirst?: boolean; file?: string } = {},
): Opened {
  let runs = 0;
  const jobs: Jobs = createJobs({
    database: openDatabase(join(directory, count === 0 ? 'none.db' : file)),
    async callGuest({ pluginId, executionSource, envelope }) {
      if (executionSource === 'jobs.discovery') register(jobs, pluginId, envelope.requestId);
      else runs += 1;
      return succeeded;
    },
    ...SETTINGS,
    ...(clock && { clock }),
  });
  const byId = new Map(plugins.map((plugin) => [plugin.pluginId, plugin]));
  jobs.start({ installed: () => [...byId.keys()], find: (id) => byId.get(id) }, isFirst);
  return { jobs, runs: () => runs };
}

/** Daily jobs, between one hour and 23 hours from now, so that none is due while idling is measured. */
function register(jobs: Jobs, pluginId: string, requestId: string): void {
  const first = Number(pluginId.replace('plugin-', '')) * JOBS_PER_PLUGIN;
  const hour = new Date().getUTCHours();
  const take = jobs.port.collector(requestId)!;
  for (let index = first; index < Math.min(count, first + JOBS_PER_PLUGIN); index++) {
    const pattern = `${index % 60} ${Math.floor(index / 60) % 60} ${(hour + 2 + (index % 20)) % 24} * * *`;
    const job = { name: `job ${index}`, pattern, timezone: 'UTC', requestType: 'TickReq' };
    const bytes = encodePayload('HostServiceJobsRegisterRequest', job);
    const refusal = take(decodePayload('HostServiceJobsRegisterRequest', bytes));
    if (refusal !== undefined) throw new Error(refusal);
  }
}

function pluginsOf(): readonly JobPlugin[] {
  return Array.from({ length: Math.ceil(count / JOBS_PER_PLUGIN) }, (_, index) => pluginOf(index));
}

function pluginOf(index: number): JobPlugin {
  const jobs = { owner: '', service: 'jobs', version: '', methods: ['jobs.register'] };
  const services = [{ ...jobs, paths: [], tables: [], keys: [], resources: [] }];
  const state = { installed: true, enabled: true, runtimeState: 'normal' };
  return { pluginId: `plugin-${index}`, checksum: 'c', generation: 1, ...state, grant: { services } };
}

/** A clock that stands still; its timer rings when it is told. */
function handClock(at: number): JobClock & { at: number; wake(): void } {
  let ring: (() => void) | undefined;
  const clock = {
    at,
    now: () => clock.at,
    monotonic: () => performance.now(),
    after(_ms: number, call: () => void) {
      ring = call;
      return () => {
        if (ring === call) ring = undefined;
      };
    },
    wake: () => ring?.(),
  };
  return clock;
}

/** ms of processor time in one second without work. */
async function cpuOf(ms: number): Promise<number> {
  const before = process.cpuUsage();
  await pause(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ms;
}
