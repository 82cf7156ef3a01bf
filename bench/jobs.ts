/** What scheduled jobs cost while none is due, and what a run costs. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BenchCase, rowsOfOne } from './case.js';
import type { IdleResult, JobsPlan, WorkResult } from './servers/jobs.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('./servers/jobs.js', import.meta.url));

interface Measured extends WorkResult {
  readonly without: IdleResult;
  readonly idle: IdleResult;
}

export const jobsCase: BenchCase = {
  name: 'jobs',
  maxRounds: 3,
  warmsUp: false,
  async start({ jobs: count, loadMs: windowMs }) {
    const jobs = `${count.toLocaleString('en-US')} jobs`;
    return {
      rows: rowsOfOne(
        () => measure(count, windowMs),
        [
          { row: 'idle CPU per second, no jobs', unit: 'ms', pick: ({ without }) => without.cpuMs },
          { row: `idle CPU per second, ${jobs}`, unit: 'ms', pick: ({ idle }) => idle.cpuMs },
          {
            row: `memory of ${jobs}`,
            unit: 'MB',
            pick: ({ idle, without }) => (idle.residentBytes - without.residentBytes) / 1e6,
          },
          { row: `a look with nothing due, ${jobs}`, unit: 'us', pick: ({ wakeUs }) => wakeUs },
          { row: `start of a host, ${jobs}`, unit: 'ms', pick: ({ startMs }) => startMs },
          { row: 'a run with its history, guest of paper', unit: 'us', pick: ({ runUs }) => runUs },
        ],
      ),
      end: async () => {},
    };
  },
};

/** Each in a process of its own: what declaring jobs leaves in the heap is not what they take. */
async function measure(count: number, windowMs: number): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
  try {
    const ask = async <Result>(mode: JobsPlan['mode'], jobs: number): Promise<Result> => {
      const plan: JobsPlan = { mode, directory, count: jobs, windowMs };
      return JSON.parse((await run(process.execPath, ['--expose-gc', PROGRAM, JSON.stringify(plan)])).stdout) as Result;
    };
    const work = await ask<WorkResult>('work', count);
    return { ...work, without: await ask<IdleResult>('idle', 0), idle: await ask<IdleResult>('idle', count) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
