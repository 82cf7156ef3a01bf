/**
 * Measures the rows of cases in interleaved rounds (A, B, C, A, B, C …), because this kind of machine is noisy and only ratios
 * within a round mean anything.
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { cacheCase } from './cache.js';
import type { BenchCase, Effort } from './case.js';
import { dataCase } from './data.js';
import { deadlineCase } from './deadline.js';
import { dispatchCase } from './dispatch.js';
import { hostCallCase } from './host-call.js';
import { httpCase } from './http.js';
import { isolationCase } from './isolation.js';
import { jobsCase } from './jobs.js';
import { loadCase } from './load.js';
import { payloadCase } from './payload.js';
import { peersCase } from './peers.js';
import { pluginsCase } from './plugins.js';
import { type BenchReport, type ReportRow, summarise } from './report.js';
import { storageCase } from './storage.js';
import { stormCase } from './storm.js';
import { swapCase } from './swap.js';
import { wireCase } from './wire.js';

export const CASES: readonly BenchCase[] = [
  wireCase,
  isolationCase,
  httpCase,
  dispatchCase,
  hostCallCase,
  dataCase,
  stormCase,
  cacheCase,
  storageCase,
  deadlineCase,
  payloadCase,
  pluginsCase,
  loadCase,
  swapCase,
  jobsCase,
  peersCase,
];

export const DEFAULT_ROUNDS = 5;

/** What a run tells while it goes on. */
export interface BenchListener {
  head?(report: Omit<BenchReport, 'rows'>): void;
  /** A case has ended. */
  rows?(rows: readonly ReportRow[]): void;
  skipped?(reason: string): void;
  /** A case could not be measured; without this listener the run ends there. */
  failed?(name: string, thrown: unknown): void;
}

/** Names that no case has. */
export function unknownCases(names: readonly string[]): string[] {
  return names.filter((name) => !CASES.some((known) => known.name === name));
}

/** Measures the cases of these names, all when there are none. */
export async function runBench(
  names: readonly string[],
  rounds: number,
  effort: Effort,
  listener: BenchListener = {},
): Promise<BenchReport> {
  const head = describeRun();
  listener.head?.(head);
  const rows: ReportRow[] = [];
  for (const bench of CASES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    try {
      const measured = await measureCase(bench, rounds, effort, listener);
      rows.push(...measured);
      listener.rows?.(measured);
    } catch (thrown) {
      if (listener.failed === undefined) throw thrown;
      listener.failed(bench.name, thrown);
    }
  }
  return { ...head, rows };
}

function describeRun(): Omit<BenchReport, 'rows'> {
  const [cpu] = cpus();
  return {
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.versions.node,
    commit: commit(),
    startedAt: new Date().toISOString(),
  };
}

function commit(): string {
  try {
    const options = {
      cwd: new URL('.', import.meta.url),
      stdio: ['ignore', 'pipe', 'ignore'] as ('ignore' | 'pipe')[],
    };
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).toString().trim();
  } catch {
    return 'no commit';
  }
}

/** Measures one case: a round that is thrown away, then the rounds that count. */
export async function measureCase(
  bench: BenchCase,
  rounds: number,
  effort: Effort,
  listener: BenchListener = {},
): Promise<ReportRow[]> {
  const { rows, skipped = [], end } = await bench.start(effort);
  for (const reason of skipped) listener.skipped?.(`${bench.name}: ${reason}`);
  const samples = new Map(rows.map((row) => [row.row, [] as number[]]));
  try {
    if (bench.warmsUp !== false) for (const row of rows) await row.measure();
    for (let round = 0; round < Math.min(rounds, bench.maxRounds ?? rounds); round++) {
      for (const row of rows) samples.get(row.row)?.push(await row.measure());
    }
  } finally {
    await end();
  }
  return rows.map((row) => summarise(bench.name, row, samples));
}
