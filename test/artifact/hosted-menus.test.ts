import t, { type Test } from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { assetLinkOf, componentOf, menuQuery, validateHostedMenus } from '../../src/artifact/hosted-menus.js';
import { buildArtifact } from './build.js';

const BASE = '/x-assets/demo/v0.1.0';
const EMBEDDED = { component: 'system/plugin/dynamic-page', query: { pluginAccessMode: 'embedded-mount' } };

function check(...menus: readonly object[]): readonly string[] {
  const declared = menus.map((menu, index) => ({ key: `plugin:demo:m${index}`, name: 'M', ...menu }));
  const bytes = buildArtifact({
    manifest: { menus: declared, public_assets: [{ source: 'frontend/pages', mount: '', index: 'index.html' }] },
    frontendAssets: {
      'frontend/pages/index.html': 'i',
      'frontend/pages/mount.js': 'm',
      'frontend/pages/mount.mjs': 'm',
      'frontend/secret.js': 's',
    },
  });
  return validateHostedMenus(parseArtifact(bytes));
}

const refused = (t: Test, menu: object, reason: RegExp) =>
  t.throws(() => check(menu), { code: 'SBX_HOSTED_MENU_INVALID', details: { reason } });

t.test('pages that exist may be in the menu: embedded, in a window, in a frame', async (t) => {
  t.same(check({ path: `${BASE}/mount.js`, ...EMBEDDED }, { path: `${BASE}/mount.mjs`, ...EMBEDDED }), []);
  t.same(check({ path: `${BASE}/index.html`, is_frame: 1 }, { path: `${BASE}/index.html` }, { path: `${BASE}/` }), []);
  t.same(check({ path: `${BASE}/index.html?tab=1#top` }), []);
  t.same(check({ path: 'demo-page', component: 'system/plugin/dynamic-page' }, { path: 'https://example.com/x' }), []);
});

t.test('a page must be one of this plugin and this version', async (t) => {
  for (const path of [
    '/x-assets/other/v0.1.0/mount.js',
    '/x-assets/demo/v0.2.0/mount.js',
    '/x-assets/demo',
    'x-assets/demo/v1/a',
  ]) {
    refused(t, { path }, /must begin with \/x-assets\/demo\/v0\.1\.0\//);
  }
});

t.test('a page must be a public asset', async (t) => {
  for (const path of [`${BASE}/none.js`, `${BASE}/secret.js`, `${BASE}/../secret.js`, `${BASE}/sub/`]) {
    refused(t, { path }, /is no public asset of this release/);
  }
});

t.test('an embedded page is a module in the page shell, not in a window of its own (C88)', async (t) => {
  refused(t, { ...EMBEDDED, path: `${BASE}/index.html` }, /needs an entry that ends with \.js or \.mjs/);
  refused(t, { ...EMBEDDED, path: `${BASE}/mount.js`, is_frame: 1 }, /cannot have is_frame 1/);
  refused(
    t,
    { ...EMBEDDED, path: `${BASE}/mount.js`, component: 'other/page' },
    /needs the component system\/plugin\/dynamic-page/,
  );
});

t.test('the page shell shows embedded pages only', async (t) => {
  const { component } = EMBEDDED;
  refused(t, { path: `${BASE}/mount.js`, component }, /must declare pluginAccessMode embedded-mount/);
  refused(t, { path: `${BASE}/index.html`, component }, /must declare pluginAccessMode/);
  refused(t, { path: `${BASE}/mount.js`, component, is_frame: 1 }, /must declare pluginAccessMode/);
  refused(
    t,
    { path: `${BASE}/index.html`, component, is_frame: 1, query: { pluginAccessMode: 'iframe' } },
    /must declare/,
  );
});

t.test('a standalone page as the documents write it is accepted with a warning (F147)', async (t) => {
  const menu = { path: `${BASE}/index.html`, component: 'system/plugin/dynamic-page', is_frame: 1, type: 'M' };
  t.match(check(menu), [/plugin:demo:m0: the component system\/plugin\/dynamic-page is ignored/]);
});

t.test('everything that is wrong is said at once', async (t) => {
  const menus = [{ path: `${BASE}/none.js` }, { ...EMBEDDED, path: `${BASE}/index.html`, is_frame: 1 }];
  t.throws(() => check(...menus), {
    code: 'SBX_HOSTED_MENU_INVALID',
    details: { reason: /m0.*none\.js.*m1.*is_frame.*m1.*\.mjs/ },
  });
});

t.test('links are told from paths of the console', async (t) => {
  const cases = [
    ['/x-assets/p/v1/a.js', '/x-assets/p/v1/a.js'],
    [' x-assets/p/v1/a.js ', '/x-assets/p/v1/a.js'],
    ['HTTPS://example.com', 'HTTPS://example.com'],
    ['/x-assets', undefined],
    ['/x-assetsy/a', undefined],
    ['/system/user', undefined],
    ['', undefined],
  ] as const;
  for (const [path, link] of cases) t.equal(assetLinkOf(path), link, path);
});

t.test('parameters of a menu are texts, whatever a row holds', async (t) => {
  t.same({ ...menuQuery('{"a":1,"b":" x ","c":true,"d":null," ":"e"}') }, { a: '1', b: 'x', c: 'true' });
  for (const text of ['', 'nonsense', '[1]', 'null']) t.same({ ...menuQuery(text) }, {}, text);
});

t.test('a component has one name, however it is written', async (t) => {
  for (const name of ['a/b', '#/views/a/b.vue', '/views/a/b', 'views\\a\\b', ' a/b.vue '])
    t.equal(componentOf(name), 'a/b', name);
});
