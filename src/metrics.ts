/**
 * Every instrument of the process. Units are in the names; labels are bounded: only ids of loaded plugins and names of the
 * catalogue become label values.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { HostCallCount, SandboxCounts } from './protocol/messages.js';
import { HOST_CALL_BUCKETS_SECONDS, ISOLATIONS } from './protocol/messages.js';

const RUN_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const JOB_BUCKETS_SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 60, 300, 1800, 3600];
const LOAD_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the engine is doing now; asked for when metrics are scraped. */
export interface EngineGauges {
  readonly threads: number;
  readonly busyThreads: number;
  readonly waiting: number;
  readonly slotsInUse: number;
  readonly callingHost: number;
  readonly modules: number;
}

export interface InvocationObservation {
  readonly pluginId: string;
  readonly version: string;
  /** `ok`, or the code of the error. */
  readonly code: string;
  readonly queueSeconds: number;
  readonly runSeconds: number;
}

export interface Metrics {
  invocation(observation: InvocationObservation): void;
  sandbox(threadId: number, counts: SandboxCounts): void;
  threadGone(threadId: number): void;
  workerReplaced(reason: 'deadline' | 'died'): void;
  deadlineKill(pluginId: string): void;
  loaded(step: 'rewrite' | 'compile' | 'warm', seconds: number): void;
  /** The isolation that a plugin's release runs in, undefined when none runs, and why it is not the best one. */
  isolation(pluginId: string, isolation: string | undefined, reasons: readonly string[]): void;
  /** Whether a plugin's release is kept away from the threads; told at each change. */
  quarantine(pluginId: string, isQuarantined: boolean): void;
  quarantineRefusal(pluginId: string): void;
  cache(cache: string, event: 'hit' | 'miss' | 'eviction'): void;
  droppedLogLines(pluginId: string, lines: number): void;
  /** A run of a job with its duration and how late it began, or one that did not come about. */
  jobRun(pluginId: string, outcome: string, seconds: number | undefined, lateSeconds: number | undefined): void;
  watchJobs(read: () => Readonly<Record<string, number | undefined>>): void;
  watchEngine(read: () => EngineGauges): void;
  render(): Promise<string>;
  /** The values, for whoever adds up those of several processes. */
  values(): Promise<MetricValues>;
  readonly contentType: string;
}

/** Every instrument of one process with its values; plain data. */
export type MetricValues = readonly MetricObjectWithValues<MetricValue<string>>[];

const TRAP_CODES = new Set(['SBX_TRAP', 'SBX_STACK_OVERFLOW', 'SBX_MEMORY_LIMIT', 'SBX_EXIT', 'SBX_INITIALIZE_FAILED']);

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Of several processes the oldest one tells how long the host has been running; by default it would be left out.
  Object.assign(registry.getSingleMetric('process_start_time_seconds') ?? {}, { aggregator: 'min' });

  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `sandpool_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[], buckets: number[]) =>
    new Histogram({ name: `sandpool_${name}`, help, labelNames, buckets, registers });

  // biome-ignore format: a table
  const instruments = {
    hostCalls:     counter('host_calls_total', 'Host calls by service, method and status.', ['service', 'method', 'status']),
    traps:         counter('traps_total', 'Invocations that a trap, an exit or an exhausted limit of the guest ended.', ['plugin']),
    deadlineKills: counter('deadline_kills_total', 'Workers that were killed because a guest ran past its deadline.', ['plugin']),
    replaced:      counter('workers_replaced_total', 'Workers that ended before their time, by reason.', ['reason']),
    created:       counter('instances_created_total', 'Instances that were created.', []),
    reused:        counter('instances_reused_total', 'Invocations that ran in a kept instance.', []),
    reset:         counter('instances_reset_total', 'Instances that were made pristine again.', []),
    dirtyPages:    counter('reset_dirty_pages_total', 'Pages of 4 KiB that resets have copied back.', []),
    discarded:     counter('instances_discarded_total', 'Instances that were discarded, by reason.', ['reason']),
    quarantines:   counter('quarantines_total', 'Times that a release was put into quarantine, or kept there after a probe.', ['plugin']),
    refusals:      counter('quarantine_refusals_total', 'Invocations that were refused because of a quarantine.', ['plugin']),
    load:          histogram('module_load_seconds', 'Time to make a release ready, by step.', ['step'], LOAD_BUCKETS_SECONDS),
    caches:        counter('cache_events_total', 'Hits, misses and evictions by cache.', ['cache', 'event']),
    jobRuns:       counter('job_runs_total', 'Runs of scheduled jobs by outcome, those that did not come about included.', ['plugin', 'outcome']),
    jobDurations:  histogram('job_duration_seconds', 'Duration of runs of scheduled jobs.', ['plugin'], JOB_BUCKETS_SECONDS),
    jobLateness:   histogram('job_lateness_seconds', 'How long after their time scheduled jobs began to run.', [], JOB_BUCKETS_SECONDS),
    dropped:       counter('log_lines_dropped_total', 'Log lines of plugins above their rate.', ['plugin']),
  };
  const isolations = new Gauge({
    name: 'sandpool_plugin_isolation',
    help: 'Isolation that a loaded plugin runs in: 1 for the one in force.',
    labelNames: ['plugin', 'isolation'],
    registers,
    aggregator: 'max',
  });
  const obstacles = new Gauge({
    name: 'sandpool_plugin_isolation_obstacle',
    help: 'What keeps a loaded plugin from a better isolation: 1 for each reason.',
    labelNames: ['plugin', 'reason'],
    registers,
    aggregator: 'max',
  });
  const isolationReasons = new Map<string, readonly string[]>();
  new Gauge({ name: 'sandpool_processes', help: 'Host processes that these metrics are of.', registers }).set(1);
  const quarantined = new Gauge({
    name: 'sandpool_plugin_quarantined',
    help: 'Whether a plugin is in quarantine.',
    labelNames: ['plugin'],
    registers,
  });
  const hostCallDurations = registerTally<'service' | 'method'>(
    registry,
    'host_call_duration_seconds',
    'Duration of host calls.',
    HOST_CALL_BUCKETS_SECONDS,
  );
  const invocations = registerInvocations(registry);
  const live = new Map<number, number>();
  new Gauge({
    name: 'sandpool_instances_live',
    help: 'Instances that workers keep now.',
    registers,
    collect() {
      this.set([...live.values()].reduce((sum, count) => sum + count, 0));
    },
  });

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    values: () => registry.getMetricsAsJSON(),
    invocation(observation) {
      invocations.add(observation);
      if (TRAP_CODES.has(observation.code)) instruments.traps.inc({ plugin: observation.pluginId });
    },
    sandbox(threadId, counts) {
      live.set(threadId, counts.live);
      instruments.created.inc(counts.created);
      instruments.reused.inc(counts.reused);
      instruments.reset.inc(counts.reset);
      instruments.dirtyPages.inc(counts.dirtyPages);
      for (const [reason, count] of Object.entries(counts.discarded)) instruments.discarded.inc({ reason }, count);
      for (const event of ['hit', 'miss'] as const)
        if (counts.cached[event] > 0) instruments.caches.inc({ cache: 'plugins', event }, counts.cached[event]);
      for (const call of counts.hostCalls) {
        instruments.hostCalls.inc({ service: call.service, method: call.method, status: call.status }, call.count);
        const { service, method } = call;
        hostCallDurations.of(`${service}.${method}`, { service, method }).add(call);
      }
    },
    threadGone: (threadId) => void live.delete(threadId),
    workerReplaced: (reason) => instruments.replaced.inc({ reason }),
    deadlineKill: (plugin) => instruments.deadlineKills.inc({ plugin }),
    loaded: (step, seconds) => instruments.load.observe({ step }, seconds),
    quarantine(plugin, isQuarantined) {
      quarantined.set({ plugin }, isQuarantined ? 1 : 0);
      if (isQuarantined) instruments.quarantines.inc({ plugin });
    },
    quarantineRefusal: (plugin) => instruments.refusals.inc({ plugin }),
    isolation(plugin, isolation, reasons) {
      for (const one of ISOLATIONS) isolations.set({ plugin, isolation: one }, one === isolation ? 1 : 0);
      for (const reason of isolationReasons.get(plugin) ?? []) obstacles.remove({ plugin, reason });
      for (const reason of reasons) obstacles.set({ plugin, reason }, 1);
      isolationReasons.set(plugin, reasons);
    },
    cache: (cache, event) => instruments.caches.inc({ cache, event }),
    droppedLogLines: (plugin, lines) => instruments.dropped.inc({ plugin }, lines),
    jobRun(plugin, outcome, seconds, lateSeconds) {
      instruments.jobRuns.inc({ plugin, outcome });
      if (seconds !== undefined) instruments.jobDurations.observe({ plugin }, seconds);
      if (lateSeconds !== undefined) instruments.jobLateness.observe(lateSeconds);
    },
    watchJobs: (read) => registerJobGauge(registry, read),
    watchEngine: (read) => registerEngineGauges(registry, read),
  };
}

/** The metrics of several processes, added up. Whatever is counted never falls, also when a process ends or is silent. */
export interface MetricsOfAll {
  /** Keeps the values that a process gave last. */
  keep(pid: number, values: unknown): void;
  /** A process has ended: what it has counted stays, what it had at that moment goes. */
  retire(pid: number): void;
  /** @param answered the processes whose values are of now */
  render(answered: ReadonlySet<number>): Promise<string>;
}

export function createMetricsOfAll(): MetricsOfAll {
  const latest = new Map<number, MetricValues>();
  /** In order: each waits for what was retired before it. */
  let retired: Promise<MetricValues> = Promise.resolve([]);
  return {
    keep(pid, values) {
      if (Array.isArray(values)) latest.set(pid, values);
    },
    retire(pid) {
      const values = latest.get(pid);
      latest.delete(pid);
      if (values !== undefined)
        retired = retired.then((before) => added([before, countsOf(values)]).getMetricsAsJSON());
    },
    async render(answered) {
      const before = await retired;
      const parts = [...latest].map(([pid, values]) => (answered.has(pid) ? values : countsOf(values)));
      return added([...parts, before]).metrics();
    },
  };
}

/** Each instrument says how it is added up: most are sums. */
function added(parts: readonly MetricValues[]): Registry {
  return AggregatorRegistry.aggregate(parts as MetricValues[]);
}

function countsOf(values: MetricValues): MetricValues {
  return values.filter(({ type }) => COUNTS.has(String(type)));
}

const COUNTS = new Set(['counter', 'histogram']);

/** Every process of a host counts the same jobs. */
function registerJobGauge(registry: Registry, read: () => Readonly<Record<string, number | undefined>>): void {
  new Gauge({
    name: 'sandpool_jobs',
    help: 'Scheduled jobs by status.',
    labelNames: ['status'],
    registers: [registry],
    aggregator: 'max',
    collect() {
      this.reset();
      for (const [status, count = 0] of Object.entries(read())) this.set({ status }, count);
    },
  });
}

function registerEngineGauges(registry: Registry, read: () => EngineGauges): void {
  const gauges: readonly [string, string, (now: EngineGauges) => number][] = [
    ['pool_threads', 'Worker threads.', (now) => now.threads],
    ['modules_cached', 'Compiled modules that are kept: those that serve, and a few that did.', (now) => now.modules],
    ['pool_busy_threads', 'Worker threads that run a batch.', (now) => now.busyThreads],
    ['queue_length', 'Invocations that wait for a worker.', (now) => now.waiting],
    ['slots_in_use', 'Slots that carry an invocation.', (now) => now.slotsInUse],
    ['workers_in_host_call', 'Workers that wait for the main thread to answer a host call.', (now) => now.callingHost],
  ];
  for (const [name, help, pick] of gauges) {
    new Gauge({
      name: `sandpool_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(pick(read()));
      },
    });
  }
}

/** Every request passes here, so it counts in plain numbers; they become labelled values when somebody asks for them. */
function registerInvocations(registry: Registry): { add(observation: InvocationObservation): void } {
  const runs = registerTally<'plugin'>(
    registry,
    'invocation_duration_seconds',
    'Run time of invocations in a worker.',
    RUN_BUCKETS_SECONDS,
  );
  const waits = registerTally<'plugin'>(
    registry,
    'queue_wait_seconds',
    'Time that invocations waited for a worker.',
    RUN_BUCKETS_SECONDS,
  );
  const uncollected = new Map<string, { version: string; codes: Map<string, number> }>();
  new Counter({
    name: 'sandpool_invocations_total',
    help: 'Invocations by plugin, release version and outcome code.',
    labelNames: ['plugin', 'version', 'code'],
    registers: [registry],
    collect() {
      for (const plugin of uncollected.keys()) collect(plugin);
    },
  });
  const total = registry.getSingleMetric('sandpool_invocations_total') as Counter<'plugin' | 'version' | 'code'>;

  function collect(plugin: string): void {
    const { version, codes } = uncollected.get(plugin) ?? { version: '', codes: new Map<string, number>() };
    for (const [code, count] of codes) total.inc({ plugin, version, code }, count);
    uncollected.delete(plugin);
  }

  return {
    add({ pluginId, version, code, queueSeconds, runSeconds }) {
      if (uncollected.get(pluginId)?.version !== version) collect(pluginId);
      let counts = uncollected.get(pluginId);
      if (counts === undefined) {
        counts = { version, codes: new Map() };
        uncollected.set(pluginId, counts);
      }
      counts.codes.set(code, (counts.codes.get(code) ?? 0) + 1);
      const labels = { plugin: pluginId };
      runs.of(pluginId, labels).observe(runSeconds);
      waits.of(pluginId, labels).observe(queueSeconds);
    },
  };
}

/** What one set of labels has come to. */
interface Tally {
  observe(seconds: number): void;
  /** What was counted elsewhere, for example in a worker. */
  add(counted: Pick<HostCallCount, 'count' | 'seconds' | 'buckets'>): void;
}

/**
 * A histogram whose observations cost an addition: prom-client's own makes a text of the labels for each, which takes longer than
 * a light guest runs.
 */
function registerTally<Label extends string>(
  registry: Registry,
  shortName: string,
  help: string,
  bounds: readonly number[],
): { of(key: string, labels: Readonly<Record<Label, string>>): Tally } {
  const name = `sandpool_${shortName}`;
  const tallies = new Map<string, ReturnType<typeof createTally>>();
  const values = () => [...tallies.values()].flatMap((tally) => tally.values(name));
  const read = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() });
  registry.registerMetric({ name, help, type: 'histogram', aggregator: 'sum', get: read } as unknown as Histogram);
  return {
    of(key, labels) {
      let tally = tallies.get(key);
      if (tally === undefined) {
        tally = createTally(labels, bounds);
        tallies.set(key, tally);
      }
      return tally;
    },
  };
}

function createTally(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
  const buckets = bounds.map(() => 0);
  let count = 0;
  let seconds = 0;
  return {
    observe(value: number): void {
      const bucket = bounds.findIndex((upper) => value <= upper);
      if (bucket !== -1) buckets[bucket] = (buckets[bucket] as number) + 1;
      count += 1;
      seconds += value;
    },
    add(counted: Pick<HostCallCount, 'count' | 'seconds' | 'buckets'>): void {
      for (let index = 0; index < buckets.length; index++)
        buckets[index] = (buckets[index] as number) + (counted.buckets[index] as number);
      count += counted.count;
      seconds += counted.seconds;
    },
    values(name: string) {
      let below = 0;
      const cumulative = bounds.map((le, index) => {
        below += buckets[index] as number;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
      });
      return [
        ...cumulative,
        { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
        { metricName: `${name}_sum`, labels, value: seconds },
        { metricName: `${name}_count`, labels, value: count },
      ];
    },
  };
}
