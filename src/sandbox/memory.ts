/**
 * A guest's linear memory as the host may touch it. Addresses are the guest's; ranges are checked, never trusted. Numbers are
 * little-endian; reading or writing one outside the memory throws a RangeError. Whatever the host writes is marked, so that a
 * reset undoes it as well.
 */
export interface GuestMemory {
  /** Bytes of the memory now. */
  size(): number;
  /** A view of `[address, address + bytes)` for reading, or undefined when it is not all inside. Valid until the guest runs. */
  view(address: number, bytes: number): Uint8Array | undefined;
  /** The same for writing. */
  writable(address: number, bytes: number): Uint8Array | undefined;
  /** The whole memory, when that range is inside: for reading there without a view of it. Valid until the guest runs. */
  around(address: number, bytes: number): Uint8Array | undefined;
  /** The same for writing there. */
  marked(address: number, bytes: number): Uint8Array | undefined;
  /** Copies bytes in. False when they do not fit at that address. */
  write(address: number, bytes: Uint8Array): boolean;
  getUint8(address: number): number;
  getUint16(address: number): number;
  getUint32(address: number): number;
  getBigUint64(address: number): bigint;
  setUint8(address: number, value: number): void;
  setUint16(address: number, value: number): void;
  setUint32(address: number, value: number): void;
  setBigUint64(address: number, value: bigint): void;
  /** To be called after a reset: the memory may be smaller than it was. While a guest runs, it can only grow. */
  shrunk(): void;
}

/** Where the bytes of a memory are now. */
export interface MemorySource {
  /** The guest's whole memory; the same object until it has changed its place or size. */
  bytes(): Uint8Array;
  /** Says that the host writes there. */
  mark(address: number, bytes: number): void;
}

export function createGuestMemory(source: MemorySource): GuestMemory {
  let bytes = source.bytes();
  let data = dataOf(bytes);

  const current = (): Uint8Array => {
    const now = source.bytes();
    if (now !== bytes) {
      bytes = now;
      data = dataOf(bytes);
    }
    return bytes;
  };
  /** The memory, if the range is inside. What was inside still is, so only a range at or behind the known end is worth a look. */
  const around = (address: number, length: number): Uint8Array | undefined => {
    const end = address + length;
    // Smaller, never equal: memory that has moved has no length left.
    if (end < bytes.length) return bytes;
    return end <= current().length ? bytes : undefined;
  };
  const inside = (address: number, length: number): Uint8Array | undefined =>
    around(address, length)?.subarray(address, address + length);
  const reading = (address: number, length: number): DataView => {
    around(address, length);
    return data;
  };
  const writing = (address: number, length: number): DataView => {
    // Before the mark: a place outside must throw and leave none.
    if (around(address, length) === undefined) throw new RangeError(`address ${address} is outside of the memory`);
    source.mark(address, length);
    return data;
  };

  return {
    size: () => current().length,
    view: inside,
    writable(address, length) {
      const view = inside(address, length);
      if (view !== undefined) source.mark(address, length);
      return view;
    },
    around,
    marked(address, length) {
      const all = around(address, length);
      if (all !== undefined) source.mark(address, length);
      return all;
    },
    write(address, content) {
      const all = around(address, content.length);
      if (all === undefined) return false;
      all.set(content, address);
      source.mark(address, content.length);
      return true;
    },
    getUint8: (address) => reading(address, 1).getUint8(address),
    getUint16: (address) => reading(address, 2).getUint16(address, true),
    getUint32: (address) => reading(address, 4).getUint32(address, true),
    getBigUint64: (address) => reading(address, 8).getBigUint64(address, true),
    setUint8: (address, value) => writing(address, 1).setUint8(address, value),
    setUint16: (address, value) => writing(address, 2).setUint16(address, value, true),
    setUint32: (address, value) => writing(address, 4).setUint32(address, value, true),
    setBigUint64: (address, value) => writing(address, 8).setBigUint64(address, value, true),
    shrunk: () => void current(),
  };
}

/** A memory as the module exports it, which nobody resets. */
export function plainMemory(memory: WebAssembly.Memory): MemorySource {
  let bytes = new Uint8Array(memory.buffer);
  return {
    bytes() {
      if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
      return bytes;
    },
    mark() {},
  };
}

/** The memory of a rewritten module, which starts behind its map and has a size of its own. */
export function resettableMemory(state: {
  memory(): Uint8Array;
  mark(address: number, bytes: number): void;
}): MemorySource {
  let bytes = state.memory();
  return {
    bytes() {
      const now = state.memory();
      if (now.length !== bytes.length || now.buffer !== bytes.buffer) bytes = now;
      return bytes;
    },
    mark: state.mark,
  };
}

function dataOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
