import t from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { bodyOf, grantOf, startEngine } from '../engine-host.js';
import { watGuest, withDamagedSection } from '../guest-modules.js';
import { startTestHost } from './host.js';

// Guest → code that its request fails with. Each of them runs beside requests of a bystander, which must not notice.
const HOSTILE: readonly (readonly [guest: string, code: string])[] = [
  ['alloc-trap', 'SBX_ALLOC_FAILED'],
  ['lying-alloc', 'SBX_REQUEST_WRITE_FAILED'],
  ['lying-alloc-far', 'SBX_REQUEST_WRITE_FAILED'],
  ['infinite-alloc', 'SBX_DEADLINE'],
  ['infinite-loop', 'SBX_DEADLINE'],
  ['busy-recursion', 'SBX_DEADLINE'],
  ['slow-fill', 'SBX_DEADLINE'],
  ['endless-growth', 'SBX_MEMORY_LIMIT'],
  ['deep-recursion', 'SBX_STACK_OVERFLOW'],
  ['initialize-trap', 'SBX_INITIALIZE_FAILED'],
  ['length-out-of-range', 'SBX_RESPONSE_READ_FAILED'],
  ['pointer-out-of-range', 'SBX_RESPONSE_READ_FAILED'],
  ['pointer-top-bit', 'SBX_RESPONSE_READ_FAILED'],
  ['response-1gib', 'SBX_RESPONSE_TOO_LARGE'],
  ['response-too-large', 'SBX_RESPONSE_TOO_LARGE'],
  ['response-invalid', 'SBX_RESPONSE_INVALID'],
  ['unknown-import', 'SBX_INSTANTIATE_FAILED'],
  ['missing-exports', 'SBX_EXPORTS_MISSING'],
  ['host-call-flood', 'SBX_HOST_CALL_LIMIT'],
  ['trap', 'SBX_TRAP'],
  ['proc-exit', 'SBX_EXIT'],
];

const ENDLESS = HOSTILE.filter(([, code]) => code === 'SBX_DEADLINE').map(([guest]) => guest);

// Guests whose trick fails, so that their request succeeds.
const HARMLESS = [
  'growth-refused',
  'host-call-alloc-trap',
  'host-call-lying-alloc',
  'host-call-no-alloc',
  'host-call-grows',
  'host-call-in-initialize',
];

const UUID = [grantOf('runtime', ['info.uuid', 'log.write'])];

for (const isolation of ['pristine', 'fresh', 'warm'] as const) {
  t.test(`a hostile guest fails with its own code and disturbs nobody (${isolation})`, async (t) => {
    const perPlugin = Object.fromEntries(ENDLESS.map((guest) => [guest, { deadlineMs: 200 }]));
    const host = startEngine(t, { limits: { isolation, memoryLimitMiB: 128 }, perPlugin });
    await host.load('bystander', await watGuest('echo'));
    for (const [guest, code] of HOSTILE) {
      await host.load(guest, await watGuest(guest), { services: UUID });
      const bystanders = Promise.all(Array.from({ length: 20 }, () => host.request('bystander')));
      t.equal(bodyOf(await host.request(guest)), code, guest);
      for (const outcome of await bystanders) t.equal(bodyOf(outcome), '{"ok":true}', `bystander of ${guest}`);
      t.equal(bodyOf(await host.request('bystander')), '{"ok":true}', `bystander after ${guest}`);
    }
  });
}

t.test('a trick that fails costs the guest nothing', async (t) => {
  const host = startEngine(t);
  for (const guest of HARMLESS) {
    await host.load(guest, await watGuest(guest), { services: UUID });
    t.equal(bodyOf(await host.request(guest)), '{"ok":true}', guest);
  }
});

t.test(
  'a release that never ends its initialisation is published late, and its requests end at the deadline',
  async (t) => {
    const host = startEngine(t, { perPlugin: { stuck: { deadlineMs: 100 } } });
    await host.load('bystander', await watGuest('echo'));
    const loading = host.load('stuck', await watGuest('infinite-initialize'));
    t.equal(bodyOf(await host.request('bystander')), '{"ok":true}', 'while it loads');
    await loading;
    t.match(host.logs, [{ pluginId: 'stuck', level: 'warn', text: /does not initialise/ }]);
    t.equal(bodyOf(await host.request('stuck')), 'SBX_DEADLINE');
    t.equal(bodyOf(await host.request('bystander')), '{"ok":true}');
  },
);

t.test('a flood of log lines is cut and counted, and the guest ends at its deadline', async (t) => {
  const host = startEngine(t, {
    limits: { logLinesPerSecond: 10, maxHostCalls: 10_000_000 },
    perPlugin: { flood: { deadlineMs: 500 } },
  });
  await host.load('flood', await watGuest('log-flood'), { services: UUID });
  await host.load('bystander', await watGuest('echo'));
  const startedAt = performance.now();
  let rounds = 0;
  const lines = () => host.logs.filter(({ pluginId, text }) => pluginId === 'flood' && text.includes('xxx'));
  const hasDropped = () => host.logs.some(({ level, text }) => level === 'warn' && /log lines dropped/.test(text));
  /** Twice the rate in a burst, of each thread. */
  const mostLines = () => 20 * rounds + (10 * (performance.now() - startedAt)) / 1000;
  // A busy machine may hold a guest up until it is past its deadline without having written much.
  while (!hasDropped() && lines().length <= mostLines()) {
    rounds += 1;
    const flooding = host.request('flood');
    t.equal(bodyOf(await host.request('bystander')), '{"ok":true}');
    t.equal(bodyOf(await flooding), 'SBX_DEADLINE');
    // The outcome comes sooner than what its thread tells, which comes by the event loop.
    await new Promise(setImmediate);
  }
  t.ok(lines().length <= mostLines(), `${lines().length} lines, and no more than ${mostLines()}`);
  t.ok(hasDropped());
  t.ok(lines().every(({ text }) => text.length <= 8192));
});

t.test(
  'a host call with a pointer outside the memory, or with an unknown opcode, is answered with its status',
  async (t) => {
    const host = startEngine(t);
    // These guests answer the raw host-call response as their own: status code = status, content type = error payload.
    for (const [guest, statusCode, text] of [
      ['host-call-bad-pointer', 4, /failed to read host call request from guest memory/],
      ['host-call-bad-opcode', 2, /unknown host call opcode: 0x0002/],
    ] as const) {
      await host.load(guest, await watGuest(guest), { services: UUID });
      t.match(await host.request(guest), { ok: true, response: { statusCode, contentType: text } }, guest);
    }
  },
);

t.test(
  'a damaged section is refused at upload, damaged code when it is enabled; nothing changes and nobody notices',
  async (t) => {
    const host = await startTestHost(t);
    const routes = [{ path: '/a' }];
    const echo = await watGuest('echo');
    await host.serve('bystander', { module: echo, routes });
    const before = host.registry.list();

    const damaged = withDamagedSection(buildArtifact({ module: echo, routes }));
    await t.rejects(host.registry.upload(damaged), { code: 'SBX_ARTIFACT_INVALID' });
    t.same(host.registry.list(), before);

    const badCode = Buffer.concat([echo, Buffer.of(0x0a, 0x03, 0x01, 0x01, 0xff)]);
    await t.rejects(host.serve('broken', { module: badCode, routes }), { code: 'SBX_MODULE_INVALID' });
    t.match(host.registry.show('broken').plugin, { installed: 1, status: 0 });
    t.match(await host.fetch('/x/broken/a'), { status: 404, text: 'Dynamic plugin is not enabled' });
    t.match(await host.fetch('/x/bystander/a'), { status: 200, text: '{"ok":true}' });
  },
);
