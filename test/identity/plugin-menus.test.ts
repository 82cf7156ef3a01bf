import t, { type Test } from 'tap';
import { type MenuHouse, openMenuHouse } from './menu-house.js';

const menu = (name: string, more: object = {}) => ({ key: `plugin:demo:${name}`, name, path: name, ...more });
const login = (path: string, permission: string) => ({ path, access: 'login', permission });
const global = { defaultInstallMode: 'global' };
const VIEW = 'demo:backend:view';
/** As the specification writes it: base64url of the permission, without padding. */
const VIEW_KEY = 'plugin:demo:perm:ZGVtbzpiYWNrZW5kOnZpZXc';

/** A role `viewer` that holds the permission's button, and a user `ada` who has it. */
async function withViewer(house: MenuHouse): Promise<void> {
  house.identity.createRole({ key: 'viewer', name: 'Viewer', permissions: [] });
  await house.identity.createUser({ username: 'ada', password: 'correct horse', roles: ['viewer'] });
  house.bind('viewer', VIEW_KEY);
  house.bind('viewer', 'plugin:demo:home');
}

async function bystanderStands(t: Test, house: MenuHouse): Promise<void> {
  t.same(house.menuKeys('bystander'), ['plugin:bystander:home'], 'the menus of the bystander stay');
  t.equal((await house.ask('GET', '/x/bystander/ping')).message, 'bystander', 'the bystander answers');
}

t.test('F005 an install writes menus, parents before children whatever their order', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', {
    manifest: {
      ...global,
      menus: [
        menu('leaf', { parent_key: 'plugin:demo:branch', type: 'B', perms: 'demo:leaf', sort: 3 }),
        menu('branch', { parent_key: 'plugin:demo:root', query: { b: '1', a: '2' }, is_cache: 1 }),
        menu('root', { parent_key: 'extension', type: 'D', icon: 'star', visible: 0, remark: 'r' }),
      ],
    },
  });
  const rows = new Map(house.identity.menus.list().map((row) => [row.key, row]));
  const extension = rows.get('extension')!;
  const root = rows.get('plugin:demo:root')!;
  const branch = rows.get('plugin:demo:branch')!;
  t.match(root, { parentId: extension.id, type: 'D', icon: 'star', visible: 0, status: 1, remark: 'r' });
  t.match(branch, { parentId: root.id, type: 'M', queryParam: '{"a":"2","b":"1"}', isCache: 1, isFrame: 0 });
  t.match(rows.get('plugin:demo:leaf'), { parentId: branch.id, type: 'B', perms: 'demo:leaf', sort: 3 });
});

t.test('C91 no role holds a menu of a plugin because it was installed', async (t) => {
  const house = await openMenuHouse(t);
  house.identity.createRole({ key: 'admin', name: 'Administrators', permissions: [] });
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] } });
  t.same(house.rows('sys_role_menu'), []);
});

t.test('a permission of routes becomes one hidden button below the first menu at the top', async (t) => {
  const house = await openMenuHouse(t);
  const inner = menu('inner', { parent_key: 'extension' });
  const menus = [menu('button', { type: 'B' }), inner, menu('home'), menu('second')];
  const routes = [login('/a', VIEW), login('/b', VIEW), login('/c', 'demo:x:ü?>'), { path: '/d' }];
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus }, routes });
  const rows = house.identity.menus.list();
  const home = rows.find(({ key }) => key === 'plugin:demo:home')!;
  const { id: _, ...button } = rows.find(({ key }) => key === VIEW_KEY)!;
  t.strictSame(button, {
    parentId: home.id,
    key: VIEW_KEY,
    name: `Dynamic Route Permission:${VIEW}`,
    path: '',
    component: '',
    perms: VIEW,
    icon: '',
    type: 'B',
    sort: 0,
    visible: 0,
    status: 1,
    isFrame: 0,
    isCache: 0,
    queryParam: '',
    remark: 'dynamic route permission for plugin demo',
  });
  t.same(
    house.menuKeys('demo').filter((key) => key.includes(':perm:')),
    [VIEW_KEY, 'plugin:demo:perm:ZGVtbzp4OsO8Pz4'],
  );
});

t.test('without a menu at the top the buttons go below the first menu that is no button', async (t) => {
  const house = await openMenuHouse(t);
  const menus = [menu('button', { type: 'B' }), menu('inner', { parent_key: 'extension' })];
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus }, routes: [login('/a', VIEW)] });
  const rows = house.identity.menus.list();
  const inner = rows.find(({ key }) => key === 'plugin:demo:inner');
  t.equal(rows.find(({ key }) => key === VIEW_KEY)?.parentId, inner?.id);
});

const REFUSED: readonly (readonly [
  title: string,
  menus: readonly object[],
  routes: readonly ReturnType<typeof login>[],
  reason: RegExp,
])[] = [
  ['C90 permissions without a menu', [], [login('/a', VIEW)], /no menu below which/],
  ['permissions and only buttons', [menu('b', { type: 'B' })], [login('/a', VIEW)], /no menu below which/],
  ['a parent that does not exist', [menu('a', { parent_key: 'nowhere' })], [], /parent nowhere, which does not exist/],
  ['a menu of a plugin that is not there', [menu('a', { parent_key: 'plugin:other:x' })], [], /plugin:other:x/],
  [
    'menus below each other',
    [menu('a', { parent_key: 'plugin:demo:b' }), menu('b', { parent_key: 'plugin:demo:a' })],
    [],
    /stands below itself/,
  ],
  [
    'the key of a permission',
    [menu('home'), { key: VIEW_KEY, name: 'x', type: 'B' }],
    [login('/a', VIEW)],
    /is that of the/,
  ],
];

for (const [title, menus, routes, reason] of REFUSED) {
  t.test(`${title}: the install is refused, and nothing is written`, async (t) => {
    const house = await openMenuHouse(t);
    const attempt = house.serve('demo', 'v0.1.0', { manifest: { ...global, menus }, routes });
    await t.rejects(attempt, { code: 'SBX_MENU_INVALID', message: reason });
    t.not(house.registry.find('demo')?.installed, true);
    t.same(house.menuKeys('demo'), []);
    await bystanderStands(t, house);
  });
}

t.test('F007 C44 a disabled plugin hides menus and permissions, and an enabled one shows them again', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] }, routes: [login('/a', VIEW)] });
  await withViewer(house);
  const seen = async () => {
    const { data } = await house.ask('GET', '/menus/all', undefined, 'ada');
    const header = await house.logIn('ada');
    const names = (data.list as { path: string }[]).map(({ path }) => path);
    return { names, permissions: house.identity.authenticate(header).permissions };
  };
  const all = { names: ['/home'], permissions: [VIEW] };
  t.same(await seen(), all, 'F006 enabled');
  const keys = house.menuKeys('demo');
  const bindings = house.bindings();
  await house.registry.disable('demo');
  t.same(await seen(), { names: [], permissions: [] }, 'disabled');
  t.same([house.menuKeys('demo'), house.bindings()], [keys, bindings], 'rows and grants stay');
  await house.registry.enable('demo');
  t.same(await seen(), all, 'enabled again');
  await bystanderStands(t, house);
});

t.test('F010 C72 an upgrade that waits hides menus and permissions', async (t) => {
  const house = await openMenuHouse(t);
  const parts = { manifest: { ...global, menus: [menu('home')] }, routes: [login('/a', VIEW)] };
  await house.serve('demo', 'v0.1.0', parts);
  await withViewer(house);
  t.equal((await house.ask('GET', '/x/demo/a', undefined, 'ada')).status, 200);
  const { artifactOf } = await import('../registry/house.js');
  await house.registry.upload(artifactOf('demo', 'v0.2.0', parts));
  t.same((await house.ask('GET', '/menus/all', undefined, 'ada')).data.list, []);
  t.same(house.identity.authenticate(await house.logIn('ada')).permissions, []);
  t.same(house.bindings().length, 2, 'grants stay');
  await house.registry.upgrade('demo', { confirmed: true, grantUnreviewed: true });
  t.equal((await house.ask('GET', '/x/demo/a', undefined, 'ada')).status, 200, 'F030 the role counts again');
});

t.test(
  'C65 an upgrade keeps what roles hold on keys that stay, and removes what is gone; a rollback undoes it',
  async (t) => {
    const house = await openMenuHouse(t);
    const first = { manifest: { ...global, menus: [menu('home'), menu('old')] }, routes: [login('/a', VIEW)] };
    await house.serve('demo', 'v0.1.0', first);
    await withViewer(house);
    house.bind('viewer', 'plugin:demo:old');
    const ids = new Map(house.identity.menus.list().map(({ key, id }) => [key, id]));
    await house.upgrade('demo', 'v0.2.0', {
      manifest: { ...global, menus: [menu('home', { name: 'New home' }), menu('new')] },
      routes: [login('/a', VIEW), login('/b', 'demo:b:new')],
    });
    const rows = house.identity.menus.list().filter(({ key }) => key.startsWith('plugin:demo:'));
    t.same(rows.map(({ key }) => key).sort(), [
      'plugin:demo:home',
      'plugin:demo:new',
      'plugin:demo:perm:ZGVtbzpiOm5ldw',
      VIEW_KEY,
    ]);
    t.match(
      rows.find(({ key }) => key === 'plugin:demo:home'),
      { id: ids.get('plugin:demo:home'), name: 'New home' },
    );
    t.same(house.bindings(), ['viewer plugin:demo:home', `viewer ${VIEW_KEY}`]);
    await house.registry.rollback('demo', { confirmed: true });
    t.same([...house.menuKeys('demo')].sort(), ['plugin:demo:home', 'plugin:demo:old', VIEW_KEY], 'F123');
    t.same(house.bindings(), ['viewer plugin:demo:home', `viewer ${VIEW_KEY}`]);
    await bystanderStands(t, house);
  },
);

t.test('C65 a failed upgrade leaves the menus of the release that serves', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] } });
  const before = house.identity.menus.list();
  house.database.exec(
    `CREATE TRIGGER full BEFORE INSERT ON sys_menu BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
  );
  const attempt = house.upgrade('demo', 'v0.2.0', {
    manifest: { ...global, menus: [menu('changed'), menu('second')] },
  });
  await t.rejects(attempt, /full/);
  t.same(house.identity.menus.list(), before);
  t.equal(house.registry.show('demo').effectiveVersion, 'v0.1.0');
  await bystanderStands(t, house);
});

t.test('C37 a refresh of the same version makes a new permission visible', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] } });
  const { artifactOf } = await import('../registry/house.js');
  const { writeFileSync } = await import('node:fs');
  const other = artifactOf('demo', 'v0.1.0', {
    manifest: { ...global, menus: [menu('home')] },
    routes: [login('/a', VIEW)],
  });
  writeFileSync(`${house.stagingDir}/demo.wasm`, other);
  await house.registry.sync();
  await house.registry.install('demo', { grantUnreviewed: true });
  t.same(house.menuKeys('demo'), ['plugin:demo:home', VIEW_KEY]);
});

t.test('nothing is written where nothing differs', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] } });
  house.database.exec(
    `CREATE TRIGGER held BEFORE UPDATE ON sys_menu BEGIN SELECT RAISE(ABORT, 'nothing is to be written'); END`,
  );
  await house.upgrade('demo', 'v0.2.0', { manifest: { ...global, menus: [menu('home')] } });
  t.equal(house.registry.show('demo').effectiveVersion, 'v0.2.0');
});

for (const purgeStorageData of [true, false]) {
  t.test(`F008 C46 an uninstall removes menus and what roles hold on them (purge ${purgeStorageData})`, async (t) => {
    const house = await openMenuHouse(t);
    await house.serve('demo', 'v0.1.0', {
      manifest: { ...global, menus: [menu('home')] },
      routes: [login('/a', VIEW)],
    });
    await withViewer(house);
    house.bind('viewer', 'plugin:bystander:home');
    await house.registry.uninstall('demo', { purgeStorageData });
    t.same(house.menuKeys('demo'), []);
    t.same(house.bindings(), ['viewer plugin:bystander:home']);
    t.same(house.identity.authenticate(await house.logIn('ada')).permissions, []);
    await bystanderStands(t, house);
  });
}

t.test('a menu that another plugin has hung below stays, at the top, when its parent is removed', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', { manifest: { ...global, menus: [menu('home')] } });
  const guest = { key: 'plugin:guest:page', name: 'Guest', path: 'guest', parent_key: 'plugin:demo:home' };
  await house.serve('guest', 'v0.1.0', { manifest: { ...global, menus: [guest] } });
  await house.registry.uninstall('demo');
  t.match(
    house.identity.menus.list().find(({ key }) => key === 'plugin:guest:page'),
    { parentId: 0 },
  );
  const { data } = await house.ask('GET', '/menus/all');
  t.ok((data.list as { path: string }[]).some(({ path }) => path === '/guest'));
});

t.test('a plugin whose id begins like that of another keeps its menus to itself', async (t) => {
  const house = await openMenuHouse(t);
  const of = (id: string) => ({ ...global, menus: [{ key: `plugin:${id}:home`, name: id, path: id }] });
  for (const id of ['demo', 'demo-two', 'demo0']) await house.serve(id, 'v0.1.0', { manifest: of(id) });
  await house.registry.uninstall('demo');
  t.same(house.menuKeys('demo'), []);
  t.same(house.menuKeys('demo-two'), ['plugin:demo-two:home']);
  t.same(house.menuKeys('demo0'), ['plugin:demo0:home']);
});

const ENTRY = '/x-assets/demo/v0.1.0/';
const hosted = (more: object) => ({
  manifest: {
    ...global,
    menus: [menu('page', { path: `${ENTRY}index.html`, ...more })],
    public_assets: [{ source: 'frontend/pages', mount: '/' }],
  },
  frontendAssets: { 'frontend/pages/index.html': '<p>', 'frontend/pages/mount.js': 'export {}' },
});
const EMBEDDED = { component: 'system/plugin/dynamic-page', query: { pluginAccessMode: 'embedded-mount' } };

t.test('C88 a page that cannot be shown blocks enabling, and not the install', async (t) => {
  const house = await openMenuHouse(t);
  const { artifactOf } = await import('../registry/house.js');
  await house.registry.upload(artifactOf('demo', 'v0.1.0', hosted(EMBEDDED)));
  await house.registry.install('demo', { grantUnreviewed: true });
  await t.rejects(house.registry.enable('demo'), { code: 'SBX_HOSTED_MENU_INVALID' });
  t.equal(house.registry.show('demo').plugin.status, 0);
  await bystanderStands(t, house);
});

t.test('F147 a standalone page with the component of embedded ones is enabled, with a warning', async (t) => {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', hosted({ component: 'system/plugin/dynamic-page', is_frame: 1 }));
  t.equal(house.registry.show('demo').plugin.status, 1);
  t.match(house.menuWarnings, [/^demo: menu plugin:demo:page: the component/]);
});
