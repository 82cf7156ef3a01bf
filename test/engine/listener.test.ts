import t from 'tap';
import type { Running, RunningBatch } from '../../src/engine/batch.js';
import type { JobResult, JobTimings } from '../../src/engine/job.js';
import { createListener } from '../../src/engine/listener.js';
import {
  createSlotTable,
  ELSEWHERE,
  FAILURE,
  finishSlot,
  queueSlot,
  RESPONSE,
  ring,
  type Slot,
  takeSlot,
} from '../../src/protocol/slot.js';

const REQUEST = { releaseKey: 1, requestBytes: 0, source: 0, tenantId: 0, deadlineMs: 1000 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

function startListener(t: { teardown(end: () => void): void }, slotCount: number) {
  const table = createSlotTable(slotCount, 8192);
  const entries = table.slots.map((slot, index) => {
    queueSlot(slot, index + 1, REQUEST);
    return { slot, ticket: index + 1, waiting: { enqueuedAt: 1000 } } as Running;
  });
  const batch = { entries } as unknown as RunningBatch;
  const settled: { entry: Running; result: string; timings: JobTimings }[] = [];
  let heard = 0;
  const listener = createListener({
    table,
    batches: [batch],
    stays: { begin: () => {}, with: () => false },
    settle(entry, result, timings) {
      entries.splice(entries.indexOf(entry), 1);
      settled.push({ entry, result: textOf(result), timings });
    },
    onHeard: () => {
      heard += 1;
    },
  });
  t.teardown(() => listener.close());
  const finish = (slot: Slot, kind: number, text: string): void => {
    takeSlot(slot, slot.index + 1, 1005);
    slot.payload.write(text);
    finishSlot(slot, { kind, bytes: text.length, hostCalls: 2, endedAt: 1012 });
  };
  return { table, slots: [...table.slots], batch, listener, settled, finish, heard: () => heard };
}

const textOf = (result: JobResult) => ('error' in result ? result.error.code : Buffer.from(result.response).toString());

t.test('when the bell rings, outcomes are taken in the order of the batch, with their times', async (t) => {
  const { table, slots, settled, finish, heard } = startListener(t, 3);
  const [first, second] = slots as [Slot, Slot, Slot];
  const before = heard();
  finish(second, RESPONSE, 'second');
  ring(table);
  await turn();
  t.same(settled, [], 'the first has not ended, so that has not either');
  finish(first, FAILURE, JSON.stringify({ code: 'SBX_TRAP', params: { reason: 'unreachable' } }));
  ring(table);
  while (settled.length === 0) await turn();
  t.same(
    settled.map(({ result }) => result),
    ['SBX_TRAP', 'second'],
  );
  t.same(settled[0]?.timings, { queueMs: 5, runMs: 7, hostCalls: 2 });
  t.ok(heard() > before);
});

t.test('an outcome that comes with the end of the batch is waited for', async (t) => {
  const { slots, listener, batch, settled, finish } = startListener(t, 2);
  const [first, second] = slots as [Slot, Slot];
  finish(first, ELSEWHERE, '');
  finish(second, RESPONSE, 'second');
  listener.hear();
  t.same(settled, []);
  listener.settle(batch.entries[0] as Running, { response: Buffer.from('from elsewhere') });
  listener.hearBatch(batch);
  t.same(
    settled.map(({ result }) => result),
    ['from elsewhere', 'second'],
  );
});

t.test('a closed listener hears no bell', async (t) => {
  const { table, slots, listener, settled, finish } = startListener(t, 1);
  listener.close();
  finish(slots[0] as Slot, RESPONSE, 'late');
  ring(table);
  for (let count = 0; count < 20; count++) await turn();
  t.same(settled, []);
});
