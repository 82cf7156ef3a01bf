/** The jobs that plugins declare, kept in line with the releases that serve. All of it is one transaction each, and at once. */
import type { Database } from '../store/sqlite.js';
import type { Claims, JobProcess } from './claims.js';
import { handlerRef, type JobContract } from './contract.js';
import { openSchedule } from './cron.js';
import type { JobRows } from './rows.js';
import type { JobRow } from './tables.js';

export interface Declarations {
  /**
   * A release of the plugin is in force.
   * @returns whether this process is to ask it for its jobs; only one is
   */
  serve(pluginId: string, release: string, now: number): boolean;
  /** The plugin is disabled or does not serve: nothing of it is due. */
  pause(pluginId: string): void;
  /** The plugin is gone, and its jobs and their history with it. */
  remove(pluginId: string): void;
  /** What the release has declared takes the place of what was declared before it. Nothing happens when another one serves by now. */
  replace(pluginId: string, release: string, contracts: readonly JobContract[], now: number): void;
  /** The release could not be asked: what it has declared before stays, what another has declared is paused. */
  fail(pluginId: string, release: string, problem: string): void;
  /** Plugins that a process was asking which is no more. */
  abandoned(): readonly string[];
  /** Plugins that something is kept of. */
  known(): readonly string[];
  /** Has every plugin asked again. */
  forgetReleases(): void;
  /** Why plugins could not be asked, by plugin. */
  problems(): ReadonlyMap<string, string>;
}

export interface DeclarationParts {
  readonly database: Database;
  readonly rows: JobRows;
  readonly process: JobProcess;
  readonly isThere: Claims['isThere'];
}

interface PluginRow {
  readonly pluginId: string;
  /** The release in force, or empty. */
  readonly inForce: string;
  /** The release that declared what is kept. */
  readonly declared: string;
  readonly process: string;
  readonly pid: number;
  readonly problem: string;
}

export function createDeclarations({ database, rows, process, isThere }: DeclarationParts): Declarations {
  const statements = prepare(database);
  const plugin = (pluginId: string): PluginRow | undefined => statements.plugin.get(pluginId);
  const isAbandoned = (row: PluginRow): boolean => row.process !== '' && !isThere(row);
  const isMine = (row: PluginRow | undefined, release: string): boolean =>
    row !== undefined && row.inForce === release && row.process === process.token;

  const schedule = (job: JobRow, now: number): void => {
    const isDue = job.status === 'enabled' && job.isInForce === 1;
    rows.setNext(job.id, isDue ? (openSchedule(job.pattern, job.timezone).next(now) ?? null) : null);
  };

  const serve = database.transaction((pluginId: string, release: string, now: number): boolean => {
    const row = plugin(pluginId);
    if (row?.inForce === release && !isAbandoned(row)) return false;
    statements.claim.run({ pluginId, release, process: process.token, pid: process.pid });
    // What another release has declared, or what has been paused, waits until this one is heard.
    if (row?.declared !== release) statements.pause.run(pluginId, 1);
    for (const job of rows.ofPlugin(pluginId)) {
      if (job.isBuiltin === 1 || job.isInForce === 1) continue;
      statements.resume.run(job.id);
      schedule({ ...job, isInForce: 1 }, now);
    }
    return true;
  });

  const replace = database.transaction(
    (pluginId: string, release: string, contracts: readonly JobContract[], now: number) => {
      if (!isMine(plugin(pluginId), release)) return;
      const names = new Set(contracts.map(({ name }) => name));
      for (const job of rows.ofPlugin(pluginId)) {
        if (job.isBuiltin === 1 && !names.has(job.name)) statements.removeJob.run(job.id);
      }
      for (const contract of contracts) put(pluginId, contract, now);
      statements.settle.run({ pluginId, declared: release, problem: '' });
    },
  );

  function put(pluginId: string, contract: JobContract, now: number): void {
    const before = rows.declared(pluginId, contract.name);
    statements.put.run({ ...contract, pluginId, handlerRef: handlerRef(pluginId, contract.name), now });
    const job = rows.declared(pluginId, contract.name)!;
    const isAsBefore = before?.pattern === contract.pattern && before.timezone === contract.timezone;
    // A time that passed while the host was down is kept: it is made up for.
    if (!isAsBefore || before.nextAt === null) schedule(job, now);
  }

  return {
    serve: (pluginId, release, now) => serve.immediate(pluginId, release, now),
    pause: database.transaction((pluginId: string) => {
      statements.outOfForce.run(pluginId);
      statements.pause.run(pluginId, 0);
    }).immediate,
    remove: database.transaction((pluginId: string) => {
      statements.removeJobs.run(pluginId);
      statements.removePlugin.run(pluginId);
    }).immediate,
    replace: (pluginId, release, contracts, now) => replace.immediate(pluginId, release, contracts, now),
    fail: database.transaction((pluginId: string, release: string, problem: string) => {
      const row = plugin(pluginId);
      if (isMine(row, release)) statements.settle.run({ pluginId, declared: row?.declared ?? '', problem });
    }).immediate,
    abandoned: () =>
      statements.claimed
        .all()
        .filter(isAbandoned)
        .map(({ pluginId }) => pluginId),
    known: () => statements.known.all(),
    forgetReleases: () => void statements.forget.run(),
    problems: () => new Map(statements.problems.all()),
  };
}

const PLUGIN = `SELECT plugin_id AS pluginId, in_force AS inForce, declared, claim_process AS process, claim_pid AS pid, problem
  FROM sandpool_job_plugin`;

function prepare(database: Database) {
  return {
    plugin: database.prepare<[string], PluginRow>(`${PLUGIN} WHERE plugin_id = ?`),
    claimed: database.prepare<[], PluginRow>(`${PLUGIN} WHERE claim_process <> ''`),
    known: database
      .prepare<[], string>('SELECT plugin_id FROM sandpool_job_plugin UNION SELECT plugin_id FROM sys_job')
      .pluck(),
    problems: database
      .prepare<[], [string, string]>(`SELECT plugin_id, problem FROM sandpool_job_plugin WHERE problem <> ''`)
      .raw(),
    claim: database.prepare(
      `INSERT INTO sandpool_job_plugin (plugin_id, in_force, claim_process, claim_pid) VALUES (@pluginId, @release, @process, @pid)
       ON CONFLICT (plugin_id) DO UPDATE SET in_force = @release, claim_process = @process, claim_pid = @pid`,
    ),
    settle: database.prepare(
      `UPDATE sandpool_job_plugin SET declared = @declared, claim_process = '', claim_pid = 0, problem = @problem
       WHERE plugin_id = @pluginId`,
    ),
    outOfForce: database.prepare(
      `UPDATE sandpool_job_plugin SET in_force = '', claim_process = '', claim_pid = 0, problem = '' WHERE plugin_id = ?`,
    ),
    forget: database.prepare(`UPDATE sandpool_job_plugin SET in_force = '', claim_process = '', claim_pid = 0`),
    pause: database.prepare(
      'UPDATE sys_job SET is_in_force = 0, next_at = NULL WHERE plugin_id = ? AND is_builtin >= ?',
    ),
    resume: database.prepare('UPDATE sys_job SET is_in_force = 1 WHERE id = ?'),
    removeJob: database.prepare('DELETE FROM sys_job WHERE id = ?'),
    removeJobs: database.prepare('DELETE FROM sys_job WHERE plugin_id = ?'),
    removePlugin: database.prepare('DELETE FROM sandpool_job_plugin WHERE plugin_id = ?'),
    put: database.prepare(
      `INSERT INTO sys_job (group_id, plugin_id, name, display_name, description, is_builtin, handler_ref, request_type, internal_path,
         pattern, timezone, scope, concurrency, max_concurrency, timeout_seconds, status, created_at, updated_at)
       VALUES (1, @pluginId, @name, @displayName, @description, 1, @handlerRef, @requestType, @internalPath, @pattern, @timezone, @scope,
         @concurrency, @maxConcurrency, @timeoutSeconds, 'enabled', @now, @now)
       ON CONFLICT (plugin_id, name) WHERE is_builtin = 1 DO UPDATE SET
         display_name = @displayName, description = @description, request_type = @requestType, internal_path = @internalPath,
         pattern = @pattern, timezone = @timezone, scope = @scope, concurrency = @concurrency, max_concurrency = @maxConcurrency,
         timeout_seconds = @timeoutSeconds, is_in_force = 1, updated_at = @now`,
    ),
  };
}
