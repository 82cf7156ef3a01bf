import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { describeModule } from '../../src/rewrite/describe.js';
import { eligibility } from '../../src/rewrite/eligibility.js';
import { limitMemory } from '../../src/rewrite/memory-limit.js';
import { readSections } from '../../src/rewrite/reader.js';
import { rewriteModule } from '../../src/rewrite/rewrite.js';
import { assemblyScriptGuest, goGuest, watGuest, watGuestNames } from '../guest-modules.js';
import { type Call, compareForms, FORMS, rewritten } from '../rewrite/compare.js';
import { CONTROL } from '../rewrite/control.js';
import { instructionSpecimens, type Specimen } from '../rewrite/corpus.js';
import { withDamagedBody, withDamagedSections } from '../rewrite/patch.js';
import { type Random, randomOf, randomProgram } from '../rewrite/random-program.js';

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);

const SPECIMENS: readonly Specimen[] = [
  ...CONTROL,
  ...instructionSpecimens().map((specimen) => ({ ...specimen, script: specimen.script.slice(0, 60) })),
  ...Array.from({ length: 12 }, (_, index) => ({ name: `program ${index}`, ...randomProgram(5000 + index) })),
].filter(({ bytes }) => WebAssembly.validate(bytes));

t.test('a module whose code was changed is refused, or does what the engine makes of it', async (t) => {
  let accepted = 0;
  for (let seed = 1; seed <= 2500 * EFFORT; seed++) {
    const specimen = SPECIMENS[seed % SPECIMENS.length]!;
    const damaged = withDamagedBody(specimen.bytes, randomOf(seed));
    if (!WebAssembly.validate(damaged)) continue;
    accepted++;
    const wrong = endsSoon(damaged, specimen.script) ? wrongWith(damaged, specimen.script) : undefined;
    if (wrong !== undefined) t.fail(`seed ${seed}, ${specimen.name}: ${wrong}`);
  }
  t.ok(accepted > 300, `${accepted} changed modules are still modules`);
});

/** What differs in any form; a form that is refused with its reason differs in nothing. */
function wrongWith(bytes: Uint8Array<ArrayBuffer>, script: readonly Call[]): string | undefined {
  for (const form of FORMS) {
    try {
      const wrong = compareForms(bytes, script, form);
      if (wrong !== undefined) return `${JSON.stringify(form)}: ${wrong}`;
    } catch (error) {
      if (!(error instanceof SandpoolError) || error.code !== 'SBX_MODULE_UNSUPPORTED')
        return String((error as Error).stack);
    }
  }
  return undefined;
}

/** A changed loop may be endless, and only the counting form can be stopped. */
function endsSoon(bytes: Uint8Array<ArrayBuffer>, script: readonly Call[]): boolean {
  let asked = 0;
  const fuel = () => (asked++ === 0 ? 100_000 : 0);
  try {
    rewritten(bytes, {}, fuel).run(script);
  } catch (error) {
    // Something that cannot be reset may be endless too.
    return !(error instanceof SandpoolError);
  }
  return asked < 2;
}

const ROOMS: readonly [name: string, run: (bytes: Uint8Array) => unknown][] = [
  ['rewritten', (bytes) => rewriteModule(bytes, { maxPages: 64, dirtyPages: true, fuel: true })],
  ['counted', (bytes) => rewriteModule(bytes, { maxPages: 64, dirtyPages: false, fuel: true })],
  ['limited', (bytes) => limitMemory(bytes, 64)],
  ['described', describeModule],
  ['looked at', eligibility],
];

/** Everything that the room does with it ends with a result or with one of its two codes. */
function survives(bytes: Uint8Array): string | undefined {
  for (const [what, run] of ROOMS) {
    try {
      run(bytes);
    } catch (error) {
      const isCoded = error instanceof SandpoolError && /^SBX_MODULE_(INVALID|UNSUPPORTED)$/.test(error.code);
      if (!isCoded) return `${what}: ${(error as Error).stack}`;
    }
  }
  return undefined;
}

t.test('bytes changed, cut, moved or made huge anywhere in a module end with a code, or with a module', async (t) => {
  const guests = [...(await watModules()), await assemblyScriptGuest('echo'), await assemblyScriptGuest('probe')];
  for (let seed = 1; seed <= 2000 * EFFORT; seed++) {
    const random = randomOf(seed);
    const damaged = damage(guests[seed % guests.length]!, random);
    const wrong = survives(damaged);
    if (wrong !== undefined) t.fail(`seed ${seed}: ${wrong}`);
  }
});

t.test('so do those of a large module', async (t) => {
  const module = await goGuest('echo');
  if (module === undefined) return;
  for (let seed = 1; seed <= 25 * EFFORT; seed++) {
    const wrong = survives(damage(module, randomOf(seed)));
    if (wrong !== undefined) t.fail(`seed ${seed}: ${wrong}`);
  }
});

async function watModules(): Promise<Uint8Array[]> {
  return Promise.all((await watGuestNames()).map(watGuest));
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  switch (random(7)) {
    case 0: return bytes.subarray(0, random(bytes.length));
    case 1: return withDamagedSections(bytes, random);
    case 2: return overwritten(bytes, random, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    case 3: return overwritten(bytes, random, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]);
    case 4: return atSection(bytes, random, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    case 5: return withDamagedBody(bytes, random);
    default: return overwritten(bytes, random, [random(256)]);
  }
} // biome-ignore format: a table of choices

function overwritten(bytes: Uint8Array, random: Random, by: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let left = 1 + random(3); left > 0; left--) copy.set(by, random(Math.max(1, copy.length - by.length)));
  return copy;
}

/** The size or the count of a section becomes another. */
function atSection(bytes: Uint8Array, random: Random, by: readonly number[]): Uint8Array {
  const sections = readSections(bytes);
  const { start, bodyStart } = sections[random(sections.length)]!;
  const copy = new Uint8Array(bytes.length + 8);
  copy.set(bytes);
  copy.set(by, random(2) === 0 ? start + 1 : bodyStart);
  return copy;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const HUGE = [0xff, 0xff, 0xff, 0xff, 0x0f];

t.test('a huge count is an error at once, and takes no memory', async (t) => {
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13]) {
    const bytes = Uint8Array.from([...HEADER, id, HUGE.length + 3, ...HUGE, 0x60, 0xff, 0xff]);
    const before = process.memoryUsage().arrayBuffers;
    for (const [what, run] of ROOMS) {
      // These two do not look at every section.
      const isSkipped = (what === 'limited' && id !== 2 && id !== 5) || (what === 'described' && id === 10);
      if (!isSkipped) t.throws(() => run(bytes), { code: 'SBX_MODULE_INVALID' }, `${what}, section ${id}`);
    }
    t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 22, `section ${id}`);
  }
});

t.test('huge counts inside a function are errors too', async (t) => {
  const bodies: readonly (readonly [string, number[]])[] = [
    ['groups of locals', [...HUGE]],
    ['locals', [1, ...HUGE, 0x7f, 0x0b]],
    ['labels of br_table', [0, 0x41, 0, 0x0e, ...HUGE, 0, 0x0b]],
    ['types of select', [0, 0x1c, ...HUGE, 0x7f, 0x0b]],
  ];
  for (const [what, body] of bodies) {
    const code = [1, body.length, ...body];
    const bytes = Uint8Array.from([...HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, code.length, ...code]);
    t.throws(() => eligibility(bytes), { code: 'SBX_MODULE_INVALID' }, what);
    t.equal(survives(bytes), undefined, what);
  }
});

t.test('blocks within blocks, a hundred thousand deep, need no stack', async (t) => {
  for (const opcode of [0x02, 0x03, 0x06]) {
    const depth = 100_000;
    const end = opcode === 0x06 ? [0x19, 0x0b] : [0x0b];
    const body = new Uint8Array(1 + depth * (2 + end.length) + 1);
    for (let index = 0; index < depth; index++) {
      body.set([opcode, 0x40], 1 + index * 2);
      body.set(end, 1 + depth * 2 + index * end.length);
    }
    body[body.length - 1] = 0x0b;
    const bytes = withBody(body);
    t.ok(WebAssembly.validate(bytes), 'it is a module');
    t.equal(survives(bytes), undefined, opcode.toString(16));
  }
});

function withBody(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);
  const code = [1, ...leb(body.length)];
  const before = [...HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, ...leb(code.length + body.length), ...code];
  const bytes = new Uint8Array(before.length + body.length);
  bytes.set(before);
  bytes.set(body, before.length);
  return bytes;
}
