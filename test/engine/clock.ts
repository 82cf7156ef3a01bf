/** Time that moves when a test says so: what the engine measures does not depend on how fast the machine is. */
import type { Test } from 'tap';
import { wallClock } from '../../src/protocol/clock.js';

export interface StoppedClock {
  /** ms since the epoch, as the engine has them */
  now(): number;
  pass(ms: number): void;
}

/** Stops the clock of this thread, `performance.now()` and what is made of it, until the test has ended. */
export function stopClock(t: Pick<Test, 'teardown'>): StoppedClock {
  // A whole number of ms since the epoch, so that sums and differences are exact.
  let stoppedMs = Math.ceil(wallClock()) - performance.timeOrigin;
  Object.defineProperty(performance, 'now', { configurable: true, value: () => stoppedMs });
  t.teardown(() => void Reflect.deleteProperty(performance, 'now'));
  return {
    now: wallClock,
    pass(ms) {
      stoppedMs += ms;
    },
  };
}
