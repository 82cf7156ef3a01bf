/** Changes modules byte by byte and keeps their sizes right, so that more than the header of what comes out makes sense. */
import { readModule } from '../../src/rewrite/module.js';
import { Reader, readSections, SECTION } from '../../src/rewrite/reader.js';
import { Writer } from '../../src/rewrite/writer.js';
import type { Random } from './random-program.js';

/** The module with one section replaced, or inserted at its place, by what `change` makes of its body. */
function withSection(bytes: Uint8Array, id: number, change: (body: Uint8Array) => Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(bytes);
  const found = sections.find((section) => section.id === id);
  const next = found ?? sections.find((section) => section.id > id && section.id !== SECTION.tag);
  const start = next?.start ?? bytes.length;
  const writer = new Writer(bytes.length + 64);
  writer.raw(bytes.subarray(0, start));
  writer.section(id, () => writer.raw(change(found ? bytes.subarray(found.bodyStart, found.end) : Uint8Array.of(0))));
  writer.raw(bytes.subarray(found?.end ?? start));
  return writer.written().slice() as Uint8Array<ArrayBuffer>;
}

const NUMBERS = [0x7f, 0x7e, 0x7d, 0x7c];

/** The same module with its first memory and all mutable globals of numbers exported. */
export function withStateExported(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { memories, globals } = readModule(bytes);
  const added: [name: string, kind: number, index: number][] = memories.length > 0 ? [['state memory', 2, 0]] : [];
  for (const [index, { isMutable, valueType }] of globals.entries()) {
    if (isMutable && NUMBERS.includes(valueType)) added.push([`state ${index}`, 3, index]);
  }
  return withSection(bytes, SECTION.export, (body) => {
    const reader = new Reader(body);
    const writer = new Writer(body.length + 64);
    writer.u32(reader.u32() + added.length);
    writer.raw(body.subarray(reader.position));
    for (const [name, kind, index] of added) {
      writer.name(name);
      writer.u8(kind);
      writer.u32(index);
    }
    return writer.written();
  });
}

/** The same module with the code of one function changed at random. The sizes of the body and of the section stay right. */
export function withDamagedBody(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  return withSection(bytes, SECTION.code, (code) => {
    const reader = new Reader(code);
    const count = reader.u32();
    const chosen = random(Math.max(1, count));
    const writer = new Writer(code.length + 64);
    writer.u32(count);
    for (let index = 0; index < count; index++) {
      const size = reader.u32();
      const body = code.subarray(reader.position, reader.position + size);
      reader.skip(size);
      writer.sized(() => writer.raw(index === chosen ? damaged(body, random) : body));
    }
    return writer.written();
  });
}

/** The same module with a section twice, left out, exchanged with another, or with bytes too many or too few. */
export function withDamagedSections(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const sections = readSections(bytes).map(({ id, bodyStart, end }) => ({ id, body: bytes.subarray(bodyStart, end) }));
  const [one, other] = [random(sections.length), random(sections.length)];
  const chosen = sections[one]!;
  switch (random(5)) {
    case 0: sections.splice(one, 1); break;
    case 1: sections.splice(other, 0, chosen); break;
    case 2: [sections[one], sections[other]] = [sections[other]!, chosen]; break;
    case 3: sections[one] = { ...chosen, body: chosen.body.subarray(0, random(chosen.body.length + 1)) }; break;
    default: sections[one] = { ...chosen, id: random(16) };
  }
  const writer = new Writer(bytes.length * 2 + 64);
  writer.raw(bytes.subarray(0, 8));
  for (const { id, body } of sections) writer.section(id, () => writer.raw(body));
  return writer.written().slice() as Uint8Array<ArrayBuffer>;
} // biome-ignore format: a table of choices

function damaged(body: Uint8Array, random: Random): Uint8Array {
  const at = random(body.length);
  const before = body.subarray(0, at);
  const byte = body[at]!;
  const rest = body.subarray(at + 1);
  switch (random(6)) {
    case 0: return joined(before, [random(256)], rest);
    case 1: return joined(before, [byte ^ (1 << random(8))], rest);
    // The same number in more bytes than it needs.
    case 2: case 3: return joined(before, byte < 0x80 ? [byte | 0x80, ...Array(random(4)).fill(0x80), 0] : [byte], rest);
    case 4: return joined(before, [], body.subarray(Math.min(body.length, at + 1 + random(6))));
    default: {
      const from = random(body.length);
      return joined(before, [...body.subarray(from, from + 1 + random(12))], body.subarray(at));
    }
  }
} // biome-ignore format: a table of choices

function joined(before: Uint8Array, middle: readonly number[], after: Uint8Array): Uint8Array {
  const all = new Uint8Array(before.length + middle.length + after.length);
  all.set(before);
  all.set(middle, before.length);
  all.set(after, before.length + middle.length);
  return all;
}
