import t from 'tap';
import { rewriteModule } from '../../src/rewrite/rewrite.js';
import { type Call, compareForms, difference, original, rewritten } from './compare.js';
import { wat } from './wat.js';

/** Around the ends of two pages of memory, of a 4 KiB page, of the map's page, and of 32 bits. */
const ADDRESSES = [
  0, 1, 4095, 4096, 8190, 65535, 65536, 131064, 131068, 131070, 131071, 131072, 131073, 196608, 0x7fffffff, 0x80000000,
  0xfffeffff, 0xffff0000, 0xffff0fff, 0xfffffff0, 0xfffffffc, 0xffffffff,
];
const OFFSETS = [
  '',
  'offset=1',
  'offset=8',
  'offset=4095',
  'offset=65536',
  'offset=131071',
  'offset=4294901760',
  'offset=4294967295',
];

const signed = (value: number): number => value | 0;

function storeModule(instruction: string, value: string): Uint8Array<ArrayBuffer> {
  const functions = OFFSETS.map((offset, index) => {
    const [name, lane = ''] = instruction.split(' ');
    return `(func (export "s${index}") (param i32) (${name} ${offset} ${lane} (local.get 0) (${value})))
      (func (export "c${index}") (param i32) (${name} ${offset} ${lane} (i32.add (call $id (local.get 0)) (i32.const 0)) (${value})))`;
  });
  return wat(
    `(module (memory (export "memory") 2 4) (func $id (param i32) (result i32) (local.get 0)) ${functions.join('\n')})`,
  );
}

const V128 = 'v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16';
const STORES: readonly [string, string][] = [
  ['i32.store', 'i32.const -1'],
  ['i32.store8', 'i32.const -2'],
  ['i32.store16', 'i32.const -3'],
  ['i64.store', 'i64.const -4'],
  ['i64.store8', 'i64.const -5'],
  ['i64.store16', 'i64.const -6'],
  ['i64.store32', 'i64.const -7'],
  ['f32.store', 'f32.const 1.5'],
  ['f64.store', 'f64.const -1.5'],
  ['v128.store', V128],
  ['v128.store8_lane 3', V128],
  ['v128.store16_lane 7', V128],
  ['v128.store32_lane 1', V128],
  ['v128.store64_lane 1', V128],
];

for (const [instruction, value] of STORES) {
  t.test(`${instruction} writes, traps and is reset at every edge as it was before rewriting`, async (t) => {
    const bytes = storeModule(instruction, value);
    const before = original(bytes);
    const after = rewritten(bytes);
    after.state.takeSnapshot(false);
    const calls = ['s', 'c'].flatMap((form) =>
      OFFSETS.flatMap((_, index) => ADDRESSES.map((address): Call => [`${form}${index}`, signed(address)])),
    );
    for (const call of calls) {
      const expected = before.run([call]);
      const wrong = difference(expected, after.run([call]));
      if (wrong !== undefined) t.fail(`${call}: ${wrong}`);
      after.state.reset();
      expected.memory.fill(0);
      if (Buffer.compare(after.state.memory(), expected.memory) !== 0) t.fail(`${call} was not reset`);
    }
  });
}

t.test('a store that traps leaves no mark and no change', async (t) => {
  for (const [instruction, value] of STORES) {
    const guest = rewritten(storeModule(instruction, value));
    guest.state.takeSnapshot(false);
    const script = OFFSETS.flatMap((_, index): Call[] => [
      [`s${index}`, signed(0xffffffff)],
      [`c${index}`, 131072],
    ]);
    const { results } = guest.run(script);
    t.ok(
      results.every((result) => result.endsWith('memory access out of bounds')),
      instruction,
    );
    t.match(guest.state.reset(), { dirtyPages: 0 }, instruction);
  }
});

const LOADS = [
  'i32.load', 'i64.load', 'f32.load', 'f64.load', 'i32.load8_s', 'i32.load8_u', 'i32.load16_s', 'i32.load16_u', 'i64.load8_s',
  'i64.load8_u', 'i64.load16_s', 'i64.load16_u', 'i64.load32_s', 'i64.load32_u',
]; // biome-ignore format: a table
const VECTOR_LOADS = [
  'v128.load',
  'v128.load8x8_s',
  'v128.load8x8_u',
  'v128.load16x4_s',
  'v128.load16x4_u',
  'v128.load32x2_s',
  'v128.load32x2_u',
  'v128.load8_splat',
  'v128.load16_splat',
  'v128.load32_splat',
  'v128.load64_splat',
  'v128.load32_zero',
  'v128.load64_zero',
];
const LANE_LOADS = ['v128.load8_lane 15', 'v128.load16_lane 1', 'v128.load32_lane 2', 'v128.load64_lane 1'];

t.test('every load reads the same at every edge', async (t) => {
  const scalar = (name: string) =>
    [`(result ${name.slice(0, 3)})`, (offset: string) => `(${name} ${offset} (local.get 0))`] as const;
  const vector = (name: string) =>
    ['(result i64)', (offset: string) => `(i64x2.extract_lane 1 (${name} ${offset} (local.get 0)))`] as const;
  const lane = (text: string) => {
    const [name, index] = text.split(' ');
    return [
      '(result i64)',
      (offset: string) => `(i64x2.extract_lane 1 (${name} ${offset} ${index} (local.get 0) (${V128})))`,
    ] as const;
  };
  const forms = [...LOADS.map(scalar), ...VECTOR_LOADS.map(vector), ...LANE_LOADS.map(lane)];
  const functions = forms.flatMap(([result, code], form) =>
    OFFSETS.map((offset, index) => `(func (export "l${form}_${index}") (param i32) ${result} ${code(offset)})`),
  );
  const bytes = wat(`(module (memory (export "memory") 2 2) ${functions.join('\n')}
    (data (i32.const 0) "abcdefghijklmnopqrst") (data (i32.const 4090) "0123456789ABCDEF") (data (i32.const 131060) "uvwxyzUVWXYZ"))`);
  const script = forms.flatMap((_, form) =>
    OFFSETS.flatMap((_, index) => ADDRESSES.map((address): Call => [`l${form}_${index}`, signed(address)])),
  );
  t.equal(compareForms(bytes, script), undefined);
});

t.test('a store beside a marked one is reset too, however far it is', async (t) => {
  const distances = [-4096, -300, -264, -257, -256, -255, -8, -7, 0, 8, 247, 248, 249, 255, 256, 257, 300, 4096];
  const far = (distance: number) => `(i32.add (local.get 0) (i32.const ${distance}))`;
  const functions = distances.map(
    (distance, index) => `(func (export "f${index}") (param i32)
      (i32.store8 (local.get 0) (i32.const 1)) (i64.store ${far(distance)} (i64.const -1)))`,
  );
  const bytes = wat(`(module (memory (export "memory") 2) ${functions.join('\n')})`);
  const guest = rewritten(bytes);
  guest.state.takeSnapshot(false);
  const pages: number[] = [];
  for (const index of distances.keys()) {
    for (const address of [8191, 8192, 12287]) {
      guest.run([[`f${index}`, address]]);
      pages.push(guest.state.reset().dirtyPages);
      if (guest.state.memory().some((byte) => byte !== 0)) t.fail(`${distances[index]} from ${address}`);
    }
  }
  t.ok(pages.includes(1) && pages.includes(2), 'near stores share a mark, far ones have their own');
});

t.test('a pointer that moves in a loop, or on one of two paths, leaves a mark on every page', async (t) => {
  const poke = '(i32.store8 (local.get 0) (i32.const 1))';
  const move = '(local.set 0 (i32.add (local.get 0) (i32.const 8192)))';
  const bytes = wat(`(module (memory (export "memory") 2)
    (func (export "loop") (param i32) ${poke} (loop ${poke} ${move} (br_if 0 (i32.lt_u (local.get 0) (i32.const 100000)))))
    (func (export "if") (param i32 i32) ${poke} (if (local.get 1) (then ${move} ${poke})) ${poke})
    (func (export "else") (param i32 i32) ${poke} (if (local.get 1) (then ${move} ${poke}) (else ${poke})) ${poke})
    (func (export "skip") (param i32 i32) (block (br_if 0 (local.get 1)) ${poke}) ${poke})
    (func (export "table") (param i32 i32)
      (block (block (br_table 0 1 (local.get 1))) ${move} ${poke}) ${poke})
    (func (export "throw") (param i32 i32) (try (do (if (local.get 1) (then ${move} (call $t))) ${poke}) (catch $e)) ${poke})
    (tag $e) (func $t (throw $e)))`);
  for (const name of ['loop', 'if', 'else', 'skip', 'table', 'throw']) {
    for (const way of [0, 1, 2]) t.equal(compareForms(bytes, [[name, 100, way]]), undefined, `${name} ${way}`);
  }
});

t.test('memory.fill, copy and init trap exactly where they did, also where sums pass 2^32', async (t) => {
  const bytes = wat(`(module (memory (export "memory") 2 4)
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init 1 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "active") (param i32 i32 i32) (memory.init 0 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop 1)) (func (export "dropActive") (data.drop 0))
    (data (i32.const 100) "some bytes") (data "a passive segment"))`);
  const lengths = [0, 1, 2, 17, 18, 4096, 4097, 65536, 131072, 131073, 0x10000, 0xffff0000, 0xffffffff];
  for (const address of ADDRESSES) {
    const script = lengths.flatMap((length): Call[] => [
      ['fill', signed(address), 7, signed(length)],
      ['copy', signed(address), 90, signed(length)],
      ['copy', 5, signed(address), signed(length)],
      ['init', signed(address), 0, signed(length)],
      ['init', signed(address), 17, signed(length)],
      ['init', 9, signed(address), signed(length)],
      ['active', signed(address), 0, signed(length)],
      ['active', 3, signed(address), signed(length)],
    ]);
    const all: Call[] = [...script, ['drop'], ['dropActive'], ...script];
    t.equal(compareForms(bytes, all), undefined, `around ${address}`);
  }
});

t.test('a guest cannot reach the map by memory.fill: the known hole', async (t) => {
  const guest = rewritten(
    wat(`(module (memory (export "memory") 1 4)
      (func (export "dirty") (i32.store (i32.const 20000) (i32.const 1)))
      (func (export "hide") (memory.fill (i32.const 0xffff0000) (i32.const 0) (i32.const 65536))))`),
  );
  guest.state.takeSnapshot(false);
  t.same(guest.run([['dirty'], ['hide']]).results, ['dirty: undefined', 'hide: memory access out of bounds']);
  t.match(guest.state.reset(), { dirtyPages: 1 });
  t.equal(guest.state.memory()[20000], 0);
});

t.test('memory grows to its limit, is small again after a reset, and is zero when it grows again', async (t) => {
  const bytes = wat(`(module (memory (export "memory") 1 3)
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "poke") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0))))`);
  const script: Call[] = [
    ['size'], ['grow', 0], ['grow', 3], ['grow', -1], ['grow', 1], ['size'], ['peek', 131071], ['poke', 131071], ['grow', 2],
    ['grow', 1], ['grow', 1], ['size'], ['poke', 196607], ['poke', 196608], ['peek', 196607],
  ]; // biome-ignore format: a script
  t.equal(compareForms(bytes, script), undefined);
  const guest = rewritten(bytes);
  guest.state.takeSnapshot(false);
  guest.run(script);
  t.same(guest.state.reset(), { dirtyPages: 2, hasGrown: true });
  t.equal(guest.state.memory().length, 65536);
  const again: Call[] = [['size'], ['grow', 2], ['peek', 131071], ['peek', 196607], ['grow', 1]];
  t.same(guest.run(again).results, ['size: 1', 'grow: 1', 'peek: 0', 'peek: 0', 'grow: -1']);
});

t.test('the limit stops growth, whatever the module allows itself', async (t) => {
  const bytes = wat(
    '(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))',
  );
  const guest = rewritten(bytes, { maxPages: 3 });
  t.same(
    guest.run([
      ['grow', 2],
      ['grow', 1],
    ]).results,
    ['grow: 1', 'grow: -1'],
  );
  t.throws(() => rewriteModule(wat('(module (memory 5))'), { maxPages: 4, dirtyPages: true, fuel: false }), {
    code: 'SBX_MODULE_INVALID',
  });
});

t.test('data segments that overlap and start functions leave the memory they always left', async (t) => {
  const bytes = wat(`(module (memory (export "memory") 1)
    (global $g (export "g") (mut i32) (i32.const 3)) (global (export "h") (mut f64) (f64.const 2.5))
    (global $k (export "k") (mut i64) (i64.const -9))
    (data (i32.const 10) "hello world") (data (i32.const 12) "LL") (data (i32.const 5000) "far") (data (i32.const 65536) "")
    (func $start (i32.store (i32.const 5001) (global.get $g)) (global.set $g (i32.const 4)) (global.set $k (i64.const 1)))
    (func (export "run") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
    (start $start))`);
  t.equal(compareForms(bytes, [['run'], ['run']]), undefined);
});

t.test('a new instance becomes equal to a snapshot of another one, grown memory and globals included', async (t) => {
  const bytes = wat(`(module (memory (export "memory") 1 4) (global $n (export "n") (mut i64) (i64.const 0))
    (data (i32.const 0) "image")
    (func (export "_initialize") (drop (memory.grow (i32.const 2))) (i32.store (i32.const 190000) (i32.const 77))
      (global.set $n (i64.const 5)))
    (func (export "read") (result i32) (i32.store (i32.const 3) (i32.const 1)) (i32.load (i32.const 190000))))`);
  const first = rewritten(bytes);
  first.run([['_initialize']]);
  const snapshot = first.state.takeSnapshot(true);
  const second = rewritten(bytes);
  t.equal(second.state.applySnapshot(snapshot), true);
  for (let round = 0; round < 3; round++) {
    t.same(second.run([['read']]).results, ['read: 77']);
    t.match(second.state.reset(), { dirtyPages: 1 });
    t.equal(Buffer.compare(second.state.memory(), snapshot.memory), 0);
    t.equal((second.exports.n as WebAssembly.Global).value, 5n);
  }
});

t.test('what the host writes is reset once it is marked', async (t) => {
  const guest = rewritten(wat('(module (memory (export "memory") 1))'));
  guest.state.takeSnapshot(true);
  guest.state.memory().fill(9, 4000, 13000);
  guest.state.mark(4000, 9000);
  guest.state.mark(70, 0);
  t.match(guest.state.reset(), { dirtyPages: 4 });
  t.ok(guest.state.memory().every((byte) => byte === 0));
});

t.test(
  'an endless loop stops when the host gives no more fuel, and the instance can be reset and used again',
  async (t) => {
    let asked = 0;
    const guest = rewritten(
      wat(`(module (memory (export "memory") 1)
      (func (export "spin") (loop (i32.store (i32.const 8) (i32.const 1)) (br 0)))
      (func (export "table") (loop (br_table 0 0 (i32.const 7))))
      (func (export "caught") (loop (try (do (loop (br 0))) (catch_all (br 1)))))
      (func $tail (export "tail") (return_call $tail))
      (func (export "fine") (result i32) (i32.load (i32.const 8))))`),
      {},
      () => (asked++ < 3 ? 1000 : 0),
    );
    guest.state.takeSnapshot(false);
    for (const name of ['spin', 'table', 'caught', 'tail']) {
      asked = 0;
      t.same(guest.run([[name]]).results, [`${name}: unreachable`]);
      t.equal(asked, 4);
      guest.state.reset();
      t.same(guest.run([['fine']]).results, ['fine: 0']);
    }
  },
);

t.test('a long memory.fill costs fuel by its length', async (t) => {
  let asked = 0;
  const guest = rewritten(
    wat(
      '(module (memory (export "memory") 4) (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 262144))))',
    ),
    {},
    () => (asked++ < 2 ? 1 : 0),
  );
  t.same(guest.run([['fill'], ['fill'], ['fill']]).results, [
    'fill: undefined',
    'fill: undefined',
    'fill: unreachable',
  ]);
});

t.test('fuel alone leaves memory, data and start as they are', async (t) => {
  const bytes = wat(`(module (import "env" "id" (func $id (param i32) (result i32))) (memory (export "memory") 1 2)
    (data (i32.const 3) "abc") (func $s (i32.store8 (i32.const 9) (i32.const 1))) (start $s)
    (func (export "f") (result i32) (loop (result i32) (call $id (i32.load8_u (i32.const 3))))))`);
  const { bytes: out, layout } = rewriteModule(bytes, { maxPages: 2, dirtyPages: false, fuel: true });
  t.match(layout, { memoryBase: 0, globals: [], fuelGlobal: 'sandpool.fuel' });
  const imports = { env: { id: (x: number) => x }, sandpool: { fuel: () => 1 } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(out), imports);
  t.equal((exports.f as () => number)(), 97);
  t.equal(new Uint8Array((exports.memory as WebAssembly.Memory).buffer)[9], 1);
});

t.test('names that the guest uses itself are not taken', async (t) => {
  const bytes = wat('(module (memory (export "sandpool.memory") 1) (func (export "sandpool.fuel")))');
  const { layout } = rewriteModule(bytes, { maxPages: 2, dirtyPages: true, fuel: true });
  t.match(layout, { memoryExport: '_sandpool.memory', fuelGlobal: '_sandpool.fuel', sizeGlobal: '_sandpool.size' });
});

t.test('functions keep their names in stack traces, and every other custom section is left out', async (t) => {
  const text = '(module (func $innermost unreachable) (func $outer (export "run") (call $innermost)))';
  const bytes = wat(text, true);
  const withCustom = new Uint8Array([...bytes, ...Buffer.from('000a046c696e610102030405', 'hex')]);
  const { bytes: out } = rewriteModule(withCustom, { maxPages: 1, dirtyPages: true, fuel: true });
  t.equal(Buffer.from(out).includes('lina'), false);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(out), { sandpool: { fuel: () => 1 } });
  try {
    (exports.run as () => void)();
  } catch (error) {
    t.match((error as Error).stack, /at innermost .*\n.*at outer /);
  }
  const without = rewriteModule(withCustom, { maxPages: 1, dirtyPages: true, fuel: true, keepNames: false });
  t.ok(without.bytes.length < out.length);
});

t.test('what cannot be reset is refused with all its reasons', async (t) => {
  const text =
    '(module (import "env" "t" (table 1 funcref)) (memory 1 1 shared) (func (table.set 0 (i32.const 0) (ref.null func))))';
  t.throws(() => rewriteModule(wat(text), { maxPages: 2, dirtyPages: true, fuel: false }), {
    code: 'SBX_MODULE_UNSUPPORTED',
    details: {
      reasons: ['it imports a table (env.t)', 'its memory is shared between threads', 'it changes a table (table.set)'],
    },
  });
});

t.test('what the engine refuses is refused with its words', async (t) => {
  t.throws(() => rewriteModule(wat('(module (func (result i32)))'), { maxPages: 2, dirtyPages: true, fuel: false }), {
    code: 'SBX_MODULE_INVALID',
    message: /expected 1 elements on the stack/,
  });
});

t.test('calls, tables, references, exceptions and several results work as before', async (t) => {
  const bytes = wat(`(module
    (import "env" "id" (func $id (param i32) (result i32))) (import "env" "f" (func $f))
    (memory (export "memory") 1) (tag $e (param i32 i64)) (type $b (func (param i32) (result i32)))
    (table $t 4 funcref) (table $x 2 externref) (elem (i32.const 0) $twice $id) (elem declare func $rec) (elem funcref (ref.func $rec))
    (global $r funcref (ref.func $twice))
    (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func $rec (export "rec") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
        (else (i32.store (i32.mul (local.get 0) (i32.const 300)) (local.get 0))
              (i32.add (local.get 0) (call $rec (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "indirect") (param i32 i32) (result i32) (call_indirect $t (type $b) (local.get 1) (local.get 0)))
    (func (export "tail") (param i32) (result i32) (return_call $twice (local.get 0)))
    (func (export "tailIndirect") (param i32) (result i32) (return_call_indirect $t (type $b) (local.get 0) (i32.const 1)))
    (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
    (func (export "multi") (param i32) (result i64)
      (local $p i32)
      (call $swap (local.get 0) (i64.const 40)) (local.set $p) (local.get $p)
      (block (param i64 i32) (result i64) (i64.extend_i32_u) (i64.add)))
    (func (export "loopParams") (param i32) (result i32)
      (local.get 0) (i32.const 0)
      (loop $l (param i32 i32) (result i32)
        (i32.add (i32.const 3)) (local.set 0) (i32.sub (i32.const 1)) (local.get 0)
        (i32.store (i32.mul (local.get 0) (i32.const 5)) (local.get 0))
        (br_if $l (i32.lt_s (local.get 0) (i32.const 100)))
        (i32.add)))
    (func (export "throws") (param i32) (result i32)
      (try $t (result i32)
        (do (i32.store (i32.const 40) (local.get 0))
            (loop (br_if 1 (i32.const 1) (i32.eqz (local.get 0)))
              (try (do (throw $e (local.get 0) (i64.const 4))) (delegate $t)) (drop))
            (i32.const 5))
        (catch $e (drop) (i32.store (i32.const 44)) (i32.load (i32.const 44)))
        (catch_all (i32.const -1))))
    (func (export "rethrows") (param i32) (result i32)
      (try (result i32)
        (do (loop (try (do (throw $e (i32.const 9) (i64.const 4))) (catch $e (drop) (drop) (loop (rethrow 1))))) (i32.const 5))
        (catch $e (drop))))
    (func (export "uncaught") (throw $e (i32.const 1) (i64.const 2)))
    (func (export "isNull") (result i32) (i32.add (ref.is_null (table.get $x (i32.const 1))) (ref.is_null (global.get $r))))
    (func (export "size") (result i32) (elem.drop 2) (i32.add (table.size $t) (ref.is_null (ref.func $rec))))
    (func (export "dead") (param i32) (result i32)
      (return (i32.const 3)) (i32.store) (loop (br 0) (drop))
      (block (i32.store offset=9 (i32.const 1) (i32.const 2)) (br_table 0 0 (i32.const 0)) (i64.store)) (drop) (i32.load)))`);
  const script: Call[] = [
    ['rec', 20], ['indirect', 0, 21], ['indirect', 1, 5], ['indirect', 3, 5], ['indirect', 9, 5], ['tail', 4], ['tailIndirect', 6],
    ['multi', 2], ['loopParams', 40], ['throws', 0], ['throws', 6], ['rethrows', 1], ['uncaught'], ['isNull'], ['size'], ['dead', 1],
  ]; // biome-ignore format: a script
  const run = original(bytes).run(script);
  t.same(run.results.slice(0, 3), ['rec: 210', 'indirect: 42', 'indirect: 5']);
  t.equal(compareForms(bytes, script), undefined);
});

/** A module with a memory of one page and these bodies, each a function without parameters that gives an i32. */
function withBodies(bodies: readonly string[], before = ''): Uint8Array<ArrayBuffer> {
  const section = (id: string, body: string) => `${id}${leb(body.length / 2)}${body}`;
  const code = bodies.map((body) => `${leb(body.length / 2 + 2)}00${body}0b`).join('');
  const exports = bodies.map((_, index) => `01${(0x61 + index).toString(16)}00${leb(index)}`).join('');
  const sections = [
    section('01', '016000017f'),
    section('03', leb(bodies.length) + '00'.repeat(bodies.length)),
    before,
    section('05', '01010104'),
    section('07', `${leb(bodies.length + 1)}066d656d6f72790200${exports}`),
    section('0a', leb(bodies.length) + code),
  ];
  return Uint8Array.from(Buffer.from(`0061736d01000000${sections.join('')}`, 'hex'));
}

function leb(value: number): string {
  const low = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
  return low.toString(16).padStart(2, '0') + (value > 0x7f ? leb(value >>> 7) : '');
}

t.test('an index in more bytes than it needs, or a memory by its name, hides no store from the reset', async (t) => {
  const stores: readonly [what: string, code: string][] = [
    ['memory.size', '3f80001a 418001 4107 360200 41808002 4107 360200'],
    ['memory.grow', '41004080001a 418001 4107 360200'],
    ['i32.store with an offset', '418001 4107 3602 8480808000'],
    ['i32.store of memory 0', '418001 4107 3642 00 04'],
    ['i32.store with a very long offset', '418001 4107 3602 84808080808000'],
    ['memory.fill', '418001 4107 4109 fc8b8000 00'],
    ['memory.copy', '418001 4107 4109 fc0a 8000 8000'],
  ];
  for (const [what, code] of stores) {
    const bytes = withBodies([`${code.replaceAll(' ', '')}418020280200`]);
    // What V8 does not accept yet has no effect that could be compared.
    if (!WebAssembly.validate(bytes)) continue;
    t.equal(compareForms(bytes, [['a'], ['a']]), undefined, what);
  }
});

t.test('a table that is filled by an expression holds the functions that it held', async (t) => {
  const bytes = withBodies(['4129', '412a', '4100110000'], '0409014000700003d2010b');
  if (!WebAssembly.validate(bytes)) return t.pass('this V8 knows no such tables');
  t.same(original(bytes).run([['c']]).results, ['c: 42']);
  t.equal(compareForms(bytes, [['c']]), undefined);
});

t.test('what would be too much for the engine with our additions is named, so that it can run fresh', async (t) => {
  const locals = wat(`(module (memory 1) (func (export "f") (param i32 i32)
    ${'(local i32)'.repeat(49_998)} (i32.store (i32.load (local.get 0)) (i32.load (local.get 1)))))`);
  t.throws(() => rewriteModule(locals, { maxPages: 2, dirtyPages: true, fuel: true }), {
    code: 'SBX_MODULE_UNSUPPORTED',
    details: { reasons: ['a function has too many locals to be rewritten'] },
  });
  t.ok(rewriteModule(locals, { maxPages: 2, dirtyPages: false, fuel: true }));
  const long = withBodies([`${'418001410736020041001a'.repeat(600_000)}4100`]);
  t.ok(WebAssembly.validate(long));
  t.throws(() => rewriteModule(long, { maxPages: 2, dirtyPages: true, fuel: true }), {
    code: 'SBX_MODULE_UNSUPPORTED',
    details: { reasons: ['a function is too long to be rewritten'] },
  });
});
