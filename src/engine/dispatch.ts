/**
 * From waiting invocations to threads and back.
 *
 *   lane (per plugin) ─┐
 *   lane               ├─ round robin ─▶ batch ─▶ one Piscina task ─▶ thread runs slot after slot
 *   lane              ─┘                                                │ state word + bell per slot
 *                                     settle ◀── scan ◀── waitAsync ◀───┘
 *
 * A first batch starts at once; a further thread joins only when somebody has waited for a while, so that light guests do not
 * pay for threads that fight over the cores. What a busy thread has not started is taken back after a moment and given to
 * another. A thread whose guest is past its deadline is killed: the guilty invocation fails, the others never notice.
 */
import { SandpoolError } from '../protocol/errors.js';
import type { Batch, BatchEnd, PostedRelease, SandboxCounts } from '../protocol/messages.js';
import {
  CALLING,
  createSlotTable,
  DONE,
  ELSEWHERE,
  EXCHANGE_MIN_BYTES,
  FAILURE,
  freeSlot,
  largeSlotBytes,
  openLargeSlot,
  queueSlot,
  readOutcome,
  type Slot,
  type SlotTable,
  startedAt,
  stateOf,
  withdrawSlot,
} from '../protocol/slot.js';
import { type Caller, takeTurn } from './bridge.js';
import type { Job, JobResult } from './job.js';
import { createLanes, type LaneLimits, type Waiting } from './lanes.js';
import type { RunningTask, Task } from './pool.js';

/** How often deadlines and waits are looked at, in ms, while anything runs or waits. */
const TICK_MS = 2;
/** Waiting this long, in ms, calls for a further thread. */
const SPILL_AFTER_MS = 2;
/** A slot that runs longer than this, in ms, gives up what waits behind it in its batch. */
const WITHDRAW_AFTER_MS = 2;
/** Expected run time of a batch, in ms, beyond which it takes no further slot. */
const BATCH_TARGET_MS = 2;
/** A guest that looks at the deadline by itself has this long, in ms, before its thread is killed: a busy machine may hold it up. */
const FUEL_GRACE_MS = 100;
/** The same for a guest that does not look. */
const KILL_GRACE_MS = 10;
/** How often an invocation is tried on another thread when threads died before they started it. */
const MAX_ATTEMPTS = 5;

export interface DispatchOptions {
  readonly slotCount: number;
  readonly slotBytes: number;
  readonly batchSize: number;
  readonly maxThreads: number;
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
  readonly table: SlotTable;
  /** Takes a job in; settles it at once when too many wait. Returns how to take it out while it waits. */
  enqueue(job: Job): (error: SandpoolError) => void;
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

interface Running extends Caller {
  readonly waiting: Waiting;
  readonly ticket: number;
  settled: boolean;
}

interface RunningBatch {
  task: RunningTask<BatchEnd> | undefined;
  readonly entries: Running[];
  readonly large: Map<number, SharedArrayBuffer>;
  isKilled: boolean;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const table = createSlotTable(options.slotCount, options.slotBytes);
  const lanes = createLanes(options.maxQueue, options.limitsOf);
  const freeSlots: Slot[] = [...table.slots].reverse();
  const running = new Set<Running>();
  const batches = new Set<RunningBatch>();
  const threads = createThreadLedger();
  const drainWaiters: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isPumpQueued = false;
  let lastTicket = 0;
  let isClosed = false;

  void listen();

  return {
    table,
    enqueue,
    forgetThread: threads.forgetThread,
    forgetRelease: threads.forgetRelease,
    gauges,
    drained: () => new Promise((resolve) => (isIdle() ? resolve() : drainWaiters.push(resolve))),
    close,
  };

  // ---- waiting -----------------------------------------------------------------------------------------------------------

  function enqueue(job: Job): (error: SandpoolError) => void {
    try {
      if (isClosed) throw new SandpoolError('SBX_SHUTTING_DOWN');
      const waiting = lanes.add(job);
      pumpSoon();
      return (error) => {
        if (lanes.remove(waiting)) fail(waiting, error);
      };
    } catch (thrown) {
      job.settle({ error: thrown as SandpoolError }, { queueMs: 0, runMs: 0, hostCalls: 0 });
      return () => {};
    }
  }

  function fail(waiting: Waiting, error: SandpoolError): void {
    const queueMs = performance.now() - waiting.enqueuedAt;
    waiting.job.settle({ error }, { queueMs, runMs: 0, hostCalls: 0 });
    settleDrain();
  }

  // ---- starting ----------------------------------------------------------------------------------------------------------

  /** Requests that arrive in the same turn of the event loop go together. */
  function pumpSoon(): void {
    if (isPumpQueued) return;
    isPumpQueued = true;
    setImmediate(() => {
      isPumpQueued = false;
      pump();
    });
  }

  function pump(): void {
    while (mayStartBatch() && startBatch()) {
      // Each round gives one thread a batch.
    }
    watch();
  }

  function mayStartBatch(): boolean {
    if (isClosed || lanes.count() === 0 || freeSlots.length === 0 || batches.size >= options.maxThreads) return false;
    return batches.size === 0 || lanes.longestWaitMs() >= SPILL_AFTER_MS;
  }

  function startBatch(): boolean {
    const batch: RunningBatch = { task: undefined, entries: [], large: new Map(), isKilled: false };
    let expectedMs = 0;
    while (batch.entries.length < options.batchSize && freeSlots.length > 0 && expectedMs < BATCH_TARGET_MS) {
      const next = lanes.take();
      if (next === undefined) break;
      batch.entries.push(lease(next, batch));
      expectedMs += next.lane.averageRunMs;
    }
    if (batch.entries.length === 0) return false;
    batches.add(batch);
    batch.task = options.run({
      choose: (idle) => threads.choose(idle, releaseOf(batch.entries[0] as Running)),
      payload: (threadId) => payloadFor(threadId, batch),
    });
    batch.task.ended.then(
      (end) => {
        options.onCounts(end.threadId, end.counts);
        endBatch(batch, end.elsewhere, unfinished);
      },
      (error: SandpoolError) => {
        if (!batch.isKilled) options.onDeath();
        endBatch(batch, undefined, () => error);
      },
    );
    return true;
  }

  /** A slot with the request in it, queued for whichever thread gets the batch. */
  function lease(waiting: Waiting, batch: RunningBatch): Running {
    const { job } = waiting;
    const leased = freeSlots.pop() as Slot;
    const slot = isTooSmall(leased, job) ? enlarge(leased, job, batch) : leased;
    const ticket = ++lastTicket;
    queueSlot(slot, ticket, {
      releaseKey: job.release.key,
      requestBytes: job.encode(slot.payload),
      source: job.source,
      tenantId: job.tenantId,
      deadlineMs: job.deadlineMs,
    });
    const answer = (request: Uint8Array) => job.answer(request, startedAt(slot) + job.deadlineMs);
    const entry: Running = { slot, ticket, waiting, call: undefined, answer, settled: false };
    running.add(entry);
    return entry;
  }

  function payloadFor(threadId: number, batch: RunningBatch): Batch {
    return {
      slots: batch.entries.map((entry) => entry.slot.index),
      tickets: batch.entries.map((entry) => entry.ticket),
      large: batch.large,
      ...threads.handOver(threadId, batch.entries.map(releaseOf)),
    };
  }

  // ---- ending ------------------------------------------------------------------------------------------------------------

  async function listen(): Promise<void> {
    while (!isClosed) {
      const heard = Atomics.load(table.bell, 0);
      scan();
      const wait = Atomics.waitAsync(table.bell, 0, heard);
      if (wait.async) await wait.value;
    }
  }

  function scan(): void {
    for (const entry of running) {
      const state = stateOf(entry.slot);
      if (state === DONE) settleDone(entry);
      else if (state === CALLING) takeTurn(entry);
    }
  }

  function settleDone(entry: Running): void {
    const { kind, bytes } = readOutcome(entry.slot);
    if (kind === ELSEWHERE) return;
    const payload = entry.slot.payload.subarray(0, bytes);
    if (kind === FAILURE) settle(entry, { error: SandpoolError.fromData(JSON.parse(payload.toString('utf8'))) });
    else settle(entry, { response: payload });
  }

  function settle(entry: Running, result: JobResult): void {
    const { startedAt: started, endedAt, hostCalls } = readOutcome(entry.slot);
    const runMs = started > 0 ? Math.max(0, (endedAt || wallClock()) - started) : 0;
    const queueMs = Math.max(0, performance.now() - entry.waiting.enqueuedAt - runMs);
    entry.waiting.job.settle(result, { queueMs, runMs, hostCalls });
    retire(entry, runMs);
    giveBack(entry.slot);
  }

  /** The entry is no longer under way; its slot is not free yet. */
  function retire(entry: Running, runMs: number): void {
    entry.settled = true;
    entry.call = undefined;
    lanes.done(entry.waiting.lane, runMs);
    running.delete(entry);
  }

  function giveBack(slot: Slot): void {
    freeSlot(slot);
    freeSlots.push(table.slots[slot.index] as Slot);
    settleDrain();
  }

  /** The thread has ended the batch, or has died. What it never started is queued again. */
  function endBatch(batch: RunningBatch, elsewhere: BatchEnd['elsewhere'], errorOf: () => SandpoolError): void {
    if (batch.isKilled) return;
    batches.delete(batch);
    for (const entry of batch.entries) {
      if (entry.settled) continue;
      if (elsewhere?.slot === entry.slot.index) settle(entry, { response: elsewhere.response });
      else if (withdrawSlot(entry.slot, entry.ticket)) queueAgain(entry);
      else if (stateOf(entry.slot) === DONE) settleDone(entry);
      else settle(entry, { error: errorOf() });
    }
    settleDrain();
    pump();
  }

  function queueAgain(entry: Running): void {
    const { waiting } = entry;
    retire(entry, waiting.lane.averageRunMs);
    giveBack(entry.slot);
    waiting.attempts += 1;
    if (waiting.attempts <= MAX_ATTEMPTS) lanes.putBack(waiting);
    else
      fail(
        waiting,
        new SandpoolError('SBX_WORKER_LOST', { reason: `${MAX_ATTEMPTS} threads ended before it started` }),
      );
  }

  // ---- watching ----------------------------------------------------------------------------------------------------------

  function watch(): void {
    if (timer === undefined && !isIdle()) timer = setTimeout(tick, TICK_MS);
  }

  function tick(): void {
    timer = undefined;
    for (const waiting of lanes.expired(options.queueTimeoutMs))
      fail(waiting, new SandpoolError('SBX_QUEUE_TIMEOUT', { queueTimeoutMs: options.queueTimeoutMs }));
    const now = wallClock();
    for (const batch of batches) lookAfter(batch, now);
    pump();
  }

  function lookAfter(batch: RunningBatch, now: number): void {
    const current = batch.entries.find((entry) => !entry.settled && startedAt(entry.slot) > 0);
    if (current === undefined || stateOf(current.slot) === DONE) return;
    const ranMs = now - startedAt(current.slot);
    if (ranMs > WITHDRAW_AFTER_MS) withdrawUnstarted(batch);
    if (ranMs > current.waiting.job.deadlineMs + graceMs(releaseOf(current))) kill(batch, current);
  }

  /** Waiting behind a long run is no use when another thread may be free. Last first, so that the order of arrival stays. */
  function withdrawUnstarted(batch: RunningBatch): void {
    for (const entry of batch.entries.toReversed()) {
      if (!entry.settled && withdrawSlot(entry.slot, entry.ticket)) {
        entry.waiting.attempts -= 1;
        queueAgain(entry);
      }
    }
  }

  /** Everything unstarted has been withdrawn before, so only the guilty guest can be running. */
  function kill(batch: RunningBatch, guilty: Running): void {
    if (stateOf(guilty.slot) === DONE) return;
    const { job } = guilty.waiting;
    batch.isKilled = true;
    const gone = (batch.task as RunningTask<BatchEnd>).kill();
    options.onKill(job.pluginId);
    const runMs = wallClock() - startedAt(guilty.slot);
    const queueMs = Math.max(0, performance.now() - guilty.waiting.enqueuedAt - runMs);
    const { hostCalls } = readOutcome(guilty.slot);
    const error = new SandpoolError('SBX_DEADLINE', { deadlineMs: job.deadlineMs });
    job.settle({ error }, { queueMs, runMs, hostCalls });
    retire(guilty, runMs);
    batches.delete(batch);
    // The thread may still be writing: its slot is not used again before the thread is gone.
    void gone.then(() => {
      giveBack(guilty.slot);
      pump();
    });
  }

  // ---- ends --------------------------------------------------------------------------------------------------------------

  function gauges(): DispatchGauges {
    return {
      waiting: lanes.count(),
      slotsInUse: options.slotCount - freeSlots.length,
      busyThreads: batches.size,
      callingHost: [...running].filter((entry) => stateOf(entry.slot) === CALLING).length,
    };
  }

  function isIdle(): boolean {
    return running.size === 0 && lanes.count() === 0 && batches.size === 0;
  }

  function settleDrain(): void {
    if (drainWaiters.length > 0 && isIdle()) for (const resolve of drainWaiters.splice(0)) resolve();
  }

  function close(): void {
    isClosed = true;
    clearTimeout(timer);
    for (const waiting of lanes.expired(0)) fail(waiting, new SandpoolError('SBX_SHUTTING_DOWN'));
    for (const entry of [...running]) settle(entry, { error: new SandpoolError('SBX_SHUTTING_DOWN') });
    Atomics.notify(table.bell, 0);
  }
}

function unfinished(): SandpoolError {
  return new SandpoolError('SBX_WORKER_LOST', { reason: 'the batch ended without it' });
}

function releaseOf(entry: Running): PostedRelease {
  return entry.waiting.job.release;
}

function graceMs({ layout }: PostedRelease): number {
  return layout?.fuelGlobal === undefined ? KILL_GRACE_MS : FUEL_GRACE_MS;
}

function isTooSmall(slot: Slot, job: Job): boolean {
  return job.requestBytes + EXCHANGE_MIN_BYTES > slot.payload.length;
}

/** The slot's number with memory of its own; the slot in the table stays leased meanwhile. */
function enlarge(leased: Slot, job: Job, batch: RunningBatch): Slot {
  const memory = new SharedArrayBuffer(largeSlotBytes(job.requestBytes));
  batch.large.set(leased.index, memory);
  return openLargeSlot(leased.index, memory);
}

/** ms since the epoch, finer than Date.now(), and comparable between threads. */
function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

/** Which thread holds which releases. */
function createThreadLedger() {
  const held = new Map<number, Set<number>>();
  const forgotten = new Set<number>();

  return {
    /** A thread that holds the release already; else the oldest idle one. */
    choose(idle: readonly number[], release: PostedRelease): number {
      return idle.find((threadId) => held.get(threadId)?.has(release.key)) ?? (idle[0] as number);
    },
    /** What a thread must be sent and told to drop before it runs these. */
    handOver(threadId: number, releases: readonly PostedRelease[]): Pick<Batch, 'load' | 'forget'> {
      let keys = held.get(threadId);
      if (keys === undefined) {
        keys = new Set();
        held.set(threadId, keys);
      }
      const needed = new Set(releases.map((release) => release.key));
      const forget = [...forgotten].filter((key) => !needed.has(key) && keys.delete(key));
      const load = [...new Set(releases)].filter((release) => !keys.has(release.key));
      for (const release of load) keys.add(release.key);
      for (const key of forget) if (![...held.values()].some((others) => others.has(key))) forgotten.delete(key);
      return { load, forget };
    },
    forgetThread: (threadId: number): void => void held.delete(threadId),
    forgetRelease: (key: number): void => void forgotten.add(key),
  };
}
