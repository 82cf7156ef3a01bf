import t from 'tap';
import { openRoom, PASSWORD } from './identity-room.js';

type Refusal = { readonly code: string; readonly status?: number; readonly details?: object };

t.test('what a role permits is seen by running sessions at once', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  identity.createRole({ key: 'editor', name: 'Editor', permissions: ['notes:edit', ' notes:view ', 'notes:view'] });
  identity.createRole({ key: 'guest', name: 'Guest', permissions: [] });
  const id = await addUser('ada', { roles: ['editor'] });
  const header = `Bearer ${await logIn('ada')}`;
  const now = () => {
    const { permissions, roleNames } = identity.authenticate(header);
    return { permissions, roleNames };
  };
  t.same(now(), { permissions: ['notes:edit', 'notes:view'], roleNames: ['Editor'] });
  identity.setRolePermissions('editor', ['notes:view']);
  t.same(now(), { permissions: ['notes:view'], roleNames: ['Editor'] });
  identity.setUserRoles(id, ['guest', 'editor']);
  t.same(now(), { permissions: ['notes:view'], roleNames: ['Editor', 'Guest'] });
  identity.setUserRoles(id, []);
  t.same(now(), { permissions: [], roleNames: [] });
});

t.test('whose rows a user sees follows the widest role', async (t) => {
  const { identity, database, addUser, logIn } = openRoom(t);
  identity.createRole({ key: 'own', name: 'Own', permissions: [] });
  identity.createRole({ key: 'tenant', name: 'Tenant', permissions: [], dataScope: 2 });
  identity.createRole({ key: 'strange', name: 'Strange', permissions: [] });
  database.exec("UPDATE sys_role SET data_scope = 99 WHERE key = 'strange'");
  const known = (dataScope: number) => ({ dataScope, dataScopeUnsupported: false, unsupportedDataScope: 0 });
  const cases: [username: string, account: object, scope: object][] = [
    ['none', {}, known(0)],
    ['self', { roles: ['own'] }, known(4)],
    ['both', { roles: ['own', 'tenant'] }, known(2)],
    ['strange', { roles: ['strange'] }, { dataScope: 0, dataScopeUnsupported: true, unsupportedDataScope: 99 }],
    ['root', { isSuperAdmin: true, roles: ['own'] }, known(1)],
  ];
  for (const [username, account, scope] of cases) {
    await addUser(username, account);
    t.match(identity.authenticate(`Bearer ${await logIn(username)}`), scope, username);
  }
});

t.test('an account that cannot be is refused, and nothing of it stays', async (t) => {
  const { identity, database, addUser } = openRoom(t);
  await addUser('ada');
  const user = (more: object) => identity.createUser({ username: 'bob', password: PASSWORD, ...more });
  const role = async (more: object) => identity.createRole({ key: 'r', name: 'R', permissions: [], ...more });
  identity.createRole({ key: 'taken', name: 'Taken', permissions: [] });
  const cases: [title: string, attempt: () => Promise<unknown>, refusal: Refusal][] = [
    ['a taken name', () => user({ username: 'ada' }), { code: 'USER_USERNAME_EXISTS', details: { username: 'ada' } }],
    ['a name with blanks', () => user({ username: 'b b' }), { code: 'SBX_ACCOUNT_INVALID', status: 400 }],
    ['no name', () => user({ username: '' }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a short password', () => user({ password: '1234567' }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a huge password', () => user({ password: 'x'.repeat(1025) }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a tenant below zero', () => user({ tenantId: -1 }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['an unknown role', () => user({ roles: ['taken', 'x'] }), { code: 'SBX_ROLE_NOT_FOUND', details: { role: 'x' } }],
    ['a taken role key', () => role({ key: 'taken' }), { code: 'SBX_ROLE_EXISTS', status: 409 }],
    ['a role without a name', () => role({ name: ' ' }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a role with a strange key', () => role({ key: 'a b' }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['an unknown scope', () => role({ dataScope: 5 }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a blank permission', () => role({ permissions: [' '] }), { code: 'SBX_ACCOUNT_INVALID' }],
    ['roles of nobody', async () => identity.setUserRoles(9, []), { code: 'USER_NOT_FOUND', details: { userId: 9 } }],
    ['the status of nobody', async () => identity.setUserStatus(9, 0), { code: 'USER_NOT_FOUND', status: 404 }],
    ['a strange status', async () => identity.setUserStatus(1, 2 as 1), { code: 'SBX_ACCOUNT_INVALID' }],
    ['a password of nobody', () => identity.setPassword(9, PASSWORD), { code: 'USER_NOT_FOUND' }],
    ['a new short password', () => identity.setPassword(1, 'short'), { code: 'SBX_ACCOUNT_INVALID' }],
    ['permissions of no role', async () => identity.setRolePermissions('x', []), { code: 'SBX_ROLE_NOT_FOUND' }],
  ];
  for (const [title, attempt, refusal] of cases) await t.rejects(attempt(), refusal, title);
  t.same(database.prepare('SELECT username FROM sys_user').pluck().all(), ['ada']);
  t.same(database.prepare('SELECT key FROM sys_role').pluck().all(), ['taken']);
});
