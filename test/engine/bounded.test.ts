import { setImmediate } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import t from 'tap';
import { limit } from '../../src/engine/bounded.js';

t.test('a task that does not end is killed', async (t) => {
  await new Promise<void>((resolve) => limit({ kill: async () => resolve() }, 1));
  t.pass('when its time is over');
});

t.test('a task that has ended is left alone', async (t) => {
  const killed: string[] = [];
  const task = (name: string) => ({ kill: async () => void killed.push(name) });
  limit(task('ended'), 1)();
  await new Promise<void>((resolve) => limit({ kill: async () => resolve() }, 2));
  t.same(killed, []);
});

t.test('what has ended counts, also when this thread was held up and has not heard of it yet', async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.teardown(() => port1.close());
  const killed: string[] = [];
  await setImmediate();
  // Timers are next, and then what was sent.
  const end = limit({ kill: async () => void killed.push('killed') }, 1);
  const heard = new Promise<void>((resolve) => {
    port1.once('message', () => {
      end();
      resolve();
    });
  });
  port2.postMessage('ended');
  for (const until = performance.now() + 20; performance.now() < until; );
  await heard;
  await setImmediate();
  t.same(killed, []);
});
