/**
 * Tells threads without work to free instances and connections that nobody asks for: a thread that waits for a task blocks its event loop, so
 * no timer of its own would ever fire. A thread with work looks after it by itself.
 */

export interface IdleThreadsOptions {
  /** Time without an invocation after which instances are freed, in ms. */
  readonly idleMs: number;
  /** Sends a thread the task that frees them. */
  readonly trim: (threadId: number) => void;
  /** Clock in ms. */
  readonly now: () => number;
}

export interface IdleThreads {
  /** A thread has ended a task and keeps so many instances and connections. */
  ended(threadId: number, kept: number): void;
  gone(threadId: number): void;
  /** Trims every thread that has been without work for long enough; a timer calls it, too. */
  look(): void;
  close(): void;
}

/** How often threads are looked at, as a part of the idle time. */
const LOOK_PART = 0.25;

export function createIdleThreads({ idleMs, trim, now }: IdleThreadsOptions): IdleThreads {
  /** When each thread that keeps something has last ended a task. */
  const endedAt = new Map<number, number>();
  const timer = setInterval(look, idleMs * LOOK_PART);
  timer.unref();

  return {
    ended(threadId, kept) {
      if (kept > 0) endedAt.set(threadId, now());
      else endedAt.delete(threadId);
    },
    gone: (threadId) => void endedAt.delete(threadId),
    look,
    close: () => clearInterval(timer),
  };

  function look(): void {
    for (const [threadId, since] of endedAt) {
      if (now() - since < idleMs) continue;
      // Forgotten until it answers, so that it is asked once.
      endedAt.delete(threadId);
      trim(threadId);
    }
  }
}
