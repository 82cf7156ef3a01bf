/**
 * Stores mark the page that they have written to (see `dirty-pages.ts`), and every access moves up behind the map.
 *
 *     address │ value │ store offset                                                   as it came
 *     address │ value │ store offset+base │ address+offset │ >> shift │ 1 │ store8     rewritten
 *
 * Where the address comes from a local, that is read again; where not, address and value are kept in locals of ours meanwhile.
 */
import type { BodyPlan } from './body-plan.js';
import type { Copier } from './copier.js';
import { DIRTY_PAGE_BYTES, PAGE_SHIFT } from './dirty-pages.js';
import type { Locals } from './locals.js';
import { OP, VALUE } from './opcodes.js';
import type { Reader } from './reader.js';
import { CONSTANT, type Values } from './values.js';

/** Rewrites accesses to memory. A class, for the same reason as {@link Reader}. */
export class Stores {
  readonly #memory: NonNullable<BodyPlan['memory']>;
  readonly #copier: Copier;
  readonly #values: Values;
  readonly #locals: Locals;
  #reader: Reader;

  constructor(
    memory: NonNullable<BodyPlan['memory']>,
    { copier, values, locals, reader }: { copier: Copier; values: Values; locals: Locals; reader: Reader },
  ) {
    this.#memory = memory;
    this.#copier = copier;
    this.#values = values;
    this.#locals = locals;
    this.#reader = reader;
  }

  begin(reader: Reader): void {
    this.#reader = reader;
  }

  /** An access that stores nothing. The reader stands behind the opcode; `hasLane` says whether a lane follows the offset. */
  access(hasLane: boolean): void {
    const reader = this.#reader;
    const { writer } = this.#copier;
    const operandAt = reader.position;
    const alignment = reader.u32();
    if (alignment & NAMES_MEMORY) {
      // The memory is named, and there is only one.
      reader.u32();
      this.#copier.copyUntil(operandAt);
      writer.u32(alignment & ~NAMES_MEMORY);
    } else this.#copier.copyUntil(reader.position);
    const offset = reader.u64();
    writer.u32(Math.min(offset + this.#memory.baseBytes, 0xffffffff));
    this.#copier.begin(reader.position);
    if (hasLane) reader.u8();
  }

  /** A store of so many bytes of a value of this type, whose opcode begins at `at`; the reader stands behind the opcode. */
  store(at: number, bytes: number, type: number, hasLane: boolean): void {
    const values = this.#values;
    const { maxBytes } = this.#memory;
    const offset = peekOffset(this.#reader);
    const isConstant = !values.isDead && values.idAt(1) === CONSTANT;
    const delta = values.isDead ? 0 : (values.deltaAt(1) + offset) | 0;
    const id = values.isDead ? 0 : values.idAt(1);
    const address = (values.isDead ? 0 : values.deltaAt(1) >>> 0) + offset;
    const isDone = values.isDead || (id !== 0 && values.isMarked(id, delta, bytes));
    // A constant address beyond the memory traps, and so does any address with such an offset: there is nothing to mark.
    if (isDone || offset >= maxBytes || (isConstant && address >= maxBytes)) this.access(hasLane);
    else if (isConstant) {
      this.#copyStore(hasLane);
      this.#markConstant(address);
    } else this.#storeAndMark(at, offset, type, hasLane);
    if (!isDone && id !== 0) values.marked(id, delta);
    values.step(2, 0);
  }

  #storeAndMark(at: number, offset: number, type: number, hasLane: boolean): void {
    const values = this.#values;
    const locals = this.#locals;
    const copier = this.#copier;
    const local = values.localAt(1);
    if (local >= 0) {
      const isWide = locals.typeOf(local) === VALUE.i64;
      const distance = (values.deltaAt(1) - values.localDelta(local) + offset) | 0;
      this.#copyStore(hasLane);
      this.#mark(local, isWide, distance);
      return;
    }
    const valueLocal = locals.forValue(type);
    const addressLocal = locals.forAddress();
    copier.copyUntil(at);
    copier.put(OP.localSet, valueLocal);
    copier.put(OP.localTee, addressLocal);
    copier.put(OP.localGet, valueLocal);
    this.#copyStore(hasLane);
    this.#mark(addressLocal, false, offset | 0);
  }

  /** Copies the store with its new offset, and everything of it, so that more can be written behind. */
  #copyStore(hasLane: boolean): void {
    this.access(hasLane);
    this.#copier.copyUntil(this.#reader.position);
  }

  #mark(local: number, isWide: boolean, distance: number): void {
    const { writer } = this.#copier;
    this.#copier.put(OP.localGet, local);
    if (isWide) writer.u8(OP.i32WrapI64);
    if (distance !== 0) {
      writer.u8(OP.i32Const);
      writer.s32(distance);
      writer.u8(OP.i32Add);
    }
    writer.reserve(8);
    const { bytes } = writer;
    let position = writer.position;
    bytes[position++] = OP.i32Const;
    bytes[position++] = PAGE_SHIFT;
    bytes[position++] = OP.i32ShrU;
    bytes[position++] = OP.i32Const;
    bytes[position++] = 1;
    bytes[position++] = OP.i32Store8;
    bytes[position++] = 0;
    bytes[position++] = 0;
    writer.position = position;
  }

  #markConstant(address: number): void {
    const { writer } = this.#copier;
    writer.u8(OP.i32Const);
    writer.s32(Math.floor(address / DIRTY_PAGE_BYTES));
    writer.raw([OP.i32Const, 1, OP.i32Store8, 0, 0]);
  }
}

/** A bit of the alignment. */
const NAMES_MEMORY = 0x40;

/** The offset behind an opcode; the reader stays where it is. */
function peekOffset(reader: Reader): number {
  const { position } = reader;
  if (reader.u32() & NAMES_MEMORY) reader.u32();
  const offset = reader.u64();
  reader.position = position;
  return offset;
}
