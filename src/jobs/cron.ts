/** The door to croner: when a pattern is due. Patterns are those of the reference host (GoFrame's gcron). */
import { Cron } from 'croner';
import { reasonOf, SandpoolError } from '../protocol/errors.js';

/** All times are ms since the epoch. */
export interface Schedule {
  /** The first time after `after`; undefined when there is none. */
  next(after: number): number | undefined;
  /** The last time up to and including `at`; undefined when there is none. */
  latest(at: number): number | undefined;
}

/** A compiled pattern takes 80 KB and 0.2 ms; most jobs share a few. */
const MAX_KEPT = 64;
const kept = new Map<string, Schedule>();

/**
 * Five fields, or six with seconds in front, a nickname such as `@daily`, or `@every 1h30m`. `#` for the seconds is second 0, `?` is
 * `*`. Day of month and day of week must both match. A pattern that names its hours, minutes and seconds without `*` and
 * steps is due once at each of these times of the day: at the end of a gap in the clock, and the first of two times that are
 * called the same. All others leave out what a gap leaves out, and are due in both hours of the same name.
 * @throws JOB_CRON_EXPRESSION_REQUIRED, JOB_CRON_EXPRESSION_INVALID, JOB_TIMEZONE_INVALID
 */
export function openSchedule(pattern: string, timezone: string): Schedule {
  const key = `${timezone} ${pattern}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const schedule = compile(pattern, timezone);
  for (const [oldest] of kept) {
    if (kept.size < MAX_KEPT) break;
    kept.delete(oldest);
  }
  kept.set(key, schedule);
  return schedule;
}

function compile(pattern: string, timezone: string): Schedule {
  if (pattern === '') throw new SandpoolError('JOB_CRON_EXPRESSION_REQUIRED');
  requireTimezone(timezone);
  const everyMs = intervalOf(pattern);
  if (everyMs !== undefined) return intervals(everyMs);
  const cron = parse(pattern, timezone);
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    // Croner leaves out a whole second that it is asked for, and gives the one that a fraction is part of.
    latest: (at) => cron.previousRuns(1, new Date(Math.floor(at / 1000) * 1000 + 500))[0]?.getTime(),
  };
}

/** Names that were found to be right, some 600 if none is written in other letters: a look costs more than all else. */
const timezones = new Set<string>();
const MAX_TIMEZONES = 1000;

/** Intl also takes offsets such as `+08:00`, which are no names. */
function requireTimezone(timezone: string): void {
  if (timezones.has(timezone)) return;
  try {
    if (!/^[A-Za-z]/.test(timezone)) throw new RangeError('it is no name');
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    if (timezones.size < MAX_TIMEZONES) timezones.add(timezone);
  } catch (cause) {
    throw new SandpoolError('JOB_TIMEZONE_INVALID', { timezone }, { cause });
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function intervalOf(pattern: string): number | undefined {
  const [, duration] = /^@every\s+((?:\d+[smh])+)$/.exec(pattern) ?? [];
  if (duration === undefined) return undefined;
  const parts = duration.matchAll(/(\d+)([smh])/g);
  const everyMs = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0);
  if (everyMs >= 1000 && Number.isSafeInteger(everyMs)) return everyMs;
  throw invalid(pattern, 'the interval is out of range');
}

/** Counted from the epoch, so that a new start changes nothing. */
function intervals(everyMs: number): Schedule {
  const latest = (at: number): number => Math.floor(at / everyMs) * everyMs;
  return { next: (after) => latest(after) + everyMs, latest };
}

function parse(pattern: string, timezone: string): Cron {
  const fields = pattern.split(/\s+/);
  const isShaped = pattern.startsWith('@') ? fields.length === 1 : fields.length === 5 || fields.length === 6;
  if (!isShaped) throw invalid(pattern, 'it has neither five nor six fields');
  // By itself croner would take `?` for the value of now.
  const [first = '', ...rest] = fields.map((field) => (field === '?' ? '*' : field));
  const known = [first === '#' && fields.length === 6 ? '0' : first, ...rest].join(' ');
  try {
    return new Cron(known, {
      mode: '5-or-6-parts',
      timezone,
      domAndDow: true,
      sloppyRanges: true,
      fixedTimeRule: 'no-wildcard',
      paused: true,
    });
  } catch (thrown) {
    throw invalid(pattern, reasonOf(thrown).replace(/^Cron(?:Pattern|Date): /, ''));
  }
}

function invalid(pattern: string, reason: string): SandpoolError {
  return new SandpoolError('JOB_CRON_EXPRESSION_INVALID', { pattern, reason });
}
