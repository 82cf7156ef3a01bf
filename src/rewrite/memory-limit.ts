/** Caps what a module's memory may grow to, whatever the module itself asks for. */
import { SandpoolError } from '../protocol/errors.js';
import { type ImportEntry, type MemoryType, readImports, readMemory } from './module.js';
import { Reader, readSections, SECTION, type Section } from './reader.js';
import { Writer } from './writer.js';

/**
 * The module with the maximum of its memory lowered to `maxPages` (64 KiB each); every other byte stays as it is.
 *
 *     05 03 │ 01 00 10       memory section: one memory, no maximum, at least 16 pages
 *     05 05 │ 01 01 10 80 20 the same with at most 4096 pages
 *      │  │    │  │  │  └ maximum (LEB128)
 *      │  │    │  │  └ minimum
 *      │  │    │  └ flags: 1 has a maximum, 2 shared, 4 64-bit
 *      │  │    └ count
 *      │  └ size of the section
 *      └ id of the section
 *
 * One look at each section's header and, when something must change, one copy of the file. The very input comes back when its
 * maximum is low enough already, or when it has no memory.
 *
 * @throws SBX_MODULE_INVALID when the file is malformed, the memory's minimum is above the limit, or the memory is imported (its
 *   provider sets the limit then)
 */
export function limitMemory(bytes: Uint8Array, maxPages: number): Uint8Array {
  const sections = readSections(bytes);
  refuseImportedMemory(readImports(bytes, sections));
  const section = sections.find(({ id }) => id === SECTION.memory);
  if (section === undefined) return bytes;
  const memories = readMemories(bytes, section);
  if (memories.every((memory) => memory.maxPages !== undefined && memory.maxPages <= maxPages)) return bytes;
  const limited = encodeMemorySection(memories.map((memory) => withMaximum(memory, maxPages)));
  return splice(bytes, section, limited);
}

/** Lowers the maximum of one memory. @throws SBX_MODULE_INVALID when its minimum is above the limit */
export function withMaximum(memory: MemoryType, maxPages: number): MemoryType {
  const { minPages } = memory;
  if (minPages > maxPages) {
    throw new SandpoolError('SBX_MODULE_INVALID', {
      reason: `its memory needs at least ${minPages} pages of 64 KiB and ${maxPages} are allowed`,
      minPages,
      maxPages,
    });
  }
  return { ...memory, maxPages: Math.min(maxPages, memory.maxPages ?? maxPages) };
}

/** A memory section, id and size included. */
export function encodeMemorySection(memories: readonly MemoryType[]): Uint8Array {
  const writer = new Writer();
  writer.section(SECTION.memory, () => {
    writer.u32(memories.length);
    for (const { minPages, maxPages, isShared, is64 } of memories) {
      writer.u8((maxPages === undefined ? 0 : 1) | (isShared ? 2 : 0) | (is64 ? 4 : 0));
      writer.u32(minPages);
      if (maxPages !== undefined) writer.u32(maxPages);
    }
  });
  return writer.written();
}

function readMemories(bytes: Uint8Array, section: Section): MemoryType[] {
  const reader = new Reader(bytes, section.bodyStart, section.end);
  const memories = Array.from({ length: reader.count(2) }, () => readMemory(reader, { features: new Set() }, false));
  reader.finish();
  return memories;
}

/** @throws SBX_MODULE_INVALID when one of `imports` is a memory: its limit is not the module's to set */
export function refuseImportedMemory(imports: readonly ImportEntry[]): void {
  const memory = imports.find(({ kind }) => kind === 'memory');
  if (memory === undefined) return;
  const name = `${memory.module}.${memory.name}`;
  throw new SandpoolError('SBX_MODULE_INVALID', { reason: `it imports its memory (${name})`, memory: name });
}

function splice(bytes: Uint8Array, section: Section, replacement: Uint8Array): Uint8Array {
  const output = new Uint8Array(bytes.length - (section.end - section.start) + replacement.length);
  output.set(bytes.subarray(0, section.start));
  output.set(replacement, section.start);
  output.set(bytes.subarray(section.end), section.start + replacement.length);
  return output;
}
