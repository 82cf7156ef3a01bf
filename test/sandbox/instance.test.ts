import t from 'tap';
import { encodeRequest } from '../../src/protocol/envelope.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { AnswerHostCall } from '../../src/sandbox/instance.js';
import { assemblyScriptGuest, goGuest, watGuest, watGuestNames } from '../guest-modules.js';
import { type Random, randomOf } from '../rewrite/random-program.js';
import { openPristine, runsOfOriginal } from './pristine-instance.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);

/** How a guest is asked for something; different ones in turn. */
type Requests = (random: Random) => Uint8Array;

const ask = (requestType: string, random: Random, query: Record<string, string> = {}): Uint8Array =>
  encodeRequest({
    pluginId: 'guest',
    requestId: String(random(2 ** 30)),
    route: {
      requestType,
      queryValues: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, [value]])),
    },
    request: { method: 'POST', body: Buffer.alloc(sizeOf(random), 'body ') },
  });

/** Mostly small, sometimes as large as needs more memory. */
function sizeOf(random: Random): number {
  const choice = random(10);
  return choice === 0 ? random(900_000) : random(choice === 1 ? 70_000 : 300);
}

const LETTERS = 'pvfcigGDEwhxypvfcwhx';
const ENDS = ['', '', '', 't', 'o', 'l', 'L', 's', 'e'];

const mischief: Requests = (random) => {
  const letters = Array.from({ length: random(6) }, () => LETTERS[random(LETTERS.length)]).join('');
  const filler = Buffer.alloc(random(9) === 0 ? 300_000 : random(500), '.');
  return Buffer.concat([filler, Buffer.from(`!!${letters}${ENDS[random(ENDS.length)]}`)]);
};

const go: Requests = (random) => {
  const types = [
    'EchoReq', 'EchoReq', 'CallReq', 'PrintReq', 'PanicReq', 'NilReq', 'ExitReq', 'LoopReq', 'FilesReq', 'EnvReq', 'StdinReq', 'RandomReq',
    'AllocReq', 'GoroutineReq', 'StateReq', 'NoSuchReq',
  ]; // biome-ignore format: a list
  return ask(types[random(types.length)]!, random, { calls: String(random(4)), mib: String(random(9)) });
};

const probe: Requests = (random) => {
  const types = [
    'JsonReq',
    'ResponseReq',
    'SeenReq',
    'TrapReq',
    'AssertReq',
    'OutOfRangeReq',
    'TraceReq',
    'RandomReq',
    'ClientReq',
  ];
  return ask(types[random(types.length)]!, random, { i: String(random(9)), kind: 'bytes', get: 'built' });
};

/** Answers of every kind: none, some bytes, many, and failures that the host has decided. */
const answers = (random: Random): AnswerHostCall => {
  const seed = random(2 ** 30);
  let calls = 0;
  return (_opcode, _request, invocation) => {
    const choice = randomOf(seed + calls++)(8);
    if (choice === 0) invocation.failure = new SandpoolError('SBX_DEADLINE', { deadlineMs: 1 });
    return { status: 0, payload: Buffer.alloc([0, 0, 9, 40, 40, 5000, 70_000, 1][choice]!, 'reply') };
  };
};

const GUESTS: readonly [
  name: string,
  module: () => Promise<Uint8Array | undefined>,
  requests: Requests,
  count: number,
][] = [
  ['a guest that tries everything', () => watGuest('mischief'), mischief, 250],
  ['an AssemblyScript guest', () => assemblyScriptGuest('probe'), probe, 250],
  ['an AssemblyScript echo', () => assemblyScriptGuest('echo'), (random) => ask('EchoReq', random), 100],
  ['a Go guest', () => goGuest('echo'), go, 120],
];

for (const [name, moduleOf, requests, count] of GUESTS) {
  t.test(
    `${name} leaves nothing behind: memory, size and globals are byte for byte as after initialisation`,
    async (t) => {
      const module = await moduleOf();
      if (module === undefined) return;
      const random = randomOf(7);
      const pristine = openPristine(module);
      const codes = new Map<string, number>();
      for (let index = 0; index < count * EFFORT; index++) {
        const outcome = pristine.run(requests(random), answers(random), 3 + random(12));
        const code = outcome.startsWith('SBX_') ? outcome : 'ok';
        codes.set(code, (codes.get(code) ?? 0) + 1);
        const wrong = pristine.reset();
        if (wrong !== undefined) t.fail(`request ${index} (${code}): ${wrong}`);
      }
      t.ok((codes.get('ok') ?? 0) > count / 4, JSON.stringify([...codes]));
    },
  );
}

/** Only the end of its thread stops the first; the other has hooks that are called only where there is a snapshot. */
const NOT_COMPARED = ['busy-recursion', 'stuck', 'snapshot-hooks'];

t.test('every guest that can be reset answers as a new instance of its original does, and is reset', async (t) => {
  for (const name of await watGuestNames()) {
    if (NOT_COMPARED.includes(name)) continue;
    const module = await watGuest(name);
    const random = randomOf(11);
    let pristine: ReturnType<typeof openPristine>;
    try {
      pristine = openPristine(module);
    } catch (error) {
      if (!(error instanceof SandpoolError)) throw error;
      t.match(
        error.code,
        /^SBX_(INITIALIZE_FAILED|EXPORTS_MISSING|INSTANTIATE_FAILED|MODULE_INVALID|MODULE_UNSUPPORTED|DEADLINE)$/,
        name,
      );
      continue;
    }
    const original = runsOfOriginal(module);
    for (let index = 0; index < 4; index++) {
      const request = name === 'mischief' ? mischief(random) : ask('EchoReq', random);
      const seed = random(2 ** 30);
      const outcome = pristine.run(request, answers(randomOf(seed)), 60);
      // What only a deadline ends would never end as it came.
      if (outcome !== 'SBX_DEADLINE')
        t.equal(outcome, original(request, answers(randomOf(seed)), 60), `${name} ${index}`);
      t.equal(pristine.reset(), undefined, `${name} ${index}`);
    }
  }
});

t.test('the memory of a snapshot is one for all threads: it is shared, and not copied into each', async (t) => {
  const { snapshot } = openPristine(await watGuest('state'));
  t.ok(snapshot.memory.buffer instanceof SharedArrayBuffer);
});

t.test(
  'an instance whose memory has grown is not used again: the next request must not even see that it could grow',
  async (t) => {
    const pristine = openPristine(await watGuest('mischief'));
    const run = (letters: string) => pristine.run(Buffer.from(`!!${letters}`), answers(randomOf(1)), 100);
    run('p');
    pristine.reset();
    t.equal(pristine.made(), 1);
    run('g');
    pristine.reset();
    t.equal(pristine.made(), 2);
  },
);
