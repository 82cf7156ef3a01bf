/** What a module consists of: every section but code and data contents, which are skipped. */
import { invalid, Reader, readSections, SECTION, type Section } from './reader.js';

export type ImportKind = 'function' | 'table' | 'memory' | 'global' | 'tag';

export interface FunctionType {
  /** Value types as the format's bytes; a reference to a heap type is its first byte. */
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface ImportEntry {
  readonly module: string;
  readonly name: string;
  readonly kind: ImportKind;
}

export interface ExportEntry {
  readonly name: string;
  readonly kind: ImportKind;
  readonly index: number;
}

export interface MemoryType {
  readonly minPages: number;
  readonly maxPages?: number;
  readonly isShared: boolean;
  readonly is64: boolean;
  readonly isImported: boolean;
}

export interface GlobalType {
  readonly valueType: number;
  readonly isMutable: boolean;
  readonly isImported: boolean;
}

/** An active segment is copied at instantiation to where its offset expression (end byte included) says. */
export interface DataSegment {
  readonly isActive: boolean;
  readonly memoryIndex: number;
  readonly offsetStart: number;
  readonly offsetEnd: number;
  readonly contentStart: number;
  readonly contentEnd: number;
}

export interface ModuleShape {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  /** Indexed by type index; undefined where the type is not a function's. */
  readonly types: readonly (FunctionType | undefined)[];
  readonly imports: readonly ImportEntry[];
  /** The type index of every function, imported ones first. */
  readonly functions: readonly number[];
  readonly importedFunctions: number;
  readonly tables: number;
  readonly memories: readonly MemoryType[];
  /** The type index of every tag, imported ones first. */
  readonly tags: readonly number[];
  readonly globals: readonly GlobalType[];
  readonly exports: readonly ExportEntry[];
  readonly startFunction?: number;
  readonly dataCount?: number;
  readonly dataSegments: readonly DataSegment[];
  /** Names of the proposals that are seen without reading function bodies. */
  readonly features: ReadonlySet<string>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Build = Mutable<ModuleShape> & {
  types: (FunctionType | undefined)[];
  imports: ImportEntry[];
  functions: number[];
  memories: MemoryType[];
  tags: number[];
  globals: GlobalType[];
  exports: ExportEntry[];
  dataSegments: DataSegment[];
  features: Set<string>;
};

const KINDS: readonly ImportKind[] = ['function', 'table', 'memory', 'global', 'tag'];

/**
 * Reads everything of a module but function bodies and the contents of data.
 *
 * @throws SBX_MODULE_INVALID when a section is malformed
 */
export function readModule(bytes: Uint8Array): ModuleShape {
  const shape = emptyShape(bytes, readSections(bytes));
  for (const section of shape.sections) {
    const read = SECTION_READERS[section.id];
    if (read === undefined) continue;
    const reader = new Reader(bytes, section.bodyStart, section.end);
    read(reader, shape);
    reader.finish();
  }
  checkIndices(shape);
  return shape;
}

/** The imports of a module, found without understanding its other sections. @throws SBX_MODULE_INVALID */
export function readImports(bytes: Uint8Array, sections: readonly Section[]): readonly ImportEntry[] {
  const section = sections.find(({ id }) => id === SECTION.import);
  if (section === undefined) return [];
  const shape = emptyShape(bytes, sections);
  const reader = new Reader(bytes, section.bodyStart, section.end);
  SECTION_READERS[SECTION.import]!(reader, shape);
  reader.finish();
  return shape.imports;
}

function emptyShape(bytes: Uint8Array, sections: readonly Section[]): Build {
  return {
    bytes,
    sections,
    types: [],
    imports: [],
    functions: [],
    importedFunctions: 0,
    tables: 0,
    memories: [],
    tags: [],
    globals: [],
    exports: [],
    dataSegments: [],
    features: new Set(),
  };
}

const SECTION_READERS: Record<number, (reader: Reader, shape: Build) => void> = {
  [SECTION.type]: readTypes,
  [SECTION.import]: (reader, shape) => each(reader, 4, () => readImport(reader, shape)),
  [SECTION.function]: (reader, shape) => each(reader, 1, () => shape.functions.push(reader.u32())),
  [SECTION.table]: (reader, shape) => each(reader, 3, () => readTable(reader, shape)),
  [SECTION.memory]: (reader, shape) => each(reader, 2, () => shape.memories.push(readMemory(reader, shape, false))),
  [SECTION.tag]: (reader, shape) => each(reader, 2, () => readTag(reader, shape)),
  [SECTION.global]: (reader, shape) => each(reader, 3, () => readGlobal(reader, shape)),
  [SECTION.export]: (reader, shape) => each(reader, 3, () => shape.exports.push(readExport(reader))),
  [SECTION.start]: (reader, shape) => {
    shape.startFunction = reader.u32();
  },
  [SECTION.element]: (reader, shape) => each(reader, 3, () => readElementSegment(reader, shape)),
  [SECTION.dataCount]: (reader, shape) => {
    shape.dataCount = reader.u32();
  },
  [SECTION.data]: (reader, shape) => each(reader, 2, () => shape.dataSegments.push(readDataSegment(reader, shape))),
};

function each(reader: Reader, minBytes: number, read: () => void): void {
  for (let left = reader.count(minBytes); left > 0; left--) read();
}

function checkIndices(shape: Build): void {
  const { types, functions, tags, startFunction, dataCount, dataSegments } = shape;
  const end = shape.bytes.length;
  if (!shape.features.has('gc')) {
    const unknown = functions.find((type) => type >= types.length) ?? tags.find((type) => type >= types.length);
    if (unknown !== undefined) throw invalid(`type ${unknown} does not exist`, end);
  }
  if (dataCount !== undefined && dataCount !== dataSegments.length) {
    throw invalid(`${dataCount} data segments were announced and ${dataSegments.length} are there`, end);
  }
  if (startFunction !== undefined && startFunction >= functions.length) {
    throw invalid(`the start function ${startFunction} does not exist`, end);
  }
}

function readTypes(reader: Reader, shape: Build): void {
  for (let left = reader.count(1); left > 0; left--) {
    if (reader.bytes[reader.position] !== 0x60) {
      // Recursive groups, structures and arrays: later sections can be read without knowing them.
      shape.features.add('gc');
      reader.position = reader.end;
      return;
    }
    reader.u8();
    shape.types.push({ params: valueTypes(reader, shape), results: valueTypes(reader, shape) });
  }
}

function valueTypes(reader: Reader, shape: Build): number[] {
  return Array.from({ length: reader.count(1) }, () => readValueType(reader, shape));
}

const NUMBERS = [0x7f, 0x7e, 0x7d, 0x7c];

/** Reads a value type and notes what it needs. Abstract heap types of the GC and exception proposals are one byte as well. */
export function readValueType(reader: Reader, shape: { readonly features: ReadonlySet<string> }): number {
  const features = shape.features as Set<string>;
  const type = reader.u8();
  if (NUMBERS.includes(type)) return type;
  if (type === 0x7b) features.add('simd');
  else if (type === 0x70 || type === 0x6f) features.add('reference-types');
  else if (type === 0x63 || type === 0x64) {
    features.add('gc');
    reader.signed(33);
  } else if (type >= 0x68 && type <= 0x74) features.add(type === 0x69 || type === 0x74 ? 'exnref' : 'gc');
  else throw invalid(`unknown value type 0x${type.toString(16)}`, reader.position - 1);
  return type;
}

function readImport(reader: Reader, shape: Build): void {
  const module = reader.name();
  const name = reader.name();
  const kind = kindOf(reader);
  shape.imports.push({ module, name, kind });
  if (kind === 'function') {
    shape.functions.push(reader.u32());
    shape.importedFunctions++;
  } else if (kind === 'table') {
    readElementType(reader, shape);
    readLimits(reader);
    shape.tables++;
  } else if (kind === 'memory') shape.memories.push(readMemory(reader, shape, true));
  else if (kind === 'global') shape.globals.push(readGlobalType(reader, shape, true));
  else readTag(reader, shape);
}

function kindOf(reader: Reader): ImportKind {
  const kind = KINDS[reader.u8()];
  if (kind === undefined) throw invalid('unknown kind of import or export', reader.position - 1);
  return kind;
}

/** Limits: flags, minimum, maximum. Flag 1: has a maximum, 2: shared, 4: 64-bit addresses. */
export function readLimits(reader: Reader): { flags: number; min: number; max?: number } {
  const flags = reader.u8();
  if (flags > 7) throw invalid(`unknown limits 0x${flags.toString(16)}`, reader.position - 1);
  const read = () => (flags & 4 ? reader.u64() : reader.u32());
  const min = read();
  return flags & 1 ? { flags, min, max: read() } : { flags, min };
}

/** Reads the type of a memory: its limits in pages of 64 KiB. */
export function readMemory(reader: Reader, shape: { readonly features: ReadonlySet<string> }, isImported: boolean) {
  const features = shape.features as Set<string>;
  const { flags, min, max } = readLimits(reader);
  const type = { minPages: min, isShared: (flags & 2) !== 0, is64: (flags & 4) !== 0, isImported };
  if (type.isShared) features.add('threads');
  if (type.is64) features.add('memory64');
  return max === undefined ? type : { ...type, maxPages: max };
}

function readTable(reader: Reader, shape: Build): void {
  const hasInit = reader.bytes[reader.position] === 0x40;
  if (hasInit) reader.skip(2);
  readElementType(reader, shape);
  readLimits(reader);
  if (hasInit) skipConstant(reader, shape);
  shape.tables++;
}

/** Tables of functions have been there from the beginning; anything else in a table is a proposal. */
function readElementType(reader: Reader, shape: Build): void {
  if (reader.bytes[reader.position] === 0x70) reader.u8();
  else readValueType(reader, shape);
}

function readTag(reader: Reader, shape: Build): void {
  if (reader.u8() !== 0) throw invalid('unknown tag attribute', reader.position - 1);
  shape.tags.push(reader.u32());
  shape.features.add('exceptions');
}

function readGlobal(reader: Reader, shape: Build): void {
  shape.globals.push(readGlobalType(reader, shape, false));
  skipConstant(reader, shape);
}

function readGlobalType(reader: Reader, shape: Build, isImported: boolean): GlobalType {
  const valueType = readValueType(reader, shape);
  const mutability = reader.u8();
  if (mutability > 1) {
    if (mutability > 3) throw invalid('unknown mutability of a global', reader.position - 1);
    shape.features.add('threads');
  }
  return { valueType, isMutable: (mutability & 1) !== 0, isImported };
}

function readExport(reader: Reader): ExportEntry {
  return { name: reader.name(), kind: kindOf(reader), index: reader.u32() };
}

/** The eight forms of an element segment: bit 0 not active, bit 1 explicit table (or declarative), bit 2 expressions. */
function readElementSegment(reader: Reader, shape: Build): void {
  const flags = reader.u32();
  if (flags > 7) throw invalid(`unknown element segment ${flags}`, reader.position);
  if (!(flags & 1)) {
    if (flags & 2) reader.u32();
    skipConstant(reader, shape);
  }
  const usesExpressions = (flags & 4) !== 0;
  if (flags & 3) {
    if (usesExpressions) readElementType(reader, shape);
    else if (reader.u8() !== 0) throw invalid('unknown element kind', reader.position - 1);
  }
  each(reader, 1, () => (usesExpressions ? skipConstant(reader, shape) : reader.u32()));
}

function readDataSegment(reader: Reader, shape: Build): DataSegment {
  const flags = reader.u32();
  if (flags > 2) throw invalid(`unknown data segment ${flags}`, reader.position);
  const memoryIndex = flags === 2 ? reader.u32() : 0;
  const offsetStart = reader.position;
  if (flags !== 1) skipConstant(reader, shape);
  const offsetEnd = reader.position;
  const length = reader.u32();
  const contentStart = reader.position;
  reader.skip(length);
  const contentEnd = reader.position;
  return { isActive: flags !== 1, memoryIndex, offsetStart, offsetEnd, contentStart, contentEnd };
}

/** Skips a constant expression, its end byte included. */
export function skipConstant(reader: Reader, shape: { readonly features: ReadonlySet<string> }): void {
  const features = shape.features as Set<string>;
  for (;;) {
    const opcode = reader.u8();
    if (opcode === 0x0b) return;
    if (opcode === 0x41) reader.signed(32);
    else if (opcode === 0x42) reader.skipS64();
    else if (opcode === 0x43) reader.skip(4);
    else if (opcode === 0x44) reader.skip(8);
    else if (opcode === 0x23 || opcode === 0xd2) reader.u32();
    else if (opcode === 0xd0) reader.signed(33);
    else if (opcode === 0xfd && reader.u32() === 12) reader.skip(16);
    else if (EXTENDED_CONSTANTS.includes(opcode)) features.add('extended-const');
    else if (opcode === 0xfb) skipGcConstant(reader, features);
    else throw invalid(`opcode 0x${opcode.toString(16)} is not constant`, reader.position - 1);
  }
}

/** Addition, subtraction, multiplication of i32 and i64. */
const EXTENDED_CONSTANTS = [0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e];

function skipGcConstant(reader: Reader, features: Set<string>): void {
  features.add('gc');
  const opcode = reader.u32();
  if (opcode === 0 || opcode === 1 || opcode === 6 || opcode === 7 || opcode === 8) reader.u32();
  else if (opcode !== 26 && opcode !== 27 && opcode !== 28) {
    throw invalid(`opcode 0xfb ${opcode} is not constant`, reader.position);
  }
  if (opcode === 8) reader.u32();
}
