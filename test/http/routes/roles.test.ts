import t, { type Test } from 'tap';
import { type MenuHouse, openMenuHouse } from '../../identity/menu-house.js';

const PASSWORD = 'correct horse';
const VIEW = 'demo:backend:view';
const DEMO = {
  manifest: { defaultInstallMode: 'global', menus: [{ key: 'plugin:demo:home', name: 'Home', path: 'home' }] },
  routes: [{ path: '/a', access: 'login', permission: VIEW }],
};

/** With the plugin `demo`, whose one route needs a permission, and `ada`, who has the role `reader`. */
async function openHost(t: Test): Promise<MenuHouse & { readonly reader: number }> {
  const house = await openMenuHouse(t);
  await house.serve('demo', 'v0.1.0', DEMO);
  const reader = house.identity.createRole({ key: 'reader', name: 'Reader', permissions: [] });
  await house.identity.createUser({ username: 'ada', password: PASSWORD, roles: ['reader'] });
  return { ...house, reader };
}

const menuIds = async ({ ask }: MenuHouse, ...perms: readonly string[]): Promise<number[]> => {
  const { list } = (await ask('GET', '/menu')).data as { list: { id: number; perms: string }[] };
  return list.filter((row) => perms.includes(row.perms)).map(({ id }) => id);
};

t.test('F030 a role that holds the button of a permission opens the route for running sessions at once', async (t) => {
  const house = await openHost(t);
  const { ask, reader } = house;
  const visit = async () => (await ask('GET', '/x/demo/a', undefined, 'ada')).status;
  t.equal(await visit(), 403);
  t.match(await ask('PUT', `/role/${reader}`, { menuIds: await menuIds(house, VIEW) }), { code: 0 });
  t.equal(await visit(), 200);
  await ask('PUT', `/role/${reader}`, { status: 0 });
  t.equal(await visit(), 403, 'a role that is switched off permits nothing');
  await ask('PUT', `/role/${reader}`, { status: 1 });
  t.equal(await visit(), 200);
  await ask('PUT', `/role/${reader}`, { menuIds: [] });
  t.equal(await visit(), 403);
  await ask('PUT', `/role/${reader}`, { permissions: [VIEW] });
  t.equal(await visit(), 200, 'a permission by name does as well');
  await ask('DELETE', `/role/${reader}`);
  t.equal(await visit(), 403);
  t.match(await ask('GET', `/role/${reader}`), { code: 65, errorCode: 'SBX_ROLE_NOT_FOUND' });
});

t.test('roles are made, listed and shown with what they hold', async (t) => {
  const house = await openHost(t);
  const [button] = await menuIds(house, VIEW);
  const made = await house.ask('POST', '/role', {
    key: 'editor',
    name: 'Editor',
    dataScope: 2,
    permissions: ['notes:edit'],
    menuIds: [button],
  });
  const { id } = made.data;
  const editor = {
    id,
    key: 'editor',
    name: 'Editor',
    dataScope: 2,
    status: 1,
    permissions: ['notes:edit'],
    userCount: 0,
  };
  t.match((await house.ask('GET', `/role/${id}`)).data, { ...editor, menuIds: [button] });
  t.match((await house.ask('GET', '/role')).data, { total: 2, list: [{ key: 'reader', userCount: 1 }, editor] });
});

const NEEDS: readonly (readonly ['GET' | 'POST' | 'PUT' | 'DELETE', string, object?])[] = [
  ['GET', '/role'],
  ['GET', '/role/1'],
  ['POST', '/role', { key: 'x', name: 'X' }],
  ['PUT', '/role/1', { name: 'X' }],
  ['PUT', '/role/1', { permissions: [VIEW] }],
  ['DELETE', '/role/1'],
  ['GET', '/menu'],
];

t.test('every endpoint of roles needs a session and its permission', async (t) => {
  const house = await openHost(t);
  const before = house.rows('sys_role');
  for (const [method, path, body] of NEEDS) {
    t.match(await house.ask(method, path, body, ''), { status: 401 }, `${method} ${path}`);
    const denied = { status: 403, errorCode: 'SBX_PERMISSION_DENIED' };
    t.match(await house.ask(method, path, body, 'ada'), denied, `${method} ${path}`);
  }
  t.same(house.rows('sys_role'), before);
  t.same(house.bindings(), []);
});

t.test('nobody gives what the own roles do not hold', async (t) => {
  const house = await openHost(t);
  const { ask, identity, reader } = house;
  const all = ['list', 'query', 'add', 'edit', 'remove', 'auth'].map((action) => `system:role:${action}`);
  identity.createRole({ key: 'keeper', name: 'Keeper', permissions: all, dataScope: 3 });
  identity.createRole({ key: 'high', name: 'High', permissions: ['plugin:install'], dataScope: 3 });
  await identity.createUser({ username: 'kim', password: PASSWORD, roles: ['keeper'] });
  const above = { status: 403, errorCode: 'SBX_GRANT_ABOVE' };
  const [button] = await menuIds(house, VIEW);
  t.match(await ask('POST', '/role', { key: 'x', name: 'X', permissions: ['plugin:install'] }, 'kim'), above);
  t.match(await ask('POST', '/role', { key: 'x', name: 'X', dataScope: 1 }, 'kim'), above);
  t.match(await ask('PUT', `/role/${reader}`, { menuIds: [button] }, 'kim'), above);
  t.match(await ask('PUT', `/role/${reader}`, { permissions: [VIEW] }, 'kim'), above);
  t.match(await ask('PUT', '/role/3', { permissions: [] }, 'kim'), above, 'nor takes it away');
  t.match(await ask('DELETE', '/role/3', undefined, 'kim'), above);
  t.match(await ask('PUT', `/role/${reader}`, { permissions: ['system:role:list'] }, 'kim'), { code: 0 });
});

t.test('C52 roles belong to the platform, and a tenant changes none', async (t) => {
  const house = await openHost(t);
  const { ask, identity } = house;
  identity.tenants.create(identity.authenticate(await house.logIn('admin')), { code: 'one', name: 'One' });
  const all = ['list', 'query', 'add', 'edit', 'remove', 'auth'].map((action) => `system:role:${action}`);
  identity.createRole({ key: 'keeper', name: 'Keeper', permissions: all, dataScope: 1 });
  await identity.createUser({ username: 'tina', password: PASSWORD, tenantId: 1, roles: ['keeper'] });
  const platform = { status: 403, errorCode: 'PLATFORM_PERMISSION_REQUIRED' };
  t.match(await ask('GET', '/role', undefined, 'tina'), { code: 0 });
  t.match(await ask('POST', '/role', { key: 'x', name: 'X' }, 'tina'), platform);
  t.match(await ask('PUT', '/role/1', { name: 'X' }, 'tina'), platform);
  t.match(await ask('DELETE', '/role/1', undefined, 'tina'), platform);
  t.equal(house.rows('sys_role').length, 2);
});

t.test('bad bodies are refused with a code, and change nothing', async (t) => {
  const house = await openHost(t);
  const before = [house.rows('sys_role'), house.rows('sys_role_menu')];
  const bad: readonly (readonly ['POST' | 'PUT', string, unknown, string])[] = [
    ['POST', '/role', {}, 'SBX_BODY_INVALID'],
    ['POST', '/role', { key: 'reader', name: 'X' }, 'SBX_ROLE_EXISTS'],
    ['POST', '/role', { key: 'a b', name: 'X' }, 'SBX_ACCOUNT_INVALID'],
    ['POST', '/role', { key: 'x', name: 'X', dataScope: 9 }, 'SBX_BODY_INVALID'],
    ['POST', '/role', { key: 'x', name: 'X', menuIds: [99_999] }, 'SBX_MENU_NOT_FOUND'],
    ['POST', '/role', { key: 'x', name: 'X', menuIds: ['many'] }, 'SBX_BODY_INVALID'],
    ['PUT', '/role/99', { name: 'X' }, 'SBX_ROLE_NOT_FOUND'],
    ['PUT', '/role/1', { name: '  ' }, 'SBX_ACCOUNT_INVALID'],
    ['PUT', '/role/1', { permissions: ['ok', ' '] }, 'SBX_ACCOUNT_INVALID'],
    ['PUT', '/role/1', { name: 'Renamed', menuIds: [1, 99_999] }, 'SBX_MENU_NOT_FOUND'],
  ];
  for (const [method, path, body, errorCode] of bad) {
    t.match(await house.ask(method, path, body), { errorCode }, `${method} ${path} ${JSON.stringify(body)}`);
  }
  t.same([house.rows('sys_role'), house.rows('sys_role_menu')], before);
});
