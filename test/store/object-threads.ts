/** A thread that stores, for tests: puts, deletes and overwrites the same few paths until its work is done. */
import { parentPort, workerData } from 'node:worker_threads';
import { wallClock } from '../../src/protocol/clock.js';
import { openObjects } from '../../src/store/objects.js';
import { LIMITS } from './object-house.js';

export interface ThreadWork {
  readonly directory: string;
  readonly seed: number;
  readonly rounds: number;
  /** Instead: takes the lock and never lets go. */
  readonly holds?: boolean;
}

const { directory, seed, rounds, holds } = workerData as ThreadWork;
const objects = openObjects({ directory, limits: LIMITS, now: wallClock });
const scope = { pluginId: 'demo', tenantId: 0 };
const until = (): number => wallClock() + 60_000;

if (holds) {
  objects.ledger.exclusive(until(), () => {
    parentPort?.postMessage('held');
    for (;;);
  });
}
let random = seed;
for (let round = 0; round < rounds; round++) {
  random = (random * 1_103_515_245 + 12_345) & 0x7fffffff;
  // `d/e` is now a file and now a directory of others.
  const path = ['a', 'd/b', 'd/e/c', 'd/e'][(random >> 4) % 4] as string;
  const body = Buffer.alloc((random >> 8) % 2000);
  try {
    if (random % 5 === 0) objects.delete(scope, path, until());
    else objects.put(scope, path, body, { overwrite: true, until: until() });
    objects.open(scope, path)?.close();
  } catch (thrown) {
    if ((thrown as { code?: string }).code !== 'PLUGIN_STORAGE_PATH_INVALID') throw thrown;
  }
}
objects.close();
parentPort?.postMessage('done');
