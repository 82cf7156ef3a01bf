/**
 * The host's side of a rewritten module: where the guest's memory is, what the host wrote into it, and how all becomes as it was.
 *
 *     map        0 0 1 0 0 0 1 1 0 …
 *     guest     ├──┼──┼──┼──┼──┼──┼──┼──┤        marked pages are copied back in runs, with `reachBytes` more on both sides;
 *     copied        └─────┘     └────────┘       what lies behind the snapshot's end becomes zero
 */
import type { RewriteLayout } from './layout.js';

/** Memory (from guest address 0) and globals (in the order of the layout) of an instance that has just been initialised. */
export interface Snapshot {
  readonly memory: Uint8Array;
  readonly globals: readonly (number | bigint)[];
}

export interface ResetReport {
  /** How many pages of 4 KiB were marked. */
  readonly dirtyPages: number;
  /** Whether the real memory is larger than the snapshot (see {@link rewriteModule}). */
  readonly hasGrown: boolean;
}

/** The state of one instance of a rewritten module. All addresses are the guest's. */
export interface GuestState {
  /** The guest's memory, from its address 0 to its size. Valid until the guest runs again. */
  memory(): Uint8Array;
  /** Says that the host wrote `length` bytes at `address`; to be called for every write outside initialisation. */
  mark(address: number, length: number): void;
  /** Copies memory and globals, and forgets all marks: from here on they count against this snapshot. */
  takeSnapshot(shared?: boolean): Snapshot;
  /** Makes a new instance, in which nothing has run, equal to the snapshot. False when its memory could not grow so far. */
  applySnapshot(snapshot: Snapshot): boolean;
  /** Undoes everything since the snapshot. No guest code may be running in the instance. */
  reset(snapshot: Snapshot): ResetReport;
}

const PAGE_SHIFT = 12;
const WASM_PAGE_BYTES = 65536;
const NO_MEMORY = new Uint8Array(0);

/** Opens the state of an instance by its exports. Only for modules that were rewritten with `dirtyPages`. */
export function openGuestState(exports: WebAssembly.Exports, layout: RewriteLayout): GuestState {
  const { memoryBase, sizeGlobal } = layout;
  const memory = layout.memoryExport === undefined ? undefined : (exports[layout.memoryExport] as WebAssembly.Memory);
  const size = sizeGlobal === undefined ? undefined : (exports[sizeGlobal] as WebAssembly.Global);
  const globals = layout.globals.map(({ exportName }) => exports[exportName] as WebAssembly.Global);
  let buffer: ArrayBuffer | undefined;
  let guest = NO_MEMORY;
  let map = NO_MEMORY;

  /** Views of the real memory, made again only after it has grown. */
  const refresh = () => {
    if (memory === undefined || memory.buffer === buffer) return;
    buffer = memory.buffer;
    guest = new Uint8Array(buffer, memoryBase);
    map = new Uint8Array(buffer, layout.mapBase, guest.length >>> PAGE_SHIFT);
  };
  const guestBytes = () => (size === undefined ? 0 : (size.value >>> 0) * WASM_PAGE_BYTES);

  return {
    memory() {
      refresh();
      return guest.subarray(0, guestBytes());
    },
    mark(address, length) {
      if (length <= 0) return;
      refresh();
      map.fill(1, address >>> PAGE_SHIFT, ((address + length - 1) >>> PAGE_SHIFT) + 1);
    },
    takeSnapshot(shared = false) {
      refresh();
      const bytes = guestBytes();
      const copy = new Uint8Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
      copy.set(guest.subarray(0, bytes));
      map.fill(0);
      return { memory: copy, globals: globals.map(({ value }) => value) };
    },
    applySnapshot(snapshot) {
      refresh();
      if (!growTo(memory, memoryBase + snapshot.memory.length)) return false;
      refresh();
      guest.set(snapshot.memory);
      setGlobals(globals, snapshot.globals);
      map.fill(0);
      return true;
    },
    reset(snapshot) {
      refresh();
      const dirtyPages = restorePages(guest, map, snapshot.memory, layout.reachBytes);
      setGlobals(globals, snapshot.globals);
      return { dirtyPages, hasGrown: guest.length > snapshot.memory.length };
    },
  };
}

function setGlobals(globals: readonly WebAssembly.Global[], values: readonly (number | bigint)[]): void {
  for (let index = 0; index < globals.length; index++) globals[index]!.value = values[index];
}

function growTo(memory: WebAssembly.Memory | undefined, bytes: number): boolean {
  const missing = memory === undefined ? 0 : (bytes - memory.buffer.byteLength) / WASM_PAGE_BYTES;
  if (missing <= 0) return true;
  try {
    memory?.grow(missing);
    return true;
  } catch {
    return false;
  }
}

/**
 * Copies every page that `map` marks, and `reachBytes` on both sides of it, from `snapshot` to `guest`; clears the marks. Bytes behind
 * the snapshot's end become zero.
 *
 * @returns the number of marked pages
 */
export function restorePages(guest: Uint8Array, map: Uint8Array, snapshot: Uint8Array, reachBytes: number): number {
  let pages = 0;
  for (let first = map.indexOf(1); first >= 0; ) {
    let next = first + 1;
    while (next < map.length && map[next] !== 0) next++;
    pages += next - first;
    map.fill(0, first, next);
    const from = Math.max(0, (first << PAGE_SHIFT) - reachBytes);
    const to = Math.min(guest.length, (next << PAGE_SHIFT) + reachBytes);
    restoreRange(guest, snapshot, from, to);
    first = map.indexOf(1, next);
  }
  return pages;
}

function restoreRange(guest: Uint8Array, snapshot: Uint8Array, from: number, to: number): void {
  const copied = Math.min(to, snapshot.length);
  if (from < copied) guest.set(snapshot.subarray(from, copied), from);
  if (to > copied) guest.fill(0, Math.max(from, copied), to);
}
