/**
 * The main thread stays with a guest that talks to it. When nothing else is under way, it waits for the guest's next host call or
 * for its outcome without going to sleep: being woken costs several times what answering does.
 */

import { CALLING, DONE, stateOf } from '../protocol/slot.js';
import { createSpinner } from '../protocol/spin.js';
import type { Running } from './batch.js';

/** Longest time, in ms, that sockets and timers wait for a guest that calls again and again. */
const MAX_STAY_MS = 2;

export interface Stays {
  /** The event loop has had its turn. */
  begin(): void;
  /** After an answer: true when the guest has called again or has ended. */
  with(entry: Running): boolean;
}

/** @param isAlone whether nothing else is under way, and the thread may keep its processor */
export function createStays(isAlone: () => boolean): Stays {
  const spinner = createSpinner();
  let until = 0;
  return {
    begin() {
      until = 0;
    },
    with({ slot, call }) {
      // An answer that comes later comes from the event loop.
      if (call?.isAnswering || !isAlone()) return false;
      const now = performance.now();
      if (until === 0) until = now + MAX_STAY_MS;
      return now < until && spinner.try(() => isTurn(stateOf(slot)));
    },
  };
}

function isTurn(state: number): boolean {
  return state === CALLING || state === DONE;
}
