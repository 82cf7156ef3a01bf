import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { limitMemory } from '../../src/rewrite/memory-limit.js';
import { hex, wat } from './wat.js';

const HEADER = '0061736d01000000';

function module(...sections: string[]): Uint8Array {
  return Buffer.from(HEADER + sections.join(''), 'hex');
}

function reasonOf(bytes: Uint8Array, maxPages: number): unknown {
  try {
    limitMemory(bytes, maxPages);
  } catch (error) {
    return error instanceof SandpoolError ? [error.code, error.details.reason] : error;
  }
  return 'no error';
}

t.test('a memory without maximum gets the limit, and every other byte stays', async (t) => {
  const custom = '000a046c696e610102030405';
  const before = module(custom, '0503010010', custom);
  t.equal(hex(limitMemory(before, 4096)), `${HEADER}${custom}05050101108020${custom}`);
});

t.test('a higher maximum is lowered', async (t) => {
  t.equal(hex(limitMemory(module('0506010110808004'), 17)), `${HEADER}050401011011`);
});

t.test('a maximum that is low enough leaves the very same bytes', async (t) => {
  const before = module('050401011011');
  t.equal(limitMemory(before, 17), before);
});

t.test('a module without memory stays the very same', async (t) => {
  const before = module();
  t.equal(limitMemory(before, 1), before);
});

t.test('a shared memory stays shared', async (t) => {
  t.equal(hex(limitMemory(module('050401030120'), 16)), `${HEADER}050401030110`);
});

t.test('a minimum above the limit is an error that names both', async (t) => {
  t.same(reasonOf(module('0503010010'), 15), [
    'SBX_MODULE_INVALID',
    'its memory needs at least 16 pages of 64 KiB and 15 are allowed',
  ]);
});

t.test('an imported memory is reported by its name', async (t) => {
  t.same(reasonOf(wat('(module (import "env" "mem" (memory 1)))'), 16), [
    'SBX_MODULE_INVALID',
    'it imports its memory (env.mem)',
  ]);
});

t.test('a guest that grows without end stops at the limit', async (t) => {
  const bytes = wat('(module (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 1))))');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(limitMemory(bytes, 3).slice()));
  const grow = exports.grow as () => number;
  t.same([grow(), grow(), grow()], [1, 2, -1]);
});

t.test('what is not a module is refused with the byte where it stops making sense', async (t) => {
  const wrong: [string, Uint8Array, string][] = [
    ['empty', Buffer.alloc(0), 'this is not a WebAssembly module of version 1 (at byte 0)'],
    ['version 2', Buffer.from('0061736d02000000', 'hex'), 'this is not a WebAssembly module of version 1 (at byte 0)'],
    ['a size beyond the end', module('050a0100'), 'unexpected end (at byte 12)'],
    ['an unknown section', module('0e00'), 'unknown section 14 (at byte 8)'],
    ['the same section twice', module('0503010010', '0503010010'), 'section 5 is out of order (at byte 13)'],
    ['a number of six bytes', module('05808080808000'), 'a number has more than 32 bits (at byte 14)'],
    ['bytes after the last memory', module('050401001000'), 'unexpected bytes at the end of a section (at byte 13)'],
    ['more memories than bytes', module('05037f0010'), 'a list of 127 is too long (at byte 11)'],
  ];
  for (const [name, bytes, reason] of wrong) {
    t.same(reasonOf(bytes, 16), ['SBX_MODULE_INVALID', reason], name);
  }
});
