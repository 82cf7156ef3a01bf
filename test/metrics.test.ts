import t from 'tap';
import { createMetrics, createMetricsOfAll, type Metrics } from '../src/metrics.js';

const RUN = { version: 'v1', code: 'ok', queueSeconds: 0.001, runSeconds: 0.002 };

/** As it comes from another process. */
async function sent({ values }: Metrics): Promise<unknown> {
  return structuredClone(await values());
}

function lines(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(name));
}

t.test('counters and histograms of several processes are added up; each gauge as is right for it', async (t) => {
  const all = createMetricsOfAll();
  for (const pid of [1, 2]) {
    const metrics = createMetrics();
    for (let times = 0; times < pid; times++) metrics.invocation({ pluginId: 'demo', ...RUN });
    metrics.isolation('demo', 'pristine', []);
    metrics.watchEngine(() => ({
      modules: 1,
      threads: pid,
      busyThreads: 0,
      waiting: 0,
      slotsInUse: 0,
      callingHost: 0,
    }));
    all.keep(pid, await sent(metrics));
  }
  const text = await all.render(new Set([1, 2]));
  t.same(lines(text, 'sandpool_invocations_total{'), [
    'sandpool_invocations_total{plugin="demo",version="v1",code="ok"} 3',
  ]);
  t.same(lines(text, 'sandpool_invocation_duration_seconds_count'), [
    'sandpool_invocation_duration_seconds_count{plugin="demo"} 3',
  ]);
  t.same(lines(text, 'sandpool_pool_threads '), ['sandpool_pool_threads 3']);
  t.same(lines(text, 'sandpool_processes '), ['sandpool_processes 2']);
  t.ok(
    text.includes('sandpool_plugin_isolation{plugin="demo",isolation="pristine"} 1\n'),
    'the isolation is no number',
  );
  t.equal(lines(text, 'process_start_time_seconds ').length, 1);
});

t.test('what a process has counted stays when it is silent or has ended; what it had then does not', async (t) => {
  const all = createMetricsOfAll();
  const metrics = createMetrics();
  metrics.invocation({ pluginId: 'demo', ...RUN });
  for (const pid of [1, 2, 3]) all.keep(pid, await sent(metrics));
  all.retire(1);
  all.retire(2);
  const text = await all.render(new Set());
  t.same(lines(text, 'sandpool_invocations_total{'), [
    'sandpool_invocations_total{plugin="demo",version="v1",code="ok"} 3',
  ]);
  t.same(lines(text, 'sandpool_processes '), []);
});

t.test('runs of jobs are counted by outcome; the jobs of a host are counted once', async (t) => {
  const all = createMetricsOfAll();
  for (const pid of [1, 2]) {
    const metrics = createMetrics();
    metrics.jobRun('demo', 'succeeded', 2, 0.005);
    metrics.jobRun('demo', 'skipped', undefined, undefined);
    metrics.watchJobs(() => ({ enabled: 3, disabled: undefined }));
    all.keep(pid, await sent(metrics));
  }
  const text = await all.render(new Set([1, 2]));
  t.same(lines(text, 'sandpool_job_runs_total{'), [
    'sandpool_job_runs_total{plugin="demo",outcome="succeeded"} 2',
    'sandpool_job_runs_total{plugin="demo",outcome="skipped"} 2',
  ]);
  t.same(lines(text, 'sandpool_jobs{').slice(0, 1), ['sandpool_jobs{status="enabled"} 3']);
  t.same(lines(text, 'sandpool_job_duration_seconds_count'), ['sandpool_job_duration_seconds_count{plugin="demo"} 2']);
  t.same(lines(text, 'sandpool_job_lateness_seconds_sum'), ['sandpool_job_lateness_seconds_sum 0.01']);
});
