import t from 'tap';
import { createGuestMemory, plainMemory, resettableMemory } from '../../src/sandbox/memory.js';

const PAGE = 65536;

t.test('ranges that are not all inside the memory are refused (F018)', async (t) => {
  const memory = createGuestMemory(plainMemory(new WebAssembly.Memory({ initial: 1 })));
  t.equal(memory.view(PAGE - 4, 4)?.length, 4);
  t.equal(memory.view(PAGE, 0)?.length, 0, 'an empty range at the end is inside');
  for (const [address, bytes] of [
    [PAGE - 3, 4],
    [PAGE, 1],
    [0xffffffff, 1],
    [0xfffffff0, 0x20],
    [0, PAGE + 1],
  ] as const)
    t.equal(memory.view(address, bytes), undefined, `${address} + ${bytes}`);
  t.equal(memory.write(PAGE - 1, Buffer.from('ab')), false);
  t.equal(memory.view(PAGE - 1, 1)?.[0], 0, 'nothing of it was written');
});

t.test('views follow a memory that grows', async (t) => {
  const source = new WebAssembly.Memory({ initial: 1 });
  const memory = createGuestMemory(plainMemory(source));
  memory.write(10, Buffer.from('x'));
  source.grow(1);
  t.equal(memory.size(), 2 * PAGE);
  t.equal(memory.view(10, 1)?.[0], 120);
  t.equal(memory.write(PAGE + 5, Buffer.from('y')), true);
  t.equal(memory.getUint8(PAGE + 5), 121);
});

t.test('a number outside the memory throws and changes nothing', async (t) => {
  const marks: number[][] = [];
  const state = { memory: () => bytes, mark: (...mark: number[]) => void marks.push(mark) };
  const bytes = new Uint8Array(16);
  const memory = createGuestMemory(resettableMemory(state));
  t.throws(() => memory.setUint32(13, 1), RangeError);
  t.throws(() => memory.getBigUint64(9), RangeError);
  t.equal(memory.writable(15, 2), undefined);
  t.same(marks, []);
  t.ok(bytes.every((byte) => byte === 0));
});

t.test('whatever the host writes is marked', async (t) => {
  const marks: number[][] = [];
  const bytes = new Uint8Array(64);
  const memory = createGuestMemory(
    resettableMemory({ memory: () => bytes, mark: (...mark: number[]) => void marks.push(mark) }),
  );
  memory.setUint8(1, 1);
  memory.setUint16(2, 1);
  memory.setUint32(4, 1);
  memory.setBigUint64(8, 1n);
  memory.write(16, Buffer.from('abc'));
  memory.writable(32, 5)?.fill(1);
  memory.view(40, 5);
  t.same(marks, [
    [1, 1],
    [2, 2],
    [4, 4],
    [8, 8],
    [16, 3],
    [32, 5],
  ]);
});

t.test('what was inside before a reset is outside of the smaller memory', async (t) => {
  let bytes = new Uint8Array(64);
  const memory = createGuestMemory(resettableMemory({ memory: () => bytes, mark: () => {} }));
  bytes = new Uint8Array(bytes.buffer, 0, 32);
  memory.shrunk();
  t.equal(memory.view(30, 4), undefined);
  t.equal(memory.write(40, Buffer.from('a')), false);
  t.throws(() => memory.getUint8(32), RangeError);
  t.equal(memory.size(), 32);
});
