import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { eligibility } from '../../src/rewrite/eligibility.js';
import { type RewriteOptions, rewriteModule } from '../../src/rewrite/rewrite.js';
import { binaryenProgram } from '../rewrite/binaryen-program.js';
import { type Call, compareForms, FORMS, rewritten } from '../rewrite/compare.js';
import { type Program, randomOf, randomProgram } from '../rewrite/random-program.js';

// Thousands of modules, each of them compiled and run five times.
t.setTimeout(3_600_000);

/** Another source of programs is one more line here. */
const SOURCES: readonly [name: string, program: (seed: number) => Program | Promise<Program>, count: number][] = [
  ['our own programs', randomProgram, Number(process.env.SANDPOOL_TEST_PROGRAMS ?? 2000)],
  ['the programs of wasm-opt', binaryenProgram, Number(process.env.SANDPOOL_TEST_BINARYEN_PROGRAMS ?? 16)],
];

for (const [name, programOf, count] of SOURCES) {
  t.test(`${count} of ${name} do the same before and after rewriting, and again after a reset`, async (t) => {
    let resettable = 0;
    for (let seed = 1; seed <= count; seed++) {
      const { bytes, script } = await programOf(seed);
      if (eligibility(bytes).pristine) resettable++;
      // As the engine does it, and in turn by one pass alone.
      for (const form of [FORMS[0]!, FORMS[1 + (seed % 2)]!]) {
        const wrong = isPossible(bytes, form) ? compareForms(bytes, script, form) : undefined;
        if (wrong !== undefined) t.fail(`seed ${seed}, ${JSON.stringify(form)}: ${wrong}`);
      }
    }
    t.ok(resettable > count / 2, `${resettable} can be reset`);
  });
}

/** Some of those programs change tables: only their loops can be counted. */
function isPossible(bytes: Uint8Array, form: Partial<RewriteOptions>): boolean {
  const { pristine, fuel } = eligibility(bytes);
  return form.dirtyPages === false ? fuel : pristine;
}

t.test('a damaged module gives an error with a code, or does what the engine makes of it', async (t) => {
  let accepted = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const { bytes, script } = PROGRAMS[seed % PROGRAMS.length]!;
    const damaged = damage(bytes, seed);
    try {
      rewriteModule(damaged, { maxPages: 16, dirtyPages: true, fuel: true });
    } catch (error) {
      if (!(error instanceof SandpoolError)) t.fail(`seed ${seed}: ${(error as Error).stack}`);
      continue;
    }
    if (!WebAssembly.validate(damaged)) t.fail(`seed ${seed}: a damaged module was accepted`);
    accepted++;
    if (accepted > 100 || !endsSoon(damaged, script)) continue;
    const wrong = compareForms(damaged, script);
    if (wrong !== undefined) t.fail(`seed ${seed}: ${wrong}`);
  }
  t.ok(accepted > 20, `${accepted} damaged modules are still modules`);
});

/** A damaged loop may be endless, and only the rewritten form can be stopped. */
function endsSoon(bytes: Uint8Array, script: readonly Call[]): boolean {
  let asked = 0;
  rewritten(bytes, {}, () => (asked++ === 0 ? 100_000 : 0)).run(script);
  return asked < 2;
}

const PROGRAMS = Array.from({ length: 10 }, (_, index) => randomProgram(1000 + index));

function damage(bytes: Uint8Array, seed: number): Uint8Array<ArrayBuffer> {
  const random = randomOf(seed);
  const copy = new Uint8Array(bytes);
  for (let left = 1 + random(3); left > 0; left--) copy[random(copy.length)] = random(256);
  return random(10) === 0 ? copy.slice(0, random(copy.length)) : copy;
}
