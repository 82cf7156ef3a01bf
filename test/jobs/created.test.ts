/** Jobs that guests create, asked for through the service with the bytes of a host call. */
import t from 'tap';
import { decodeJsonText } from '../../src/protocol/host-call.js';
import { type Asked, createTestHost, granted, hex, json } from '../services/host.js';
import { declared, type JobHouse, openJobHouse } from './house.js';

const DRAFT = {
  GroupID: '1',
  Name: 'clean',
  Description: 'Cleans up',
  ShellCmd: 'true',
  CronExpr: '0 0 3 * * *',
  Timezone: 'UTC',
};

function jsonOf({ payload }: Asked): unknown {
  return JSON.parse(decodeJsonText(Buffer.from(payload, 'hex')));
}

async function openService(t: Parameters<typeof createTestHost>[0], context: object = {}) {
  const house: JobHouse = openJobHouse(t);
  const identity = {
    tokenId: 't',
    userId: 42,
    username: 'ann',
    status: 1,
    permissions: [],
    roleNames: [],
    isSuperAdmin: false,
    dataScope: 1,
    dataScopeUnsupported: false,
    unsupportedDataScope: 0,
    tenantId: 0,
    actingUserId: 0,
    actingAsTenant: false,
    isImpersonation: false,
  };
  const as = (more: object) =>
    createTestHost(t, {
      grants: [granted('jobs')],
      environment: { jobs: house.jobs.port },
      context: { identity, ...context, ...more },
    });
  const host = as({});
  const ask = (method: string, given: object = {}) => host.ask('jobs', `jobs.${method}`, { payload: json(given) });
  const create = async (more: object = {}) => jsonOf(await ask('create', { ...DRAFT, ...more })) as string;
  return { house, ask, create, as, identity };
}

t.test('a job is created with the defaults of the reference, read, changed and deleted', async (t) => {
  const { house, ask, create } = await openService(t);
  const created = await ask('create', DRAFT);
  t.equal(created.payload, '0a03223122', 'the id is a JSON text');
  t.match(house.jobs.show('1'), {
    pluginId: 'demo',
    isBuiltin: 0,
    timeoutSeconds: 300,
    scope: 'master_only',
    concurrency: 'singleton',
    maxConcurrency: 1,
    status: 'disabled',
    createdBy: 42,
    nextAt: null,
  });
  const other = await create({
    Name: 'other',
    Env: { A: 'b' },
    Status: 'enabled',
    logRetentionOverride: { mode: 'days', value: 3 },
  });
  t.equal(house.jobs.show(other).nextAt, Date.parse('2026-05-01T03:00:00Z'));
  t.strictSame(jsonOf(await ask('batch_get', { ids: [' 1 ', '2', '9', 'x', ''] })), {
    Items: {
      1: { ID: '1', Name: 'clean', Group: '1', Status: 'disabled' },
      2: { ID: '2', Name: 'other', Group: '1', Status: 'enabled', logRetentionOverride: { mode: 'days', value: 3 } },
    },
    MissingIDs: ['9', 'x'],
  });
  t.equal((await ask('update', { ...DRAFT, ID: '1', Timeout: 9e9, MaxConcurrency: 3 })).payload, '0a0474727565');
  t.match(house.jobs.show('1'), { timeoutSeconds: 9, maxConcurrency: 3 });
  t.equal((await ask('status.set', { jobId: '1', status: 'enabled' })).payload, '0a0474727565');
  t.equal(house.jobs.show('1').effectiveStatus, 'enabled');
  t.equal((await ask('delete', { jobId: '1' })).payload, '0a0474727565');
  t.match((await ask('delete', { jobId: '1' })).error, { errorCode: 'CAPABILITY_DENIED' });
});

t.test('a list has pages, the latest first, by words, group and status', async (t) => {
  const { ask, create } = await openService(t);
  for (const Name of ['a', 'b', 'c']) await create({ Name, ...(Name === 'b' && { Status: 'enabled' }) });
  const listed = async (query: object) => {
    const { Items, Total } = jsonOf(await ask('list', query)) as { Items: { Name: string }[]; Total: number };
    return `${Items.map(({ Name }) => Name)} of ${Total}`;
  };
  t.equal(await listed({}), 'c,b,a of 3');
  t.equal(await listed({ pageSize: 2 }), 'c,b of 3');
  t.equal(await listed({ PAGENUM: 2, pageSize: 2 }), 'a of 3', 'letter case does not matter');
  t.equal(await listed({ keyword: ' B ' }), 'b of 1');
  t.equal(await listed({ status: 'enabled' }), 'b of 1');
  t.equal(await listed({ group: '1' }), 'c,b,a of 3');
  t.equal(await listed({ group: '2' }), ' of 0');
  t.equal(await listed({ group: 'default' }), ' of 0');
});

// biome-ignore format: a table
const REFUSED: readonly (readonly [draft: object, errorCode: string, messageParams?: object])[] = [
  [{ GroupID: '0' },                 'CAPABILITY_DENIED'],
  [{ GroupID: 'x' },                 'CAPABILITY_DENIED'],
  [{ GroupID: '7' },                 'JOB_GROUP_NOT_FOUND', { groupId: 7 }],
  [{ Name: ' ' },                    'JOB_NAME_REQUIRED'],
  [{ Name: 'é'.repeat(129) },        'JOB_NAME_TOO_LONG', { maxLength: 128 }],
  [{ Name: ' taken ' },              'JOB_NAME_EXISTS_IN_GROUP', { name: 'taken' }],
  [{ Timeout: -1e9 },                'JOB_TIMEOUT_OUT_OF_RANGE', { min: 1, max: 86_400 }],
  [{ Timeout: 86_401e9 },            'JOB_TIMEOUT_OUT_OF_RANGE'],
  [{ Timeout: 1.5e9 },               'JOB_TIMEOUT_SECOND_ALIGNED_REQUIRED'],
  [{ Scope: 'one_node' },            'JOB_SCOPE_INVALID'],
  [{ Concurrency: 'twice' },         'JOB_CONCURRENCY_INVALID'],
  [{ MaxConcurrency: 101 },          'JOB_MAX_CONCURRENCY_INVALID', { min: 1, max: 100 }],
  [{ MaxExecutions: -1 },            'JOB_MAX_EXECUTIONS_INVALID'],
  [{ Status: 'paused_by_plugin' },   'JOB_STATUS_INVALID'],
  [{ CronExpr: '' },                 'JOB_CRON_EXPRESSION_REQUIRED'],
  [{ CronExpr: '99 * * * *' },       'JOB_CRON_EXPRESSION_INVALID'],
  [{ CronExpr: '1,'.repeat(65) },    'JOB_CRON_EXPRESSION_INVALID'],
  [{ Timezone: 'Mars/X' },           'JOB_TIMEZONE_INVALID'],
  [{ logRetentionOverride: { mode: 'weeks', value: 1 } }, 'JOB_LOG_RETENTION_INVALID'],
  [{ logRetentionOverride: { mode: 'days', value: 0 } },  'JOB_LOG_RETENTION_INVALID'],
];
for (const [draft, errorCode, messageParams] of REFUSED) {
  t.test(`a job with ${JSON.stringify(draft).slice(0, 60)} is refused with ${errorCode}`, async (t) => {
    const { house, ask, create } = await openService(t);
    await create({ Name: 'taken' });
    const asked = await ask('create', { ...DRAFT, ...draft });
    t.equal(asked.status, 3);
    t.match(asked.error, { errorCode, ...(messageParams && { messageParams }) });
    t.equal(house.jobs.list({ offset: 0, limit: 1 }).total, 1);
  });
}

t.test('a failure carries the template and its parameters, as business errors of the reference do', async (t) => {
  const { ask } = await openService(t);
  t.strictSame((await ask('create', { ...DRAFT, Name: 'x'.repeat(129) })).error, {
    errorCode: 'JOB_NAME_TOO_LONG',
    messageKey: 'error.job.name.too.long',
    messageParams: { maxLength: 128 },
    fallback: 'Job name cannot exceed {maxLength} characters',
  });
});

t.test('what a plugin declares it can run, but neither change, delete nor switch', async (t) => {
  const { house, ask } = await openService(t);
  await house.enable('demo', [declared()]);
  const jobId = String(house.jobs.show('demo/tick').id);
  t.match((await ask('update', { ...DRAFT, ID: jobId })).error, { errorCode: 'JOB_BUILTIN_UPDATE_DENIED' });
  t.match((await ask('delete', { jobId })).error, { errorCode: 'JOB_BUILTIN_DELETE_DENIED' });
  t.match((await ask('status.set', { jobId, status: 'disabled' })).error, {
    errorCode: 'JOB_BUILTIN_STATUS_UPDATE_DENIED',
  });
  t.equal((await ask('run', { jobId })).payload, '0a0474727565');
  await house.jobs.settled();
  t.match(house.jobs.show(jobId).lastRun, { outcome: 'succeeded', operator: 'plugin:demo' });
});

t.test(
  'the jobs of other plugins and tenants are out of reach, and nothing tells whether they are there',
  async (t) => {
    const { house, ask, create, as } = await openService(t);
    await house.enable('other', [declared()]);
    const theirs = String(house.jobs.show('other/tick').id);
    const mine = await create();
    const elsewhere = as({ tenantId: 22 });
    for (const [method, given] of [
      ['run', { jobId: theirs }],
      ['delete', { jobId: theirs }],
      ['status.set', { jobId: theirs, status: 'disabled' }],
      ['update', { ...DRAFT, ID: theirs }],
      ['run', { jobId: '999' }],
      ['run', { jobId: 'x' }],
    ] as const) {
      t.match(await ask(method, given), { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } }, method);
    }
    const asked = await elsewhere.ask('jobs', 'jobs.delete', { payload: json({ jobId: mine }) });
    t.match(asked.error, { errorCode: 'CAPABILITY_DENIED' });
    t.strictSame(jsonOf(await elsewhere.ask('jobs', 'jobs.list', { payload: json({}) })), { Items: [], Total: 0 });
  },
);

t.test('who sees only his own sees his own and what plugins declare; nobody sees nothing', async (t) => {
  const { house, create, as, identity } = await openService(t);
  await create({ Name: 'of 42' });
  await house.enable('demo', [declared()]);
  const names = async (more: object) => {
    const asked = await as(more).ask('jobs', 'jobs.list', { payload: json({}) });
    if (asked.status !== 0) return asked.error?.errorCode;
    return (jsonOf(asked) as { Items: { Name: string }[] }).Items.map(({ Name }) => Name);
  };
  t.strictSame(await names({}), ['tick', 'of 42']);
  t.strictSame(await names({ identity: { ...identity, dataScope: 4 } }), ['tick', 'of 42']);
  t.strictSame(await names({ identity: { ...identity, dataScope: 4, userId: 7 } }), ['tick']);
  t.strictSame(await names({ identity: { ...identity, dataScope: 2, userId: 7 } }), ['tick', 'of 42']);
  t.equal(await names({ identity: { ...identity, dataScopeUnsupported: true } }), 'DATASCOPE_UNSUPPORTED');
  t.equal(await names({ identity: undefined }), 'DATASCOPE_NOT_AUTHENTICATED');
  const nobody = as({ identity: undefined });
  const got = (ids: readonly string[]) => nobody.ask('jobs', 'jobs.batch_get', { payload: json({ ids }) });
  t.match((await got(['1'])).error, { errorCode: 'DATASCOPE_NOT_AUTHENTICATED' });
  t.strictSame(jsonOf(await got(['x'])), { Items: {}, MissingIDs: ['x'] });
});

t.test('jobs are ensured to be visible, up to 200 at once', async (t) => {
  const { ask, create } = await openService(t);
  const id = await create();
  t.equal((await ask('visible.ensure', { ids: [id, id] })).payload, '0a0474727565');
  t.equal((await ask('visible.ensure', {})).payload, '0a0474727565');
  for (const ids of [[id, '99'], ['x']]) {
    t.match((await ask('visible.ensure', { ids })).error, { errorCode: 'CAPABILITY_DENIED' });
  }
  const many = Array.from({ length: 201 }, (_, index) => String(index + 1));
  t.match((await ask('visible.ensure', { ids: many })).error, {
    errorCode: 'CAPABILITY_LIMIT_EXCEEDED',
    messageParams: { limit: 200 },
  });
});

t.test('this host runs no shell commands: who asks is told, and so does the history of a time that came', async (t) => {
  const { house, ask, create } = await openService(t);
  const jobId = await create({ CronExpr: '* * * * *', Status: 'enabled', MaxExecutions: 1 });
  t.match((await ask('run', { jobId })).error, { errorCode: 'JOB_SHELL_DISABLED' });
  await house.clock.pass(3 * 60_000);
  t.match(house.jobs.show(jobId).lastRun, { outcome: 'failed', errorCode: 'JOB_SHELL_DISABLED', times: 3 });
});

t.test('a plugin creates at most 1000 jobs', async (t) => {
  const { ask, create } = await openService(t);
  for (let index = 0; index < 1000; index++) await create({ Name: `job ${index}` });
  t.match((await ask('create', DRAFT)).error, { errorCode: 'SBX_JOB_LIMIT', messageParams: { limit: 1000 } });
});

t.test('what a plugin has created is paused and removed with it', async (t) => {
  const { house, create } = await openService(t);
  await house.enable('demo', []);
  const id = await create({ Status: 'enabled' });
  house.disable('demo');
  t.equal(house.jobs.show(id).effectiveStatus, 'paused_by_plugin');
  await house.enable('demo', []);
  t.match(house.jobs.show(id), { effectiveStatus: 'enabled', nextAt: Date.parse('2026-05-01T03:00:00Z') });
  house.uninstall('demo');
  t.throws(() => house.jobs.show(id), { code: 'JOB_NOT_FOUND' });
});

t.test('29.8 #102 nothing of it is answered without a grant', async (t) => {
  const { house } = await openService(t);
  const host = createTestHost(t, {
    grants: [granted('jobs', { methods: ['jobs.list'] })],
    environment: { jobs: house.jobs.port },
    context: { executionSource: 'jobs.discovery' },
  });
  t.equal((await host.ask('jobs', 'jobs.register', { payload: hex('0a0161') })).status, 1);
  t.equal((await host.ask('jobs', 'jobs.delete', { payload: json({ jobId: '1' }) })).status, 1);
});
