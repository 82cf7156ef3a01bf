import t from 'tap';
import { assemblyScriptGuest } from '../guest-modules.js';
import { bodyOf, type Guest, requestOf, startGuest } from './guest.js';

const probe = await assemblyScriptGuest('probe');
const guest = startGuest(probe);

/** What the guest makes of a JSON text: its own writing of it, or the reason why it is none. */
function echo(text: string | Uint8Array, get = ''): string {
  return bodyOf(ask(guest, text, get));
}

function ask(guest: Guest, text: string | Uint8Array, get = '') {
  const request = requestOf('JsonReq', { get }, 'x');
  return guest.ask({ ...request, request: { body: Buffer.from(text) } });
}

const SAME = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e5',
  '1E+5',
  '-1.25e-7',
  '""',
  '[]',
  '{}',
  '[1,[2,[3]],{}]',
  '{"a":1,"b":{"c":[null,true]},"":"empty name"}',
  '9007199254740993',
  '-9223372036854775808',
  '123456789012345678901234567890',
  '"é ß 漢字 🚀"',
  '"\u007f\u2028"',
  '{"z":1,"a":2,"m":3}',
];

for (const text of SAME) {
  t.test(`JSON survives reading and writing: ${shown(text)}`, async (t) => {
    t.equal(echo(text), text);
  });
}

// [title, JSON, what the guest writes]
const CHANGED: [string, string, string][] = [
  ['white space goes', ' \n\t\r[ 1 , 2 ]\r\n', '[1,2]'],
  ['escapes become characters', '"\\u00e9\\/\\u0041"', '"é/A"'],
  ['what must be escaped is', '"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"', '"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"'],
  ['an escaped pair becomes one character', '"\\ud83d\\ude80"', '"🚀"'],
  ['half a pair stays escaped', '"a\\ud83db\\ude80"', '"a\\ud83db\\ude80"'],
  ['a broken pair stays escaped', '"\\ude80\\ud83d"', '"\\ude80\\ud83d"'],
  ['hexadecimal digits of either case', '"\\u00Ff"', '"ÿ"'],
  ['the last of two equal names wins, in the place of the first', '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
  ['long texts', JSON.stringify('é"'.repeat(5000)), JSON.stringify('é"'.repeat(5000))],
];

for (const [title, text, written] of CHANGED) {
  t.test(`JSON is read as RFC 8259 says: ${title}`, async (t) => {
    t.equal(echo(text), written);
    t.same(JSON.parse(written), JSON.parse(text));
  });
}

// [what is not JSON, reason]
const BROKEN: [string, string][] = [
  ['', 'unexpected end'],
  [' ', 'unexpected end'],
  ['{', 'unexpected end'],
  ['[1,', 'unexpected end'],
  ['"abc', 'unexpected end'],
  ['"\\u12', 'unexpected end'],
  ['nul', 'unexpected end'],
  ['nulL', 'unexpected byte at 3'],
  ['[1,]', 'unexpected byte at 3'],
  ['{"a":1,}', 'unexpected byte at 7'],
  ['{a:1}', 'unexpected byte at 1'],
  ["'a'", 'unexpected byte at 0'],
  ['01', 'unexpected byte at 1'],
  ['+1', 'unexpected byte at 0'],
  ['.5', 'unexpected byte at 0'],
  ['1.', 'unexpected end'],
  ['1e', 'unexpected end'],
  ['-', 'unexpected end'],
  ['1 2', 'unexpected byte at 2'],
  ['{"a" 1}', 'unexpected byte at 5'],
  ['NaN', 'unexpected byte at 0'],
  ['"\n"', 'unexpected byte at 1'],
  ['"\\x"', 'unexpected byte at 2'],
  ['"\\u00g0"', 'unexpected byte at 5'],
  ['[1]]', 'unexpected byte at 3'],
  ['\ufeff1', 'unexpected byte at 0'],
  ['/**/1', 'unexpected byte at 0'],
];

for (const [text, reason] of BROKEN) {
  t.test(`What is not JSON is refused with its place: ${shown(text)}`, async (t) => {
    const response = ask(guest, text);
    t.same([response.statusCode, bodyOf(response)], [400, reason]);
  });
}

// bytes inside a JSON string that are no UTF-8
const NO_UTF8 = ['80', 'c0af', 'c3', 'e28', 'e0809f', 'eda080', 'f08080af', 'f4908080', 'f5808080', 'ff', 'e2 82 22'];

for (const bytes of NO_UTF8) {
  t.test(`Bytes that are no UTF-8 are refused: ${bytes}`, async (t) => {
    const text = Buffer.concat([
      Buffer.from('"'),
      Buffer.from(bytes.replaceAll(' ', '').padEnd(2, '0'), 'hex'),
      Buffer.from('"'),
    ]);
    t.match(echo(text), /^unexpected byte at 1$/);
  });
}

t.test('JSON of 256 levels is read, deeper JSON is refused instead of exhausting the stack', async (t) => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  t.equal(echo(nested(256)), nested(256));
  t.equal(echo(nested(258)), 'more than 256 levels');
  t.equal(echo('{"a":'.repeat(100000)), 'more than 256 levels');
});

// [literal, asInt(-1), asFloat(-1)]
const NUMBERS: [string, string, number][] = [
  ['0', '0', 0],
  ['9223372036854775807', '9223372036854775807', 2 ** 63],
  ['-9223372036854775808', '-9223372036854775808', -(2 ** 63)],
  ['9223372036854775808', '-1', 2 ** 63],
  ['1.5', '-1', 1.5],
  ['1e3', '-1', 1000],
  ['0.1', '-1', 0.1],
  ['2.2250738585072014e-308', '-1', 2.2250738585072014e-308],
  ['1.7976931348623157e308', '-1', 1.7976931348623157e308],
  ['"7"', '-1', -1],
];

for (const [literal, int, float] of NUMBERS) {
  t.test(`The number ${literal} is the integer ${int} and the float ${float}`, async (t) => {
    t.equal(echo(literal, 'int'), int);
    t.equal(Number(echo(literal, 'float')), float);
  });
}

t.test('JSON is built from values of AssemblyScript', async (t) => {
  t.equal(
    echo('0', 'built'),
    '{"text":"a\\"b\\\\c\\n\\u0001é🚀\\ud800","int":-9223372036854775808,"u8":255,"float":0.5,"whole":3,"nan":null,"yes":true,' +
      '"list":["a","b"],"numbers":[1,2],"null":null,"nested":[{},[]]}',
  );
});

/** A title for TAP, which ends its lines at more characters than one would think. */
function shown(text: string): string {
  return text.replace(/[^ -~]/g, (character) => `<${character.codePointAt(0)?.toString(16)}>`);
}
