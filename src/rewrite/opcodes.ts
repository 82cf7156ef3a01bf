/**
 * What follows an opcode, and how many operands it takes and gives. Data, and the only place that knows instructions by number;
 * what is not in these tables is refused.
 */

/** What follows an opcode in the file. */
export const FOLLOWS = {
  unknown: 0,
  nothing: 1,
  /** A block type. */
  block: 2,
  /** One number: a label, local, global, function, tag, table, memory or segment. */
  index: 3,
  /** A list of labels and the default label. */
  labels: 4,
  /** A type and a table. */
  typeAndTable: 5,
  /** Alignment and offset. */
  memory: 6,
  /** A signed number of 32 bits. */
  s32: 7,
  /** A signed number of 64 bits. */
  s64: 8,
  fixed4: 9,
  fixed8: 10,
  fixed16: 11,
  /** A list of value types. */
  types: 12,
  /** A heap type. */
  heapType: 13,
  /** One byte: a lane, or the 0 of atomic.fence. */
  byte: 14,
  /** Alignment, offset, lane. */
  memoryAndLane: 15,
  /** Two numbers. */
  twoIndices: 16,
  /** Another opcode: 0xfc, 0xfd, 0xfe. */
  prefix: 17,
} as const;

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  delegate: 0x18,
  catchAll: 0x19,
  drop: 0x1a,
  select: 0x1b,
  selectTyped: 0x1c,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  i32Load: 0x28,
  i64Load32U: 0x35,
  i32Store: 0x36,
  i32Store8: 0x3a,
  i64Store32: 0x3e,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32LtS: 0x48,
  i32GtU: 0x4b,
  i64GtU: 0x56,
  i32Eq: 0x46,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  refNull: 0xd0,
  refFunc: 0xd2,
  bulk: 0xfc,
  simd: 0xfd,
  atomic: 0xfe,
} as const;

/** Opcodes after 0xfc. */
export const BULK = {
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

/** Opcodes after 0xfd. */
export const SIMD = { store: 11, storeLane8: 88, storeLane64: 91 } as const;

export const VALUE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** By opcode: what follows it. */
export const FOLLOWS_OPCODE: Uint8Array = new Uint8Array(256);
/** By opcode: how many operands it takes; 255 where that depends on types, labels or indices. */
export const TAKES_OPCODE: Uint8Array = new Uint8Array(256).fill(255);
/** By opcode: how many results it gives, none or one. */
export const GIVES_OPCODE: Uint8Array = new Uint8Array(256);

/** first opcode, last opcode, what follows, takes, gives */
// biome-ignore format: a table
const ROWS: readonly (readonly [number, number, number, number, number])[] = [
  [0x00, 0x01, FOLLOWS.nothing, 0, 0],        // unreachable nop
  [0x02, 0x03, FOLLOWS.block, 255, 0],        // block loop
  [0x04, 0x04, FOLLOWS.block, 255, 0],        // if
  [0x05, 0x05, FOLLOWS.nothing, 255, 0],      // else
  [0x06, 0x06, FOLLOWS.block, 255, 0],        // try
  [0x07, 0x09, FOLLOWS.index, 255, 0],        // catch throw rethrow
  [0x0b, 0x0b, FOLLOWS.nothing, 255, 0],      // end
  [0x0c, 0x0d, FOLLOWS.index, 255, 0],        // br br_if
  [0x0e, 0x0e, FOLLOWS.labels, 255, 0],       // br_table
  [0x0f, 0x0f, FOLLOWS.nothing, 255, 0],      // return
  [0x10, 0x10, FOLLOWS.index, 255, 0],        // call
  [0x11, 0x11, FOLLOWS.typeAndTable, 255, 0], // call_indirect
  [0x12, 0x12, FOLLOWS.index, 255, 0],        // return_call
  [0x13, 0x13, FOLLOWS.typeAndTable, 255, 0], // return_call_indirect
  [0x18, 0x18, FOLLOWS.index, 255, 0],        // delegate
  [0x19, 0x19, FOLLOWS.nothing, 255, 0],      // catch_all
  [0x1a, 0x1a, FOLLOWS.nothing, 1, 0],        // drop
  [0x1b, 0x1b, FOLLOWS.nothing, 3, 1],        // select
  [0x1c, 0x1c, FOLLOWS.types, 3, 1],          // select t
  [0x20, 0x20, FOLLOWS.index, 0, 1],          // local.get
  [0x21, 0x21, FOLLOWS.index, 1, 0],          // local.set
  [0x22, 0x22, FOLLOWS.index, 1, 1],          // local.tee
  [0x23, 0x23, FOLLOWS.index, 0, 1],          // global.get
  [0x24, 0x24, FOLLOWS.index, 1, 0],          // global.set
  [0x25, 0x25, FOLLOWS.index, 1, 1],          // table.get
  [0x26, 0x26, FOLLOWS.index, 2, 0],          // table.set
  [0x28, 0x35, FOLLOWS.memory, 1, 1],         // loads
  [0x36, 0x3e, FOLLOWS.memory, 2, 0],         // stores
  [0x3f, 0x3f, FOLLOWS.index, 0, 1],          // memory.size
  [0x40, 0x40, FOLLOWS.index, 1, 1],          // memory.grow
  [0x41, 0x41, FOLLOWS.s32, 0, 1],            // i32.const
  [0x42, 0x42, FOLLOWS.s64, 0, 1],            // i64.const
  [0x43, 0x43, FOLLOWS.fixed4, 0, 1],         // f32.const
  [0x44, 0x44, FOLLOWS.fixed8, 0, 1],         // f64.const
  [0x45, 0x45, FOLLOWS.nothing, 1, 1],        // i32.eqz
  [0x46, 0x4f, FOLLOWS.nothing, 2, 1],        // i32 comparisons
  [0x50, 0x50, FOLLOWS.nothing, 1, 1],        // i64.eqz
  [0x51, 0x66, FOLLOWS.nothing, 2, 1],        // i64, f32, f64 comparisons
  [0x67, 0x69, FOLLOWS.nothing, 1, 1],        // i32 clz ctz popcnt
  [0x6a, 0x78, FOLLOWS.nothing, 2, 1],        // i32 arithmetic
  [0x79, 0x7b, FOLLOWS.nothing, 1, 1],        // i64 clz ctz popcnt
  [0x7c, 0x8a, FOLLOWS.nothing, 2, 1],        // i64 arithmetic
  [0x8b, 0x91, FOLLOWS.nothing, 1, 1],        // f32 abs … sqrt
  [0x92, 0x98, FOLLOWS.nothing, 2, 1],        // f32 add … copysign
  [0x99, 0x9f, FOLLOWS.nothing, 1, 1],        // f64 abs … sqrt
  [0xa0, 0xa6, FOLLOWS.nothing, 2, 1],        // f64 add … copysign
  [0xa7, 0xc4, FOLLOWS.nothing, 1, 1],        // conversions, sign extension
  [0xd0, 0xd0, FOLLOWS.heapType, 0, 1],       // ref.null
  [0xd1, 0xd1, FOLLOWS.nothing, 1, 1],        // ref.is_null
  [0xd2, 0xd2, FOLLOWS.index, 0, 1],          // ref.func
  [0xfc, 0xfe, FOLLOWS.prefix, 255, 0],       // further opcodes
];

for (const [first, last, follows, takes, gives] of ROWS) {
  FOLLOWS_OPCODE.fill(follows, first, last + 1);
  TAKES_OPCODE.fill(takes, first, last + 1);
  GIVES_OPCODE.fill(gives, first, last + 1);
}

/** After 0xfc: what follows, takes, gives. */
// biome-ignore format: a table
export const BULK_ROWS: readonly (readonly [follows: number, takes: number, gives: number])[] = [
  ...Array.from({ length: 8 }, () => [FOLLOWS.nothing, 1, 1] as const), // saturating conversions
  [FOLLOWS.twoIndices, 3, 0], // memory.init
  [FOLLOWS.index, 0, 0],      // data.drop
  [FOLLOWS.twoIndices, 3, 0], // memory.copy
  [FOLLOWS.index, 3, 0],      // memory.fill
  [FOLLOWS.twoIndices, 3, 0], // table.init
  [FOLLOWS.index, 0, 0],      // elem.drop
  [FOLLOWS.twoIndices, 3, 0], // table.copy
  [FOLLOWS.index, 2, 1],      // table.grow
  [FOLLOWS.index, 0, 1],      // table.size
  [FOLLOWS.index, 3, 0],      // table.fill
];

/**
 * After 0xfd, sixteen opcodes a line: how many operands each takes; every one gives one result but the stores (11 and 88–91).
 * A dash is no instruction.
 */
// biome-ignore format: a table
const SIMD_TAKES = [
  '1111111111120221', '1111111211212121', '2122222222222222', '2222222222222222', // 0x000
  '2222222222222122', '2231222222221111', '1111122111122222', '2222112222121111', // 0x040
  '1121122111122222', '2222122222-22222', '11-11--11112222-', '-2---222222-2222', // 0x080
  '11-11--11112222-', '-2---22222222222', '11-12222222211-1', '2222222211111111', // 0x0c0
  '2111133333333222', '2223', // 0x100
].join('');

/** After 0xfd: what follows, takes and gives; undefined where there is no such instruction. */
export function simdRow(opcode: number): { follows: number; takes: number; gives: number } | undefined {
  return SIMD_ROWS[opcode];
}

const SIMD_ROWS = Array.from(SIMD_TAKES, (takes, opcode) =>
  takes === '-'
    ? undefined
    : { follows: followsSimd(opcode), takes: Number(takes), gives: isSimdStore(opcode) ? 0 : 1 },
);

function followsSimd(opcode: number): number {
  if (opcode <= SIMD.store || opcode === 92 || opcode === 93) return FOLLOWS.memory;
  if (opcode === 12 || opcode === 13) return FOLLOWS.fixed16;
  if (opcode >= 21 && opcode <= 34) return FOLLOWS.byte;
  return opcode >= 84 && opcode <= SIMD.storeLane64 ? FOLLOWS.memoryAndLane : FOLLOWS.nothing;
}

/** Whether an opcode after 0xfd writes memory. */
export function isSimdStore(opcode: number): boolean {
  return opcode === SIMD.store || (opcode >= SIMD.storeLane8 && opcode <= SIMD.storeLane64);
}

const STORE_BYTES = [4, 8, 4, 8, 1, 2, 1, 2, 4];
const STORE_TYPES = [VALUE.i32, VALUE.i64, VALUE.f32, VALUE.f64, VALUE.i32, VALUE.i32, VALUE.i64, VALUE.i64, VALUE.i64];

/** How many bytes a plain store (0x36–0x3e) writes, and of which type its value is. */
export const storeBytes = (opcode: number): number => STORE_BYTES[opcode - OP.i32Store]!;
export const storeType = (opcode: number): number => STORE_TYPES[opcode - OP.i32Store]!;
/** The same of a vector store: all sixteen bytes, or one lane of one, two, four, eight. */
export const simdStoreBytes = (opcode: number): number =>
  opcode === SIMD.store ? 16 : 1 << (opcode - SIMD.storeLane8);
