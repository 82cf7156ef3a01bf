/** Programs for everything that is not arithmetic: control, calls, locals, globals, tables, references, memory, exceptions. */
import type { Call } from './compare.js';
import type { Specimen } from './corpus.js';
import { wat } from './wat.js';

const specimen = (name: string, text: string, script: readonly Call[]): Specimen => ({
  name,
  bytes: wat(`(module ${text})`),
  script,
});

const each = (name: string, values: readonly number[]): Call[] => values.map((value) => [name, value]);

const STRUCTURE = `(memory (export "memory") 1)
  (func (export "blocks") (param i32) (result i32)
    (nop)
    (block (result i32)
      (i32.store (local.get 0) (i32.const 1))
      (block (br_if 0 (i32.eqz (local.get 0))) (i32.store offset=4096 (local.get 0) (i32.const 2)) (br 1 (i32.const 7)))
      (if (result i32) (i32.eqz (local.get 0)) (then (i32.store (i32.const 8) (i32.const 3)) (i32.const 8)) (else (i32.const 9)))))
  (func (export "table") (param i32) (result i32)
    (block (block (block (br_table 0 1 2 1 (local.get 0)))
      (return (i32.const 10))) (i32.store8 (i32.mul (local.get 0) (i32.const 4096)) (i32.const 5)) (return (i32.const 11)))
    (i32.const 12))
  (func (export "loops") (param i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $outer
      (local.set $i (i32.const 0))
      (loop $inner
        (i32.store16 (i32.add (i32.mul (local.get $i) (i32.const 1000)) (local.get 0)) (local.get $i))
        (local.set $sum (i32.add (local.get $sum) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $inner (i32.lt_u (local.get $i) (i32.const 9)))
        (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (local.get $sum))
  (func (export "choose") (param i32) (result i32)
    (i32.store (select (i32.const 100) (i32.const 9000) (local.get 0)) (i32.const -1))
    (i32.wrap_i64 (select (result i64) (i64.const 1) (i64.const 2) (local.get 0)))
    (drop (i32.const 5)))
  (func (export "trap") (param i32) (if (local.get 0) (then (i32.store (i32.const 12) (i32.const 1)) (unreachable))))
  (func (export "constants") (result f64)
    (f64.add (f64.promote_f32 (f32.const 1.5)) (f64.add (f64.const 2.5) (f64.convert_i64_s (i64.add (i64.const -9000000000)
      (i64.extend_i32_s (i32.const -2147483648)))))))`;

const CALLS = `(import "env" "id" (func $id (param i32) (result i32))) (import "env" "log" (func $log (param i32 f64)))
  (memory (export "memory") 1) (type $unary (func (param i32) (result i32)))
  (global $sum (export "sum") (mut i32) (i32.const 0)) (global $wide (export "wide") (mut i64) (i64.const 1))
  (global $real (export "real") (mut f64) (f64.const 0.5)) (global $single (export "single") (mut f32) (f32.const 0.25))
  (global $fixed i32 (i32.const 40)) (global $made i32 (i32.const 10))
  (table $t 5 funcref) (table $x 3 externref) (elem (table $t) (i32.const 0) func $id $double $note) (elem declare func $double)
  (elem $passive funcref (ref.func $double) (ref.null func))
  (func $double (export "double") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
  (func $note (param i32) (result i32)
    (global.set $sum (i32.add (global.get $sum) (local.get 0))) (global.set $wide (i64.mul (global.get $wide) (i64.const 3)))
    (global.set $real (f64.neg (global.get $real))) (global.set $single (f32.add (global.get $single) (f32.const 1)))
    (call $log (global.get $sum) (global.get $real))
    (i32.store (i32.add (global.get $made) (i32.mul (local.get 0) (i32.const 4096))) (global.get $fixed))
    (call $id (local.get 0)))
  (func (export "direct") (param i32) (result i32) (call $note (call $double (local.get 0))))
  (func (export "indirect") (param i32) (result i32) (call_indirect $t (type $unary) (i32.const 3) (local.get 0)))
  (func (export "tail") (param i32) (result i32) (return_call $note (local.get 0)))
  (func $down (export "down") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 77))))
    (i32.store8 (i32.mul (local.get 0) (i32.const 50)) (local.get 0))
    (return_call $down (i32.sub (local.get 0) (i32.const 1))))
  (func (export "tailIndirect") (param i32) (result i32) (return_call_indirect $t (type $unary) (i32.const 6) (local.get 0)))
  (func (export "references") (param i32) (result i32)
    (elem.drop $passive)
    (i32.add (i32.add (ref.is_null (table.get $x (local.get 0))) (ref.is_null (ref.func $double)))
      (i32.add (i32.mul (table.size $t) (i32.const 10)) (i32.add (ref.is_null (ref.null extern)) (ref.is_null (table.get $t (local.get 0)))))))`;

const MEMORY = `(memory (export "memory") 1 3) (data $active (i32.const 4090) "active data at an end of a page") (data $passive "passive")
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "copy") (param i32 i32) (memory.copy (local.get 0) (i32.const 4085) (local.get 1)))
  (func (export "init") (param i32 i32) (memory.init $passive (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "late") (param i32 i32) (memory.init $active (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "drop") (data.drop $passive) (data.drop $active))`;

const EXCEPTIONS = `(memory (export "memory") 1) (tag $a (param i32)) (tag $b (param i64 i32)) (tag $none)
  (func $raise (param i32)
    (i32.store (i32.mul (local.get 0) (i32.const 4096)) (local.get 0))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 11))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i64.const 5) (i32.const 22))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $none))))
  (func (export "catch") (param i32) (result i32)
    (try (result i32)
      (do (call $raise (local.get 0)) (i32.const 1))
      (catch $a (i32.store (i32.const 9000)) (i32.const 2))
      (catch $b (i32.store offset=8 (i32.const 9000)) (drop) (i32.const 3))
      (catch_all (i32.store (i32.const 13000) (i32.const 1)) (i32.const 4))))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32)
      (do (try (do (loop (call $raise (local.get 0)))) (catch_all (loop (i32.store8 (i32.const 30) (i32.const 1)) (rethrow 1)))) (i32.const 1))
      (catch $a)))
  (func (export "delegate") (param i32) (result i32)
    (try $outer (result i32)
      (do (loop (try (do (try (do (call $raise (local.get 0))) (delegate $outer))) (catch_all (i32.store (i32.const 60) (i32.const 1))))) (i32.const 1))
      (catch $a (i32.store (i32.const 64)) (i32.const 2)) (catch_all (i32.const 3))))`;

const EXTENDED = `(memory (export "memory") 1) (global $made i32 (i32.add (i32.const 4) (i32.mul (i32.const 3) (i32.const 1000))))
  (global $wide (export "wide") (mut i64) (i64.sub (i64.const 4) (i64.const 5)))
  (data (i32.sub (i32.const 5000) (i32.const 908)) "across the end of a page")
  (func (export "read") (param i32) (result i32)
    (i64.store (global.get $made) (global.get $wide)) (i32.load (i32.add (i32.const 4090) (local.get 0))))`;

const BYTES = [0, 1, 2, 3, 4, 5];

/** Everything that the corpus of instructions has not. */
export const CONTROL: readonly Specimen[] = [
  specimen('blocks, loops and choices', STRUCTURE, [
    ...each('blocks', BYTES), ...each('table', [0, 1, 2, 3, 99, -1]), ...each('loops', [1, 5]), ...each('choose', [0, 1]),
    ...each('trap', [0, 1]), ['constants'],
  ]),
  specimen('calls, tail calls, globals, tables and references', CALLS, [
    ...each('direct', BYTES), ...each('indirect', BYTES), ...each('tail', BYTES), ...each('down', [0, 5000]),
    ...each('tailIndirect', BYTES), ...each('references', BYTES),
  ]),
  specimen('memory instructions', MEMORY, [
    ['size'], ['fill', 4000, 200], ['fill', 65530, 6], ['fill', 65530, 7], ['fill', 65536, 0], ['fill', 65537, 0], ['fill', -1, 1],
    ['copy', 9000, 40], ['copy', -4, 8], ['copy', 4080, 20], ['init', 12286, 6], ['init', 12286, 7], ['init', 65536, 0], ['late', 5, 0],
    ['late', 5, 1], ['drop'], ['init', 5, 0], ['init', 5, 1], ['grow', 0], ['grow', 1], ['fill', 65530, 4000], ['fill', 131072, 1], ['grow', 2],
    ['grow', -1], ['size'],
  ]),
  specimen('extended constants', EXTENDED, each('read', BYTES)),
  specimen('exceptions', EXCEPTIONS, [...each('catch', BYTES), ...each('rethrow', BYTES), ...each('delegate', BYTES)]),
]; // biome-ignore format: scripts
