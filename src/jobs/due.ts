/** What becomes of a job whose time has come. Pure. */
import type { Schedule } from './cron.js';
import type { RunCause } from './tables.js';

/** Who is late by no more than this was not missed: the timer sleeps no longer, and a host may be busy. */
export const PUNCTUAL_MS = 60_000;

export interface DueJob {
  readonly schedule: Schedule;
  /** The time that it was waiting for. */
  readonly dueAt: number;
  readonly now: number;
  /** Runs of it under way, and most of them at once. */
  readonly running: number;
  readonly maxRunning: number;
  /** How late a run may be that makes up for missed ones. */
  readonly catchUpMs: number;
}

/**
 * `dueAt` is the latest of the times that have passed; `missedSince` the first of them, when there are several. `next` is the first
 * that has not passed.
 */
export type Decision = {
  readonly dueAt: number;
  readonly missedSince: number | null;
  readonly next: number | undefined;
} & ({ readonly kind: 'run'; readonly cause: Exclude<RunCause, 'manual'> } | { readonly kind: 'skipped' | 'missed' });

/** One run makes up for all times that have passed, if the latest of them is not too long ago. */
export function decide({ schedule, dueAt, now, running, maxRunning, catchUpMs }: DueJob): Decision {
  const times = timesOf(schedule, dueAt, now);
  const latest = times.dueAt;
  const lateMs = now - latest;
  if (lateMs > Math.max(PUNCTUAL_MS, catchUpMs)) return { kind: 'missed', ...times };
  if (running >= maxRunning) return { kind: 'skipped', ...times };
  const isPunctual = lateMs <= PUNCTUAL_MS && times.missedSince === null;
  return { kind: 'run', cause: isPunctual ? 'schedule' : 'catch_up', ...times };
}

/** Mostly a job is due once: then one question to the schedule is enough, which is what all of this costs. */
function timesOf(schedule: Schedule, dueAt: number, now: number) {
  const following = schedule.next(dueAt);
  if (following === undefined || following > now) return { dueAt, missedSince: null, next: following };
  return { dueAt: schedule.latest(now) ?? following, missedSince: dueAt, next: schedule.next(now) };
}
