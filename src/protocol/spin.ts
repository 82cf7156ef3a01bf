/**
 * Waiting without sleep. To wake a thread takes the system 5 to 50 µs; who is about to be answered sooner keeps its processor
 * meanwhile, when there is one to spare.
 */

/** Longest wait, in ms: a little more than a wake-up takes on a machine that has nothing else to do. */
export const SPIN_MS = 0.1;
/** Looks between two looks at the clock. */
const LOOKS = 64;
/** After waits in vain, at most so many opportunities are passed over. */
const MAX_PASSED = 64;

/** True as soon as `isReady` is; false when that is not within `ms`. */
export function spin(isReady: () => boolean, ms = SPIN_MS): boolean {
  const until = performance.now() + ms;
  do {
    for (let look = 0; look < LOOKS; look++) if (isReady()) return true;
  } while (performance.now() < until);
  return false;
}

/** Spins where it has paid lately: each time that it has not, twice as many opportunities are passed over. */
export interface Spinner {
  /** As {@link spin}; false at once when this opportunity is passed over. */
  try(isReady: () => boolean): boolean;
}

export function createSpinner(ms = SPIN_MS): Spinner {
  let penalty = 0;
  let toPass = 0;
  return {
    try(isReady) {
      if (toPass > 0) {
        toPass -= 1;
        return false;
      }
      const hasPaid = spin(isReady, ms);
      penalty = hasPaid ? 0 : Math.min(MAX_PASSED, penalty * 2 + 1);
      toPass = penalty;
      return hasPaid;
    },
  };
}
