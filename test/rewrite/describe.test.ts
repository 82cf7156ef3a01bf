import t from 'tap';
import { describeModule } from '../../src/rewrite/describe.js';
import { wat } from './wat.js';

t.test('a module tells its imports, exports, memory, globals, start and features', async (t) => {
  const described = describeModule(
    wat(`(module
      (import "lina_env" "host_call" (func (param i32 i32 i32) (result i64)))
      (memory (export "memory") 2 9)
      (global $a (mut i32) (i32.const 1)) (global (mut i64) (i64.const -1)) (global f64 (f64.const 1))
      (table 3 funcref) (elem (i32.const 0) $f $g)
      (func $f (export "run") (param v128) (result i32 i32) (i32.const 1) (i32.const 2))
      (func $g (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1)))
      (start $g)
      (data (i32.const 8) "abc") (data "passive"))`),
  );
  t.match(described, {
    imports: [{ module: 'lina_env', name: 'host_call', kind: 'function' }],
    exports: [
      { name: 'memory', kind: 'memory', index: 0 },
      { name: 'run', kind: 'function', index: 1 },
    ],
    memories: [{ minPages: 2, maxPages: 9, isShared: false, is64: false, isImported: false }],
    mutableGlobals: 2,
    hasStart: true,
    functions: 2,
    tables: 1,
    dataSegments: 2,
    features: ['bulk-memory', 'multi-value', 'simd'],
  });
});

t.test('threads, 64-bit memories, several memories, references and exceptions are named', async (t) => {
  const features = (text: string) => describeModule(wat(text)).features;
  t.same(features('(module (memory 1 2 shared))'), ['threads']);
  t.same(features('(module (memory i64 1))'), ['memory64']);
  t.same(features('(module (memory 1) (memory 1))'), ['multi-memory']);
  t.same(features('(module (global externref (ref.null extern)))'), ['reference-types']);
  t.same(features('(module (tag (param i32)))'), ['exceptions']);
  t.same(features('(module (global i32 (i32.add (i32.const 1) (i32.const 2))))'), ['extended-const']);
});

t.test('a type that does not exist is an error', async (t) => {
  const bytes = Buffer.from('0061736d01000000' + '03020105', 'hex');
  t.throws(() => describeModule(bytes), { code: 'SBX_MODULE_INVALID' });
});
