import t from 'tap';
import { declared, openJobHouse } from '../../jobs/house.js';
import { type Answer, openControlPlane } from '../control-plane.js';

async function openJobs(t: Parameters<typeof openControlPlane>[0]) {
  const house = openJobHouse(t);
  await house.enable('demo', [declared(), declared({ name: 'a/b', displayName: 'A and B', pattern: '@daily' })]);
  const { app } = await openControlPlane(t, { jobs: house.jobs });
  const ask = async (method: 'GET' | 'POST' | 'PUT', path: string, as = 'admin') => {
    const answer = await app.inject({ method, url: `/api/v1/jobs${path}`, headers: { authorization: `Bearer ${as}` } });
    return { ...answer.json<Answer>(), status: answer.statusCode };
  };
  return { ...house, ask };
}

t.test('jobs are listed with their next time and their last run, filtered and in pages', async (t) => {
  const { ask, clock } = await openJobs(t);
  await clock.pass(60_000);
  const { data } = await ask('GET', '?pageSize=10');
  t.match(data, {
    list: [
      { pluginId: 'demo', name: 'a/b', displayName: 'A and B', lastRun: null },
      {
        id: 1,
        pluginId: 'demo',
        name: 'tick',
        displayName: 'tick',
        status: 'enabled',
        task: 'plugin',
        handlerRef: 'plugin:demo/jobs:tick',
        pattern: '# * * * * *',
        timezone: 'UTC',
        scope: 'all_node',
        concurrency: 'singleton',
        maxConcurrency: 1,
        timeoutSeconds: 300,
        executions: 1,
        nextAt: Date.parse('2026-05-01T00:02:00Z'),
        running: 0,
        lastRun: {
          cause: 'schedule',
          by: '',
          outcome: 'succeeded',
          durationMs: 0,
          dueAt: Date.parse('2026-05-01T00:01:00Z'),
        },
      },
    ],
    total: 2,
    problems: undefined,
  });
  t.match((await ask('GET', '?keyword=tick')).data, { list: [{ name: 'tick' }], total: 1 });
  t.match((await ask('GET', '?pluginId=other')).data, { list: [], total: 0 });
  t.match((await ask('GET', '?status=disabled')).data, { list: [], total: 0 });
  t.match(await ask('GET', '?status=asleep'), { errorCode: 'SBX_BODY_INVALID' });
});

t.test('a plugin that does not say which jobs it has is named in the list', async (t) => {
  const { ask, guests, enable } = await openJobs(t);
  guests.discoveries.set('bad', 500);
  await enable('bad', []);
  const reason = 'dynamic plugin Jobs discovery failed (bad): it went wrong';
  t.match((await ask('GET', '')).data, { problems: [{ pluginId: 'bad', reason }] });
});

t.test('a job is shown, run, paused and resumed by its id or by its plugin and name', async (t) => {
  const { ask, jobs, deeds } = await openJobs(t);
  for (const job of ['1', 'demo%2Ftick']) t.match((await ask('GET', `/${job}`)).data, { id: 1, name: 'tick' });
  t.match((await ask('GET', '/demo%2Fa%2Fb')).data, { name: 'a/b' });
  const { data } = await ask('POST', '/demo%2Ftick/run');
  t.match(data, { jobId: 1, job: 'tick', cause: 'manual', by: 'ada', outcome: 'running' });
  await jobs.settled();
  t.match((await ask('GET', `/runs/${data?.id}`)).data, { outcome: 'succeeded', errorCode: undefined });
  t.match((await ask('PUT', '/1/pause')).data, { status: 'disabled', nextAt: null });
  t.match((await ask('PUT', '/1/resume')).data, { status: 'enabled', nextAt: Date.parse('2026-05-01T00:01:00Z') });
  t.strictSame(
    deeds.map(({ action, by }) => `${action} ${by}`),
    ['job-run ada', 'job-pause ada', 'job-resume ada'],
  );
  t.match(await ask('GET', '/99'), { errorCode: 'JOB_NOT_FOUND' });
  t.match(await ask('POST', '/demo%2Fnothing/run'), { errorCode: 'JOB_NOT_FOUND' });
  t.match(await ask('GET', '/runs/99'), { errorCode: 'JOB_NOT_FOUND' });
});

t.test('a job that runs already, or whose plugin does not serve, is not run', async (t) => {
  const { ask, guests, disable } = await openJobs(t);
  guests.answers.set('TickReq', 'held');
  await ask('POST', '/1/run');
  t.match(await ask('POST', '/1/run'), { errorCode: 'SBX_JOB_BUSY', messageParams: { job: 'tick' } });
  disable('demo');
  t.match(await ask('POST', '/2/run'), { errorCode: 'SBX_JOB_OUT_OF_FORCE' });
});

t.test('the history of one job or of all is read in pages', async (t) => {
  const { ask, clock } = await openJobs(t);
  await clock.pass(3 * 60_000);
  const { data } = await ask('GET', '/runs?job=demo%2Ftick&limit=2');
  t.match(data, { list: [{ id: 3 }, { id: 2 }], next: 2 });
  t.match((await ask('GET', '/runs?job=1&limit=2&before=2')).data, { list: [{ id: 1 }], next: undefined });
  t.match((await ask('GET', '/runs?pluginId=demo')).data, { list: { length: 3 } });
  t.match((await ask('GET', '/runs?job=2')).data, { list: [] });
  t.match(await ask('GET', '/runs?job=77'), { errorCode: 'JOB_NOT_FOUND' });
});

t.test('each may be allowed on its own, and no tenant governs jobs', async (t) => {
  const { ask } = await openJobs(t);
  t.equal((await ask('GET', '', 'system:job:list')).code, 0);
  t.equal((await ask('POST', '/1/run', 'system:job:run')).code, 0);
  t.equal((await ask('PUT', '/1/pause', 'system:job:edit')).code, 0);
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/1'],
    ['GET', '/runs'],
    ['POST', '/1/run'],
    ['PUT', '/1/pause'],
    ['PUT', '/1/resume'],
  ] as const) {
    t.match(await ask(method, path, 'plugin:query'), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' }, path);
    t.match(await ask(method, path, 'tenant'), { status: 403 }, path);
  }
});
