/**
 * The listening half of dispatch: when the bell has rung it answers host calls and takes the outcomes of what has ended. A thread runs
 * its batch in order, so only the first entry of each can have moved.
 */
import { wallClock } from '../protocol/clock.js';
import { SandpoolError } from '../protocol/errors.js';
import { CALLING, DONE, ELSEWHERE, FAILURE, readOutcome, type SlotTable, stateOf } from '../protocol/slot.js';
import type { Running, RunningBatch } from './batch.js';
import { takeTurn } from './bridge.js';
import type { JobResult, JobTimings } from './job.js';
import type { Stays } from './stays.js';

export interface Listened {
  readonly table: SlotTable;
  readonly batches: Iterable<RunningBatch>;
  readonly stays: Stays;
  /** Takes the outcome of an entry. The result is a view that is valid only during the call. */
  readonly settle: (entry: Running, result: JobResult, timings: JobTimings) => void;
  /** The bell has rung; called after all was heard. */
  readonly onHeard: () => void;
}

export interface Listener {
  /** Answers and settles what there is now. */
  hear(): void;
  hearBatch(batch: RunningBatch): void;
  /** Settles with times from the slot. */
  settle(entry: Running, result: JobResult): void;
  /** Listens no more. */
  close(): void;
}

export function createListener({ table, batches, stays, settle, onHeard }: Listened): Listener {
  let isClosed = false;
  listen();
  return {
    hear,
    hearBatch,
    settle: settleTimed,
    close() {
      isClosed = true;
      Atomics.notify(table.bell, 0);
    },
  };

  /** Called whenever the bell has rung. */
  function listen(): void {
    if (isClosed) return;
    const heard = Atomics.load(table.bell, 0);
    hear();
    onHeard();
    const wait = Atomics.waitAsync(table.bell, 0, heard);
    if (wait.async) void wait.value.then(listen);
    // It has rung meanwhile. What has arrived at the sockets comes first.
    else setImmediate(listen);
  }

  function hear(): void {
    stays.begin();
    for (const batch of batches) hearBatch(batch);
  }

  function hearBatch({ entries }: RunningBatch): void {
    for (let first = entries[0]; first !== undefined; first = entries[0]) {
      const state = stateOf(first.slot);
      if (state === CALLING) {
        takeTurn(first);
        if (!stays.with(first)) return;
      } else if (state !== DONE || !settleDone(first)) return;
    }
  }

  /** False when the outcome comes with the end of the batch. */
  function settleDone(entry: Running): boolean {
    const { kind, bytes } = readOutcome(entry.slot);
    if (kind === ELSEWHERE) return false;
    const payload = entry.slot.payload.subarray(0, bytes);
    if (kind === FAILURE) settleTimed(entry, { error: SandpoolError.fromData(JSON.parse(payload.toString('utf8'))) });
    else settleTimed(entry, { response: payload });
    return true;
  }

  function settleTimed(entry: Running, result: JobResult): void {
    const { startedAt, endedAt, hostCalls } = readOutcome(entry.slot);
    const runMs = startedAt > 0 ? Math.max(0, (endedAt || wallClock()) - startedAt) : 0;
    const queueMs = Math.max(0, (startedAt || wallClock()) - entry.waiting.enqueuedAt);
    settle(entry, result, { queueMs, runMs, hostCalls });
  }
}
