import t from 'tap';
import { createDispatch, type DispatchOptions } from '../../src/engine/dispatch.js';
import type { Job, JobResult } from '../../src/engine/job.js';
import type { RunningTask, Task } from '../../src/engine/pool.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { Batch, BatchEnd, PostedRelease } from '../../src/protocol/messages.js';
import { finishSlot, RESPONSE, readRequest, type Slot, takeSlot } from '../../src/protocol/slot.js';

const COUNTS = { created: 0, reused: 0, reset: 0, dirtyPages: 0, live: 0, discarded: {}, hostCalls: [] };

/** A dispatch whose threads are this test: it sees what each was posted, and runs slots when it likes. */
function startDispatch(options: Partial<DispatchOptions> = {}) {
  const posted: { threadId: number; batch: Batch; end(error?: SandpoolError): void }[] = [];
  let nextThread = 1;
  const dispatch = createDispatch({
    slotCount: 32,
    slotBytes: 16_384,
    batchSize: 8,
    maxThreads: 2,
    maxQueue: 100,
    queueTimeoutMs: 5000,
    limitsOf: () => ({ concurrency: 100, queue: 100, weight: 1 }),
    onCounts: () => {},
    onKill: () => {},
    onDeath: () => {},
    run(task: Task<Batch>): RunningTask<BatchEnd> {
      const threadId = nextThread;
      const { promise, resolve, reject } = deferred<BatchEnd>();
      const end = (error?: SandpoolError) => (error ? reject(error) : resolve({ threadId, counts: COUNTS }));
      posted.push({ threadId, batch: task.payload(threadId), end });
      return { ended: promise, threadId: () => threadId, kill: async () => {} };
    },
    ...options,
  });
  const useThread = (threadId: number): void => {
    nextThread = threadId;
  };
  const run = (index: number): void => {
    const { batch } = posted[index] as (typeof posted)[number];
    for (const [position, slotIndex] of batch.slots.entries()) {
      const slot = dispatch.table.slots[slotIndex] as Slot;
      if (!takeSlot(slot, batch.tickets[position] as number, Date.now())) continue;
      const answer = `answer to ${readRequest(slot).bytes}`;
      slot.payload.write(answer);
      finishSlot(dispatch.table, slot, { kind: RESPONSE, bytes: answer.length, hostCalls: 0, endedAt: Date.now() });
    }
  };
  return { dispatch, posted, run, useThread };
}

function deferred<Value>() {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function job(release: PostedRelease, text: string): { job: Job; result: Promise<string> } {
  const { promise, resolve } = deferred<string>();
  const settle = (result: JobResult) =>
    resolve('error' in result ? result.error.code : Buffer.from(result.response).toString());
  const encode = (target: Buffer) => target.write(text);
  const rest = { source: 0, tenantId: 0, deadlineMs: 60_000, answer: () => Buffer.alloc(0), settle };
  return { job: { pluginId: release.pluginId, release, requestBytes: text.length, encode, ...rest }, result: promise };
}

const release = (key: number) => ({ key, pluginId: `plugin-${key}` }) as PostedRelease;
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

t.test('what arrives together goes in one batch, and each gets its own answer', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  const jobs = ['a', 'b', 'c'].map((text) => job(release(1), text));
  for (const { job } of jobs) dispatch.enqueue(job);
  await turn();
  t.equal(posted.length, 1);
  t.equal(posted[0]?.batch.slots.length, 3);
  run(0);
  t.same(await Promise.all(jobs.map(({ result }) => result)), ['answer to a', 'answer to b', 'answer to c']);
  t.equal(dispatch.gauges().slotsInUse, 0, 'before the batch has ended');
  posted[0]?.end();
  dispatch.close();
});

t.test('a release is posted to each thread once, and a thread that is new is sent it again', async (t) => {
  const { dispatch, posted, run, useThread } = startDispatch();
  const loads = async (threadId: number) => {
    useThread(threadId);
    dispatch.enqueue(job(release(1), 'x').job);
    await turn();
    run(posted.length - 1);
    posted.at(-1)?.end();
    await turn();
    return posted.at(-1)?.batch.load.map(({ key }) => key);
  };
  t.same(await loads(1), [1]);
  t.same(await loads(1), []);
  t.same(await loads(2), [1]);
  t.same(await loads(2), []);
  dispatch.forgetThread(1);
  t.same(await loads(1), [1]);
  dispatch.close();
});

t.test('a forgotten release is told to each thread that holds it, once', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  const send = async (key: number) => {
    dispatch.enqueue(job(release(key), 'x').job);
    await turn();
    run(posted.length - 1);
    posted.at(-1)?.end();
    await turn();
    return posted.at(-1)?.batch.forget;
  };
  await send(1);
  dispatch.forgetRelease(1);
  t.same(await send(2), [1]);
  t.same(await send(2), []);
  dispatch.close();
});

t.test('what a dead thread had not started is run by another, what it had started fails', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  const [first, second] = [job(release(1), 'first'), job(release(1), 'second')];
  dispatch.enqueue(first.job);
  dispatch.enqueue(second.job);
  await turn();
  const { batch, end } = posted[0] as (typeof posted)[number];
  takeSlot(dispatch.table.slots[batch.slots[0] as number] as Slot, batch.tickets[0] as number, Date.now());
  end(new SandpoolError('SBX_WORKER_LOST', { reason: 'out of memory' }));
  t.equal(await first.result, 'SBX_WORKER_LOST');
  await turn();
  run(1);
  t.equal(await second.result, 'answer to second');
  dispatch.close();
});

t.test('an invocation that no thread lives long enough to start fails in the end', async (t) => {
  const { dispatch, posted } = startDispatch();
  const doomed = job(release(1), 'x');
  dispatch.enqueue(doomed.job);
  for (let death = 0; death < 6; death++) {
    await turn();
    posted[death]?.end(new SandpoolError('SBX_WORKER_LOST', { reason: 'again' }));
  }
  t.equal(await doomed.result, 'SBX_WORKER_LOST');
  t.equal(dispatch.gauges().slotsInUse, 0);
  dispatch.close();
});

t.test('a thread that keeps its batch waiting loses what it has not started', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  const jobs = ['slow', 'next'].map((text) => job(release(1), text));
  for (const { job } of jobs) dispatch.enqueue(job);
  await turn();
  const { batch } = posted[0] as (typeof posted)[number];
  takeSlot(dispatch.table.slots[batch.slots[0] as number] as Slot, batch.tickets[0] as number, Date.now() - 50);
  while (posted.length < 2) await turn();
  t.equal(posted[1]?.batch.slots.length, 1);
  run(1);
  t.equal(await jobs[1]?.result, 'answer to next');
  run(0);
  t.equal(dispatch.gauges().slotsInUse, 1, 'the thread did not run it a second time');
  dispatch.close();
});
