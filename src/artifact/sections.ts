/**
 * The container: a standard WebAssembly binary whose custom sections `lina.plugin.*` carry everything but the code
 * (`spec/artifact.md` §1).
 *
 *   00 61 73 6d   01 00 00 00   id   size      …size bytes…
 *   magic         version       1    ULEB128   custom (id 0): nameLen ULEB128, name, payload
 *                               └───────── repeated to the end ─────────┘
 */
import { invalid } from './json.js';

export interface Section {
  /** 0 custom, 1 type, 2 import, 3 function, … */
  readonly id: number;
  /** Empty for standard sections. */
  readonly name: string;
  /** Where the payload begins in the file; for a custom section behind its name. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The 8 bytes that every module begins with; a module by itself. */
export const EMPTY_MODULE: Uint8Array = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const MAX_ULEB_BYTES = 5;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Lists the sections of a module in file order without copying a byte. Standard sections are not looked into.
 * @throws SBX_ARTIFACT_INVALID with the message of `spec/artifact.md` §1.1.
 */
export function readSections(bytes: Uint8Array): readonly Section[] {
  checkHeader(bytes);
  const sections: Section[] = [];
  let at = EMPTY_MODULE.length;
  while (at < bytes.length) {
    const id = bytes[at]!;
    const size = readUleb(bytes, at + 1, bytes.length);
    const end = size.next + size.value;
    if (end > bytes.length) throw invalid('wasm section length exceeds content');
    sections.push(
      id === 0 ? readCustom(bytes, size.next, end) : { id, name: '', offset: size.next, sizeBytes: size.value },
    );
    at = end;
  }
  return sections;
}

/** Payloads of the custom sections by name, as views on `bytes`; of two sections of one name the last one. */
export function customSections(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const named = readSections(bytes).filter((section) => section.id === 0);
  return new Map(named.map(({ name, offset, sizeBytes }) => [name, bytes.subarray(offset, offset + sizeBytes)]));
}

/** The module with one more custom section at its end. Its present contents are not checked. */
export function appendCustomSection(module: Uint8Array, name: string, payload: Uint8Array | string): Uint8Array {
  return Buffer.concat([module, encodeCustomSection(name, payload)]);
}

/** One custom section: id, size, name and payload. */
export function encodeCustomSection(name: string, payload: Uint8Array | string): Uint8Array {
  const nameBytes = Buffer.from(name);
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const nameLength = encodeUleb(nameBytes.length);
  const size = nameLength.length + nameBytes.length + body.length;
  return Buffer.concat([Uint8Array.of(0), encodeUleb(size), nameLength, nameBytes, body]);
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length === 0) throw invalid('Dynamic plugin artifact is empty');
  if (bytes.length < EMPTY_MODULE.length) throw invalid('wasm file is too short');
  const differs = EMPTY_MODULE.findIndex((byte, index) => bytes[index] !== byte);
  if (differs >= 4) throw invalid('invalid wasm version');
  if (differs >= 0) throw invalid('invalid wasm header');
}

function readCustom(bytes: Uint8Array, start: number, end: number): Section {
  const length = readUleb(bytes, start, end);
  const offset = length.next + length.value;
  if (offset > end) throw invalid('wasm custom section name exceeds content');
  return { id: 0, name: decoder.decode(bytes.subarray(length.next, offset)), offset, sizeBytes: end - offset };
}

/** Reads at most 5 bytes. Surplus high bits of the fifth are dropped, as the reference drops them. */
function readUleb(bytes: Uint8Array, start: number, end: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < MAX_ULEB_BYTES; index += 1) {
    if (start + index >= end) throw invalid('wasm ULEB128 data exceeds content');
    const byte = bytes[start + index]!;
    value = (value | ((byte & 0x7f) << (7 * index))) >>> 0;
    if (byte < 0x80) return { value, next: start + index + 1 };
  }
  throw invalid('wasm ULEB128 value is too large');
}

function encodeUleb(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    encoded.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Uint8Array.of(...encoded, rest);
}
