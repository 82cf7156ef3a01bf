/**
 * The pool's handler: what a sandbox thread does with a batch. A thin shell that never throws, because an error that left it
 * would fail every invocation of its batch.
 */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { wallClock as now } from '../protocol/clock.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { endFeed, type Feed, hasEntry, openFeeds } from '../protocol/feed.js';
import type {
  Batch,
  BatchEnd,
  Ready,
  SandboxMessage,
  SandboxSetup,
  TaskEnd,
  TaskPayload,
  TrimEnd,
  WarmUp,
  WarmUpEnd,
} from '../protocol/messages.js';
import {
  ELSEWHERE,
  FAILURE,
  finishSlot,
  isCancelled,
  openLargeSlot,
  openSlotTable,
  RESPONSE,
  readRequest,
  ring,
  type Slot,
  type TakenRequest,
  takeSlot,
} from '../protocol/slot.js';
import { nextInBatch, readBatch } from './batch.js';
import { createCounts } from './counts.js';
import { createInstances, type SlotInvocation } from './instances.js';
import { rehearse, rewrite } from './rewrite.js';

const setup = workerData as SandboxSetup;
const table = openSlotTable(setup.table, setup.slotBytes);
const feeds = openFeeds(setup.feeds, setup.feedCapacity);
const counts = createCounts();
const instances = createInstances({ setup, table, counts, post, now });

/** The main thread is told of every so many outcomes, and of the last before the thread has nothing to do. */
const RING_EVERY = 4;

/** Runs the slots of a batch in order, or prepares a release. */
export default function run({ payload }: { payload: TaskPayload }): TaskEnd {
  if ('feed' in payload) return runBatch(payload);
  if ('warmUp' in payload) return warmUp(payload);
  if ('ready' in payload) return ready(payload);
  if ('trim' in payload) return trim();
  if ('rehearse' in payload) return rehearse();
  return rewrite(payload);
}

/** What is in the feed when it begins, and what is fed to it meanwhile. */
function runBatch(batch: Batch): BatchEnd {
  instances.forget(batch.forget);
  instances.load(batch.load);
  const reader = readBatch(feeds[batch.feed] as Feed, now);
  const large = new Map(batch.large);
  let finished = 0;
  while (nextInBatch(reader, now)) {
    const slot = slotOf(reader.slot, large);
    if (!takeSlot(slot, reader.ticket, reader.takenAt)) continue;
    const elsewhere = runSlot(slot, reader.takenAt);
    finished += 1;
    if (elsewhere || finished % RING_EVERY === 0 || !hasEntry(reader)) ring(table);
    // The caller has its answer already; the next invocation pays for the reset, if it waits.
    instances.settle();
    if (elsewhere) {
      endFeed(reader);
      return end({ elsewhere: { slot: slot.index, response: elsewhere } });
    }
  }
  instances.trim();
  return end({});
}

/** Memory of its own serves one request; the slot's next one may be small, and fed to the same batch. */
function slotOf(index: number, large: Map<number, SharedArrayBuffer>): Slot {
  const memory = large.get(index);
  if (memory === undefined) return table.slots[index] as Slot;
  large.delete(index);
  return openLargeSlot(index, memory);
}

function ready(task: Ready): TrimEnd {
  instances.forget(task.forget);
  instances.load(task.load);
  instances.makeReady(task.ready, task.rehearsals, task.deadlineMs);
  return end({});
}

function trim(): TrimEnd {
  instances.trim();
  return end({});
}

function warmUp({ warmUp: release, deadlineMs, requests }: WarmUp): WarmUpEnd {
  try {
    const snapshot = instances.warmUp(release, deadlineMs, requests);
    return { ...end({}), ...(snapshot && { snapshot }) };
  } catch (thrown) {
    return { ...end({}), error: errorOf(thrown).toData() };
  }
}

function end(result: Pick<BatchEnd, 'elsewhere'>): BatchEnd {
  return { ...result, threadId, counts: { ...counts.take(instances.live()), connections: instances.connections() } };
}

/** Runs one invocation into its slot. Returns the response when the slot cannot hold it. */
function runSlot(slot: Slot, startedAt: number): Uint8Array | undefined {
  const invocation = new SlotRun(slot, startedAt);
  try {
    const response = instances.run(invocation);
    if (response.length > slot.payload.length) {
      const copy = Uint8Array.prototype.slice.call(response);
      finish(invocation, ELSEWHERE, 0);
      return copy;
    }
    slot.payload.set(response);
    finish(invocation, RESPONSE, response.length);
  } catch (thrown) {
    finish(invocation, FAILURE, writeError(slot, thrown));
  }
  return undefined;
}

function finish({ slot, hostCalls }: SlotRun, kind: number, bytes: number): void {
  finishSlot(slot, { kind, bytes, hostCalls, endedAt: now() });
}

/**
 * The invocation of a slot. A class for its accessor: whoever asks for the failure learns of a cancellation, too, and that is on
 * every host call and about every millisecond of a loop.
 */
class SlotRun implements SlotInvocation {
  readonly slot: Slot;
  readonly request: TakenRequest;
  readonly deadlineMs: number;
  readonly deadlineAt: number;
  hostCalls = 0;
  #failure: SandpoolError | undefined;

  constructor(slot: Slot, startedAt: number) {
    this.slot = slot;
    this.request = readRequest(slot);
    this.deadlineMs = this.request.deadlineMs;
    this.deadlineAt = startedAt + this.deadlineMs;
  }

  get failure(): SandpoolError | undefined {
    if (this.#failure === undefined && isCancelled(this.slot)) this.#failure = new SandpoolError('SBX_CANCELLED');
    return this.#failure;
  }

  set failure(failure: SandpoolError | undefined) {
    if (this.failure === undefined) this.#failure = failure;
  }
}

/** An error as JSON in the payload. Details that do not fit are left out. */
function writeError(slot: Slot, thrown: unknown): number {
  const error =
    thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) });
  const room = slot.payload.length;
  const whole = Buffer.from(JSON.stringify(error.toData()));
  const short = (): Buffer =>
    Buffer.from(JSON.stringify({ code: error.code, message: error.message.slice(0, 512), details: {} }));
  const bytes = whole.length <= room ? whole : short();
  slot.payload.set(bytes);
  return bytes.length;
}

function errorOf(thrown: unknown): SandpoolError {
  return thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) });
}

function post(message: SandboxMessage): void {
  parentPort?.postMessage(message);
}
