/**
 * The pool's handler: what a sandbox thread does with a batch. A thin shell that never throws, because an error that left it
 * would fail every invocation of its batch.
 */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type {
  Batch,
  BatchEnd,
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
  openLargeSlot,
  openSlotTable,
  RESPONSE,
  readRequest,
  type Slot,
  takeSlot,
} from '../protocol/slot.js';
import { createCounts } from './counts.js';
import { createInstances } from './instances.js';
import { rehearse, rewrite } from './rewrite.js';

const setup = workerData as SandboxSetup;
const table = openSlotTable(setup.table, setup.slotBytes);
const counts = createCounts();
const instances = createInstances({ setup, table, counts, post, now });

/** Runs the slots of a batch in order, or prepares a release. */
export default function run({ payload }: { payload: TaskPayload }): TaskEnd {
  if ('slots' in payload) return runBatch(payload);
  if ('warmUp' in payload) return warmUp(payload);
  if ('trim' in payload) return trim();
  if ('rehearse' in payload) return rehearse();
  return rewrite(payload);
}

function runBatch(batch: Batch): BatchEnd {
  instances.forget(batch.forget);
  instances.load(batch.load);
  for (const [position, index] of batch.slots.entries()) {
    const large = batch.large.get(index);
    const slot = large ? openLargeSlot(index, large) : (table.slots[index] as Slot);
    if (!takeSlot(slot, batch.tickets[position] as number, now())) continue;
    const elsewhere = runSlot(slot);
    if (elsewhere) return end({ elsewhere: { slot: index, response: elsewhere } });
  }
  instances.trim();
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
  return { ...result, threadId, counts: counts.take(instances.live()) };
}

/** Runs one invocation into its slot. Returns the response when the slot cannot hold it. */
function runSlot(slot: Slot): Uint8Array | undefined {
  const request = readRequest(slot);
  const invocation = {
    deadlineMs: request.deadlineMs,
    deadlineAt: now() + request.deadlineMs,
    hostCalls: 0,
    failure: undefined,
    slot,
    request,
  };
  const finish = (kind: number, bytes: number): void =>
    finishSlot(table, slot, { kind, bytes, hostCalls: invocation.hostCalls, endedAt: now() });
  try {
    const response = instances.run(invocation);
    if (response.length > slot.payload.length) {
      const copy = Uint8Array.prototype.slice.call(response);
      finish(ELSEWHERE, 0);
      return copy;
    }
    slot.payload.set(response);
    finish(RESPONSE, response.length);
  } catch (thrown) {
    finish(FAILURE, writeError(slot, thrown));
  } finally {
    // The caller has its answer already; the next invocation pays for the reset, if it waits.
    instances.settle();
  }
  return undefined;
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

/** ms since the epoch, finer than Date.now(), and comparable between threads. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
