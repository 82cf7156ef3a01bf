/** Reading of jobs and runs, and the statements that several parts of the room share. */
import type { Database } from '../store/sqlite.js';
import type { JobRow, JobStatus, RunRow } from './tables.js';

const JOB_COLUMNS = `id, tenant_id AS tenantId, group_id AS groupId, plugin_id AS pluginId, name, display_name AS displayName,
  description, is_builtin AS isBuiltin, handler_ref AS handlerRef, request_type AS requestType, internal_path AS internalPath,
  shell_cmd AS shellCmd, work_dir AS workDir, env, pattern, timezone, scope, concurrency, max_concurrency AS maxConcurrency,
  timeout_seconds AS timeoutSeconds, max_executions AS maxExecutions, executions, status, is_in_force AS isInForce,
  retention_mode AS retentionMode, retention_value AS retentionValue, created_by AS createdBy, created_at AS createdAt,
  updated_at AS updatedAt, next_at AS nextAt`;

const RUN_COLUMNS = `sys_job_log.id, job_id AS jobId, cause, operator, due_at AS dueAt, missed_since AS missedSince, times,
  started_at AS startedAt, ended_at AS endedAt, duration_ms AS durationMs, outcome, error_code AS errorCode, message, pid, process,
  ends_by AS endsBy`;

/** As `statusOf` says it. */
const STATUS = `CASE WHEN status = 'disabled' THEN 'disabled' WHEN is_in_force = 0 THEN 'paused_by_plugin' ELSE 'enabled' END`;

export function statusOf({ status, isInForce }: Pick<JobRow, 'status' | 'isInForce'>): JobStatus {
  if (status === 'disabled') return 'disabled';
  return isInForce === 1 ? 'enabled' : 'paused_by_plugin';
}

/** What restricts a list; absent members restrict nothing. */
export interface JobFilter {
  /** Part of the name or of the handler reference, in any letter case. */
  readonly keyword?: string | undefined;
  readonly groupId?: number | undefined;
  readonly status?: string | undefined;
  readonly pluginId?: string | undefined;
  readonly tenantId?: number | undefined;
  /** Jobs that plugins declare are listed whoever has created them. */
  readonly createdBy?: number | undefined;
  readonly offset: number;
  readonly limit: number;
}

export interface RunFilter {
  readonly jobId?: number | undefined;
  readonly pluginId?: string | undefined;
  /** Only runs with a smaller id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** A run with the job that it is of. */
export interface NamedRun extends RunRow {
  readonly jobName: string;
  readonly pluginId: string;
}

export interface JobRows {
  job(id: number): JobRow | undefined;
  /** The job that a plugin declares under this name. */
  declared(pluginId: string, name: string): JobRow | undefined;
  ofPlugin(pluginId: string): readonly JobRow[];
  /** Due up to now, in order. */
  due(now: number, limit: number): readonly JobRow[];
  /** When the next job is due; undefined when none is. */
  nextDue(): number | undefined;
  /** Enabled and in force, by id. */
  active(afterId: number, limit: number): readonly JobRow[];
  countRunning(jobId: number): number;
  running(): readonly RunRow[];
  list(filter: JobFilter): { readonly items: readonly JobRow[]; readonly total: number };
  /** Latest first. */
  runs(filter: RunFilter): readonly NamedRun[];
  run(id: number): NamedRun | undefined;
  countByStatus(): Readonly<Partial<Record<JobStatus, number>>>;
  setNext(id: number, nextAt: number | null): void;
}

export function openJobRows(database: Database): JobRows {
  const jobs = <Parameters extends unknown[]>(rest: string) =>
    database.prepare<Parameters, JobRow>(`SELECT ${JOB_COLUMNS} FROM sys_job ${rest}`);
  const byId = jobs<[number]>('WHERE id = ?');
  const byName = jobs<[string, string]>('WHERE plugin_id = ? AND name = ? AND is_builtin = 1');
  const byPlugin = jobs<[string]>('WHERE plugin_id = ? ORDER BY id');
  const due = jobs<[number, number]>('WHERE next_at <= ? ORDER BY next_at, id LIMIT ?');
  const active = jobs<[number, number]>(`WHERE id > ? AND status = 'enabled' AND is_in_force = 1 ORDER BY id LIMIT ?`);
  const next = database
    .prepare<[], number | null>('SELECT min(next_at) FROM sys_job WHERE next_at IS NOT NULL')
    .pluck();
  const countRunning = database
    .prepare<[number], number>(`SELECT count(*) FROM sys_job_log WHERE job_id = ? AND outcome = 'running'`)
    .pluck();
  const running = database.prepare<[], RunRow>(`SELECT ${RUN_COLUMNS} FROM sys_job_log WHERE outcome = 'running'`);
  const named = `SELECT ${RUN_COLUMNS}, sys_job.name AS jobName, sys_job.plugin_id AS pluginId
    FROM sys_job_log JOIN sys_job ON sys_job.id = job_id`;
  // A statement for each way to ask: with one for all, SQLite would read the whole history for a job that has none.
  const runsWhere = (condition: string) =>
    database.prepare<[object], NamedRun>(
      `${named} WHERE ${condition} AND sys_job_log.id < @before ORDER BY sys_job_log.id DESC LIMIT @limit`,
    );
  const runsOfJob = runsWhere('job_id = @jobId AND (@pluginId IS NULL OR plugin_id = @pluginId)');
  const runsOfPlugin = runsWhere('job_id IN (SELECT id FROM sys_job WHERE plugin_id = @pluginId)');
  const runsOfAll = runsWhere('@jobId IS NULL AND @pluginId IS NULL');
  const run = database.prepare<[number], NamedRun>(`${named} WHERE sys_job_log.id = ?`);
  const setNext = database.prepare('UPDATE sys_job SET next_at = ? WHERE id = ?');
  const counts = database.prepare<[], [JobStatus, number]>(`SELECT ${STATUS}, count(*) FROM sys_job GROUP BY 1`).raw();
  const where = `WHERE (@keyword IS NULL OR name LIKE @keyword ESCAPE '\\' OR handler_ref LIKE @keyword ESCAPE '\\')
    AND (@groupId IS NULL OR group_id = @groupId) AND (@status IS NULL OR ${STATUS} = @status)
    AND (@pluginId IS NULL OR plugin_id = @pluginId) AND (@tenantId IS NULL OR tenant_id = @tenantId)
    AND (@createdBy IS NULL OR is_builtin = 1 OR created_by = @createdBy)`;
  const page = jobs<[object]>(`${where} ORDER BY id DESC LIMIT @limit OFFSET @offset`);
  const total = database.prepare<[object], number>(`SELECT count(*) FROM sys_job ${where}`).pluck();

  return {
    job: (id) => byId.get(id),
    declared: (pluginId, name) => byName.get(pluginId, name),
    ofPlugin: (pluginId) => byPlugin.all(pluginId),
    due: (now, limit) => due.all(now, limit),
    nextDue: () => next.get() ?? undefined,
    active: (afterId, limit) => active.all(afterId, limit),
    countRunning: (jobId) => countRunning.get(jobId) ?? 0,
    running: () => running.all(),
    list(filter) {
      const asked = boundOf(filter);
      return { items: page.all(asked), total: total.get(asked) ?? 0 };
    },
    runs({ jobId = null, pluginId = null, before = Number.MAX_SAFE_INTEGER, limit }) {
      const statement = jobId !== null ? runsOfJob : pluginId !== null ? runsOfPlugin : runsOfAll;
      return statement.all({ jobId, pluginId, before, limit });
    },
    run: (id) => run.get(id),
    countByStatus: () => Object.fromEntries(counts.all()),
    setNext: (id, nextAt) => void setNext.run(nextAt, id),
  };
}

function boundOf({ keyword = '', offset, limit, ...filter }: JobFilter): Record<string, unknown> {
  const { groupId = null, status = null, pluginId = null, tenantId = null, createdBy = null } = filter;
  const part = keyword === '' ? null : `%${keyword.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return { keyword: part, groupId, status, pluginId, tenantId, createdBy, offset, limit };
}
