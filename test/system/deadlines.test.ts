import t from 'tap';
import { stopClock } from '../engine/clock.js';
import { bodyOf, type EngineHost, grantOf, startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { rawCall } from '../raw-calls.js';

/** A slot is free again when its thread is gone. */
async function slotsAreFree({ metrics }: EngineHost): Promise<void> {
  while (!(await metrics.render()).includes('sandpool_slots_in_use 0\n')) await new Promise(setImmediate);
}

t.test('what waits behind a stuck guest in its batch is served meanwhile', async (t) => {
  const host = startEngine(t);
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const settled: string[] = [];
  const stuck = host.request('stuck').then((outcome) => settled.push(bodyOf(outcome)));
  const behind = Array.from({ length: 8 }, () => host.request('echo').then((outcome) => settled.push(bodyOf(outcome))));
  await Promise.all(behind);
  t.same(settled, Array(8).fill('{"ok":true}'), 'long before the deadline of the stuck one');
  await host.engine.close();
  await stuck;
  t.equal(settled.at(-1), 'SBX_SHUTTING_DOWN');
});

t.test('on a single thread, what waits behind a stuck guest is served after it was killed', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 }, perPlugin: { stuck: { deadlineMs: 200 } } });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  const behind = Array.from({ length: 4 }, () => host.request('echo'));
  t.equal(bodyOf(await stuck), 'SBX_DEADLINE');
  for (const outcome of await Promise.all(behind)) t.equal(bodyOf(outcome), '{"ok":true}');
  const text = await host.metrics.render();
  t.match(text, 'sandpool_deadline_kills_total{plugin="stuck"} 1');
  t.match(text, 'sandpool_workers_replaced_total{reason="deadline"} 1');
});

t.test('many stuck guests in a row leave no slot behind', async (t) => {
  const host = startEngine(t, { pool: { slots: 2, maxThreads: 1 }, perPlugin: { stuck: { deadlineMs: 40 } } });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  for (let round = 0; round < 5; round++) t.equal(bodyOf(await host.request('stuck')), 'SBX_DEADLINE');
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  await slotsAreFree(host);
});

t.test('a guest that loops is stopped inside its thread, which serves on', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 }, perPlugin: { looping: { deadlineMs: 100 } } });
  await host.load('looping', await watGuest('infinite-loop'));
  await host.load('echo', await watGuest('echo'));
  // The main thread, which would kill it on a machine that holds it up, sees no time pass.
  stopClock(t);
  t.equal(bodyOf(await host.request('looping')), 'SBX_DEADLINE');
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  t.notMatch(await host.metrics.render(), /^sandpool_workers_replaced_total\{/m, 'by the same thread');
});

t.test('a deadline given with the invocation wins over the setting', async (t) => {
  const host = startEngine(t);
  await host.load('stuck', await watGuest('stuck'));
  const outcome = await host.request('stuck', '', { deadlineMs: 50 });
  t.match(outcome, { ok: false, error: { code: 'SBX_DEADLINE', details: { deadlineMs: 50 } } });
});

t.test('the time in the queue does not count for the deadline', async (t) => {
  const host = startEngine(t, {
    pool: { maxThreads: 1 },
    perPlugin: { stuck: { deadlineMs: 300 }, asks: { deadlineMs: 100 } },
    placements: { runtime: 'host' },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('asks', await watGuest('host-call'), { services: [grantOf('runtime', ['info.uuid'])] });
  const stuck = host.request('stuck');
  const { ok, timings } = await host.request('asks', rawCall('runtime', 'info.uuid'));
  t.ok(timings.queueMs > 200, 'longer than its deadline');
  // A busy machine may hold up the run itself for that long.
  t.ok(ok || timings.runMs > 99, `it has ended after ${timings.runMs} ms`);
  t.equal(bodyOf(await stuck), 'SBX_DEADLINE');
});

t.test('more than the queue holds is refused at once, the rest is served', async (t) => {
  const host = startEngine(t, {
    pool: { maxThreads: 1, maxQueue: 4, slots: 1 },
    perPlugin: { stuck: { deadlineMs: 300 } },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  await new Promise(setImmediate);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => host.request('echo')));
  t.same(outcomes.map(bodyOf).sort(), ['SBX_QUEUE_FULL', 'SBX_QUEUE_FULL', ...Array(4).fill('{"ok":true}')]);
  await stuck;
});

t.test("the queue of one plugin is no other plugin's", async (t) => {
  const host = startEngine(t, {
    pool: { maxThreads: 1, slots: 1 },
    perPlugin: { stuck: { deadlineMs: 300, queue: 1 } },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  await new Promise(setImmediate);
  const second = host.request('stuck');
  t.equal(bodyOf(await host.request('stuck')), 'SBX_QUEUE_FULL');
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  t.same([bodyOf(await stuck), bodyOf(await second)], ['SBX_DEADLINE', 'SBX_DEADLINE']);
});

t.test('a request that waits too long for a worker fails by its own code', async (t) => {
  const host = startEngine(t, {
    pool: { maxThreads: 1, slots: 1, queueTimeoutMs: 50 },
    perPlugin: { stuck: { deadlineMs: 400 } },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  // Both at once: who waits from before the other has begun, has waited too long before that one is past its deadline.
  const stuck = host.request('stuck');
  t.match(await host.request('echo'), {
    ok: false,
    error: { code: 'SBX_QUEUE_TIMEOUT', details: { queueTimeoutMs: 50 } },
  });
  t.equal(bodyOf(await stuck), 'SBX_DEADLINE');
  await slotsAreFree(host);
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}', 'who need not wait is served');
});

t.test('a plugin runs no more invocations at once than it may', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 2 }, perPlugin: { stuck: { deadlineMs: 200, concurrency: 1 } } });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = [host.request('stuck'), host.request('stuck'), host.request('stuck')];
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}', 'a thread stays free');
  for (const outcome of await Promise.all(stuck)) t.equal(bodyOf(outcome), 'SBX_DEADLINE');
});

t.test('a caller that goes away while it waits is answered with a code and runs nothing', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 }, perPlugin: { stuck: { deadlineMs: 200 } } });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  await new Promise(setImmediate);
  const gone = new AbortController();
  const waiting = host.request('echo', '', { signal: gone.signal });
  gone.abort();
  t.equal(bodyOf(await waiting), 'SBX_CANCELLED');
  t.equal(bodyOf(await stuck), 'SBX_DEADLINE');
  t.match(
    await host.metrics.render(),
    'sandpool_invocations_total{plugin="echo",version="v0.1.0",code="SBX_CANCELLED"} 1',
  );
});

t.test('a thousand requests of four plugins are each answered once', async (t) => {
  const host = startEngine(t, { pool: { maxQueue: 2000 }, limits: { queue: 2000, isolation: 'warm' } });
  for (const id of ['a', 'b', 'c', 'd']) await host.load(id, await watGuest('echo-request'));
  const requests = Array.from({ length: 1000 }, (_, index) =>
    host.request('abcd'.charAt(index % 4), `body-${index}-end`),
  );
  for (const [index, outcome] of (await Promise.all(requests)).entries()) {
    if (!bodyOf(outcome).includes(`body-${index}-end`)) t.fail(`request ${index} got ${bodyOf(outcome)}`);
  }
  t.match(await host.metrics.render(), 'sandpool_queue_length 0');
});
