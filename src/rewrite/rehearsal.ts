/**
 * A module that is there to be rewritten: the first rewrite in a thread takes three times as long as later ones, because the
 * engine has to compile the rewriter's own code first. Nobody ever runs it.
 */

const VOID = 0x40;
const [I32, I64, F64] = [0x7f, 0x7e, 0x7c];

/** Pieces of code as compilers emit them; each leaves the stack as it found it. Locals: 0–3 are i32, 4–5 i64, 6 f64. */
// biome-ignore format: a table
const PIECES: readonly (readonly number[])[] = [
  [0x20, 0, 0x20, 1, 0x36, 2, 8],                                           // store
  [0x20, 0, 0x20, 4, 0x37, 3, 0x80, 2],                                     // store of 64 bits, far
  [0x20, 0, 0x41, 7, 0x3a, 0, 3],                                           // store of a byte
  [0x20, 0, 0x20, 6, 0x39, 3, 16],                                          // store of a float
  [0x20, 0, 0x28, 2, 4, 0x21, 1],                                           // load
  [0x20, 0, 0x29, 3, 24, 0x21, 5],                                          // load of 64 bits
  [0x20, 0, 0x2d, 0, 1, 0x20, 1, 0x6a, 0x22, 2, 0x1a],                      // load of a byte, add, tee, drop
  [0x23, 0, 0x41, 16, 0x6b, 0x24, 0],                                       // stack pointer
  [0x20, 4, 0x42, 5, 0x7c, 0x21, 4],                                        // arithmetic of 64 bits
  [0x20, 6, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0xa0, 0x21, 6],             // arithmetic of floats
  [0x20, 0, 0x20, 1, 0x46, 0x04, VOID, 0x20, 2, 0x21, 3, 0x05, 0x41, 1, 0x21, 3, 0x0b],  // if, else
  [0x02, VOID, 0x20, 0, 0x45, 0x0d, 0, 0x20, 1, 0x20, 2, 0x36, 2, 12, 0x0b],             // block, br_if, store
  [0x03, VOID, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],             // loop
  [0x02, VOID, 0x02, VOID, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 2, 0x21, 1, 0x0b],        // br_table
  [0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 0x0a, 0, 0],                            // memory.copy
  [0x20, 0, 0x41, 0, 0x20, 2, 0xfc, 0x0b, 0],                               // memory.fill
  [0x20, 1, 0x10, 0],                                                       // call
  [0x20, 1, 0x20, 0, 0x11, 0, 0],                                           // call_indirect
];
const PIECES_PER_FUNCTION = 120;

/** A valid module of so many functions of about 1 KB. */
export function rehearsalModule(functions: number): Uint8Array<ArrayBuffer> {
  const bodies = Array.from({ length: functions }, (_, index) => bodyOf(index));
  const indices = bodies.map(() => 0);
  const data = Array.from({ length: 64 }, (_, index) => [0, 0x41, ...signed(1024 + index * 256), 0x0b, 4, 1, 2, 3, 4]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [...unsigned(functions), ...indices]),
    ...section(4, [1, 0x70, 0, 1]),
    ...section(5, [1, 0, 2]),
    ...section(6, [1, I32, 1, 0x41, 0, 0x0b]),
    ...section(7, [1, 6, ...Buffer.from('memory'), 2, 0]),
    ...section(9, [1, 0, 0x41, 0, 0x0b, 1, 0]),
    ...section(10, [...unsigned(functions), ...bodies.flat()]),
    ...section(11, [...unsigned(data.length), ...data.flat()]),
  ]);
}

function bodyOf(seed: number): number[] {
  const locals = [3, 3, I32, 2, I64, 1, F64];
  const pieces = Array.from({ length: PIECES_PER_FUNCTION }, (_, index) => {
    return PIECES[(seed * 7 + index * index + index) % PIECES.length] as number[];
  });
  const code = [...locals, ...pieces.flat(), 0x0b];
  return [...unsigned(code.length), ...code];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
