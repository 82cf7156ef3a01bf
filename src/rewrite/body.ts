/**
 * Rewrites function bodies in one pass: unchanged bytes are copied in runs, and nothing is allocated per instruction.
 *
 *     size │ locals        │ code                              as it came
 *     size │ locals + ours │ run │ changed │ run │ changed …   rewritten
 *
 * Which locals of ours a body needs shows at its end; room for them is left in front of the code and closed afterwards.
 */
import { SandpoolError } from '../protocol/errors.js';
import type { BodyPlan } from './body-plan.js';
import { Copier } from './copier.js';
import { followsPrefixed, MAX_LOCALS, skipOperands } from './instructions.js';
import { Locals } from './locals.js';
import type { FunctionType } from './module.js';
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
import { Stores } from './stores.js';
import { FRAME, Values } from './values.js';
import { Writer } from './writer.js';

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

/** Collects rewritten bodies in `writer`. A class, for the same reason as {@link Reader}. */
export class Bodies {
  readonly writer: Writer;
  readonly #plan: BodyPlan;
  readonly #bytes: Uint8Array;
  readonly #values = new Values();
  readonly #locals = new Locals();
  readonly #copier: Copier;
  /** Where pages are marked. */
  readonly #stores: Stores | undefined;
  #reader: Reader;
  /** By open block: how many blocks around it, itself included, are loops that got another loop around them. */
  #loops: number[] = [0];

  constructor(plan: BodyPlan, capacity: number) {
    this.#plan = plan;
    this.#bytes = plan.shape.bytes;
    this.#reader = new Reader(this.#bytes, 0, 0);
    this.#copier = new Copier(this.#bytes, capacity);
    this.writer = this.#copier.writer;
    const parts = { copier: this.#copier, values: this.#values, locals: this.#locals, reader: this.#reader };
    this.#stores = plan.memory && new Stores(plan.memory, parts);
  }

  /** Rewrites the body of the function `index` that lies at `start` (after its size) to `end`. */
  rewrite(index: number, start: number, end: number): void {
    const { writer } = this;
    const reader = new Reader(this.#bytes, start, end);
    this.#reader = reader;
    this.#stores?.begin(reader);
    const type = this.#plan.shape.types[this.#plan.shape.functions[index]!]!;
    const groups = reader.count(2);
    const groupsStart = reader.position;
    reader.position = start;
    this.#locals.begin(reader, type.params);
    const codeStart = reader.position;
    const gap = 24 + codeStart - groupsStart;
    writer.reserve(gap);
    const bodyStart = writer.position;
    writer.position += gap;
    this.#copier.begin(codeStart);
    this.#values.begin(this.#locals.count, type.results.length, this.#plan.memory !== undefined);
    while (this.#values.frames > 0) this.#instruction();
    reader.finish();
    this.#copier.copyUntil(end);
    this.#closeGap(bodyStart, gap, groups, groupsStart, codeStart);
  }

  /** Writes size and locals at `bodyStart` and moves the code, which begins `gap` bytes later, up to them. */
  #closeGap(bodyStart: number, gap: number, groups: number, groupsStart: number, codeStart: number): void {
    const { writer } = this;
    const { count, added } = this.#locals;
    const codeLength = writer.position - bodyStart - gap;
    const locals = new Writer(16);
    locals.u32(groups + added.length);
    const declarations = codeStart - groupsStart;
    const bodyLength = locals.position + declarations + 2 * added.length + codeLength;
    if (bodyLength > MAX_BODY_BYTES) throw unsupported('a function is too long to be rewritten');
    if (count + added.length > MAX_LOCALS) throw unsupported('a function has too many locals to be rewritten');
    writer.position = bodyStart;
    writer.u32(bodyLength);
    writer.raw(locals.written());
    writer.raw(this.#bytes.subarray(groupsStart, codeStart));
    for (const type of added) writer.raw([1, type]);
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
    if (local >= this.#locals.count) throw invalid(`local ${local} does not exist`, this.#reader.position);
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
    const stores = this.#stores;
    if (memory === undefined || stores === undefined || opcode >= OP.memorySize) {
      skipOperands(this.#reader, FOLLOWS_OPCODE[opcode]!);
      if (memory !== undefined) this.#sizeOrGrow(opcode, at, memory);
      this.#values.step(TAKES_OPCODE[opcode]!, GIVES_OPCODE[opcode]!);
    } else if (opcode < OP.i32Store) {
      stores.access(false);
      this.#values.step(1, 1);
    } else stores.store(at, storeBytes(opcode), storeType(opcode), false);
  }

  #sizeOrGrow(opcode: number, at: number, memory: { sizeGlobal: number; grow(): number }): void {
    this.#replaceFrom(at);
    this.writer.u8(opcode === OP.memorySize ? OP.globalGet : OP.call);
    this.writer.u32(opcode === OP.memorySize ? memory.sizeGlobal : memory.grow());
  }

  #prefixed(opcode: number, at: number): void {
    const reader = this.#reader;
    const sub = reader.u32();
    const follows = followsPrefixed(opcode, sub);
    const { memory, charged } = this.#plan;
    if (this.#stores !== undefined && opcode === OP.simd && isMemoryAccess(sub)) {
      this.#simdMemory(sub, at, this.#stores);
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

  #simdMemory(sub: number, at: number, stores: Stores): void {
    const hasLane = sub >= 84 && sub <= 91;
    if (isSimdStore(sub)) {
      stores.store(at, simdStoreBytes(sub), VALUE.v128, hasLane);
      return;
    }
    stores.access(hasLane);
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
      this.#copier.put(OP.globalSet, dropped);
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
    this.#copier.put(opcode, moved);
    return label;
  }

  #branchTable(at: number): void {
    const reader = this.#reader;
    const labels = reader.count() + 1;
    const loops = this.#loops[this.#values.frames - 1]!;
    if (loops > 0) {
      this.#copier.copyUntil(at);
      this.#copier.put(OP.brTable, labels - 1);
    }
    for (let left = labels; left > 0; left--) {
      const label = reader.u32();
      const moved = this.#movedLabel(label, 0);
      if (loops > 0) this.writer.u32(moved);
      this.#values.branch(label);
    }
    if (loops > 0) this.#copier.begin(reader.position);
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
    this.#copier.copyUntil(bodyAt);
    writer.raw(fuel.refuelIfEmpty);
    writer.raw(this.#bytes.subarray(at, bodyAt));
    writer.raw(fuel.burnAndLeave);
  }

  #close(): void {
    const frame = this.#values.frames - 1;
    if (frame > 0 && this.#loops[frame]! > this.#loops[frame - 1]!) {
      this.#copier.copyUntil(this.#reader.position);
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
    this.#copier.copyUntil(at);
    this.writer.raw(fuel.burnOnce);
  }

  /** Reads the function index behind the one-byte opcode at `at`, and writes both when the function moves. */
  #functionIndex(at: number): number {
    const { shape, functionShift } = this.#plan;
    const opcode = this.#bytes[at]!;
    const index = this.#reader.u32();
    if (functionShift === 0 || index < shape.importedFunctions) return index;
    this.#replaceFrom(at);
    this.#copier.put(opcode, index + functionShift);
    return index;
  }

  #indexAt(position: number): number {
    return new Reader(this.#bytes, position, this.#reader.end).u32();
  }

  #replaceByCall(at: number, index: number): void {
    this.#replaceFrom(at);
    this.#copier.put(OP.call, index);
  }

  /** Copies what stands before `at` and leaves out what has been read since. */
  #replaceFrom(at: number): void {
    this.#copier.leaveOut(at, this.#reader.position);
  }
}

/** The module is right, but V8 would refuse it with what is added, or it cannot be followed. */
function unsupported(reason: string): SandpoolError {
  return new SandpoolError('SBX_MODULE_UNSUPPORTED', { reason, reasons: [reason] });
}

/** Whether an opcode after 0xfd has an alignment and an offset. */
function isMemoryAccess(sub: number): boolean {
  return sub <= 11 || (sub >= 84 && sub <= 93);
}
