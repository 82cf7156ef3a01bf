import { setImmediate, setTimeout } from 'node:timers/promises';
import t from 'tap';
import { grantAll } from '../../src/grants/grant.js';
import { encodeHostCallRequest, encodeHostCallResponse } from '../../src/protocol/host-call.js';
import type { HostCallTrace } from '../../src/protocol/messages.js';
import { bodyOf, grantOf, startEngine } from '../engine-host.js';
import { assembleWat, watGuest } from '../guest-modules.js';

t.test('a release answers requests', async (t) => {
  const host = startEngine(t);
  await host.load('echo', await watGuest('echo'));
  const outcome = await host.request('echo');
  t.match(outcome, { ok: true, response: { statusCode: 200, contentType: 'application/json' } });
  t.equal(bodyOf(outcome), '{"ok":true}');
});

t.test('F025 the high half of the result is where the response begins, the low half how long it is', async (t) => {
  const host = startEngine(t);
  // At 4096 lie the bytes of E11; whoever takes the halves for one another finds zeros, or nothing.
  await host.load(
    'demo',
    await assembleWat(`(module (memory (export "memory") 1)
      (data (i32.const 4096) "\\08\\c8\\01\\12\\10application/json\\22\\0b{\\22ok\\22:true}")
      (func (export "lina_dynamic_route_alloc") (param i32) (result i32) i32.const 16)
      (func (export "lina_dynamic_route_execute") (param i32) (result i64) i64.const 0x0000100000000022))`),
  );
  const outcome = await host.request('demo');
  t.match(outcome, { ok: true, response: { statusCode: 200 } });
  t.equal(outcome.ok && Buffer.from(outcome.response.body).toString(), '{"ok":true}');
});

t.test('an empty response is a response', async (t) => {
  const host = startEngine(t);
  await host.load('empty', await watGuest('response-empty'));
  t.match(await host.request('empty'), { ok: true, response: { statusCode: 0, contentType: '' } });
});

t.test('a request for a plugin without a release fails by code', async (t) => {
  const host = startEngine(t);
  t.equal(bodyOf(await host.request('nobody')), 'SBX_RELEASE_NOT_LOADED');
});

t.test('a release that declares no bridge is loaded, and every request to it fails by code', async (t) => {
  const host = startEngine(t);
  const parts = { version: 'v0.1.0', checksum: 'assets-only', generation: 1, manifestResources: new Map() };
  const module = await watGuest('echo');
  await host.engine.load({
    pluginId: 'assets',
    ...parts,
    grant: grantAll('assets', []),
    readArtifact: async () => module,
  });
  t.equal(bodyOf(await host.request('assets')), 'SBX_BRIDGE_MISSING');
});

t.test('an unloaded plugin serves no more', async (t) => {
  const host = startEngine(t);
  await host.load('echo', await watGuest('echo'));
  host.engine.unload('echo');
  t.equal(bodyOf(await host.request('echo')), 'SBX_RELEASE_NOT_LOADED');
});

t.test('a module that does not compile is refused, and the release before it serves on', async (t) => {
  const host = startEngine(t);
  const echo = await watGuest('echo');
  await host.load('demo', echo);
  const broken = Buffer.concat([echo, Buffer.of(0x0a, 0x03, 0x01, 0x01, 0xff)]);
  await t.rejects(host.load('demo', broken), { code: 'SBX_MODULE_INVALID' });
  t.equal(bodyOf(await host.request('demo')), '{"ok":true}');
});

t.test('isolation `pristine` resets one instance for every request', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 } });
  await host.load('state', await watGuest('state'));
  for (const _ of [1, 2, 3, 4]) t.equal(bodyOf(await host.request('state')), '1 1');
  await host.end();
  const text = await host.metrics.render();
  t.match(text, 'sandpool_plugin_isolation{plugin="state",isolation="pristine"} 1');
  t.match(text, /^sandpool_instances_reset_total 4$/m);
});

t.test('the first request of a release finds an instance, and nothing that was done to have it ready', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 } });
  await host.load('state', await watGuest('state'));
  await host.load('talker', await watGuest('log-flood'), { services: [grantOf('runtime', ['log.write'])] });
  t.strictSame(host.logs, [], 'nobody is told of the rehearsal');
  t.equal(bodyOf(await host.request('state')), '1 1');
  await host.end();
  const text = await host.metrics.render();
  t.match(text, /^sandpool_instances_reused_total 1$/m);
  t.match(text, 'sandpool_invocations_total{plugin="state"');
  t.notMatch(text, 'sandpool_invocations_total{plugin="talker"');
});

t.test('a guest that never ends a request for nothing is loaded, and serves what it can', async (t) => {
  const host = startEngine(t, { perPlugin: { loop: { deadlineMs: 200 }, stuck: { deadlineMs: 200 } } });
  await host.load('loop', await watGuest('infinite-loop'));
  t.match(await host.request('loop'), { ok: false, error: { code: 'SBX_DEADLINE' } });
  await host.load('stuck', await watGuest('busy-recursion'));
  await host.load('echo', await watGuest('echo-request'));
  t.match(bodyOf(await host.request('echo', 'bystander')), /bystander/);
});

t.test('a module that cannot be reset runs fresh, and the log says why', async (t) => {
  const host = startEngine(t);
  const text =
    '(module (memory (export "memory") 2) (table 1 funcref) (elem declare func $f) (func $f (result i64) (i64.const 0))';
  const abi = `(func (export "lina_dynamic_route_alloc") (param i32) (result i32) (i32.const 65536))
    (func (export "lina_dynamic_route_execute") (param i32) (result i64)
      (table.set (i32.const 0) (ref.func $f)) (i64.const 0)))`;
  await host.load('tables', await assembleWat(text + abi));
  t.match(await host.request('tables'), { ok: true });
  t.match(host.logs, [{ level: 'warn', text: /runs fresh instead of pristine: .*table\.set/ }]);
  t.match(await host.metrics.render(), 'sandpool_plugin_isolation{plugin="tables",isolation="fresh"} 1');
  t.match(
    await host.metrics.render(),
    /sandpool_plugin_isolation_obstacle\{plugin="tables",reason=".*table\.set.*"\} 1/,
  );
  t.match(host.engine.isolationOf('tables'), { isolation: 'fresh', reasons: [/table\.set/] });
  host.engine.unload('tables');
  t.notMatch(await host.metrics.render(), 'sandpool_plugin_isolation_obstacle{plugin="tables"');
  t.equal(host.engine.isolationOf('tables'), undefined);
});

t.test('isolation `fresh` gives every request a new instance', async (t) => {
  const host = startEngine(t, { limits: { isolation: 'fresh' } });
  await host.load('state', await watGuest('state'));
  for (const _ of [1, 2, 3]) t.equal(bodyOf(await host.request('state')), '1 1');
});

t.test('isolation `warm` keeps the state of the instance', async (t) => {
  const host = startEngine(t, { limits: { isolation: 'warm' }, pool: { maxThreads: 1 } });
  await host.load('state', await watGuest('state'));
  for (const expected of ['1 1', '2 2', '3 3']) t.equal(bodyOf(await host.request('state')), expected);
});

t.test('an instance is replaced by a new one after its number of invocations, if the operator says so', async (t) => {
  const host = startEngine(t, {
    limits: { isolation: 'warm' },
    perPlugin: { replaced: { recycleAfter: 2 } },
    pool: { maxThreads: 1 },
  });
  await host.load('replaced', await watGuest('state'));
  await host.load('kept', await watGuest('state'));
  for (const expected of ['1 1', '2 2', '1 1', '2 2']) t.equal(bodyOf(await host.request('replaced')), expected);
  for (const expected of ['1 1', '2 2', '3 3']) t.equal(bodyOf(await host.request('kept')), expected);
  await host.end();
  t.match(await host.metrics.render(), 'sandpool_instances_discarded_total{reason="recycled"} 2');
});

t.test('a request that makes the memory grow costs the instance, unless it has a reserve', async (t) => {
  const host = startEngine(t, { perPlugin: { roomy: { memoryHeadroomMiB: 1 } }, pool: { maxThreads: 1 } });
  const digests = new Set<string>();
  for (const id of ['roomy', 'bare']) {
    await host.load(id, await watGuest('mischief'));
    for (const letters of ['g', 'g', 'p']) digests.add(bodyOf(await host.request(id, `!!${letters}`)));
  }
  await host.end();
  t.equal(digests.size, 1, 'what a guest finds does not depend on it');
  t.match(await host.metrics.render(), 'sandpool_instances_discarded_total{reason="grown"} 2\n');
});

t.test(
  'the size of responses and the number of host calls are limited for one plugin without touching another',
  async (t) => {
    const perPlugin = { brief: { maxResponseBytes: 8 }, quiet: { maxHostCalls: 0 } };
    const host = startEngine(t, { perPlugin });
    for (const id of ['brief', 'quiet', 'free']) await host.load(id, await watGuest('mischief'));
    t.match(await host.request('brief', '!!'), { ok: false, error: { code: 'SBX_RESPONSE_TOO_LARGE' } });
    t.match(await host.request('quiet', '!!h'), { ok: false, error: { code: 'SBX_HOST_CALL_LIMIT' } });
    t.match(await host.request('free', '!!h'), { ok: true });
  },
);

t.test('a thread that gets no more work frees its instances', async (t) => {
  const host = startEngine(t, { instanceIdleMs: 4 });
  await host.load('echo', await watGuest('echo'));
  await host.request('echo');
  // On a slow machine the one that was ready is freed before the request comes, which then has another one.
  const isFreed = (text: string) => /^sandpool_instances_live 0$/m.test(text) && text.includes('{reason="idle"}');
  while (!isFreed(await host.metrics.render())) await setImmediate();
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
});

t.test('isolation is chosen per plugin', async (t) => {
  const host = startEngine(t, { perPlugin: { kept: { isolation: 'warm' } }, pool: { maxThreads: 1 } });
  await host.load('kept', await watGuest('state'));
  await host.load('clean', await watGuest('state'));
  for (const expected of ['1 1', '2 2']) {
    t.equal(bodyOf(await host.request('kept')), expected);
    t.equal(bodyOf(await host.request('clean')), '1 1');
  }
});

t.test('an artifact is compiled once, however many ask for it at once', async (t) => {
  const host = startEngine(t);
  const echo = await watGuest('echo');
  let reads = 0;
  const release = (pluginId: string) => ({
    pluginId,
    version: 'v1.0.0',
    checksum: 'the-same',
    generation: 1,
    grant: { pluginId, services: [] },
    manifestResources: new Map<string, Uint8Array>(),
    readArtifact: async () => {
      reads += 1;
      return echo;
    },
  });
  await Promise.all(['a', 'b', 'c'].map((id) => host.engine.load(release(id))));
  t.equal(reads, 1);
});

t.test('a guest cannot grow past its memory limit', async (t) => {
  const host = startEngine(t, { limits: { memoryLimitMiB: 2 } });
  await host.load('grow', await watGuest('endless-growth'));
  t.match(await host.request('grow'), { ok: false, error: { code: 'SBX_MEMORY_LIMIT', details: { limitMiB: 2 } } });
});

t.test('requests of every size arrive whole, also those larger than a slot', async (t) => {
  const host = startEngine(t, { pool: { slotBytes: 8192 } });
  await host.load('echo', await watGuest('echo-request'));
  for (const bytes of [0, 1, 4000, 8100, 8192, 100_000, 3_000_000]) {
    const outcome = await host.request('echo', Buffer.alloc(bytes, 7));
    const body = outcome.ok ? Buffer.from(outcome.response.body) : Buffer.alloc(0);
    t.ok(body.includes(Buffer.alloc(bytes, 7)), `${bytes} bytes`);
    t.ok(body.length > bytes, `${bytes} bytes and the envelope around them`);
  }
});

t.test('a response larger than a slot arrives whole, and neighbours in its batch are answered', async (t) => {
  const host = startEngine(t, { pool: { slotBytes: 8192, maxThreads: 1 } });
  await host.load('echo', await watGuest('echo'));
  await host.load('mirror', await watGuest('echo-request'));
  const mixed = Array.from({ length: 24 }, (_, index) =>
    index % 3 === 0 ? host.request('mirror', Buffer.alloc(50_000 + index, index)) : host.request('echo'),
  );
  for (const [index, outcome] of (await Promise.all(mixed)).entries()) {
    if (index % 3 !== 0) t.equal(bodyOf(outcome), '{"ok":true}');
    else t.ok(outcome.ok && Buffer.from(outcome.response.body).includes(Buffer.alloc(50_000 + index, index)));
  }
});

const CALLS = [
  grantOf('runtime', ['info.uuid', 'info.node', 'state.get', 'state.set']),
  grantOf('manifest', ['get'], { paths: ['big.bin'] }),
];
const hostCall = (service: string, method: string, payload: Uint8Array = Buffer.alloc(0), resourceRef = '') =>
  encodeHostCallRequest({ service, method, resourceRef, table: '', payload, owner: '', version: '' });

for (const placement of ['worker', 'host'] as const) {
  t.test(`host calls are answered alike when their service is placed in the ${placement}`, async (t) => {
    const placements = { runtime: placement, manifest: placement };
    const host = startEngine(t, { placements, pool: { slotBytes: 8192 }, limits: { memoryLimitMiB: 64 } });
    const big = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    const manifestResources = new Map([['big.bin', big]]);
    await host.load('caller', await watGuest('host-call'), { services: CALLS, manifestResources });

    const node = bodyOf(await host.request('caller', hostCall('runtime', 'info.node')));
    t.match(node, placement === 'host' ? 'node-a' : /\w/);
    const denied = bodyOf(await host.request('caller', hostCall('runtime', 'log.write')));
    t.match(denied, /HOST_CALL_CAPABILITY_DENIED/);
    const unknown = bodyOf(await host.request('caller', hostCall('runtime', 'nope')));
    t.match(unknown, /unsupported host service method: runtime.nope/);

    const got = await host.request('caller', hostCall('manifest', 'get', Buffer.from('\n\x07big.bin'), 'big.bin'));
    const body = got.ok ? Buffer.from(got.response.body) : Buffer.alloc(0);
    t.ok(body.subarray(-big.length).equals(big), 'a reply larger than a slot');

    const value = 'v'.repeat(40_000);
    const set = Buffer.concat([Buffer.from('\n\x01k\x12'), Buffer.of(0xc0, 0xb8, 0x02), Buffer.from(value)]);
    t.equal(
      bodyOf(await host.request('caller', hostCall('runtime', 'state.set', set))),
      '',
      'a request larger than a slot',
    );
    t.match(bodyOf(await host.request('caller', hostCall('runtime', 'state.get', Buffer.from('\n\x01k')))), value);
  });
}

t.test('host calls and invocations are counted', async (t) => {
  const host = startEngine(t);
  await host.load('caller', await watGuest('host-call'), { services: CALLS });
  for (const _ of [1, 2, 3]) await host.request('caller', hostCall('runtime', 'info.node'));
  await host.request('caller', hostCall('runtime', 'log.write'));
  await host.end();
  const text = await host.metrics.render();
  t.match(text, 'sandpool_invocations_total{plugin="caller",version="v0.1.0",code="ok"} 4');
  t.match(text, 'sandpool_host_calls_total{service="runtime",method="info.node",status="0"} 3');
  t.match(text, 'sandpool_host_calls_total{service="runtime",method="log.write",status="1"} 1');
  t.match(text, /sandpool_host_call_duration_seconds_count\{service="runtime",method="info.node"\} 3/);
});

t.test('each host call can be watched', async (t) => {
  const calls: unknown[] = [];
  const host = startEngine(t, { onHostCall: (call) => void calls.push(call) });
  await host.load('caller', await watGuest('host-call'), { services: CALLS });
  await host.request('caller', hostCall('runtime', 'info.node'));
  await host.end();
  t.match(calls, [{ pluginId: 'caller', service: 'runtime', method: 'info.node', status: 0 }]);
});

t.test('a host call that takes long is told with what it asked for, and without what it said', async (t) => {
  const told: HostCallTrace[] = [];
  const gone = new AbortController();
  const host = startEngine(t, {
    slowHostCalls: { fromMs: 5, tell: (call) => void told.push(call) },
    answerHostCall: async (_grant, request) => {
      await timePasses(20);
      if (Buffer.from(request).includes('never')) {
        gone.abort();
        await new Promise(() => {});
      }
      return encodeHostCallResponse({ status: 3, payload: Buffer.from('{"fallback":"secret reply"}') });
    },
    placements: { hostconfig: 'host' },
  });
  const services = [grantOf('hostconfig', ['get'], { keys: ['late', 'never'] })];
  await host.load('caller', await watGuest('host-call'), { services });
  const payload = Buffer.from('secret request');
  await host.request('caller', hostCall('hostconfig', 'get', payload, 'late'));
  const asked = host.request('caller', hostCall('hostconfig', 'get', payload, 'never'), { signal: gone.signal });
  t.equal(bodyOf(await asked), 'SBX_CANCELLED');
  await host.end();
  const call = { pluginId: 'caller', service: 'hostconfig', method: 'get' };
  t.match(told, [
    { ...call, resource: 'late', status: 3 },
    { ...call, resource: 'never', status: null },
  ]);
  for (const { ms } of told) t.ok(ms >= 5);
  t.notMatch(JSON.stringify(told), 'secret');
});

t.test('without a limit for slow host calls none is told', async (t) => {
  const told: HostCallTrace[] = [];
  const host = startEngine(t, { slowHostCalls: { fromMs: 0, tell: (call) => void told.push(call) } });
  await host.load('caller', await watGuest('host-call'), { services: CALLS });
  await host.request('caller', hostCall('runtime', 'info.node'));
  await host.end();
  t.same(told, []);
});

/** Resolves once so many ms have gone by, however late its timer is. */
async function timePasses(ms: number): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; ) await setTimeout(5);
}

t.test('what a guest prints becomes log lines of its plugin', async (t) => {
  const host = startEngine(t);
  await host.load(
    'printer',
    await assembleWat(`(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\\10\\00\\00\\00\\0b\\00\\00\\00")
    (data (i32.const 16) "hello\\nworld")
    (func (export "lina_dynamic_route_alloc") (param i32) (result i32) (i32.const 65536))
    (func (export "lina_dynamic_route_execute") (param i32) (result i64)
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i64.const 0)))`),
  );
  await host.request('printer');
  await host.end();
  const line = (stream: string, level: string, text: string) => ({ pluginId: 'printer', stream, level, text });
  t.match(host.logs, [
    line('stdout', 'info', 'hello'),
    line('stderr', 'warn', 'hello'),
    line('stdout', 'info', 'world'),
    line('stderr', 'warn', 'world'),
  ]);
});

t.test('a host that shuts down refuses what comes and ends what runs', async (t) => {
  const host = startEngine(t);
  await host.load('stuck', await watGuest('infinite-loop'));
  await host.load('echo', await watGuest('echo'));
  const stuck = host.request('stuck');
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  await host.engine.close(10);
  t.equal(bodyOf(await stuck), 'SBX_SHUTTING_DOWN');
  t.equal(bodyOf(await host.request('echo')), 'SBX_SHUTTING_DOWN');
});

const QUARANTINE = {
  failures: 3,
  failurePercent: 50,
  withinMs: 3_600_000,
  backOffMs: 3_600_000,
  maxBackOffMs: 3_600_000,
};

t.test('a plugin that traps again and again is put into quarantine; a bystander is not', async (t) => {
  const host = startEngine(t, { quarantine: QUARANTINE });
  await host.load('trap', await watGuest('trap'));
  await host.load('echo', await watGuest('echo'));
  const outcomes: string[] = [];
  for (let index = 0; index < 5; index++) outcomes.push(bodyOf(await host.request('trap')));
  t.same(outcomes, ['SBX_TRAP', 'SBX_TRAP', 'SBX_TRAP', 'SBX_QUARANTINED', 'SBX_QUARANTINED']);
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  t.match(host.engine.quarantineOf('trap'), { failures: 3, lastCode: 'SBX_TRAP' });
  t.equal(host.engine.quarantineOf('echo'), undefined);
  const text = await host.metrics.render();
  t.match(text, 'sandpool_plugin_quarantined{plugin="trap"} 1');
  t.match(text, 'sandpool_quarantines_total{plugin="trap"} 1');
  t.match(text, 'sandpool_quarantine_refusals_total{plugin="trap"} 2');
  t.match(host.logs.at(-1), { level: 'error', text: /^in quarantine until .*: 3 failures, the last SBX_TRAP$/ });
});

t.test('an operator lets a plugin out of quarantine, and a new release begins outside of it', async (t) => {
  const host = startEngine(t, { quarantine: QUARANTINE });
  await host.load('demo', await watGuest('trap'));
  const fail = async () => {
    for (let index = 0; index < 3; index++) await host.request('demo');
    return bodyOf(await host.request('demo'));
  };
  t.equal(await fail(), 'SBX_QUARANTINED');
  t.equal(host.engine.liftQuarantine('demo'), true);
  t.equal(host.engine.liftQuarantine('demo'), false);
  t.equal(await fail(), 'SBX_QUARANTINED');
  await host.load('demo', await watGuest('echo'));
  t.equal(bodyOf(await host.request('demo')), '{"ok":true}');
  t.match(await host.metrics.render(), 'sandpool_plugin_quarantined{plugin="demo"} 0');
});

t.test('lifecycle callbacks run in quarantine, so that the plugin can be disabled and upgraded', async (t) => {
  const host = startEngine(t, { quarantine: QUARANTINE });
  await host.load('demo', await watGuest('trap'));
  for (let index = 0; index < 4; index++) await host.request('demo');
  const envelope = { pluginId: 'demo', requestId: 'demo:POST:/' };
  const callback = { pluginId: 'demo', executionSource: 'lifecycle', tenantId: 0, envelope } as const;
  t.match(await host.engine.invoke(callback), { ok: false, error: { code: 'SBX_TRAP' } });
});

t.test('a thread may get ready before the first release comes; releases then load as ever', async (t) => {
  const host = startEngine(t, { pool: { maxThreads: 1 } });
  await host.engine.rehearse();
  await host.load('echo', await watGuest('echo'));
  t.equal(bodyOf(await host.request('echo')), '{"ok":true}');
  await host.engine.rehearse();
  t.match(await host.metrics.render(), /^sandpool_module_load_seconds_count\{step="rewrite"\} 1$/m);
});
