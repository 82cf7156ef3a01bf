/** Modules that Binaryen's fuzzer makes of random bytes (`wasm-opt -ttf`), and calls of what they export. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { readModule } from '../../src/rewrite/module.js';
import type { Call } from './compare.js';
import { withStateExported } from './patch.js';
import { type Program, type Random, randomOf } from './random-program.js';

const run = promisify(execFile);
const WASM_OPT = join(dirname(createRequire(import.meta.url).resolve('binaryen')), 'bin/wasm-opt');

const BASE = [
  'bulk-memory',
  'bulk-memory-opt',
  'sign-ext',
  'mutable-globals',
  'nontrapping-float-to-int',
  'multivalue',
  'tail-call',
];
/** Vectors and references get into mutable globals, so that few of those modules can be reset; their loops are counted all the same. */
const FEATURES = [BASE, BASE, [...BASE, 'simd'], [...BASE, 'simd', 'reference-types']];

/** The program of a seed: always the same with the same version of Binaryen. Its memory and globals are exported. */
export async function binaryenProgram(seed: number): Promise<Program> {
  const random = randomOf(seed);
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-ttf-'));
  try {
    const [input, output] = [join(directory, 'in'), join(directory, 'out.wasm')];
    await writeFile(
      input,
      Uint8Array.from({ length: 400 + random(1600) }, () => random(256)),
    );
    const features = FEATURES[seed % FEATURES.length]!.map((feature) => `--enable-${feature}`);
    // Without --denan the bits of a NaN would depend on which of V8's compilers came first.
    await run(process.execPath, [WASM_OPT, '-ttf', '--denan', input, '-o', output, ...features]);
    const bytes = withStateExported(await readFile(output));
    return { bytes, script: scriptFor(bytes, random) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const ARGUMENTS: Record<number, (random: Random) => number | bigint> = {
  127: (random) => (random(2) === 0 ? random(70000) : random(0xffffffff) | 0),
  126: (random) => BigInt(random(0xffffffff)) * BigInt(random(5)) - 3n,
  125: (random) => random(1000) / 8,
  124: (random) => (random(2000) - 1000) / 3,
};

/** A few calls of every exported function that can be called from outside, all of them once more at the end. */
function scriptFor(bytes: Uint8Array, random: Random): Call[] {
  const { exports, functions, types } = readModule(bytes);
  const calls = exports.flatMap(({ name, kind, index }): Call[] => {
    const params = kind === 'function' ? types[functions[index]!]?.params : undefined;
    const makers = params?.map((type) => ARGUMENTS[type]);
    if (makers === undefined || makers.includes(undefined)) return [];
    return Array.from({ length: 3 }, () => [name, ...makers.map((make) => make!(random))]);
  });
  return [...calls, ...calls];
}
