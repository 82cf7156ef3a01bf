/**
 * From waiting invocations to threads and back.
 *
 *   lane (per plugin) ─┐
 *   lane               ├─ round robin ─▶ feed of a batch ─▶ thread runs slot after slot
 *   lane              ─┘                                      │ state word, bell
 *                                settle ◀── hear ◀── waitAsync ◀┘
 *
 * A batch is one Piscina task. It is begun when no thread has work, and fed through shared memory as long as its thread keeps up.
 * A further thread joins only when somebody has waited for a while and the threads that run are held up or have work for a
 * while: light guests do not pay for threads that fight over the cores. A thread that waits for the answer of a host call counts
 * as none. What a held-up thread has not started is taken back and given to another. A thread whose guest is past its deadline is
 * killed: the guilty invocation fails, the others never notice. Plugins that keep threads waiting get only some of them.
 */

import { wallClock } from '../protocol/clock.js';
import { SandpoolError } from '../protocol/errors.js';
import { closeFeed, publishFeed } from '../protocol/feed.js';
import type { Batch, BatchEnd, PostedRelease, SandboxCounts } from '../protocol/messages.js';
import { cancelSlot, DONE, readOutcome, type Slot, setSpare, stateOf, withdrawSlot } from '../protocol/slot.js';
import {
  addEntry,
  createBatch,
  isHeldUp,
  isOpen,
  isWaitingForHost,
  type Running,
  type RunningBatch,
  releaseOf,
  removeEntry,
  type Waiting,
} from './batch.js';
import { createHostWaiters } from './host-waiters.js';
import type { Job, JobResult, JobTimings } from './job.js';
import { createLanes, type LaneLimits } from './lanes.js';
import { createLeases, type Leases } from './leases.js';
import { createListener } from './listener.js';
import type { RunningTask, Task } from './pool.js';
import { createStays } from './stays.js';
import { createThreadLedger } from './threads.js';
import { createWatch } from './watch.js';

/** Waiting this long, in ms, calls for a further thread. */
const SPILL_AFTER_MS = 2;
/** Work for this long, in ms, is enough for one thread when nobody holds it up. */
const SPILL_WORK_MS = 4;
/** Expected run time of what a thread has been given, in ms, beyond which it is given no more. */
const BATCH_TARGET_MS = 2;
/** The same while plugins share the threads: whoever comes next stands behind that. */
const SHARED_TARGET_MS = 0.5;
/** How often an invocation is tried on another thread when threads died before they started it. */
const MAX_ATTEMPTS = 5;
/** Feeds of killed threads, which are used again only when those are gone. */
const SPARE_FEEDS = 8;

export interface DispatchOptions {
  readonly slotCount: number;
  readonly slotBytes: number;
  readonly batchSize: number;
  /** Processors that the threads of this process have, the main thread among them. */
  readonly processors: number;
  /** Threads that may compute at once. */
  readonly maxThreads: number;
  /** Further threads, as many as wait for the answer of a host call and no more than this. */
  readonly maxWaitingThreads: number;
  /** Invocations of all plugins together that may wait. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
  readonly limitsOf: (pluginId: string) => LaneLimits;
  readonly run: (task: Task<Batch>) => RunningTask<BatchEnd>;
  readonly onCounts: (threadId: number, counts: SandboxCounts) => void;
  readonly onKill: (pluginId: string) => void;
  /** A thread died by itself. */
  readonly onDeath: () => void;
}

export interface DispatchGauges {
  readonly waiting: number;
  readonly slotsInUse: number;
  readonly busyThreads: number;
  readonly callingHost: number;
}

export interface Dispatch {
  readonly table: Leases['table'];
  readonly feeds: Leases['feeds'];
  /** Takes a job in. When too many wait, it is settled at once and there is nothing to cancel. */
  enqueue(job: Job): Waiting | undefined;
  /** Nobody waits for the outcome any more: what waits, fails at once; what runs, is stopped at the guest's next occasion. */
  cancel(waiting: Waiting): void;
  /** What a thread must be sent and told to drop with a task that needs that release; it holds it from now on. */
  handOver(threadId: number, release: PostedRelease): Pick<Batch, 'load' | 'forget'>;
  /** A thread is gone: what it held is forgotten. */
  forgetThread(threadId: number): void;
  /** No job will name that release again. */
  forgetRelease(key: number): void;
  gauges(): DispatchGauges;
  /** Resolves when nothing waits or runs any more. */
  drained(): Promise<void>;
  /** Fails what still waits or runs and stops listening. */
  close(): void;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const maxBatches = options.maxThreads + options.maxWaitingThreads;
  const leases = createLeases({ ...options, feedCount: maxBatches + SPARE_FEEDS });
  const { table } = leases;
  const lanes = createLanes(options.maxQueue, options.limitsOf);
  const batches = new Set<RunningBatch>();
  const threads = createThreadLedger();
  const drainWaiters: (() => void)[] = [];
  const waiters = createHostWaiters(batches, Math.max(1, options.maxWaitingThreads, options.maxThreads - 1));
  const stays = createStays(() => options.processors > 1 && leases.freeSlots() === options.slotCount - 1);
  const watch = createWatch({ batches, isIdle, expire, withdraw, kill, onLook: turn });
  let isTurnQueued = false;
  let isClosed = false;
  const listener = createListener({ table, batches, stays, settle, onHeard });

  return {
    table,
    feeds: leases.feeds,
    enqueue,
    cancel,
    handOver: (threadId, release) => threads.handOver(threadId, [release]),
    forgetThread: threads.forgetThread,
    forgetRelease: threads.forgetRelease,
    gauges,
    drained: () => new Promise((resolve) => (isIdle() ? resolve() : drainWaiters.push(resolve))),
    close,
  };

  // ---- waiting -----------------------------------------------------------------------------------------------------------

  function enqueue(job: Job): Waiting | undefined {
    try {
      if (isClosed) throw new SandpoolError('SBX_SHUTTING_DOWN');
      const waiting = lanes.add(job);
      turnSoon();
      return waiting;
    } catch (thrown) {
      job.settle({ error: thrown as SandpoolError }, { queueMs: 0, runMs: 0, hostCalls: 0 });
      return undefined;
    }
  }

  function cancel(waiting: Waiting): void {
    const { running } = waiting;
    if (running === undefined) {
      if (lanes.remove(waiting)) fail(waiting, new SandpoolError('SBX_CANCELLED'));
    } else if (!running.settled && !running.batch.isKilled) {
      if (!withdrawSlot(running.slot, running.ticket)) cancelSlot(running.slot);
      else {
        retire(running, undefined);
        giveBack(running.slot);
        fail(waiting, new SandpoolError('SBX_CANCELLED'));
      }
    }
  }

  function fail(waiting: Waiting, error: SandpoolError): void {
    const queueMs = Math.max(0, wallClock() - waiting.enqueuedAt);
    waiting.job.settle({ error }, { queueMs, runMs: 0, hostCalls: 0 });
    settleDrain();
  }

  function expire(): void {
    for (const waiting of lanes.expired(options.queueTimeoutMs))
      fail(waiting, new SandpoolError('SBX_QUEUE_TIMEOUT', { queueTimeoutMs: options.queueTimeoutMs }));
  }

  // ---- starting ----------------------------------------------------------------------------------------------------------

  /** Requests that arrive in the same turn of the event loop go together. */
  function turnSoon(): void {
    if (isTurnQueued) return;
    isTurnQueued = true;
    setImmediate(() => {
      isTurnQueued = false;
      turn();
    });
  }

  function turn(): void {
    if (isClosed) return;
    // The thread works while the outcomes before are answered, which in turn makes room for more.
    if (lanes.count() > 0) distribute(wallClock());
    listener.hear();
    if (lanes.count() > 0) distribute(wallClock());
    watch.begin();
  }

  function distribute(now: number): void {
    for (const batch of batches) if (isOpen(batch, now)) fill(batch, (waiting) => canJoin(batch, waiting));
    while (mayStartBatch(now)) startBatch();
    if (lanes.count() > 0) makeWay(now);
  }

  /** What is posted with a batch cannot be added to once it is posted. */
  function canJoin(batch: RunningBatch, waiting: Waiting): boolean {
    const { threadId } = batch;
    const isReachable =
      threadId === undefined || (!waiting.isLarge && threads.holds(threadId, waiting.job.release.key));
    return isReachable && waiters.mayRun(waiting, batch);
  }

  function mayRun(waiting: Waiting): boolean {
    return waiters.mayRun(waiting);
  }

  function fill(batch: RunningBatch, suits: (waiting: Waiting) => boolean): void {
    const targetMs = lanes.areShared() ? SHARED_TARGET_MS : BATCH_TARGET_MS;
    while (batch.entries.length < options.batchSize && leases.freeSlots() > 0 && batch.expectedMs < targetMs) {
      const next = lanes.take(suits);
      if (next === undefined || !lease(next, batch)) break;
    }
    const unseen = publishFeed(batch.feed);
    if (unseen > 0) takeBack(batch.entries.slice(-unseen));
  }

  function mayStartBatch(now: number): boolean {
    if (!lanes.has(mayRun) || leases.freeSlots() === 0 || leases.freeFeeds() === 0) return false;
    if (batches.size === 0) return true;
    if (batches.size >= maxBatches) return false;
    if (lanes.has(waiters.isKeptOut)) return true;
    if (lanes.longestWaitMs() < SPILL_AFTER_MS) return false;
    const waitingForHost = [...batches].filter(isWaitingForHost).length;
    if (batches.size - waitingForHost >= options.maxThreads) return false;
    const workMs = lanes.expectedMs();
    return [...batches].every((batch) => isHeldUp(batch, now) || batch.expectedMs + workMs >= SPILL_WORK_MS);
  }

  function startBatch(): void {
    const batch = createBatch(leases.takeFeed());
    batches.add(batch);
    setSpare(table, batches.size < options.processors);
    fill(batch, (waiting) => waiters.mayRun(waiting, batch));
    batch.task = options.run({
      // Everybody in it may have gone away before there is a thread.
      choose: (idle) => threads.choose(idle, batch.entries[0]?.job.release),
      payload: (threadId) => payloadFor(threadId, batch),
    });
    batch.task.ended.then(
      (end) => {
        options.onCounts(end.threadId, end.counts);
        endBatch(batch, end.elsewhere, undefined);
      },
      (error: SandpoolError) => {
        if (!batch.isKilled) options.onDeath();
        endBatch(batch, undefined, error);
      },
    );
  }

  function payloadFor(threadId: number, batch: RunningBatch): Batch {
    batch.threadId = threadId;
    return {
      feed: batch.feed.index,
      large: batch.large,
      ...threads.handOver(threadId, batch.entries.map(releaseOf)),
    };
  }

  /** Somebody waits whom no running batch can take: the batch with the least to do ends soon and makes way for another. */
  function makeWay(now: number): void {
    const open = [...batches].filter((batch) => isOpen(batch, now));
    const isStranded = (waiting: Waiting) => mayRun(waiting) && !open.some((batch) => canJoin(batch, waiting));
    if (open.length < batches.size || !lanes.has(isStranded)) return;
    const [least] = open.sort((one, other) => one.entries.length - other.entries.length);
    if (least) closeFeed(least.feed);
  }

  /** False when it waits again. */
  function lease(waiting: Waiting, batch: RunningBatch): boolean {
    const running = leases.lease(waiting, batch, (large) => !canJoin(batch, large));
    waiting.running = running;
    if (running !== undefined) addEntry(running);
    else {
      lanes.done(waiting.lane);
      lanes.putBack(waiting);
    }
    return running !== undefined;
  }

  // ---- ending ------------------------------------------------------------------------------------------------------------

  function onHeard(): void {
    // Not at once: the sockets may have more, and a thread that is woken for each costs more than its work.
    if (lanes.count() > 0) turnSoon();
  }

  function settle(entry: Running, result: JobResult, timings: JobTimings): void {
    retire(entry, timings.runMs);
    waiters.ended(entry);
    entry.job.settle(result, timings);
    giveBack(entry.slot);
  }

  /** The entry is no longer under way; its slot is not free yet. */
  function retire(entry: Running, runMs: number | undefined): void {
    entry.settled = true;
    entry.call = undefined;
    entry.waiting.running = undefined;
    removeEntry(entry);
    lanes.done(entry.waiting.lane, runMs);
  }

  function giveBack(slot: Slot): void {
    leases.giveBack(slot);
    settleDrain();
  }

  /** The thread has ended the batch, or has died. What it never started is queued again. */
  function endBatch(batch: RunningBatch, elsewhere: BatchEnd['elsewhere'], death: SandpoolError | undefined): void {
    if (batch.isKilled) return;
    forget(batch);
    leases.giveFeedBack(batch.feed);
    listener.hearBatch(batch);
    for (const entry of batch.entries.toReversed()) {
      if (elsewhere?.slot === entry.slot.index && stateOf(entry.slot) === DONE)
        listener.settle(entry, { response: elsewhere.response });
      else if (withdrawSlot(entry.slot, entry.ticket)) queueAgain(entry, death !== undefined);
      else listener.settle(entry, { error: death ?? unfinished() });
    }
    settleDrain();
    turn();
  }

  function forget(batch: RunningBatch): void {
    batches.delete(batch);
    setSpare(table, batches.size < options.processors);
  }

  /** Called for the last first, so that the order of arrival stays. */
  function queueAgain(entry: Running, hasThreadDied: boolean): void {
    const { waiting } = entry;
    retire(entry, undefined);
    giveBack(entry.slot);
    if (hasThreadDied) waiting.attempts += 1;
    if (waiting.attempts <= MAX_ATTEMPTS) lanes.putBack(waiting);
    else
      fail(
        waiting,
        new SandpoolError('SBX_WORKER_LOST', { reason: `${MAX_ATTEMPTS} threads ended before it started` }),
      );
  }

  /** What no thread has started waits again. */
  function takeBack(entries: readonly Running[]): void {
    for (const entry of entries.toReversed()) {
      if (withdrawSlot(entry.slot, entry.ticket)) queueAgain(entry, false);
    }
  }

  // ---- watching ----------------------------------------------------------------------------------------------------------

  function withdraw(batch: RunningBatch): void {
    waiters.see(batch);
    takeBack(batch.entries);
  }

  function kill(batch: RunningBatch, guilty: Running): void {
    batch.isKilled = true;
    const gone = (batch.task as RunningTask<BatchEnd>).kill();
    const { job, waiting, slot } = guilty;
    options.onKill(job.pluginId);
    const { startedAt, hostCalls } = readOutcome(slot);
    const runMs = wallClock() - startedAt;
    const queueMs = Math.max(0, startedAt - waiting.enqueuedAt);
    retire(guilty, runMs);
    forget(batch);
    job.settle(
      { error: new SandpoolError('SBX_DEADLINE', { deadlineMs: job.deadlineMs }) },
      { queueMs, runMs, hostCalls },
    );
    // The thread may still be writing: its slot and feed are not used again before it is gone.
    void gone.then(() => {
      leases.giveFeedBack(batch.feed);
      giveBack(slot);
      turn();
    });
  }

  // ---- ends --------------------------------------------------------------------------------------------------------------

  function gauges(): DispatchGauges {
    return {
      waiting: lanes.count(),
      slotsInUse: options.slotCount - leases.freeSlots(),
      busyThreads: [...batches].filter(({ entries }) => entries.length > 0).length,
      callingHost: [...batches].filter(isWaitingForHost).length,
    };
  }

  function isIdle(): boolean {
    return lanes.count() === 0 && batches.size === 0;
  }

  function settleDrain(): void {
    if (drainWaiters.length > 0 && isIdle()) for (const resolve of drainWaiters.splice(0)) resolve();
  }

  function close(): void {
    isClosed = true;
    watch.end();
    for (const waiting of lanes.expired(0)) fail(waiting, new SandpoolError('SBX_SHUTTING_DOWN'));
    for (const batch of batches) {
      closeFeed(batch.feed);
      for (const entry of [...batch.entries]) listener.settle(entry, { error: new SandpoolError('SBX_SHUTTING_DOWN') });
    }
    listener.close();
  }
}

function unfinished(): SandpoolError {
  return new SandpoolError('SBX_WORKER_LOST', { reason: 'the batch ended without it' });
}
