/** Programs that nobody would write, made from a seed: they store, load, loop, grow and trap at odd addresses. */
import type { Call } from './compare.js';
import { wat } from './wat.js';

export interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly script: readonly Call[];
}

export type Random = (below: number) => number;

/** Mulberry32: the same numbers for the same seed everywhere. */
export function randomOf(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The program of a seed, and the calls to try it with. */
export function randomProgram(seed: number): Program {
  const random = randomOf(seed);
  const functions = Array.from({ length: 4 }, (_, index) => functionText(random, index));
  const text = `(module (memory (export "memory") ${1 + random(2)} ${2 + random(3)}) (tag $e (param i32))
    (global $g (export "g") (mut i32) (i32.const 70000)) (global $h (export "h") (mut i64) (i64.const -1))
    (data $active (i32.const ${random(60000)}) "some bytes to begin with") (data $passive "more bytes that are passive")
    ${functions.join('\n')})`;
  const script = Array.from({ length: 8 }, (): Call => [`f${random(4)}`, address(random), address(random)]);
  return { bytes: wat(text), script };
}

const EDGES = [
  0, 1, 4090, 4096, 8000, 65530, 65536, 131060, 131072, 196600, 0x7fffffff, 0xffff0000, 0xfffffff8, 0xffffffff,
];

function address(random: Random): number {
  return random(3) === 0 ? EDGES[random(EDGES.length)]! | 0 : random(140000);
}

function functionText(random: Random, index: number): string {
  const loops = { count: 0 };
  const statements = block(random, index, 3, loops);
  const counters = Array.from({ length: loops.count }, (_, loop) => `(local $n${loop} i32)`).join(' ');
  const mask = random(8) === 0 ? 'i32.const -1' : 'i32.const 65535';
  return `(func $f${index} (export "f${index}") (param $a i32) (param $b i32) (result i32)
    (local $c i32) (local $w i64) (local $x i64) (local $v v128) ${counters}
    (local.set $a (i32.and (local.get $a) (${mask}))) (local.set $b (i32.and (local.get $b) (i32.const 16383)))
    (local.set $c (i32.add (local.get $a) (i32.const 400)))
    ${statements} ${i32(random, index, 2)})`;
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

function block(random: Random, index: number, depth: number, loops: { count: number }): string {
  return Array.from({ length: 1 + random(5) }, () => statement(random, index, depth, loops)).join('\n');
}

function statement(random: Random, index: number, depth: number, loops: { count: number }): string {
  const choice = random(depth > 0 ? 18 : 11);
  const value = () => i32(random, index, 2);
  const inner = () => block(random, index, depth - 1, loops);
  switch (choice) {
    case 0: return `(local.set ${pick(random, ['$a', '$b', '$c'])} (i32.and ${value()} (i32.const 65535)))`;
    case 1: return `(local.set ${pick(random, ['$w', '$x'])} ${i64(random, index, 2)})`;
    case 2: return `(global.set $g ${value()})`;
    case 3: return `(global.set $h ${i64(random, index, 1)})`;
    case 4: return bulk(random, index);
    case 5: case 6: case 7: case 8: case 9: case 10: return store(random, index);
    case 11: return `(if ${value()} (then ${inner()}) (else ${inner()}))`;
    case 12: return `(if ${value()} (then ${inner()}))`;
    case 13: return `(block ${inner()} (br_if 0 ${value()}) ${inner()})`;
    case 14: return `(block (block (br_table 0 1 0 (i32.and (i32.const 3) ${value()}))) ${inner()})`;
    case 15: return `(try (do ${inner()} (if ${value()} (then (throw $e ${value()})))) (catch $e (local.set $c)) (catch_all))`;
    default: {
      const counter = `$n${loops.count++}`;
      return `(local.set ${counter} (i32.const ${random(4)})) (block (loop (br_if 1 (i32.eqz (local.get ${counter})))
        (local.set ${counter} (i32.sub (local.get ${counter}) (i32.const 1))) ${inner()} (br 0)))`;
    }
  }
} // biome-ignore format: a table of choices

const OFFSETS = [...Array(6).fill([1, 4, 8, 40, 200, 300, 4080]).flat(), 5000, 65536, 4294967295];
const STORES = ['i32.store', 'i32.store8', 'i32.store16'];
const WIDE_STORES = ['i64.store', 'i64.store8', 'i64.store16', 'i64.store32'];
const VECTOR_STORES = ['v128.store', 'v128.store8_lane', 'v128.store16_lane', 'v128.store32_lane', 'v128.store64_lane'];

function store(random: Random, index: number): string {
  const offset = random(2) === 0 ? '' : `offset=${pick(random, OFFSETS)}`;
  const to = pointer(random, index);
  const kind = random(8);
  if (kind < 4) return `(${pick(random, STORES)} ${offset} ${to} ${i32(random, index, 1)})`;
  if (kind < 6) return `(${pick(random, WIDE_STORES)} ${offset} ${to} ${i64(random, index, 1)})`;
  if (kind === 6) return `(f64.store ${offset} ${to} (f64.convert_i32_s ${i32(random, index, 1)}))`;
  const name = pick(random, VECTOR_STORES);
  return `(${name} ${offset} ${name === 'v128.store' ? '' : '0'} ${to} (i32x4.splat ${i32(random, index, 1)}))`;
}

/** Mostly addresses that are inside. */
function pointer(random: Random, index: number): string {
  const address = shapedPointer(random, index);
  return random(12) === 0 || address.startsWith('(local.tee') ? address : inside(random, address);
}

function inside(random: Random, address: string): string {
  const isPlain = /^\((local.get|i32.const|i32.(add|sub) \(local.get|i32.wrap_i64 \(i64.add)/.test(address);
  return isPlain && random(10) > 0 ? address : `(i32.and ${address} (i32.const 65535))`;
}

/** Addresses in the shapes that compilers write them. */
function shapedPointer(random: Random, index: number): string {
  const local = pick(random, ['$a', '$b', '$c']);
  const distance = pick(random, [0, 4, 8, 16, 100, 255, 256, 257, 4096, -8, -16, -255, -256, -300]);
  switch (random(9)) {
    case 0: return `(local.get ${local})`;
    case 1: return `(i32.add (local.get ${local}) (i32.const ${distance}))`;
    case 2: return `(i32.sub (local.get ${local}) (i32.const ${distance}))`;
    case 3: return `(local.tee ${local} (i32.sub (local.get ${local}) (i32.const ${random(2) * 8})))`;
    case 4: return `(i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get ${local})) (i64.const ${distance})))`;
    case 5: return `(i32.wrap_i64 (local.get ${pick(random, ['$w', '$x'])}))`;
    case 6: return `(i32.const ${pick(random, [8, 4000, 4094, 9000, 65000, 131000])})`;
    case 7: return `(i32.and ${i32(random, index, 1)} (i32.const 65535))`;
    default: return `(local.tee ${local} (i32.and ${i32(random, index, 1)} (i32.const 131071)))`;
  }
} // biome-ignore format: a table of choices

function bulk(random: Random, index: number): string {
  const to = pointer(random, index);
  const length = pick(random, ['(i32.const 0)', '(i32.const 9)', '(i32.const 5000)', '(local.get $b)']);
  switch (random(6)) {
    case 0: return `(memory.fill ${to} ${i32(random, index, 1)} ${length})`;
    case 1: return `(memory.copy ${to} ${pointer(random, index)} ${length})`;
    case 2: return `(memory.init $passive ${to} (i32.const 3) (i32.const ${random(30)}))`;
    case 3: return '(data.drop $passive)';
    case 4: return `(drop (memory.grow (i32.const ${random(3)})))`;
    default: return `(memory.init $active ${to} (i32.const 0) (i32.const 0))`;
  }
} // biome-ignore format: a table of choices

function i32(random: Random, index: number, depth: number): string {
  const choice = random(depth > 0 ? 12 : 5);
  const inner = () => i32(random, index, depth - 1);
  switch (choice) {
    case 0: return `(i32.const ${address(random)})`;
    case 1: return '(local.get $a)';
    case 2: return '(local.get $b)';
    case 3: return '(local.get $c)';
    case 4: return '(global.get $g)';
    case 5: return `(${pick(random, ['i32.add', 'i32.sub', 'i32.xor', 'i32.mul', 'i32.div_u', 'i32.shl'])} ${inner()} ${inner()})`;
    case 6: return `(i32.load ${pointer(random, index)})`;
    case 7: return `(i32.load8_u offset=${random(5000)} ${pointer(random, index)})`;
    case 8: return '(memory.size)';
    case 9: return `(local.tee $c (i32.and ${inner()} (i32.const 65535)))`;
    case 10: return `(select ${inner()} ${inner()} ${inner()})`;
    default: return index > 0 && random(5) === 0 ? `(call $f${random(index)} ${inner()} ${inner()})` : `(i32.eqz ${inner()})`;
  }
} // biome-ignore format: a table of choices

function i64(random: Random, index: number, depth: number): string {
  switch (random(6)) {
    case 0: return '(local.get $w)';
    case 1: return '(local.get $x)';
    case 2: return `(i64.const ${address(random)})`;
    case 3: return `(i64.load ${pointer(random, index)})`;
    case 4: return depth > 0 ? `(i64.sub ${i64(random, index, depth - 1)} (i64.const 8))` : '(global.get $h)';
    default: return `(i64.extend_i32_s ${i32(random, index, depth - 1)})`;
  }
} // biome-ignore format: a table of choices
