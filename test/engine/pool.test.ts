import t, { type Test } from 'tap';
import { createPool } from '../../src/engine/pool.js';
import { createFeeds } from '../../src/protocol/feed.js';
import { createSlotTable } from '../../src/protocol/slot.js';

const SLOT_BYTES = 16_384;

/** A pool in which the first `deaths` threads die while they boot: what they are given makes no sense. */
function openPool(t: Test, deaths: number, idleTimeoutMs = 60_000) {
  let started = 0;
  let tellGone: (threadId: number) => void = () => {};
  const gone = new Promise<number>((resolve) => {
    tellGone = resolve;
  });
  const setup = {
    table: createSlotTable(1, SLOT_BYTES).buffer,
    feeds: createFeeds(1, 1),
    feedCapacity: 1,
    // Read for every thread that starts.
    get slotBytes() {
      return ++started > deaths ? SLOT_BYTES : 0;
    },
    nodeName: 'test',
    stateFile: ':memory:',
    instanceBudgetMiB: 1,
    maxInstances: 1,
    instanceIdleMs: 60_000,
    slowHostCallMs: Number.POSITIVE_INFINITY,
    placements: {},
  };
  const pool = createPool({
    setup,
    minThreads: 0,
    maxThreads: 2,
    idleTimeoutMs,
    onMessage() {},
    onThreadGone: tellGone,
  });
  // Threads without work do not keep the process alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(async () => {
    clearInterval(alive);
    await pool.close();
  });
  const run = () => pool.run({ choose: (idle) => idle[0] as number, payload: () => ({ trim: true }) });
  /** `gone` is the first thread that has ended. */
  return { run: () => run().ended, begin: run, gone, threadCount: pool.threadCount };
}

t.test('what waits for a thread gets one, although others have died while they booted', async (t) => {
  const pool = openPool(t, 2);
  t.match(await Promise.all([pool.run(), pool.run()]), [{ threadId: Number }, { threadId: Number }]);
  t.match(await pool.run(), { threadId: Number });
});

t.test('what waits for a thread fails by code when none can boot', async (t) => {
  const pool = openPool(t, Number.POSITIVE_INFINITY);
  await t.rejects(pool.run(), { code: 'SBX_WORKER_LOST' });
  await t.rejects(pool.run(), { code: 'SBX_WORKER_LOST' });
});

t.test('a thread that nobody needs ends, is told, and no other is started for what it has done', async (t) => {
  const pool = openPool(t, 0, 1);
  const { threadId } = await pool.run();
  t.equal(await pool.gone, threadId);
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  t.equal(pool.threadCount(), 0);
  t.match(await pool.run(), { threadId: Number }, 'until there is work again');
});

t.test('a thread that is killed is told, and fails what it ran by code', async (t) => {
  const pool = openPool(t, 0);
  const { threadId } = await pool.run();
  const task = pool.begin();
  const failed = t.rejects(task.ended, { code: 'SBX_WORKER_LOST' });
  await task.kill();
  await failed;
  t.equal(await pool.gone, threadId);
});
