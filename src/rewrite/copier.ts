import { Writer } from './writer.js';

/** Of everything that is written between two runs. */
const LONGEST_SEQUENCE = 96;
/** Most runs are short: a loop beats a call of `set` there. */
const SHORT_BYTES = 64;

/** Copies bytes in runs, with other bytes between them. A class, for the same reason as {@link Reader}. */
export class Copier {
  readonly writer: Writer;
  readonly #source: Uint8Array;
  #copied = 0;

  constructor(source: Uint8Array, capacity: number) {
    this.#source = source;
    this.writer = new Writer(capacity);
  }

  /** What is copied next begins at `position`. */
  begin(position: number): void {
    this.#copied = position;
  }

  /** Copies what stands before `end`; there is room for a sequence behind it then. */
  copyUntil(end: number): void {
    const from = this.#copied;
    const length = end - from;
    const { writer } = this;
    writer.reserve(length + LONGEST_SEQUENCE);
    if (length > SHORT_BYTES) writer.bytes.set(this.#source.subarray(from, end), writer.position);
    else copyShort(this.#source, from, end, writer.bytes, writer.position);
    writer.position += length;
    this.#copied = end;
  }

  /** Copies what stands before `at`, and leaves out what stands from there to `end`. */
  leaveOut(at: number, end: number): void {
    this.copyUntil(at);
    this.#copied = end;
  }

  /** Writes an opcode of one byte and an index. */
  put(opcode: number, index: number): void {
    this.writer.u8(opcode);
    this.writer.u32(index);
  }
}

function copyShort(source: Uint8Array, from: number, end: number, target: Uint8Array, at: number): void {
  let position = at;
  for (let index = from; index < end; index++) target[position++] = source[index]!;
}
