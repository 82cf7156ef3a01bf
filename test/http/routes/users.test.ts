import t, { type Test } from 'tap';
import { type MenuHouse, openMenuHouse } from '../../identity/menu-house.js';

const PASSWORD = 'correct horse';

/** `root` may everything about users, but nothing else; `ada` may nothing; `tina` is of tenant 1, and administers users there. */
async function openHost(t: Test): Promise<MenuHouse & { readonly ids: Readonly<Record<string, number>> }> {
  const house = await openMenuHouse(t);
  const { identity } = house;
  const users = ['list', 'query', 'add', 'edit', 'remove', 'resetPwd'].map((action) => `system:user:${action}`);
  identity.createRole({ key: 'personnel', name: 'Personnel', permissions: users, dataScope: 1 });
  identity.createRole({ key: 'strong', name: 'Strong', permissions: ['plugin:install'], dataScope: 1 });
  identity.createRole({ key: 'weak', name: 'Weak', permissions: ['system:user:list'], dataScope: 4 });
  await house.ask('GET', '/user/info');
  for (const code of ['one', 'two']) {
    const admin = identity.authenticate(await house.logIn('admin'));
    identity.tenants.create(admin, { code, name: code });
  }
  const make = (username: string, more: object = {}) => identity.createUser({ username, password: PASSWORD, ...more });
  const ids = {
    admin: 1,
    root: await make('root', { roles: ['personnel'] }),
    ada: await make('ada'),
    strong: await make('strong', { roles: ['strong'] }),
    tina: await make('tina', { tenantId: 1, roles: ['personnel'] }),
    tom: await make('tom', { tenantId: 1 }),
    zoe: await make('zoe', { tenantId: 2 }),
  };
  return { ...house, ids };
}

t.test('an administrator makes, lists, shows, changes and removes users', async (t) => {
  const { ask, ids } = await openHost(t);
  const made = await ask('POST', '/user', {
    username: 'new',
    password: PASSWORD,
    nickname: ' The New ',
    roles: ['weak'],
  });
  t.match(made, { status: 200, code: 0 });
  const { id } = made.data;
  const shown = await ask('GET', `/user/${id}`);
  t.match(shown.data, {
    id,
    username: 'new',
    nickname: 'The New',
    status: 1,
    tenantId: 0,
    roles: ['weak'],
    tenantIds: [],
  });
  t.notOk('passwordHash' in shown.data, 'no hash leaves the host');
  t.match((await ask('GET', '/user?keyword=new&pageSize=1')).data, { total: 1, list: [{ id }] });
  t.match((await ask('GET', '/user?status=0')).data, { total: 0, list: [] });
  t.match(await ask('GET', '/user?pageNum=2&pageSize=3'), { data: { total: 8, list: [{ id: ids.strong }] } });
  await ask('PUT', `/user/${id}`, { nickname: 'Old', roles: ['strong', 'weak'] });
  t.match((await ask('GET', `/user/${id}`)).data, { nickname: 'Old', roles: ['strong', 'weak'] });
  await ask('DELETE', `/user/${id}`);
  t.match(await ask('GET', `/user/${id}`), { status: 200, code: 65, errorCode: 'USER_NOT_FOUND' });
});

const NEEDS: readonly (readonly ['GET' | 'POST' | 'PUT' | 'DELETE', string, string, object?])[] = [
  ['GET', '/user', 'system:user:list'],
  ['GET', '/user/1', 'system:user:query'],
  ['POST', '/user', 'system:user:add', { username: 'x', password: PASSWORD }],
  ['PUT', '/user/1', 'system:user:edit', { nickname: 'x' }],
  ['DELETE', '/user/1', 'system:user:remove'],
  ['PUT', '/user/1/password', 'system:user:resetPwd', { password: PASSWORD }],
  ['PUT', '/user/1/tenants', 'system:user:edit', { tenantIds: [] }],
  ['PUT', '/user/1/tenants/1/roles', 'system:user:edit', { roles: [] }],
];

t.test('F030 every endpoint of users needs a session and its permission', async (t) => {
  const house = await openHost(t);
  const before = house.rows('sys_user');
  for (const [method, path, permission, body] of NEEDS) {
    t.match(
      await house.ask(method, path, body, ''),
      { status: 401, errorCode: 'SBX_TOKEN_MISSING' },
      `${method} ${path}`,
    );
    const refused = await house.ask(method, path, body, 'ada');
    t.match(
      refused,
      { status: 403, errorCode: 'SBX_PERMISSION_DENIED', messageParams: { permission } },
      `${method} ${path}`,
    );
  }
  t.same(house.rows('sys_user'), before, 'nothing has changed');
});

t.test('whoever administers users gets no further than the own permissions', async (t) => {
  const house = await openHost(t);
  const { ids, ask } = house;
  const beyond: readonly (readonly ['POST' | 'PUT' | 'DELETE', string, object?])[] = [
    ['POST', '/user', { username: 'x', password: PASSWORD, roles: ['strong'] }],
    ['POST', '/user', { username: 'x', password: PASSWORD, isSuperAdmin: true }],
    ['PUT', `/user/${ids.ada}`, { roles: ['strong'] }],
    ['PUT', `/user/${ids.ada}`, { isSuperAdmin: true }],
    ['PUT', `/user/${ids.root}`, { roles: ['personnel', 'strong'] }],
    ['PUT', `/user/${ids.root}`, { isSuperAdmin: true }],
    ['PUT', `/user/${ids.admin}`, { status: 0 }],
    ['PUT', `/user/${ids.strong}/password`, { password: PASSWORD }],
    ['PUT', `/user/${ids.admin}/password`, { password: PASSWORD }],
    ['DELETE', `/user/${ids.admin}`],
    ['DELETE', `/user/${ids.strong}`],
  ];
  const tables = () => ['sys_user', 'sys_user_role'].map(house.rows);
  const before = tables();
  for (const [method, path, body] of beyond) {
    const refused = await ask(method, path, body, 'root');
    t.match(refused, { status: 403, errorCode: 'SBX_GRANT_ABOVE' }, `${method} ${path} ${JSON.stringify(body)}`);
  }
  t.same(tables(), before, 'nothing has changed');
  t.match(await ask('PUT', `/user/${ids.ada}`, { roles: ['weak'] }, 'root'), { code: 0 }, 'what is below is given');
});

t.test('the last super-admin can be neither removed, nor disabled, nor demoted', async (t) => {
  const house = await openHost(t);
  const { ask, ids } = house;
  const last = { status: 200, code: 55, errorCode: 'SBX_LAST_SUPER_ADMIN' };
  t.match(await ask('PUT', '/user/1', { status: 0 }), last);
  t.match(await ask('PUT', '/user/1', { isSuperAdmin: false }), last);
  t.match(await ask('DELETE', '/user/1'), { code: 53, errorCode: 'SBX_ACCOUNT_INVALID' });
  t.throws(() => house.identity.setUserStatus(1, 0), { code: 'SBX_LAST_SUPER_ADMIN' });
  t.match((await ask('GET', '/user/1')).data, { status: 1, isSuperAdmin: true });
  await ask('PUT', `/user/${ids.ada}`, { isSuperAdmin: true });
  t.match(await ask('DELETE', '/user/1', undefined, 'ada'), { code: 0 }, 'with a second one, the first can go');
  t.match(await ask('PUT', `/user/${ids.ada}`, { status: 0 }, 'ada'), last);
});

t.test('a user who is disabled or removed is out at once', async (t) => {
  const { ask, ids, logIn, identity } = await openHost(t);
  for (const [method, body] of [['PUT', { status: 0 }], ['DELETE']] as const) {
    const username = method === 'PUT' ? 'ada' : 'strong';
    const header = await logIn(username);
    t.match(await ask(method, `/user/${ids[username]}`, body), { code: 0 });
    t.throws(() => identity.authenticate(header), { code: 'SBX_SESSION_EXPIRED' });
    await t.rejects(logIn(username), { code: 'SBX_CREDENTIALS_INVALID' });
  }
});

t.test('for a tenant there are no users but its own', async (t) => {
  const house = await openHost(t);
  const { ask, ids } = house;
  const { data } = await ask('GET', '/user', undefined, 'tina');
  t.same(
    (data.list as { username: string }[]).map(({ username }) => username),
    ['tina', 'tom'],
  );
  const before = house.rows('sys_user');
  const gone = { status: 200, code: 65, errorCode: 'USER_NOT_FOUND' };
  t.match(await ask('GET', `/user/${ids.zoe}`, undefined, 'tina'), gone);
  t.match(await ask('PUT', `/user/${ids.zoe}`, { nickname: 'x' }, 'tina'), gone);
  t.match(await ask('DELETE', `/user/${ids.admin}`, undefined, 'tina'), gone);
  t.match(await ask('PUT', `/user/${ids.zoe}/password`, { password: PASSWORD }, 'tina'), gone);
  const across = { status: 403, errorCode: 'CROSS_TENANT_NOT_ALLOWED' };
  t.match(await ask('POST', '/user', { username: 'x', password: PASSWORD, tenantId: 2 }, 'tina'), across);
  t.match(await ask('POST', '/user', { username: 'x', password: PASSWORD, tenantId: 0 }, 'tina'), across);
  t.match(await ask('GET', '/user?tenantId=2', undefined, 'tina'), across);
  const platform = { status: 403, errorCode: 'PLATFORM_PERMISSION_REQUIRED' };
  t.match(await ask('PUT', `/user/${ids.tom}/tenants`, { tenantIds: [2] }, 'tina'), platform);
  t.same(house.rows('sys_user'), before, 'nothing has changed');
  const made = await ask('POST', '/user', { username: 'tim', password: PASSWORD }, 'tina');
  t.match((await ask('GET', `/user/${made.data.id}`)).data, { tenantId: 1 }, 'the own tenant unless told');
});

t.test('bad bodies are refused with a code, and change nothing', async (t) => {
  const house = await openHost(t);
  const before = house.rows('sys_user');
  const bad: readonly (readonly ['POST' | 'PUT', string, unknown, string])[] = [
    ['POST', '/user', '{', 'SBX_BODY_INVALID'],
    ['POST', '/user', {}, 'SBX_BODY_INVALID'],
    ['POST', '/user', { username: 'x'.repeat(65), password: PASSWORD }, 'SBX_BODY_INVALID'],
    ['POST', '/user', { username: 'x', password: { a: 1 } }, 'SBX_BODY_INVALID'],
    ['POST', '/user', { username: 'x', password: PASSWORD, roles: 7.5 }, 'SBX_ROLE_NOT_FOUND'],
    ['POST', '/user', { username: 'x', password: 'x'.repeat(70_000) }, 'SBX_BODY_TOO_LARGE'],
    ['POST', '/user', { username: 'a b', password: PASSWORD }, 'SBX_ACCOUNT_INVALID'],
    ['POST', '/user', { username: 'x', password: 'short' }, 'SBX_ACCOUNT_INVALID'],
    ['POST', '/user', { username: 'x', password: PASSWORD, tenantId: 99 }, 'SBX_TENANT_NOT_FOUND'],
    ['POST', '/user', { username: 'x', password: PASSWORD, tenantId: 1, isSuperAdmin: true }, 'SBX_ACCOUNT_INVALID'],
    ['POST', '/user', { username: 'ada', password: PASSWORD }, 'USER_USERNAME_EXISTS'],
    ['PUT', '/user/0', { nickname: 'x' }, 'SBX_BODY_INVALID'],
    ['PUT', '/user/1e99', { nickname: 'x' }, 'SBX_BODY_INVALID'],
    ['PUT', '/user/999', { nickname: 'x' }, 'USER_NOT_FOUND'],
    ['PUT', '/user/1', { status: 2 }, 'SBX_BODY_INVALID'],
    ['PUT', '/user/3', { roles: ['weak', 'nobody'] }, 'SBX_ROLE_NOT_FOUND'],
    ['PUT', '/user/3/tenants', { tenantIds: [1] }, 'SBX_TENANT_INVALID'],
    ['PUT', '/user/5/tenants', { tenantIds: [99] }, 'SBX_TENANT_NOT_FOUND'],
  ];
  for (const [method, path, body, errorCode] of bad) {
    const refused = await house.ask(method, path, body);
    t.match(refused, { errorCode }, `${method} ${path} ${JSON.stringify(body).slice(0, 80)}`);
    t.not(refused.code, 0);
  }
  t.same(house.rows('sys_user'), before);
  t.same(house.rows('sys_user_tenant'), []);
});

t.test('a console reads who is logged in, with roles and permissions', async (t) => {
  const { ask } = await openHost(t);
  const { data } = await ask('GET', '/user/info', undefined, 'tina');
  t.match(data, { username: 'tina', realName: 'tina', tenantId: 1, isSuperAdmin: false, roles: ['personnel'] });
  t.ok((data.permissions as string[]).includes('system:user:add'));
  t.notOk('tokenId' in data);
  t.same((await ask('GET', '/user/info')).data.permissions, ['*:*:*'], 'a super-admin may everything');
  t.match(await ask('GET', '/user/info', undefined, ''), { status: 401 });
});
