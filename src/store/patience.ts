/**
 * How a thread waits for SQLite's locks: in JavaScript, in short pauses. A thread that is ended while SQLite itself waits takes the
 * process along, because better-sqlite3 cannot make its error then (`Database::ThrowSqliteError`, `ToLocalChecked`, seen with 12.11).
 */
import { wallClock } from '../protocol/clock.js';
import { wireInvalid } from '../protocol/wire.js';
import type { Database } from './sqlite.js';

/** Longest pause of a thread before it tries again to get a lock, in ms. */
const PAUSE_MS = 8;
/** Of who has no deadline, in ms: of eight threads that wrote without a pause, one waited for two seconds. */
const PATIENCE_MS = 15_000;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Has a connection fail at once where it would wait. */
export function neverWait(database: Database): void {
  database.exec('PRAGMA busy_timeout = 0');
}

/**
 * Does the work, again and again while another connection holds the lock.
 * @param requireTime throws once it is time to give up
 */
export function patiently<Result>(work: () => Result, requireTime: () => void): Result {
  for (;;) {
    try {
      return work();
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      requireTime();
      // Not all for the same time, so that those who wait do not meet again and again.
      Atomics.wait(never, 0, 0, 1 + Math.random() * (PAUSE_MS - 1));
    }
  }
}

/**
 * Does the work, again and again until then.
 * @param deadlineAt ms since the epoch; in 15 s when absent
 * @throws SBX_WIRE_INVALID when it was locked until then
 */
export function patientlyUntil<Result>(deadlineAt: number | undefined, work: () => Result): Result {
  let endsAt = deadlineAt;
  return patiently(work, () => {
    endsAt ??= wallClock() + PATIENCE_MS;
    if (wallClock() > endsAt) throw deadlinePassed();
  });
}

export function deadlinePassed(): Error {
  return wireInvalid('the deadline of the invocation has passed');
}

/** Another connection holds the lock. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && /^SQLITE_(?:BUSY|LOCKED)/.test(String(thrown.code));
}
