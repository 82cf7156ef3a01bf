import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { createWriterTurns, writerTurnsBuffer } from '../../src/store/writer-turns.js';

/** Cells of the memory that threads of a test share. */
const [COUNTER, STARTED, NOTHING] = [0, 1, 2];
const THREADS = 3;
const ROUNDS = 300;

// The threads begin together, and whoever has the turn pauses in it: without turns they would count over each other.
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.door).then(({ createWriterTurns }) => {
    const turns = createWriterTurns(workerData.buffer, workerData.patienceMs);
    if (workerData.holds) turns.inTurn('p', () => { parentPort.postMessage('holds'); for (;;); });
    const cells = new Int32Array(workerData.shared);
    Atomics.add(cells, ${STARTED}, 1);
    Atomics.notify(cells, ${STARTED});
    for (let started; (started = Atomics.load(cells, ${STARTED})) < ${THREADS}; ) Atomics.wait(cells, ${STARTED}, started);
    for (let round = 0; round < ${ROUNDS}; round++) turns.inTurn('p', () => {
      const before = cells[${COUNTER}];
      Atomics.wait(cells, ${NOTHING}, 0, 0.05);
      cells[${COUNTER}] = before + 1;
    });
  });`;
const door = new URL('../../src/store/writer-turns.js', import.meta.url).href;
const thread = (workerData: object) => new Worker(THREAD, { eval: true, workerData: { door, ...workerData } });

t.test('one thread at a time has the turn', async (t) => {
  const [buffer, shared] = [writerTurnsBuffer(), new SharedArrayBuffer(12)];
  // A thread that the machine holds up in its turn keeps it: nobody is impatient here.
  const patienceMs = Number.POSITIVE_INFINITY;
  const threads = Array.from({ length: THREADS }, () => thread({ buffer, shared, patienceMs }));
  await Promise.all(threads.map((one) => once(one, 'exit')));
  t.equal(new Int32Array(shared)[COUNTER], THREADS * ROUNDS);
});

t.test('a thread that dies in its turn holds nobody up for ever', async (t) => {
  const buffer = writerTurnsBuffer();
  const dying = thread({ buffer, holds: true });
  await once(dying, 'message');
  await dying.terminate();
  t.equal(
    createWriterTurns(buffer).inTurn('p', () => 'done'),
    'done',
  );
});

t.test('what fails in its turn gives it back', async (t) => {
  const turns = createWriterTurns();
  t.throws(() =>
    turns.inTurn('p', () => {
      throw new Error('no');
    }),
  );
  t.equal(
    turns.inTurn('p', () => 'done'),
    'done',
  );
});
