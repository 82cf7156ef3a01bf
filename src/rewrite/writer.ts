/** Writes the WebAssembly binary format into one growing buffer. */

/** The number of bytes of an unsigned LEB128 number of at most 32 bits. */
export function u32Length(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

const UTF8 = new TextEncoder();

/** A growing buffer. A class, for the same reason as {@link Reader}. `reserve` first, then write without further checks. */
export class Writer {
  bytes: Uint8Array;
  position = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length + (this.bytes.length >> 1) + 1024));
    grown.set(this.bytes.subarray(0, this.position));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** An unsigned LEB128 number. */
  u32(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.position++] = rest;
  }

  /** A signed LEB128 number of 32 bits. */
  s32(value: number): void {
    this.reserve(5);
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.bytes[this.position++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.bytes[this.position++] = rest & 0x7f;
  }

  raw(bytes: ArrayLike<number>): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  name(text: string): void {
    const encoded = UTF8.encode(text);
    this.u32(encoded.length);
    this.raw(encoded);
  }

  /** A section: id, size, and what `body` writes. */
  section(id: number, body: (writer: Writer) => void): void {
    this.u8(id);
    this.sized(body);
  }

  /**
   * What `body` writes, with its size in front. Room for the longest size is left in front of the body and closed afterwards,
   * so nothing is written twice.
   */
  sized(body: (writer: Writer) => void): void {
    this.reserve(5);
    const start = this.position;
    this.position += 5;
    body(this);
    const size = this.position - start - 5;
    this.position = start;
    this.u32(size);
    this.bytes.copyWithin(this.position, start + 5, start + 5 + size);
    this.position += size;
  }

  /** What was written, without a copy: valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }
}
