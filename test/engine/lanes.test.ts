import t from 'tap';
import type { Job } from '../../src/engine/job.js';
import { createLanes, type LaneLimits, type Waiting } from '../../src/engine/lanes.js';
import { stopClock } from './clock.js';

const job = (pluginId: string): Job => ({ pluginId }) as Job;
const limits =
  (limits: Partial<LaneLimits> = {}) =>
  () => ({ concurrency: 100, queue: 100, weight: 1, ...limits });
const taken = (waiting: Waiting | undefined) => waiting?.job.pluginId;

t.test('plugins take turns, whatever the length of their lines', async (t) => {
  const lanes = createLanes(100, limits());
  for (const id of ['a', 'a', 'a', 'a', 'b', 'c', 'c']) lanes.add(job(id));
  const order = Array.from({ length: 7 }, () => taken(lanes.take()));
  t.same(order, ['a', 'b', 'c', 'a', 'c', 'a', 'a']);
  t.equal(lanes.take(), undefined);
  t.equal(lanes.count(), 0);
});

t.test('a plugin of twice the weight gets two in a turn', async (t) => {
  const lanes = createLanes(100, (id) => ({ concurrency: 100, queue: 100, weight: id === 'a' ? 2 : 1 }));
  for (const id of ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b']) lanes.add(job(id));
  const order = Array.from({ length: 8 }, () => taken(lanes.take()));
  t.same(order, ['a', 'a', 'b', 'a', 'a', 'b', 'a', 'b']);
});

t.test('a plugin at its concurrency waits, its neighbours do not', async (t) => {
  const lanes = createLanes(100, limits({ concurrency: 1 }));
  for (const id of ['a', 'a', 'b']) lanes.add(job(id));
  const first = lanes.take() as Waiting;
  t.equal(taken(lanes.take()), 'b');
  t.equal(lanes.take(), undefined);
  lanes.done(first.lane, 1);
  t.equal(taken(lanes.take()), 'a');
});

t.test('who is put back is first in line again', async (t) => {
  const lanes = createLanes(100, limits());
  lanes.add(job('a'));
  lanes.add(job('b'));
  const first = lanes.take() as Waiting;
  lanes.done(first.lane, 0);
  lanes.putBack(first);
  t.equal(lanes.take(), first);
});

t.test('the whole queue and each lane have their own bound', async (t) => {
  const whole = createLanes(2, limits());
  whole.add(job('a'));
  whole.add(job('b'));
  t.throws(() => whole.add(job('c')), { code: 'SBX_QUEUE_FULL' });
  const perLane = createLanes(100, limits({ queue: 1 }));
  perLane.add(job('a'));
  t.throws(() => perLane.add(job('a')), { code: 'SBX_QUEUE_FULL' });
  t.ok(perLane.add(job('b')));
});

t.test('who has left is not taken', async (t) => {
  const lanes = createLanes(100, limits());
  const gone = lanes.add(job('a'));
  lanes.add(job('b'));
  t.equal(lanes.remove(gone), true);
  t.equal(lanes.remove(gone), false);
  t.equal(lanes.count(), 1);
  t.equal(taken(lanes.take()), 'b');
});

t.test('who has waited too long is handed out, the others stay', async (t) => {
  const clock = stopClock(t);
  const lanes = createLanes(100, limits());
  const old = [lanes.add(job('a')), lanes.add(job('a')), lanes.add(job('b'))];
  clock.pass(60);
  const young = lanes.add(job('a'));
  clock.pass(40);
  t.equal(lanes.longestWaitMs(), 100);
  t.same(new Set(lanes.expired(100)), new Set(old));
  t.same(lanes.expired(100), []);
  t.equal(lanes.take(), young);
  t.equal(lanes.longestWaitMs(), 0);
});

t.test('plugins share the threads when they ask one after the other', async (t) => {
  const clock = stopClock(t);
  const lanes = createLanes(100, limits());
  t.equal(lanes.areShared(), false);
  lanes.add(job('a'));
  lanes.add(job('a'));
  t.equal(lanes.areShared(), false, 'one alone');
  lanes.add(job('b'));
  clock.pass(99);
  t.equal(lanes.areShared(), true);
  clock.pass(1);
  t.equal(lanes.areShared(), false, 'not any more');
});
