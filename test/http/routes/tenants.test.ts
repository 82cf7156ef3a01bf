import t, { type Test } from 'tap';
import { SandpoolError } from '../../../src/protocol/errors.js';
import { type MenuHouse, type MenuHouseOptions, openMenuHouse } from '../../identity/menu-house.js';

const PASSWORD = 'correct horse';
const VIEW = 'demo:backend:view';
const DEMO = {
  manifest: { defaultInstallMode: 'tenant_scoped', menus: [{ key: 'plugin:demo:home', name: 'Home', path: 'home' }] },
  routes: [{ path: '/a', access: 'login', permission: VIEW }, { path: '/public' }],
};

/** Tenants 1 and 2 with `tina` and `zoe`, who may use `demo`, which is installed per tenant and enabled; `ida` of tenant 1 decides on plugins. */
async function openHost(t: Test, options: MenuHouseOptions = {}): Promise<MenuHouse> {
  const house = await openMenuHouse(t, options);
  const { identity, ask } = house;
  for (const code of ['one', 'two']) t.match(await ask('POST', '/tenant', { code, name: code }), { code: 0 });
  await house.serve('demo', 'v0.1.0', DEMO);
  const permissions = ['system:tenant:list', 'system:tenant:query', 'system:tenant:plugin', 'plugin:install'];
  identity.createRole({ key: 'user', name: 'User', permissions: [] });
  identity.createRole({ key: 'chief', name: 'Chief', permissions });
  house.bind('user', 'plugin:demo:home');
  house.bind('user', 'plugin:demo:perm:ZGVtbzpiYWNrZW5kOnZpZXc');
  const make = (username: string, tenantId: number, role: string) =>
    identity.createUser({ username, password: PASSWORD, tenantId, roles: [role] });
  await make('tina', 1, 'user');
  await make('zoe', 2, 'user');
  await make('ida', 1, 'chief');
  return house;
}

const decide = (house: MenuHouse, tenantId: number, enabled: boolean, as = 'admin') =>
  house.ask('PUT', `/tenant/${tenantId}/plugins/demo`, { enabled }, as);

async function sees(house: MenuHouse, username: string) {
  const route = await house.ask('GET', '/x/demo/a', undefined, username);
  const menus = (await house.ask('GET', '/menus/all', undefined, username)).data.list as { path: string }[];
  const { permissions } = (await house.ask('GET', '/user/info', undefined, username)).data;
  return { status: route.status, text: route.message, menus: menus.map(({ path }) => path), permissions };
}

const NOTHING = { status: 404, text: 'Dynamic plugin is not enabled', menus: [], permissions: [] };
const ALL = { status: 200, text: 'demo', menus: ['/home'], permissions: [VIEW] };

t.test(
  'C95 R17 a tenant has routes, menus and permissions of a plugin once it is enabled for that tenant',
  async (t) => {
    const house = await openHost(t);
    t.same(await sees(house, 'tina'), NOTHING, 'without a row');
    t.match(await decide(house, 1, true), { code: 0, data: { id: 1, pluginId: 'demo', enabled: true } });
    t.same(await sees(house, 'tina'), ALL, 'enabled');
    t.same(await sees(house, 'zoe'), NOTHING, 'the other tenant');
    t.equal((await house.ask('GET', '/x/demo/a')).status, 200, 'the platform goes by the registry alone');
    t.equal(
      (await house.ask('GET', '/x/demo/public', undefined, '')).status,
      200,
      'and so does whoever is not logged in',
    );
    await house.registry.disable('demo');
    t.same(await sees(house, 'tina'), NOTHING, 'disabled for all');
    await house.registry.enable('demo');
    t.same(await sees(house, 'tina'), ALL);
    await decide(house, 1, false);
    t.same(await sees(house, 'tina'), NOTHING, 'disabled for the tenant');
    t.equal((await house.ask('GET', '/x/bystander/ping', undefined, 'tina')).message, 'bystander');
  },
);

t.test('§8.2 a plugin that is installed for all is there for every tenant, and none decides on it', async (t) => {
  const house = await openHost(t);
  t.equal((await house.ask('GET', '/x/bystander/ping', undefined, 'zoe')).status, 200);
  const refused = await house.ask('PUT', '/tenant/1/plugins/bystander', { enabled: false });
  t.match(refused, { status: 200, code: 55, errorCode: 'SBX_TENANT_PLUGIN_GLOBAL' });
  t.match(await house.ask('PUT', '/tenant/1/plugins/nobody', { enabled: true }), { errorCode: 'PLUGIN_NOT_FOUND' });
});

t.test('a tenant decides on its own plugins, and on those of no other tenant', async (t) => {
  const house = await openHost(t);
  t.match(await decide(house, 1, true, 'ida'), { code: 0 });
  const { data } = await house.ask('GET', '/tenant/1/plugins', undefined, 'ida');
  t.match(data, { total: 1, list: [{ pluginId: 'demo', tenantEnabled: true, installMode: 'tenant_scoped' }] });
  const across = { status: 403, errorCode: 'CROSS_TENANT_NOT_ALLOWED' };
  t.match(await decide(house, 2, true, 'ida'), across);
  t.match(await house.ask('GET', '/tenant/2/plugins', undefined, 'ida'), across);
  t.match(await decide(house, 1, true, 'tina'), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' });
  t.match(await decide(house, 1, true, ''), { status: 401 });
  t.same(await sees(house, 'zoe'), NOTHING, 'nothing has changed for the other tenant');
  t.match((await house.ask('GET', '/tenant', undefined, 'ida')).data, { total: 1, list: [{ id: 1, code: 'one' }] });
  t.match(await house.ask('GET', '/tenant/2', undefined, 'ida'), { errorCode: 'SBX_TENANT_NOT_FOUND' });
});

t.test('C52 a tenant governs no plugin, whatever its user may do', async (t) => {
  const house = await openHost(t);
  const platform = { status: 403, errorCode: 'PLATFORM_PERMISSION_REQUIRED' };
  t.match(await house.ask('POST', '/plugins/demo/install', {}, 'ida'), platform);
  t.match(await house.ask('POST', '/plugins/sync', undefined, 'ida'), platform);
});

t.test('§8.4 C106 a new tenant has the plugins whose policy says so', async (t) => {
  const house = await openHost(t);
  await house.registry.setProvisioningPolicy('demo', { autoEnableForNewTenants: true });
  const { data } = await house.ask('POST', '/tenant', { code: 'three', name: 'Three' });
  const list = async (id: number) => (await house.ask('GET', `/tenant/${id}/plugins`)).data.list;
  t.match(await list(data.id), [{ pluginId: 'demo', tenantEnabled: true }]);
  t.match(await list(1), [{ pluginId: 'demo', tenantEnabled: false }], 'tenants that were there have not');
  const attempt = house.registry.setProvisioningPolicy('bystander', { autoEnableForNewTenants: true });
  await t.rejects(attempt, { code: 'PLUGIN_TENANT_PROVISIONING_POLICY_INVALID' });
});

t.test('a suspended tenant is closed for those who are in and those who come', async (t) => {
  const house = await openHost(t);
  const header = await house.logIn('tina');
  const zoe = await house.logIn('zoe');
  t.match(await house.ask('PUT', '/tenant/1', { status: 'suspended' }), { code: 0 });
  t.throws(() => house.identity.authenticate(header), { code: 'SBX_SESSION_EXPIRED' });
  const login = await house.ask('POST', '/auth/login', { username: 'tina', password: PASSWORD }, '');
  t.match(login, { status: 403, errorCode: 'TENANT_SUSPENDED' });
  t.equal(house.identity.authenticate(zoe).username, 'zoe');
  await house.ask('PUT', '/tenant/1', { status: 'active' });
  await house.logIn('tina');
});

t.test('F052 somebody enters a tenant as a member, and no other', async (t) => {
  const house = await openHost(t);
  const { ask, identity } = house;
  const tina = (await ask('GET', '/user?keyword=tina')).data.list[0].id as number;
  const enter = (tenantId: number) => ask('POST', '/auth/switch-tenant', { tenantId }, 'tina');
  t.match(await enter(2), {
    status: 403,
    errorCode: 'TENANT_FORBIDDEN',
    message: 'Current user cannot access tenant 2',
  });
  t.match(await enter(0), { status: 403, errorCode: 'TENANT_FORBIDDEN' });
  t.match(await ask('PUT', `/user/${tina}/tenants`, { tenantIds: [2] }), { code: 0 });
  const old = await house.logIn('tina');
  const entered = await enter(2);
  t.match(entered.data.user, { username: 'tina', tenantId: 2 });
  const header = `Bearer ${entered.data.accessToken}`;
  t.match(identity.authenticate(header), {
    tenantId: 2,
    actingAsTenant: false,
    isImpersonation: false,
    actingUserId: 0,
  });
  t.throws(() => identity.authenticate(old), { code: 'SBX_SESSION_EXPIRED' }, 'instead of the session before');
  await ask('PUT', `/user/${tina}/tenants`, { tenantIds: [] });
  t.throws(() => identity.authenticate(header), { code: 'SBX_SESSION_EXPIRED' }, 'who is no member any more is out');
});

t.test('a member may in another tenant what the roles there permit, and nothing of the own ones', async (t) => {
  const house = await openHost(t);
  const { ask, identity } = house;
  identity.createRole({ key: 'steward', name: 'Steward', permissions: ['system:user:edit', 'system:user:query'] });
  await identity.createUser({ username: 'sten', password: PASSWORD, tenantId: 2, roles: ['steward'] });
  const list = (await ask('GET', '/user')).data.list as { id: number; username: string }[];
  const idOf = (name: string) => list.find(({ username }) => username === name)?.id as number;
  const [ida, sten, zoe] = [idOf('ida'), idOf('sten'), idOf('zoe')];
  const info = async () => {
    const { tenantId, roles, permissions } = (await ask('GET', '/user/info', undefined, 'ida')).data;
    return { tenantId, roles, permissions };
  };
  const own = await info();
  t.match(own, { tenantId: 1, roles: ['chief'], permissions: { length: 4 } });
  const steward = (path: string, roles: readonly string[], as = 'admin') => ask('PUT', path, { roles }, as);
  t.match(await steward(`/user/${ida}/tenants/2/roles`, ['steward']), { code: 53, errorCode: 'SBX_TENANT_INVALID' });
  await ask('PUT', `/user/${ida}/tenants`, { tenantIds: [2] });
  t.match(await steward(`/user/${ida}/tenants/2/roles`, ['steward']), { code: 0 });
  t.match((await ask('GET', `/user/${ida}`)).data, {
    roles: ['chief'],
    tenantRoles: [{ tenantId: 2, roles: ['steward'] }],
  });
  t.match((await ask('GET', '/role')).data.list, [
    {},
    { key: 'chief', userCount: 1 },
    { key: 'steward', userCount: 2 },
  ]);

  await house.logIn('ida');
  const { accessToken } = (await ask('POST', '/auth/switch-tenant', { tenantId: 2 }, 'ida')).data;
  const entered = identity.authenticate(`Bearer ${accessToken}`);
  t.match(entered, { tenantId: 2, roleNames: ['Steward'], permissions: ['system:user:edit', 'system:user:query'] });

  const above = { status: 403, errorCode: 'SBX_GRANT_ABOVE' };
  t.match(
    await steward(`/user/${ida}/tenants/2/roles`, ['chief'], 'sten'),
    above,
    'nobody gives what the own roles lack',
  );
  t.match(await steward(`/user/${ida}/tenants/1/roles`, [], 'sten'), { errorCode: 'CROSS_TENANT_NOT_ALLOWED' });
  t.match(await steward(`/user/${idOf('tina')}/tenants/2/roles`, [], 'sten'), { errorCode: 'USER_NOT_FOUND' });
  t.match(await steward(`/user/${zoe}/tenants/2/roles`, [], 'sten'), { errorCode: 'USER_NOT_FOUND' }, 'at home there');
  t.match(await steward(`/user/${ida}/tenants/2/roles`, [], 'sten'), { code: 0 });
  t.same(identity.authenticate(`Bearer ${accessToken}`).permissions, [], 'a running session sees it');
  t.ok(sten);

  await steward(`/user/${ida}/tenants/2/roles`, ['steward']);
  await ask('PUT', `/user/${ida}/tenants`, { tenantIds: [] });
  await ask('PUT', `/user/${ida}/tenants`, { tenantIds: [2] });
  t.same((await ask('GET', `/user/${ida}`)).data.tenantRoles, [], 'who left has to be given roles anew');
});

t.test('a super-admin of the platform acts for a tenant, and governs nothing meanwhile', async (t) => {
  const house = await openHost(t);
  const entered = await house.ask('POST', '/auth/switch-tenant', { tenantId: 1 });
  const headers = { authorization: `Bearer ${entered.data.accessToken}` };
  t.match(house.identity.authenticate(headers.authorization), {
    tenantId: 1,
    actingUserId: 1,
    actingAsTenant: true,
    isImpersonation: true,
  });
  const refused = await house.app.inject({ method: 'PUT', url: '/api/v1/plugins/demo/disable', headers });
  t.match(refused.json(), { errorCode: 'PLATFORM_PERMISSION_REQUIRED' });
  t.equal(house.registry.find('demo')?.enabled, true);
  const payload = { refreshToken: entered.data.refreshToken };
  const again = await house.app.inject({ method: 'POST', url: '/api/v1/auth/refresh', payload });
  t.match(again.json(), { data: { user: { tenantId: 1 } } }, 'a refresh stays in the tenant');
  const back = { authorization: `Bearer ${again.json<{ data: { accessToken: string } }>().data.accessToken}` };
  const home = await house.app.inject({
    method: 'POST',
    url: '/api/v1/auth/switch-tenant',
    headers: back,
    payload: { tenantId: 0 },
  });
  t.match(home.json(), { data: { user: { tenantId: 0 } } });
});

t.test('§8.5 a guest may refuse that a tenant loses its plugin, or goes', async (t) => {
  const told: string[] = [];
  const refusals = new Set(['BeforeTenantDisable', 'BeforeTenantDelete']);
  const house = await openHost(t, {
    callbacks: {
      async ask(operation, { tenantId, pluginId = '*' }) {
        told.push(`${operation} ${tenantId} ${pluginId}`);
        const facts = { operation, pluginId, reasons: 'no' };
        if (refusals.has(operation)) throw new SandpoolError('PLUGIN_LIFECYCLE_PRECONDITION_VETOED', facts);
      },
      async tell(operation, { tenantId, pluginId = '*' }) {
        told.push(`${operation} ${tenantId} ${pluginId}`);
      },
    },
  });
  await house.ask('POST', '/tenant', { code: 'three', name: 'Three' });
  await decide(house, 1, true);
  const vetoed = { errorCode: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED' };
  t.match(await decide(house, 1, false), vetoed);
  t.same(await sees(house, 'tina'), ALL);
  t.match(await house.ask('DELETE', '/tenant/3'), vetoed);
  t.match(await house.ask('GET', '/tenant/3'), { code: 0 });
  refusals.clear();
  t.match(await decide(house, 1, false), { code: 0 });
  t.match(await house.ask('DELETE', '/tenant/3'), { code: 0 });
  t.same(told, [
    'BeforeTenantDisable 1 demo',
    'BeforeTenantDelete 3 *',
    'BeforeTenantDisable 1 demo',
    'AfterTenantDisable 1 demo',
    'BeforeTenantDelete 3 *',
    'AfterTenantDelete 3 *',
  ]);
});

t.test('what cannot be is refused with a code, and changes nothing', async (t) => {
  const house = await openHost(t);
  const tables = () => [house.rows('sys_tenant'), house.rows('sys_user_tenant')];
  const before = tables();
  const bad: readonly (readonly ['POST' | 'PUT' | 'DELETE', string, unknown, string, string?])[] = [
    ['POST', '/tenant', {}, 'SBX_BODY_INVALID'],
    ['POST', '/tenant', { code: 'one', name: 'Again' }, 'SBX_TENANT_EXISTS'],
    ['POST', '/tenant', { code: 'A B', name: 'X' }, 'SBX_TENANT_INVALID'],
    ['POST', '/tenant', { code: 'x', name: ' ' }, 'SBX_TENANT_INVALID'],
    ['PUT', '/tenant/1', { status: 'gone' }, 'SBX_BODY_INVALID'],
    ['PUT', '/tenant/9', { name: 'X' }, 'SBX_TENANT_NOT_FOUND'],
    ['DELETE', '/tenant/1', undefined, 'SBX_TENANT_IN_USE'],
    ['PUT', '/tenant/1/plugins/demo', { enabled: 'maybe' }, 'SBX_BODY_INVALID'],
    ['POST', '/tenant', { code: 'x', name: 'X' }, 'SBX_PERMISSION_DENIED', 'ida'],
    ['DELETE', '/tenant/2', undefined, 'SBX_PERMISSION_DENIED', 'tina'],
  ];
  for (const [method, path, body, errorCode, as] of bad) {
    t.match(await house.ask(method, path, body, as), { errorCode }, `${method} ${path} ${JSON.stringify(body)}`);
  }
  t.same(tables(), before);
  t.equal((await house.ask('GET', '/x/bystander/ping')).status, 200);
});
