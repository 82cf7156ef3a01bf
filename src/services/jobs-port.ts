/** What the service `jobs` asks of the room that keeps jobs and runs them. Ids are those of rows; times are seconds. */
import type { Payload } from '../protocol/payloads.js';

export interface JobInfo {
  readonly id: number;
  readonly name: string;
  readonly groupId: number;
  /** `enabled`, `disabled` or `paused_by_plugin`. */
  readonly status: string;
  readonly retention?: JobRetention | undefined;
}

export interface JobRetention {
  /** `days`, `count` or `none`. */
  readonly mode: string;
  readonly value: number;
}

/** Which jobs somebody sees; what is absent restricts nothing. Jobs that plugins declare are seen whoever has created them. */
export interface JobScope {
  readonly tenantId?: number;
  readonly createdBy?: number;
}

export interface JobQuery {
  readonly keyword: string;
  /** Undefined for all. */
  readonly groupId: number | undefined;
  /** Empty for all. */
  readonly status: string;
  readonly offset: number;
  readonly limit: number;
}

/** A job as a guest describes it, unchecked. */
export interface JobDraft {
  readonly groupId: number;
  readonly name: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly shellCmd: string;
  readonly workDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pattern: string;
  readonly timezone: string;
  readonly scope: string;
  readonly concurrency: string;
  readonly maxConcurrency: number;
  readonly maxExecutions: number;
  readonly status: string;
  readonly retention?: JobRetention | undefined;
}

/** Who changes a job: a plugin, which reaches no jobs but its own, on behalf of somebody. */
export interface JobCaller {
  readonly pluginId: string;
  readonly tenantId: number;
  /** 0 for nobody. */
  readonly userId: number;
  readonly scope: JobScope;
}

export interface JobsPort {
  /** What takes the registrations of a discovery; undefined when none is under way with this request id. */
  collector(requestId: string): RegisterJob | undefined;
  /** In no promised order; those that are not seen are left out. */
  find(ids: readonly number[], scope: JobScope): readonly JobInfo[];
  /** The latest first, with how many there are. */
  list(query: JobQuery, scope: JobScope): { readonly items: readonly JobInfo[]; readonly total: number };
  /** @returns the new id @throws JOB_… */
  create(caller: JobCaller, draft: JobDraft): number;
  /** All of these throw JOB_NOT_FOUND for a job that is not the caller's own, and JOB_… for what cannot be. */
  update(caller: JobCaller, id: number, draft: JobDraft): void;
  remove(caller: JobCaller, id: number): void;
  setStatus(caller: JobCaller, id: number, status: string): void;
  /** Begins a run. */
  run(caller: JobCaller, id: number): void;
}

/** Takes one registration. @returns why it is refused, if it is */
export type RegisterJob = (request: Payload<'HostServiceJobsRegisterRequest'>) => string | undefined;
