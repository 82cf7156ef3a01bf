/** Scheduled jobs of plugins and their history: `/api/v1/jobs…`. The platform governs them, not tenants. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { JobRecord, NamedRun } from '../../jobs/jobs.js';
import { PAGE, success } from '../api-route.js';
import { type ApiRouteOptions, type Gate, MAX_JSON_BYTES } from '../plugin-route.js';

const PREFIX = '/api/v1/jobs';
const PLUGIN_ID = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }));

/** Its id, or `<plugin id>/<name>`. */
const BY_JOB = Type.Object({ job: Type.String({ minLength: 1, maxLength: 512 }) });
const BY_RUN = Type.Object({ runId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });
const LIST_QUERY = Type.Object({
  pluginId: PLUGIN_ID,
  keyword: Type.Optional(Type.String({ maxLength: 128 })),
  status: Type.Optional(Type.Enum(['enabled', 'disabled', 'paused_by_plugin'])),
  ...PAGE,
});
const RUNS_QUERY = Type.Object({
  job: Type.Optional(BY_JOB.properties.job),
  pluginId: PLUGIN_ID,
  /** Only runs with a smaller id: the `next` of the page before. */
  before: Type.Optional(BY_RUN.properties.runId),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

interface ByJob {
  Params: Static<typeof BY_JOB>;
}

export function jobRoutes(app: FastifyInstance, gate: Gate, { jobs }: ApiRouteOptions): void {
  if (jobs === undefined) return;
  const reading = gate.permit('system:job:list');
  const changing = (permission: 'system:job:run' | 'system:job:edit') => ({
    bodyLimit: MAX_JSON_BYTES,
    onRequest: gate.permit(permission),
    schema: { params: BY_JOB },
  });

  app.get<{ Querystring: Static<typeof LIST_QUERY> }>(
    PREFIX,
    { onRequest: reading, schema: { querystring: LIST_QUERY } },
    async ({ query: { pageNum, pageSize, ...filter } }) => {
      const { items, total } = jobs.list({ ...filter, offset: (pageNum - 1) * pageSize, limit: pageSize });
      const problems = [...jobs.problems()].map(([pluginId, reason]) => ({ pluginId, reason }));
      return success({ list: items.map(jobItem), total, ...(problems.length > 0 && { problems }) });
    },
  );

  app.get<{ Querystring: Static<typeof RUNS_QUERY> }>(
    `${PREFIX}/runs`,
    { onRequest: reading, schema: { querystring: RUNS_QUERY } },
    async ({ query: { job, limit, ...filter } }) => {
      const jobId = job === undefined ? undefined : jobs.show(job).id;
      const runs = jobs.runs({ ...filter, jobId, limit });
      const last = runs.length === limit ? runs.at(-1) : undefined;
      return success({ list: runs.map(runItem), ...(last && { next: last.id }) });
    },
  );

  app.get<{ Params: Static<typeof BY_RUN> }>(
    `${PREFIX}/runs/:runId`,
    { onRequest: reading, schema: { params: BY_RUN } },
    async ({ params }) => success(runItem(jobs.run(params.runId))),
  );

  app.get<ByJob>(`${PREFIX}/:job`, { onRequest: reading, schema: { params: BY_JOB } }, async ({ params }) =>
    success(jobItem(jobs.show(params.job))),
  );

  app.post<ByJob>(`${PREFIX}/:job/run`, changing('system:job:run'), async (request) =>
    success(runItem(jobs.runNow(request.params.job, gate.callerOf(request).username))),
  );

  app.put<ByJob>(`${PREFIX}/:job/pause`, changing('system:job:edit'), async (request) =>
    success(jobItem(jobs.pause(request.params.job, gate.callerOf(request).username))),
  );

  app.put<ByJob>(`${PREFIX}/:job/resume`, changing('system:job:edit'), async (request) =>
    success(jobItem(jobs.resume(request.params.job, gate.callerOf(request).username))),
  );
}

/** Times are ms since the epoch. */
function jobItem({ id, pluginId, name, displayName, description, nextAt, running, lastRun, ...job }: JobRecord) {
  const { pattern, timezone, scope, concurrency, maxConcurrency, timeoutSeconds, executions, maxExecutions } = job;
  return {
    id,
    pluginId,
    name,
    displayName: displayName || name,
    description,
    status: job.effectiveStatus,
    /** `plugin` for what a plugin declares, `shell` for what was created. */
    task: job.isBuiltin === 1 ? 'plugin' : 'shell',
    handlerRef: job.handlerRef,
    tenantId: job.tenantId,
    groupId: job.groupId,
    pattern,
    timezone,
    scope,
    concurrency,
    maxConcurrency,
    timeoutSeconds,
    executions,
    maxExecutions,
    nextAt,
    running,
    lastRun: lastRun === undefined ? null : runItem(lastRun),
  };
}

function runItem({ id, jobId, jobName, pluginId, cause, operator, dueAt, missedSince, times, ...run }: NamedRun) {
  const { startedAt, endedAt, durationMs, outcome, errorCode, message } = run;
  return {
    id,
    jobId,
    job: jobName,
    pluginId,
    cause,
    by: operator,
    dueAt,
    missedSince,
    times,
    startedAt,
    endedAt,
    durationMs,
    outcome,
    ...(errorCode !== '' && { errorCode }),
    ...(message !== '' && { message }),
  };
}
