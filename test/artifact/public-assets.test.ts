import t from 'tap';
import { normalizePublicAssets, resolvePublicAsset } from '../../src/artifact/public-assets.js';
import { refused, upload } from './refusal.js';

type Declaration = Readonly<{ source: string; mount?: string; index?: string }>;
const PAGES = 'frontend/pages';
const FILES = {
  [`${PAGES}/index.html`]: 'i',
  [`${PAGES}/docs/index.html`]: 'd',
  [`${PAGES}/app.js`]: 'a',
  'frontend/public/x': 'x',
};

const accept = (...declarations: Declaration[]) =>
  upload({ manifest: { public_assets: declarations }, frontendAssets: FILES });
const declare = (...declarations: Declaration[]) =>
  normalizePublicAssets(declarations.map((one) => ({ mount: '', index: '', ...one })));

const SOURCES: readonly (readonly [ids: string, source: string, fragment: string])[] = [
  ['F085', '', 'source cannot be empty'],
  ['F085', ' ', 'source cannot be empty'],
  ['F086 artifact.md C12', '/abs/dir', 'relative'],
  ['F086', '\\abs', 'relative'],
  ['F086', 'C:\\dir', 'relative'],
  ['F086', 'https://example.com/a', 'cannot be a URL'],
  ['F086', 'data:text/html,x', 'cannot be a URL'],
  ['F087 artifact.md C12', '../frontend/pages', 'escapes plugin root'],
  ['F087', '../x', 'escapes'],
  ['F087', '.', 'escapes'],
  ['F087', 'a/../b', 'escapes'],
  ['F088', 'a/*', 'unsupported characters'],
  ['F088', 'a?x', 'unsupported characters'],
  ['F088', 'a#b', 'unsupported characters'],
  ['F090', 'frontend/none', 'asset prefix does not exist'],
  ['F090', 'frontend/page', 'asset prefix does not exist'],
];

for (const [ids, source, fragment] of SOURCES) {
  t.test(`${ids} source ${JSON.stringify(source)} is refused`, async (t) =>
    refused(t, () => accept({ source }), fragment),
  );
}

const INDEXES: readonly (readonly [index: string, fragment: string])[] = [
  ['../index.html', 'escapes'],
  ['docs/', 'file name'],
  ['docs/index.html', 'file name'],
  ['/index.html', 'relative'],
  ['https://example.com/index.html', 'URL'],
  ['*.html', 'unsupported'],
  ['.', 'escapes'],
];

for (const [index, fragment] of INDEXES) {
  t.test(`C86 F092 artifact.md C13 index ${index} is refused`, async (t) =>
    refused(t, () => accept({ source: PAGES, index }), fragment),
  );
}

t.test('C86 F089 artifact.md C14 mounts that lie in one another are refused', async (t) => {
  const pair = (first: string, second: string) => () =>
    accept({ source: PAGES, mount: first }, { source: PAGES, mount: second });
  refused(t, pair('assets', 'assets/pages'), 'overlaps');
  refused(t, pair('assets/pages', 'assets'), 'overlaps');
  refused(t, pair('a', './a'), 'escapes');
  refused(t, pair('a', 'a/'), 'overlaps');
  refused(t, pair('', '/'), 'overlaps');
  t.doesNotThrow(pair('assets', 'assets2'));
});

t.test('a mount keeps the rules of a source', async (t) => {
  refused(t, () => accept({ source: PAGES, mount: '../a' }), 'escapes');
  refused(t, () => accept({ source: PAGES, mount: '/a' }), 'relative');
  refused(t, () => accept({ source: PAGES, mount: 'a*' }), 'unsupported characters');
});

t.test('C111 F146 a root mount may stand beside others, unless a file would have two addresses', async (t) => {
  t.doesNotThrow(() => accept({ source: PAGES }, { source: 'frontend/public', mount: 'public' }));
  refused(t, () => accept({ source: PAGES }, { source: 'frontend/public', mount: 'docs' }), 'overlaps');
});

t.test('F076 declarations are trimmed and cleaned', async (t) => {
  t.same(declare({ source: ' frontend\\pages/ ', mount: '/', index: ' ' }), [
    { source: PAGES, mount: '', index: 'index.html' },
  ]);
});

t.test('a source may be one file', async (t) => {
  t.doesNotThrow(() => accept({ source: `${PAGES}/app.js`, mount: 'app' }));
});

t.test('F076 F079 artifact.md C15 the root of a version shows its index', async (t) => {
  t.equal(resolvePublicAsset(declare({ source: PAGES, mount: '/' }), ''), 'frontend/pages/index.html');
});

t.test('F077 F078 a public path is a file below the mount that covers it best', async (t) => {
  const declared = declare({ source: PAGES }, { source: 'frontend/public', mount: 'public', index: 'x' });
  t.equal(resolvePublicAsset(declared, 'app.js'), 'frontend/pages/app.js');
  t.equal(resolvePublicAsset(declared, 'public/a/b.css'), 'frontend/public/a/b.css');
  t.equal(resolvePublicAsset(declared, 'public'), 'frontend/public/x');
  t.equal(resolvePublicAsset(declared, 'publicity'), 'frontend/pages/publicity');
});

t.test('a path outside of every mount leads nowhere', async (t) => {
  const declared = declare({ source: PAGES, mount: 'a' });
  for (const path of ['', 'b', 'ab']) t.equal(resolvePublicAsset(declared, path), undefined, path);
  t.equal(resolvePublicAsset([], ''), undefined);
});

t.test('F091 a path that climbs leads nowhere', async (t) => {
  const declared = declare({ source: PAGES });
  for (const path of ['../x', 'a/../../x', './a', 'a/.', '..\\x', 'a\0', 'docs/']) {
    t.equal(resolvePublicAsset(declared, path), undefined, path);
  }
});
