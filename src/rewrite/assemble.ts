/** Writes a rewritten module, section by section in the order of the format. */
import { ADDED_TYPES, type Additions } from './additions.js';
import { FUEL_IMPORT } from './fuel.js';
import { encodeMemorySection } from './memory-limit.js';
import type { MemoryType, ModuleShape } from './module.js';
import { VALUE } from './opcodes.js';
import { Reader, SECTION, type Section } from './reader.js';
import { copyElements, copyGlobals, copyNames, copyTables, newFunctionIndex, type Renumbering } from './renumber.js';
import type { ImageRun } from './snapshot.js';
import { Writer } from './writer.js';

/** What a rewritten module consists of, beside the parts that stay. */
export interface Parts extends Renumbering {
  readonly additions: Additions;
  readonly memories: readonly MemoryType[];
  /** Bodies of the module's own functions, one after the other. */
  readonly bodies: Uint8Array;
  /** Type index of the import `sandpool.fuel` in {@link ADDED_TYPES}; undefined when fuel is not counted. */
  readonly fuelType: number | undefined;
  /** Replaces the data section by passive segments: the module's own passive ones, then the runs of the image. */
  readonly passiveData: { readonly own: readonly Uint8Array[]; readonly image: readonly ImageRun[] } | undefined;
  readonly keepsStart: boolean;
  readonly keepNames: boolean;
}

/** The bytes of the module. */
export function assemble(parts: Parts): Uint8Array<ArrayBuffer> {
  const { shape, additions, passiveData } = parts;
  const writer = new Writer(parts.bodies.length + (shape.bytes.length >> 1) + 65536);
  writer.raw([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  extend(parts, writer, SECTION.type, ADDED_TYPES.length, () => writeTypes(writer));
  extend(parts, writer, SECTION.import, parts.fuelType === undefined ? 0 : 1, () => writeFuelImport(parts, writer));
  extend(parts, writer, SECTION.function, additions.functions.length, () => {
    for (const { type } of additions.functions) writer.u32(shape.types.length + type);
  });
  const tables = sectionOf(shape, SECTION.table);
  if (tables) writer.section(SECTION.table, () => copyTables(parts, tables, writer));
  if (sectionOf(shape, SECTION.memory)) writer.raw(encodeMemorySection(parts.memories));
  copySection(parts, writer, SECTION.tag);
  writeGlobals(parts, writer);
  writeExports(parts, writer);
  writeStart(parts, writer);
  const elements = sectionOf(shape, SECTION.element);
  if (elements) writer.section(SECTION.element, () => copyElements(parts, elements, writer));
  if (passiveData === undefined) copySection(parts, writer, SECTION.dataCount);
  else writer.section(SECTION.dataCount, () => writer.u32(passiveData.own.length + passiveData.image.length));
  writeCode(parts, writer);
  writeData(parts, writer);
  writeNames(parts, writer);
  return writer.bytes.slice(0, writer.position) as Uint8Array<ArrayBuffer>;
}

function sectionOf(shape: ModuleShape, id: number): Section | undefined {
  return shape.sections.find((section) => section.id === id);
}

function copySection({ shape }: Parts, writer: Writer, id: number): void {
  const section = sectionOf(shape, id);
  if (section !== undefined) writer.raw(shape.bytes.subarray(section.start, section.end));
}

/** Copies a section that is a vector, with `more` elements behind, which `write` writes; makes the section when it is missing. */
function extend({ shape }: Parts, writer: Writer, id: number, more: number, write: () => void): void {
  const section = sectionOf(shape, id);
  if (section === undefined && more === 0) return;
  writer.section(id, () => {
    const reader = new Reader(shape.bytes, section?.bodyStart ?? 0, section?.end ?? 0);
    writer.u32((section === undefined ? 0 : reader.u32()) + more);
    if (section !== undefined) writer.raw(shape.bytes.subarray(reader.position, section.end));
    if (more > 0) write();
  });
}

function writeTypes(writer: Writer): void {
  for (const { params, results } of ADDED_TYPES) {
    writer.raw([0x60, params.length, ...params, results.length, ...results]);
  }
}

function writeFuelImport({ shape, fuelType }: Parts, writer: Writer): void {
  writer.name(FUEL_IMPORT.module);
  writer.name(FUEL_IMPORT.name);
  writer.u8(0);
  writer.u32(shape.types.length + fuelType!);
}

function writeGlobals(parts: Parts, writer: Writer): void {
  const section = sectionOf(parts.shape, SECTION.global);
  const { globals } = parts.additions;
  if (section === undefined && globals.length === 0) return;
  writer.section(SECTION.global, () => {
    const own = parts.shape.globals.filter(({ isImported }) => !isImported).length;
    writer.u32(own + globals.length);
    if (section !== undefined) copyGlobals(parts, section, writer);
    for (const initial of globals) {
      writer.raw([VALUE.i32, 1, 0x41]);
      writer.s32(initial);
      writer.u8(0x0b);
    }
  });
}

const KINDS = ['function', 'table', 'memory', 'global', 'tag'];

function writeExports(parts: Parts, writer: Writer): void {
  const own = parts.shape.exports;
  const added = parts.additions.exports;
  if (own.length + added.length === 0) return;
  writer.section(SECTION.export, () => {
    writer.u32(own.length + added.length);
    for (const { name, kind, index } of own) {
      writer.name(name);
      writer.u8(KINDS.indexOf(kind));
      writer.u32(kind === 'function' ? newFunctionIndex(parts, index) : index);
    }
    for (const { name, kind, index } of added) {
      writer.name(name);
      writer.u8(kind);
      writer.u32(index);
    }
  });
}

function writeStart(parts: Parts, writer: Writer): void {
  const start = parts.shape.startFunction;
  if (start === undefined || !parts.keepsStart) return;
  writer.section(SECTION.start, () => writer.u32(newFunctionIndex(parts, start)));
}

function writeCode(parts: Parts, writer: Writer): void {
  const { shape, additions, bodies } = parts;
  const own = shape.functions.length - shape.importedFunctions;
  const count = own + additions.functions.length;
  if (count === 0) return;
  writer.section(SECTION.code, () => {
    writer.u32(count);
    writer.raw(bodies);
    for (const { body } of additions.functions) writer.raw(body);
  });
}

function writeData(parts: Parts, writer: Writer): void {
  const { passiveData } = parts;
  if (passiveData === undefined) {
    copySection(parts, writer, SECTION.data);
    return;
  }
  const contents = [...passiveData.own, ...passiveData.image.map(({ content }) => content)];
  writer.section(SECTION.data, () => {
    writer.u32(contents.length);
    for (const content of contents) {
      writer.u8(1);
      writer.u32(content.length);
      writer.raw(content);
    }
  });
}

function writeNames(parts: Parts, writer: Writer): void {
  if (!parts.keepNames) return;
  for (const section of parts.shape.sections) {
    if (section.id !== SECTION.custom || !isNameSection(parts.shape.bytes, section)) continue;
    writer.section(SECTION.custom, () => copyNames(parts, section, writer));
    return;
  }
}

function isNameSection(bytes: Uint8Array, section: Section): boolean {
  const start = section.bodyStart;
  return bytes[start] === 4 && Buffer.from(bytes.buffer, bytes.byteOffset + start + 1, 4).toString('latin1') === 'name';
}
