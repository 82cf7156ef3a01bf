/** Copies sections in which functions are named by index, with the indices of functions that moved. */
import type { ModuleShape } from './module.js';
import { readLimits, skipConstant } from './module.js';
import { OP } from './opcodes.js';
import { Reader, type Section } from './reader.js';
import type { Writer } from './writer.js';

export interface Renumbering {
  readonly shape: ModuleShape;
  /** By how much functions with a body move up. */
  readonly functionShift: number;
}

/** The index that a function has after rewriting. */
export function newFunctionIndex({ shape, functionShift }: Renumbering, index: number): number {
  return index < shape.importedFunctions ? index : index + functionShift;
}

/** Copies the globals of the module, without their count. */
export function copyGlobals(renumbering: Renumbering, section: Section, writer: Writer): void {
  const reader = new Reader(renumbering.shape.bytes, section.bodyStart, section.end);
  for (let left = reader.u32(); left > 0; left--) {
    copyBytes(reader, writer, 2);
    copyConstant(renumbering, reader, writer);
  }
}

/** Copies the table section. Since typed references a table may say what it is filled with: 40 00, its type, and an expression. */
export function copyTables(renumbering: Renumbering, section: Section, writer: Writer): void {
  const reader = new Reader(renumbering.shape.bytes, section.bodyStart, section.end);
  const tables = reader.u32();
  writer.u32(tables);
  for (let left = tables; left > 0; left--) {
    const start = reader.position;
    const hasContent = reader.bytes[start] === 0x40;
    reader.skip(hasContent ? 3 : 1);
    readLimits(reader);
    writer.raw(reader.bytes.subarray(start, reader.position));
    if (hasContent) copyConstant(renumbering, reader, writer);
  }
}

/** Copies the element section. The eight forms of a segment are drawn in the specification, §5.5.12. */
export function copyElements(renumbering: Renumbering, section: Section, writer: Writer): void {
  const reader = new Reader(renumbering.shape.bytes, section.bodyStart, section.end);
  const segments = reader.u32();
  writer.u32(segments);
  for (let left = segments; left > 0; left--) copyElementSegment(renumbering, reader, writer);
}

function copyElementSegment(renumbering: Renumbering, reader: Reader, writer: Writer): void {
  const flags = reader.u32();
  writer.u32(flags);
  if (!(flags & 1)) {
    if (flags & 2) writer.u32(reader.u32());
    copyConstant(renumbering, reader, writer);
  }
  if (flags & 3) copyBytes(reader, writer, 1);
  const elements = reader.u32();
  writer.u32(elements);
  for (let left = elements; left > 0; left--) {
    if (flags & 4) copyConstant(renumbering, reader, writer);
    else writer.u32(newFunctionIndex(renumbering, reader.u32()));
  }
}

/** Only `ref.func` names a function in a constant expression. */
function copyConstant(renumbering: Renumbering, reader: Reader, writer: Writer): void {
  const start = reader.position;
  if (reader.bytes[start] === OP.refFunc) {
    reader.u8();
    writer.u8(OP.refFunc);
    writer.u32(newFunctionIndex(renumbering, reader.u32()));
    copyBytes(reader, writer, 1);
    return;
  }
  skipConstant(reader, renumbering.shape);
  writer.raw(reader.bytes.subarray(start, reader.position));
}

function copyBytes(reader: Reader, writer: Writer, count: number): void {
  const start = reader.position;
  reader.skip(count);
  writer.raw(reader.bytes.subarray(start, reader.position));
}

const FUNCTION_NAMES = 1;

/**
 * Copies the module's and its functions' names from a section "name"; locals and other names are left out. A damaged section gives
 * fewer names and no error, because no engine looks at it.
 *
 *     04 "name" │ 00 size module name │ 01 size count (index name)… │ 02 …
 */
export function copyNames(renumbering: Renumbering, section: Section, writer: Writer): void {
  const reader = new Reader(renumbering.shape.bytes, section.bodyStart, section.end);
  writer.name(reader.name());
  try {
    while (reader.position < reader.end) copyNameSubsection(renumbering, reader, writer);
  } catch {
    // What has been copied so far is whole.
  }
}

function copyNameSubsection(renumbering: Renumbering, reader: Reader, writer: Writer): void {
  const id = reader.u8();
  const size = reader.u32();
  const start = reader.position;
  reader.skip(size);
  if (id > FUNCTION_NAMES) return;
  const content = new Reader(reader.bytes, start, start + size);
  const position = writer.position;
  try {
    writer.section(id, () => {
      if (id === FUNCTION_NAMES) copyFunctionNames(renumbering, content, writer);
      else writer.raw(reader.bytes.subarray(start, start + size));
    });
  } catch (error) {
    writer.position = position;
    throw error;
  }
}

function copyFunctionNames(renumbering: Renumbering, reader: Reader, writer: Writer): void {
  const names = reader.count(2);
  writer.u32(names);
  for (let left = names; left > 0; left--) {
    writer.u32(newFunctionIndex(renumbering, reader.u32()));
    const length = reader.u32();
    writer.u32(length);
    copyBytes(reader, writer, length);
  }
}
