import t from 'tap';
import { createInitialiser, type InitialiserOptions } from '../../src/engine/initialise.js';
import type { CompiledModule } from '../../src/engine/modules.js';
import type { EngineRelease, PluginLimits } from '../../src/engine/options.js';
import { grantAll } from '../../src/grants/grant.js';
import { decodeRequestEnvelope } from '../../src/protocol/envelope-guest.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { PostedRelease, Ready, SandboxCounts, TaskPayload, WarmUp } from '../../src/protocol/messages.js';
import { assembleWat } from '../guest-modules.js';

const COUNTS = { created: 1 } as SandboxCounts;
const SNAPSHOT = { memory: new Uint8Array(new SharedArrayBuffer(8)), globals: [1] };
const LIMITS: PluginLimits = {
  isolation: 'pristine',
  deadlineMs: 5000,
  memoryLimitMiB: 16,
  maxResponseBytes: 1024,
  maxHostCalls: 3,
  logLinesPerSecond: 4,
  concurrency: 5,
  queue: 6,
  weight: 7,
  memoryHeadroomMiB: 2,
  recycleAfter: 9,
  tenantFilter: false,
};
const BRIDGE: NonNullable<EngineRelease['bridge']> = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: 'alloc',
  executeExport: 'execute',
};

const release: EngineRelease = {
  pluginId: 'demo',
  version: 'v0.1.0',
  checksum: 'sum',
  generation: 1,
  bridge: BRIDGE,
  grant: grantAll('demo', []),
  manifestResources: new Map([['a.txt', Buffer.from('a')]]),
  readArtifact: async () => new Uint8Array(),
};

const { bare, warming } = await modules();

async function modules() {
  const compile = async (text: string) => new WebAssembly.Module(new Uint8Array(await assembleWat(text)));
  return {
    bare: await compile('(module)'),
    warming: await compile('(module (func (export "sandpool_warm_up")))'),
  };
}

const compiled = (parts: Partial<CompiledModule> = {}): CompiledModule => ({
  module: bare,
  layout: undefined,
  isResettable: true,
  reasons: [],
  rewriteMs: 0,
  compileMs: 0,
  ...parts,
});

type End = { readonly snapshot?: typeof SNAPSHOT; readonly error?: SandpoolError };

/** An initialiser whose threads are this test: thread 4 takes each task, and `answer` says how it ends. */
function startInitialiser(answer: (task: TaskPayload) => End = () => ({ snapshot: SNAPSHOT })) {
  const tasks: (TaskPayload & { readonly limitMs: number })[] = [];
  const warnings: string[] = [];
  const handedOver: PostedRelease[] = [];
  const counted: number[] = [];
  let loads = 0;
  const run = async (payload: TaskPayload | ((threadId: number) => TaskPayload), limitMs: number) => {
    const task = typeof payload === 'function' ? payload(4) : payload;
    tasks.push({ ...task, limitMs });
    const { error, ...end } = answer(task);
    if (error?.code === 'SBX_WORKER_LOST') throw error;
    return { threadId: 4, counts: COUNTS, ...end, ...(error && { error: error.toData() }) };
  };
  const initialise = createInitialiser({
    metrics: {
      loaded(step) {
        if (step === 'warm') loads += 1;
      },
    },
    run: run as InitialiserOptions['run'],
    onCounts: (threadId) => void counted.push(threadId),
    handOver(_threadId, posted) {
      handedOver.push(posted);
      return { load: [posted], forget: [] };
    },
    warn: (pluginId, text) => void warnings.push(`${pluginId}: ${text}`),
    traceHostCalls: false,
  });
  return { initialise, tasks, warnings, handedOver, counted, loads: () => loads };
}

t.test('a thread is posted the settings of the plugin, and every release has a key of its own', async (t) => {
  const { initialise } = startInitialiser();
  const { posted, failure } = await initialise(release, compiled(), LIMITS);
  t.same(failure, []);
  t.match(posted, {
    pluginId: 'demo',
    checksum: 'sum',
    module: bare,
    allocExport: 'alloc',
    executeExport: 'execute',
    isolation: 'pristine',
    memoryLimitMiB: 16,
    maxResponseBytes: 1024,
    maxHostCalls: 3,
    logLinesPerSecond: 4,
    headroomBytes: 2 * 1024 * 1024,
    recycleAfter: 9,
    tenantFilter: false,
    manifestResources: release.manifestResources,
  });
  const again = await initialise(release, compiled(), LIMITS);
  t.not(again.posted.key, posted.key);
});

t.test('one snapshot is taken, and every thread is given that one', async (t) => {
  const { initialise, tasks, handedOver, counted, loads } = startInitialiser();
  const { posted } = await initialise(release, compiled(), LIMITS);
  t.equal(posted.snapshot, SNAPSHOT);
  t.match(tasks, [
    { warmUp: { key: posted.key }, deadlineMs: 5000, limitMs: 5100 },
    { ready: posted.key, load: [posted] },
  ]);
  t.equal(handedOver[0]?.snapshot, SNAPSHOT);
  t.same([counted, loads()], [[4, 4], 1]);
});

t.test('an instance is ready for the first request, and its rehearsal is for nobody and short', async (t) => {
  const { initialise, tasks } = startInitialiser();
  await initialise(release, compiled(), LIMITS);
  const { rehearsals, deadlineMs, limitMs } = tasks[1] as Ready & { limitMs: number };
  t.equal(rehearsals.length, 1);
  const request = decodeRequestEnvelope(rehearsals[0] as Uint8Array);
  t.match(request, {
    pluginId: 'demo',
    requestId: 'demo:rehearsal',
    route: { method: 'GET', publicPath: '/x/demo/', routePath: '/' },
  });
  t.notOk(request.identity);
  t.same([deadlineMs, limitMs], [50, 50 + 3000 + 100]);
});

t.test('a release that says which requests lead through its code is rehearsed with those', async (t) => {
  const { initialise, tasks } = startInitialiser();
  const paths = { method: 'POST', publicPath: '/x/demo/notes', internalPath: '/notes' };
  const request = { ...paths, rawPath: '/x/demo/notes' };
  const rehearsals = () => [{ pluginId: 'demo', route: { ...paths, routePath: '/notes' }, request, requestId: 'any' }];
  await initialise({ ...release, rehearsals }, compiled(), LIMITS);
  const requests = (tasks[1] as Ready).rehearsals.map(decodeRequestEnvelope);
  t.match(requests, [{ route: { method: 'POST', routePath: '/notes' }, requestId: 'demo:rehearsal' }]);
  t.equal(requests.length, 1);
});

t.test('a thread that dies while it makes an instance ready costs nothing but that', async (t) => {
  const { initialise, warnings } = startInitialiser((task) =>
    'ready' in task ? { error: new SandpoolError('SBX_WORKER_LOST', { reason: 'killed' }) } : { snapshot: SNAPSHOT },
  );
  const { posted, failure } = await initialise(release, compiled(), LIMITS);
  t.same([posted.isolation, failure, warnings], ['pristine', [], []]);
});

t.test('a release without exports to call is posted as it is: no thread is asked', async (t) => {
  const { initialise, tasks } = startInitialiser();
  const { bridge: _none, ...resources } = release;
  const { posted, failure } = await initialise(resources, compiled(), LIMITS);
  t.same([posted.executeExport, tasks, failure], ['', [], []]);
});

t.test('a module that cannot be reset runs fresh, and one that need not be reset as it was asked for', async (t) => {
  const { initialise, tasks } = startInitialiser(() => ({}));
  const isolationOf = async (isResettable: boolean, isolation: PluginLimits['isolation']) =>
    (await initialise(release, compiled({ isResettable }), { ...LIMITS, isolation })).posted.isolation;
  t.equal(await isolationOf(false, 'pristine'), 'fresh');
  t.equal(await isolationOf(false, 'warm'), 'warm');
  t.equal(await isolationOf(true, 'fresh'), 'fresh');
  const kinds = tasks.map((task) => ('ready' in task ? 'ready' : 'warmUp'));
  t.same(kinds, ['warmUp', 'warmUp', 'ready', 'warmUp'], 'where no instance is kept none is made ready');
});

t.test('a release that does not initialise is published all the same, fresh, with the reason', async (t) => {
  const failing = { error: new SandpoolError('SBX_INITIALIZE_FAILED', { reason: 'unreachable' }) };
  const { initialise, tasks } = startInitialiser(() => failing);
  const { posted, failure } = await initialise(release, compiled(), LIMITS);
  t.match(posted, { isolation: 'fresh', snapshot: undefined });
  t.same(failure, ['the release does not initialise: initialize dynamic plugin Wasm runtime failed: unreachable']);
  t.equal(tasks.length, 1, 'nobody tries to make it ready');
});

t.test('a warm-up has its requests and twice the time: for the initialisation, and for itself', async (t) => {
  const { initialise, tasks } = startInitialiser();
  const warmUp = () => [{ pluginId: 'demo', requestId: 'first' }];
  await initialise({ ...release, warmUp }, compiled(), LIMITS);
  const { requests, limitMs } = tasks[0] as WarmUp & { limitMs: number };
  t.same(
    requests?.map((request) => decodeRequestEnvelope(request).requestId),
    ['first'],
  );
  t.equal(limitMs, 2 * 5000 + 100);
});

t.test('a guest that ends by itself at its deadline keeps its thread, which a busy machine may hold up', async (t) => {
  const { initialise, tasks } = startInitialiser();
  const layout = { fuelGlobal: 'fuel' } as NonNullable<CompiledModule['layout']>;
  await initialise({ ...release, warmUp: () => [] }, compiled({ layout }), LIMITS);
  await initialise(release, compiled({ layout }), LIMITS);
  t.match(tasks, [{ limitMs: 2 * 5000 + 3000 }, { ready: 1 }, { limitMs: 5000 + 3000 }]);
});

t.test('a module that can warm itself up is asked to, without any requests', async (t) => {
  const { initialise, tasks } = startInitialiser();
  await initialise(release, compiled({ module: warming }), LIMITS);
  t.same((tasks[0] as WarmUp).requests, []);
  await initialise(release, compiled(), LIMITS);
  t.equal((tasks[2] as WarmUp).requests, undefined, 'any other is not');
});

t.test('of a warm-up that fails nothing remains but a warning: the instance is initialised anew', async (t) => {
  const { initialise, tasks, warnings } = startInitialiser((task) =>
    'warmUp' in task && task.requests
      ? { error: new SandpoolError('SBX_WARM_UP_FAILED', { reason: 'a request is answered with 500' }) }
      : { snapshot: SNAPSHOT },
  );
  const { posted, failure } = await initialise(release, compiled({ module: warming }), LIMITS);
  t.equal(posted.snapshot, SNAPSHOT);
  t.same([posted.isolation, failure], ['pristine', []]);
  t.same(
    tasks.map((task) => ('ready' in task ? 'ready' : (task as WarmUp).requests)),
    [[], undefined, 'ready'],
  );
  t.match(warnings, [/^demo: requests find the state after the initialisation, not warmed up: .*answered with 500$/]);
});

t.test('requests that cannot even be made are told, and cost the warm-up only', async (t) => {
  const { initialise, warnings } = startInitialiser();
  const warmUp = () => {
    throw new Error('no route GET /nowhere');
  };
  const { posted } = await initialise({ ...release, warmUp }, compiled(), LIMITS);
  t.equal(posted.snapshot, SNAPSHOT);
  t.match(warnings, [/not warmed up: no route GET \/nowhere$/]);
});
