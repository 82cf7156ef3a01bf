/** `sandpool bench`: measures this version on this machine with the benches of the project. */
import type { BenchReport, ReportRow } from '../../bench/report.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Context, ExitCode } from './command.js';

/** Prints a line per row, or with `--json` the report (spec/product.md §6). */
export async function run({
  args,
  options,
  json,
  stdout,
  answer,
  note,
}: Context<{ readonly rounds?: string }>): Promise<ExitCode> {
  // The benches need packages that take long to load, and that no other command needs.
  const { CASES, DEFAULT_ROUNDS, runBench, unknownCases } = await import('../../bench/runner.js');
  const { FULL } = await import('../../bench/case.js');
  const { textOfGoals } = await import('../../bench/goals.js');
  const { headOf, textOfRow } = await import('../../bench/report.js');
  const names = args.filter((name) => name !== undefined);
  const unknown = unknownCases(names);
  if (unknown.length > 0) {
    const known = CASES.map(({ name }) => name).join(', ');
    throw new SandpoolError('SBX_USAGE', { reason: `unknown case: ${unknown.join(', ')}; there are ${known}` });
  }
  const rounds = roundsOf(options.rounds, DEFAULT_ROUNDS);
  const say = (text: string): void => void (json || stdout.write(`${text}\n`));
  let hasFailed = false;
  const report: BenchReport = await runBench(names, rounds, FULL, {
    head: (head) => say(`${headOf(head)}\n`),
    rows: (rows: readonly ReportRow[]) => say(`${rows.map(textOfRow).join('\n')}\n`),
    skipped: (reason) => note(`# skipped: ${reason}`),
    failed(name, thrown) {
      hasFailed = true;
      note(`# failed: ${name}: ${reasonOf(thrown)}`);
    },
  });
  answer(report, textOfGoals(report));
  return hasFailed ? 1 : 0;
}

/** @throws SBX_USAGE */
export function roundsOf(text: string | undefined, usual: number): number {
  const rounds = Number(text ?? usual);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000) return rounds;
  throw new SandpoolError('SBX_USAGE', { reason: `--rounds ${text} is no number from 1 to 1000` });
}
