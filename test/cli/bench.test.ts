import t from 'tap';
import { sandpool } from './command-line.js';

// A bench takes its time, and a machine that is slow takes longer.
t.setTimeout(3_600_000);

const cwd = t.testdir();

t.test('bench answers the report as one document', async (t) => {
  const { code, stdout } = await sandpool(['bench', 'wire', '--rounds', '1', '--json'], { cwd });
  t.equal(code, 0);
  const report = JSON.parse(stdout);
  t.same(Object.keys(report), ['machine', 'node', 'commit', 'startedAt', 'rows']);
  t.match(report.rows[0], { case: 'wire', row: 'encode request into a slot', unit: 'us', rounds: 1 });
});

t.test('bench prints machine, Node and commit, and a line per row', async (t) => {
  const { stdout } = await sandpool(['bench', 'wire', '--rounds', '1'], { cwd });
  t.match(stdout, /^\d+ × .* · Node \d+\.\d+\.\d+ · \S+.* · \d{4}-/);
  // Any number: a machine that stands still meanwhile makes thousands of one and tiny parts of the other.
  const row = 'encode request into a slot +# us +\\[# – #\\] +# × request as JSON'.replaceAll('#', '[\\d.,e-]+');
  t.match(stdout, new RegExp(`^wire +${row}$`, 'm'));
});

t.test('bench refuses cases and rounds that make no sense', async (t) => {
  const unknown = await sandpool(['bench', 'wires'], { cwd });
  t.match(unknown, { code: 2, stderr: /SBX_USAGE: unknown case: wires; there are wire, isolation, http/ });
  t.match(await sandpool(['bench', 'wire', '--rounds', '0'], { cwd }), {
    code: 2,
    stderr: /--rounds 0 is no number from 1/,
  });
});
