/** Tables of jobs and their runs, in the file `jobs.db` of the data directory. */
import type { Migration } from '../store/migrations.js';

/**
 * A host is one node, however many processes it has: both run a job once. Kept because guests and operators see it.
 */
export type Scope = 'master_only' | 'all_node';
export type Concurrency = 'singleton' | 'parallel';
/** What is stored; that its plugin is not in force shows as `paused_by_plugin`. */
export type StoredStatus = 'enabled' | 'disabled';
export type JobStatus = StoredStatus | 'paused_by_plugin';
export type RetentionMode = 'days' | 'count' | 'none';

/** Why a run was begun: its time had come, it makes up for missed ones, or somebody asked for it. */
export type RunCause = 'schedule' | 'catch_up' | 'manual';

/**
 * `skipped`: as many as may run at once were running. `missed`: the host was down, and it is too late to make up for it. `lost`: the
 * process that ran it is no more.
 */
export type RunOutcome = 'running' | 'succeeded' | 'failed' | 'timed_out' | 'skipped' | 'missed' | 'lost';

/** A row of `sys_job`. Times are ms since the epoch. */
export interface JobRow {
  readonly id: number;
  readonly tenantId: number;
  readonly groupId: number;
  /** Who declares or has created it. */
  readonly pluginId: string;
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  /** 1 for what a plugin declares; 0 for what was created with `jobs.create`. */
  readonly isBuiltin: number;
  /** Empty for a shell command. */
  readonly handlerRef: string;
  readonly requestType: string;
  readonly internalPath: string;
  readonly shellCmd: string;
  readonly workDir: string;
  /** JSON object of texts. */
  readonly env: string;
  readonly pattern: string;
  readonly timezone: string;
  readonly scope: Scope;
  readonly concurrency: Concurrency;
  readonly maxConcurrency: number;
  readonly timeoutSeconds: number;
  /** 0 for any number. */
  readonly maxExecutions: number;
  readonly executions: number;
  readonly status: StoredStatus;
  /** Whether its plugin is enabled and serves. */
  readonly isInForce: number;
  /** Empty for the host's own rule. */
  readonly retentionMode: RetentionMode | '';
  readonly retentionValue: number;
  readonly createdBy: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When it is due next; null when it is not. */
  readonly nextAt: number | null;
}

/** A row of `sys_job_log`. */
export interface RunRow {
  readonly id: number;
  readonly jobId: number;
  readonly cause: RunCause;
  /** User who asked for it, or `plugin:<id>`; empty for the schedule. */
  readonly operator: string;
  /** Null when somebody asked for it. */
  readonly dueAt: number | null;
  /** The first time that it makes up for; null when it makes up for none. */
  readonly missedSince: number | null;
  /** How often in a row the same was skipped; else 1. */
  readonly times: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly durationMs: number | null;
  readonly outcome: RunOutcome;
  readonly errorCode: string;
  readonly message: string;
  readonly pid: number;
  /** The process, in a word that no other process ever has. */
  readonly process: string;
  /** Whoever still runs after this is lost. */
  readonly endsBy: number;
}

export const JOB_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'jobs, groups and runs',
    sql: `
CREATE TABLE sys_job_group (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL DEFAULT 0,
  code      TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  UNIQUE (tenant_id, code)
);
INSERT INTO sys_job_group (id, code, name) VALUES (1, 'default', 'Default');

CREATE TABLE sys_job (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id       INTEGER NOT NULL DEFAULT 0,
  group_id        INTEGER NOT NULL REFERENCES sys_job_group (id),
  plugin_id       TEXT    NOT NULL,
  name            TEXT    NOT NULL,
  display_name    TEXT    NOT NULL DEFAULT '',
  description     TEXT    NOT NULL DEFAULT '',
  is_builtin      INTEGER NOT NULL CHECK (is_builtin IN (0, 1)),
  handler_ref     TEXT    NOT NULL DEFAULT '',
  request_type    TEXT    NOT NULL DEFAULT '',
  internal_path   TEXT    NOT NULL DEFAULT '',
  shell_cmd       TEXT    NOT NULL DEFAULT '',
  work_dir        TEXT    NOT NULL DEFAULT '',
  env             TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(env)),
  pattern         TEXT    NOT NULL,
  timezone        TEXT    NOT NULL,
  scope           TEXT    NOT NULL CHECK (scope IN ('master_only', 'all_node')),
  concurrency     TEXT    NOT NULL CHECK (concurrency IN ('singleton', 'parallel')),
  max_concurrency INTEGER NOT NULL DEFAULT 1,
  timeout_seconds INTEGER NOT NULL,
  max_executions  INTEGER NOT NULL DEFAULT 0,
  executions      INTEGER NOT NULL DEFAULT 0,
  status          TEXT    NOT NULL CHECK (status IN ('enabled', 'disabled')),
  is_in_force     INTEGER NOT NULL DEFAULT 1 CHECK (is_in_force IN (0, 1)),
  retention_mode  TEXT    NOT NULL DEFAULT '' CHECK (retention_mode IN ('', 'days', 'count', 'none')),
  retention_value INTEGER NOT NULL DEFAULT 0,
  created_by      INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  next_at         INTEGER
);
CREATE UNIQUE INDEX sys_job_declared ON sys_job (plugin_id, name) WHERE is_builtin = 1;
CREATE UNIQUE INDEX sys_job_named ON sys_job (tenant_id, group_id, name) WHERE is_builtin = 0;
CREATE INDEX sys_job_plugin ON sys_job (plugin_id);
-- The sorted list that the scheduler's one timer is set by.
CREATE INDEX sys_job_due ON sys_job (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE sys_job_log (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id       INTEGER NOT NULL REFERENCES sys_job (id) ON DELETE CASCADE,
  cause        TEXT    NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'manual')),
  operator     TEXT    NOT NULL DEFAULT '',
  due_at       INTEGER,
  missed_since INTEGER,
  times        INTEGER NOT NULL DEFAULT 1,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  duration_ms  INTEGER,
  outcome      TEXT    NOT NULL,
  error_code   TEXT    NOT NULL DEFAULT '',
  message      TEXT    NOT NULL DEFAULT '',
  pid          INTEGER NOT NULL DEFAULT 0,
  process      TEXT    NOT NULL DEFAULT '',
  ends_by      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sys_job_log_job ON sys_job_log (job_id, id);
CREATE INDEX sys_job_log_running ON sys_job_log (job_id) WHERE outcome = 'running';

-- Which release of a plugin has declared its jobs, and who is asking it just now.
CREATE TABLE sandpool_job_plugin (
  plugin_id     TEXT    NOT NULL PRIMARY KEY,
  in_force      TEXT    NOT NULL DEFAULT '',
  declared      TEXT    NOT NULL DEFAULT '',
  claim_process TEXT    NOT NULL DEFAULT '',
  claim_pid     INTEGER NOT NULL DEFAULT 0,
  problem       TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- The latest time that a scheduler has seen on the clock.
CREATE TABLE sandpool_job_clock (
  id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seen_at INTEGER NOT NULL
);
INSERT INTO sandpool_job_clock VALUES (1, 0);
`,
  },
];
