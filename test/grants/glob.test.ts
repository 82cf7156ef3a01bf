import t from 'tap';
import { compileGlob } from '../../src/grants/glob.js';

// The table of Go's path.Match tests, without its backslash escapes (patterns have their backslashes turned into slashes).
const GO: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^b-d]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['a[^a][^a][^a]b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['*x', 'xxx', true],
  ['', '', true],
  ['', 'a', false],
  ['**', 'abc', true],
  ['**', 'a/b', false],
  ['a[!b]c', 'a!c', true],
  ['a{b,c}', 'a{b,c}', true],
  ['a{b,c}', 'ab', false],
];

for (const [pattern, text, matches] of GO) {
  t.test(`"${pattern}" ${matches ? 'matches' : 'does not match'} "${text}"`, async (t) => {
    t.equal(compileGlob(pattern)?.(text), matches);
  });
}

for (const pattern of ['[]a]', '[-]', '[x-]', '[-x]', 'a[', '[a-b-c]', '[', '[^', '[^bc', 'a[]', '[^]']) {
  t.test(`"${pattern}" is malformed`, async (t) => {
    t.equal(compileGlob(pattern), undefined);
  });
}

t.test('a pattern full of stars is matched in a bounded number of steps', async (t) => {
  const matches = compileGlob(`${'*a'.repeat(200)}b`);
  t.equal(matches?.('a'.repeat(2000)), false);
});
