/** What cannot be reset is detected, runs fresh all the same, and everybody is told why. */
import t from 'tap';
import { inspectModule } from '../../src/cli/inspect-module.js';
import type { SandpoolError } from '../../src/protocol/errors.js';
import { bodyOf, startEngine } from '../engine-host.js';
import { assembleWat } from '../guest-modules.js';

const BRIDGE = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: 'lina_dynamic_route_alloc',
  executeExport: 'lina_dynamic_route_execute',
} as const;

/** A guest that answers `ok` and has one thing more. */
const guest = (more: string, memory = '(memory (export "memory") 2)'): Promise<Uint8Array> =>
  assembleWat(`(module ${memory}
    (data (i32.const 16) "\\08\\c8\\01\\12\\0atext/plain\\22\\02ok")
    (func (export "lina_dynamic_route_alloc") (param i32) (result i32) (i32.const 65536))
    (func (export "lina_dynamic_route_execute") (param i32) (result i64) (i64.const 0x1000000013))
    ${more})`);

const FRESH: readonly [what: string, module: Promise<Uint8Array>, reason: string][] = [
  [
    'table.set',
    guest('(table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))'),
    'it changes a table (table.set)',
  ],
  [
    'table.grow',
    guest('(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))'),
    'it changes a table (table.grow)',
  ],
  [
    'table.fill',
    guest('(table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1)))'),
    'it changes a table (table.fill)',
  ],
  [
    'table.copy',
    guest('(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))'),
    'it changes a table (table.copy)',
  ],
  [
    'table.init',
    guest('(table 1 funcref) (elem $e funcref) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))'),
    'it changes a table (table.init)',
  ],
  [
    'an atomic instruction',
    guest('(func (i32.atomic.store (i32.const 0) (i32.const 1)))'),
    'it uses atomic instructions',
  ],
  ['shared memory', guest('', '(memory (export "memory") 2 4 shared)'), 'its memory is shared between threads'],
  [
    'a global that holds a vector',
    guest('(global (mut v128) (v128.const i64x2 0 0))'),
    'a mutable global holds a vector',
  ],
  [
    'a global that holds a reference',
    guest('(global (mut externref) (ref.null extern))'),
    'a mutable global holds a reference',
  ],
];

for (const [what, module, reason] of FRESH) {
  t.test(`a release with ${what} runs fresh, and log, metric and inspect say so`, async (t) => {
    const bytes = await module;
    const host = startEngine(t);
    await host.load('guest', bytes);
    t.same([bodyOf(await host.request('guest')), bodyOf(await host.request('guest'))], ['ok', 'ok']);
    t.match(
      host.logs.find(({ level }) => level === 'warn')?.text,
      `runs fresh instead of pristine: instances cannot be reset`,
    );
    t.ok(
      host.logs.some(({ text }) => text.includes(reason)),
      reason,
    );
    t.match(await host.metrics.render(), 'sandpool_plugin_isolation{plugin="guest",isolation="fresh"} 1');
    const { isolation } = await inspectModule(bytes, BRIDGE);
    t.same(isolation, { eligible: ['fresh', 'warm'], reasons: [reason] });
  });
}

t.test('dropped segments are no reason: a reset brings them back', async (t) => {
  const bytes = await guest('(data $d "x") (table 1 funcref) (elem $e funcref) (func (data.drop $d) (elem.drop $e))');
  const host = startEngine(t);
  await host.load('guest', bytes);
  t.match(await host.metrics.render(), 'sandpool_plugin_isolation{plugin="guest",isolation="pristine"} 1');
  t.same((await inspectModule(bytes, BRIDGE)).isolation, { eligible: ['pristine', 'fresh', 'warm'], reasons: [] });
});

/** What a guest may not import, because the host has none to give; and what this V8 may not know. */
const REFUSED: readonly [what: string, module: Promise<Uint8Array>][] = [
  ['an imported memory', assembleWat('(module (import "env" "m" (memory 1)))')],
  ['an imported table', guest('', '(import "env" "t" (table 1 funcref)) (memory (export "memory") 2)')],
  ['an imported global', guest('', '(import "env" "g" (global i32)) (memory (export "memory") 2)')],
];

for (const [what, module] of REFUSED) {
  t.test(`a release with ${what} is refused, or each of its requests, and never guessed at`, async (t) => {
    const host = startEngine(t);
    try {
      await host.load('guest', await module);
    } catch (error) {
      t.match(error, { code: 'SBX_MODULE_INVALID' } as Partial<SandpoolError>);
      return;
    }
    t.equal(bodyOf(await host.request('guest')), 'SBX_INSTANTIATE_FAILED');
    t.match(await host.metrics.render(), 'sandpool_plugin_isolation{plugin="guest",isolation="fresh"} 1');
  });
}
