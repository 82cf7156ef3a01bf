/** One tiny round of a case, and the rows that it promises wherever its guests can be built. */
import type { Test } from 'tap';
import { TINY } from '../../bench/case.js';
import { CASES, measureCase } from '../../bench/runner.js';

export async function measuresAll(t: Test, name: string, promised: readonly string[]): Promise<void> {
  const bench = CASES.find((known) => known.name === name);
  if (bench === undefined) return void t.fail(`there is a case ${name}`);
  const skipped = (reason: string) => t.comment(`skipped: ${reason}`);
  const rows = await measureCase({ ...bench, warmsUp: false }, 1, TINY, { skipped });
  const names = rows.map(({ row }) => row);
  for (const row of promised) t.ok(names.includes(row), row);
  for (const { row, median, rival } of rows) {
    t.ok(Number.isFinite(median), `${row}: ${median}`);
    if (rival !== undefined) t.ok(names.includes(rival), `${row} is compared with ${rival}`);
  }
}
