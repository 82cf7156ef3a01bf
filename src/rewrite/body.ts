/**
 * Rewrites function bodies in one pass: unchanged bytes are copied in runs, and nothing is allocated per instruction.
 *
 *     size │ locals        │ code                              as it came
 *     size │ locals + ours │ run │ changed │ run │ changed …   rewritten
 *
 * Which locals of ours a body needs shows at its end; room for them is left in front of the code and closed afterwards.
 */
import { SandpoolError } from '../protocol/errors.js';
import { DIRTY_PAGE_BYTES, PAGE_SHIFT } from './dirty-pages.js';
import { followsPrefixed, MAX_LOCALS, skipLocals, skipOperands } from './instructions.js';
import type { FunctionType, ModuleShape } from './module.js';
import {
  BULK,
  BULK_ROWS,
  FOLLOWS_OPCODE,
  GIVES_OPCODE,
  isSimdStore,
  OP,
  simdRow,
  simdStoreBytes,
  storeBytes,
  storeType,
  TAKES_OPCODE,
  VALUE,
} from './opcodes.js';
import { invalid, Reader } from './reader.js';
import { CONSTANT, FRAME, Values } from './values.js';
import { Writer } from './writer.js';

/** What changes in bodies; the passes fill it in. Functions and globals are indices of the rewritten module. */
export interface BodyPlan {
  readonly shape: ModuleShape;
  /** By how much functions with a body move up. */
  readonly functionShift: number;
  /** Code that counts down and asks for more when fuel is used up: in front of tail calls, and around loops (see `fuel.ts`). */
  readonly fuel?: {
    readonly burnOnce: Uint8Array;
    readonly refuelIfEmpty: Uint8Array;
    readonly burnAndLeave: Uint8Array;
  };
  /** The functions that pay fuel for long memory instructions where pages are not marked. */
  readonly charged?: { fill(): number; copy(): number };
  readonly memory?: {
    readonly baseBytes: number;
    readonly maxBytes: number;
    readonly sizeGlobal: number;
    /** The functions that stand for memory instructions, made on demand. */
    grow(): number;
    fill(): number;
    copy(): number;
    init(segment: number): number;
    /** The global that is 1 once a passive segment was dropped; undefined for an active one. */
    droppedGlobal(segment: number): number | undefined;
  };
}

const FRAME_OF: Record<number, number> = {
  [OP.block]: FRAME.block,
  [OP.loop]: FRAME.loop,
  [OP.if]: FRAME.if,
  [OP.try]: FRAME.try,
};
const EMPTY: FunctionType = { params: [], results: [] };
const ONE_RESULT: FunctionType = { params: [], results: [0] };
/** V8 refuses longer bodies. */
const MAX_BODY_BYTES = 7_654_321;
/** Of everything that is written at once; runs are reserved separately. */
const LONGEST_SEQUENCE = 96;

/** Collects rewritten bodies in `writer`. A class, for the same reason as {@link Reader}. */
export class Bodies {
  readonly writer: Writer;
  readonly #plan: BodyPlan;
  readonly #values = new Values();
  readonly #bytes: Uint8Array;
  #reader: Reader;
  #copied = 0;
  /** Types of all locals of the current function, parameters first. */
  #localTypes = new Uint8Array(64);
  #locals = 0;
  /** Value types of our own locals, in order of first use; and by value type (0x7b–0x7f), which local it is, or -1. */
  #scratchTypes: number[] = [];
  #addressLocal = -1;
  #valueLocals: number[] = [-1, -1, -1, -1, -1];
  /** By open block: how many blocks around it, itself included, are loops that got another loop around them. */
  #loops: number[] = [0];

  constructor(plan: BodyPlan, capacity: number) {
    this.writer = new Writer(capacity);
    this.#plan = plan;
    this.#bytes = plan.shape.bytes;
    this.#reader = new Reader(this.#bytes, 0, 0);
  }

  /** Rewrites the body of the function `index` that lies at `start` (after its size) to `end`. */
  rewrite(index: number, start: number, end: number): void {
    const { writer } = this;
    const reader = new Reader(this.#bytes, start, end);
    this.#reader = reader;
    const type = this.#plan.shape.types[this.#plan.shape.functions[index]!]!;
    const groups = reader.count(2);
    const groupsStart = reader.position;
    this.#beginLocals(type, start);
    const codeStart = reader.position;
    const gap = 24 + codeStart - groupsStart;
    writer.reserve(gap);
    const bodyStart = writer.position;
    writer.position += gap;
    this.#copied = codeStart;
    this.#values.begin(this.#locals, type.results.length, this.#plan.memory !== undefined);
    while (this.#values.frames > 0) this.#instruction();
    reader.finish();
    this.#copyUntil(end);
    this.#closeGap(bodyStart, gap, groups, groupsStart, codeStart);
  }

  #beginLocals(type: FunctionType, start: number): void {
    const reader = this.#reader;
    reader.position = start;
    const declared = skipLocals(reader);
    this.#locals = type.params.length + declared;
    if (this.#locals > this.#localTypes.length) this.#localTypes = new Uint8Array(this.#locals * 2);
    let local = 0;
    for (const param of type.params) this.#localTypes[local++] = param;
    reader.position = start;
    for (let left = reader.u32(); left > 0; left--) {
      const count = reader.u32();
      this.#localTypes.fill(reader.u8(), local, local + count);
      local += count;
    }
    this.#scratchTypes.length = 0;
    this.#addressLocal = -1;
    this.#valueLocals.fill(-1);
  }

  /** Writes size and locals at `bodyStart` and moves the code, which begins `gap` bytes later, up to them. */
  #closeGap(bodyStart: number, gap: number, groups: number, groupsStart: number, codeStart: number): void {
    const { writer } = this;
    const codeLength = writer.position - bodyStart - gap;
    const locals = new Writer(16);
    locals.u32(groups + this.#scratchTypes.length);
    const declarations = codeStart - groupsStart;
    const bodyLength = locals.position + declarations + 2 * this.#scratchTypes.length + codeLength;
    if (bodyLength > MAX_BODY_BYTES) throw unsupported('a function is too long to be rewritten');
    if (this.#locals + this.#scratchTypes.length > MAX_LOCALS)
      throw unsupported('a function has too many locals to be rewritten');
    writer.position = bodyStart;
    writer.u32(bodyLength);
    writer.raw(locals.written());
    writer.raw(this.#bytes.subarray(groupsStart, codeStart));
    for (const type of this.#scratchTypes) writer.raw([1, type]);
    writer.bytes.copyWithin(writer.position, bodyStart + gap, bodyStart + gap + codeLength);
    writer.position += codeLength;
  }

  #instruction(): void {
    const reader = this.#reader;
    const at = reader.position;
    const opcode = reader.u8();
    const takes = TAKES_OPCODE[opcode]!;
    if (opcode >= OP.localGet && opcode <= OP.localTee) this.#local(opcode);
    else if (opcode >= OP.i32Load && opcode <= OP.memoryGrow) this.#memory(opcode, at);
    else if (takes !== 255) this.#plain(opcode, takes, at);
    else if (opcode >= OP.bulk) this.#prefixed(opcode, at);
    else this.#control(opcode, at);
  }

  #local(opcode: number): void {
    const local = this.#reader.u32();
    if (local >= this.#locals) throw invalid(`local ${local} does not exist`, this.#reader.position);
    if (opcode === OP.localGet) this.#values.getLocal(local);
    else if (opcode === OP.localSet) this.#values.setLocal(local);
    else this.#values.teeLocal(local);
  }

  /** An instruction that changes at most a function index; constants, sums and widths of addresses are followed. */
  #plain(opcode: number, takes: number, at: number): void {
    const values = this.#values;
    const reader = this.#reader;
    if (opcode === OP.i32Const) values.constant(reader.signed(32));
    else if (opcode === OP.i64Const) values.constant(reader.low32());
    else if (opcode === OP.i32Add || opcode === OP.i64Add) values.add(1);
    else if (opcode === OP.i32Sub || opcode === OP.i64Sub) values.add(-1);
    else if (opcode === OP.i32WrapI64 || opcode === OP.i64ExtendI32U || opcode === OP.i64ExtendI32S) return;
    else if (opcode === OP.refFunc) {
      this.#functionIndex(at);
      values.step(0, 1);
    } else {
      skipOperands(reader, FOLLOWS_OPCODE[opcode]!);
      values.step(takes, GIVES_OPCODE[opcode]!);
      if (opcode === OP.unreachable) values.stop();
    }
  }

  #memory(opcode: number, at: number): void {
    const { memory } = this.#plan;
    const isAccess = opcode < OP.memorySize;
    if (memory === undefined || !isAccess) {
      skipOperands(this.#reader, FOLLOWS_OPCODE[opcode]!);
      if (memory !== undefined) this.#sizeOrGrow(opcode, at, memory);
      this.#values.step(TAKES_OPCODE[opcode]!, GIVES_OPCODE[opcode]!);
    } else if (opcode < OP.i32Store) {
      this.#shiftOffset(this.#reader.position, memory.baseBytes);
      this.#values.step(1, 1);
    } else this.#store(at, storeBytes(opcode), storeType(opcode), false);
  }

  #sizeOrGrow(opcode: number, at: number, memory: { sizeGlobal: number; grow(): number }): void {
    this.#replaceFrom(at);
    this.writer.u8(opcode === OP.memorySize ? OP.globalGet : OP.call);
    this.writer.u32(opcode === OP.memorySize ? memory.sizeGlobal : memory.grow());
  }

  /** A store whose opcode begins at `at`; the reader stands behind the opcode. */
  #store(at: number, bytes: number, type: number, hasLane: boolean): void {
    const values = this.#values;
    const memory = this.#plan.memory!;
    const operandAt = this.#reader.position;
    const offset = this.#peekOffset();
    const isConstant = !values.isDead && values.idAt(1) === CONSTANT;
    const delta = values.isDead ? 0 : (values.deltaAt(1) + offset) | 0;
    const id = values.isDead ? 0 : values.idAt(1);
    const address = (values.isDead ? 0 : values.deltaAt(1) >>> 0) + offset;
    const isDone = values.isDead || (id !== 0 && values.isMarked(id, delta, bytes));
    // A constant address beyond the memory traps, and so does any address with such an offset: there is nothing to mark.
    if (isDone || offset >= memory.maxBytes || (isConstant && address >= memory.maxBytes)) {
      this.#reader.position = operandAt;
      this.#shiftOffset(operandAt, memory.baseBytes);
      if (hasLane) this.#reader.u8();
    } else if (isConstant) {
      this.#shiftStore(operandAt, memory.baseBytes, hasLane);
      this.#markConstant(address);
    } else this.#storeAndMark(at, operandAt, offset, type, hasLane);
    if (!isDone && id !== 0) values.marked(id, delta);
    values.step(2, 0);
  }

  #storeAndMark(at: number, operandAt: number, offset: number, type: number, hasLane: boolean): void {
    const values = this.#values;
    const local = values.localAt(1);
    const base = this.#plan.memory!.baseBytes;
    if (local >= 0) {
      const localType = this.#localTypes[local]!;
      const distance = (values.deltaAt(1) - values.localDelta(local) + offset) | 0;
      this.#shiftStore(operandAt, base, hasLane);
      this.#mark(local, localType === VALUE.i64, distance);
      return;
    }
    const valueLocal = this.#valueLocal(type);
    if (this.#addressLocal < 0) this.#addressLocal = this.#newLocal(VALUE.i32);
    this.#copyUntil(at);
    this.#put(OP.localSet, valueLocal);
    this.#put(OP.localTee, this.#addressLocal);
    this.#put(OP.localGet, valueLocal);
    this.#shiftStore(operandAt, base, hasLane);
    this.#mark(this.#addressLocal, false, offset | 0);
  }

  /** Copies the store with its new offset, and everything of it, so that more can be written behind. */
  #shiftStore(operandAt: number, base: number, hasLane: boolean): void {
    this.#reader.position = operandAt;
    this.#shiftOffset(operandAt, base);
    if (hasLane) this.#reader.u8();
    this.#copyUntil(this.#reader.position);
  }

  #mark(local: number, isWide: boolean, distance: number): void {
    const { writer } = this;
    this.#put(OP.localGet, local);
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
    const { writer } = this;
    writer.u8(OP.i32Const);
    writer.s32(Math.floor(address / DIRTY_PAGE_BYTES));
    writer.raw([OP.i32Const, 1, OP.i32Store8, 0, 0]);
  }

  #prefixed(opcode: number, at: number): void {
    const reader = this.#reader;
    const sub = reader.u32();
    const follows = followsPrefixed(opcode, sub);
    const { memory, charged } = this.#plan;
    if (memory !== undefined && opcode === OP.simd && isMemoryAccess(sub)) {
      this.#simdMemory(sub, at, memory.baseBytes);
      return;
    }
    const operandAt = reader.position;
    skipOperands(reader, follows);
    if (memory !== undefined && opcode === OP.bulk) this.#bulk(sub, at, operandAt, memory);
    else if (charged !== undefined && opcode === OP.bulk && sub === BULK.memoryFill)
      this.#replaceByCall(at, charged.fill());
    else if (charged !== undefined && opcode === OP.bulk && sub === BULK.memoryCopy)
      this.#replaceByCall(at, charged.copy());
    const row = opcode === OP.bulk ? BULK_ROWS[sub] : undefined;
    if (row !== undefined) this.#values.step(row[1], row[2]);
    else if (opcode === OP.simd) this.#values.step(simdRow(sub)!.takes, simdRow(sub)!.gives);
  }

  #simdMemory(sub: number, at: number, base: number): void {
    const hasLane = sub >= 84 && sub <= 91;
    if (isSimdStore(sub)) {
      this.#store(at, simdStoreBytes(sub), VALUE.v128, hasLane);
      return;
    }
    this.#shiftOffset(this.#reader.position, base);
    if (hasLane) this.#reader.u8();
    this.#values.step(simdRow(sub)!.takes, 1);
  }

  #bulk(sub: number, at: number, operandAt: number, memory: NonNullable<BodyPlan['memory']>): void {
    if (sub === BULK.memoryFill) this.#replaceByCall(at, memory.fill());
    else if (sub === BULK.memoryCopy) this.#replaceByCall(at, memory.copy());
    else if (sub === BULK.memoryInit) this.#replaceByCall(at, memory.init(this.#indexAt(operandAt)));
    else if (sub === BULK.dataDrop) {
      const dropped = memory.droppedGlobal(this.#indexAt(operandAt));
      this.#replaceFrom(at);
      if (dropped === undefined) return;
      this.writer.raw([OP.i32Const, 1]);
      this.#put(OP.globalSet, dropped);
    } else if (sub === BULK.elemDrop) this.#replaceFrom(at);
  }

  #control(opcode: number, at: number): void {
    const values = this.#values;
    if (opcode === OP.call || opcode === OP.returnCall) this.#call(opcode, at);
    else if (opcode === OP.callIndirect || opcode === OP.returnCallIndirect) this.#callIndirect(opcode, at);
    else if (opcode === OP.block || opcode === OP.loop || opcode === OP.if || opcode === OP.try) this.#open(opcode, at);
    else if (opcode === OP.end) this.#close();
    else if (opcode === OP.else) this.#alternative(values.params());
    else if (opcode === OP.br || opcode === OP.brIf) {
      this.#branch(opcode, at);
      if (opcode === OP.br) values.stop();
      else values.step(1, 0);
    } else if (opcode === OP.brTable) {
      this.#branchTable(at);
      values.stop();
    } else this.#leave(opcode, at);
  }

  #leave(opcode: number, at: number): void {
    const values = this.#values;
    const reader = this.#reader;
    if (opcode === OP.return) values.stop();
    else if (opcode === OP.throw) {
      reader.u32();
      values.stop();
    } else if (opcode === OP.rethrow) {
      this.#label(opcode, at, 0);
      values.stop();
    } else if (opcode === OP.catch) this.#alternative(this.#typeAt(this.#plan.shape.tags[reader.u32()]).params.length);
    else if (opcode === OP.catchAll) this.#alternative(0);
    else if (opcode === OP.delegate) {
      // Its label counts from outside its own block.
      this.#label(opcode, at, 1);
      this.#endBlock();
    } else throw invalid(`unknown instruction 0x${opcode.toString(16)}`, reader.position - 1);
  }

  #branch(opcode: number, at: number): void {
    this.#values.branch(this.#label(opcode, at, 0));
  }

  /** Reads the label behind `opcode`, and writes both when loops in between have one more block around them. */
  #label(opcode: number, at: number, outside: 0 | 1): number {
    const label = this.#reader.u32();
    const moved = this.#movedLabel(label, outside);
    if (moved === label) return label;
    this.#replaceFrom(at);
    this.#put(opcode, moved);
    return label;
  }

  #branchTable(at: number): void {
    const reader = this.#reader;
    const labels = reader.count() + 1;
    const loops = this.#loops[this.#values.frames - 1]!;
    if (loops > 0) {
      this.#copyUntil(at);
      this.#put(OP.brTable, labels - 1);
    }
    for (let left = labels; left > 0; left--) {
      const label = reader.u32();
      const moved = this.#movedLabel(label, 0);
      if (loops > 0) this.writer.u32(moved);
      this.#values.branch(label);
    }
    if (loops > 0) this.#copied = reader.position;
  }

  #movedLabel(label: number, outside: 0 | 1): number {
    const innermost = this.#values.frames - 1 - outside;
    if (label > innermost) throw invalid(`label ${label} does not exist`, this.#reader.position);
    return label + this.#loops[innermost]! - this.#loops[innermost - label]!;
  }

  #open(opcode: number, at: number): void {
    const type = this.#blockType();
    const values = this.#values;
    if (opcode === OP.if) values.step(1, 0);
    const isFueled = opcode === OP.loop && this.#plan.fuel !== undefined;
    this.#loops[values.frames] = this.#loops[values.frames - 1]! + (isFueled ? 1 : 0);
    values.open(FRAME_OF[opcode]!, type.params.length, type.results.length);
    if (isFueled) this.#fuelLoop(at, this.#plan.fuel!);
  }

  /** A loop around the loop: the inner one leaves when fuel is used up, the outer one asks for more. */
  #fuelLoop(at: number, fuel: NonNullable<BodyPlan['fuel']>): void {
    const { writer } = this;
    const bodyAt = this.#reader.position;
    this.#copyUntil(bodyAt);
    writer.raw(fuel.refuelIfEmpty);
    writer.raw(this.#bytes.subarray(at, bodyAt));
    writer.raw(fuel.burnAndLeave);
  }

  #close(): void {
    const frame = this.#values.frames - 1;
    if (frame > 0 && this.#loops[frame]! > this.#loops[frame - 1]!) {
      this.#copyUntil(this.#reader.position);
      this.writer.u8(OP.end);
    }
    this.#endBlock();
  }

  #endBlock(): void {
    this.#requireBalance();
    this.#values.close();
  }

  #alternative(values: number): void {
    this.#requireBalance();
    this.#values.alternative(values);
  }

  /** A mark that is left out because of a value that is not there, would let one request see what another one has stored. */
  #requireBalance(): void {
    if (!this.#values.isBalanced()) throw unsupported('a function has instructions that cannot be followed');
  }

  #blockType(): FunctionType {
    const type = this.#reader.signed(33);
    if (type >= 0) return this.#typeAt(type);
    return type === -64 ? EMPTY : ONE_RESULT;
  }

  #typeAt(index: number | undefined): FunctionType {
    const type = this.#plan.shape.types[index ?? -1];
    if (type === undefined) throw invalid(`type ${index} does not exist`, this.#reader.position);
    return type;
  }

  #call(opcode: number, at: number): void {
    if (opcode === OP.returnCall) this.#burnOnce(at);
    const index = this.#functionIndex(at);
    const type = this.#typeAt(this.#plan.shape.functions[index]);
    this.#values.step(type.params.length, type.results.length);
    if (opcode === OP.returnCall) this.#values.stop();
  }

  #callIndirect(opcode: number, at: number): void {
    if (opcode === OP.returnCallIndirect) this.#burnOnce(at);
    const type = this.#typeAt(this.#reader.u32());
    this.#reader.u32();
    this.#values.step(type.params.length + 1, type.results.length);
    if (opcode === OP.returnCallIndirect) this.#values.stop();
  }

  /** Tail calls can go round without a loop. */
  #burnOnce(at: number): void {
    const { fuel } = this.#plan;
    if (fuel === undefined) return;
    this.#copyUntil(at);
    this.writer.raw(fuel.burnOnce);
  }

  /** Reads the function index behind the one-byte opcode at `at`, and writes both when the function moves. */
  #functionIndex(at: number): number {
    const { shape, functionShift } = this.#plan;
    const opcode = this.#bytes[at]!;
    const index = this.#reader.u32();
    if (functionShift === 0 || index < shape.importedFunctions) return index;
    this.#replaceFrom(at);
    this.#put(opcode, index + functionShift);
    return index;
  }

  /** Reads alignment and offset at `operandAt` and writes them with the offset moved by `base`. */
  #shiftOffset(operandAt: number, base: number): void {
    const reader = this.#reader;
    const alignment = reader.u32();
    if (alignment & 0x40) {
      // The memory is named, and there is only one.
      reader.u32();
      this.#copyUntil(operandAt);
      this.writer.u32(alignment & 0x3f);
    } else this.#copyUntil(reader.position);
    const offset = reader.u64();
    this.writer.u32(Math.min(offset + base, 0xffffffff));
    this.#copied = reader.position;
  }

  #peekOffset(): number {
    const reader = this.#reader;
    if (reader.u32() & 0x40) reader.u32();
    return reader.u64();
  }

  #indexAt(position: number): number {
    return new Reader(this.#bytes, position, this.#reader.end).u32();
  }

  #replaceByCall(at: number, index: number): void {
    this.#replaceFrom(at);
    this.#put(OP.call, index);
  }

  /** Copies what stands before `at` and leaves out what has been read since. */
  #replaceFrom(at: number): void {
    this.#copyUntil(at);
    this.#copied = this.#reader.position;
  }

  #put(opcode: number, index: number): void {
    this.writer.u8(opcode);
    this.writer.u32(index);
  }

  #valueLocal(type: number): number {
    const slot = type - VALUE.v128;
    if (this.#valueLocals[slot]! < 0) this.#valueLocals[slot] = this.#newLocal(type);
    return this.#valueLocals[slot]!;
  }

  #newLocal(type: number): number {
    this.#scratchTypes.push(type);
    return this.#locals + this.#scratchTypes.length - 1;
  }

  /** Copies unchanged bytes up to `end`. Most runs are short: a loop beats a call of `set` there. */
  #copyUntil(end: number): void {
    const from = this.#copied;
    const length = end - from;
    const { writer } = this;
    writer.reserve(length + LONGEST_SEQUENCE);
    if (length > 64) writer.bytes.set(this.#bytes.subarray(from, end), writer.position);
    else copyShort(this.#bytes, from, end, writer.bytes, writer.position);
    writer.position += length;
    this.#copied = end;
  }
}

/** The module is right, but V8 would refuse it with what is added, or it cannot be followed. */
function unsupported(reason: string): SandpoolError {
  return new SandpoolError('SBX_MODULE_UNSUPPORTED', { reason, reasons: [reason] });
}

function copyShort(source: Uint8Array, from: number, end: number, target: Uint8Array, at: number): void {
  let position = at;
  for (let index = from; index < end; index++) target[position++] = source[index]!;
}

/** Whether an opcode after 0xfd has an alignment and an offset. */
function isMemoryAccess(sub: number): boolean {
  return sub <= 11 || (sub >= 84 && sub <= 93);
}
