import { readFileSync } from 'node:fs';
import t from 'tap';
import { GOALS, resultsOf, textOfGoals } from '../../bench/goals.js';
import type { BenchReport, ReportRow } from '../../bench/report.js';
import { CASES } from '../../bench/runner.js';

const row = (parts: Partial<ReportRow>): ReportRow => ({
  case: 'isolation',
  row: 'Go, pristine',
  unit: 'us',
  median: 6,
  min: 5,
  max: 7,
  rounds: 3,
  ...parts,
});

t.test('a goal is missed, or its bar or its aim is reached', async (t) => {
  const verdicts = (rows: ReportRow[]) => resultsOf({ rows }).flatMap(({ verdict }) => verdict ?? []);
  const [time, requests] = [{ rival: 'Go, warm' }, { row: 'Go, pristine, requests', unit: 'rps', rival: 'fresh' }];
  t.same(verdicts([row({ ...time, ratio: 3.1 })]), ['missed']);
  t.same(verdicts([row({ ...time, ratio: 3 })]), ['bar']);
  t.same(verdicts([row({ ...time, ratio: 1.7 })]), ['aim']);
  t.same(verdicts([row({ ...requests, ratio: 59 })]), ['missed']);
  t.same(verdicts([row({ ...requests, ratio: 60 })]), ['bar']);
  t.same(verdicts([row({ ...requests, ratio: 151 })]), ['aim']);
  t.same(verdicts([]), []);
});

t.test('a goal is told with its bar and its aim', async (t) => {
  const rows = [row({ case: 'deadline', row: 'loop, past its deadline', unit: 'ms', median: 2.5 })];
  t.equal(textOfGoals({ rows }), 'bar         2.5 ms  bar 10, aim 2        past the deadline');
});

t.test('the results that README shows have a number for every goal', async (t) => {
  const file = new URL('../../../bench/results.json', import.meta.url);
  const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  t.same(Object.keys(report), ['machine', 'node', 'commit', 'startedAt', 'rows']);
  for (const { goal, value } of resultsOf(report)) t.type(value, 'number', goal.goal);
  for (const { name } of CASES)
    t.ok(
      report.rows.some((one) => one.case === name),
      name,
    );
});

t.test('every goal is of a case that exists', async (t) => {
  for (const goal of GOALS)
    t.ok(
      CASES.some(({ name }) => name === goal.case),
      goal.goal,
    );
});
