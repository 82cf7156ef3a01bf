/**
 * The watching half of dispatch: while anything waits or runs it looks every few milliseconds at who has waited too long, at what
 * waits behind a guest that runs long, and at guests past their deadline.
 */

import { wallClock } from '../protocol/clock.js';
import type { PostedRelease } from '../protocol/messages.js';
import { DONE, stateOf } from '../protocol/slot.js';
import { HELD_UP_AFTER_MS, type Running, type RunningBatch, ranMs, releaseOf } from './batch.js';

/** How often it looks, in ms. */
const TICK_MS = 2;
/** A guest that looks at the deadline by itself has this long, in ms, before its thread is killed: a busy machine may hold it up. */
const FUEL_GRACE_MS = 100;
/** The same for a guest that does not look. */
const KILL_GRACE_MS = 10;

export interface Watched {
  readonly batches: Iterable<RunningBatch>;
  readonly isIdle: () => boolean;
  /** Fails who has waited too long for a thread. */
  readonly expire: () => void;
  /** Takes back what the thread has not started. */
  readonly withdraw: (batch: RunningBatch) => void;
  /** Ends the thread; nothing but the guilty guest is in the batch any more. */
  readonly kill: (batch: RunningBatch, guilty: Running) => void;
  /** Called after each look. */
  readonly onLook: () => void;
}

export interface Watch {
  /** Looks from now on until there is nothing to see. */
  begin(): void;
  end(): void;
}

export function createWatch(watched: Watched): Watch {
  let timer: NodeJS.Timeout | undefined;
  let isSet = false;

  return {
    begin() {
      if (isSet || watched.isIdle()) return;
      isSet = true;
      // One timer for all times: making one for each busy moment costs more than looking does.
      if (timer === undefined) timer = setTimeout(look, TICK_MS);
      else timer.refresh();
    },
    end() {
      clearTimeout(timer);
      isSet = true;
    },
  };

  function look(): void {
    isSet = false;
    watched.expire();
    const now = wallClock();
    for (const batch of watched.batches) lookAfter(batch, now);
    watched.onLook();
  }

  function lookAfter(batch: RunningBatch, now: number): void {
    const ranForMs = ranMs(batch, now);
    const first = batch.entries[0];
    if (first === undefined || ranForMs <= HELD_UP_AFTER_MS || stateOf(first.slot) === DONE) return;
    // Waiting behind a long run is no use when another thread may be free.
    watched.withdraw(batch);
    if (ranForMs > first.job.deadlineMs + graceMs(releaseOf(first)) && stateOf(first.slot) !== DONE)
      watched.kill(batch, first);
  }
}

function graceMs({ layout }: PostedRelease): number {
  return layout?.fuelGlobal === undefined ? KILL_GRACE_MS : FUEL_GRACE_MS;
}
