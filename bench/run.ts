/** `npm run bench -- [case…] [--rounds N] [--json FILE]`: measures, prints a line per row, and writes the report. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FULL } from './case.js';
import { textOfGoals } from './goals.js';
import { headOf, textOfRow } from './report.js';
import { CASES, DEFAULT_ROUNDS, runBench, unknownCases } from './runner.js';

await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: String(DEFAULT_ROUNDS) }, json: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  const unknown = unknownCases(positionals);
  if (unknown.length > 0 || !(rounds >= 1)) {
    const known = CASES.map(({ name }) => name).join(', ');
    console.error(
      unknown.length > 0 ? `unknown case: ${unknown.join(', ')}; there are ${known}` : 'rounds: at least 1',
    );
    process.exitCode = 2;
    return;
  }
  const report = await runBench(positionals, rounds, FULL, {
    head: (head) => console.log(`${headOf(head)}\n`),
    rows: (rows) => console.log(`${rows.map(textOfRow).join('\n')}\n`),
    skipped: (reason) => console.log(`# skipped: ${reason}`),
    failed(name, thrown) {
      console.error(`# failed: ${name}:`, thrown);
      process.exitCode = 1;
    },
  });
  console.log(textOfGoals(report));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
