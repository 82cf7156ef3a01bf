/** Writes the few functions and sequences that a rewritten module gets, as lists of bytes. */
import { Writer } from './writer.js';

/** Bytes, and lists of bytes. */
export type Code = readonly (number | Code)[];

/** An unsigned number behind an opcode. */
export function u32(value: number): readonly number[] {
  const writer = new Writer(5);
  writer.u32(value);
  return [...writer.written()];
}

/** A signed number behind `i32.const`. */
export function s32(value: number): readonly number[] {
  const writer = new Writer(5);
  writer.s32(value);
  return [...writer.written()];
}

/** The bytes of a sequence. */
export function flat(code: Code): number[] {
  return (code as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as number[];
}

/** A function's body: its locals besides the parameters, all i32, and its code without the last `end`. */
export function body(locals: number, code: Code): Uint8Array {
  const writer = new Writer();
  writer.sized(() => {
    writer.raw(locals === 0 ? [0] : flat([1, u32(locals), 0x7f]));
    writer.raw(flat(code));
    writer.u8(0x0b);
  });
  return writer.written();
}

// biome-ignore format: a table
export const I = {
  unreachable: 0x00, if: [0x04, 0x40], else: 0x05, end: 0x0b, return: 0x0f, drop: 0x1a,
  brIf: (label: number): Code => [0x0d, u32(label)],
  call: (index: number): Code => [0x10, u32(index)],
  local: (index: number): Code => [0x20, u32(index)],
  setLocal: (index: number): Code => [0x21, u32(index)],
  teeLocal: (index: number): Code => [0x22, u32(index)],
  global: (index: number): Code => [0x23, u32(index)],
  setGlobal: (index: number): Code => [0x24, u32(index)],
  const: (value: number): Code => [0x41, s32(value)],
  const64: (value: number): Code => [0x42, s32(value)],
  memorySize: [0x3f, 0], memoryGrow: [0x40, 0],
  eqz: 0x45, eq: 0x46, ltS: 0x48, gtU: 0x4b, leS: 0x4c, add: 0x6a, sub: 0x6b, shrU: 0x76, select: 0x1b,
  gtU64: 0x56, add64: 0x7c, shl64: 0x86, extendU: 0xad,
  store8: [0x3a, 0, 0],
  memoryCopy: [0xfc, 10, 0, 0], memoryFill: [0xfc, 11, 0],
  memoryInit: (segment: number): Code => [0xfc, 8, u32(segment), 0],
  /** Traps as every access beyond the memory does. */
  trap: [0x41, 0x7f, 0x28, 0, u32(0xffffffff), 0x1a],
} as const;
