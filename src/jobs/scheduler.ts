/**
 * Runs jobs when they are due. There is one timer for all of them, set by the first row of an index: jobs that wait cost no
 * memory and no time. All processes of a host have a scheduler each over the same file.
 */
import { reasonOf } from '../protocol/errors.js';
import type { Claim, Claims, RunEnd } from './claims.js';
import { pathOf } from './contract.js';
import { openSchedule } from './cron.js';
import { PUNCTUAL_MS } from './due.js';
import { type CallGuest, callOf, failureOf, type GuestCall, type GuestEnd } from './guest.js';
import type { JobRows } from './rows.js';

/** Time, of which tests make their own. */
export interface JobClock {
  /** Ms since the epoch; may be set forward and back. */
  readonly now: () => number;
  /** Ms since any moment; never goes back. */
  readonly monotonic: () => number;
  /** Calls once after that time. @returns what prevents it */
  readonly after: (ms: number, call: () => void) => () => void;
}

export interface SchedulerParts {
  readonly rows: JobRows;
  readonly claims: Claims;
  readonly clock: JobClock;
  readonly callGuest: CallGuest;
  /** Most runs at once of this process; those that were asked for come on top. */
  readonly maxRunning: number;
  /** The latest time on the clock that any scheduler of this file has seen. */
  readonly seen: { readonly read: () => number; readonly write: (now: number) => void };
  /** Called at each wake, once a minute at least. */
  readonly onWake: () => void;
  readonly onEnd: (claim: Claim, end: RunEnd, lateMs: number | undefined) => void;
  readonly log: SchedulerLog;
}

export interface SchedulerLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface Scheduler {
  start(): void;
  /** Begins no more runs. */
  stop(): void;
  /** Something has changed: looks when the next job is due. */
  rearm(): void;
  /** Executes a run that was asked for. */
  execute(claim: Claim): void;
  /** Resolves when no run of this process is under way. */
  settled(): Promise<void>;
}

/** Longest sleep: the clock may be set, and other processes may die. */
const LONGEST_SLEEP_MS = PUNCTUAL_MS;
/** After the store has failed. */
const RETRY_MS = 1000;
/** Jobs that are taken in one transaction, and those that are scheduled anew. */
const BATCH = 100;
/** A clock that is set back by no more than this is waited for: no job runs twice for the same time. */
const SET_BACK_MS = 3_600_000;
/** How long a run waits for a worker, and how long between two attempts. */
const BUSY_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
/** How exactly the time on the clock is remembered. */
const SEEN_MS = 30_000;

export function createScheduler(parts: SchedulerParts): Scheduler {
  const { rows, claims, clock, seen, log } = parts;
  const underWay = new Set<Promise<void>>();
  /** Runs that were begun because they were due. */
  let due = 0;
  let cancelTimer: (() => void) | undefined;
  /** Ends of the waits for a worker. */
  const waits = new Set<() => void>();
  let isStopped = true;
  /** Up to which job all have been scheduled anew; undefined when that is done. */
  let rescheduledTo: number | undefined;

  function sleep(ms: number): void {
    cancelTimer?.();
    cancelTimer = isStopped ? undefined : clock.after(Math.max(0, Math.min(ms, LONGEST_SLEEP_MS)), wake);
  }

  function wake(): void {
    if (isStopped) return;
    try {
      const now = clock.now();
      parts.onWake();
      watchClock(now);
      claims.reap(now);
      if (rescheduledTo !== undefined) reschedule(now);
      else takeDue(now);
      rearm();
    } catch (thrown) {
      log.error({ err: thrown }, `jobs wait: ${reasonOf(thrown)}`);
      sleep(RETRY_MS);
    }
  }

  function rearm(): void {
    if (isStopped) return;
    const next = rescheduledTo !== undefined ? 0 : due >= parts.maxRunning ? undefined : rows.nextDue();
    sleep(next === undefined ? LONGEST_SLEEP_MS : next - clock.now());
  }

  function watchClock(now: number): void {
    const latest = seen.read();
    if (now < latest - SET_BACK_MS) {
      log.warn({ from: latest, to: now }, 'the clock was set back: all jobs are scheduled anew');
      rescheduledTo = 0;
      seen.write(now);
    } else if (now > latest + SEEN_MS) seen.write(now);
  }

  function reschedule(now: number): void {
    const jobs = rows.active(rescheduledTo ?? 0, BATCH);
    for (const { id, pattern, timezone } of jobs) rows.setNext(id, openSchedule(pattern, timezone).next(now) ?? null);
    rescheduledTo = jobs.at(-1)?.id;
  }

  function takeDue(now: number): void {
    const room = Math.min(BATCH, parts.maxRunning - due);
    if (room <= 0) return;
    for (const claim of claims.due(now, room).claims) {
      due += 1;
      const lateMs = Math.max(0, now - (claim.dueAt ?? now));
      track(
        run(claim, lateMs).finally(() => {
          due -= 1;
          if (due === parts.maxRunning - 1) safely(rearm);
        }),
      );
    }
  }

  async function run(claim: Claim, lateMs?: number): Promise<void> {
    const { job } = claim;
    const startedAt = clock.monotonic();
    const call = callOf(job.pluginId, 'jobs', pathOf(job), job.requestType);
    const end = await callPatiently({ ...call, deadlineMs: job.timeoutSeconds * 1000 });
    const durationMs = clock.monotonic() - startedAt;
    const failure = failureOf(end, 'SBX_JOB_FAILED', `dynamic plugin job execution failed (${job.name})`);
    const ended: RunEnd =
      failure === undefined
        ? { outcome: 'succeeded', durationMs }
        : {
            outcome: failure.code === 'SBX_DEADLINE' ? 'timed_out' : 'failed',
            durationMs,
            errorCode: failure.code,
            message: failure.message,
          };
    claims.end(claim, ended, clock.now());
    parts.onEnd(claim, ended, lateMs);
  }

  /** A worker that is not free is waited for, for a minute beyond the patience of a request. */
  async function callPatiently(call: GuestCall): Promise<GuestEnd> {
    const until = clock.monotonic() + BUSY_MS;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      const end = await parts.callGuest(call);
      const isBusy = !end.ok && (end.error.code === 'SBX_QUEUE_FULL' || end.error.code === 'SBX_QUEUE_TIMEOUT');
      if (!isBusy || isStopped || clock.monotonic() + waitMs > until) return end;
      await waitFor(waitMs);
      if (isStopped) return end;
    }
  }

  /** Ends before its time when the scheduler stops. */
  function waitFor(ms: number): Promise<void> {
    return new Promise((settle) => {
      const end = (): void => {
        cancel();
        waits.delete(end);
        settle();
      };
      const cancel = clock.after(ms, end);
      waits.add(end);
    });
  }

  function track(work: Promise<void>): void {
    const ended = work
      .catch((thrown: unknown) => log.error({ err: thrown }, `the end of a run is not written: ${reasonOf(thrown)}`))
      .finally(() => underWay.delete(ended));
    underWay.add(ended);
  }

  function safely(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      log.error({ err: thrown }, `jobs wait: ${reasonOf(thrown)}`);
      sleep(RETRY_MS);
    }
  }

  return {
    start() {
      isStopped = false;
      wake();
    },
    stop() {
      isStopped = true;
      cancelTimer?.();
      for (const end of waits) end();
    },
    rearm: () => safely(rearm),
    execute: (claim) => track(run(claim)),
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
