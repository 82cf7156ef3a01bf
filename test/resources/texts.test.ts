import t from 'tap';
import { createTexts, type TextPlugin } from '../../src/resources/texts.js';

type Texts = Readonly<Record<string, object>>;

function plugin(pluginId: string, i18n: Texts, more: { isEnabled?: boolean; docs?: Texts } = {}): TextPlugin {
  const assets = (texts: Texts = {}) =>
    Object.entries(texts).map(([locale, content]) => ({ locale, content: JSON.stringify(content) }));
  const artifact = { i18n: assets(i18n), apidocI18n: assets(more.docs) };
  return { pluginId, isEnabled: more.isEnabled ?? true, artifact };
}

const host = {
  'en-US': {
    texts: new Map([
      ['greeting', 'Hello'],
      ['shared', 'host'],
    ]),
    docs: new Map([['core.x', 'Core']]),
  },
};

t.test('texts of an enabled plugin are there at once, and gone when it is disabled (F117, F134, B9)', async (t) => {
  let plugins: readonly TextPlugin[] = [];
  const texts = createTexts({ plugins: () => plugins });
  t.equal(texts.translate('en-US', 'a.b'), undefined);
  plugins = [plugin('p', { 'en-US': { a: { b: 'x' } } })];
  texts.forget();
  t.equal(texts.translate('en-US', 'a.b'), 'x');
  plugins = [plugin('p', { 'en-US': { a: { b: 'x' } } }, { isEnabled: false })];
  texts.forget();
  t.equal(texts.translate('en-US', 'a.b'), undefined);
});

t.test('later ones win: the host, then plugins by id', async (t) => {
  const plugins = [plugin('b', { 'en-US': { shared: 'b' } }), plugin('a', { 'en-US': { shared: 'a', own: 'a' } })];
  const texts = createTexts({ host, plugins: () => plugins });
  t.equal(texts.translate('en-US', 'greeting'), 'Hello');
  t.equal(texts.translate('en-US', 'shared'), 'b');
  t.equal(texts.translate('en-US', 'own'), 'a');
});

t.test('of a disabled plugin only its own name and description are known', async (t) => {
  const content = {
    plugin: { p: { name: 'Pee', description: 'A plugin', other: 'x' }, q: { name: 'stolen' } },
    'menu.p.title': 'Menu',
  };
  const texts = createTexts({ plugins: () => [plugin('p', { 'en-US': content }, { isEnabled: false })] });
  t.equal(texts.translate('en-US', 'plugin.p.name'), 'Pee');
  t.equal(texts.translate('en-US', 'plugin.p.description'), 'A plugin');
  t.equal(texts.translate('en-US', 'plugin.p.other'), undefined);
  t.equal(texts.translate('en-US', 'plugin.q.name'), undefined);
  t.equal(texts.translate('en-US', 'menu.p.title'), undefined);
});

t.test(
  'zh-Hans and en of a plugin speak for zh-CN and en-US of the host, nested and dotted keys alike (F133)',
  async (t) => {
    const texts = createTexts({
      plugins: () => [
        plugin('p', {
          en: { menu: { reports: 'Reports' }, 'messages.welcome': 'Welcome' },
          'zh-Hans': { menu: { reports: '报表' } },
        }),
      ],
    });
    t.equal(texts.translate('en-US', 'menu.reports'), 'Reports');
    t.equal(texts.translate('en-US', 'messages.welcome'), 'Welcome');
    t.equal(texts.translate('zh-CN', 'menu.reports'), '报表');
    t.equal(texts.translate('zh-CN', 'messages.welcome'), undefined, 'one language never stands in for another');
  },
);

t.test('a page gets all texts of a locale as nested JSON, with a fingerprint of its own', async (t) => {
  const plugins = [plugin('p', { 'en-US': { 'a.b': 'x', a: { c: '<y>' } }, 'zh-CN': { 'a.b': '一' } })];
  const texts = createTexts({ plugins: () => plugins });
  const { json, fingerprint } = texts.messages('en-US');
  t.same(JSON.parse(json), { a: { b: 'x', c: '<y>' } });
  t.match(fingerprint, /^[0-9a-f]{32}$/);
  t.equal(texts.messages('en-US').fingerprint, fingerprint);
  t.not(texts.messages('zh-CN').fingerprint, fingerprint);
  t.equal(createTexts({ plugins: () => plugins }).messages('en-US').fingerprint, fingerprint, 'on every host');
  t.same(JSON.parse(texts.messages('fr-FR').json), {});
});

t.test('keys that cannot be nested do no harm', async (t) => {
  const content = {
    a: 'short',
    'a.b': 'long',
    'x..y': 'gap',
    '.z': 'gap',
    __proto__: { polluted: 'yes' },
    constructor: 'c',
  };
  const i18n = {
    'en-US': JSON.parse(JSON.stringify(content).replace('"constructor"', '"__proto__.q":"1","constructor"')),
  };
  const texts = createTexts({ plugins: () => [plugin('p', i18n)] });
  const parsed = JSON.parse(texts.messages('en-US').json) as Record<string, unknown>;
  t.same(parsed.a, { b: 'long' });
  t.equal(parsed.constructor, 'c');
  t.equal(texts.translate('en-US', 'a'), 'short');
  t.equal(texts.translate('en-US', 'x..y'), 'gap');
  t.equal(({} as Record<string, unknown>).polluted, undefined);
  t.equal(({} as Record<string, unknown>).q, undefined);
});

t.test('API texts are those of enabled plugins below their own names (C13)', async (t) => {
  const docs = {
    'en-US': { plugins: { a_b: { paths: { get: { 'x.meta.summary': 'X' } } }, other: { y: 'Y' } }, core: 'Z' },
  };
  const texts = createTexts({
    host,
    plugins: () => [plugin('a-b', {}, { docs }), plugin('c', {}, { docs, isEnabled: false })],
  });
  t.same(
    [...texts.docs('en-US')],
    [
      ['core.x', 'Core'],
      ['plugins.a_b.paths.get.x.meta.summary', 'X'],
    ],
  );
});

t.test('the version grows with every change, and nothing is read twice in between', async (t) => {
  let reads = 0;
  const texts = createTexts({
    plugins: () => {
      reads += 1;
      return [plugin('p', { 'en-US': { a: 'x' } })];
    },
  });
  const before = texts.version();
  for (const locale of ['en-US', 'zh-CN', 'en-US']) texts.translate(locale, 'a');
  texts.messages('en-US');
  texts.docs('en-US');
  t.equal(reads, 1);
  t.equal(texts.version(), before);
  texts.forget();
  t.ok(texts.version() > before);
  texts.translate('en-US', 'a');
  t.equal(reads, 2);
});
