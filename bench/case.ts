/** What a bench case is. Cases are data; `run.ts` measures their rows in interleaved rounds. */

export interface BenchRow {
  readonly row: string;
  readonly unit: 'us' | 'ms' | 'rps' | 'MB';
  /** Row of the same case that this one is compared with: `ratio` is this row ÷ the rival, round by round. */
  readonly rival?: string;
  /** One measurement, in the row's unit. */
  readonly measure: () => Promise<number>;
}

export interface BenchCase {
  readonly name: string;
  /** Prepares the rows; `end` closes what they opened. */
  readonly start: () => Promise<{ rows: readonly BenchRow[]; end: () => Promise<void> }>;
}

/** A row that runs the same operation many times in this thread: its unit is µs per operation. */
export interface LoopRow {
  readonly row: string;
  readonly unit: 'us';
  readonly rival?: string;
  readonly run: (iterations: number) => void;
}

const LOOP_MS = 150;

/** A case of loops: each measurement takes about 150 ms, after a warm-up as long. */
export function loopCase(name: string, rows: readonly LoopRow[]): BenchCase {
  return {
    name,
    start: async () => ({ rows: rows.map(loopRow), end: async () => {} }),
  };
}

function loopRow({ run, ...row }: LoopRow): BenchRow {
  let iterations = 0;
  return {
    ...row,
    async measure() {
      iterations ||= calibrate(run);
      const startedAt = performance.now();
      run(iterations);
      return ((performance.now() - startedAt) * 1000) / iterations;
    },
  };
}

function calibrate(run: (iterations: number) => void): number {
  let iterations = 100;
  for (;;) {
    const startedAt = performance.now();
    run(iterations);
    const tookMs = performance.now() - startedAt;
    if (tookMs >= LOOP_MS / 2) return Math.max(1, Math.round((iterations * LOOP_MS) / tookMs));
    iterations *= 4;
  }
}
