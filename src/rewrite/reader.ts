/**
 * Reads the WebAssembly binary format, strictly: what the specification does not allow is an error, never a guess.
 *
 *     00 61 73 6d 01 00 00 00 │ id size body │ id size body │ …
 *     '\0asm'     version 1     section        section
 */
import { SandpoolError } from '../protocol/errors.js';

/** A section of a module. All offsets count from the first byte of the module. */
export interface Section {
  readonly id: number;
  /** Of the id byte. */
  readonly start: number;
  /** Of the first byte after the size. */
  readonly bodyStart: number;
  /** One past the last byte of the body. */
  readonly end: number;
}

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order in which sections must stand: tags come after memories, the data count before the code. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/**
 * The sections of a module in file order, without looking into them: a few steps whatever the size of the file.
 *
 * @throws SBX_MODULE_INVALID when the header, a size, an id, or the order is wrong
 */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = new Reader(bytes);
  checkHeader(reader);
  const sections: Section[] = [];
  let previousRank = -1;
  while (reader.position < bytes.length) {
    const start = reader.position;
    const id = reader.u8();
    const size = reader.u32();
    const bodyStart = reader.position;
    reader.skip(size);
    if (id !== SECTION.custom) {
      const rank = ORDER.indexOf(id);
      if (rank < 0) throw invalid(`unknown section ${id}`, start);
      if (rank <= previousRank) throw invalid(`section ${id} is out of order`, start);
      previousRank = rank;
    }
    sections.push({ id, start, bodyStart, end: reader.position });
  }
  return sections;
}

function checkHeader(reader: Reader): void {
  const isModule = reader.end >= 8 && reader.fixed32() === 0x6d736100 && reader.fixed32() === 1;
  if (!isModule) throw invalid('this is not a WebAssembly module of version 1', 0);
}

/** The error of a malformed module: what is wrong, and at which byte of the file. */
export function invalid(reason: string, offset: number): SandpoolError {
  return new SandpoolError('SBX_MODULE_INVALID', { reason: `${reason} (at byte ${offset})`, offset });
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A position in a range of bytes. A class, because a module of 20 MB is read by it: fields are faster than a closure. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  u8(): number {
    if (this.position >= this.end) throw invalid('unexpected end', this.position);
    return this.bytes[this.position++]!;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last <= 0x0f) return value + last * 2 ** 28;
    throw invalid('a number has more than 32 bits', this.position);
  }

  /** An unsigned LEB128 number of at most 64 bits; above 2^53 it is rounded. */
  u64(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.u8();
      if (shift === 63 && byte > 1) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw invalid('a number has more than 64 bits', this.position);
  }

  /** A signed LEB128 number of at most `bits` bits (32 or 33). */
  signed(bits: 32 | 33): number {
    const first = this.bytes[this.position]!;
    if (first < 0x80 && this.position < this.end) {
      this.position++;
      return (first << 25) >> 25;
    }
    return this.#longSigned(bits);
  }

  /** In whole numbers below 28 bits, where nearly all are. */
  #longSigned(bits: 32 | 33): number {
    let small = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      small |= (byte & 0x7f) << shift;
      if (byte < 0x80) return byte & 0x40 ? small | (-1 << (shift + 7)) : small;
    }
    const last = this.u8();
    const high = last & 0x40 ? (last & 0x7f) - 0x80 : last & 0x7f;
    const value = small + high * 2 ** 28;
    const limit = 2 ** (bits - 1);
    if (last < 0x80 && value < limit && value >= -limit) return value;
    throw invalid(`a number has more than ${bits} bits`, this.position);
  }

  /** Skips a signed LEB128 number of at most 64 bits. */
  skipS64(): void {
    for (let count = 1; count <= 10; count++) {
      const byte = this.u8();
      if (count === 10 && byte !== 0 && byte !== 0x7f) break;
      if (byte < 0x80) return;
    }
    throw invalid('a number has more than 64 bits', this.position);
  }

  /** Reads a signed LEB128 number of at most 64 bits, and gives its low 32. */
  low32(): number {
    const start = this.position;
    this.skipS64();
    let value = 0;
    let shift = 0;
    for (let position = start; position < this.position && shift < 32; position++, shift += 7) {
      value |= (this.bytes[position]! & 0x7f) << shift;
    }
    const isNegative = (this.bytes[this.position - 1]! & 0x40) !== 0;
    return isNegative && shift < 32 ? value | (-1 << shift) : value;
  }

  /** Four bytes, least significant first. */
  fixed32(): number {
    const start = this.position;
    this.skip(4);
    const { bytes } = this;
    return (bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 24)) >>> 0;
  }

  skip(count: number): void {
    if (count > this.end - this.position) throw invalid('unexpected end', this.end);
    this.position += count;
  }

  /** A vector's length. Every element takes at least `minBytes`, so a false length cannot cost time or space. */
  count(minBytes = 1): number {
    const count = this.u32();
    if (count * minBytes > this.end - this.position) throw invalid(`a list of ${count} is too long`, this.position);
    return count;
  }

  name(): string {
    const length = this.u32();
    const start = this.position;
    this.skip(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, this.position));
    } catch {
      throw invalid('a name is not UTF-8', start);
    }
  }

  /** Ends a section: everything must have been read. */
  finish(): void {
    if (this.position !== this.end) throw invalid('unexpected bytes at the end of a section', this.position);
  }
}
