/** What one host call costs: a guest makes many in one run, and a run without calls is subtracted. */
import { median } from './case.js';
import { type BenchEngine, succeeded } from './engine.js';

/** ms of a run in which the guest makes so many host calls. */
export type RunMs = (calls: number) => Promise<number>;

/** µs per call: the median of `repeats` pairs of runs. */
export async function microsecondsPerCall(runMs: RunMs, calls: number, repeats: number): Promise<number> {
  const runs: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const without = await runMs(0);
    runs.push(((await runMs(calls)) - without) * 1000);
  }
  return median(runs) / calls;
}

/** A guest that sends the body as a host-call request, so many times. */
export function sameCall(engine: BenchEngine, body: Uint8Array): RunMs {
  return async (calls) => succeeded(await engine.invoke('bench', 'CallReq', { body, calls })).timings.runMs;
}
