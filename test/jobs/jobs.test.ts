import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { openDatabase } from '../../src/store/sqlite.js';
import {
  createFakeClock,
  DAY_MS,
  declared,
  HEARTBEAT,
  HOUR_MS,
  MINUTE_MS,
  openJobHouse,
  openPeer,
  pluginOf,
  turn,
} from './house.js';

// ---- declaring -------------------------------------------------------------------------------------------------------------

t.test('L8 a job without a path runs at /@jobs/<name>, under the handler of its plugin', async (t) => {
  const { jobs, enable, clock, guests } = openJobHouse(t);
  await enable('demo', [declared({ name: 'heartbeat', internalPath: '', requestType: 'BeatReq' })]);
  t.match(jobs.show('demo/heartbeat'), { handlerRef: 'plugin:demo/jobs:heartbeat', internalPath: '' });
  await clock.pass(MINUTE_MS);
  t.strictSame(guests.calls, ['discover demo', 'BeatReq /@jobs/heartbeat 300000']);
});

t.test('29.8 #99 what a job does not say has its default, and texts are trimmed', async (t) => {
  const { jobs, enable } = openJobHouse(t);
  const untrimmed = {
    name: ' heartbeat ',
    displayName: ' Dynamic Plugin Heartbeat ',
    pattern: ' # */10 * * * * ',
    requestType: ' JobHeartbeatReq ',
    internalPath: ' job-heartbeat ',
  };
  await enable('demo', [untrimmed]);
  t.match(jobs.show('demo/heartbeat'), { ...HEARTBEAT, effectiveStatus: 'enabled' });
});

// biome-ignore format: a table
const REFUSED: readonly (readonly [what: string, job: object, why: RegExp])[] = [
  ['without a name',                    { name: ' ' },              /name is required/],
  ['29.8 #101 without a pattern',       { pattern: '' },            /pattern is required/],
  ['without a request type',            { requestType: '' },        /requestType is required/],
  ['with a pattern of 129 bytes',       { pattern: '1,'.repeat(65).slice(0, 129) }, /longer than 128 bytes/],
  ['with a pattern that is none',       { pattern: '# 61 * * * *' }, /invalid/],
  ['L9 of more than a day',             { timeoutSeconds: 86_401 }, /more than 86400/],
  ['L9 with the scope one_node',        { scope: 'one_node' },      /scope is invalid: one_node/],
  ['L9 in the time zone Mars/X',        { timezone: 'Mars/X' },     /time zone Mars\/X/],
  ['with the concurrency twice',        { concurrency: 'twice' },   /concurrency is invalid: twice/],
];
for (const [what, job, why] of REFUSED) {
  t.test(`a job ${what} is refused, and the others are kept`, async (t) => {
    const { jobs, enable, guests } = openJobHouse(t);
    await enable('demo', [declared({ name: 'good' }), declared(job)]);
    t.match(guests.refusals, [why]);
    t.equal(jobs.list({ offset: 0, limit: 10 }).total, 1);
  });
}

t.test('a name is registered once in a discovery', async (t) => {
  const { jobs, enable, guests } = openJobHouse(t);
  await enable('demo', [declared({ requestType: 'FirstReq' }), declared({ name: ' tick ', requestType: 'SecondReq' })]);
  t.strictSame(guests.refusals, ['Jobs registration is duplicated: tick']);
  t.equal(jobs.show('demo/tick').requestType, 'FirstReq');
});

t.test('a plugin has at most 1000 jobs', async (t) => {
  const { jobs, enable, guests } = openJobHouse(t);
  await enable(
    'demo',
    Array.from({ length: 1001 }, (_, index) => declared({ name: `job ${index}` })),
  );
  t.strictSame(guests.refusals, ['a plugin has at most 1000 jobs']);
  t.equal(jobs.list({ offset: 0, limit: 1 }).total, 1000);
});

t.test('a plugin that may not register is not asked', async (t) => {
  const { jobs, enable, guests } = openJobHouse(t);
  await enable('demo', [declared()], { grant: { services: [] } });
  t.strictSame(guests.calls, []);
  t.equal(jobs.list({ offset: 0, limit: 1 }).total, 0);
});

t.test('L7 a plugin that answers 404 has no jobs, and that is no error', async (t) => {
  const { jobs, enable, guests, logs } = openJobHouse(t);
  guests.discoveries.set('demo', 404);
  await enable('demo', [declared()]);
  t.equal(jobs.list({ offset: 0, limit: 1 }).total, 0);
  t.same(jobs.problems(), new Map());
  t.strictSame(logs, []);
});

t.test('a discovery that fails is told, and what another release had declared is paused', async (t) => {
  const { jobs, enable, guests, logs } = openJobHouse(t);
  await enable('demo', [declared()]);
  guests.discoveries.set('demo', 500);
  await enable('demo', [declared()], { checksum: 'c2' });
  t.strictSame(logs, ['the plugin does not say which jobs it has: SBX_JOB_DISCOVERY_FAILED']);
  t.equal(jobs.problems().get('demo'), 'dynamic plugin Jobs discovery failed (demo): it went wrong');
  t.match(jobs.show('demo/tick'), { effectiveStatus: 'paused_by_plugin', nextAt: null });
});

t.test('an upgrade replaces the declarations; a job that stays keeps its id, its pause and its history', async (t) => {
  const { jobs, enable, clock, history } = openJobHouse(t);
  await enable('demo', [declared(), declared({ name: 'old' }), declared({ name: 'quiet' })]);
  await clock.pass(MINUTE_MS);
  const { id } = jobs.show('demo/tick');
  jobs.pause('demo/quiet', 'ann');
  await enable('demo', [declared({ pattern: '0 0 * * * *' }), declared({ name: 'new' }), declared({ name: 'quiet' })], {
    checksum: 'c2',
    generation: 2,
  });
  t.match(jobs.show('demo/tick'), { id, pattern: '0 0 * * * *', nextAt: Date.parse('2026-05-01T01:00:00Z') });
  t.strictSame(history('demo/tick'), ['succeeded 2026-05-01T00:01:00.000Z']);
  t.throws(() => jobs.show('demo/old'), { code: 'JOB_NOT_FOUND' });
  t.equal(jobs.show('demo/new').effectiveStatus, 'enabled');
  t.equal(jobs.show('demo/quiet').effectiveStatus, 'disabled');
});

t.test('F037 F107 a job runs only while its plugin is enabled and serves', async (t) => {
  const { jobs, enable, disable, uninstall, clock, history } = openJobHouse(t);
  await enable('demo', [declared()]);
  disable('demo');
  t.equal(jobs.show('demo/tick').effectiveStatus, 'paused_by_plugin');
  t.throws(() => jobs.runNow('demo/tick', 'ann'), { code: 'SBX_JOB_OUT_OF_FORCE' });
  await clock.pass(10 * MINUTE_MS);
  t.strictSame(history(), []);
  await enable('demo', [declared()], { runtimeState: 'pending_upgrade' });
  await clock.pass(10 * MINUTE_MS);
  t.strictSame(history(), []);
  await enable('demo', [declared()]);
  await clock.pass(MINUTE_MS);
  t.strictSame(history(), ['succeeded 2026-05-01T00:21:00.000Z'], 'nothing is made up for');
  uninstall('demo');
  t.throws(() => jobs.show('demo/tick'), { code: 'JOB_NOT_FOUND' });
  t.strictSame(jobs.runs({ limit: 10 }), []);
});

t.test('a discovery that ends after its plugin was disabled changes nothing', async (t) => {
  const { jobs, guests, plugins, disable } = openJobHouse(t);
  guests.declared.set('demo', [declared()]);
  guests.discoveries.set('demo', 'held');
  plugins.set('demo', pluginOf('demo'));
  jobs.see('demo');
  disable('demo');
  await guests.release();
  await jobs.settled();
  t.equal(jobs.list({ offset: 0, limit: 1 }).total, 0);
});

// ---- running ---------------------------------------------------------------------------------------------------------------

t.test('a run that fails, and one that takes too long, say so', async (t) => {
  const { jobs, enable, clock, guests } = openJobHouse(t);
  guests.answers.set('FailReq', 500);
  guests.answers.set('LoopReq', new SandpoolError('SBX_DEADLINE', { deadlineMs: 2000 }));
  guests.answers.set('TrapReq', new SandpoolError('SBX_TRAP', { reason: 'unreachable' }));
  await enable('demo', [
    declared({ name: 'fail', requestType: 'FailReq' }),
    declared({ name: 'loop', requestType: 'LoopReq', timeoutSeconds: 2 }),
    declared({ name: 'trap', requestType: 'TrapReq' }),
  ]);
  await clock.pass(MINUTE_MS);
  t.match(jobs.show('demo/fail').lastRun, {
    outcome: 'failed',
    errorCode: 'SBX_JOB_FAILED',
    message: 'dynamic plugin job execution failed (fail): it went wrong',
  });
  t.match(jobs.show('demo/loop').lastRun, { outcome: 'timed_out', errorCode: 'SBX_DEADLINE' });
  t.match(jobs.show('demo/trap').lastRun, { outcome: 'failed', errorCode: 'SBX_TRAP' });
  t.ok(guests.calls.includes('LoopReq /tick 2000'));
});

t.test('history holds the outcome, the duration and how late it was', async (t) => {
  const { jobs, enable, clock, guests, observed } = openJobHouse(t);
  guests.answers.set('TickReq', 'held');
  await enable('demo', [declared()]);
  await clock.pass(MINUTE_MS);
  t.match(jobs.show('demo/tick'), { running: 1, lastRun: { outcome: 'running', endedAt: null, durationMs: null } });
  await clock.pass(1500);
  await guests.release();
  const dueAt = Date.parse('2026-05-01T00:01:00Z');
  t.match(jobs.show('demo/tick'), {
    running: 0,
    lastRun: {
      cause: 'schedule',
      outcome: 'succeeded',
      dueAt,
      startedAt: dueAt,
      endedAt: dueAt + 1500,
      durationMs: 1500,
    },
  });
  t.strictSame(observed, ['demo succeeded 1.5 0']);
});

t.test('a singleton that is still running is skipped, which takes one line however often', async (t) => {
  const { jobs, enable, clock, guests, history, observed } = openJobHouse(t);
  guests.answers.set('TickReq', 'held');
  await enable('demo', [declared()]);
  await clock.pass(4 * MINUTE_MS);
  t.strictSame(history(), ['running 2026-05-01T00:01:00.000Z', 'skipped 2026-05-01T00:04:00.000Z']);
  t.equal(jobs.show('demo/tick').lastRun?.times, 3);
  t.throws(() => jobs.runNow('demo/tick', 'ann'), { code: 'SBX_JOB_BUSY' });
  await guests.release();
  await clock.pass(MINUTE_MS);
  t.equal(history().at(-1), 'running 2026-05-01T00:05:00.000Z');
  t.strictSame(observed.slice(0, 3), ['demo skipped', 'demo skipped', 'demo skipped']);
});

t.test('a parallel job runs as often at once as it says', async (t) => {
  const { enable, clock, guests, history } = openJobHouse(t);
  guests.answers.set('TickReq', 'held');
  await enable('demo', [declared({ concurrency: 'PARALLEL', maxConcurrency: 2 })]);
  await clock.pass(3 * MINUTE_MS);
  t.strictSame(history(), [
    'running 2026-05-01T00:01:00.000Z',
    'running 2026-05-01T00:02:00.000Z',
    'skipped 2026-05-01T00:03:00.000Z',
  ]);
});

t.test('no job runs more than a hundred times at once', async (t) => {
  const { jobs, enable, guests } = openJobHouse(t);
  guests.answers.set('TickReq', 'held');
  await enable('demo', [declared({ concurrency: 'parallel', maxConcurrency: 1_000_000 })]);
  for (let index = 0; index < 100; index++) jobs.runNow('demo/tick', 'ann');
  t.throws(() => jobs.runNow('demo/tick', 'ann'), { code: 'SBX_JOB_BUSY' });
});

t.test('no more runs at once than the host allows: the others wait, and run late', async (t) => {
  const { enable, clock, guests, history } = openJobHouse(t, { maxRunning: 2 });
  guests.answers.set('TickReq', 'held');
  await enable(
    'demo',
    ['a', 'b', 'c'].map((name) => declared({ name })),
  );
  await clock.pass(MINUTE_MS);
  t.equal(history().length, 2);
  await clock.pass(5000);
  guests.answers.clear();
  await guests.release();
  await clock.pass(0);
  t.strictSame(history('demo/c'), ['succeeded 2026-05-01T00:01:00.000Z']);
});

t.test('a run waits a minute for a worker to be free, and then fails', async (t) => {
  const { jobs, enable, clock, guests } = openJobHouse(t);
  guests.answers.set('TickReq', new SandpoolError('SBX_QUEUE_FULL'));
  await enable('demo', [declared({ pattern: '0 0 * * * *' })]);
  jobs.runNow('demo/tick', 'ann');
  await clock.pass(20_000);
  t.equal(jobs.show('demo/tick').running, 1);
  guests.answers.clear();
  await clock.pass(8000);
  t.match(jobs.show('demo/tick').lastRun, { outcome: 'succeeded' });

  guests.answers.set('TickReq', new SandpoolError('SBX_QUEUE_TIMEOUT', { queueTimeoutMs: 5000 }));
  jobs.runNow('demo/tick', 'ann');
  await clock.pass(60_000);
  t.match(jobs.show('demo/tick').lastRun, { outcome: 'failed', errorCode: 'SBX_QUEUE_TIMEOUT' });
});

t.test('a run that somebody asks for is in the history with who that was', async (t) => {
  const { jobs, enable, deeds, guests } = openJobHouse(t);
  await enable('demo', [declared()]);
  const run = jobs.runNow('demo/tick', 'ann');
  t.match(run, {
    outcome: 'running',
    cause: 'manual',
    operator: 'ann',
    dueAt: null,
    jobName: 'tick',
    pluginId: 'demo',
  });
  await jobs.settled();
  t.match(jobs.run(run.id), { outcome: 'succeeded' });
  t.equal(guests.calls.at(-1), 'TickReq /tick 300000');
  t.throws(() => jobs.runNow('demo/nothing', 'ann'), { code: 'JOB_NOT_FOUND' });
  t.match(deeds, [
    { action: 'job-run', pluginId: 'demo', job: 'tick', by: 'ann', thrown: undefined },
    { action: 'job-run', pluginId: '', job: 'demo/nothing', by: 'ann', thrown: { code: 'JOB_NOT_FOUND' } },
  ]);
  t.throws(() => jobs.run(99), { code: 'JOB_NOT_FOUND' });
});

t.test('a job that is paused is not due until it is resumed, and may be run by hand', async (t) => {
  const { jobs, enable, clock, history, deeds } = openJobHouse(t);
  await enable('demo', [declared()]);
  const id = String(jobs.show('demo/tick').id);
  t.match(jobs.pause(id, 'ann'), { effectiveStatus: 'disabled', nextAt: null });
  await clock.pass(10 * MINUTE_MS);
  t.strictSame(history(), []);
  jobs.runNow(id, 'ann');
  await jobs.settled();
  t.match(jobs.resume(id, 'bob'), { effectiveStatus: 'enabled', nextAt: Date.parse('2026-05-01T00:11:00Z') });
  await clock.pass(MINUTE_MS);
  t.strictSame(history(), ['succeeded asked for', 'succeeded 2026-05-01T00:11:00.000Z']);
  t.strictSame(
    deeds.map(({ action, by }) => `${action} ${by}`),
    ['job-pause ann', 'job-run ann', 'job-resume bob'],
  );
});

t.test('one timer is set, however many jobs there are', async (t) => {
  const { enable, clock } = openJobHouse(t);
  await enable(
    'demo',
    Array.from({ length: 500 }, (_, index) => declared({ name: `job ${index}`, pattern: `${index % 60} * * * * *` })),
  );
  t.equal(clock.timers, 1);
  await clock.pass(90_000);
  t.equal(clock.timers, 1);
});

// ---- time ------------------------------------------------------------------------------------------------------------------

t.test('one run makes up for all that were missed while the host was down', async (t) => {
  const house = openJobHouse(t);
  await house.enable('demo', [declared({ pattern: '0 */10 * * * *' })]);
  house.jobs.stop();
  house.clock.set('2026-05-01T05:35:00Z');
  const again = openPeer(t, house, { isFirst: true });
  await again.jobs.settled();
  t.match(again.jobs.show('demo/tick').lastRun, {
    cause: 'catch_up',
    outcome: 'succeeded',
    dueAt: Date.parse('2026-05-01T05:30:00Z'),
    missedSince: Date.parse('2026-05-01T00:10:00Z'),
  });
  await again.clock.pass(5 * MINUTE_MS);
  t.strictSame(again.history(), ['succeeded 2026-05-01T05:30:00.000Z', 'succeeded 2026-05-01T05:40:00.000Z']);
});

t.test('what is longer ago than the setting says is noted as missed and not made up for', async (t) => {
  const house = openJobHouse(t);
  await house.enable('demo', [declared({ pattern: '0 0 3 * * *' })]);
  house.jobs.stop();
  house.clock.set('2026-05-01T04:00:01Z');
  const again = openPeer(t, house, { isFirst: true });
  await again.jobs.settled();
  t.strictSame(again.history(), ['missed 2026-05-01T03:00:00.000Z']);
  t.equal(again.jobs.show('demo/tick').nextAt, Date.parse('2026-05-02T03:00:00Z'));
});

t.test('no release is asked twice, but each is after a new start of the host', async (t) => {
  const house = openJobHouse(t);
  await house.enable('demo', [declared()]);
  house.jobs.see('demo');
  const peer = openPeer(t, house);
  await peer.jobs.settled();
  t.strictSame(house.guests.calls, ['discover demo']);
  openPeer(t, house, { isFirst: true });
  t.strictSame(house.guests.calls, ['discover demo', 'discover demo']);
});

t.test('a clock that is set forward is noticed within a minute', async (t) => {
  const { enable, clock, history } = openJobHouse(t);
  await enable('demo', [declared({ pattern: '0 0 12 * * *' })]);
  clock.set('2026-05-01T12:00:05Z');
  await clock.pass(MINUTE_MS);
  t.strictSame(history(), ['succeeded 2026-05-01T12:00:00.000Z']);
});

t.test('after the clock was set back by up to an hour no job runs twice for the same time', async (t) => {
  const { enable, clock, history } = openJobHouse(t, { at: '2026-05-01T02:29:00Z' });
  await enable('demo', [declared({ pattern: '0 30 2 * * *' }), declared({ name: 'often', pattern: '0 */10 * * * *' })]);
  await clock.pass(2 * MINUTE_MS);
  clock.set('2026-05-01T02:00:00Z');
  await clock.pass(45 * MINUTE_MS);
  t.strictSame(history('demo/tick'), ['succeeded 2026-05-01T02:30:00.000Z']);
  t.strictSame(history('demo/often'), ['succeeded 2026-05-01T02:30:00.000Z', 'succeeded 2026-05-01T02:40:00.000Z']);
});

t.test('after the clock was set back by more, all jobs go by the clock as it is now', async (t) => {
  const { enable, clock, history, logs } = openJobHouse(t, { at: '2030-01-01T00:00:30Z' });
  await enable(
    'demo',
    Array.from({ length: 250 }, (_, index) => declared({ name: `job ${index}` })),
  );
  clock.set('2026-05-01T00:00:30Z');
  await clock.pass(2 * MINUTE_MS);
  t.strictSame(logs, ['the clock was set back: all jobs are scheduled anew']);
  t.strictSame(history('demo/job 0'), ['succeeded 2026-05-01T00:02:00.000Z']);
  t.strictSame(history('demo/job 249'), ['succeeded 2026-05-01T00:02:00.000Z']);
});

// ---- several processes -----------------------------------------------------------------------------------------------------

t.test('of several processes one runs a job that is due', async (t) => {
  const clock = createFakeClock('2026-05-01T00:00:00Z');
  const house = openJobHouse(t, { clock });
  await house.enable('demo', [declared({ scope: 'all_node' }), declared({ name: 'master', scope: 'master_only' })]);
  const peer = openPeer(t, house);
  peer.jobs.see('demo');
  await clock.pass(3 * MINUTE_MS);
  t.equal(house.history('demo/tick').length, 3);
  t.equal(house.history('demo/master').length, 3);
});

t.test('a job that a process has left running is lost, at once after a new start', async (t) => {
  const house = openJobHouse(t);
  house.guests.answers.set('TickReq', 'held');
  await house.enable('demo', [declared()]);
  await house.clock.pass(MINUTE_MS);
  // As after kill -9: nobody ends the run. The number of the process is that of a program of somebody else by now.
  house.jobs.stop();
  house.guests.answers.clear();
  const again = openPeer(t, house, { pid: 300, isFirst: true, isAlive: () => true });
  t.match(again.jobs.show('demo/tick'), {
    running: 0,
    lastRun: { outcome: 'lost', errorCode: 'SBX_PROCESS_LOST', endedAt: house.clock.now() },
  });
  await again.clock.pass(MINUTE_MS);
  t.strictSame(again.history(), ['lost 2026-05-01T00:01:00.000Z', 'succeeded 2026-05-01T00:02:00.000Z']);
});

t.test('the runs of a process that has died are found by the others within a minute', async (t) => {
  const dead = new Set<number>();
  const house = openJobHouse(t);
  house.guests.answers.set('TickReq', 'held');
  await house.enable('demo', [declared({ pattern: '0 0 * * * *' })]);
  house.jobs.runNow('demo/tick', 'ann');
  const peer = openPeer(t, house, { isAlive: (pid) => !dead.has(pid) });
  t.equal(peer.jobs.show('demo/tick').running, 1);
  house.jobs.stop();
  dead.add(100);
  await peer.clock.pass(MINUTE_MS);
  t.match(peer.jobs.show('demo/tick'), { running: 0, lastRun: { outcome: 'lost' } });
});

t.test('a run is never shown as running for ever, even when its process seems to be there', async (t) => {
  const house = openJobHouse(t);
  house.guests.answers.set('TickReq', 'held');
  await house.enable('demo', [declared({ pattern: '0 0 0 * * *', timeoutSeconds: 60 })]);
  house.jobs.runNow('demo/tick', 'ann');
  house.jobs.stop();
  const peer = openPeer(t, house);
  await peer.clock.pass(5 * MINUTE_MS);
  t.match(peer.jobs.show('demo/tick'), { running: 0, lastRun: { outcome: 'lost' } });
});

t.test('a discovery that a process has left unfinished is done by another', async (t) => {
  const dead = new Set<number>();
  const house = openJobHouse(t);
  house.guests.declared.set('demo', [declared()]);
  house.guests.discoveries.set('demo', 'held');
  house.plugins.set('demo', pluginOf('demo'));
  house.jobs.see('demo');
  const peer = openPeer(t, house, { isAlive: (pid) => !dead.has(pid) });
  house.jobs.stop();
  house.guests.discoveries.clear();
  dead.add(100);
  await peer.clock.pass(MINUTE_MS);
  await peer.jobs.settled();
  t.equal(peer.jobs.show('demo/tick').effectiveStatus, 'enabled');
  t.strictSame(house.guests.calls, ['discover demo', 'discover demo']);
});

// ---- what is kept ----------------------------------------------------------------------------------------------------------

t.test('history keeps as many runs and as many days as the settings say', async (t) => {
  const few = openJobHouse(t, { rules: { keepRuns: 3 } });
  await few.enable('demo', [declared()]);
  await few.clock.pass(10 * MINUTE_MS);
  t.strictSame(few.history(), [
    'succeeded 2026-05-01T00:08:00.000Z',
    'succeeded 2026-05-01T00:09:00.000Z',
    'succeeded 2026-05-01T00:10:00.000Z',
  ]);
  const short = openJobHouse(t, { rules: { keepDays: 1 } });
  await short.enable('demo', [declared({ pattern: '0 0 */12 * * *' })]);
  await short.clock.pass(3 * DAY_MS);
  t.strictSame(short.history(), [
    'succeeded 2026-05-03T00:00:00.000Z',
    'succeeded 2026-05-03T12:00:00.000Z',
    'succeeded 2026-05-04T00:00:00.000Z',
  ]);
});

t.test('a store that fails once holds nothing up for long', async (t) => {
  const database = openDatabase(':memory:');
  const { enable, clock, history, logs } = openJobHouse(t, { database });
  await enable('demo', [declared()]);
  database.exec(`CREATE TRIGGER full BEFORE INSERT ON sys_job_log BEGIN SELECT RAISE(ABORT, 'no room'); END`);
  await clock.pass(MINUTE_MS);
  t.match(logs, ['jobs wait: no room']);
  database.exec('DROP TRIGGER full');
  await clock.pass(2000);
  t.strictSame(history(), ['succeeded 2026-05-01T00:01:00.000Z']);
});

t.test('a process that stops waits for no worker any more', async (t) => {
  const { jobs, enable, clock, guests } = openJobHouse(t);
  guests.answers.set('TickReq', new SandpoolError('SBX_QUEUE_FULL'));
  await enable('demo', [declared()]);
  const { id } = jobs.runNow('demo/tick', 'ann');
  await turn();
  jobs.stop();
  await jobs.settled();
  t.match(jobs.run(id), { outcome: 'failed', errorCode: 'SBX_QUEUE_FULL' });
  t.equal(clock.timers, 0);
});

t.test('a process that stops begins no more runs', async (t) => {
  const { jobs, enable, clock, history } = openJobHouse(t);
  await enable('demo', [declared()]);
  jobs.stop();
  await clock.pass(HOUR_MS);
  await turn();
  t.strictSame(history(), []);
  t.equal(clock.timers, 0);
});

t.test('a list is filtered by plugin, status and words, the latest first', async (t) => {
  const { jobs, enable, disable } = openJobHouse(t);
  await enable('demo', [declared({ name: '100%' }), declared({ name: '100x' })]);
  await enable('other', [declared({ name: 'b' })]);
  disable('other');
  const names = (filter: object) => jobs.list({ offset: 0, limit: 10, ...filter }).items.map(({ name }) => name);
  t.strictSame(names({}), ['b', '100x', '100%']);
  t.strictSame(names({ pluginId: 'demo' }), ['100x', '100%']);
  t.strictSame(names({ status: 'paused_by_plugin' }), ['b']);
  t.strictSame(names({ keyword: '0%' }), ['100%']);
  t.strictSame(names({ keyword: 'PLUGIN:OTHER' }), ['b']);
  t.same(jobs.list({ offset: 1, limit: 1 }), { items: [jobs.show('demo/100x')], total: 3 });
});
