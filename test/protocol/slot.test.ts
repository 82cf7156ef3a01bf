import t from 'tap';
import {
  answerPiece,
  createSlotTable,
  DONE,
  FREE,
  finishSlot,
  freeSlot,
  isBlocked,
  largeSlotBytes,
  openLargeSlot,
  openSlotTable,
  QUEUED,
  queueSlot,
  RESPONSE,
  RUNNING,
  readOutcome,
  readRequest,
  ring,
  type Slot,
  setBlocking,
  startedAt,
  stateOf,
  takeSlot,
  withdrawSlot,
} from '../../src/protocol/slot.js';

const REQUEST = { releaseKey: 7, requestBytes: 3, source: 1, tenantId: 42, deadlineMs: 1500 };
const first = (table: { slots: readonly Slot[] }) => table.slots[0] as Slot;

t.test('a request goes to the other thread and its outcome comes back', async (t) => {
  const main = createSlotTable(2, 1024);
  const worker = openSlotTable(main.buffer, 1024);
  const slot = first(main);
  slot.payload.write('abc');
  queueSlot(slot, 1, REQUEST);
  t.equal(stateOf(slot), QUEUED);

  const seen = first(worker);
  t.equal(takeSlot(seen, 1, 1000.5), true);
  t.equal(stateOf(slot), RUNNING);
  t.equal(startedAt(slot), 1000.5);
  t.match(readRequest(seen), { releaseKey: 7, source: 1, tenantId: 42, deadlineMs: 1500 });
  t.equal(readRequest(seen).bytes.toString(), 'abc');

  seen.payload.write('done');
  const bell = main.bell[0];
  finishSlot(seen, { kind: RESPONSE, bytes: 4, hostCalls: 3, endedAt: 1002 });
  t.equal(stateOf(slot), DONE);
  t.same(readOutcome(slot), { kind: RESPONSE, bytes: 4, hostCalls: 3, startedAt: 1000.5, endedAt: 1002 });
  t.equal(slot.payload.toString('utf8', 0, 4), 'done');
  t.equal(main.bell[0], bell);
  ring(worker);
  t.not(main.bell[0], bell, 'the bell has rung');
});

t.test('a queued slot is either taken or withdrawn, never both', async (t) => {
  const slot = first(createSlotTable(1, 1024));
  queueSlot(slot, 1, REQUEST);
  t.equal(withdrawSlot(slot, 1), true);
  t.equal(stateOf(slot), FREE);
  t.equal(takeSlot(slot, 1, 0), false);
  queueSlot(slot, 2, REQUEST);
  t.equal(takeSlot(slot, 2, 0), true);
  t.equal(withdrawSlot(slot, 2), false);
});

t.test('a slot that was leased again is not taken by the worker that had it in its list before', async (t) => {
  const slot = first(createSlotTable(1, 1024));
  queueSlot(slot, 1, REQUEST);
  withdrawSlot(slot, 1);
  queueSlot(slot, 2, REQUEST);
  t.equal(takeSlot(slot, 1, 0), false);
  t.equal(stateOf(slot), QUEUED);
  t.equal(takeSlot(slot, 2, 0), true);
});

t.test('neighbouring slots do not overlap', async (t) => {
  const { slots } = createSlotTable(3, 1024);
  const [before, middle, after] = slots as [Slot, Slot, Slot];
  middle.payload.fill(0xff);
  queueSlot(middle, 5, REQUEST);
  for (const slot of [before, after]) {
    t.equal(stateOf(slot), FREE);
    t.ok(slot.payload.every((byte) => byte === 0));
  }
});

t.test('a reply is not written for a worker that waits no more', async (t) => {
  const slot = first(createSlotTable(1, 1024));
  queueSlot(slot, 1, REQUEST);
  takeSlot(slot, 1, 0);
  slot.payload.fill(0x11);
  t.equal(answerPiece(slot, Buffer.from('late'), 0), 4, 'as if all were sent');
  t.equal(stateOf(slot), RUNNING);
  t.ok(
    slot.payload.every((byte) => byte === 0x11),
    'the payload is untouched',
  );
});

t.test('a large slot has room for its request and for host calls', async (t) => {
  const slot = openLargeSlot(3, new SharedArrayBuffer(largeSlotBytes(1_000_000)));
  t.equal(slot.index, 3);
  t.ok(slot.payload.length >= 1_000_000 + 4096);
});

t.test('a worker that waits for a disk is blocked until it goes on, and no slot remembers it', async (t) => {
  const slot = first(createSlotTable(1, 1024));
  queueSlot(slot, 1, REQUEST);
  takeSlot(slot, 1, 1);
  t.equal(isBlocked(slot), false);
  setBlocking(slot, true);
  t.equal(isBlocked(slot), true);
  setBlocking(slot, false);
  t.equal(isBlocked(slot), false);
  setBlocking(slot, true);
  freeSlot(slot);
  queueSlot(slot, 2, REQUEST);
  t.equal(isBlocked(slot), false, 'a killed worker has left it so');
});
