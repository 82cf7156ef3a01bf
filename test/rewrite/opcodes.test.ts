import t from 'tap';
import { BULK_ROWS, FOLLOWS, FOLLOWS_OPCODE, GIVES_OPCODE, simdRow, TAKES_OPCODE } from '../../src/rewrite/opcodes.js';

/** An instruction of the tables, as it is written, and what the tables say of its operands. */
interface Row {
  readonly code: readonly number[];
  readonly takes: number;
  readonly gives: number;
}

/** The shortest that may follow an opcode; indices are 0, and 0 of everything is there. */
const FOLLOWING: Readonly<Record<number, readonly number[]>> = {
  [FOLLOWS.nothing]: [],
  [FOLLOWS.index]: [0],
  [FOLLOWS.twoIndices]: [0, 0],
  [FOLLOWS.memory]: [0, 0],
  [FOLLOWS.memoryAndLane]: [0, 0, 0],
  [FOLLOWS.byte]: [0],
  [FOLLOWS.types]: [1, 0x7f],
  [FOLLOWS.heapType]: [0x70],
  [FOLLOWS.s32]: [0],
  [FOLLOWS.s64]: [0],
  [FOLLOWS.fixed4]: Array<number>(4).fill(0),
  [FOLLOWS.fixed8]: Array<number>(8).fill(0),
  [FOLLOWS.fixed16]: Array<number>(16).fill(0),
};

const RELAXED = 0x100;
const DEPENDS = 255;

function rows(): Row[] {
  const plain = Array.from(TAKES_OPCODE, (takes, opcode): Row[] => {
    const following = FOLLOWING[FOLLOWS_OPCODE[opcode]!];
    if (takes === DEPENDS || following === undefined) return [];
    return [{ code: [opcode, ...following], takes, gives: GIVES_OPCODE[opcode]! }];
  });
  const bulk = BULK_ROWS.map(([follows, takes, gives], sub) => [
    { code: [0xfc, sub, ...FOLLOWING[follows]!], takes, gives },
  ]);
  const vectors = Array.from({ length: 512 }, (_, sub): Row[] => {
    const row = simdRow(sub);
    if (row === undefined) return [];
    return [{ code: [0xfd, ...leb(sub), ...FOLLOWING[row.follows]!], takes: row.takes, gives: row.gives }];
  });
  return [...plain, ...bulk, ...vectors].flat();
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

/** A local of each type: i32, i64, f32, f64, v128, funcref, externref. */
const LOCAL_TYPES = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f];

/** A module with one of everything, whose function puts these locals down, runs the instruction and drops its results. */
function moduleOf(code: readonly number[], operands: readonly number[], gives: number) {
  const instructions = [...operands.flatMap((local) => [0x20, local]), ...code, ...Array<number>(gives).fill(0x1a)];
  const locals = [LOCAL_TYPES.length, ...LOCAL_TYPES.flatMap((type) => [1, type])];
  const body = [...locals, 0x02, 0x40, ...instructions, 0x0b, 0x0b];
  const section = (id: number, ...content: number[]) => [id, ...leb(content.length), ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(4, 1, 0x70, 0, 1),
    ...section(5, 1, 0, 1),
    ...section(6, 1, 0x7f, 1, 0x41, 0, 0x0b),
    ...section(7, 1, 1, 0x66, 0, 0),
    ...section(9, 1, 1, 0, 1, 0),
    ...section(12, 1),
    ...section(10, 1, ...leb(body.length), ...body),
    ...section(11, 1, 1, 1, 0),
  ]);
}

/** All ways to choose that many operands. */
function* operandsOf(count: number): Generator<readonly number[]> {
  if (count === 0) yield [];
  else for (const rest of operandsOf(count - 1)) for (const local of LOCAL_TYPES.keys()) yield [...rest, local];
}

function isRight({ code, takes, gives }: Row): boolean {
  for (const operands of operandsOf(takes)) if (WebAssembly.validate(moduleOf(code, operands, gives))) return true;
  return false;
}

t.test('every instruction takes and gives as many operands as the engine says', async (t) => {
  const wrong = rows().filter((row) => !isRight(row));
  const isKnown = WebAssembly.validate(moduleOf([0xfd, ...leb(RELAXED)], [4, 4], 1));
  const late = (code: readonly number[]) => code[0] === 0xfd && code[1]! + (code[2]! << 7) - 0x80 >= RELAXED;
  t.same(
    wrong.filter(({ code }) => isKnown || !late(code)).map(({ code }) => Buffer.from(code).toString('hex')),
    [],
  );
  t.ok(rows().length > 400);
});

t.test('what takes one operand less, or gives one more, is not what the engine says', async (t) => {
  // Behind `unreachable` everything is right.
  const counted = rows().filter(({ code }) => code[0] !== 0x00);
  const off = counted.flatMap(({ code, takes, gives }) => [
    ...(takes > 0 ? [{ code, takes: takes - 1, gives }] : []),
    { code, takes, gives: gives + 1 },
  ]);
  t.same(off.filter(isRight), []);
});
