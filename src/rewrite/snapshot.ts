/**
 * Takes a module's initialisation out of its instantiation, so that one compiled module serves both ways to make an instance.
 *
 *     as it came                          rewritten
 *     data, active: 4 segments            data, passive: 2 segments (gaps below 64 bytes are closed)
 *       1024 "ab"  1040 "cd"                ab 00 … 00 cd │ ef
 *       4096 "e"   4097 "f"               export sandpool.initialize: memory.init 1024, memory.init 4096,
 *     start $main                                                     call $main
 *
 * The first instance: instantiate, `sandpool.initialize()`, `_initialize()`, warm, take the snapshot. Every other instance:
 * instantiate, grow the memory, copy the snapshot in, set the globals; neither `sandpool.initialize` nor `_initialize` is called.
 * Guest code cannot reach the export. A start function therefore runs when the host says so, with the memory exported already.
 */
import { type Code, I } from './code.js';
import type { ModuleShape } from './module.js';
import { OP } from './opcodes.js';
import { invalid, Reader } from './reader.js';

/** A run of bytes of the initial memory. */
export interface ImageRun {
  readonly address: number;
  readonly content: Uint8Array;
}

/** Runs that are closer than this become one: a segment costs more than so many zeros. */
const GAP_BYTES = 64;
const PAGE_BYTES = 65536;

/**
 * The initial memory that active data segments make, as few long runs in rising order. Later segments win where two overlap.
 * Undefined when an address is not known before instantiation.
 *
 * @throws SBX_MODULE_INVALID when a segment lies outside the memory: such a module cannot be instantiated
 */
export function readImage(shape: ModuleShape): ImageRun[] | undefined {
  const pieces = placeSegments(shape);
  return pieces && runsOf(shape.bytes, pieces);
}

/**
 * Where active data segments go; undefined when an address is not known before instantiation.
 *
 * @throws SBX_MODULE_INVALID when a segment lies outside the memory: such a module cannot be instantiated
 */
export function placeSegments(shape: ModuleShape): Piece[] | undefined {
  const pieces: Piece[] = [];
  for (const segment of shape.dataSegments) {
    if (!segment.isActive) continue;
    const address = constantOf(shape.bytes, segment.offsetStart, segment.offsetEnd);
    if (address === undefined) return undefined;
    const end = address + segment.contentEnd - segment.contentStart;
    const memory = shape.memories[segment.memoryIndex];
    if (memory === undefined || end > memory.minPages * PAGE_BYTES) {
      throw invalid('a data segment lies outside the memory', segment.contentStart);
    }
    if (end > address) pieces.push({ order: pieces.length, address, end, contentStart: segment.contentStart });
  }
  return pieces;
}

export interface Piece {
  readonly order: number;
  readonly address: number;
  readonly end: number;
  readonly contentStart: number;
}

/** The value of an i32 expression of constants, without sign; undefined when it depends on anything else. */
function constantOf(bytes: Uint8Array, start: number, end: number): number | undefined {
  const reader = new Reader(bytes, start, end);
  if (reader.u8() === OP.i32Const) {
    const value = reader.signed(32);
    if (reader.position === end - 1) return value >>> 0;
  }
  reader.position = start;
  const stack: number[] = [];
  for (let opcode = reader.u8(); opcode !== OP.end; opcode = reader.u8()) {
    if (opcode === OP.i32Const) {
      stack.push(reader.signed(32));
      continue;
    }
    const right = stack.pop();
    const left = stack.pop();
    const combine = COMBINE[opcode];
    if (combine === undefined || left === undefined || right === undefined) return undefined;
    stack.push(combine(left, right));
  }
  return stack.length === 1 ? stack[0]! >>> 0 : undefined;
}

const COMBINE: Record<number, (left: number, right: number) => number> = {
  [OP.i32Add]: (left, right) => (left + right) | 0,
  [OP.i32Sub]: (left, right) => (left - right) | 0,
  [OP.i32Mul]: Math.imul,
};

function runsOf(bytes: Uint8Array, pieces: Piece[]): ImageRun[] {
  pieces.sort((a, b) => a.address - b.address);
  const runs: ImageRun[] = [];
  for (let first = 0; first < pieces.length; ) {
    let next = first + 1;
    let end = pieces[first]!.end;
    while (next < pieces.length && pieces[next]!.address < end + GAP_BYTES) end = Math.max(end, pieces[next++]!.end);
    runs.push(joined(bytes, pieces.slice(first, next), end));
    first = next;
  }
  return runs;
}

function joined(bytes: Uint8Array, pieces: Piece[], end: number): ImageRun {
  const { address } = pieces[0]!;
  const content = new Uint8Array(end - address);
  // In the order of the file, so that the later of two overlapping segments wins, as at instantiation.
  for (const piece of pieces.sort((a, b) => a.order - b.order)) {
    const source = bytes.subarray(piece.contentStart, piece.contentStart + piece.end - piece.address);
    content.set(source, piece.address - address);
  }
  return { address, content };
}

/** The code of the exported function: every run of the image to its place, then the start function. */
export function initializeCode(
  image: readonly ImageRun[],
  firstSegment: number,
  memoryBase: number,
  startFunction: number | undefined,
): Code {
  const copies = image.map(({ address, content }, index) => [
    I.const((address + memoryBase) | 0),
    I.const(0),
    I.const(content.length),
    I.memoryInit(firstSegment + index),
  ]);
  return [...copies, ...(startFunction === undefined ? [] : [I.call(startFunction)])];
}
