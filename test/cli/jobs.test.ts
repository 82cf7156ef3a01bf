import t from 'tap';
import { playHost, sandpool } from './command-line.js';

const cwd = t.testdir({});
const AT = 1_790_000_000_000;
const RUN = {
  id: 9,
  jobId: 4,
  job: 'nightly',
  pluginId: 'acme',
  cause: 'schedule',
  by: '',
  dueAt: AT,
  startedAt: AT,
  durationMs: 12,
  times: 1,
  outcome: 'succeeded',
};
const JOB = {
  id: 4,
  pluginId: 'acme',
  name: 'nightly',
  status: 'enabled',
  pattern: '0 3 * * *',
  timezone: 'UTC',
  timeoutSeconds: 300,
  nextAt: AT,
  running: 0,
  lastRun: RUN,
};

t.test('jobs are a table; what could not be asked is named below it', async (t) => {
  const asleep = { ...JOB, id: 5, name: 'b', status: 'paused_by_plugin', nextAt: null, lastRun: null };
  const busy = { ...JOB, id: 6, name: 'c', running: 1 };
  const problems = [{ pluginId: 'bad', reason: 'boom' }];
  const { url } = await playHost(t, {
    'GET /jobs?pageNum=1&pageSize=100&pluginId=acme': { list: [JOB, asleep], total: 3, problems },
    'GET /jobs?pageNum=2&pageSize=100&pluginId=acme': { list: [busy], total: 3, problems },
  });
  const { code, stdout } = await sandpool(['jobs', '--plugin', 'acme', '--url', url], { cwd });
  t.equal(code, 0);
  t.equal(
    stdout,
    `ID  JOB           STATUS            WHEN           NEXT                      LAST RUN
4   acme/nightly  enabled           0 3 * * * UTC  2026-09-21T14:13:20.000Z  2026-09-21T14:13:20.000Z succeeded
5   acme/b        paused_by_plugin  0 3 * * * UTC  -                         -
6   acme/c        running           0 3 * * * UTC  2026-09-21T14:13:20.000Z  2026-09-21T14:13:20.000Z succeeded
bad does not say which jobs it has: boom
`,
  );
});

t.test('the history tells why a job ran and what came of it', async (t) => {
  const skipped = {
    ...RUN,
    id: 8,
    outcome: 'skipped',
    times: 3,
    durationMs: 0,
    message: 'the runs before it had not ended',
  };
  const failed = {
    ...RUN,
    id: 7,
    by: 'ada',
    cause: 'manual',
    dueAt: null,
    outcome: 'failed',
    errorCode: 'SBX_TRAP',
    message: 'unreachable',
  };
  const { url } = await playHost(t, {
    'GET /jobs/runs?limit=20&job=acme%2Fnightly&before=10': { list: [RUN, skipped, failed], next: 7 },
    'GET /jobs/runs?limit=5': { list: [] },
  });
  const { stdout } = await sandpool(['jobs', 'history', 'acme/nightly', '--before', '10', '--url', url], { cwd });
  t.equal(
    stdout,
    `RUN  JOB           WHY       DUE                       TOOK   RESULT
9    acme/nightly  schedule  2026-09-21T14:13:20.000Z  12 ms  succeeded
8    acme/nightly  schedule  2026-09-21T14:13:20.000Z  0 ms   skipped 3 times, the runs before it had not ended
7    acme/nightly  ada       -                         12 ms  failed, SBX_TRAP, unreachable
older: --before 7
`,
  );
  const empty = await sandpool(['jobs', 'history', '--limit', '5', '--url', url], { cwd });
  t.equal(empty.stdout, 'nothing has run\n');
});

t.test('a run is begun, and waited for when that is asked', async (t) => {
  const begun = { ...RUN, outcome: 'running', durationMs: null };
  const failed = { ...RUN, outcome: 'failed', errorCode: 'SBX_JOB_FAILED', message: 'boom' };
  const { url, received } = await playHost(t, {
    'POST /jobs/acme%2Fnightly/run': begun,
    'GET /jobs/4': JOB,
    'GET /jobs/runs/9': failed,
  });
  const at = ['--url', url];
  t.match(await sandpool(['jobs', 'run', 'acme/nightly', ...at], { cwd }), {
    code: 0,
    stdout: 'run 9 of acme/nightly: running\n',
  });
  const waited = await sandpool(['jobs', 'run', 'acme/nightly', '--wait', '--json', ...at], { cwd });
  t.match(waited, { code: 1 });
  t.match(JSON.parse(waited.stdout), { id: 9, outcome: 'failed', errorCode: 'SBX_JOB_FAILED' });
  const run = 'POST /jobs/acme%2Fnightly/run';
  t.strictSame(
    received.map(({ request }) => request),
    [run, run, 'GET /jobs/4', 'GET /jobs/runs/9'],
  );
});
