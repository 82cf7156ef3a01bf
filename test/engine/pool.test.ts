import t, { type Test } from 'tap';
import { createPool } from '../../src/engine/pool.js';
import { createFeeds } from '../../src/protocol/feed.js';
import { createSlotTable } from '../../src/protocol/slot.js';

const SLOT_BYTES = 16_384;

/** A pool in which the first `deaths` threads die while they boot: what they are given makes no sense. */
function openPool(t: Test, deaths: number) {
  let started = 0;
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
    idleTimeoutMs: 60_000,
    onMessage() {},
    onThreadGone() {},
  });
  t.teardown(pool.close);
  return { run: () => pool.run({ choose: (idle) => idle[0] as number, payload: () => ({ trim: true }) }).ended };
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
