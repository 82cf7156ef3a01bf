/** Conformance cases of jobs, byte for byte, through real guests in real workers. */
import t from 'tap';
import { createJobs, type GuestCall, type Jobs } from '../../src/jobs/jobs.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { grantOf, startEngine } from '../engine-host.js';
import { assembleWat } from '../guest-modules.js';
import { createFakeClock, HEARTBEAT, pluginOf } from '../jobs/house.js';
import { type RawReply, rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { startTestHost } from '../system/host.js';

const CASE_99 =
  '0a0b2068656172746265617420121a2044796e616d696320506c7567696e204865617274626561742022102023202a2f3130202a202a202a202a205211204a6f62486561727462656174526571205a10202f6a6f622d68656172746265617420';
const CASE_100 =
  '0a09686561727462656174121844796e616d696320506c7567696e204865617274626561741a2052756e7320612064796e616d696320706c7567696e206865617274626561742e220e23202a2f3130202a202a202a202a2a0d417369612f5368616e676861693208616c6c5f6e6f64653a0973696e676c65746f6e4001481e520f4a6f624865617274626561745265715a0e2f6a6f622d686561727462656174';
const CASE_101 = '0a09686561727462656174520f4a6f62486561727462656174526571';

/**
 * A guest that makes the same host call whatever it is asked, and answers with the bytes that the host replied.
 * Memory: [ 1024: the call … | 65530: head of the answer | 65536: request, later the reply ]
 */
function registering(call: Uint8Array): Promise<Uint8Array> {
  const bytes = [...call].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  return assembleWat(`(module
    (import "lina_env" "host_call" (func $host_call (param i32 i32 i32) (result i64)))
    (memory (export "memory") 2)
    (data (i32.const 1024) "${bytes}")
    (data (i32.const 65530) "\\08\\c8\\01\\22")
    (func (export "lina_dynamic_route_alloc") (param i32) (result i32) i32.const 65536)
    (func (export "lina_host_call_alloc") (param i32) (result i32) i32.const 65536)
    (func (export "lina_dynamic_route_execute") (param i32) (result i64)
      (local $size i32)
      (local.set $size (i32.wrap_i64 (call $host_call (i32.const 1) (i32.const 1024) (i32.const ${call.length}))))
      (i32.store8 (i32.const 65534) (i32.or (local.get $size) (i32.const 128)))
      (i32.store8 (i32.const 65535) (i32.shr_u (local.get $size) (i32.const 7)))
      (i64.or (i64.const ${(65530n << 32n).toString()}) (i64.extend_i32_u (i32.add (local.get $size) (i32.const 6))))))`);
}

/** Discovers the jobs of a guest that registers one with these bytes. */
async function discover(
  t: Parameters<typeof startEngine>[0],
  payload: string,
  methods: readonly string[] = ['jobs.register'],
): Promise<{ readonly jobs: Jobs; readonly reply: RawReply; readonly call: GuestCall }> {
  const seen: { call: GuestCall; reply: RawReply }[] = [];
  const database = openDatabase(':memory:');
  const jobs: Jobs = createJobs({
    database,
    async callGuest(call) {
      const end = await host.engine.invoke(call);
      seen.push({ call, reply: readRaw(end.ok ? end.response.body : new Uint8Array()) });
      return end;
    },
    rules: { catchUpMs: 0, keepRuns: 10, keepDays: 1 },
    maxRunning: 1,
    log: { warn: () => {}, error: () => {} },
    clock: createFakeClock('2026-05-01T00:00:00Z'),
  });
  const host = startEngine(t, { environment: { jobs: jobs.port } });
  const services = [grantOf('jobs', methods)];
  await host.load('demo', await registering(rawCall('jobs', 'jobs.register', { payload })), { services });
  const plugin = pluginOf('demo');
  jobs.start({ installed: () => ['demo'], find: () => plugin }, true);
  await jobs.settled();
  t.teardown(async () => jobs.stop());
  return { jobs, ...seen[0]! };
}

t.test('29.8 #99 a registration with texts to be trimmed and no defaults is collected', async (t) => {
  const { jobs, reply, call } = await discover(t, CASE_99);
  t.equal(reply.response, '', 'success without payload: the host returns 0');
  t.match(jobs.show('demo/heartbeat'), { ...HEARTBEAT, handlerRef: 'plugin:demo/jobs:heartbeat' });
  t.match(call, { executionSource: 'jobs.discovery', tenantId: 0, deadlineMs: undefined });
  const { requestId, ...envelope } = call.envelope;
  t.strictSame(envelope, {
    pluginId: 'demo',
    route: { internalPath: '/register-jobs', routePath: '/register-jobs', requestType: 'RegisterJobsReq' },
  });
  t.match(requestId, /^[0-9a-f-]{36}$/);
});

t.test('29.8 #99 #100 a full contract is collected as it is', async (t) => {
  const { jobs } = await discover(t, CASE_100);
  t.match(jobs.show('demo/heartbeat'), { description: 'Runs a dynamic plugin heartbeat.', timeoutSeconds: 30 });
});

t.test('29.8 #101 a registration without a pattern is refused', async (t) => {
  const { jobs, reply } = await discover(t, CASE_101);
  t.match(reply, { status: 3, error: { fallback: 'Jobs registration pattern is required: heartbeat' } });
  t.equal(jobs.list({ offset: 0, limit: 1 }).total, 0);
});

t.test('a registration that says nothing is no contract, and one that is cut off is no message', async (t) => {
  t.match((await discover(t, '12014440014801')).reply, {
    status: 3,
    error: { fallback: 'Jobs registration contract is required' },
  });
  t.match((await discover(t, '0a05')).reply, { status: 3, error: { errorCode: 'HOST_CALL_INVALID_REQUEST' } });
});

t.test('29.8 #102 a registration that is not granted is denied', async (t) => {
  const { reply } = await discover(t, CASE_99, ['jobs.list']);
  t.match(reply, { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } });
});

t.test('a discovery that this host does not know of has no collector', async (t) => {
  const { jobs } = await discover(t, CASE_99);
  const host = startEngine(t, { environment: { jobs: jobs.port } });
  const call = rawCall('jobs', 'jobs.register', { payload: CASE_99 });
  await host.load('demo', await registering(call), { services: [grantOf('jobs', ['jobs.register'])] });
  const end = await host.engine.invoke({
    pluginId: 'demo',
    executionSource: 'jobs.discovery',
    tenantId: 0,
    envelope: { pluginId: 'demo', requestId: 'another' },
  });
  t.match(readRaw(end.ok ? end.response.body : new Uint8Array()), {
    status: 4,
    error: { fallback: 'Jobs registration collector is not available' },
  });
});

t.test(
  '29.8 #100 a route registers no jobs, and reads, makes and runs them with the bytes of the reference',
  async (t) => {
    const host = await startTestHost(t);
    const methods = ['register', 'create', 'list', 'batch_get', 'run', 'status.set', 'delete'].map(
      (name) => `jobs.${name}`,
    );
    const { asAdmin, asNobody } = await serveRawCalls(host, { hostServices: [{ service: 'jobs', methods }] });
    t.match(await asAdmin('jobs', 'jobs.register', { payload: CASE_100 }), {
      status: 1,
      error: { fallback: 'jobs.register only supports Jobs discovery executions' },
    });
    const draft = { GroupID: '1', Name: 'clean', CronExpr: '@daily', Timezone: 'UTC' };
    t.equal((await asAdmin('jobs', 'jobs.create', { json: draft })).response, '12050a03223122');
    t.strictSame((await asAdmin('jobs', 'jobs.list')).json(), {
      Items: [{ ID: '1', Name: 'clean', Group: '1', Status: 'disabled' }],
      Total: 1,
    });
    t.strictSame((await asAdmin('jobs', 'jobs.batch_get', { json: { ids: ['1', '2'] } })).json(), {
      Items: { 1: { ID: '1', Name: 'clean', Group: '1', Status: 'disabled' } },
      MissingIDs: ['2'],
    });
    t.match(await asNobody('jobs', 'jobs.list'), { status: 3, error: { errorCode: 'DATASCOPE_NOT_AUTHENTICATED' } });
    t.match(await asAdmin('jobs', 'jobs.run', { json: { jobId: '1' } }), {
      status: 3,
      error: { errorCode: 'JOB_SHELL_DISABLED' },
    });
    t.equal(
      (await asAdmin('jobs', 'jobs.status.set', { json: { jobId: '1', status: 'enabled' } })).response,
      '12060a0474727565',
    );
    t.equal((await asAdmin('jobs', 'jobs.delete', { json: { jobId: '1' } })).response, '12060a0474727565');
    t.match(await asAdmin('jobs', 'jobs.update', { json: draft }), { status: 1 }, 'not granted');
    t.match(await asAdmin('jobs', 'jobs.list', { payload: '0a017b' }), {
      status: 3,
      error: { fallback: /^decode capability JSON request failed/ },
    });
  },
);
