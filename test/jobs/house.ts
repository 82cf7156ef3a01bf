/** Jobs over a database of their own, with a clock that is set by hand and guests of paper. */
import type { Test } from 'tap';
import {
  createJobs,
  type GuestCall,
  type GuestEnd,
  type HistoryRules,
  type JobClock,
  type JobDeed,
  type JobMetrics,
  type JobPlugin,
  type Jobs,
} from '../../src/jobs/jobs.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { PayloadInput } from '../../src/protocol/payloads.js';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { type Database, openDatabase } from '../../src/store/sqlite.js';

export type Declared = PayloadInput<'HostServiceJobsRegisterRequest'>;

/** What a guest answers to a run: a status, a failure of the invocation, or nothing until `release` is called. */
export type Answer = number | SandpoolError | 'held';

export interface FakeGuests {
  /** Jobs that a plugin registers in a discovery. */
  readonly declared: Map<string, readonly Declared[]>;
  /** What a discovery answers; 200 where nothing is said. */
  readonly discoveries: Map<string, Answer>;
  /** What a run answers, by request type; 200 where nothing is said. */
  readonly answers: Map<string, Answer>;
  /** `discover demo`, `TickReq /tick 300000`, in order. */
  readonly calls: string[];
  /** What registrations were told. */
  readonly refusals: string[];
  /** Ends the held calls with that status. */
  release(status?: number): Promise<void>;
}

export interface FakeClock extends JobClock {
  /** Moves time on, and runs what is due on the way. */
  pass(ms: number): Promise<void>;
  /** Sets the clock on the wall; no time passes. */
  set(text: string): void;
  readonly timers: number;
}

export interface JobHouse {
  readonly jobs: Jobs;
  readonly clock: FakeClock;
  readonly guests: FakeGuests;
  readonly plugins: Map<string, JobPlugin>;
  readonly database: Database;
  readonly deeds: JobDeed[];
  readonly observed: string[];
  readonly logs: string[];
  /** Enables a plugin whose releases declare these jobs. */
  enable(pluginId: string, declared: readonly Declared[], more?: Partial<JobPlugin>): Promise<void>;
  disable(pluginId: string): void;
  uninstall(pluginId: string): void;
  /** `succeeded 2026-05-01T00:00:00.000Z`: outcome and due time of all runs, the first one first. */
  history(job?: string): readonly string[];
}

export interface JobHouseOptions {
  readonly database?: Database;
  readonly clock?: FakeClock;
  readonly guests?: FakeGuests;
  readonly plugins?: Map<string, JobPlugin>;
  readonly rules?: Partial<HistoryRules>;
  readonly maxRunning?: number;
  readonly at?: string;
  readonly pid?: number;
  readonly isAlive?: (pid: number) => boolean;
  readonly isFirst?: boolean;
}

const DAY_MS = 86_400_000;

export function openJobHouse(t: Pick<Test, 'teardown'>, options: JobHouseOptions = {}): JobHouse {
  const database = options.database ?? openDatabase(':memory:');
  const clock = options.clock ?? createFakeClock(options.at ?? '2026-05-01T00:00:00Z');
  const guests = options.guests ?? createFakeGuests();
  const plugins = options.plugins ?? new Map<string, JobPlugin>();
  const deeds: JobDeed[] = [];
  const observed: string[] = [];
  const logs: string[] = [];
  const metrics: JobMetrics = {
    jobRun: (...seen) => void observed.push(seen.join(' ').trimEnd()),
    watchJobs: () => {},
  };
  const pid = options.pid ?? 100;
  const note = (facts: object, text: string) => {
    const { err } = facts as { err?: unknown };
    logs.push(err instanceof SandpoolError ? `${text}: ${err.code}` : text);
  };
  const jobs = createJobs({
    database,
    callGuest: (call) => answer(guests, call, () => jobs),
    rules: { catchUpMs: 3_600_000, keepRuns: 1000, keepDays: 30, ...options.rules },
    maxRunning: options.maxRunning ?? 10,
    log: { warn: note, error: note },
    metrics,
    audit: (deed) => void deeds.push(deed),
    clock,
    process: { pid, token: `process ${pid} ${processes++}`, isAlive: options.isAlive ?? (() => true) },
  });
  const ports = { installed: () => [...plugins.keys()], find: (pluginId: string) => plugins.get(pluginId) };
  jobs.start(ports, options.isFirst ?? true);
  t.teardown(jobs.stop);
  return {
    jobs,
    clock,
    guests,
    plugins,
    database,
    deeds,
    observed,
    logs,
    async enable(pluginId, declared, more = {}) {
      guests.declared.set(pluginId, declared);
      plugins.set(pluginId, pluginOf(pluginId, more));
      jobs.see(pluginId);
      await jobs.settled();
    },
    disable(pluginId) {
      plugins.set(pluginId, { ...plugins.get(pluginId)!, enabled: false });
      jobs.see(pluginId);
    },
    uninstall(pluginId) {
      plugins.delete(pluginId);
      jobs.see(pluginId);
    },
    history(job) {
      const jobId = job === undefined ? undefined : jobs.show(job).id;
      return jobs
        .runs({ jobId, limit: 100 })
        .toReversed()
        .map(({ outcome, dueAt }) => `${outcome} ${dueAt === null ? 'asked for' : new Date(dueAt).toISOString()}`);
    },
  };
}

let processes = 0;

/** What another host process sees of the same jobs, guests and clock. */
export function openPeer(t: Pick<Test, 'teardown'>, house: JobHouse, options: JobHouseOptions = {}): JobHouse {
  const { database, clock, guests, plugins } = house;
  return openJobHouse(t, { database, clock, guests, plugins, pid: 200, isFirst: false, ...options });
}

/** A job that is due every minute, unless it says otherwise. */
export function declared(more: Partial<Declared> = {}): Declared {
  return {
    name: 'tick',
    pattern: '# * * * * *',
    timezone: 'UTC',
    requestType: 'TickReq',
    internalPath: '/tick',
    ...more,
  };
}

/** The job of conformance case 99, with what it does not say (`spec/host-services.md` §29.8). */
export const HEARTBEAT = {
  displayName: 'Dynamic Plugin Heartbeat',
  pattern: '# */10 * * * *',
  timezone: 'Asia/Shanghai',
  scope: 'all_node',
  concurrency: 'singleton',
  maxConcurrency: 1,
  timeoutSeconds: 300,
  requestType: 'JobHeartbeatReq',
  internalPath: '/job-heartbeat',
};

export function pluginOf(pluginId: string, more: Partial<JobPlugin> = {}): JobPlugin {
  const jobs = {
    owner: '',
    service: 'jobs',
    version: '',
    methods: ['jobs.register'],
    paths: [],
    tables: [],
    keys: [],
    resources: [],
  };
  return {
    pluginId,
    checksum: 'c1',
    generation: 1,
    installed: true,
    enabled: true,
    runtimeState: 'normal',
    grant: { services: [jobs] },
    ...more,
  };
}

function createFakeGuests(): FakeGuests & { readonly held: ((status: number) => void)[] } {
  const held: ((status: number) => void)[] = [];
  return {
    declared: new Map(),
    discoveries: new Map(),
    answers: new Map(),
    calls: [],
    refusals: [],
    held,
    async release(status = 200) {
      for (const end of held.splice(0)) end(status);
      await turn();
    },
  };
}

async function answer(guests: FakeGuests, call: GuestCall, jobs: () => Jobs): Promise<GuestEnd> {
  const { pluginId, envelope, deadlineMs } = call;
  if (call.executionSource === 'jobs.discovery') {
    guests.calls.push(`discover ${pluginId}`);
    for (const job of guests.declared.get(pluginId) ?? []) {
      const request = decodePayload(
        'HostServiceJobsRegisterRequest',
        encodePayload('HostServiceJobsRegisterRequest', job),
      );
      const refusal = jobs().port.collector(envelope.requestId)?.(request);
      if (refusal !== undefined) guests.refusals.push(refusal);
    }
    return ended(guests, guests.discoveries.get(pluginId) ?? 200);
  }
  const { requestType = '', internalPath } = envelope.route ?? {};
  guests.calls.push(`${requestType} ${internalPath} ${deadlineMs}`);
  return ended(guests, guests.answers.get(requestType) ?? 200);
}

async function ended(guests: FakeGuests, answered: Answer): Promise<GuestEnd> {
  if (answered instanceof SandpoolError) return { ok: false, error: answered };
  const { held } = guests as ReturnType<typeof createFakeGuests>;
  const statusCode = answered === 'held' ? await new Promise<number>((settle) => held.push(settle)) : answered;
  const body = Buffer.from(statusCode >= 400 ? ' it went wrong ' : '');
  return { ok: true, response: { statusCode, contentType: '', headers: {}, body } };
}

export function createFakeClock(at: string): FakeClock {
  let wall = Date.parse(at);
  let passed = 0;
  let timers: { at: number; call: () => void }[] = [];
  return {
    now: () => wall,
    monotonic: () => passed,
    after(ms, call) {
      const timer = { at: passed + ms, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async pass(ms) {
      const until = passed + ms;
      for (;;) {
        await turn();
        const [next] = timers.toSorted((left, right) => left.at - right.at);
        if (next === undefined || next.at > until) break;
        timers = timers.filter((one) => one !== next);
        wall += Math.max(0, next.at - passed);
        passed = Math.max(passed, next.at);
        next.call();
      }
      wall += until - passed;
      passed = until;
      await turn();
    },
    set(text) {
      wall = Date.parse(text);
    },
    get timers() {
      return timers.length;
    },
  };
}

/** Lets everything end that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise((settle) => setImmediate(settle));
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export { DAY_MS };
