import t from 'tap';
import type { Waiting } from '../../src/engine/batch.js';
import { createInvoke, type Invocation, type Outcome, type ServingRelease } from '../../src/engine/invoke.js';
import type { Job } from '../../src/engine/job.js';
import { grantAll } from '../../src/grants/grant.js';
import { decodeRequestEnvelope, encodeResponseEnvelope } from '../../src/protocol/envelope-guest.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { ExecutionSource, PostedRelease } from '../../src/protocol/messages.js';
import type { HostCallContext } from '../../src/services/service.js';

const TIMINGS = { queueMs: 250, runMs: 1500, hostCalls: 2 };
const RESPONSE = encodeResponseEnvelope({
  statusCode: 201,
  contentType: 'text/plain',
  headers: {},
  body: Buffer.from('made'),
});

const serving: ServingRelease = {
  release: {
    pluginId: 'demo',
    version: 'v0.1.0',
    grant: grantAll('demo', []),
    manifestResources: new Map([['a.txt', Buffer.from('a')]]),
  },
  posted: { key: 7, pluginId: 'demo' } as PostedRelease,
  limits: { deadlineMs: 30_000 },
};

const invocation: Invocation = {
  pluginId: 'demo',
  executionSource: 'route',
  tenantId: 3,
  envelope: {
    pluginId: 'demo',
    requestId: 'demo:GET:/a',
    route: { routePath: '/a' },
    request: { method: 'GET', body: Buffer.alloc(2000) },
    identity: { userId: 5, tenantId: 3 },
  },
};

/** An invocation whose dispatch is this test. */
function begin(parts: Partial<Invocation> = {}) {
  const jobs: Job[] = [];
  const cancelled: Waiting[] = [];
  const waiting = {} as Waiting;
  const observed: object[] = [];
  const contexts: HostCallContext[] = [];
  const outcomes: Outcome[] = [];
  const startInvocation = createInvoke({
    dispatch: {
      enqueue(job) {
        jobs.push(job);
        return waiting;
      },
      cancel: (waiting) => void cancelled.push(waiting),
    },
    metrics: { invocation: (observation) => void observed.push(observation) },
    answerHostCall(grant, request, context) {
      t.equal(grant, serving.release.grant);
      contexts.push(context);
      return Buffer.from(`answer to ${Buffer.from(request)}`);
    },
  });
  const started = startInvocation(serving, { ...invocation, ...parts }, (outcome) => void outcomes.push(outcome));
  return { job: jobs[0] as Job, started, waiting, cancelled, observed, contexts, outcomes };
}

t.test('an invocation takes its release, tenant and source to the thread, and the request as it is', async (t) => {
  const { job } = begin();
  t.match(job, { pluginId: 'demo', release: serving.posted, tenantId: 3, source: 0, deadlineMs: 30_000 });
  const slot = Buffer.alloc(4096);
  const bytes = job.encode(slot, slot.length);
  t.same(Buffer.from(slot.subarray(0, bytes)), Buffer.from(job.encoded()));
  t.equal(decodeRequestEnvelope(job.encoded()).requestId, 'demo:GET:/a');
  t.equal(job.encode(Buffer.alloc(100), 100), -1, 'no slot of that size can hold it');
});

const SOURCES: readonly (readonly [ExecutionSource, number])[] = [
  ['route', 0],
  ['lifecycle', 1],
  ['jobs', 2],
  ['jobs.discovery', 3],
  ['hook', 4],
];

for (const [executionSource, number] of SOURCES) {
  t.test(`a guest that runs for ${executionSource} is told so by number ${number}`, async (t) => {
    t.equal(begin({ executionSource }).job.source, number);
  });
}

t.test('a deadline of its own is that of the invocation, not that of the plugin', async (t) => {
  t.equal(begin({ deadlineMs: 200 }).job.deadlineMs, 200);
});

t.test('a response is told once, decoded, and counted with its times in seconds', async (t) => {
  const { job, observed, outcomes } = begin();
  job.settle({ response: RESPONSE }, TIMINGS);
  t.match(outcomes, [{ ok: true, response: { statusCode: 201, body: Buffer.from('made') }, timings: TIMINGS }]);
  t.equal(outcomes.length, 1);
  t.same(observed, [{ pluginId: 'demo', version: 'v0.1.0', code: 'ok', queueSeconds: 0.25, runSeconds: 1.5 }]);
});

t.test('a failure keeps its code, for the caller and in the metrics', async (t) => {
  const { job, observed, outcomes } = begin();
  job.settle({ error: new SandpoolError('SBX_DEADLINE', { deadlineMs: 9 }) }, TIMINGS);
  t.match(outcomes, [{ ok: false, error: { code: 'SBX_DEADLINE' }, timings: TIMINGS }]);
  t.match(observed, [{ code: 'SBX_DEADLINE' }]);
});

t.test('bytes that are no envelope are a failure of the plugin', async (t) => {
  const { job, observed, outcomes } = begin();
  job.settle({ response: Buffer.from([0x0a, 0xff]) }, TIMINGS);
  t.match(outcomes, [{ ok: false, error: { code: 'SBX_RESPONSE_INVALID' } }]);
  t.match(observed, [{ code: 'SBX_RESPONSE_INVALID' }]);
});

t.test('who goes away is told to the dispatch as long as there is no outcome', async (t) => {
  const { job, started, waiting, cancelled } = begin();
  started.cancel();
  t.same(cancelled, [waiting]);
  job.settle({ error: new SandpoolError('SBX_CANCELLED') }, TIMINGS);
  started.cancel();
  t.equal(cancelled.length, 1, 'afterwards it is without effect');
});

t.test('a host call is answered for whoever asks in the request, all calls of it in one context', async (t) => {
  const { job, contexts } = begin();
  t.equal(Buffer.from(await job.answer(Buffer.from('one'), 4711)).toString(), 'answer to one');
  await job.answer(Buffer.from('two'), 4711);
  t.match(contexts[0], {
    pluginId: 'demo',
    executionSource: 'route',
    routePath: '/a',
    requestId: 'demo:GET:/a',
    tenantId: 3,
    deadlineAt: 4711,
    manifestResources: serving.release.manifestResources,
    release: serving.posted,
    identity: { userId: 5, tenantId: 3, username: '', permissions: [], isSuperAdmin: false },
  });
  t.equal(contexts[1], contexts[0]);
});

t.test('a host call of a request that nobody has logged in for has no identity', async (t) => {
  const { job, contexts } = begin({ envelope: { pluginId: 'demo', requestId: 'r' } });
  await job.answer(Buffer.alloc(0), 1);
  t.match(contexts[0], { identity: undefined, routePath: '' });
});

t.test('a service that still works when the invocation has ended is told, before the caller is', async (t) => {
  const { job, contexts, outcomes } = begin();
  await job.answer(Buffer.alloc(0), 1);
  const told: string[] = [];
  contexts[0]?.onAbandoned?.(() => void told.push(`abandoned, ${outcomes.length} outcomes`));
  job.settle({ error: new SandpoolError('SBX_DEADLINE', { deadlineMs: 9 }) }, TIMINGS);
  t.same(told, ['abandoned, 0 outcomes']);
});
