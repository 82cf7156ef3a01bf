/** What a bench run leaves behind (spec/product.md §6), and how it is shown. */
import { type BenchRow, median } from './case.js';

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
  /** Median of this row ÷ its rival, round by round. */
  readonly ratio?: number;
  readonly rival?: string;
}

/** Units of which more is better; of all others less is. */
export const HIGHER_IS_BETTER: ReadonlySet<string> = new Set(['rps']);

/** One row of the report from the samples of all rows of its case. */
export function summarise(name: string, row: BenchRow, samples: ReadonlyMap<string, readonly number[]>): ReportRow {
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
    ...(rival && {
      ratio: median(own.map((value, round) => value / (rival[round] as number))),
      rival: row.rival as string,
    }),
  };
}

export function headOf({ machine, node, commit, startedAt }: Omit<BenchReport, 'rows'>): string {
  return `${machine} · Node ${node} · ${commit} · ${startedAt}`;
}

/** One line of text per row. */
export function textOfRow(row: ReportRow): string {
  const ratio = row.ratio === undefined ? '' : `${number(row.ratio)} × ${row.rival}`;
  const spread = `[${number(row.min)} – ${number(row.max)}]`;
  const name = `${row.case.padEnd(9)} ${row.row.padEnd(46)}`;
  return `${name} ${number(row.median).padStart(9)} ${row.unit.padEnd(3)} ${spread.padEnd(20)} ${ratio}`.trimEnd();
}

/** A number with as many digits as a noisy machine can promise. */
export function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
