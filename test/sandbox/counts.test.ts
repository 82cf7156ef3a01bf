import t from 'tap';
import { HOST_CALL_BUCKETS_SECONDS } from '../../src/protocol/messages.js';
import { createCounts } from '../../src/sandbox/counts.js';

const bucketOf = (seconds: number) => HOST_CALL_BUCKETS_SECONDS.indexOf(seconds);

t.test('of a quick method one call in sixteen is timed, and stands for the others', async (t) => {
  const counts = createCounts();
  const method = counts.method('runtime', 'info.now');
  let timed = 0;
  for (let i = 0; i < 40; i++) {
    const isDue = method.isDue();
    if (isDue) timed++;
    method.add(0, isDue ? 0.002 : undefined);
  }
  t.equal(timed, 3);
  const [count] = counts.take(1).hostCalls;
  t.match(count, { service: 'runtime', method: 'info.now', status: 0, count: 40 });
  t.equal(count?.seconds.toFixed(9), '0.000080000');
  t.equal(count?.buckets[bucketOf(0.0000025)], 40);
});

t.test('every call of a slow method is timed', async (t) => {
  const counts = createCounts();
  const method = counts.method('runtime', 'state.set');
  for (const ms of [0.02, 0.3, 20]) {
    t.ok(method.isDue());
    method.add(0, ms);
  }
  const [count] = counts.take(1).hostCalls;
  for (const seconds of [0.000025, 0.0005, 0.025]) t.equal(count?.buckets[bucketOf(seconds)], 1, `${seconds}`);
});

t.test('a call that took a longer way stands for itself alone', async (t) => {
  const counts = createCounts();
  const method = counts.method('cache', 'get');
  method.add(0, 0.001);
  for (let i = 0; i < 3; i++) method.add(0, undefined);
  method.addApart(0, 20);
  method.addApart(1, 30);
  const [found, denied] = counts.take(1).hostCalls;
  t.match(found, { status: 0, count: 5 });
  t.equal(found?.seconds.toFixed(6), '0.020004');
  t.equal(found?.buckets[bucketOf(0.025)], 1);
  t.match(denied, { status: 1, count: 1, seconds: 0.03 });
  for (let calls = 0; calls < 12; calls++) t.notOk(method.isDue(), 'the clock is not looked at sooner for it');
});

t.test('calls are counted by status, each once, and counting begins anew with each take', async (t) => {
  const counts = createCounts();
  counts.method('runtime', 'state.get').add(0, 0.001);
  counts.method('runtime', 'state.get').add(1, undefined);
  counts.method('', '').add(2, 0.001);
  const statuses = () => counts.take(1).hostCalls.map(({ method, status, count }) => `${method} ${status}: ${count}`);
  t.strictSame(statuses(), ['state.get 0: 1', 'state.get 1: 1', ' 2: 1']);
  t.strictSame(statuses(), []);
  counts.method('runtime', 'state.get').add(1, undefined);
  const [again] = counts.take(1).hostCalls;
  t.match(again, { status: 1, count: 1, seconds: 0.000001 }, 'an untimed call counts as long as the last timed one');
  t.equal(
    again?.buckets.reduce((sum, calls) => sum + calls, 0),
    1,
  );
});
