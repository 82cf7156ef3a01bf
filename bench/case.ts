/** What a bench case is. Cases are data; `runner.ts` measures their rows in interleaved rounds. */

export interface BenchRow {
  readonly row: string;
  readonly unit: 'us' | 'ms' | 'rps' | 'MB';
  /** Row of the same case that this one is compared with: `ratio` is this row ÷ the rival, round by round. */
  readonly rival?: string;
  /** One measurement, in the row's unit. */
  readonly measure: () => Promise<number>;
}

export interface StartedCase {
  readonly rows: readonly BenchRow[];
  /** Rows that this machine cannot measure, and why; printed. */
  readonly skipped?: readonly string[];
  readonly end: () => Promise<void>;
}

export interface BenchCase {
  readonly name: string;
  /** For cases that take long: no more rounds than this. */
  readonly maxRounds?: number;
  /** False when the first round is as good as the others; then none is thrown away. */
  readonly warmsUp?: boolean;
  /** Prepares the rows; `end` closes what they opened. */
  readonly start: (effort: Effort) => Promise<StartedCase>;
}

/** How much is done for one measurement. */
export interface Effort {
  /** Length of a loop in this thread, in ms. */
  readonly loopMs: number;
  /** Length of a load from outside, in ms. */
  readonly loadMs: number;
  /** Body sizes of `payload`. */
  readonly payloadBytes: readonly number[];
  /** Numbers of plugins of `plugins`, rising. */
  readonly plugins: readonly number[];
  /** Number of scheduled jobs of `jobs`. */
  readonly jobs: number;
  /** How often something is repeated that happens once in a while: deadlines, host calls. */
  readonly repeats: number;
}

export const FULL: Effort = {
  loopMs: 150,
  loadMs: 1200,
  payloadBytes: [512, 4096, 16_384, 65_536, 262_144, 1_048_576],
  plugins: [1, 10, 50, 200],
  jobs: 10_000,
  repeats: 10,
};

/** Shows that a case works, not what it measures. */
export const TINY: Effort = {
  loopMs: 2,
  loadMs: 60,
  payloadBytes: [512, 131_072],
  plugins: [1, 2],
  jobs: 50,
  repeats: 1,
};

/** The longest that a host can let a request wait for a thread, in ms: a bench measures a slow machine, too, and refuses nobody. */
export const LONGEST_WAIT_MS = 600_000;

/** A row that runs the same operation many times in this thread: its unit is µs per operation. */
export interface LoopRow {
  readonly row: string;
  readonly unit: 'us';
  readonly rival?: string;
  readonly run: (iterations: number) => void;
}

/** A case of loops. */
export function loopCase(name: string, rows: readonly LoopRow[]): BenchCase {
  return {
    name,
    start: async ({ loopMs }) => ({ rows: rows.map((row) => loopRow(row, loopMs)), end: async () => {} }),
  };
}

/** Each measurement takes about `loopMs`; how often that is, the first one finds out. */
export function loopRow({ run, ...row }: LoopRow, loopMs: number): BenchRow {
  let iterations = 0;
  return {
    ...row,
    async measure() {
      iterations ||= calibrate(run, loopMs);
      return (msOf(run, iterations) * 1000) / iterations;
    },
  };
}

function calibrate(run: (iterations: number) => void, loopMs: number): number {
  let iterations = 1;
  for (;;) {
    // The shorter of two: a machine that stands still for a moment is not to be taken for work.
    const tookMs = Math.min(msOf(run, iterations), msOf(run, iterations));
    if (tookMs >= loopMs / 2) return Math.max(1, Math.round((iterations * loopMs) / tookMs));
    iterations *= 4;
  }
}

function msOf(run: (iterations: number) => void, iterations: number): number {
  const startedAt = performance.now();
  run(iterations);
  return performance.now() - startedAt;
}

/** A row of which one measurement gives several numbers: the first row measures, the others show the rest of the same round. */
export function rowsOfOne<Result>(
  measure: () => Promise<Result>,
  rows: readonly (Omit<BenchRow, 'measure'> & { readonly pick: (result: Result) => number })[],
): BenchRow[] {
  let last: Result;
  return rows.map(({ pick, ...row }, index) => ({
    ...row,
    async measure() {
      if (index === 0) last = await measure();
      return pick(last);
    },
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
