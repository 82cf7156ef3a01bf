import t, { type Test } from 'tap';
import { createIdleThreads } from '../../src/engine/idle-threads.js';

function open(t: Test) {
  const clock = { ms: 0 };
  const trimmed: number[] = [];
  const threads = createIdleThreads({ idleMs: 1000, trim: (id) => trimmed.push(id), now: () => clock.ms });
  t.teardown(threads.close);
  return { clock, trimmed, threads };
}

t.test('a thread that has been without work for the idle time is asked to free its instances, once', async (t) => {
  const { clock, trimmed, threads } = open(t);
  threads.ended(7, 3);
  clock.ms = 999;
  threads.look();
  t.same(trimmed, []);
  clock.ms = 1000;
  threads.look();
  clock.ms = 9000;
  threads.look();
  t.same(trimmed, [7]);
});

t.test('a thread that works on is left alone', async (t) => {
  const { clock, trimmed, threads } = open(t);
  for (clock.ms = 0; clock.ms < 5000; clock.ms += 500) {
    threads.ended(7, 3);
    threads.look();
  }
  t.same(trimmed, []);
});

t.test('a thread that keeps instances after all is asked again', async (t) => {
  const { clock, trimmed, threads } = open(t);
  threads.ended(7, 3);
  clock.ms = 1000;
  threads.look();
  threads.ended(7, 1);
  clock.ms = 2000;
  threads.look();
  t.same(trimmed, [7, 7]);
});

t.test('threads that keep nothing, and threads that are gone, are never asked', async (t) => {
  const { clock, trimmed, threads } = open(t);
  threads.ended(7, 3);
  threads.ended(7, 0);
  threads.ended(8, 3);
  threads.gone(8);
  clock.ms = 5000;
  threads.look();
  t.same(trimmed, []);
});
