import type { Identity } from '../protocol/envelope.js';
import { ERRORS, SandpoolError } from '../protocol/errors.js';
import { encodeJsonResponse } from '../protocol/host-call.js';
import { decodePayload } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { type Arguments, readArguments } from './arguments.js';
import { capabilityDenied, limitExceeded } from './failures.js';
import type { JobCaller, JobDraft, JobInfo, JobScope, JobsPort } from './jobs-port.js';
import { defineService, EMPTY_REPLY, failure, type HostCallContext, reply, type ServiceReply } from './service.js';

const MAX_IDS = 200;
const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 200;
const NS_PER_SECOND = 1e9;

/** Scheduled jobs: what there is, what a plugin adds, and what it declares in a discovery (`spec/host-services.md` §9). */
export const jobs = defineService({
  name: 'jobs',
  placement: 'host',
  methods: ({ jobs: port }) => {
    const on =
      (method: JobMethod) =>
      ({ payload }: { readonly payload: Uint8Array }, context: HostCallContext): ServiceReply => {
        if (port === undefined) return failure(4, 'jobs host service is not scoped');
        return answering(() => method(port, readArguments(payload), context));
      };
    return {
      'jobs.batch_get': on(getJobs),
      'jobs.list': on(listJobs),
      'jobs.visible.ensure': on(ensureVisible),
      'jobs.create': on(createJob),
      'jobs.update': on(updateJob),
      'jobs.delete': on((jobs, given, context) => change(given, (id) => jobs.remove(callerOf(context), id))),
      'jobs.run': on((jobs, given, context) => change(given, (id) => jobs.run(callerOf(context), id))),
      'jobs.status.set': on((jobs, given, context) =>
        change(given, (id) => jobs.setStatus(callerOf(context), id, given.text('status'))),
      ),
      'jobs.register': (call, context) => register(port, call.payload, context),
    };
  },
});

type JobMethod = (port: JobsPort, given: Arguments, context: HostCallContext) => ServiceReply;

function register(port: JobsPort | undefined, payload: Uint8Array, context: HostCallContext): ServiceReply {
  if (context.executionSource !== 'jobs.discovery') {
    return failure(1, 'jobs.register only supports Jobs discovery executions');
  }
  const take = port?.collector(context.requestId);
  if (take === undefined) return failure(4, 'Jobs registration collector is not available');
  const request = decodePayload('HostServiceJobsRegisterRequest', payload);
  const { name, pattern, requestType, internalPath } = request;
  if ([name, pattern, requestType, internalPath].every((text) => text === '')) {
    return failure(3, 'Jobs registration contract is required');
  }
  const problem = take(request);
  return problem === undefined ? EMPTY_REPLY : failure(3, problem);
}

const getJobs: JobMethod = (port, given, context) => {
  const ids = idsOf(given);
  const valid = ids.map(numberOf).filter((id) => id !== undefined);
  if (valid.length === 0) return reply(encodeJsonResponse({ Items: {}, MissingIDs: ids }));
  const scope = scopeOf(context);
  if ('status' in scope) return scope;
  const found = new Map(port.find(valid, scope).map((job) => [String(job.id), shown(job)]));
  const missing = ids.filter((id) => !found.has(String(numberOf(id))));
  return reply(encodeJsonResponse({ Items: Object.fromEntries(found), MissingIDs: missing }));
};

const listJobs: JobMethod = (port, given, context) => {
  const scope = scopeOf(context);
  if ('status' in scope) return scope;
  const page = Math.max(1, given.integer('pageNum'));
  const asked = given.integer('pageSize');
  const limit = Math.min(MAX_PAGE_SIZE, asked > 0 ? asked : DEFAULT_PAGE_SIZE);
  const group = trimGo(given.text('group'));
  const groupId = group === '' ? undefined : numberOf(group);
  if (group !== '' && groupId === undefined) return reply(encodeJsonResponse({ Items: [], Total: 0 }));
  const query = {
    keyword: trimGo(given.text('keyword')),
    groupId,
    status: trimGo(given.text('status')),
    offset: (page - 1) * limit,
    limit,
  };
  const { items, total } = port.list(query, scope);
  return reply(encodeJsonResponse({ Items: items.map(shown), Total: total }));
};

const ensureVisible: JobMethod = (port, given, context) => {
  const ids = idsOf(given);
  if (ids.length > MAX_IDS) return limitExceeded(MAX_IDS);
  const valid = ids.map(numberOf).filter((id) => id !== undefined);
  if (valid.length < ids.length) return capabilityDenied();
  if (valid.length === 0) return DONE;
  const scope = scopeOf(context);
  if ('status' in scope) return scope;
  return port.find(valid, scope).length < new Set(valid).size ? capabilityDenied() : DONE;
};

const createJob: JobMethod = (port, given, context) => {
  const draft = draftOf(given);
  return draft === undefined
    ? capabilityDenied()
    : reply(encodeJsonResponse(String(port.create(callerOf(context), draft))));
};

const updateJob: JobMethod = (port, given, context) => {
  const id = numberOf(given.text('ID'));
  const draft = draftOf(given);
  if (id === undefined || draft === undefined) return capabilityDenied();
  port.update(callerOf(context), id, draft);
  return DONE;
};

const DONE = reply(encodeJsonResponse(true));

function change(given: Arguments, work: (id: number) => void): ServiceReply {
  const id = numberOf(given.text('jobId'));
  if (id === undefined) return capabilityDenied();
  work(id);
  return DONE;
}

/** A failure of the room is one of the guest's, with the code's template; of a job that is not its own it learns nothing. */
function answering(work: () => ServiceReply): ServiceReply {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof SandpoolError) || !/^(?:SBX_)?JOB_/.test(thrown.code)) throw thrown;
    const { code, details } = thrown;
    if (code === 'JOB_NOT_FOUND') return capabilityDenied();
    return { status: 3, error: { errorCode: code, messageParams: details, message: ERRORS[code].sentence } };
  }
}

/** Undefined for a group that is no number. */
function draftOf(given: Arguments): JobDraft | undefined {
  const groupId = numberOf(given.text('GroupID'));
  if (groupId === undefined) return undefined;
  const retention = given.member('logRetentionOverride');
  return {
    groupId,
    name: given.text('Name'),
    description: given.text('Description'),
    timeoutSeconds: given.integer('Timeout') / NS_PER_SECOND,
    shellCmd: given.text('ShellCmd'),
    workDir: given.text('WorkDir'),
    env: Object.fromEntries(given.textMap('Env')),
    pattern: given.text('CronExpr'),
    timezone: given.text('Timezone'),
    scope: given.text('Scope'),
    concurrency: given.text('Concurrency'),
    maxConcurrency: given.integer('MaxConcurrency'),
    maxExecutions: given.integer('MaxExecutions'),
    status: given.text('Status'),
    retention: retention && { mode: retention.text('mode'), value: retention.integer('value') },
  };
}

function shown({ id, name, groupId, status, retention }: JobInfo) {
  const job = { ID: String(id), Name: name, Group: String(groupId), Status: status };
  return retention === undefined ? job : { ...job, logRetentionOverride: retention };
}

function idsOf(given: Arguments): readonly string[] {
  return given
    .texts('ids')
    .map(trimGo)
    .filter((id) => id !== '');
}

/** An id as text; undefined when it is no positive whole number. */
function numberOf(text: string): number | undefined {
  const id = trimGo(text);
  return /^\d{1,15}$/.test(id) && Number(id) > 0 ? Number(id) : undefined;
}

// ---- who sees what ---------------------------------------------------------------------------------------------------------

const ALL_DATA = 1;
const OF_TENANT = 2;

/** What the reference lets a guest see: its tenant, and of that what the data scope of the user covers. */
function scopeOf(context: HostCallContext): JobScope | ServiceReply {
  const { identity, tenantId } = context;
  if (identity === undefined) return businessFailure('DATASCOPE_NOT_AUTHENTICATED', 'Not signed in');
  if (identity.dataScopeUnsupported) {
    const scope = identity.unsupportedDataScope;
    return businessFailure('DATASCOPE_UNSUPPORTED', 'Unsupported data permission scope: {scope}', { scope });
  }
  return seenBy(identity, tenantId, context.executionSource === 'route');
}

function seenBy(identity: Identity, tenantId: number, isInRequest: boolean): JobScope {
  const isHimself = !identity.actingAsTenant && !identity.isImpersonation;
  const seesAll = identity.isSuperAdmin || identity.dataScope === ALL_DATA;
  if (tenantId === 0 && (!isInRequest || (seesAll && isHimself))) return {};
  return seesAll || identity.dataScope === OF_TENANT ? { tenantId } : { tenantId, createdBy: identity.userId };
}

/** On nobody's behalf a plugin changes what is its own. */
function callerOf({ pluginId, tenantId, identity, executionSource }: HostCallContext): JobCaller {
  const scope = identity === undefined ? {} : seenBy(identity, tenantId, executionSource === 'route');
  return { pluginId, tenantId, userId: identity?.userId ?? 0, scope };
}

function businessFailure(errorCode: string, message: string, messageParams = {}): ServiceReply {
  return { status: 3, error: { errorCode, messageParams, message } };
}
