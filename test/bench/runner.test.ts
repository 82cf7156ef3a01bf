import t from 'tap';
import { type BenchCase, loopRow, TINY } from '../../bench/case.js';
import type { BenchReport } from '../../bench/report.js';
import { measureCase, runBench, unknownCases } from '../../bench/runner.js';
import { stopClock } from '../engine/clock.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

t.test('a report has exactly the shape that tools read', async (t) => {
  const report: BenchReport = await runBench(['wire'], 2, TINY);
  t.same(Object.keys(report), ['machine', 'node', 'commit', 'startedAt', 'rows']);
  const [compared] = report.rows;
  t.same(Object.keys(compared ?? {}), ['case', 'row', 'unit', 'median', 'min', 'max', 'rounds', 'ratio', 'rival']);
  t.match(compared, {
    case: 'wire',
    row: 'encode request into a slot',
    unit: 'us',
    rounds: 2,
    rival: 'request as JSON',
  });
  const alone = report.rows.find(({ row }) => row === 'request as JSON') ?? {};
  t.same(Object.keys(alone), ['case', 'row', 'unit', 'median', 'min', 'max', 'rounds']);
});

t.test('a ratio is the median of what one row gave for each of the other, round by round', async (t) => {
  const numbers: Record<string, number[]> = { a: [999, 10, 100, 30], b: [999, 1, 50, 10] };
  const row = (name: string, rival?: string) => ({
    row: name,
    unit: 'us' as const,
    ...(rival && { rival }),
    measure: async () => numbers[name]?.shift() as number,
  });
  const bench: BenchCase = {
    name: 'made up',
    start: async () => ({ rows: [row('a', 'b'), row('b')], end: async () => {} }),
  };
  t.same(await measureCase(bench, 3, TINY), [
    { case: 'made up', row: 'a', unit: 'us', median: 30, min: 10, max: 100, rounds: 3, ratio: 3, rival: 'b' },
    { case: 'made up', row: 'b', unit: 'us', median: 10, min: 1, max: 50, rounds: 3 },
  ]);
});

t.test('a machine that stands still for a moment does not make a loop short for good', async (t) => {
  const clock = stopClock(t);
  const loops: number[] = [];
  const run = (iterations: number) => {
    clock.pass(loops.length === 0 ? 3000 : iterations / 128);
    loops.push(iterations);
  };
  const row = loopRow({ row: 'a', unit: 'us', run }, 2);
  t.equal(await row.measure(), 1000 / 128);
  t.equal(loops.at(-1), 256, 'as often as takes 2 ms');
});

t.test('what a case opened is closed when a row fails', async (t) => {
  let isClosed = false;
  const measure = () => Promise.reject(new Error('no luck'));
  const end = async () => {
    isClosed = true;
  };
  const bench: BenchCase = { name: 'made up', start: async () => ({ rows: [{ row: 'a', unit: 'us', measure }], end }) };
  await t.rejects(measureCase(bench, 1, TINY), { message: 'no luck' });
  t.ok(isClosed);
});

t.test('a case that fails is told, and the others are measured', async (t) => {
  const failures: string[] = [];
  const failed = (name: string, thrown: unknown) => void failures.push(`${name}: ${(thrown as Error).message}`);
  const report = await runBench(['wire', 'payload'], 1, { ...TINY, payloadBytes: [0] }, { failed });
  t.match(failures, [/^payload: /]);
  t.ok(report.rows.every((row) => row.case === 'wire') && report.rows.length > 0);
});

t.test('a case that does not exist is named', async (t) => {
  t.same(unknownCases(['wire', 'wires', 'http']), ['wires']);
});
