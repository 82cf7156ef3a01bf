/**
 * A guest's linear memory as the host may touch it. Addresses are the guest's; ranges are checked, never trusted. The views
 * are made again only when the memory has grown, because a grown memory has a new buffer.
 */
export interface GuestMemory {
  /** Bytes of the memory now. */
  size(): number;
  /** A view of `[address, address + bytes)`, or undefined when it is not all inside. Valid until the guest runs again. */
  view(address: number, bytes: number): Uint8Array | undefined;
  /** Copies bytes in. False when they do not fit at that address. */
  write(address: number, bytes: Uint8Array): boolean;
  /** Little-endian access. @throws RangeError outside the memory. */
  data(): DataView;
}

export function createGuestMemory(memory: WebAssembly.Memory): GuestMemory {
  let bytes = new Uint8Array(memory.buffer);
  let data = new DataView(memory.buffer);

  const current = (): Uint8Array => {
    if (bytes.buffer !== memory.buffer) {
      bytes = new Uint8Array(memory.buffer);
      data = new DataView(memory.buffer);
    }
    return bytes;
  };

  return {
    size: () => current().length,
    view(address, length) {
      const all = current();
      return address + length <= all.length ? all.subarray(address, address + length) : undefined;
    },
    write(address, source) {
      const all = current();
      if (address + source.length > all.length) return false;
      all.set(source, address);
      return true;
    },
    data() {
      current();
      return data;
    },
  };
}
