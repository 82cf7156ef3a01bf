/**
 * Whose turn it is to write to a plugin's database, among the threads of a process. SQLite's own lock decides; without turns threads
 * would ask for it again and again, and fail, and each failure is a moment in which a thread cannot be ended safely
 * (`store/patience.ts`).
 *
 *     Int32[CELLS]   0: nobody's turn, else the ticket of whoever has it; a cell for each plugin, some plugins share one
 */
export interface WriterTurns {
  /** Does the work when it is this thread's turn, at the latest when a turn lasts too long: its thread may have died. */
  readonly inTurn: <Result>(pluginId: string, work: () => Result) => Result;
}

/** Instead of a plugin, for the file with the state and the locks of all of them; no plugin's id has a space. */
export const STATE_FILE = 'state db';

const CELLS = 256;
/** A turn that lasts this long, in ms, is taken over. */
const PATIENCE_MS = 250;

/** Memory for the turns of all threads of a process. */
export function writerTurnsBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT);
}

/** @param patienceMs how long a turn may last before it is taken over, in ms */
export function createWriterTurns(
  buffer: SharedArrayBuffer = writerTurnsBuffer(),
  patienceMs = PATIENCE_MS,
): WriterTurns {
  const cells = new Int32Array(buffer);
  return {
    inTurn(pluginId, work) {
      const cell = cellOf(pluginId);
      const ticket = takeTurn(cells, cell, patienceMs);
      try {
        return work();
      } finally {
        // Without effect when the turn was taken over.
        if (Atomics.compareExchange(cells, cell, ticket, 0) === ticket) Atomics.notify(cells, cell, 1);
      }
    },
  };
}

function takeTurn(cells: Int32Array<SharedArrayBuffer>, cell: number, patienceMs: number): number {
  const ticket = 1 + Math.floor(Math.random() * 0x7fff_fffe);
  for (;;) {
    const holder = Atomics.compareExchange(cells, cell, 0, ticket);
    if (holder === 0) return ticket;
    const woken = Atomics.wait(cells, cell, holder, patienceMs);
    if (woken === 'timed-out' && Atomics.compareExchange(cells, cell, holder, ticket) === holder) return ticket;
  }
}

function cellOf(pluginId: string): number {
  let hash = 0;
  for (let at = 0; at < pluginId.length; at++) hash = (hash * 31 + pluginId.charCodeAt(at)) | 0;
  return hash & (CELLS - 1);
}
