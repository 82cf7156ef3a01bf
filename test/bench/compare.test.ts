import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { BenchReport, ReportRow } from '../../bench/report.js';

const PROGRAM = fileURLToPath(new URL('../../bench/compare.js', import.meta.url));
const ROW: ReportRow = { case: 'c', row: 'r', unit: 'us', median: 10, min: 9.5, max: 10.5, rounds: 3 };
const RATED: ReportRow = { ...ROW, ratio: 2, rival: 'x' };

t.test('what got slower beyond its spread ends a comparison with 1', async (t) => {
  const cases: readonly [string, ReportRow, ReportRow, number][] = [
    ['slower beyond the spread', ROW, { ...ROW, median: 12 }, 1],
    ['slower within the spread', ROW, { ...ROW, median: 10.4 }, 0],
    ['faster', ROW, { ...ROW, median: 5 }, 0],
    ['fewer requests', { ...ROW, unit: 'rps' }, { ...ROW, unit: 'rps', median: 8 }, 1],
    ['more requests', { ...ROW, unit: 'rps' }, { ...ROW, unit: 'rps', median: 12 }, 0],
    ['a slower machine with the same ratio', RATED, { ...RATED, median: 30, min: 28, max: 31 }, 0],
    ['a worse ratio', RATED, { ...RATED, ratio: 3 }, 1],
    ['a row that is new', { ...ROW, row: 'other' }, ROW, 0],
  ];
  for (const [title, before, after, code] of cases) t.equal((await compare(t, before, after)).code, code, title);
});

t.test('a change is told with its spread and its verdict', async (t) => {
  const { stdout } = await compare(t, ROW, { ...ROW, median: 12 });
  t.match(stdout, /^c r +10\.0 → 12\.0 us {2}20\.0 % \(spread 5\.0 %\) WORSE$/m);
});

t.test('a comparison without files says how it is used', async (t) => {
  t.match(await execute([]), { code: 2, stderr: /usage: npm run bench:compare/ });
});

async function compare(t: { testdir(): string }, before: ReportRow, after: ReportRow) {
  const directory = t.testdir();
  const files = ['before', 'after'].map((name) => join(directory, `${name}.json`));
  for (const [index, row] of [before, after].entries())
    await writeFile(files[index] as string, JSON.stringify(reportOf(row)));
  return execute(files);
}

function reportOf(row: ReportRow): BenchReport {
  return { machine: 'm', node: 'n', commit: 'c', startedAt: 's', rows: [row] };
}

function execute(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
