import t from 'tap';
import { matchingLocale } from '../../src/resources/locale.js';

t.test('a locale is spoken for by itself, else by one of the same language and script', async (t) => {
  const cases = [
    ['zh-CN', ['en-US', 'zh-CN', 'zh-Hans'], 'zh-CN'],
    ['zh-CN', ['en', 'zh-Hans'], 'zh-Hans'],
    ['zh-CN', ['zh-TW', 'zh-Hant'], undefined],
    ['en-US', ['zh-Hans', 'en'], 'en'],
    ['en-US', ['en-GB', 'en'], 'en'],
    ['en-US', ['fr'], undefined],
    ['zh-Hans', ['zh-CN'], 'zh-CN'],
    ['en-US', ['EN-us'], 'EN-us'],
    ['en-US', ['en_US'], 'en_US'],
    ['en-US', ['not a tag', ''], undefined],
    ['not a tag', ['en-US', 'not a tag'], 'not a tag'],
    ['en-US', [], undefined],
  ] as const;
  for (const [wanted, offered, expected] of cases) {
    t.equal(matchingLocale(wanted, offered), expected, `${wanted} of ${offered.join(', ')}`);
  }
});

t.test('invented locales do not fill the memory', async (t) => {
  for (let i = 0; i < 2000; i++) t.equal(matchingLocale('en-US', [`xx-${i}`]), undefined);
});
