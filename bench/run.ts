/**
 * `npm run bench -- [case…] [--rounds N] [--json FILE]`: measures the rows of each case in interleaved rounds (A, B, C, A, B,
 * C …), because this kind of machine is noisy and only ratios within a round mean anything.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchCase, BenchRow } from './case.js';
import { httpCase } from './http.js';
import { wireCase } from './wire.js';

const CASES: readonly BenchCase[] = [wireCase, httpCase];

export interface BenchReport {
  readonly machine: string;
  readonly node: string;
  readonly commit: string;
  readonly startedAt: string;
  readonly rows: readonly ReportRow[];
}

export interface ReportRow {
  readonly case: string;
  readonly row: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly ratio?: number;
  readonly rival?: string;
}

await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
  });
  const chosen = CASES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const unknown = positionals.filter((name) => !CASES.some((known) => known.name === name));
  if (unknown.length > 0) {
    console.error(`unknown case: ${unknown.join(', ')}; there are ${CASES.map(({ name }) => name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const report = { ...describeRun(), rows: [] as ReportRow[] };
  console.log(`${report.machine} · Node ${report.node} · ${report.commit} · ${report.startedAt}\n`);
  for (const bench of chosen) {
    const rows = await measureCase(bench, Number(values.rounds));
    report.rows.push(...rows);
    print(rows);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
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
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'no commit';
  }
}

async function measureCase(bench: BenchCase, rounds: number): Promise<ReportRow[]> {
  const { rows, end } = await bench.start();
  const samples = new Map(rows.map((row) => [row.row, [] as number[]]));
  try {
    for (const row of rows) await row.measure();
    for (let round = 0; round < rounds; round++) {
      for (const row of rows) samples.get(row.row)?.push(await row.measure());
    }
  } finally {
    await end();
  }
  return rows.map((row) => summarise(bench.name, row, samples));
}

function summarise(name: string, row: BenchRow, samples: ReadonlyMap<string, readonly number[]>): ReportRow {
  const own = samples.get(row.row) ?? [];
  const rival = row.rival === undefined ? undefined : samples.get(row.rival);
  return {
    case: name,
    row: row.row,
    unit: row.unit,
    median: median(own),
    min: Math.min(...own),
    max: Math.max(...own),
    rounds: own.length,
    ...(rival && { ratio: median(own.map((value, round) => value / (rival[round] as number))), rival: row.rival }),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function print(rows: readonly ReportRow[]): void {
  for (const row of rows) {
    const ratio = row.ratio === undefined ? '' : `  ${row.ratio.toFixed(2)} × ${row.rival}`;
    const spread = `[${number(row.min)} – ${number(row.max)}]`;
    console.log(
      `${row.case.padEnd(8)} ${row.row.padEnd(38)} ${number(row.median).padStart(10)} ${row.unit.padEnd(4)}${spread.padEnd(24)}${ratio}`,
    );
  }
  console.log();
}

function number(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}
