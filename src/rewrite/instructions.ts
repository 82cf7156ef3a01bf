/** Steps over instructions without understanding them: only their length matters here. */
import { SandpoolError } from '../protocol/errors.js';
import { BULK_ROWS, FOLLOWS, FOLLOWS_OPCODE, OP, simdRow } from './opcodes.js';
import { invalid, type Reader } from './reader.js';

/**
 * Skips what follows an opcode that is not a prefix.
 *
 * @throws SBX_MODULE_INVALID when it is malformed
 */
export function skipOperands(reader: Reader, follows: number): void {
  if (follows === FOLLOWS.nothing) return;
  if (follows === FOLLOWS.index) reader.u32();
  else if (follows === FOLLOWS.memory) skipMemoryOperand(reader);
  else if (follows === FOLLOWS.s32) reader.signed(32);
  else if (follows === FOLLOWS.s64) reader.skipS64();
  else if (follows === FOLLOWS.block) skipType(reader);
  else if (follows === FOLLOWS.heapType) reader.signed(33);
  else skipRareOperands(reader, follows);
}

function skipRareOperands(reader: Reader, follows: number): void {
  if (follows === FOLLOWS.labels) for (let left = reader.count() + 1; left > 0; left--) reader.u32();
  else if (follows === FOLLOWS.typeAndTable || follows === FOLLOWS.twoIndices) {
    reader.u32();
    reader.u32();
  } else if (follows === FOLLOWS.fixed4) reader.skip(4);
  else if (follows === FOLLOWS.fixed8) reader.skip(8);
  else if (follows === FOLLOWS.fixed16) reader.skip(16);
  else if (follows === FOLLOWS.types) for (let left = reader.count(); left > 0; left--) skipType(reader);
  else if (follows === FOLLOWS.byte) reader.u8();
  else if (follows === FOLLOWS.memoryAndLane) {
    skipMemoryOperand(reader);
    reader.u8();
  } else throw invalid('unknown instruction', reader.position);
}

/** Alignment (bit 6: a memory's index follows) and an offset of up to 64 bits. */
function skipMemoryOperand(reader: Reader): void {
  if (reader.u32() & 0x40) reader.u32();
  reader.u64();
}

/** What follows the opcode `sub` behind a prefix; 0 when there is no such instruction. */
export function followsPrefixed(prefix: number, sub: number): number {
  if (prefix === OP.bulk) return BULK_ROWS[sub]?.[0] ?? FOLLOWS.unknown;
  if (prefix === OP.simd) return simdRow(sub)?.follows ?? FOLLOWS.unknown;
  if (sub === 3) return FOLLOWS.byte;
  return sub < 3 || (sub >= 0x10 && sub <= 0x4e) ? FOLLOWS.memory : FOLLOWS.unknown;
}

/** Skips a value type, or the type of a block. True when it is a reference to a named type: its heap type follows the first byte. */
function skipType(reader: Reader): boolean {
  const first = reader.bytes[reader.position];
  const isTyped = first === 0x63 || first === 0x64;
  if (isTyped) reader.u8();
  reader.signed(33);
  return isTyped;
}

/** V8 refuses functions with more. */
export const MAX_LOCALS = 50_000;

/**
 * Skips the declarations of a body's locals, and gives their number.
 * @throws SBX_MODULE_INVALID above {@link MAX_LOCALS}
 */
export function skipLocals(reader: Reader, onTypedReference: () => void = refuseTyped): number {
  let locals = 0;
  for (let left = reader.count(2); left > 0; left--) {
    locals += reader.u32();
    if (locals > MAX_LOCALS) throw invalid(`a function has more than ${MAX_LOCALS} locals`, reader.position);
    if (skipType(reader)) onTypedReference();
  }
  return locals;
}

/** Whoever goes on has asked `eligibilityOf` before. */
function refuseTyped(): never {
  throw new SandpoolError('SBX_MODULE_UNSUPPORTED', { reason: 'a local is a typed reference', reasons: [] });
}

/** What a walk over instructions meets. */
export interface InstructionVisitor {
  /** An instruction; `sub` is the opcode behind a prefix, or -1. */
  instruction(opcode: number, sub: number): void;
  /** A local, block or `select` of a type that is a reference to a named type. */
  typedReference(): void;
}

/** Tells `visitor` of every instruction of a body whose reader stands at its first byte; stops at one that is not known. */
export function visitInstructions(reader: Reader, visitor: InstructionVisitor): void {
  skipLocals(reader, () => visitor.typedReference());
  while (reader.position < reader.end) {
    const opcode = reader.u8();
    let follows = FOLLOWS_OPCODE[opcode]!;
    let sub = -1;
    if (follows === FOLLOWS.prefix) {
      sub = reader.u32();
      follows = followsPrefixed(opcode, sub);
    }
    visitor.instruction(opcode, sub);
    if (follows === FOLLOWS.unknown) return;
    if ((follows === FOLLOWS.block || follows === FOLLOWS.types) && namesType(reader, follows))
      visitor.typedReference();
    skipOperands(reader, follows);
  }
}

/** Looks ahead at the types behind a block or a `select`. */
function namesType(reader: Reader, follows: number): boolean {
  const start = reader.position;
  let isTyped = false;
  for (let left = follows === FOLLOWS.types ? reader.count() : 1; left > 0; left--)
    isTyped = skipType(reader) || isTyped;
  reader.position = start;
  return isTyped;
}
