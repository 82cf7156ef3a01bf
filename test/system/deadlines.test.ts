import t from 'tap';
import { bodyOf, type EngineHost, startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';

/** A busy machine may spoil what depends on its speed, but not again and again. */
async function soonerOrLater(isSo: () => Promise<boolean>): Promise<boolean> {
  for (let round = 0; round < 20; round++) if (await isSo()) return true;
  return false;
}

/** How many threads were killed, because their guest was past its deadline. */
async function killed({ metrics }: EngineHost): Promise<number> {
  const [, count = 0] = /workers_replaced_total\{reason="deadline"\} (\d+)/.exec(await metrics.render()) ?? [];
  return Number(count);
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
  // A slot is free again when its thread is gone.
  while (!(await host.metrics.render()).includes('sandpool_slots_in_use 0\n')) await new Promise(setImmediate);
});

t.test('a guest that loops is stopped inside its thread, which serves on', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 }, perPlugin: { looping: { deadlineMs: 100 } } });
  await host.load('looping', await watGuest('infinite-loop'));
  await host.load('echo', await watGuest('echo'));
  const isSpared = await soonerOrLater(async () => {
    const before = await killed(host);
    t.equal(bodyOf(await host.request('looping')), 'SBX_DEADLINE');
    t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
    return (await killed(host)) === before;
  });
  t.ok(isSpared);
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
    perPlugin: { stuck: { deadlineMs: 300 }, echo: { deadlineMs: 100 } },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const isServed = await soonerOrLater(async () => {
    const stuck = host.request('stuck');
    const waiting = await host.request('echo');
    t.ok(waiting.timings.queueMs > 200, 'longer than its deadline');
    await stuck;
    return waiting.ok;
  });
  t.ok(isServed);
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
    pool: { maxThreads: 1, queueTimeoutMs: 50 },
    perPlugin: { stuck: { deadlineMs: 400 } },
  });
  await host.load('stuck', await watGuest('stuck'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  await new Promise(setImmediate);
  t.match(await host.request('echo'), {
    ok: false,
    error: { code: 'SBX_QUEUE_TIMEOUT', details: { queueTimeoutMs: 50 } },
  });
  t.equal(bodyOf(await stuck), 'SBX_DEADLINE');
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
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
