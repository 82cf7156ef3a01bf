import { readFile } from 'node:fs/promises';
import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { bodyOf, type EngineHost, grantOf, startEngine } from '../engine-host.js';
import { assembleWat, assemblyScriptGuest } from '../guest-modules.js';

const TEXT = await readFile(new URL('../../../test/guests/wat/snapshot-hooks.wat', import.meta.url), 'utf8');
const WARM_UP_END = '(; end of the warm-up ;)';
const RESEED_END = '(; end of the reseed ;)';

/** The guest with parts of its text replaced, each of which must be there. */
function hooks(...changes: readonly (readonly [from: string, to: string])[]): Promise<Uint8Array> {
  const text = changes.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the guest has no ${from}`);
    return before.replace(from, to);
  }, TEXT);
  return assembleWat(text);
}

const withoutWarmUp = ['(export "sandpool_warm_up")', ''] as const;

/** The number that the guest keeps, and its seed; however short the plugin's deadline is, a busy machine has time for this. */
async function ask(host: EngineHost, id = 'demo'): Promise<[number: string, seed: string]> {
  const [number = '', seed = ''] = bodyOf(await host.request(id, '', { deadlineMs: 120_000 })).split(' ');
  return [number, seed];
}

t.test('a module warms itself up before its snapshot, and every request finds that state', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 } });
  await host.load('demo', await hooks(), { services: [grantOf('runtime', ['info.uuid'])] });
  for (const _ of [1, 2, 3]) t.equal((await ask(host))[0], '101');
  t.same(host.logs, []);
});

t.test('host calls are refused while a module warms up, whatever it is granted', async (t) => {
  // The guest traps unless its host call is refused, so that a warm-up that succeeds is the proof.
  const host = startEngine(t);
  await host.load('demo', await hooks(), { services: [grantOf('runtime', ['info.uuid'])] });
  t.equal((await ask(host))[0], '101');
});

for (const [what, instructions, reason] of [
  ['traps', 'unreachable', /unreachable/],
  ['never ends', '(loop (br 0))', /the deadline of 1000 ms has passed/],
] as const) {
  t.test(`a warm-up that ${what} leaves nothing but a warning`, async (t) => {
    const host = startEngine(t, { limits: { deadlineMs: 1000 } });
    await host.load('demo', await hooks([WARM_UP_END, instructions]));
    for (const _ of [1, 2]) t.equal((await ask(host))[0], '1');
    t.match(host.logs, [{ level: 'warn', text: /not warmed up/ }]);
    t.match(host.logs[0]?.text, reason);
    t.match(await host.metrics.render(), 'sandpool_plugin_isolation{plugin="demo",isolation="pristine"} 1');
  });
}

t.test('requests that the operator chooses run before the snapshot', async (t) => {
  const host = startEngine(t);
  await host.load('demo', await hooks(withoutWarmUp), { warmUp: () => ['one', 'two'] });
  for (const _ of [1, 2]) t.equal((await ask(host))[0], '3');
});

t.test('a request that is answered with 500 leaves the snapshot as it was after the initialisation', async (t) => {
  const host = startEngine(t);
  await host.load('demo', await hooks(withoutWarmUp, ['\\08\\c8\\01', '\\08\\f4\\03']), { warmUp: () => ['one'] });
  for (const _ of [1, 2]) t.equal((await ask(host))[0], '1');
  t.match(host.logs, [{ level: 'warn', text: /the warm-up fails: a request is answered with 500/ }]);
});

t.test('a request that cannot even be made is told to the operator, and the release serves', async (t) => {
  const host = startEngine(t);
  const warmUp = () => {
    throw new SandpoolError('SBX_WARM_UP_FAILED', { reason: 'no route matches GET /nope' });
  };
  await host.load('demo', await hooks(withoutWarmUp), { warmUp });
  t.equal((await ask(host))[0], '1');
  t.match(host.logs, [{ level: 'warn', text: /no route matches GET \/nope/ }]);
});

t.test('a module that exports a reseed hook is given another seed for every request', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 } });
  await host.load('demo', await hooks());
  const seeds = new Set<string>();
  for (let index = 0; index < 20; index++) {
    const [number, seed] = await ask(host);
    t.equal(number, '101', 'all else is as it was');
    seeds.add(seed);
  }
  t.ok(seeds.size > 15, `${seeds.size} of 20 seeds differ`);
});

t.test('a reseed hook without a parameter works, too', async (t) => {
  const host = startEngine(t);
  const store = '(i32.store16 (i32.const 8196) (i32.wrap_i64 (local.get $seed)))';
  await host.load(
    'demo',
    await hooks(['(param $seed i64)', ''], [store, '(i32.store16 (i32.const 8196) (i32.const 7))']),
  );
  t.same(await ask(host), ['101', '7']);
});

t.test('instances that are not reset are not reseeded', async (t) => {
  const host = startEngine(t, { limits: { isolation: 'fresh' } });
  await host.load('demo', await hooks());
  t.same(await ask(host), ['1', '0']);
});

t.test('a request whose reseed hook traps fails by code, and names the hook', async (t) => {
  const host = startEngine(t);
  await host.load('demo', await hooks([RESEED_END, 'unreachable']));
  const outcome = await host.request('demo');
  t.match(outcome, { ok: false, error: { code: 'SBX_TRAP', message: /sandpool_reseed: .*unreachable/ } });
});

t.test(
  'Math.random of AssemblyScript differs from request to request, although the snapshot holds its generator',
  async (t) => {
    const host = startEngine(t, { pool: { maxThreads: 1 }, requestType: 'RandomReq' });
    await host.load('demo', await assemblyScriptGuest('probe'), { warmUp: () => [''] });
    const numbers = new Set<string>();
    for (let index = 0; index < 10; index++) numbers.add(bodyOf(await host.request('demo')));
    t.equal(numbers.size, 10);
    t.same(host.logs, []);
  },
);
