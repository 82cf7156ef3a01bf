/**
 * Renews the tables of README that have one source in the code: commands, settings, errors, and the goals of the bench
 * with what `bench/results.json` says of them. Each stands between `<!-- name:begin -->` and `<!-- name:end -->`. With `--check` nothing is written, and a stale README exits with 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resultsOf } from '../bench/goals.js';
import { type BenchReport, number } from '../bench/report.js';
import { COMMANDS } from '../src/cli/commands.js';
import { accepts } from '../src/config/check.js';
import { SETTINGS } from '../src/config/schema.js';
import { ERRORS } from '../src/protocol/errors.js';

/** Where README lies. */
export const README = fileURLToPath(new URL('../../README.md', import.meta.url));

const RESULTS = fileURLToPath(new URL('../../bench/results.json', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.includes('--check'));

/** Gives a README with its tables renewed; throws when a table has no place in it. */
export function renewed(readme: string): string {
  return Object.entries(tables()).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`README has no ${begin} … ${end}`);
    return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
  }, readme);
}

function main(checks: boolean): void {
  const readme = readFileSync(README, 'utf8');
  const fresh = renewed(readme);
  if (fresh === readme) return;
  if (checks) {
    process.stderr.write('README.md is stale: run `npm run readme`\n');
    process.exitCode = 1;
  } else writeFileSync(README, fresh);
}

function tables(): Record<string, string> {
  return {
    commands: table(
      ['command', 'does'],
      COMMANDS.map(({ name, args, summary }) => [code(['sandpool', name, args].filter(Boolean).join(' ')), summary]),
    ),
    settings: table(
      ['setting', 'value', 'default', 'unit', 'meaning'],
      SETTINGS.map(({ path, schema }) => [
        code(path),
        accepts(schema),
        schema.default === undefined ? '' : code(JSON.stringify(schema.default)),
        schema.unit ?? '',
        schema.description ?? '',
      ]),
    ),
    errors: table(
      ['code', 'status', 'blame', 'sentence'],
      Object.entries(ERRORS).map(([name, { status, blame, sentence }]) => [
        code(name),
        String(status),
        blame,
        sentence.replaceAll('\n', ' '),
      ]),
    ),
    benchmarks: benchmarks(),
  };
}

/** Written by `npm run bench -- --json bench/results.json`. */
function benchmarks(): string {
  const report = JSON.parse(readFileSync(RESULTS, 'utf8')) as BenchReport;
  const { machine, node, commit, startedAt, rows } = report;
  const rounds = Math.max(...rows.map((row) => row.rounds));
  const goals = resultsOf(report).map(({ goal, value, verdict, unit }) => [
    goal.goal,
    `${goal.bar}`,
    `${goal.aim}`,
    value === undefined ? 'not measured' : `${number(value)} ${unit}`,
    verdict === 'missed' ? 'below the bar' : (verdict ?? ''),
    `${goal.case}: ${goal.row}`,
  ]);
  const peers = report.rows
    .filter((row) => row.case === 'peers')
    .map((row) => [row.row, `${number(row.median)} µs`, `${number(row.min)} – ${number(row.max)}`]);
  return [
    `Measured on ${machine}, Node ${node}, at commit ${commit} on ${startedAt.slice(0, 10)}, ${rounds} round${rounds > 1 ? 's' : ''} at most.\n`,
    table(['goal', 'bar', 'aim', 'measured', 'reached', 'case: row'], goals),
    '',
    'The same echo by others, per call, in one thread (case `peers`):\n',
    table(['host', 'median', 'min – max'], peers),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
