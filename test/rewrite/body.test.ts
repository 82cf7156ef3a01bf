import t from 'tap';
import { visitInstructions } from '../../src/rewrite/instructions.js';
import { readModule } from '../../src/rewrite/module.js';
import { BULK_ROWS, GIVES_OPCODE, simdRow, TAKES_OPCODE } from '../../src/rewrite/opcodes.js';
import { Reader, SECTION } from '../../src/rewrite/reader.js';
import { rewriteModule } from '../../src/rewrite/rewrite.js';
import { CONTROL } from './control.js';
import { instructionSpecimens } from './corpus.js';
import { wat } from './wat.js';

const OPTIONS = { maxPages: 16, dirtyPages: true, fuel: true } as const;

/** Modules that can be reset, by the instructions that they have. */
const holders = new Map<string, Uint8Array>();
for (const { bytes } of [...instructionSpecimens(), ...CONTROL]) {
  if (!WebAssembly.validate(bytes) || !isPossible(bytes)) continue;
  for (const name of instructionsOf(bytes)) if (!holders.has(name)) holders.set(name, bytes);
}

function isPossible(bytes: Uint8Array): boolean {
  try {
    rewriteModule(bytes, OPTIONS);
    return true;
  } catch {
    return false;
  }
}

function instructionsOf(bytes: Uint8Array): Set<string> {
  const section = readModule(bytes).sections.find(({ id }) => id === SECTION.code);
  const found = new Set<string>();
  if (section === undefined) return found;
  const reader = new Reader(bytes, section.bodyStart, section.end);
  for (let left = reader.u32(); left > 0; left--) {
    const size = reader.u32();
    const body = new Reader(bytes, reader.position, reader.position + size);
    reader.skip(size);
    visitInstructions(body, {
      instruction: (opcode, sub) => void found.add(sub < 0 ? `${opcode}` : `${opcode} ${sub}`),
      typedReference() {},
    });
  }
  return found;
}

/** Followed one by one, without the table: locals, sums, what leaves the low 32 bits alone; and what never goes on. */
const FOLLOWED = [0x00, 0x20, 0x21, 0x22, 0x41, 0x42, 0x6a, 0x6b, 0x7c, 0x7d, 0xa7, 0xac, 0xad, 0xd2];
const isLoad = (opcode: number): boolean => opcode >= 0x28 && opcode <= 0x35;
const isStore = (opcode: number): boolean => opcode >= 0x36 && opcode <= 0x3e;
/** What takes an address and gives what is there needs no table either. */
const isVectorLoad = (sub: number): boolean => sub < 11 || (sub >= 84 && sub <= 87) || sub === 92 || sub === 93;
const isVectorStore = (sub: number): boolean => sub === 11 || (sub >= 88 && sub <= 91);

/** Counts an instruction wrongly while `work` runs. */
type Miscount = (work: () => void) => void;

/** One more than the table says. */
function raise<At extends PropertyKey>(table: { [at in At]: number }, at: At): Miscount {
  return (work) => {
    const right = table[at];
    table[at] = right + 1;
    try {
      work();
    } finally {
      table[at] = right;
    }
  };
}

function miscounts(): (readonly [name: string, Miscount])[] {
  const plain = Array.from(TAKES_OPCODE, (takes, opcode) => ({ takes, opcode }))
    .filter(({ takes, opcode }) => takes !== 255 && !FOLLOWED.includes(opcode) && !isLoad(opcode) && !isStore(opcode))
    .flatMap(({ opcode }) => [
      [`${opcode}`, raise(TAKES_OPCODE, opcode)] as const,
      [`${opcode}`, raise(GIVES_OPCODE, opcode)] as const,
    ]);
  const bulk = (BULK_ROWS as [number, number, number][]).flatMap((row, sub) => [
    [`252 ${sub}`, raise(row, 1)] as const,
    [`252 ${sub}`, raise(row, 2)] as const,
  ]);
  const vectors = Array.from({ length: 512 }, (_, sub) => ({ sub, row: simdRow(sub) as { takes: number } | undefined }))
    .filter(({ sub, row }) => row !== undefined && !isVectorLoad(sub) && !isVectorStore(sub))
    .map(({ sub, row }) => [`253 ${sub}`, raise(row!, 'takes')] as const);
  return [...plain, ...bulk, ...vectors];
}

t.test(
  'an instruction that is counted wrongly is noticed, whichever it is: no mark is left out because of it',
  async (t) => {
    const unnoticed: string[] = [];
    let tried = 0;
    for (const [name, miscount] of miscounts()) {
      const bytes = holders.get(name);
      if (bytes === undefined) continue;
      tried += 1;
      miscount(() => {
        if (isPossible(bytes)) unnoticed.push(name);
      });
    }
    t.same(unnoticed, []);
    t.ok(tried > 500, `${tried} were tried`);
  },
);

t.test('the module then runs fresh, with the reason', async (t) => {
  const bytes = wat(
    '(module (memory (export "memory") 1) (func (param i32) (i32.store (i32.clz (local.get 0)) (i32.const 1))))',
  );
  const clz: number = 0x67;
  raise(
    TAKES_OPCODE,
    clz,
  )(() => {
    t.throws(() => rewriteModule(bytes, OPTIONS), {
      code: 'SBX_MODULE_UNSUPPORTED',
      details: { reasons: ['a function has instructions that cannot be followed'] },
    });
    t.ok(rewriteModule(bytes, { ...OPTIONS, dirtyPages: false }).bytes, 'its loops can be counted all the same');
  });
  t.ok(isPossible(bytes));
});

t.test('each half of an if and each handler is looked at by itself', async (t) => {
  const clz: number = 0x67;
  const halves = {
    if: '(if (local.get 0) (then (drop (i32.clz (i32.const 1)))) (else))',
    else: '(if (local.get 0) (then) (else (drop (i32.clz (i32.const 1)))))',
    try: '(try (do (drop (i32.clz (i32.const 1)))) (catch_all))',
    catch: '(try (do) (catch_all (drop (i32.clz (i32.const 1)))))',
  };
  for (const [name, code] of Object.entries(halves)) {
    const bytes = wat(`(module (memory (export "memory") 1) (func (param i32) ${code}))`);
    t.ok(isPossible(bytes), name);
    raise(TAKES_OPCODE, clz)(() => t.notOk(isPossible(bytes), name));
  }
});
