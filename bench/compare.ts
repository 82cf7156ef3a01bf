/**
 * `npm run bench:compare A.json B.json`: what changed between two reports. Ends with 1 when a row got worse by more than the
 * spread of its rounds; rows with a rival are compared by their ratio, which the noise of the machine moves less.
 */
import { readFileSync } from 'node:fs';
import { type BenchReport, HIGHER_IS_BETTER, type ReportRow } from './report.js';

main(process.argv.slice(2));

function main([before, after]: readonly string[]): void {
  if (before === undefined || after === undefined) {
    console.error('usage: npm run bench:compare BEFORE.json AFTER.json');
    process.exitCode = 2;
    return;
  }
  const olds = new Map(read(before).rows.map((row) => [`${row.case} ${row.row}`, row]));
  const worse = read(after).rows.filter((row) => {
    const old = olds.get(`${row.case} ${row.row}`);
    return old !== undefined && printChange(old, row);
  });
  if (worse.length > 0) process.exitCode = 1;
}

function read(file: string): BenchReport {
  return JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
}

/** Prints one row. True when it got worse beyond the spread. */
function printChange(old: ReportRow, row: ReportRow): boolean {
  const isRatio = old.ratio !== undefined && row.ratio !== undefined;
  const [from, to] = isRatio ? [old.ratio as number, row.ratio as number] : [old.median, row.median];
  const change = to / from - 1;
  const spread = Math.max(spreadOf(old), spreadOf(row));
  const loss = HIGHER_IS_BETTER.has(row.unit) ? -change : change;
  const verdict = loss > spread ? 'WORSE' : -loss > spread ? 'better' : '';
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
  const what = isRatio ? `ratio to ${row.rival}` : row.unit;
  console.log(
    `${`${row.case} ${row.row}`.padEnd(48)} ${from.toPrecision(3)} → ${to.toPrecision(3)} ${what}  ${percent(change)} (spread ${percent(spread)}) ${verdict}`,
  );
  return verdict === 'WORSE';
}

/** Half the distance between the extremes, as a part of the median. */
function spreadOf(row: ReportRow): number {
  return (row.max - row.min) / 2 / row.median;
}
