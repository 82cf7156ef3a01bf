/** Jobs that guests create: their rules are those of the reference host (`spec/host-services.md` §9). A plugin changes only its own. */
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import type { JobCaller, JobDraft, JobRetention } from '../services/jobs-port.js';
import type { Database } from '../store/sqlite.js';
import { DEFAULT_TIMEOUT_SECONDS, MAX_CONCURRENCY, MAX_PATTERN_BYTES, MAX_TIMEOUT_SECONDS } from './contract.js';
import { openSchedule } from './cron.js';
import type { JobRows } from './rows.js';
import type { JobRow, StoredStatus } from './tables.js';

export interface CreatedJobs {
  create(caller: JobCaller, draft: JobDraft, now: number): number;
  update(caller: JobCaller, id: number, draft: JobDraft, now: number): void;
  remove(caller: JobCaller, id: number): void;
  setStatus(caller: JobCaller, id: number, status: string, now: number): void;
  /** The job, if it is the caller's own. @throws JOB_NOT_FOUND */
  own(caller: JobCaller, id: number): JobRow;
  /** What an operator does, to any job; one that is out of force will be due when its plugin is back. @throws JOB_NOT_FOUND */
  switch(id: number, status: StoredStatus, now: number): JobRow;
}

/** Most jobs of one plugin. */
export const MAX_JOBS_PER_PLUGIN = 1000;
const MAX_NAME_CHARACTERS = 128;
const DEFAULT_TIMEZONE = 'Asia/Shanghai';

export function createCreatedJobs(database: Database, rows: JobRows): CreatedJobs {
  const statements = prepare(database);

  const own: CreatedJobs['own'] = (caller, id) => {
    const job = rows.job(id);
    if (job === undefined || !isOwn(job, caller)) throw new SandpoolError('JOB_NOT_FOUND', { job: id });
    return job;
  };
  const requireRoom = (draft: JobDraft, tenantId: number, id: number): void => {
    if (statements.group.get(draft.groupId) === undefined) {
      throw new SandpoolError('JOB_GROUP_NOT_FOUND', { groupId: draft.groupId });
    }
    const name = trimGo(draft.name);
    if (statements.taken.get({ tenantId, groupId: draft.groupId, name, id }) !== undefined) {
      throw new SandpoolError('JOB_NAME_EXISTS_IN_GROUP', { name });
    }
  };
  const schedule = (id: number, now: number): JobRow => {
    const job = rows.job(id)!;
    const isDue = job.status === 'enabled' && job.isInForce === 1;
    rows.setNext(id, isDue ? (openSchedule(job.pattern, job.timezone).next(now) ?? null) : null);
    return job;
  };
  const store = (id: number, status: StoredStatus, now: number): JobRow => {
    statements.status.run({ id, status, now });
    return schedule(id, now);
  };

  return {
    own,
    create(caller, draft, now) {
      const columns = checked(draft);
      if (rows.ofPlugin(caller.pluginId).length >= MAX_JOBS_PER_PLUGIN) {
        throw new SandpoolError('SBX_JOB_LIMIT', { pluginId: caller.pluginId, limit: MAX_JOBS_PER_PLUGIN });
      }
      requireRoom(draft, caller.tenantId, 0);
      const { pluginId, tenantId, userId } = caller;
      const id = Number(statements.insert.run({ ...columns, pluginId, tenantId, userId, now }).lastInsertRowid);
      schedule(id, now);
      return id;
    },
    update(caller, id, draft, now) {
      if (own(caller, id).isBuiltin === 1) throw new SandpoolError('JOB_BUILTIN_UPDATE_DENIED');
      const columns = checked(draft);
      requireRoom(draft, caller.tenantId, id);
      statements.update.run({ ...columns, id, now });
      schedule(id, now);
    },
    remove(caller, id) {
      if (own(caller, id).isBuiltin === 1) throw new SandpoolError('JOB_BUILTIN_DELETE_DENIED');
      statements.remove.run(id);
    },
    setStatus(caller, id, status, now) {
      if (own(caller, id).isBuiltin === 1) throw new SandpoolError('JOB_BUILTIN_STATUS_UPDATE_DENIED');
      store(id, statusOf(status), now);
    },
    switch(id, status, now) {
      const job = rows.job(id);
      if (job === undefined) throw new SandpoolError('JOB_NOT_FOUND', { job: id });
      return job.status === status ? job : store(id, status, now);
    },
  };
}

function isOwn(job: JobRow, { pluginId, tenantId, scope }: JobCaller): boolean {
  if (job.pluginId !== pluginId || job.tenantId !== tenantId) return false;
  return job.isBuiltin === 1 || scope.createdBy === undefined || scope.createdBy === job.createdBy;
}

/** A draft as it is stored, in the order in which the reference looks at it. @throws JOB_… */
function checked(draft: JobDraft): Record<string, unknown> {
  const name = trimGo(draft.name);
  if (name === '') throw new SandpoolError('JOB_NAME_REQUIRED');
  if ([...name].length > MAX_NAME_CHARACTERS) {
    throw new SandpoolError('JOB_NAME_TOO_LONG', { maxLength: MAX_NAME_CHARACTERS });
  }
  const pattern = trimGo(draft.pattern);
  const timezone = trimGo(draft.timezone) || DEFAULT_TIMEZONE;
  const limits = checkedLimits(draft);
  if (Buffer.byteLength(pattern) > MAX_PATTERN_BYTES) {
    throw new SandpoolError('JOB_CRON_EXPRESSION_INVALID', { pattern, reason: 'it is too long' });
  }
  openSchedule(pattern, timezone);
  const { groupId, description, shellCmd, workDir } = draft;
  const env = JSON.stringify(draft.env);
  const retention = checkedRetention(draft.retention);
  return { groupId, name, description, shellCmd, workDir, env, pattern, timezone, ...limits, ...retention };
}

function checkedLimits(draft: JobDraft) {
  const timeoutSeconds = draft.timeoutSeconds === 0 ? DEFAULT_TIMEOUT_SECONDS : draft.timeoutSeconds;
  if (timeoutSeconds < 1 || timeoutSeconds > MAX_TIMEOUT_SECONDS) {
    throw new SandpoolError('JOB_TIMEOUT_OUT_OF_RANGE', { min: 1, max: MAX_TIMEOUT_SECONDS });
  }
  if (!Number.isInteger(timeoutSeconds)) throw new SandpoolError('JOB_TIMEOUT_SECOND_ALIGNED_REQUIRED');
  const scope = trimGo(draft.scope) || 'master_only';
  if (scope !== 'master_only' && scope !== 'all_node') throw new SandpoolError('JOB_SCOPE_INVALID', { scope });
  const concurrency = trimGo(draft.concurrency) || 'singleton';
  if (concurrency !== 'singleton' && concurrency !== 'parallel') {
    throw new SandpoolError('JOB_CONCURRENCY_INVALID', { concurrency });
  }
  const maxConcurrency = draft.maxConcurrency || 1;
  if (maxConcurrency < 1 || maxConcurrency > MAX_CONCURRENCY) {
    throw new SandpoolError('JOB_MAX_CONCURRENCY_INVALID', { min: 1, max: MAX_CONCURRENCY });
  }
  const { maxExecutions } = draft;
  if (maxExecutions < 0) throw new SandpoolError('JOB_MAX_EXECUTIONS_INVALID');
  return { timeoutSeconds, scope, concurrency, maxConcurrency, maxExecutions, status: statusOf(draft.status) };
}

function statusOf(text: string): StoredStatus {
  const status = trimGo(text) || 'disabled';
  if (status === 'enabled' || status === 'disabled') return status;
  throw new SandpoolError('JOB_STATUS_INVALID', { status });
}

function checkedRetention(retention: JobRetention | undefined) {
  if (retention === undefined) return { retentionMode: '', retentionValue: 0 };
  const { mode, value } = retention;
  const isKnown = mode === 'none' || ((mode === 'days' || mode === 'count') && value > 0);
  if (!isKnown) throw new SandpoolError('JOB_LOG_RETENTION_INVALID', { mode, value });
  return { retentionMode: mode, retentionValue: value };
}

function prepare(database: Database) {
  return {
    group: database.prepare<[number], number>('SELECT id FROM sys_job_group WHERE id = ?').pluck(),
    taken: database
      .prepare<[object], number>(
        `SELECT id FROM sys_job WHERE tenant_id = @tenantId AND group_id = @groupId AND name = @name AND is_builtin = 0 AND id <> @id`,
      )
      .pluck(),
    insert: database.prepare(
      `INSERT INTO sys_job (tenant_id, group_id, plugin_id, name, description, is_builtin, shell_cmd, work_dir, env, pattern, timezone,
         scope, concurrency, max_concurrency, timeout_seconds, max_executions, status, retention_mode, retention_value, created_by,
         created_at, updated_at)
       VALUES (@tenantId, @groupId, @pluginId, @name, @description, 0, @shellCmd, @workDir, @env, @pattern, @timezone, @scope,
         @concurrency, @maxConcurrency, @timeoutSeconds, @maxExecutions, @status, @retentionMode, @retentionValue, @userId, @now, @now)`,
    ),
    update: database.prepare(
      `UPDATE sys_job SET group_id = @groupId, name = @name, description = @description, shell_cmd = @shellCmd, work_dir = @workDir,
         env = @env, pattern = @pattern, timezone = @timezone, scope = @scope, concurrency = @concurrency,
         max_concurrency = @maxConcurrency, timeout_seconds = @timeoutSeconds, max_executions = @maxExecutions, status = @status,
         retention_mode = @retentionMode, retention_value = @retentionValue, updated_at = @now WHERE id = @id`,
    ),
    status: database.prepare('UPDATE sys_job SET status = @status, updated_at = @now WHERE id = @id'),
    remove: database.prepare('DELETE FROM sys_job WHERE id = ?'),
  };
}
