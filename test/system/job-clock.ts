/** Time for scheduled jobs that does not depend on the hour at which a test runs. */
import type { JobClock } from '../../src/jobs/jobs.js';

/** Shows this time. It stands still, so that no job is ever due by itself, unless it goes on from there. */
export function jobClockAt(time: string, { goesOn = false } = {}): JobClock {
  const [from, begunAt] = [Date.parse(time), performance.now()];
  return {
    now: () => (goesOn ? from + Math.floor(performance.now() - begunAt) : from),
    monotonic: () => performance.now(),
    after(ms, call) {
      const timer = setTimeout(call, ms).unref();
      return () => clearTimeout(timer);
    },
  };
}
