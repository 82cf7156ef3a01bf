/**
 * The host's side of a rewritten module: where the guest's memory is, what the host wrote into it, and how all becomes as it was.
 *
 *     map        0 0 1 0 0 0 1 1 0 …
 *     guest     ├──┼──┼──┼──┼──┼──┼──┼──┤        each marked page is copied back, with `reachBytes` more on both sides;
 *     copied       ▕────▏     ▕────▏             what lies behind the snapshot's end becomes zero
 *                               ▕────▏
 *
 * V8 copies out of shared memory at half the speed, so pages that are written often are kept in private memory too.
 */
import type { RewriteLayout, Snapshot } from '../protocol/layout.js';

export interface ResetReport {
  /** How many pages of 4 KiB were marked. */
  readonly dirtyPages: number;
  /** Whether the real memory is larger than the snapshot and its headroom (see {@link rewriteModule}). */
  readonly hasGrown: boolean;
}

/** The state of one instance of a rewritten module. All addresses are the guest's. */
export interface GuestState {
  /** The guest's memory, from its address 0 to its size. Valid until the guest runs again. */
  memory(): Uint8Array;
  /** Says that the host wrote `length` bytes at `address`; to be called for every write after the snapshot. */
  mark(address: number, length: number): void;
  /** Copies memory and globals; from here on resets lead back to this. `isShared`: for other threads too. */
  takeSnapshot(isShared: boolean): Snapshot;
  /**
   * Makes a new instance, in which nothing has run, equal to a snapshot; from here on resets lead back to it. The real memory gets
   * up to `headroomBytes` more, which the guest takes by growing its memory; so much growth is undone without a trace, at the
   * price that accesses up to there do not trap before it. False when the memory could not grow as far as the snapshot.
   */
  applySnapshot(snapshot: Snapshot, headroomBytes?: number): boolean;
  /** Undoes everything since the snapshot. No guest code may be running in the instance, and there must be a snapshot. */
  reset(): ResetReport;
}

const PAGE_SHIFT = 12;
const WASM_PAGE_BYTES = 65536;
/** At most so many pages of a shared snapshot are kept in private memory as well: 1.2 MB. */
const MAX_PRIVATE_PAGES = 256;
const EMPTY: Snapshot = { memory: new Uint8Array(0), globals: [] };

/** Opens the state of an instance by its exports. Only for modules that were rewritten with `dirtyPages`. */
export function openGuestState(exports: WebAssembly.Exports, layout: RewriteLayout): GuestState {
  const { memoryBase, sizeGlobal, reachBytes } = layout;
  const memory = layout.memoryExport === undefined ? undefined : (exports[layout.memoryExport] as WebAssembly.Memory);
  const size = sizeGlobal === undefined ? undefined : (exports[sizeGlobal] as WebAssembly.Global);
  const globals = layout.globals.map(({ exportName }) => exports[exportName] as WebAssembly.Global);
  let guest = EMPTY.memory;
  let map = EMPTY.memory;
  let words = new Float64Array(0);
  let base = EMPTY;
  let headroom = 0;
  let restore = createRestorer(EMPTY.memory, reachBytes);

  /** Views of the real memory, made again after it has grown: growth detaches them, and their length becomes 0. */
  const refresh = () => {
    if (map.length > 0 || memory === undefined) return;
    guest = new Uint8Array(memory.buffer, memoryBase);
    map = new Uint8Array(memory.buffer, layout.mapBase, guest.length >>> PAGE_SHIFT);
    words = new Float64Array(memory.buffer, layout.mapBase, map.length >>> 3);
  };
  const guestBytes = () => (size === undefined ? 0 : (size.value >>> 0) * WASM_PAGE_BYTES);
  const setBase = (snapshot: Snapshot) => {
    base = snapshot;
    restore = createRestorer(snapshot.memory, reachBytes);
    map.fill(0);
  };

  return {
    memory() {
      refresh();
      return guest.subarray(0, guestBytes());
    },
    mark(address, length) {
      if (length <= 0) return;
      refresh();
      const last = (address + length - 1) >>> PAGE_SHIFT;
      for (let page = address >>> PAGE_SHIFT; page <= last; page++) map[page] = 1;
    },
    takeSnapshot(isShared) {
      refresh();
      const copy = new Uint8Array(isShared ? new SharedArrayBuffer(guestBytes()) : new ArrayBuffer(guestBytes()));
      copy.set(guest.subarray(0, copy.length));
      setBase({ memory: copy, globals: globals.map(({ value }) => value) });
      return base;
    },
    applySnapshot(snapshot, headroomBytes = 0) {
      const end = memoryBase + snapshot.memory.length;
      if (!growTo(memory, end + headroomBytes) && !growTo(memory, end)) return false;
      refresh();
      guest.set(snapshot.memory);
      setGlobals(globals, snapshot.globals);
      setBase(snapshot);
      headroom = headroomBytes;
      return true;
    },
    reset() {
      refresh();
      const dirtyPages = restore(guest, map, words);
      setGlobals(globals, base.globals);
      return { dirtyPages, hasGrown: guest.length > base.memory.length + headroom };
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
 * Copies every page that `map` marks back into `guest`, clears the marks, and gives their number. `words` are the same bytes as the
 * map, eight at a time: the bytes are 0 or 1, so a word without marks is the number 0 and all others are not.
 */
export type Restorer = (guest: Uint8Array, map: Uint8Array, words: Float64Array) => number;

/** Makes the function that leads back to `snapshot`. */
export function createRestorer(snapshot: Uint8Array, reachBytes: number): Restorer {
  const isShared = typeof SharedArrayBuffer !== 'undefined' && snapshot.buffer instanceof SharedArrayBuffer;
  const pages: (Uint8Array | undefined)[] = [];
  let privatePages = 0;

  /** What page `page` and its surroundings held. */
  const original = (page: number): Uint8Array => {
    const from = Math.max(0, (page << PAGE_SHIFT) - reachBytes);
    const view = snapshot.subarray(from, ((page + 1) << PAGE_SHIFT) + reachBytes);
    if (isShared && privatePages >= MAX_PRIVATE_PAGES) return view;
    privatePages++;
    const kept = isShared ? view.slice() : view;
    pages[page] = kept;
    return kept;
  };

  const restorePage = (guest: Uint8Array, page: number) => {
    const from = Math.max(0, (page << PAGE_SHIFT) - reachBytes);
    const to = Math.min(guest.length, ((page + 1) << PAGE_SHIFT) + reachBytes);
    if (from < snapshot.length) guest.set(pages[page] ?? original(page), from);
    if (to > snapshot.length) guest.fill(0, Math.max(from, snapshot.length), to);
  };

  return (guest, map, words) => {
    let dirtyPages = 0;
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      for (let page = word * 8; page < word * 8 + 8; page++) {
        if (map[page] === 0) continue;
        map[page] = 0;
        restorePage(guest, page);
        dirtyPages++;
      }
    }
    return dirtyPages;
  };
}
