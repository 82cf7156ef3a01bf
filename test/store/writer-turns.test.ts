import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { createWriterTurns, writerTurnsBuffer } from '../../src/store/writer-turns.js';

const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.door).then(({ createWriterTurns }) => {
    const turns = createWriterTurns(workerData.buffer);
    const counter = new Int32Array(workerData.counter);
    if (workerData.holds) turns.inTurn('p', () => { parentPort.postMessage('holds'); for (;;); });
    for (let round = 0; round < 2000; round++) turns.inTurn('p', () => {
      const before = counter[0];
      for (let spin = 0; spin < 50; spin++);
      counter[0] = before + 1;
    });
  });`;
const door = new URL('../../src/store/writer-turns.js', import.meta.url).href;
const thread = (workerData: object) => new Worker(THREAD, { eval: true, workerData: { door, ...workerData } });

t.test('one thread at a time has the turn', async (t) => {
  const [buffer, counter] = [writerTurnsBuffer(), new SharedArrayBuffer(4)];
  await Promise.all([1, 2, 3].map(() => once(thread({ buffer, counter }), 'exit')));
  t.equal(new Int32Array(counter)[0], 6000);
});

t.test('a thread that dies in its turn holds nobody up for ever', async (t) => {
  const [buffer, counter] = [writerTurnsBuffer(), new SharedArrayBuffer(4)];
  const dying = thread({ buffer, counter, holds: true });
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
