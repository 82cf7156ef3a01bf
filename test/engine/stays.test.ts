import t from 'tap';
import type { Running } from '../../src/engine/batch.js';
import { createStays } from '../../src/engine/stays.js';
import { createSlotTable, finishSlot, queueSlot, RESPONSE, type Slot, takeSlot } from '../../src/protocol/slot.js';
import { stopClock } from './clock.js';

function running(): Running {
  const slot = createSlotTable(1, 8192).slots[0] as Slot;
  queueSlot(slot, 1, { releaseKey: 1, requestBytes: 0, source: 0, tenantId: 0, deadlineMs: 100 });
  takeSlot(slot, 1, Date.now());
  return { slot, call: undefined } as unknown as Running;
}

function ended(): Running {
  const entry = running();
  finishSlot(entry.slot, { kind: RESPONSE, bytes: 0, hostCalls: 0, endedAt: Date.now() });
  return entry;
}

t.test('the main thread stays until the guest has its next turn', async (t) => {
  const stays = createStays(() => true);
  stays.begin();
  t.equal(stays.with(ended()), true);
  t.equal(stays.with(running()), false, 'nothing comes of a guest that goes on computing');
});

t.test('nobody stays while something else is under way, or while the answer is not there', async (t) => {
  const stays = createStays(() => false);
  t.equal(stays.with(ended()), false);
  const late = { ...ended(), call: { isAnswering: true } } as unknown as Running;
  t.equal(createStays(() => true).with(late), false);
});

t.test('a guest that calls again and again does not keep the event loop from its turn', async (t) => {
  const clock = stopClock(t);
  const stays = createStays(() => true);
  const entry = ended();
  stays.begin();
  for (let ms = 0; ms < 2; ms += 0.5) {
    t.equal(stays.with(entry), true, `after ${ms} ms`);
    clock.pass(0.5);
  }
  t.equal(stays.with(entry), false);
  stays.begin();
  t.equal(stays.with(entry), true);
});
