import { setImmediate, setTimeout } from 'node:timers/promises';
import t from 'tap';
import { createDispatch, type DispatchOptions } from '../../src/engine/dispatch.js';
import type { Job, JobResult } from '../../src/engine/job.js';
import type { Waiting } from '../../src/engine/lanes.js';
import type { RunningTask, Task } from '../../src/engine/pool.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import {
  type Feed,
  type FeedReader,
  hasEntry,
  isFeedOpen,
  nextEntry,
  openFeeds,
  readFeed,
} from '../../src/protocol/feed.js';
import type { Batch, BatchEnd, PostedRelease } from '../../src/protocol/messages.js';
import {
  CALLING,
  finishSlot,
  isCancelled,
  isSpare,
  RESPONSE,
  readRequest,
  ring,
  type Slot,
  takeSlot,
} from '../../src/protocol/slot.js';
import { stopClock } from './clock.js';

const clock = stopClock(t);
const COUNTS = {
  created: 0,
  reused: 0,
  reset: 0,
  dirtyPages: 0,
  live: 0,
  discarded: {},
  cached: { hit: 0, miss: 0 },
  hostCalls: [],
};

interface Posted {
  readonly threadId: number;
  readonly batch: Batch;
  readonly reader: FeedReader;
  end(error?: SandpoolError): void;
}

/** A dispatch whose threads are this test: it sees what each was posted and fed, and runs slots when it likes. */
function startDispatch(options: Partial<DispatchOptions> = {}) {
  const posted: Posted[] = [];
  let nextThread = 1;
  const dispatch = createDispatch({
    slotCount: 32,
    slotBytes: 16_384,
    batchSize: 8,
    processors: 2,
    maxThreads: 2,
    maxWaitingThreads: 0,
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
      const batch = task.payload(threadId);
      posted.push({ threadId, batch, reader: readFeed(feeds[batch.feed] as Feed), end });
      return { ended: promise, threadId: () => threadId, kill: async () => {} };
    },
    ...options,
  });
  const feeds = openFeeds(dispatch.feeds.buffer, dispatch.feeds.capacity);
  const useThread = (threadId: number): void => {
    nextThread = threadId;
  };
  /** The thread begins with the next slot of its batch; undefined when there is none that it may run. */
  const take = (index: number, startedAt = clock.now()): Slot | undefined => {
    const { reader } = posted[index] as Posted;
    while (hasEntry(reader) && nextEntry(reader, 0)) {
      const slot = dispatch.table.slots[reader.slot] as Slot;
      if (takeSlot(slot, reader.ticket, startedAt)) return slot;
    }
    return undefined;
  };
  const finish = (slot: Slot): void => {
    const answer = `answer to ${readRequest(slot).bytes}`;
    slot.payload.write(answer);
    finishSlot(slot, { kind: RESPONSE, bytes: answer.length, hostCalls: 0, endedAt: clock.now() });
    ring(dispatch.table);
  };
  /** The thread runs all that it has been given; gives their number. */
  const run = (index: number): number => {
    let count = 0;
    for (let slot = take(index); slot; slot = take(index)) {
      finish(slot);
      count += 1;
    }
    return count;
  };
  return { dispatch, posted, take, finish, run, useThread };
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
  const encode = (target: Buffer, end: number) => (text.length > end ? -1 : target.write(text));
  const rest = { source: 0, tenantId: 0, deadlineMs: 60_000, answer: () => Buffer.alloc(0), settle };
  return {
    job: { pluginId: release.pluginId, release, encode, encoded: () => Buffer.from(text), ...rest },
    result: promise,
  };
}

const release = (key: number) =>
  ({ key, pluginId: `plugin-${key}`, grantedServices: [] as PostedRelease['grantedServices'] }) as PostedRelease;

/** Lets the dispatch do what it is about to do; on its clock that takes 5 ms. */
async function turn(): Promise<void> {
  await setTimeout(5);
  clock.pass(5);
  await setImmediate();
}

t.test('what arrives together goes in one batch, and each gets its own answer', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  const jobs = ['a', 'b', 'c'].map((text) => job(release(1), text));
  for (const { job } of jobs) dispatch.enqueue(job);
  await turn();
  t.equal(posted.length, 1);
  t.equal(run(0), 3);
  t.same(await Promise.all(jobs.map(({ result }) => result)), ['answer to a', 'answer to b', 'answer to c']);
  t.equal(dispatch.gauges().slotsInUse, 0, 'before the batch has ended');
  posted[0]?.end();
  dispatch.close();
});

t.test('what arrives while a batch runs joins it, in its order', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  dispatch.enqueue(job(release(1), 'first').job);
  await turn();
  const jobs = ['a', 'b'].map((text) => job(release(1), text));
  for (const { job } of jobs) dispatch.enqueue(job);
  await turn();
  t.equal(posted.length, 1, 'no second message');
  t.equal(run(0), 3);
  t.same(await Promise.all(jobs.map(({ result }) => result)), ['answer to a', 'answer to b']);
  dispatch.close();
});

t.test('a batch that has ended takes nothing more; what comes then begins the next', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  dispatch.enqueue(job(release(1), 'first').job);
  await turn();
  run(0);
  t.equal(nextEntry((posted[0] as Posted).reader, 0), false, 'the thread closes the feed');
  const late = job(release(1), 'late');
  dispatch.enqueue(late.job);
  await turn();
  t.equal(posted.length, 1, 'its thread is about to be free');
  posted[0]?.end();
  await turn();
  t.equal(posted.length, 2);
  run(1);
  t.equal(await late.result, 'answer to late');
  dispatch.close();
});

t.test('what a running batch cannot take ends it soon', async (t) => {
  const { dispatch, posted, run } = startDispatch();
  dispatch.enqueue(job(release(1), 'known').job);
  await turn();
  const cases = [job(release(2), 'unknown'), job(release(1), 'x'.repeat(20_000))];
  for (const [index, { job, result }] of cases.entries()) {
    dispatch.enqueue(job);
    await turn();
    run(index);
    const { reader } = posted[index] as Posted;
    t.notOk(isFeedOpen(reader.feed), 'the feed was closed for the thread');
    posted[index]?.end();
    await turn();
    t.equal(posted.length, index + 2);
    if (index === 0) run(1);
    if (index === 0) t.equal(await result, 'answer to unknown');
  }
  t.equal(posted[2]?.batch.large?.size, 1);
  dispatch.close();
});

t.test('who goes away while waiting or unstarted is answered at once, and no thread runs it', async (t) => {
  const { dispatch, posted, take, finish } = startDispatch({ batchSize: 2 });
  const jobs = ['running', 'unstarted', 'waiting'].map((text) => job(release(1), text));
  const waiting = jobs.map(({ job }) => dispatch.enqueue(job) as Waiting);
  await turn();
  const slot = take(0) as Slot;
  dispatch.cancel(waiting[2] as Waiting);
  dispatch.cancel(waiting[1] as Waiting);
  t.equal(await jobs[2]?.result, 'SBX_CANCELLED');
  t.equal(await jobs[1]?.result, 'SBX_CANCELLED');
  t.equal(dispatch.gauges().slotsInUse, 1);
  t.equal(isCancelled(slot), false);
  t.equal(take(0), undefined);
  finish(slot);
  t.equal(await jobs[0]?.result, 'answer to running');
  t.equal(posted.length, 1);
  dispatch.close();
});

t.test('who goes away while its guest runs leaves a mark in the slot, and only in its own', async (t) => {
  const { dispatch, take, finish } = startDispatch({ slotCount: 1 });
  const gone = job(release(1), 'gone');
  const waiting = dispatch.enqueue(gone.job) as Waiting;
  await turn();
  const slot = take(0) as Slot;
  dispatch.cancel(waiting);
  t.equal(isCancelled(slot), true);
  t.equal(dispatch.gauges().slotsInUse, 1, 'until the thread has left it');
  finish(slot);
  await gone.result;
  dispatch.cancel(waiting);
  const next = job(release(1), 'next');
  dispatch.enqueue(next.job);
  await turn();
  t.equal(isCancelled(take(0) as Slot), false, 'the next has the slot without the mark');
  dispatch.close();
});

t.test('a thread that waits for the host makes room for another, up to its own limit', async (t) => {
  const { dispatch, posted, take, useThread } = startDispatch({ maxThreads: 1, maxWaitingThreads: 1 });
  const answers = deferred<Uint8Array>();
  const asking = (key: number) => ({ ...job(release(key), 'asking').job, answer: () => answers.promise });
  const call = (slot: Slot) => {
    // What the worker does first; it would block for the rest.
    slot.words[8] = 0;
    slot.words[9] = 0;
    Atomics.store(slot.words, 0, CALLING);
  };
  dispatch.enqueue(asking(1));
  await turn();
  call(take(0, clock.now() - 50) as Slot);
  dispatch.enqueue(asking(2));
  useThread(2);
  while (posted.length < 2) await turn();
  t.match(dispatch.gauges(), { busyThreads: 2, callingHost: 1 });
  call(take(1, clock.now() - 50) as Slot);
  dispatch.enqueue(asking(3));
  for (let count = 0; count < 4; count++) await turn();
  t.equal(posted.length, 2);
  dispatch.close();
});

t.test('a plugin that keeps threads waiting leaves one to others, until it waits no more', async (t) => {
  const { dispatch, posted, take, finish, useThread } = startDispatch({ maxThreads: 1, maxWaitingThreads: 1 });
  const answers = deferred<Uint8Array>();
  const asking = () => ({ ...job(release(1), 'asking').job, answer: () => answers.promise });
  dispatch.enqueue(asking());
  await turn();
  const held = take(0, clock.now() - 50) as Slot;
  held.words[8] = 0;
  held.words[9] = 0;
  Atomics.store(held.words, 0, CALLING);
  for (let count = 0; count < 4; count++) await turn();
  dispatch.enqueue(asking());
  for (let count = 0; count < 4; count++) await turn();
  t.equal(posted.length, 1, 'the second of the plugin waits in its lane');
  const other = job(release(2), 'other');
  dispatch.enqueue(other.job);
  useThread(2);
  while (posted.length < 2) await turn();
  finish(take(1) as Slot);
  t.equal(await other.result, 'answer to other');
  posted[1]?.end();
  finish(held);
  posted[0]?.end();
  while (posted.length < 3) await turn();
  t.ok(take(2), 'and runs when the first has ended');
  dispatch.close();
});

t.test('light work stays on one thread, however much of it waits', async (t) => {
  const { dispatch, posted, take, finish } = startDispatch({ batchSize: 2, slotCount: 4 });
  for (let count = 0; count < 30; count++) dispatch.enqueue(job(release(1), `${count}`).job);
  for (let left = 30; left > 0; ) {
    await turn();
    const slot = take(0);
    if (slot === undefined) continue;
    finish(slot);
    left -= 1;
  }
  t.equal(posted.length, 1);
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
  const { dispatch, posted, take, run } = startDispatch();
  const [first, second] = [job(release(1), 'first'), job(release(1), 'second')];
  dispatch.enqueue(first.job);
  dispatch.enqueue(second.job);
  await turn();
  take(0);
  posted[0]?.end(new SandpoolError('SBX_WORKER_LOST', { reason: 'out of memory' }));
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
  const { dispatch, posted, take, run } = startDispatch();
  const jobs = ['slow', 'next'].map((text) => job(release(1), text));
  for (const { job } of jobs) dispatch.enqueue(job);
  await turn();
  take(0, clock.now() - 50);
  while (posted.length < 2) await turn();
  t.equal(run(1), 1);
  t.equal(await jobs[1]?.result, 'answer to next');
  t.equal(run(0), 0);
  t.equal(dispatch.gauges().slotsInUse, 1, 'the thread did not run it a second time');
  dispatch.close();
});

t.test('threads may keep their processors only while there are more of those than threads with work', async (t) => {
  for (const [processors, expected] of [
    [1, false],
    [2, true],
  ] as const) {
    const { dispatch, posted, take } = startDispatch({ processors });
    t.equal(isSpare(dispatch.table), false, 'nobody works');
    dispatch.enqueue(job(release(1), 'first').job);
    await turn();
    t.equal(isSpare(dispatch.table), expected, `one works, ${processors} processors`);
    take(0, clock.now() - 1000);
    dispatch.enqueue(job(release(1), 'second').job);
    while (posted.length < 2) await turn();
    t.equal(isSpare(dispatch.table), false, 'two work');
    dispatch.close();
  }
});
