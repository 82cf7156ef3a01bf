import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import {
  appendCustomSection,
  customSections,
  EMPTY_MODULE,
  encodeCustomSection,
  readSections,
} from '../../src/artifact/sections.js';
import { refused } from './refusal.js';

const H = '0061736d01000000';
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const texts = (hex: string) =>
  Object.fromEntries(
    Array.from(customSections(bytes(hex)), ([name, payload]) => [name, Buffer.from(payload).toString()]),
  );

const REFUSED: readonly (readonly [id: string, hex: string, fragment: string])[] = [
  ['A1 an empty file', '', 'Dynamic plugin artifact is empty'],
  ['A2 half a header', '0061736d', 'wasm file is too short'],
  ['A3 another magic number', '0061736e01000000', 'invalid wasm header'],
  ['A4 another version', '0061736d02000000', 'invalid wasm version'],
  ['A6 a number of which the fifth byte continues', `${H} 00 80 80 80 80 80`, 'wasm ULEB128 value is too large'],
  ['A7 a number that ends with the file', `${H} 00 80`, 'wasm ULEB128 data exceeds content'],
  ['A8 a section that is longer than the file', `${H} 00 0a 01 61`, 'wasm section length exceeds content'],
  ['A9 a name that is longer than its section', `${H} 00 02 05 61`, 'wasm custom section name exceeds content'],
  ['a section without a size', `${H} 00`, 'wasm ULEB128 data exceeds content'],
  ['a custom section without a name', `${H} 00 00`, 'wasm ULEB128 data exceeds content'],
  ['a name length that leaves its section', `${H} 00 01 80 01 61`, 'wasm ULEB128 data exceeds content'],
  ['a standard section that is longer than the file', `${H} 01 05 aa`, 'wasm section length exceeds content'],
  ['a size near 2^32', `${H} 00 ff ff ff ff 0f`, 'wasm section length exceeds content'],
  ['a name length near 2^32', `${H} 00 06 ff ff ff ff 0f 61`, 'wasm custom section name exceeds content'],
];

for (const [id, hex, fragment] of REFUSED) {
  t.test(`${id} is refused`, async (t) => refused(t, () => readSections(bytes(hex)), fragment));
}

t.test('A5 a custom section has its name and the rest as payload', async (t) => {
  t.same(texts(`${H} 00 05 01 61 7b 7d 20`), { a: '{} ' });
});

t.test('A10 of two sections of one name the last one counts', async (t) => {
  t.same(texts(`${H} 00 03 01 61 31 00 03 01 61 32`), { a: '2' });
});

t.test('A11 standard sections are skipped unread', async (t) => {
  t.same(texts(`${H} 01 03 aa bb cc 00 03 01 61 31`), { a: '1' });
});

t.test('A12 an artifact without metadata is refused by the name of the section', async (t) => {
  const manifestOnly = appendCustomSection(EMPTY_MODULE, 'lina.plugin.manifest', '{}');
  refused(
    t,
    () => parseArtifact(manifestOnly),
    'Dynamic plugin artifact is missing custom section lina.plugin.dynamic',
  );
  refused(
    t,
    () => parseArtifact(EMPTY_MODULE),
    'Dynamic plugin artifact is missing custom section lina.plugin.manifest',
  );
});

t.test('numbers may be longer than they need to be, up to five bytes', async (t) => {
  t.same(texts(`${H} 00 83 80 80 80 00 01 61 31`), { a: '1' });
  t.same(texts(`${H} 00 07 81 80 80 80 00 61 31`), { a: '1' });
});

t.test('surplus high bits of the fifth byte are dropped', async (t) => {
  t.same(texts(`${H} 00 83 80 80 80 70 01 61 31`), { a: '1' });
});

t.test('names are told apart by every byte', async (t) => {
  t.same(texts(`${H} 00 03 01 61 31 00 03 01 41 32 00 04 02 61 20 33`), { a: '1', A: '2', 'a ': '3' });
});

t.test('sections are listed in file order, with sizes of their payloads', async (t) => {
  t.same(readSections(bytes(`${H} 01 03 aa bb cc 00 03 01 61 31`)), [
    { id: 1, name: '', offset: 10, sizeBytes: 3 },
    { id: 0, name: 'a', offset: 17, sizeBytes: 1 },
  ]);
  t.same(readSections(EMPTY_MODULE), []);
});

t.test('a custom section is written byte for byte as the reference writes it', async (t) => {
  const section = encodeCustomSection('lina.plugin.dynamic', '{"runtimeKind":"wasm","abiVersion":"v1"}');
  t.equal(
    Buffer.from(section).toString('hex'),
    '003c13' +
      '6c696e612e706c7567696e2e64796e616d6963' +
      '7b2272756e74696d654b696e64223a227761736d222c2261626956657273696f6e223a227631227d',
  );
});

t.test('a payload of 128 bytes has a size of two bytes', async (t) => {
  const section = encodeCustomSection('a', new Uint8Array(128));
  t.equal(Buffer.from(section.subarray(0, 5)).toString('hex'), '0082010161');
});

t.test('payloads are views: a large module is neither copied nor walked', async (t) => {
  const module = appendCustomSection(EMPTY_MODULE, 'code', new Uint8Array(20_000_000));
  const [payload] = customSections(module).values();
  t.equal(payload?.buffer, module.buffer);
  t.equal(payload?.length, 20_000_000);
});
