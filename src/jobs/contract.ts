/** What a plugin registers as a job, checked and completed (`spec/host-services.md` §9, `spec/bridge.md` §7.2). */
import { reasonOf } from '../protocol/errors.js';
import type { Payload } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { openSchedule } from './cron.js';
import type { Concurrency, Scope } from './tables.js';

export type Registration = Payload<'HostServiceJobsRegisterRequest'>;

/** A job that a plugin declares. */
export interface JobContract {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly pattern: string;
  readonly timezone: string;
  readonly scope: Scope;
  readonly concurrency: Concurrency;
  readonly maxConcurrency: number;
  readonly timeoutSeconds: number;
  readonly requestType: string;
  /** Empty for `/@jobs/<name>`. */
  readonly internalPath: string;
}

/** Most runs of one job at once. */
export const MAX_CONCURRENCY = 100;
export const MAX_TIMEOUT_SECONDS = 86_400;
export const MAX_PATTERN_BYTES = 128;
export const DEFAULT_TIMEOUT_SECONDS = 300;
const DEFAULT_TIMEZONE = 'Asia/Shanghai';

/** @returns the contract, or why it is none */
export function contractOf(request: Registration): JobContract | string {
  const contract: JobContract = {
    name: trimGo(request.name),
    displayName: trimGo(request.displayName),
    description: trimGo(request.description),
    pattern: trimGo(request.pattern),
    timezone: trimGo(request.timezone) || DEFAULT_TIMEZONE,
    scope: (trimGo(request.scope).toLowerCase() || 'all_node') as Scope,
    concurrency: (trimGo(request.concurrency).toLowerCase() || 'singleton') as Concurrency,
    maxConcurrency: positive(request.maxConcurrency) ?? 1,
    timeoutSeconds: positive(request.timeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    requestType: trimGo(request.requestType),
    internalPath: rooted(trimGo(request.internalPath)),
  };
  return problemOf(contract) ?? contract;
}

/** The path that a job is executed at. */
export function pathOf({ name, internalPath }: Pick<JobContract, 'name' | 'internalPath'>): string {
  return internalPath || `/@jobs/${name}`;
}

/** The reference of the host handler of a job. */
export function handlerRef(pluginId: string, name: string): string {
  return `plugin:${pluginId}/jobs:${name}`;
}

function positive(value: number | bigint): number | undefined {
  return value > 0 ? Number(value) : undefined;
}

function rooted(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

function problemOf(contract: JobContract): string | undefined {
  const { name, pattern, scope, concurrency, timeoutSeconds, requestType } = contract;
  if (name === '') return 'Jobs registration name is required';
  if (pattern === '') return `Jobs registration pattern is required: ${name}`;
  if (Buffer.byteLength(pattern) > MAX_PATTERN_BYTES) {
    return `Jobs registration pattern is longer than ${MAX_PATTERN_BYTES} bytes: ${name}`;
  }
  if (requestType === '') return `Jobs registration requestType is required: ${name}`;
  if (scope !== 'all_node' && scope !== 'master_only') return `Jobs registration scope is invalid: ${scope}`;
  if (concurrency !== 'singleton' && concurrency !== 'parallel') {
    return `Jobs registration concurrency is invalid: ${concurrency}`;
  }
  if (timeoutSeconds > MAX_TIMEOUT_SECONDS) {
    return `Jobs registration timeoutSeconds is more than ${MAX_TIMEOUT_SECONDS}: ${name}`;
  }
  return scheduleProblem(contract);
}

function scheduleProblem({ name, pattern, timezone }: JobContract): string | undefined {
  try {
    openSchedule(pattern, timezone);
    return undefined;
  } catch (thrown) {
    return `Jobs registration of ${name} is invalid: ${reasonOf(thrown)}`;
  }
}
