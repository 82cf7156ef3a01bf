/**
 * What a stuck guest costs: how far past its deadline it runs, when the thread serves again, and what the neighbours feel. A
 * loop is stopped inside the guest; what never loops is ended with its thread.
 */
import { type BenchCase, type BenchRow, type Effort, median, rowsOfOne } from './case.js';
import { type BenchEngine, openEngine, succeeded } from './engine.js';
import { assemblyScriptGuest } from './guests.js';

const DEADLINE_MS = 20;
/** Killing takes a tenth of a second each time. */
const KILLS = 3;

export const deadlineCase: BenchCase = {
  name: 'deadline',
  async start({ repeats, loadMs }: Effort) {
    const guest = await assemblyScriptGuest();
    const one = await openEngine({ maxThreads: 1 });
    const two = await openEngine({ maxThreads: 2 });
    await one.load('stuck', guest);
    await two.load('stuck', guest);
    await two.load('neighbour', guest);
    const stopped = (requestType: string, times: number) => () => stopOften(one, requestType, times);
    const alone = 'bystander p99, alone';
    return {
      rows: [
        ...stopRows('loop', stopped('SpinReq', repeats)),
        ...stopRows('recursion', stopped('RecurseReq', Math.min(KILLS, repeats))),
        { row: alone, unit: 'ms', measure: () => bystanderP99(two, loadMs) },
        {
          row: 'bystander p99, beside a stuck guest',
          unit: 'ms',
          rival: alone,
          measure: () => besideStuck(two, loadMs),
        },
      ],
      end: async () => void (await Promise.all([one.end(), two.end()])),
    };
  },
};

function stopRows(what: string, measure: () => Promise<Stop>): BenchRow[] {
  return rowsOfOne(measure, [
    { row: `${what}, past its deadline`, unit: 'ms', pick: ({ overshootMs }) => overshootMs },
    { row: `${what}, until the thread serves again`, unit: 'ms', pick: ({ servedAfterMs }) => servedAfterMs },
  ]);
}

interface Stop {
  readonly overshootMs: number;
  readonly servedAfterMs: number;
}

async function stopOften(engine: BenchEngine, requestType: string, times: number): Promise<Stop> {
  const stops: Stop[] = [];
  for (let i = 0; i < times; i++) stops.push(await stopOnce(engine, requestType));
  return {
    overshootMs: median(stops.map(({ overshootMs }) => overshootMs)),
    servedAfterMs: median(stops.map(({ servedAfterMs }) => servedAfterMs)),
  };
}

async function stopOnce(engine: BenchEngine, requestType: string): Promise<Stop> {
  succeeded(await engine.invoke('stuck', 'EchoReq'));
  const outcome = await engine.invoke('stuck', requestType, { deadlineMs: DEADLINE_MS });
  if (outcome.ok || outcome.error.code !== 'SBX_DEADLINE') throw new Error('a stuck guest was not stopped');
  const stoppedAt = performance.now();
  succeeded(await engine.invoke('stuck', 'EchoReq'));
  return { overshootMs: outcome.timings.runMs - DEADLINE_MS, servedAfterMs: performance.now() - stoppedAt };
}

async function besideStuck(engine: BenchEngine, ms: number): Promise<number> {
  let isOver = false;
  const stick = async (): Promise<void> => {
    while (!isOver) await engine.invoke('stuck', 'SpinReq', { deadlineMs: DEADLINE_MS * 5 });
  };
  const stuck = stick();
  const p99 = await bystanderP99(engine, ms);
  isOver = true;
  await stuck;
  return p99;
}

/** One request after the other, as a person who waits for each. */
async function bystanderP99(engine: BenchEngine, ms: number): Promise<number> {
  const latencies: number[] = [];
  const endsAt = performance.now() + ms;
  do {
    const startedAt = performance.now();
    succeeded(await engine.invoke('neighbour', 'EchoReq'));
    latencies.push(performance.now() - startedAt);
  } while (performance.now() < endsAt);
  latencies.sort((left, right) => left - right);
  return latencies[Math.floor(latencies.length * 0.99)] as number;
}
