/**
 * One function per instruction, so that none is forgotten: `[from, to, signature]` of everything that has operands and results
 * of numbers and vectors. Written from the specification and not from `src/rewrite/opcodes.ts`, so that each checks the other.
 *
 *     function(a, b)   operands are loaded from a, a + 16, a + 32; the result is stored at b
 *                      a load or store uses a itself as its address
 *
 * Letters: i i32, I i64, f f32, F f64, v v128, m the address of a load or store, o its alignment and offset, l a lane.
 */
import { Writer } from '../../src/rewrite/writer.js';
import type { Call } from './compare.js';

type Row = readonly [first: number, last: number, signature: string];

// biome-ignore format: a table
const PLAIN: readonly Row[] = [
  [0x28, 0x28, 'mo:i'], [0x29, 0x29, 'mo:I'], [0x2a, 0x2a, 'mo:f'], [0x2b, 0x2b, 'mo:F'], [0x2c, 0x2f, 'mo:i'], [0x30, 0x35, 'mo:I'],
  [0x36, 0x36, 'mio:'], [0x37, 0x37, 'mIo:'], [0x38, 0x38, 'mfo:'], [0x39, 0x39, 'mFo:'], [0x3a, 0x3b, 'mio:'], [0x3c, 0x3e, 'mIo:'],
  [0x45, 0x45, 'i:i'], [0x46, 0x4f, 'ii:i'], [0x50, 0x50, 'I:i'], [0x51, 0x5a, 'II:i'], [0x5b, 0x60, 'ff:i'], [0x61, 0x66, 'FF:i'],
  [0x67, 0x69, 'i:i'], [0x6a, 0x78, 'ii:i'], [0x79, 0x7b, 'I:I'], [0x7c, 0x8a, 'II:I'], [0x8b, 0x91, 'f:f'], [0x92, 0x98, 'ff:f'],
  [0x99, 0x9f, 'F:F'], [0xa0, 0xa6, 'FF:F'], [0xa7, 0xa7, 'I:i'], [0xa8, 0xa9, 'f:i'], [0xaa, 0xab, 'F:i'], [0xac, 0xad, 'i:I'],
  [0xae, 0xaf, 'f:I'], [0xb0, 0xb1, 'F:I'], [0xb2, 0xb3, 'i:f'], [0xb4, 0xb5, 'I:f'], [0xb6, 0xb6, 'F:f'], [0xb7, 0xb8, 'i:F'],
  [0xb9, 0xba, 'I:F'], [0xbb, 0xbb, 'f:F'], [0xbc, 0xbc, 'f:i'], [0xbd, 0xbd, 'F:I'], [0xbe, 0xbe, 'i:f'], [0xbf, 0xbf, 'I:F'],
  [0xc0, 0xc1, 'i:i'], [0xc2, 0xc4, 'I:I'],
];
/** After 0xfc. */
const SATURATING: readonly Row[] = [
  [0, 1, 'f:i'],
  [2, 3, 'F:i'],
  [4, 5, 'f:I'],
  [6, 7, 'F:I'],
];
/** After 0xfd. */
// biome-ignore format: a table
const VECTOR: readonly Row[] = [
  [0, 10, 'mo:v'], [11, 11, 'mvo:'], [12, 12, 's:v'], [13, 13, 'vvs:v'], [14, 14, 'vv:v'], [15, 17, 'i:v'], [18, 18, 'I:v'],
  [19, 19, 'f:v'], [20, 20, 'F:v'], [21, 22, 'vl:i'], [23, 23, 'vil:v'], [24, 25, 'vl:i'], [26, 26, 'vil:v'], [27, 27, 'vl:i'],
  [28, 28, 'vil:v'], [29, 29, 'vl:I'], [30, 30, 'vIl:v'], [31, 31, 'vl:f'], [32, 32, 'vfl:v'], [33, 33, 'vl:F'], [34, 34, 'vFl:v'],
  [35, 76, 'vv:v'], [77, 77, 'v:v'], [78, 81, 'vv:v'], [82, 82, 'vvv:v'], [83, 83, 'v:i'], [84, 87, 'mvol:v'], [88, 91, 'mvol:'],
  [92, 93, 'mo:v'], [94, 98, 'v:v'], [99, 100, 'v:i'], [101, 102, 'vv:v'], [103, 106, 'v:v'], [107, 109, 'vi:v'], [110, 115, 'vv:v'],
  [116, 117, 'v:v'], [118, 121, 'vv:v'], [122, 122, 'v:v'], [123, 123, 'vv:v'], [124, 129, 'v:v'], [130, 130, 'vv:v'], [131, 132, 'v:i'],
  [133, 134, 'vv:v'], [135, 138, 'v:v'], [139, 141, 'vi:v'], [142, 147, 'vv:v'], [148, 148, 'v:v'], [149, 153, 'vv:v'], [155, 159, 'vv:v'],
  [160, 161, 'v:v'], [163, 164, 'v:i'], [167, 170, 'v:v'], [171, 173, 'vi:v'], [174, 174, 'vv:v'], [177, 177, 'vv:v'], [181, 186, 'vv:v'],
  [188, 191, 'vv:v'], [192, 193, 'v:v'], [195, 196, 'v:i'], [199, 202, 'v:v'], [203, 205, 'vi:v'], [206, 206, 'vv:v'], [209, 209, 'vv:v'],
  [213, 223, 'vv:v'], [224, 225, 'v:v'], [227, 227, 'v:v'], [228, 235, 'vv:v'], [236, 237, 'v:v'], [239, 239, 'v:v'], [240, 247, 'vv:v'],
  [248, 255, 'v:v'],
];
/** After 0xfd as well; V8 knows them since Node 22. */
// biome-ignore format: a table
const RELAXED: readonly Row[] = [
  [256, 256, 'vv:v'], [257, 260, 'v:v'], [261, 268, 'vvv:v'], [269, 274, 'vv:v'], [275, 275, 'vvv:v'],
];

const GROUPS = {
  'loads, stores and numbers': { prefix: undefined, rows: PLAIN },
  'saturating conversions': { prefix: 0xfc, rows: SATURATING },
  vectors: { prefix: 0xfd, rows: VECTOR },
  'relaxed vectors': { prefix: 0xfd, rows: RELAXED },
} as const;

export interface Specimen {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly script: readonly Call[];
}

/** A module per group, and calls of every function at odd addresses. */
export function instructionSpecimens(): Specimen[] {
  return Object.entries(GROUPS).map(([name, { prefix, rows }]) => {
    const functions = rows.flatMap(([first, last, signature]) =>
      Array.from({ length: last - first + 1 }, (_, index) => ({ opcode: first + index, signature })),
    );
    const bodies = functions.map(({ opcode, signature }) => functionBody(prefix, opcode, signature));
    const exports = functions.map(({ opcode }) => `${prefix?.toString(16) ?? ''} ${opcode.toString(16)}`);
    const script = functions.flatMap(({ signature }, index) =>
      (signature.startsWith('m') ? EDGES : PLACES).map(
        (a, call): Call => [exports[index]!, a, RESULTS[call % RESULTS.length]!],
      ),
    );
    return { name, bytes: moduleOf(bodies, exports), script };
  });
}

/** Where operands are taken from, all of them filled. */
const PLACES = [0, 16, 35, 100, 131, 200, 256];
/** Addresses of loads and stores: ends of 4 KiB pages, of memory, of 32 bits. */
const EDGES = [8, 4093, 8191, 65528, 131052, 131066, 131071, 131072, -1, -40];
const RESULTS = [4080, 4092, 8190, 65530, 100000];
/** Offset of every load and store of the corpus. */
const OFFSET = 3;

const TYPES = { i: [0x7f, 0x28, 0x36], I: [0x7e, 0x29, 0x37], f: [0x7d, 0x2a, 0x38], F: [0x7c, 0x2b, 0x39] } as const;

function functionBody(prefix: number | undefined, opcode: number, signature: string): Uint8Array {
  const [operands = '', result = ''] = signature.split(':');
  const writer = new Writer();
  writer.sized(() => {
    writer.u8(0);
    if (result !== '') writer.raw([0x20, 1]);
    let at = 0;
    for (const letter of operands) {
      if (letter === 'm') writer.raw([0x20, 0]);
      else if (letter in TYPES) writer.raw([0x20, 0, TYPES[letter as keyof typeof TYPES][1], 0, at]);
      else if (letter === 'v') writer.raw([0x20, 0, 0xfd, 0, 0, at]);
      at += 16;
    }
    if (prefix !== undefined) writer.u8(prefix);
    writer.u32(opcode);
    for (const letter of operands) {
      if (letter === 'o') writer.raw([0, OFFSET]);
      else if (letter === 'l') writer.u8(1);
      else if (letter === 's') writer.raw([1, 0, 31, 2, 16, 17, 5, 5, 9, 11, 30, 3, 4, 22, 8, 15]);
    }
    if (result === 'v') writer.raw([0xfd, 11, 0, 0]);
    else if (result !== '') writer.raw([TYPES[result as keyof typeof TYPES][2], 0, 0]);
    writer.u8(0x0b);
  });
  return writer.written();
}

function moduleOf(bodies: readonly Uint8Array[], exports: readonly string[]): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.raw([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  writer.section(1, () => writer.raw([1, 0x60, 2, 0x7f, 0x7f, 0]));
  writer.section(3, () => {
    writer.u32(bodies.length);
    writer.raw(bodies.map(() => 0));
  });
  writer.section(5, () => writer.raw([1, 1, 2, 4]));
  writer.section(7, () => {
    writer.u32(exports.length + 1);
    writer.name('memory');
    writer.raw([2, 0]);
    for (const [index, name] of exports.entries()) {
      writer.name(name);
      writer.u8(0);
      writer.u32(index);
    }
  });
  writer.section(10, () => {
    writer.u32(bodies.length);
    for (const body of bodies) writer.raw(body);
  });
  writer.section(11, () => {
    writer.raw([1, 0, 0x41, 0, 0x0b]);
    writer.u32(SAMPLES.length);
    writer.raw(SAMPLES);
  });
  return writer.written().slice() as Uint8Array<ArrayBuffer>;
}

/** Numbers of every kind, in every representation. */
const SAMPLES = samples();

function samples(): Uint8Array {
  const view = new DataView(new ArrayBuffer(320));
  const numbers = [0, 1, -1, 2.5, -0.0, 1e10, -3e9, 1e20, Number.MIN_VALUE, 0x7fffffff, 40, -128, 255, 65535, 7, 1 / 3];
  for (const [index, number] of numbers.entries()) {
    view.setFloat64(index * 16, number, true);
    view.setFloat32(index * 16 + 8, number, true);
    view.setInt32(index * 16 + 12, number, true);
  }
  for (let index = 256; index < 320; index++) view.setUint8(index, (index * 37) & 0xff);
  return new Uint8Array(view.buffer);
}
