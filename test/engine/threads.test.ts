import t from 'tap';
import { createThreadLedger } from '../../src/engine/threads.js';
import type { PostedRelease } from '../../src/protocol/messages.js';

const release = (key: number) => ({ key }) as PostedRelease;

t.test('a release goes to the thread that holds it, any other to the oldest idle one', async (t) => {
  const threads = createThreadLedger();
  threads.handOver(2, [release(7)]);
  t.equal(threads.holds(2, 7), true);
  t.equal(threads.holds(1, 7), false);
  t.equal(threads.choose([1, 2], release(7)), 2);
  t.equal(threads.choose([1, 2], release(8)), 1);
  t.equal(threads.choose([1, 2], undefined), 1);
});

t.test('a thread is sent what it does not hold, each release once', async (t) => {
  const threads = createThreadLedger();
  const [seven, eight] = [release(7), release(8)];
  t.same(threads.handOver(1, [seven, seven]).load, [seven]);
  t.same(threads.handOver(1, [seven, eight]).load, [eight]);
  threads.forgetThread(1);
  t.same(threads.handOver(1, [seven]).load, [seven]);
});

t.test('a forgotten release that somebody still needs stays until nobody does', async (t) => {
  const threads = createThreadLedger();
  threads.handOver(1, [release(7)]);
  threads.forgetRelease(7);
  t.same(threads.handOver(1, [release(7)]).forget, []);
  t.same(threads.handOver(1, [release(8)]).forget, [7]);
  t.equal(threads.holds(1, 7), false);
});
