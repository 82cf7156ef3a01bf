import t from 'tap';
import { createLanguageChoice } from '../../src/http/language.js';

t.test('the parameter decides, then Accept-Language in its order, then the default', async (t) => {
  const languages = createLanguageChoice({ default: 'en-US', supported: ['en-US', 'zh-CN', 'fr'] });
  const cases: [lang: string | undefined, acceptLanguage: string | undefined, chosen: string][] = [
    [undefined, undefined, 'en-US'],
    ['zh-CN', 'fr', 'zh-CN'],
    ['ZH-cn', undefined, 'zh-CN'],
    [' fr ', undefined, 'fr'],
    ['de', 'fr', 'en-US'],
    ['', 'fr', 'fr'],
    [' ', 'zh-cn;q=0.1, fr', 'zh-CN'],
    [undefined, 'de, zh;q=0.9, FR;q=0.8', 'fr'],
    [undefined, 'de', 'en-US'],
    [undefined, '*', 'en-US'],
  ];
  for (const [lang, header, chosen] of cases) t.equal(languages.choose(lang, header), chosen, `${lang} ${header}`);
  for (const [lang, header, chosen] of cases) t.equal(languages.choose(lang, header), chosen, 'and again');
});

t.test('invented headers are answered, but not all remembered', async (t) => {
  const languages = createLanguageChoice({ default: 'en-US', supported: ['en-US', 'fr'] });
  for (let i = 0; i < 1000; i++) t.equal(languages.choose(undefined, `x${i}, fr`), 'fr');
});
