import t from 'tap';
import { decodeRequestEnvelope } from '../../src/protocol/envelope-guest.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { AnyField, Message } from '../../src/protocol/payload-fields.js';
import { PAYLOADS } from '../../src/protocol/payload-table.js';
import { decodeMessage, encodeMessage } from '../../src/protocol/payloads.js';
import {
  fixedWriter,
  growingWriter,
  openReader,
  takeInt64,
  trimGo,
  writeInt64,
  writtenBytes,
} from '../../src/protocol/wire.js';
import { decodeToJson, ENVELOPES, encodeJson, listWireTypes } from '../../src/protocol/wire-types.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (hex: string) => Buffer.from(hex, 'hex');

t.test('white space at both ends is what Go trims', async (t) => {
  const space = [
    '\t',
    '\n',
    '\v',
    '\f',
    '\r',
    ' ',
    '\u0085',
    '\u00a0',
    '\u1680',
    '\u2028',
    '\u2029',
    '\u202f',
    '\u205f',
    '\u3000',
  ];
  for (let code = 0x2000; code <= 0x200a; code++) space.push(String.fromCharCode(code));
  const trimmed = new Set(space);
  for (let code = 0; code <= 0xffff; code++) {
    const unit = String.fromCharCode(code);
    if ((trimGo(`${unit}a${unit}`) === 'a') !== trimmed.has(unit)) t.fail(`U+${code.toString(16)}`);
  }
  t.equal(trimGo('\ufeffa\u200b'), '\ufeffa\u200b');
  t.equal(trimGo(' a  b '), 'a  b');
  t.equal(trimGo(space.join('')), '');
});

const VARINTS: readonly (readonly [value: number | bigint, hex: string])[] = [
  [1, '01'],
  [127, '7f'],
  [128, '8001'],
  [16383, 'ff7f'],
  [2097152, '80808001'],
  [0xffffffff, 'ffffffff0f'],
  [0x100000000, '8080808010'],
  [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  [2n ** 53n, '8080808080808010'],
  [2n ** 63n - 1n, 'ffffffffffffffff7f'],
  [-1, 'ffffffffffffffffff01'],
  [Number.MIN_SAFE_INTEGER, '8180808080808 0f0ff01'.replace(' ', '')],
  [-(2n ** 63n), '80808080808080808001'],
];

for (const [value, hex] of VARINTS) {
  t.test(`${value} is written as ${hex} and read again`, async (t) => {
    const writer = growingWriter(0);
    writeInt64(writer, 0x08, value);
    t.equal(hexOf(writtenBytes(writer)), `08${hex}`);
    t.equal(takeInt64(openReader(unhex(hex)), 'x'), value);
    for (let room = 0; room < hex.length / 2 + 1; room++) {
      const buffer = Buffer.alloc(12, 0xaa);
      const fixed = fixedWriter(buffer.subarray(0, room), 0);
      writeInt64(fixed, 0x08, value);
      t.equal(fixed.overflowed, true);
      t.ok(buffer.subarray(room).every((byte) => byte === 0xaa));
    }
  });
}

t.test('a varint may be longer than needed, up to ten bytes and 64 bits', async (t) => {
  t.equal(takeInt64(openReader(unhex('81808080808080808000')), 'x'), 1);
  for (const hex of ['', '80', '80808080808080808002', '8180808080808080808000']) {
    t.throws(() => takeInt64(openReader(unhex(hex)), 'x y'), {
      code: 'SBX_WIRE_INVALID',
      message: 'failed to decode x y',
    });
  }
});

const TAGS: readonly (readonly [title: string, hex: string, ok: boolean])[] = [
  ['field 0', '0001', false],
  ['the largest field of the schema language', 'f8ffffff0f01', true],
  ['the largest field that the reference skips', 'f8ffffff3f01', true],
  ['a field of 32 bits', '808080804001', false],
  ['a tag longer than needed', '8a80000170', true],
];

for (const [title, hex, ok] of TAGS) {
  t.test(`${title} is ${ok ? 'read' : 'refused'}`, async (t) => {
    if (ok) t.doesNotThrow(() => decodeRequestEnvelope(unhex(hex)));
    else {
      const message = 'failed to decode bridge request tag';
      t.throws(() => decodeRequestEnvelope(unhex(hex)), { code: 'SBX_WIRE_INVALID', message });
    }
  });
}

const SKIPPED: readonly (readonly [title: string, hex: string, ok: boolean])[] = [
  ['a group of nothing', 'a306a406', true],
  ['a group in a group', 'a306ab060801ac06a406', true],
  ['a group that ends as another', 'a306ac06', false],
  ['a group that does not end', 'a3060801', false],
  ['a group end', 'a406', false],
  ['wire type 6', 'a60600', false],
  ['wire type 7', 'a70600', false],
  ['a fixed64 of 7 bytes', 'a10600000000000000', false],
  ['a fixed32 of 3 bytes', 'a506000000', false],
  ['a length beyond the end', 'a2060100'.slice(0, 6), false],
  ['a length of 2^32', 'a2068080808010', false],
  ['a varint of 11 bytes', 'a0068080808080808080808001', false],
];

for (const [title, hex, ok] of SKIPPED) {
  t.test(`an unknown field with ${title} is ${ok ? 'passed over' : 'refused'}`, async (t) => {
    const bytes = unhex(`${hex}${ok ? '0a0170' : ''}`);
    if (ok) t.equal(decodeRequestEnvelope(bytes).pluginId, 'p');
    else {
      const message = 'failed to skip unknown bridge request field';
      t.throws(() => decodeRequestEnvelope(bytes), { code: 'SBX_WIRE_INVALID', message });
    }
  });
}

t.test('groups nest as deep as the reference allows and no deeper', async (t) => {
  const nested = (depth: number) => unhex('a306'.repeat(depth) + 'a406'.repeat(depth));
  t.doesNotThrow(() => decodeRequestEnvelope(nested(10_001)));
  t.throws(() => decodeRequestEnvelope(nested(10_002)), { code: 'SBX_WIRE_INVALID' });
  t.throws(() => decodeRequestEnvelope(unhex('a306'.repeat(2_000_000))), { code: 'SBX_WIRE_INVALID' });
});

t.test('a nested message cannot reach beyond its end', async (t) => {
  // The route is 3 bytes long and says that its method has 5; the bytes after it would be enough.
  t.throws(() => decodeRequestEnvelope(unhex('12030a05612a0461626364')), {
    message: 'failed to decode route snapshot method',
  });
});

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomFrom>;

const TEXTS = [
  '',
  ' ',
  'a',
  ' padded\t',
  'x'.repeat(30),
  'é€😀',
  'y'.repeat(130),
  '\u0085n\u00a0',
  '\ufeff',
  'ü'.repeat(70),
];
const INTEGERS = [0, 1, -1, 127, 128, 300, -2147483648, 2147483647];

function anyOf<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)] as T;
}

function listOf<T>(random: Random, make: () => T): T[] {
  return Array.from({ length: random(4) }, make);
}

function randomValue(random: Random, message: Message): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(message.fields)) {
    if (random(4) > 0) value[key] = randomMember(random, field);
  }
  return value;
}

function randomMember(random: Random, field: AnyField): unknown {
  const text = () => anyOf(random, TEXTS);
  const bytes = () => Buffer.from(text()).toString('base64');
  const nested = () => randomValue(random, field.message as Message);
  const mapOf = <T>(make: () => T) => Object.fromEntries(listOf(random, () => [text(), make()]));
  switch (field.kind) {
    case 'string':
      return text();
    case 'bytes':
      return bytes();
    case 'bool':
      return random(2) === 1;
    case 'uint32':
      return Math.abs(anyOf(random, INTEGERS));
    case 'int32':
    case 'int64':
      return anyOf(random, INTEGERS);
    case 'stringMap':
      return mapOf(text);
    case 'listMap':
      return mapOf(() => listOf(random, text));
    case 'message':
      return nested();
    case 'messages':
      return listOf(random, nested);
    case 'strings':
      return listOf(random, text);
    case 'bytesList':
      return listOf(random, bytes);
    case 'int64List':
      return listOf(random, () => anyOf(random, INTEGERS));
  }
}

const DESCRIBED = { ...PAYLOADS, ...ENVELOPES } as unknown as Readonly<Record<string, Message>>;

const again = (type: string, bytes: Uint8Array) => encodeJson(type, decodeToJson(type, bytes));

/** A message as a decoder gives it: without the blank keys that it drops, and in the order of the trimmed keys. */
function settledMessage(random: Random, type: string): Uint8Array {
  const value = randomValue(random, DESCRIBED[type] as Message);
  return again(type, encodeJson(type, type === 'HostServiceJobsRegisterRequest' ? { contract: value } : value));
}

t.test('what was decoded is encoded to the same bytes again', async (t) => {
  for (const type of listWireTypes()) {
    const random = randomFrom(type.length * 7919);
    for (let i = 0; i < 60; i++) {
      const bytes = settledMessage(random, type);
      const second = again(type, bytes);
      if (hexOf(second) !== hexOf(bytes)) t.fail(`${type} #${i}: ${hexOf(bytes)} became ${hexOf(second)}`);
    }
  }
});

t.test('the hand-written envelopes agree with their description', async (t) => {
  for (const [type, message] of Object.entries(ENVELOPES) as unknown as [string, Message][]) {
    const random = randomFrom(type.length);
    for (let i = 0; i < 300; i++) {
      const bytes = settledMessage(random, type);
      const described = encodeMessage(message, decodeMessage(message, bytes));
      if (hexOf(described) !== hexOf(bytes)) t.fail(`${type} #${i}: ${hexOf(bytes)} and ${hexOf(described)}`);
    }
  }
});

t.test('damaged bytes are refused in order or decoded, never anything else', async (t) => {
  for (const type of listWireTypes()) {
    const random = randomFrom(type.length * 104729);
    for (let i = 0; i < 150; i++) {
      const bytes = damaged(random, type);
      try {
        decodeToJson(type, bytes);
      } catch (error) {
        if (!(error instanceof SandpoolError) || error.code !== 'SBX_WIRE_INVALID') {
          t.fail(`${type}: ${hexOf(bytes)} threw ${error}`);
        }
      }
    }
  }
});

/** Random bytes, or a message with one byte changed, cut out or put in. */
function damaged(random: Random, type: string): Uint8Array {
  if (random(3) === 0) return Buffer.from(Array.from({ length: random(40) }, () => random(256)));
  const value = randomValue(random, DESCRIBED[type] as Message);
  const bytes = [...encodeJson(type, type === 'HostServiceJobsRegisterRequest' ? { contract: value } : value)];
  const at = random(bytes.length + 1);
  bytes.splice(at, random(2), ...listOf(random, () => random(256)));
  return Buffer.from(bytes);
}
