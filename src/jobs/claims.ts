/**
 * Who runs what: a run belongs to the process that writes it down first, and what a process leaves behind is found. All processes
 * of a host share the file.
 */
import { SandpoolError } from '../protocol/errors.js';
import type { Database } from '../store/sqlite.js';
import { MAX_CONCURRENCY } from './contract.js';
import { openSchedule } from './cron.js';
import { type Decision, decide } from './due.js';
import type { JobRows } from './rows.js';
import type { JobRow, RunOutcome, RunRow } from './tables.js';

/** This process, and how it knows others. */
export interface JobProcess {
  readonly pid: number;
  /** A word that no other process ever has: process numbers are used again. */
  readonly token: string;
  /** Whether a process of this number runs. */
  readonly isAlive: (pid: number) => boolean;
}

export interface HistoryRules {
  /** How late a run may be that makes up for missed ones. */
  readonly catchUpMs: number;
  /** Runs and days that are kept of each job. */
  readonly keepRuns: number;
  readonly keepDays: number;
}

export interface Claim {
  readonly runId: number;
  readonly job: JobRow;
  /** When it was due; undefined for a run that was asked for. */
  readonly dueAt: number | undefined;
}

export interface RunEnd {
  readonly outcome: RunOutcome;
  readonly durationMs: number;
  readonly errorCode?: string;
  readonly message?: string;
}

export interface Claims {
  /** Takes up to `limit` jobs that are due; `looked` says how many were, those that do not run included. */
  due(now: number, limit: number): { readonly claims: readonly Claim[]; readonly looked: number };
  /** Begins a run that somebody asks for. @throws JOB_NOT_FOUND, SBX_JOB_OUT_OF_FORCE, SBX_JOB_BUSY, JOB_SHELL_DISABLED */
  now(jobId: number, operator: string, now: number): Claim;
  end(claim: Claim, end: RunEnd, now: number): void;
  /** Finds runs that nobody runs any more. @param isAlone whether no other process is there, whatever the numbers of processes say */
  reap(now: number, isAlone?: boolean): void;
  /** Whether the process is there that has left this mark. */
  isThere(mark: { readonly pid: number; readonly process: string }): boolean;
}

export interface ClaimParts {
  readonly database: Database;
  readonly rows: JobRows;
  readonly process: JobProcess;
  readonly rules: HistoryRules;
  /** What did not run, with its outcome. */
  readonly onPassed: (job: JobRow, outcome: RunOutcome) => void;
}

/** A run is given so long beyond its timeout, in ms, before it counts as lost. */
const GRACE_MS = 120_000;
const MAX_MESSAGE_CHARACTERS = 2000;
const DAY_MS = 86_400_000;

export function createClaims({ database, rows, process, rules, onPassed }: ClaimParts): Claims {
  const statements = prepare(database);
  /** Runs of this process. */
  const mine = new Set<number>();

  const isThere: Claims['isThere'] = (mark) =>
    mark.process === process.token || (mark.pid !== process.pid && process.isAlive(mark.pid));

  const begin = (
    job: JobRow,
    run: Pick<RunRow, 'cause' | 'operator' | 'dueAt' | 'missedSince'>,
    now: number,
  ): Claim => {
    const endsBy = now + job.timeoutSeconds * 1000 + GRACE_MS;
    const { pid, token } = process;
    const inserted = statements.begin.run({ ...run, jobId: job.id, now, pid, process: token, endsBy });
    const isLast = job.maxExecutions > 0 && job.executions + 1 >= job.maxExecutions;
    statements.count.run({ id: job.id, status: isLast ? 'disabled' : job.status, isLast: isLast ? 1 : 0 });
    return { runId: Number(inserted.lastInsertRowid), job, dueAt: run.dueAt ?? undefined };
  };

  /** A row for what did not run; the same again adds to the last row. */
  const note = (
    job: JobRow,
    { dueAt, missedSince }: Pick<Decision, 'dueAt' | 'missedSince'>,
    failure: Passed,
    now: number,
  ): void => {
    const noted = { jobId: job.id, dueAt, missedSince, ...failure, now };
    if (statements.again.run(noted).changes === 0) statements.note.run(noted);
    purge(job, now);
    onPassed(job, failure.outcome);
  };

  const takeDue = (job: JobRow, now: number): Claim | undefined => {
    const dueAt = job.nextAt ?? now;
    try {
      const schedule = openSchedule(job.pattern, job.timezone);
      const maxRunning = maxRunningOf(job);
      const running = rows.countRunning(job.id);
      const decision = decide({ schedule, dueAt, now, running, maxRunning, catchUpMs: rules.catchUpMs });
      rows.setNext(job.id, decision.next ?? null);
      if (job.isBuiltin === 0) return void note(job, decision, SHELL_DISABLED, now);
      if (decision.kind !== 'run') return void note(job, decision, PASSED[decision.kind], now);
      return begin(job, { ...decision, operator: '' }, now);
    } catch (thrown) {
      if (!(thrown instanceof SandpoolError)) throw thrown;
      // Only a time zone that this Node.js does not know any more.
      rows.setNext(job.id, null);
      const times = { dueAt, missedSince: null };
      return void note(job, times, { outcome: 'failed', errorCode: thrown.code, message: thrown.message }, now);
    }
  };

  const takeAllDue = database.transaction((now: number, limit: number) => {
    const due = rows.due(now, limit);
    const claims = due.map((job) => takeDue(job, now)).filter((claim) => claim !== undefined);
    return { claims, looked: due.length };
  });

  const takeNow = database.transaction((jobId: number, operator: string, now: number): Claim => {
    const job = rows.job(jobId);
    if (job === undefined) throw new SandpoolError('JOB_NOT_FOUND', { job: jobId });
    const { name, pluginId } = job;
    if (job.isBuiltin === 0) throw new SandpoolError('JOB_SHELL_DISABLED', { job: name });
    if (job.isInForce === 0) throw new SandpoolError('SBX_JOB_OUT_OF_FORCE', { job: name, pluginId });
    const maxRunning = maxRunningOf(job);
    const running = rows.countRunning(jobId);
    if (running >= maxRunning) throw new SandpoolError('SBX_JOB_BUSY', { job: name, running });
    return begin(job, { cause: 'manual', operator, dueAt: null, missedSince: null }, now);
  });

  const isLost = (run: RunRow, now: number): boolean => {
    if (run.process === process.token) return !mine.has(run.id);
    return run.endsBy < now || !isThere(run);
  };

  function purge(job: JobRow, now: number): void {
    const { retentionMode, retentionValue } = job;
    if (retentionMode === 'none') return;
    const keepRuns = retentionMode === 'count' ? retentionValue : rules.keepRuns;
    const keepDays = retentionMode === 'days' ? retentionValue : rules.keepDays;
    const before = retentionMode === 'count' ? 0 : now - keepDays * DAY_MS;
    statements.purge.run({ jobId: job.id, keepRuns: retentionMode === 'days' ? -1 : keepRuns, before });
  }

  const taken = (claim: Claim): Claim => {
    mine.add(claim.runId);
    return claim;
  };

  return {
    due(now, limit) {
      // Without a look first, every wake would wait for the lock of those who write.
      if (rows.due(now, 1).length === 0) return { claims: [], looked: 0 };
      const { claims, looked } = takeAllDue.immediate(now, limit);
      return { claims: claims.map(taken), looked };
    },
    now: (jobId, operator, now) => taken(takeNow.immediate(jobId, operator, now)),
    end({ runId, job }, { outcome, durationMs, errorCode = '', message = '' }, now) {
      mine.delete(runId);
      const text = message.slice(0, MAX_MESSAGE_CHARACTERS);
      statements.end.run({ id: runId, outcome, durationMs: Math.round(durationMs), errorCode, message: text, now });
      purge(job, now);
    },
    reap(now, isAlone = false) {
      const lost = rows.running().filter((run) => (isAlone ? !mine.has(run.id) : isLost(run, now)));
      for (const { id } of lost) statements.lose.run({ id, now });
    },
    isThere,
  };
}

/** A plugin may declare any number; created jobs go up to this one. */
function maxRunningOf({ concurrency, maxConcurrency }: JobRow): number {
  return concurrency === 'singleton' ? 1 : Math.min(maxConcurrency, MAX_CONCURRENCY);
}

interface Passed {
  readonly outcome: RunOutcome;
  readonly errorCode: string;
  readonly message: string;
}

const PASSED: Readonly<Record<'skipped' | 'missed', Passed>> = {
  skipped: { outcome: 'skipped', errorCode: '', message: 'the runs before it had not ended' },
  missed: { outcome: 'missed', errorCode: '', message: 'the host was not there, and it is too late to make up for it' },
};
const SHELL = new SandpoolError('JOB_SHELL_DISABLED', { job: '' });
const SHELL_DISABLED: Passed = { outcome: 'failed', errorCode: SHELL.code, message: SHELL.message };

function prepare(database: Database) {
  return {
    begin: database.prepare(
      `INSERT INTO sys_job_log (job_id, cause, operator, due_at, missed_since, started_at, outcome, pid, process, ends_by)
       VALUES (@jobId, @cause, @operator, @dueAt, @missedSince, @now, 'running', @pid, @process, @endsBy)`,
    ),
    count: database.prepare(
      `UPDATE sys_job SET executions = executions + 1, status = @status,
         next_at = CASE WHEN @isLast = 1 THEN NULL ELSE next_at END WHERE id = @id`,
    ),
    again: database.prepare(
      `UPDATE sys_job_log SET times = times + 1, due_at = @dueAt, ended_at = @now
       WHERE id = (SELECT max(id) FROM sys_job_log WHERE job_id = @jobId)
         AND outcome = @outcome AND error_code = @errorCode AND outcome <> 'missed' AND cause = 'schedule'`,
    ),
    note: database.prepare(
      `INSERT INTO sys_job_log (job_id, cause, due_at, missed_since, started_at, ended_at, duration_ms, outcome, error_code, message)
       VALUES (@jobId, 'schedule', @dueAt, @missedSince, @now, @now, 0, @outcome, @errorCode, @message)`,
    ),
    // Also of one that counted as lost: it has ended after all.
    end: database.prepare(
      `UPDATE sys_job_log SET outcome = @outcome, ended_at = max(@now, started_at), duration_ms = @durationMs,
         error_code = @errorCode, message = @message WHERE id = @id AND outcome IN ('running', 'lost')`,
    ),
    lose: database.prepare(
      `UPDATE sys_job_log SET outcome = 'lost', ended_at = max(@now, started_at), error_code = 'SBX_PROCESS_LOST',
         message = 'the process that ran it ended before its time' WHERE id = @id AND outcome = 'running'`,
    ),
    purge: database.prepare(
      `DELETE FROM sys_job_log WHERE job_id = @jobId AND outcome <> 'running' AND (started_at < @before OR
         (@keepRuns >= 0 AND id <= (SELECT id FROM sys_job_log WHERE job_id = @jobId ORDER BY id DESC LIMIT 1 OFFSET @keepRuns)))`,
    ),
  };
}
