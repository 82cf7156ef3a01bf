import t from 'tap';
import { eligibility } from '../../src/rewrite/eligibility.js';
import { visitInstructions } from '../../src/rewrite/instructions.js';
import { readModule } from '../../src/rewrite/module.js';
import { BULK_ROWS, FOLLOWS, FOLLOWS_OPCODE, simdRow } from '../../src/rewrite/opcodes.js';
import { Reader, SECTION } from '../../src/rewrite/reader.js';
import { compareForms, FORMS } from './compare.js';
import { CONTROL } from './control.js';
import { instructionSpecimens, type Specimen } from './corpus.js';

const CORPUS: readonly Specimen[] = [...instructionSpecimens(), ...CONTROL];

const SINCE_NODE_22 = ['relaxed vectors', 'extended constants'];

for (const { name, bytes, script } of CORPUS) {
  t.test(`${name} do what they did: in every form, and again after a reset`, async (t) => {
    if (!WebAssembly.validate(bytes)) return t.ok(SINCE_NODE_22.includes(name), 'this V8 does not know them');
    for (const form of FORMS) t.equal(compareForms(bytes, script, form), undefined, JSON.stringify(form));
  });
}

/** What changes a table is refused where instances are reset; `eligibility.test.ts` has each of them. */
const REFUSED = ['26', 'fc c', 'fc e', 'fc f', 'fc 11'];

t.test('every instruction that the rewriter knows is in the corpus, or is refused', async (t) => {
  const tried = new Set(REFUSED);
  for (const { bytes } of CORPUS) for (const opcode of opcodesOf(bytes)) tried.add(opcode);
  const missing = knownOpcodes().filter((opcode) => !tried.has(opcode));
  t.same(missing, []);
});

t.test('every atomic instruction is refused', async (t) => {
  for (let sub = 0; sub <= 0x4e; sub++) {
    if (sub > 3 && sub < 0x10) continue;
    const found = eligibility(moduleWithCode([0xfe, sub, ...(sub === 3 ? [0] : [2, 0])]));
    t.same(found, { pristine: false, fuel: true, reasons: ['it uses atomic instructions'] }, sub.toString(16));
  }
});

t.test('numbers may be longer than they need to be, and no instruction is taken for another', async (t) => {
  const code: readonly (readonly [bytes: number[], opcode: string])[] = [
    [[0x3f, 0x80, 0x80, 0x00], '3f'],
    [[0x40, 0x80, 0x00], '40'],
    [[0x20, 0x81, 0x80, 0x80, 0x80, 0x00], '20'],
    [[0x36, 0x82, 0x00, 0x80, 0x80, 0x00], '36'],
    [[0x36, 0x42, 0x00, 0x80, 0x00], '36'],
    [[0xfc, 0x8b, 0x80, 0x00, 0x80, 0x00], 'fc b'],
    [[0xfc, 0x0a, 0x80, 0x00, 0x80, 0x00], 'fc a'],
    [[0x1c, 0x81, 0x00, 0x7f], '1c'],
    [[0x02, 0xc0, 0x7f], '2'],
  ];
  t.same(opcodesOf(moduleWithCode(code.flatMap(([bytes]) => bytes))), [...code.map(([, opcode]) => opcode), 'b']);
});

function knownOpcodes(): string[] {
  const plain = [...FOLLOWS_OPCODE.keys()].filter(
    (opcode) => FOLLOWS_OPCODE[opcode] !== FOLLOWS.unknown && FOLLOWS_OPCODE[opcode] !== FOLLOWS.prefix,
  );
  const vectors = Array.from({ length: 512 }, (_, opcode) => opcode).filter((opcode) => simdRow(opcode) !== undefined);
  return [
    ...plain.map((opcode) => opcode.toString(16)),
    ...[...BULK_ROWS.keys()].map((opcode) => `fc ${opcode.toString(16)}`),
    ...vectors.map((opcode) => `fd ${opcode.toString(16)}`),
  ];
}

/** Every instruction of a module in order, with its prefix. */
function opcodesOf(bytes: Uint8Array): string[] {
  const { start, end } = codeOf(bytes);
  const reader = new Reader(bytes, start, end);
  const found: string[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const size = reader.u32();
    const body = new Reader(bytes, reader.position, reader.position + size);
    reader.skip(size);
    visitInstructions(body, {
      instruction(opcode, sub) {
        found.push(sub < 0 ? opcode.toString(16) : `${opcode.toString(16)} ${sub.toString(16)}`);
      },
      typedReference() {},
    });
  }
  return found;
}

function codeOf(bytes: Uint8Array): { start: number; end: number } {
  const section = readModule(bytes).sections.find(({ id }) => id === SECTION.code)!;
  return { start: section.bodyStart, end: section.end };
}

/** A module, not a valid one, whose only function has these bytes as its body. */
function moduleWithCode(code: readonly number[]): Uint8Array {
  const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
  return Uint8Array.from([...header, 0x0a, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b]);
}
