import t from 'tap';
import type { Lane, Running, RunningBatch, Waiting } from '../../src/engine/batch.js';
import { createHostWaiters } from '../../src/engine/host-waiters.js';
import { CALLING, createSlotTable, setBlocking } from '../../src/protocol/slot.js';
import { stopClock } from './clock.js';

const lane = (pluginId: string) => ({ pluginId, diskShare: 0 }) as Lane;
const waiting = (lane: Lane, ...services: string[]) =>
  ({
    lane,
    job: { release: { grantedServices: services.map((service) => ({ owner: '', service })) } },
  }) as unknown as Waiting;

function batchOf(lanes: readonly Lane[], isCalling: boolean): RunningBatch {
  const entries = lanes.map((lane) => {
    const slot = createSlotTable(1, 16_384).slots[0] as Running['slot'];
    if (isCalling) Atomics.store(slot.words, 0, CALLING);
    return { slot, waiting: waiting(lane) } as Running;
  });
  return { entries } as unknown as RunningBatch;
}

t.test('plugins that were seen waiting share so many threads, others are free', async (t) => {
  const [slow, other, light] = ['slow', 'other', 'light'].map(lane) as [Lane, Lane, Lane];
  const batches = [batchOf([slow], true), batchOf([light], false)];
  const waiters = createHostWaiters(batches, 2);
  t.ok(waiters.mayRun(waiting(slow)));
  for (const batch of batches) waiters.see(batch);
  t.ok(waiters.mayRun(waiting(slow)), 'a second thread');
  const second = batchOf([light, slow], false);
  batches.push(second);
  t.notOk(waiters.mayRun(waiting(slow)), 'no third');
  t.ok(waiters.mayRun(waiting(slow), second), 'but behind its own');
  t.notOk(waiters.mayRun(waiting(slow), batches[1]));
  t.ok(waiters.mayRun(waiting(other)));
  t.ok(waiters.mayRun(waiting(light)), 'light runs and was not seen waiting');
  t.notOk(waiters.mayRun(waiting(other, 'runtime', 'network')), 'another that may wait for the network');
  batches.pop();
  t.ok(waiters.mayRun(waiting(other, 'runtime', 'network')), 'as long as there are threads for it');
});

t.test('a plugin is free again when one of it has ended without waiting and none waits', async (t) => {
  const slow = lane('slow');
  const held = batchOf([slow], true);
  const batches = [held];
  const waiters = createHostWaiters(batches, 1);
  waiters.see(held);
  waiters.ended(batchOf([slow], false).entries[0] as Running);
  t.notOk(waiters.mayRun(waiting(slow)), 'one still waits');
  batches.pop();
  batches.push(batchOf([slow], false));
  waiters.ended(held.entries[0] as Running);
  t.notOk(waiters.mayRun(waiting(slow)), 'the one that waited proves nothing');
  waiters.ended(batchOf([slow], false).entries[0] as Running);
  t.ok(waiters.mayRun(waiting(slow)));
});

t.test('a plugin that waits for its own writes has two threads for them', async (t) => {
  const writing = lane('writing');
  const first = batchOf([writing], false);
  const batches = [first];
  const waiters = createHostWaiters(batches, 8);
  for (const { slot } of first.entries) setBlocking(slot, true);
  waiters.see(first);
  t.ok(waiters.mayRun(waiting(writing)));
  const second = batchOf([writing], false);
  batches.push(second);
  t.notOk(waiters.mayRun(waiting(writing)));
  t.ok(waiters.mayRun(waiting(writing), second), 'behind its own');
  for (const { slot } of first.entries) slot.times[1] = Date.now() - 1000;
  t.ok(waiters.mayRun(waiting(writing)), 'a third, when the first hangs: it may only want to read');
});

t.test('a plugin that waits for its own writes has one thread for them while others compute', async (t) => {
  const clock = stopClock(t);
  const [writing, light] = ['writing', 'light'].map(lane) as [Lane, Lane];
  const first = batchOf([writing], false);
  const waiters = createHostWaiters([first], 8);
  for (const { slot } of first.entries) {
    setBlocking(slot, true);
    slot.times[1] = clock.now();
  }
  waiters.see(first);
  waiters.ended(batchOf([light], false).entries[0] as Running);
  t.notOk(waiters.mayRun(waiting(writing)));
  clock.pass(999);
  for (const { slot } of first.entries) slot.times[1] = clock.now();
  t.notOk(waiters.mayRun(waiting(writing)));
  clock.pass(1);
  t.ok(waiters.mayRun(waiting(writing)), 'and two again when they have not for a second');
});

t.test(
  'who computes never stands behind a plugin that keeps its thread waiting, and gets a thread at once',
  async (t) => {
    const [slow, light] = ['slow', 'light'].map(lane) as [Lane, Lane];
    const held = batchOf([slow], true);
    const batches = [held];
    const waiters = createHostWaiters(batches, 8);
    t.notOk(waiters.isKeptOut(waiting(light)), 'nobody was seen waiting');
    waiters.see(held);
    t.notOk(waiters.mayRun(waiting(light), held));
    t.ok(waiters.isKeptOut(waiting(light)));
    t.notOk(waiters.isKeptOut(waiting(slow)));
    const free = batchOf([light], false);
    batches.push(free);
    t.notOk(waiters.isKeptOut(waiting(light)));
    t.ok(waiters.mayRun(waiting(light), free));
    t.notOk(waiters.mayRun(waiting(slow), free), 'nor does it stand before it');
    t.ok(waiters.mayRun(waiting(slow), batchOf([], false)), 'a thread of its own');
  },
);

t.test('a plugin that writes each time keeps out of the way of others, however short its writes', async (t) => {
  const [writing, light] = ['writing', 'light'].map(lane) as [Lane, Lane];
  const held = batchOf([writing], false);
  const waiters = createHostWaiters([held], 8);
  const end = (hasWritten: boolean) => {
    const { entries } = batchOf([writing], false);
    for (const entry of entries) {
      if (hasWritten) setBlocking(entry.slot, false);
      waiters.ended(entry);
    }
  };
  for (let write = 0; write < 8; write++) end(true);
  t.notOk(waiters.mayRun(waiting(light), held));
  for (let read = 0; read < 8; read++) end(false);
  t.ok(waiters.mayRun(waiting(light), held), 'it has stopped writing');
});
