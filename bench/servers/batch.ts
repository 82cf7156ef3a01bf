/** The bare mechanism of batches: one Piscina task carries slots; each is marked as done, and the bell rings for it. */
import { workerData } from 'node:worker_threads';

const words = new Int32Array(workerData as SharedArrayBuffer);

export default function run(slots: readonly number[]): void {
  for (const slot of slots) {
    Atomics.store(words, slot, 1);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  }
}
