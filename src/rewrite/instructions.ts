/** Steps over instructions without understanding them: only their length matters here. */
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
  else if (follows === FOLLOWS.block || follows === FOLLOWS.heapType) reader.signed(33);
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
  else if (follows === FOLLOWS.types) reader.skip(reader.count());
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

/** Skips the declarations of a body's locals, and gives their number. @throws SBX_MODULE_INVALID above 50,000 */
export function skipLocals(reader: Reader): number {
  let locals = 0;
  for (let left = reader.count(2); left > 0; left--) {
    locals += reader.u32();
    if (locals > 50_000) throw invalid('a function has more than 50000 locals', reader.position);
    const type = reader.u8();
    if (type === 0x63 || type === 0x64) reader.signed(33);
  }
  return locals;
}

/** Calls `visit` for every instruction of a body whose reader stands at its first byte; stops at one that is not known. */
export function visitInstructions(reader: Reader, visit: (opcode: number, sub: number) => void): void {
  skipLocals(reader);
  while (reader.position < reader.end) {
    const opcode = reader.u8();
    let follows = FOLLOWS_OPCODE[opcode]!;
    let sub = -1;
    if (follows === FOLLOWS.prefix) {
      sub = reader.u32();
      follows = followsPrefixed(opcode, sub);
    }
    visit(opcode, sub);
    if (follows === FOLLOWS.unknown) return;
    skipOperands(reader, follows);
  }
}
