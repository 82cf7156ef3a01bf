import t from 'tap';
import { i18nRoutes } from '../../../src/http/routes/i18n.js';
import { createTexts, type TextPlugin } from '../../../src/resources/texts.js';
import { fakeHost } from '../fakes.js';

const languages = { default: 'en-US', supported: ['en-US', 'zh-CN'] };

function openHost(enabled = true) {
  const state: { plugins: TextPlugin[] } = { plugins: [] };
  const texts = createTexts({ plugins: () => state.plugins });
  const { app } = fakeHost({
    register: async (scope) => void (await scope.register(i18nRoutes({ texts, languages, enabled }))),
  });
  const put = (texts_: Record<string, object>) => {
    const i18n = Object.entries(texts_).map(([locale, content]) => ({ locale, content: JSON.stringify(content) }));
    state.plugins = [{ pluginId: 'p', isEnabled: true, artifact: { i18n, apidocI18n: [] } }];
    texts.forget();
  };
  return { app, put };
}

const URL = '/api/v1/i18n/runtime/messages';

t.test('a page loads all texts of a language without a login (F096, F117, F134)', async (t) => {
  const { app, put } = openHost();
  put({ 'en-US': { 'plugin.p': { name: 'Pee' } }, 'zh-CN': { 'plugin.p.name': '皮' } });
  const english = await app.inject(URL);
  t.equal(english.statusCode, 200);
  t.same(english.json(), {
    code: 0,
    message: 'OK',
    data: { locale: 'en-US', messages: { plugin: { p: { name: 'Pee' } } } },
  });
  const chinese = await app.inject(`${URL}?lang=zh-CN`);
  t.same(chinese.json().data, { locale: 'zh-CN', messages: { plugin: { p: { name: '皮' } } } });
  t.equal(chinese.headers['content-language'], 'zh-CN');
  const chosen = await app.inject({ url: URL, headers: { 'accept-language': 'fr, zh-CN;q=0.8' } });
  t.equal(chosen.json().data.locale, 'zh-CN');
  t.equal(chosen.headers.vary, 'Accept-Language');
});

t.test('texts that a page has already are not sent again, until one of them changes', async (t) => {
  const { app, put } = openHost();
  put({ 'en-US': { a: 'x' } });
  const { headers } = await app.inject(URL);
  const etag = headers.etag as string;
  t.match(etag, /^"en-US-[0-9a-f]{32}"$/);
  const ask = (lang = 'en-US') => app.inject({ url: `${URL}?lang=${lang}`, headers: { 'if-none-match': etag } });
  t.equal((await ask()).statusCode, 304);
  t.equal((await ask('zh-CN')).statusCode, 200, 'another language');
  put({ 'en-US': { a: 'x' }, fr: { a: 'y' } });
  t.equal((await ask()).statusCode, 304, 'nothing that is seen has changed');
  put({ 'en-US': { a: 'z' } });
  t.equal((await ask()).statusCode, 200);
});

t.test('a page can offer the languages of the host', async (t) => {
  const { app } = openHost();
  const { data } = (await app.inject('/api/v1/i18n/runtime/locales?lang=zh-CN')).json();
  t.equal(data.locale, 'zh-CN');
  t.equal(data.enabled, true);
  t.match(data.items, [
    { locale: 'en-US', nativeName: 'American English', direction: 'ltr', isDefault: true },
    { locale: 'zh-CN', nativeName: '中文（中国）', direction: 'ltr', isDefault: false },
  ]);
  t.match(data.items[0].name, /英语/);
  t.equal((await openHost(false).app.inject('/api/v1/i18n/runtime/locales')).json().data.enabled, false);
});

t.test('a strange language is the default one', async (t) => {
  const { app } = openHost();
  for (const lang of ['xx', '', '../../etc', '%00', 'zh-cn']) {
    const { statusCode, json } = await app.inject(`${URL}?lang=${lang}`);
    t.equal(statusCode, 200, lang);
    t.equal(json().data.locale, lang === 'zh-cn' ? 'zh-CN' : 'en-US', lang);
  }
});
