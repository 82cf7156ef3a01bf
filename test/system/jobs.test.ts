import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { sandpool } from '../cli/command-line.js';
import { assemblyScriptGuest } from '../guest-modules.js';
import { startTestHost, type TestHost } from './host.js';
import { jobClockAt } from './job-clock.js';
import { type Processes, serveProcesses } from './processes.js';

const PARTS = {
  routes: [
    { path: '/counts', requestType: 'CountsReq' },
    { path: '/register', requestType: 'RegisterReq' },
  ],
  hostServices: [
    { service: 'jobs', methods: ['jobs.register'] },
    { service: 'runtime', methods: ['state.get', 'state.set'] },
  ],
};

const guest = () => assemblyScriptGuest('jobs');

/** A host on which it is noon in Berlin at first: the job of the night is not due before its time has come. */
const startAtNoon = (t: Test) =>
  startTestHost(t, {}, t.testdir(), undefined, jobClockAt('2026-03-10T11:00:00Z', { goesOn: true }));

interface Shown {
  readonly name: string;
  readonly status: string;
  readonly lastRun: { readonly outcome: string; readonly errorCode?: string; readonly message?: string } | null;
}

/** Asks the API of a host as its administrator. */
async function apiOf(host: Pick<TestHost | Processes, 'url' | 'authorization'>) {
  const headers = await host.authorization();
  return async (method: string, path: string) => {
    const answer = await fetch(`${host.url}/api/v1${path}`, { method, headers });
    return (await answer.json()) as { data: never; errorCode?: string };
  };
}

/** Asks until the answer is as it shall be; how long that takes is nobody's promise. */
async function until<Answer>(ask: () => Promise<Answer>, isThere: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    await pause(50);
  }
}

t.test(
  'F037 F107 a plugin declares its jobs when it is enabled, and they run at their times until it is disabled',
  async (t) => {
    const host = await startAtNoon(t);
    await host.serve('demo', { module: await guest(), ...PARTS });
    const api = await apiOf(host);
    const list = async () => ((await api('GET', '/jobs')).data as { list: readonly Shown[] }).list;
    const names = await until(list, ({ length }) => length === 5);
    t.strictSame(
      names.map(({ name, status }) => `${name} ${status}`),
      ['stuck enabled', 'endless enabled', 'failing enabled', 'nightly enabled', 'often enabled'],
    );
    t.match((await api('GET', '/jobs/demo%2Fnightly')).data, {
      displayName: 'Every night',
      pattern: '0 3 * * *',
      timezone: 'Europe/Berlin',
      scope: 'master_only',
      handlerRef: 'plugin:demo/jobs:nightly',
      timeoutSeconds: 300,
      lastRun: null,
    });
    const job = async () => (await api('GET', '/jobs/demo%2Foften')).data as Shown;
    await until(job, ({ lastRun }) => lastRun?.outcome === 'succeeded');
    t.match((await host.fetch('/x/demo/counts')).text, /^[1-9]/);
    t.match(await host.fetch('/x/demo/register'), { status: 409, text: /only supports Jobs discovery executions/ });

    await host.registry.disable('demo');
    t.equal((await job()).status, 'paused_by_plugin');
    t.match(await api('POST', '/jobs/demo%2Foften/run'), { errorCode: 'SBX_JOB_OUT_OF_FORCE' });
    await host.registry.enable('demo', { grantUnreviewed: true });
    await until(job, ({ status }) => status === 'enabled');
    await host.registry.uninstall('demo');
    t.strictSame(await list(), []);
  },
);

t.test('an operator runs, pauses and resumes jobs by the command line, and reads what came of them', async (t) => {
  const host = await startAtNoon(t);
  await host.serve('demo', { module: await guest(), ...PARTS });
  const { authorization } = await host.authorization();
  const env = { SANDPOOL_URL: host.url, SANDPOOL_TOKEN: authorization.replace('Bearer ', '') };
  const jobs = (...args: string[]) => sandpool(['jobs', ...args], { cwd: t.testdirName, env });
  await until(
    () => jobs('--json'),
    ({ stdout }) => (JSON.parse(stdout) as { total: number }).total === 5,
  );

  t.match(await jobs('run', 'demo/nightly', '--wait'), { code: 0, stdout: /^run \d+ of demo\/nightly: succeeded\n$/ });
  t.match(await jobs('run', 'demo/failing', '--wait'), {
    code: 1,
    stdout: /of demo\/failing: failed, SBX_JOB_FAILED, no disk left\n$/,
  });
  t.match(await jobs('run', 'demo/endless', '--wait'), { code: 1, stdout: /: timed_out, SBX_DEADLINE, .*1000 ms/ });
  t.match(await jobs('pause', 'demo/often'), { code: 0, stdout: 'demo/often is paused\n' });
  // A run that is under way ends first.
  const paused = await until(
    () => jobs('--status', 'disabled'),
    ({ stdout }) => !stdout.includes(' running '),
  );
  t.match(paused, {
    code: 0,
    stdout: /^ID .*\n\d+ +demo\/often +disabled +\* \* \* \* \* \* Asia\/Shanghai +- /,
  });
  t.match(await jobs('resume', 'demo/often'), { code: 0, stdout: /^demo\/often is due 2/ });
  t.match(await jobs('history', 'demo/nightly'), {
    code: 0,
    stdout: /^RUN +JOB +WHY +DUE +TOOK +RESULT\n\d+ +demo\/nightly +admin +- +\d+ ms +succeeded\n$/,
  });
  t.match(await jobs('run', 'demo/nothing'), { code: 1, stderr: 'JOB_NOT_FOUND: job demo/nothing does not exist\n' });
  t.match(await jobs('dance'), {
    code: 2,
    stderr: /there is no action dance; there are list, run, pause, resume, history/,
  });
  t.match(await jobs('run'), { code: 2, stderr: /which job\?/ });
  const audit = await sandpool(['audit', 'demo', '--limit', '4', '--json'], { cwd: t.testdirName, env });
  const { list } = JSON.parse(audit.stdout) as { list: readonly { action: string; by: string; message: string }[] };
  t.strictSame(
    list.map(({ action, by, message }) => `${action} ${by} ${message}`),
    ['job-resume admin often', 'job-pause admin often', 'job-run admin endless', 'job-run admin failing'],
  );
});

t.test('a job of a process that is killed is lost, and the host goes on with one run of each', async (t) => {
  const host = await serveProcesses(t, { PLUGIN_GRANT_UNREVIEWED: 'true' });
  const api = await apiOf(host);
  await upload(host, buildArtifact({ manifest: { id: 'demo', name: 'demo' }, module: await guest(), ...PARTS }));
  await api('POST', '/plugins/demo/install');
  await api('PUT', '/plugins/demo/enable');
  await until(
    async () => (await api('GET', '/jobs')).data as { total: number },
    ({ total }) => total === 5,
  );
  const [victim, survivor] = await host.pids();
  const headers = await host.authorization();
  const connection = await host.connect(victim);
  const begun = await connection.ask('/api/v1/jobs/demo%2Fstuck/run', { method: 'POST', headers });
  const { data } = JSON.parse(begun.text) as { data: { id: number; outcome: string } };
  t.equal(data.outcome, 'running');
  // Connections of the other process only: those of the killed one are reset.
  const other = await host.connect(survivor);
  const ask = async <Data>(path: string) =>
    (JSON.parse((await other.ask(`/api/v1${path}`, { headers })).text) as { data: Data }).data;
  process.kill(victim, 'SIGKILL');
  const run = () => ask<{ outcome: string; errorCode?: string }>(`/jobs/runs/${data.id}`);
  t.match(await until(run, ({ outcome }) => outcome !== 'running'), { outcome: 'lost', errorCode: 'SBX_PROCESS_LOST' });
  t.match(await ask('/jobs/demo%2Fstuck'), { running: 0, status: 'enabled' });

  const { list } = await ask<{ list: readonly { dueAt: number }[] }>('/jobs/runs?job=demo%2Foften&limit=1000');
  const times = list.map(({ dueAt }) => dueAt);
  t.equal(new Set(times).size, times.length, 'no time of the schedule has two runs');
});

async function upload(host: Processes, artifact: Uint8Array): Promise<void> {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(artifact)]), 'demo.wasm');
  const headers = await host.authorization();
  await fetch(`${host.url}/api/v1/plugins/dynamic/package`, { method: 'POST', headers, body: form });
}
