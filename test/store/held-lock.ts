/** Another thread that holds the lock of a SQLite file, as one that writes does. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Long enough that who does not wait is refused; nothing hangs on its being exact. */
const LINGER_MS = 50;

export interface HeldLock {
  /** Asks the thread to let go, which it does a while later: this thread may wait for the lock at once. */
  letGo(): void;
  /** Resolves when the thread has gone. */
  gone(): Promise<void>;
}

/** Resolves once the lock is held; `whole`: that of the whole file, as of who opens it first or has it open last. */
export async function holdLock(path: string, { whole = false } = {}): Promise<HeldLock> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const holder = new Worker(
    `const { parentPort, workerData: { path, door, flag, whole } } = require('node:worker_threads');
     import(door).then(({ openDatabase }) => {
       const database = openDatabase(path);
       if (whole) database.exec('PRAGMA locking_mode = EXCLUSIVE');
       database.exec('BEGIN IMMEDIATE');
       parentPort.postMessage('held');
       Atomics.wait(flag, 0, 0);
       Atomics.wait(flag, 0, 1, ${LINGER_MS});
       database.exec('COMMIT');
       database.close();
     });`,
    { eval: true, workerData: { path, flag, whole, door: new URL('../../src/store/sqlite.js', import.meta.url).href } },
  );
  const exit = once(holder, 'exit');
  await once(holder, 'message');
  return {
    letGo() {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    },
    gone: async () => void (await exit),
  };
}
