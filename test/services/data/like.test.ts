import t from 'tap';
import { isLike } from '../../../src/services/data/like.js';

// biome-ignore format: a table
const CASES: readonly (readonly [text: string, pattern: string, matches: boolean])[] = [
  ['abc', '%b%', true], ['abc', '%B%', false], ['', '%', true], ['', '_', false], ['a', '_', true], ['🚀', '_', true], ['🚀x', '__', true],
  ['ab', '_', false], ['100%', '100\\%', true], ['1000', '100\\%', false], ['a\\b', 'a\\\\b', true], ['aXbXc', 'a%b%c', true],
  ['mississippi', '%iss%ip%i', true], ['mississippi', '%iss%iss%iss%', false], ['abc', 'abc%', true], ['abc', '%%%', true], ['ab', 'ab\\', false],
];
for (const [text, pattern, matches] of CASES)
  t.test(`${text} is ${matches ? '' : 'not '}like ${pattern}`, async (t) => t.equal(isLike(text, pattern), matches));

t.test('no pattern takes for ever', async (t) => {
  t.equal(isLike('a'.repeat(20_000), `${'%a'.repeat(40)}%b`), false);
});
