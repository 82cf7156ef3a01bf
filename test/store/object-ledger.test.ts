import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { wallClock } from '../../src/protocol/clock.js';
import { weighBelow } from '../../src/store/object-files.js';
import { openObjectLedger } from '../../src/store/object-ledger.js';
import { holdLock } from './held-lock.js';
import { openHouse, SCOPE } from './object-house.js';
import type { ThreadWork } from './object-threads.js';

const THREAD = new URL('./object-threads.js', import.meta.url);

function startThread(work: ThreadWork): Worker {
  return new Worker(THREAD, { workerData: work });
}

t.test('threads that store the same names at once count together what is there in the end', async (t) => {
  const { objects, directory } = openHouse(t);
  const threads = [1, 2, 3].map((seed) => startThread({ directory, seed, rounds: 400 }));
  const ends = await Promise.all(threads.map((thread) => once(thread, 'message')));
  t.same(ends, [['done'], ['done'], ['done']], 'nobody is in the way of who removes a directory');
  const counted = weighBelow(join(directory, 'plugins/demo/platform'));
  const weighed = counted.next();
  t.same(objects.ledger.usageOf('demo'), weighed.value);
});

t.test('a thread that dies under the lock lets go of it', async (t) => {
  const { objects, directory, put, read, files } = openHouse(t);
  const thread = startThread({ directory, seed: 1, rounds: 0, holds: true });
  await once(thread, 'message');
  const late = { overwrite: true, until: 0 };
  t.throws(
    () => objects.put(SCOPE, 'a', Buffer.from('x'), late),
    { code: 'PLUGIN_STORAGE_PROVIDER_UNAVAILABLE' },
    'nobody gets in meanwhile',
  );
  t.same(files().parts, []);
  await thread.terminate();
  put('a', 'x');
  t.equal(read('a'), 'x');
  t.same(objects.ledger.usageOf('demo'), { bytes: 1, entries: 1 });
});

t.test('who opens the ledger waits for another who opens or closes it', async (t) => {
  const directory = t.testdir({});
  const held = await holdLock(join(directory, 'lock.db'), { whole: true });
  held.letGo();
  const ledger = openObjectLedger(directory, wallClock);
  t.teardown(() => ledger.close());
  t.equal(
    ledger.exclusive(wallClock() + 60_000, () => 'done'),
    'done',
  );
  await held.gone();
});

t.test('what is charged stays charged behind a restart', async (t) => {
  const directory = t.testdir();
  mkdirSync(directory, { recursive: true });
  const first = openObjectLedger(directory, wallClock);
  first.charge(SCOPE, 5, 2);
  first.charge(SCOPE, -1, 0);
  t.equal(first.note('boot', 'one'), undefined);
  first.close();
  const second = openObjectLedger(directory, wallClock);
  t.teardown(() => second.close());
  t.same(second.usageOf('demo'), { bytes: 4, entries: 2 });
  second.charge(SCOPE, -100, -100);
  t.same(second.usageOf('demo'), { bytes: 0, entries: 0 }, 'never less than nothing');
  t.equal(second.note('boot', 'two'), 'one');
});
