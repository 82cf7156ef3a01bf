import t from 'tap';
import { bodyOf, type EngineHost, grantOf, startEngine } from '../engine-host.js';
import { assemblyScriptGuest, goGuest, watGuest } from '../guest-modules.js';
import { randomOf } from '../rewrite/random-program.js';

const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const UUID = { services: [grantOf('runtime', ['info.uuid'])] };
const LETTERS = 'pvfcigGEwhxy';
/** How a request ends, and what it fails with. */
const ENDS: readonly [letter: string, code: string][] = [
  ['', ''],
  ['', ''],
  ['', ''],
  ['t', 'SBX_TRAP'],
  ['o', 'SBX_TRAP'],
  ['l', 'SBX_DEADLINE'],
  ['L', 'SBX_DEADLINE'],
  ['s', 'SBX_STACK_OVERFLOW'],
  ['e', 'SBX_EXIT'],
];

for (const isolation of ['pristine', 'fresh'] as const) {
  t.test(
    `whatever requests do and however they end, the next one finds everything as it was (${isolation})`,
    async (t) => {
      const host = startEngine(t, { limits: { isolation }, pool: { slotBytes: 8192, queueTimeoutMs: 60_000 } });
      for (const id of ['one', 'two']) await host.load(id, await watGuest('mischief'), UUID);
      const untouched = bodyOf(await host.request('one'));
      t.match(untouched, /^[0-9a-f]{16}$/);
      const random = randomOf(3);
      await host.load('stuck', await watGuest('stuck'));
      const requests = Array.from({ length: 200 * EFFORT }, async (_, index) => {
        // A thread is killed now and then, with the instances of both.
        if (index % 60 === 59)
          return t.equal(bodyOf(await host.request('stuck', '', { deadlineMs: 50 })), 'SBX_DEADLINE');
        const letters =
          Array.from({ length: random(6) }, () => LETTERS[random(LETTERS.length)]).join('') +
          (random(4) === 0 ? 'D' : '');
        const [letter, code] = ENDS[random(ENDS.length)]!;
        // Some do not fit in a slot.
        const body = `${'.'.repeat(random(random(8) === 0 ? 200_000 : 300))}!!${letters}${letter}`;
        const deadline = code === 'SBX_DEADLINE' ? { deadlineMs: 20 } : {};
        const outcome = bodyOf(await host.request(random(2) === 0 ? 'one' : 'two', body, deadline));
        // A store of its own may have met the letter that would have ended it.
        if (outcome !== untouched && outcome !== code) t.fail(`request ${index}, ${letters}${letter}: ${outcome}`);
      });
      await Promise.all(requests);
      t.equal(bodyOf(await host.request('two')), untouched);
    },
  );
}

t.test(
  'the same guest finds what was left behind when it is warm, so that the tests above would have seen it',
  async (t) => {
    const host = startEngine(t, { limits: { isolation: 'warm' }, pool: { maxThreads: 1 } });
    for (const letter of 'pvfcigGwhxy') {
      await host.load(letter, await watGuest('mischief'), UUID);
      const first = bodyOf(await host.request(letter, `!!${letter}`));
      t.not(bodyOf(await host.request(letter)), first, letter);
    }
    await host.load('drop', await watGuest('mischief'));
    await host.request('drop', '!!D');
    t.equal(bodyOf(await host.request('drop')), 'SBX_ALLOC_FAILED', 'a dropped segment');
  },
);

t.test('what a table remembers is forgotten too: such a release runs fresh', async (t) => {
  const host = startEngine(t);
  await host.load('table', await watGuest('leak-table'));
  t.same(await answersOf(host, 'table', ['', '', '']), ['1', '1', '1']);
  const warm = startEngine(t, { limits: { isolation: 'warm' }, pool: { maxThreads: 1 } });
  await warm.load('table', await watGuest('leak-table'));
  t.same(await answersOf(warm, 'table', ['', '']), ['1', '3']);
});

async function answersOf(host: EngineHost, id: string, bodies: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const body of bodies) answers.push(bodyOf(await host.request(id, body)));
  return answers;
}

const SECRET = 'a secret of one request: 4711-0815';

/** The secret with every bit the other way round, so that whoever asks for it does not bring it along. */
const INVERTED = Buffer.from(SECRET).map((byte) => ~byte & 0xff);

async function ask(host: EngineHost, id: string, requestType: string, body: Uint8Array): Promise<string> {
  return bodyOf(
    await host.engine.invoke({
      pluginId: id,
      executionSource: 'route',
      tenantId: 0,
      envelope: {
        pluginId: id,
        requestId: 'r',
        route: { requestType, queryValues: { mib: ['3'] } },
        request: { method: 'POST', body },
      },
    }),
  );
}

const LEAKS: readonly [name: string, module: () => Promise<Uint8Array | undefined>, nothing: string][] = [
  ['an AssemblyScript guest', () => assemblyScriptGuest('leak'), '0 0 0'],
  ['a Go guest', () => goGuest('echo'), '0 0 0 <nil> 0'],
];

for (const [name, moduleOf, nothing] of LEAKS) {
  t.test(
    `${name} that remembers wherever it can finds nothing of another request, of its own plugin or of the next`,
    async (t) => {
      const module = await moduleOf();
      if (module === undefined) return;
      for (const isolation of ['pristine', 'fresh', 'warm'] as const) {
        const host = startEngine(t, { limits: { isolation }, pool: { maxThreads: 1 } });
        for (const id of ['one', 'two']) await host.load(id, module);
        t.equal(await ask(host, 'one', 'RememberReq', Buffer.from(SECRET)), '1');
        const found = await ask(host, 'one', 'SearchReq', INVERTED);
        if (isolation === 'warm') t.match(found, /^[1-9]\d* 1 1/, 'warm instances do remember');
        else t.equal(found, nothing, isolation);
        t.equal(await ask(host, 'two', 'SearchReq', INVERTED), nothing, `the other plugin, ${isolation}`);
        if (isolation !== 'warm') t.equal(await ask(host, 'one', 'RememberReq', Buffer.from(SECRET)), '1');
      }
    },
  );
}
