import t from 'tap';
import { eligibility } from '../../src/rewrite/eligibility.js';
import { wat } from './wat.js';

/** A module with one thing that a reset cannot undo, and how it is named. */
const REFUSED: readonly [text: string, reason: string, fuel?: boolean][] = [
  ['(import "env" "m" (memory 1))', 'it imports a memory (env.m)'],
  ['(import "env" "t" (table 1 funcref))', 'it imports a table (env.t)'],
  ['(import "env" "g" (global i32))', 'it imports a global (env.g)'],
  ['(memory 1 2 shared)', 'its memory is shared between threads'],
  ['(memory i64 1)', 'its memory has 64-bit addresses'],
  ['(memory 1) (memory 1)', 'it has several memories'],
  ['(global (mut v128) (v128.const i64x2 0 0))', 'a mutable global holds a vector'],
  ['(global (mut externref) (ref.null extern))', 'a mutable global holds a reference'],
  ['(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))', 'it changes a table (table.set)'],
  ['(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))', 'it changes a table (table.grow)'],
  [
    '(table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))',
    'it changes a table (table.fill)',
  ],
  [
    '(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))',
    'it changes a table (table.copy)',
  ],
  [
    '(table 1 funcref) (elem $e funcref) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))',
    'it changes a table (table.init)',
  ],
  ['(memory 1) (func (i32.atomic.store (i32.const 0) (i32.const 1)))', 'it uses atomic instructions'],
];

for (const [text, reason] of REFUSED) {
  t.test(`a release runs fresh when ${reason}`, async (t) => {
    t.same(eligibility(wat(`(module ${text})`)), { pristine: false, fuel: true, reasons: [reason] });
  });
}

const HEADER = '0061736d01000000';
const FUNCTION = '01040160000003020100';

/** A module with one function without parameters whose body is `code`, behind the declarations of its locals. */
function withCode(code: string, locals = '00'): Uint8Array {
  const body = `${locals}${code}0b`;
  const length = body.length / 2;
  const byte = (value: number) => value.toString(16).padStart(2, '0');
  return Buffer.from(`${HEADER}${FUNCTION}0a${byte(length + 2)}01${byte(length)}${body}`, 'hex');
}

const UNKNOWN: readonly [code: string, reason: string][] = [
  ['1f400000', 'unknown instruction try_table (exception references)'],
  ['d06f0a', 'unknown instruction throw_ref (exception references)'],
  ['1400', 'unknown instruction call_ref (typed references)'],
  ['d500', 'unknown instruction br_on_null (typed references)'],
  ['fb0000', 'unknown instructions of garbage-collected types'],
  ['27', 'unknown instruction 0x27'],
  ['fc7f', 'unknown instruction 0xfc 127'],
  ['fd9a01', 'unknown instruction 0xfd 154'],
  ['fe7f', 'unknown instruction 0xfe 127'],
];

for (const [code, reason] of UNKNOWN) {
  t.test(`nothing is guessed: ${reason}`, async (t) => {
    t.same(eligibility(withCode(code)), { pristine: false, fuel: false, reasons: [reason] });
  });
}

/** Locals, block types and `select` can name types since typed references came. */
const TYPED: readonly [what: string, code: string, locals?: string][] = [
  ['a local', '', '01016370'],
  ['a block', '026370d0700b1a'],
  ['a loop', '036470d0700b1a'],
  ['a select', 'd070d07041001c0163701a'],
];

for (const [what, code, locals] of TYPED) {
  t.test(`${what} of a typed reference is named`, async (t) => {
    const reasons = ['it uses garbage-collected or typed references'];
    t.same(eligibility(withCode(code, locals)), { pristine: false, fuel: false, reasons });
  });
}

t.test('garbage-collected types are named before any instruction', async (t) => {
  t.same(eligibility(Buffer.from(`${HEADER}0103015f00`, 'hex')), {
    pristine: false,
    fuel: false,
    reasons: ['it uses garbage-collected or typed references'],
  });
});

t.test('data at an address that the host chooses is named', async (t) => {
  const text = '(import "env" "g" (global i32)) (memory 1) (data (global.get 0) "x")';
  t.same(eligibility(wat(`(module ${text})`)).reasons, [
    'it imports a global (env.g)',
    'it has data at a computed address',
  ]);
});

t.test('all reasons are given at once, each one once', async (t) => {
  const set = '(table.set (i32.const 0) (ref.null func))';
  const text = `(table 1 funcref) (memory 1 1 shared) (func ${set} ${set} (i32.atomic.store8 (i32.const 0) (i32.const 1)))`;
  t.same(eligibility(wat(`(module ${text})`)).reasons, [
    'its memory is shared between threads',
    'it changes a table (table.set)',
    'it uses atomic instructions',
  ]);
});

t.test(
  'bulk memory, dropped segments, vectors, tail calls, exceptions and immutable references are no reason',
  async (t) => {
    const text = `(memory 1) (table 1 externref) (tag $e) (global externref (ref.null extern)) (data $d "x") (elem $s funcref)
    (func $f (data.drop $d) (elem.drop $s) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (drop (table.get (i32.const 0)))
      (v128.store (i32.const 0) (i8x16.splat (i32.extend8_s (i32.trunc_sat_f32_s (f32.const 1)))))
      (try (do (throw $e)) (catch_all)) (return_call $f))`;
    t.same(eligibility(wat(`(module ${text})`)), { pristine: true, fuel: true, reasons: [] });
  },
);

t.test('data outside the memory is an error: such a module can never run', async (t) => {
  t.throws(() => eligibility(wat('(module (memory 1) (data (i32.const 65536) "x"))')), {
    code: 'SBX_MODULE_INVALID',
    message: /a data segment lies outside the memory/,
  });
});
