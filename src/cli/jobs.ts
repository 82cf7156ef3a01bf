/** `sandpool jobs`: scheduled jobs of a host and what came of their runs. */
import { setTimeout as pause } from 'node:timers/promises';
import { SandpoolError } from '../protocol/errors.js';
import { connect, type Host, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { columns } from './table.js';

interface Options extends HostOptions {
  readonly plugin?: string;
  readonly status?: string;
  readonly wait?: boolean;
  readonly limit?: string;
  readonly before?: string;
}

interface Run {
  readonly id: number;
  readonly jobId: number;
  readonly job: string;
  readonly pluginId: string;
  readonly cause: string;
  readonly by: string;
  readonly dueAt: number | null;
  readonly startedAt: number;
  readonly durationMs: number | null;
  readonly times: number;
  readonly outcome: string;
  readonly errorCode?: string;
  readonly message?: string;
}

interface Job {
  readonly id: number;
  readonly pluginId: string;
  readonly name: string;
  readonly status: string;
  readonly pattern: string;
  readonly timezone: string;
  readonly timeoutSeconds: number;
  readonly nextAt: number | null;
  readonly running: number;
  readonly lastRun: Run | null;
}

interface JobPage {
  readonly list: readonly Job[];
  readonly total: number;
  readonly problems?: readonly { readonly pluginId: string; readonly reason: string }[];
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const [action = 'list', job] = context.args;
  const act = ACTIONS[action];
  if (act === undefined) throw usage(`there is no action ${action}; there are ${Object.keys(ACTIONS).join(', ')}`);
  if (job === undefined && action !== 'list' && action !== 'history')
    throw usage(`which job? sandpool jobs ${action} <job>`);
  return act(context, await connect(context.options), job ?? '');
}

type Action = (context: Context<Options>, host: Host, job: string) => Promise<ExitCode>;

const ACTIONS: Readonly<Record<string, Action | undefined>> = {
  async list({ options, answer }, host) {
    const page = await allJobs(host, options);
    answer(page, textOfJobs(page));
    return 0;
  },
  async run({ options, answer }, host, job) {
    const begun = await host.request<Run>({ method: 'POST', path: jobPath(job, 'run') });
    const ended = options.wait ? await endOf(host, begun) : begun;
    answer(ended, `run ${ended.id} of ${nameOf(ended)}: ${resultOf(ended)}`);
    return ended.outcome === 'running' || ended.outcome === 'succeeded' ? 0 : 1;
  },
  pause: switching('pause', (job) => `${nameOf(job)} is paused`),
  resume: switching(
    'resume',
    (job) => `${nameOf(job)} ${job.nextAt === null ? 'waits for its plugin' : `is due ${time(job.nextAt)}`}`,
  ),
  async history({ options, answer }, host, job) {
    const query = new URLSearchParams({ limit: wholeNumber('--limit', options.limit ?? '20') });
    if (job !== '') query.set('job', job);
    if (options.plugin !== undefined) query.set('pluginId', options.plugin);
    if (options.before !== undefined) query.set('before', wholeNumber('--before', options.before));
    const page = await host.request<{ list: readonly Run[]; next?: number }>({ path: `/jobs/runs?${query}` });
    const older = page.next === undefined ? '' : `\nolder: --before ${page.next}`;
    answer(page, `${textOfRuns(page.list)}${older}`);
    return 0;
  },
};

function switching(action: 'pause' | 'resume', text: (job: Job) => string): Action {
  return async ({ answer }, host, name) => {
    const job = await host.request<Job>({ method: 'PUT', path: jobPath(name, action) });
    answer(job, text(job));
    return 0;
  };
}

async function allJobs(host: Host, { plugin, status }: Options): Promise<JobPage> {
  const list: Job[] = [];
  for (let pageNum = 1; ; pageNum++) {
    const query = new URLSearchParams({ pageNum: String(pageNum), pageSize: '100' });
    if (plugin !== undefined) query.set('pluginId', plugin);
    if (status !== undefined) query.set('status', status);
    const page = await host.request<JobPage>({ path: `/jobs?${query}` });
    list.push(...page.list);
    if (page.list.length === 0 || list.length >= page.total) return { ...page, list };
  }
}

const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 2000;
/** A host notices within so long that a run is lost. */
const GRACE_MS = 180_000;

/** Asks ever more rarely, and no longer than the run may take. */
async function endOf(host: Host, begun: Run): Promise<Run> {
  const { timeoutSeconds } = await host.request<Job>({ path: jobPath(String(begun.jobId)) });
  const until = Date.now() + timeoutSeconds * 1000 + GRACE_MS;
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2)) {
    const seen = await host.request<Run>({ path: `/jobs/runs/${begun.id}` });
    if (seen.outcome !== 'running' || Date.now() > until) return seen;
    await pause(waitMs);
  }
}

function jobPath(job: string, action = ''): string {
  return `/jobs/${encodeURIComponent(job)}${action && `/${action}`}`;
}

function wholeNumber(option: string, text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw usage(`${option} ${text} is not a whole number above 0`);
}

function usage(reason: string): SandpoolError {
  return new SandpoolError('SBX_USAGE', { reason });
}

function textOfJobs({ list, problems = [] }: JobPage): string {
  const rows = list.map((job) => [
    String(job.id),
    nameOf(job),
    job.running > 0 ? 'running' : job.status,
    `${job.pattern} ${job.timezone}`,
    job.nextAt === null ? '-' : time(job.nextAt),
    job.lastRun === null ? '-' : `${time(job.lastRun.startedAt)} ${job.lastRun.outcome}`,
  ]);
  const head = ['ID', 'JOB', 'STATUS', 'WHEN', 'NEXT', 'LAST RUN'];
  const warnings = problems.map(({ pluginId, reason }) => `${pluginId} does not say which jobs it has: ${reason}`);
  return [rows.length === 0 ? 'no jobs' : columns([head, ...rows]), ...warnings].join('\n');
}

function textOfRuns(list: readonly Run[]): string {
  if (list.length === 0) return 'nothing has run';
  const rows = list.map((run) => [
    String(run.id),
    nameOf(run),
    run.by || run.cause,
    run.dueAt === null ? '-' : time(run.dueAt),
    run.durationMs === null ? '-' : `${run.durationMs} ms`,
    resultOf(run),
  ]);
  return columns([['RUN', 'JOB', 'WHY', 'DUE', 'TOOK', 'RESULT'], ...rows]);
}

function resultOf({ outcome, times, errorCode, message }: Run): string {
  const often = times > 1 ? `${outcome} ${times} times` : outcome;
  return [often, errorCode, message].filter(Boolean).join(', ');
}

function nameOf(of: Job | Run): string {
  return `${of.pluginId}/${'job' in of ? of.job : of.name}`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}
