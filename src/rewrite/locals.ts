import { skipLocals } from './instructions.js';
import { VALUE } from './opcodes.js';
import type { Reader } from './reader.js';

/**
 * The locals of one function after the other, and those that its rewritten body needs beside them. A class, for the same reason as
 * {@link Reader}.
 */
export class Locals {
  /** Of the function's own, parameters included. */
  count = 0;
  /** Value types of ours, in order of first use. */
  readonly added: number[] = [];
  /** Types of the function's own, parameters first. */
  #types = new Uint8Array(64);
  #address = -1;
  /** By value type (0x7b–0x7f): which local of ours it is, or -1. */
  readonly #values: number[] = [-1, -1, -1, -1, -1];

  /** Begins a function. The reader stands in front of the declarations, and behind them afterwards. @throws SBX_MODULE_INVALID */
  begin(reader: Reader, params: ArrayLike<number>): void {
    const start = reader.position;
    this.count = params.length + skipLocals(reader);
    if (this.count > this.#types.length) this.#types = new Uint8Array(this.count * 2);
    this.#types.set(params);
    reader.position = start;
    let local = params.length;
    for (let left = reader.u32(); left > 0; left--) {
      const count = reader.u32();
      this.#types.fill(reader.u8(), local, local + count);
      local += count;
    }
    this.added.length = 0;
    this.#address = -1;
    this.#values.fill(-1);
  }

  typeOf(local: number): number {
    return this.#types[local]!;
  }

  /** A local of ours for an address. */
  forAddress(): number {
    if (this.#address < 0) this.#address = this.#add(VALUE.i32);
    return this.#address;
  }

  /** A local of ours for a value of this type. */
  forValue(type: number): number {
    const slot = type - VALUE.v128;
    if (this.#values[slot]! < 0) this.#values[slot] = this.#add(type);
    return this.#values[slot]!;
  }

  #add(type: number): number {
    this.added.push(type);
    return this.count + this.added.length - 1;
  }
}
