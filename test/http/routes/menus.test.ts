import t from 'tap';
import { openMenuHouse } from '../../identity/menu-house.js';

interface Item {
  readonly path: string;
  readonly component?: string;
  readonly meta: { readonly title: string; readonly i18nKey: string };
  readonly children?: readonly Item[];
}

const pathsOf = (items: readonly Item[]): string[] =>
  items.flatMap(({ path, children = [] }) => [path, ...pathsOf(children)]);

t.test('a super-admin sees the menus of the host and of its plugins', async (t) => {
  const { ask } = await openMenuHouse(t);
  const { status, data } = await ask('GET', '/menus/all');
  t.equal(status, 200);
  t.same(pathsOf(data.list), [
    '/bystander',
    '/iam',
    '/system/user',
    '/system/role',
    '/system/menu',
    '/system/config',
    '/platform',
    '/system/tenant',
    '/extension',
    '/system/plugin',
    '/system/job',
  ]);
});

t.test('titles are in the language of the request, and as the row says where nobody has translated them', async (t) => {
  const { ask } = await openMenuHouse(t);
  const titles = async (query: string) =>
    ((await ask('GET', `/menus/all${query}`)).data.list as Item[]).map(({ meta }) => meta.title);
  t.same(await titles('?lang=zh-CN'), ['Bystander', 'IAM zh-CN', 'Platform', 'Extensions']);
  t.same(await titles(''), ['Bystander', 'IAM en-US', 'Platform', 'Extensions']);
});

t.test('the menu of plugins has the keys, paths and permissions of the reference', async (t) => {
  const { identity } = await openMenuHouse(t);
  const rows = identity.menus.list();
  const page = rows.find(({ key }) => key === 'extension:plugin:list')!;
  t.match(page, { path: '/system/plugin', component: 'system/plugin/index', perms: 'plugin:list', type: 'M' });
  t.match(
    rows.find(({ id }) => id === page.parentId),
    { key: 'extension', type: 'D', parentId: 0 },
  );
  const buttons = rows.filter(({ parentId }) => parentId === page.id).map(({ perms, type }) => `${type} ${perms}`);
  t.same(buttons.sort(), [
    'B plugin:disable',
    'B plugin:edit',
    'B plugin:enable',
    'B plugin:install',
    'B plugin:query',
    'B plugin:uninstall',
  ]);
});

t.test('a user sees what the own roles hold, with the directories above it', async (t) => {
  const { ask, identity, bind } = await openMenuHouse(t);
  identity.createRole({ key: 'reader', name: 'Reader', permissions: ['system:role:list'] });
  await identity.createUser({ username: 'ada', password: 'correct horse', roles: ['reader'] });
  bind('reader', 'extension:plugin:list');
  t.same(pathsOf((await ask('GET', '/menus/all', undefined, 'ada')).data.list), [
    '/iam',
    '/system/role',
    '/extension',
    '/system/plugin',
  ]);
  t.match(await ask('GET', '/menus/all', undefined, ''), { status: 401, errorCode: 'SBX_TOKEN_MISSING' });
});

t.test('C53 whoever has the page of plugins by a menu may list them, and change none', async (t) => {
  const { ask, identity, bind, registry } = await openMenuHouse(t);
  identity.createRole({ key: 'reader', name: 'Reader', permissions: [] });
  await identity.createUser({ username: 'ada', password: 'correct horse', roles: ['reader'] });
  bind('reader', 'extension:plugin:query');
  t.match(await ask('GET', '/plugins', undefined, 'ada'), { status: 200, code: 0 });
  t.match(await ask('PUT', '/plugins/bystander/disable', undefined, 'ada'), { status: 403 });
  t.equal(registry.find('bystander')?.enabled, true);
});

t.test('buttons of route permissions are listed under the permission that they stand for', async (t) => {
  const { ask, serve } = await openMenuHouse(t);
  await serve('demo', 'v0.1.0', {
    manifest: { defaultInstallMode: 'global', menus: [{ key: 'plugin:demo:home', name: 'Home', path: 'home' }] },
    routes: [{ path: '/a', access: 'login', permission: 'demo:backend:view' }],
  });
  const { data } = await ask('GET', '/menu?type=B');
  const button = (data.list as { perms: string }[]).find(({ perms }) => perms === 'demo:backend:view');
  t.match(button, { title: 'demo:backend:view', pluginId: 'demo', type: 'B' });
});
