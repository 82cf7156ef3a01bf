import t from 'tap';
import { createGuestMemory } from '../../src/sandbox/memory.js';

const PAGE = 65536;

t.test('ranges that are not all inside the memory are refused', async (t) => {
  const memory = createGuestMemory(new WebAssembly.Memory({ initial: 1 }));
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
  const memory = createGuestMemory(source);
  memory.write(10, Buffer.from('x'));
  source.grow(1);
  t.equal(memory.size(), 2 * PAGE);
  t.equal(memory.view(10, 1)?.[0], 120);
  t.equal(memory.write(PAGE + 5, Buffer.from('y')), true);
  t.equal(memory.data().getUint8(PAGE + 5), 121);
});
