/**
 * How many requests a second reach a thread and come back: our dispatch with a guest that does nothing, the bare mechanism
 * under it, and one Piscina task per request.
 */
import { Piscina } from 'piscina';
import { createDispatch } from '../src/engine/dispatch.js';
import type { Job } from '../src/engine/job.js';
import { createPool } from '../src/engine/pool.js';
import { type BenchCase, type BenchRow, LONGEST_WAIT_MS } from './case.js';
import { BRIDGE } from './guests.js';
import { pristineRelease } from './sandbox.js';

/** Sends one request and calls back when it has been answered. */
type Send = (done: () => void) => void;

const IN_FLIGHT = [1, 16, 64];
const SLOTS = 128;
const BATCH = 16;

export const dispatchCase: BenchCase = {
  name: 'dispatch',
  async start({ loopMs }) {
    const ways = {
      'Piscina task per request': openTasks(),
      'dispatch, no-op guest': openDispatch(),
      'bare batches': openBatches(),
    };
    const [rival] = Object.keys(ways) as [string];
    const rows = IN_FLIGHT.flatMap((inFlight) =>
      Object.entries(ways).map(([name, { send }]): BenchRow => {
        const named = (way: string) => `${way}, ${inFlight} in flight`;
        const measure = () => rate(inFlight, loopMs * 2, send);
        return { row: named(name), unit: 'rps', ...(name !== rival && { rival: named(rival) }), measure };
      }),
    );
    return { rows, end: async () => void (await Promise.all(Object.values(ways).map(({ end }) => end()))) };
  },
};

/** Keeps so many requests under way; gives answers per second. */
function rate(inFlight: number, ms: number, send: Send): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let answered = 0;
    let open = inFlight;
    const next = (): void => {
      answered += 1;
      if (performance.now() - startedAt < ms) send(next);
      else open -= 1;
      if (open === 0) resolve((answered * 1000) / (performance.now() - startedAt));
    };
    for (let i = 0; i < inFlight; i++) send(next);
  });
}

/** As Piscina's manual does it; a thread that can be killed for one task has no more than one. */
function openTasks() {
  const options = { minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 1, atomics: 'sync', recordTiming: false };
  const filename = new URL('./servers/no-op.js', import.meta.url).href;
  const piscina = new Piscina({ ...options, atomics: 'sync' as const, filename });
  return { send: (done: () => void) => void piscina.run(null).then(done), end: () => piscina.destroy() };
}

function openDispatch() {
  const pool = (): ReturnType<typeof createPool> => threads;
  const dispatch = createDispatch({
    slotCount: SLOTS,
    slotBytes: 16_384,
    batchSize: BATCH,
    processors: 2,
    maxThreads: 1,
    maxWaitingThreads: 0,
    maxQueue: 1024,
    queueTimeoutMs: LONGEST_WAIT_MS,
    limitsOf: () => ({ concurrency: 1024, queue: 1024, weight: 1 }),
    run: (task) => pool().run(task),
    onCounts() {},
    onKill() {},
    onDeath() {},
  });
  const setup = {
    table: dispatch.table.buffer,
    feeds: dispatch.feeds.buffer,
    feedCapacity: dispatch.feeds.capacity,
    slotBytes: 16_384,
    nodeName: 'bench',
    stateFile: ':memory:',
    instanceBudgetMiB: 64,
    maxInstances: 64,
    instanceIdleMs: 60_000,
    slowHostCallMs: Number.POSITIVE_INFINITY,
    placements: {},
  };
  const threads = createPool({
    setup,
    minThreads: 1,
    maxThreads: 1,
    idleTimeoutMs: 60_000,
    onMessage() {},
    onThreadGone: dispatch.forgetThread,
  });
  const release = pristineRelease(NO_OP_GUEST);
  const job: Omit<Job, 'settle'> = {
    pluginId: 'bench',
    release,
    encode: () => 0,
    encoded: () => new Uint8Array(0),
    source: 0,
    tenantId: 0,
    deadlineMs: LONGEST_WAIT_MS,
    answer: () => new Uint8Array(0),
  };
  return {
    send(done: () => void) {
      const settle: Job['settle'] = (result) => {
        if ('error' in result) throw result.error;
        done();
      };
      dispatch.enqueue({ ...job, settle });
    },
    async end() {
      dispatch.close();
      await threads.close();
    },
  };
}

/** Word 0 is the bell, the others are slots: 1 when done. */
function openBatches() {
  const words = new Int32Array(new SharedArrayBuffer((SLOTS + 1) * 4));
  const options = { minThreads: 1, maxThreads: 1, atomics: 'sync' as const, recordTiming: false };
  const filename = new URL('./servers/batch.js', import.meta.url).href;
  const piscina = new Piscina({ ...options, filename, workerData: words.buffer });
  const free = Array.from({ length: SLOTS }, (_, index) => index + 1);
  const waiting: (() => void)[] = [];
  const running = new Map<number, () => void>();
  let isBusy = false;
  let isClosed = false;

  const pump = (): void => {
    if (isBusy || waiting.length === 0) return;
    const slots = waiting.splice(0, Math.min(BATCH, free.length)).map((done) => {
      const slot = free.pop() as number;
      running.set(slot, done);
      return slot;
    });
    isBusy = true;
    const ended = (): void => {
      isBusy = false;
      scan();
      if (!isClosed) pump();
    };
    // A batch is answered before its task has ended, so the end of the case may come between the two.
    void piscina.run(slots).then(ended, ended);
  };
  const scan = (): void => {
    for (const [slot, done] of running) {
      if (Atomics.load(words, slot) === 0) continue;
      words[slot] = 0;
      running.delete(slot);
      free.push(slot);
      done();
    }
  };
  const listen = async (): Promise<void> => {
    while (!isClosed) {
      const heard = Atomics.load(words, 0);
      scan();
      const wait = Atomics.waitAsync(words, 0, heard);
      if (wait.async) await wait.value;
    }
  };
  void listen();
  return {
    send(done: () => void) {
      waiting.push(done);
      if (waiting.length === 1) setImmediate(pump);
    },
    async end() {
      isClosed = true;
      Atomics.notify(words, 0);
      await piscina.destroy();
    },
  };
}

/** Exports a memory, an alloc that gives 1024, and an execute that answers nothing. */
const NO_OP_GUEST = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e]),
  ...section(3, [2, 0, 1]),
  ...section(5, [1, 0, 1]),
  ...section(7, [3, ...name('memory'), 2, 0, ...name(BRIDGE.allocExport), 0, 0, ...name(BRIDGE.executeExport), 0, 1]),
  ...section(10, [2, 5, 0, 0x41, 0x80, 0x08, 0x0b, 4, 0, 0x42, 0, 0x0b]),
);

function section(id: number, content: readonly number[]): number[] {
  return [id, content.length, ...content];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}
