import t from 'tap';
import { type MenuItem, type MenuReader, type MenuRow, menuOwner, projectMenus } from '../../src/resources/menus.js';

function row(id: number, more: Partial<MenuRow> = {}): MenuRow {
  const texts = { name: `Menu ${id}`, path: `page-${id}`, component: '', perms: '', icon: '', queryParam: '' };
  const switches = { visible: 1, status: 1, isFrame: 0, isCache: 0 } as const;
  return { id, parentId: 0, key: `core:${id}`, type: 'M', sort: 0, ...texts, ...switches, ...more };
}

const admin: MenuReader = { showsPlugin: () => true, mayUse: () => true, translate: () => undefined };
const ids = (items: readonly MenuItem[] = []): unknown[] =>
  items.map(({ id, children }) => (children === undefined ? id : [id, ids(children)]));

t.test('a page in a frame, in a window and embedded (C89, F095, F098, F099)', async (t) => {
  const path = '/x-assets/plugin-runtime-demo/v0.1.0/index.html';
  const entry = '/x-assets/plugin-runtime-demo/v0.1.0/mount.js';
  const [frame, window_, embedded] = projectMenus(
    [
      row(101, { path, name: 'Frame' }),
      row(102, { path, isFrame: 1, component: 'system/plugin/dynamic-page' }),
      row(103, {
        path: entry,
        component: 'system/plugin/dynamic-page',
        queryParam: '{"pluginAccessMode":"embedded-mount","tab":2}',
      }),
    ],
    admin,
  );
  t.match(frame, {
    name: 'Link101XAssetsPluginRuntimeDemoV010IndexHtml',
    path: '/link-101-x-assets-plugin-runtime-demo-v0-1-0-index-html',
    component: 'IFrameView',
    meta: { iframeSrc: path, title: 'Frame' },
  });
  t.match(window_, { component: 'BasicLayout', meta: { link: path, openInNewWindow: true } });
  t.equal(window_?.meta.iframeSrc, undefined);
  t.equal(embedded?.component, '#/views/system/plugin/dynamic-page');
  t.same({ ...embedded?.meta.query }, { pluginAccessMode: 'embedded-mount', tab: '2', embeddedSrc: entry });
  t.equal(embedded?.meta.link, undefined);
});

t.test('an external page is a link as well', async (t) => {
  const [item] = projectMenus([row(7, { path: 'https://example.com/a?b=c', parentId: 0 })], admin);
  t.match(item, {
    path: '/link-7-https-example-com-a-b-c',
    component: 'IFrameView',
    meta: { iframeSrc: 'https://example.com/a?b=c' },
  });
});

t.test('other pages keep their path, and their component becomes a view', async (t) => {
  const rows = [
    row(1, { type: 'D', path: 'system' }),
    row(2, {
      parentId: 1,
      path: 'user',
      component: 'system/user/index',
      isCache: 1,
      visible: 0,
      perms: 'a:b:c',
      icon: 'i',
    }),
    row(3, { parentId: 1, path: '/absolute', component: '#/views/x/y' }),
  ];
  const [directory] = projectMenus(rows, admin);
  t.match(directory, { name: 'System', path: '/system', redirect: 'user' });
  t.equal(directory?.component, undefined);
  const [user, absolute] = directory?.children ?? [];
  t.match(user, {
    name: 'User',
    path: 'user',
    component: '#/views/system/user/index',
    meta: { keepAlive: true, hideInMenu: true, authority: 'a:b:c', icon: 'i', ignoreAccess: false },
  });
  t.match(absolute, { path: '/absolute', component: '#/views/x/y' });
});

t.test('buttons, empty directories and rows that are switched off are left out', async (t) => {
  const rows = [
    row(1, { type: 'D' }),
    row(2, { parentId: 1, type: 'B' }),
    row(3, { type: 'D' }),
    row(4, { parentId: 3, status: 0 }),
    row(5, { parentId: 99 }),
    row(6),
  ];
  t.same(ids(projectMenus(rows, admin)), [6]);
});

t.test('menus stand in their order, then by age', async (t) => {
  t.same(ids(projectMenus([row(3), row(1, { sort: 5 }), row(2)], admin)), [2, 3, 1]);
});

t.test(
  'menus of a plugin that is not there are hidden, with what hangs below them (C44, C72, F007, F083)',
  async (t) => {
    const rows = [
      row(1, { type: 'D' }),
      row(2, { parentId: 1, key: 'plugin:demo:main' }),
      row(3, { parentId: 2, key: 'plugin:other:below' }),
      row(4, { key: 'plugin:other:own' }),
    ];
    t.same(ids(projectMenus(rows, admin)), [[1, [[2, [3]]]], 4]);
    t.same(ids(projectMenus(rows, { ...admin, showsPlugin: (pluginId) => pluginId !== 'demo' })), [4]);
  },
);

t.test('a reader sees what the roles hold, and the directories above it', async (t) => {
  const rows = [row(1, { type: 'D' }), row(2, { parentId: 1 }), row(3, { parentId: 1 }), row(4)];
  t.same(ids(projectMenus(rows, { ...admin, mayUse: ({ id }) => id === 3 })), [[1, [3]]]);
  t.same(projectMenus(rows, { ...admin, mayUse: () => false }), []);
});

t.test('titles are said in the language of the reader, and can be said anew', async (t) => {
  const translate = (key: string) => (key === 'menu.plugin:demo:main.title' ? '主页' : undefined);
  const [item, other] = projectMenus([row(1, { key: 'plugin:demo:main' }), row(2)], { ...admin, translate });
  t.match(item?.meta, { title: '主页', i18nKey: 'menu.plugin:demo:main.title' });
  t.match(other?.meta, { title: 'Menu 2', i18nKey: 'menu.core:2.title' });
});

t.test('rows that go in circles end nobody', async (t) => {
  t.same(
    ids(projectMenus([row(1, { parentId: 2 }), row(2, { parentId: 1 }), row(3, { parentId: 3 }), row(4)], admin)),
    [4],
  );
});

t.test('the owner of a menu is in its key', async (t) => {
  t.equal(menuOwner('plugin:demo:main-entry'), 'demo');
  for (const key of ['plugin:demo', 'extension', 'plugin::x', 'my:plugin:demo:x'])
    t.equal(menuOwner(key), undefined, key);
});
