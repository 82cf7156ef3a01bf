/** Users as an administrator sees and changes them. */
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import type { Database } from '../store/sqlite.js';
import { type Accounts, type NewUser, requireUser, type UserStatus } from './accounts.js';
import { type Actor, requireHeld, requireOwnTenant, requireScope, requireSuperAdmin } from './bounds.js';
import { stored } from './tables.js';

export interface UserItem {
  readonly id: number;
  readonly username: string;
  readonly nickname: string;
  readonly status: UserStatus;
  /** 0 is the platform. */
  readonly tenantId: number;
  readonly isSuperAdmin: boolean;
  /** Keys, in order. */
  readonly roles: readonly string[];
  /** Tenants besides the own one that the user may enter. */
  readonly tenantIds: readonly number[];
  /** Keys of the roles in those tenants, as far as there are any. */
  readonly tenantRoles: readonly { readonly tenantId: number; readonly roles: readonly string[] }[];
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface UserQuery {
  readonly pageNum: number;
  readonly pageSize: number;
  /** A part of the name or nickname. */
  readonly keyword?: string;
  readonly status?: number;
  readonly tenantId?: number;
}

export interface UserChange {
  readonly nickname?: string;
  readonly status?: UserStatus;
  readonly isSuperAdmin?: boolean;
  /** Keys. */
  readonly roles?: readonly string[];
}

/** Users of another tenant do not exist for a tenant. All may throw SBX_GRANT_ABOVE, CROSS_TENANT_NOT_ALLOWED, USER_NOT_FOUND. */
export interface Users {
  list(actor: Actor, query: UserQuery): { readonly list: readonly UserItem[]; readonly total: number };
  show(actor: Actor, userId: number): UserItem;
  /** @throws USER_USERNAME_EXISTS, SBX_ACCOUNT_INVALID, SBX_ROLE_NOT_FOUND */
  create(actor: Actor, user: NewUser & { readonly nickname?: string }): Promise<number>;
  /** @throws SBX_LAST_SUPER_ADMIN, SBX_ACCOUNT_INVALID, SBX_ROLE_NOT_FOUND; nothing is changed then */
  update(actor: Actor, userId: number, change: UserChange): void;
  /** What a member may do in a tenant that is not the own one. @throws SBX_TENANT_INVALID, SBX_ROLE_NOT_FOUND */
  setTenantRoles(actor: Actor, userId: number, tenantId: number, roles: readonly string[]): void;
  /** @throws SBX_LAST_SUPER_ADMIN, SBX_ACCOUNT_INVALID for the own account */
  remove(actor: Actor, userId: number): void;
  /** Ends the sessions of the user. @throws SBX_ACCOUNT_INVALID */
  setPassword(actor: Actor, userId: number, password: string): Promise<void>;
}

export interface UsersOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly now: () => number;
  readonly onLockedOut: (userId: number) => void;
}

export function openUsers({ database, accounts, now, onLockedOut }: UsersOptions): Users {
  const statements = prepare(database);

  const itemOf = (row: UserRow): UserItem => ({
    ...row,
    isSuperAdmin: row.isSuperAdmin === 1,
    roles: statements.rolesOf.all(row.id) as string[],
    tenantIds: statements.tenantsOf.all(row.id) as number[],
    tenantRoles: (statements.tenantRolesOf.all(row.id) as { tenantId: number; roles: string }[]).map(
      ({ tenantId, roles }) => ({ tenantId, roles: JSON.parse(roles) as string[] }),
    ),
  });

  const show = (actor: Actor, userId: number): UserItem => {
    const row = stored(() => statements.find.get(userId)) as UserRow | undefined;
    const isThere = row !== undefined && (actor.tenantId === 0 || actor.tenantId === row.tenantId);
    if (!isThere) throw new SandpoolError('USER_NOT_FOUND', { userId });
    return itemOf(row);
  };

  /** Whoever may do more than the actor is not the actor's to change; everybody may change the own account. */
  const target = (actor: Actor, userId: number): UserItem => {
    const user = show(actor, userId);
    if (userId === actor.userId) return user;
    if (user.isSuperAdmin) requireSuperAdmin(actor);
    // Also what the user may do elsewhere: a password opens every tenant.
    requireRoles(actor, [...user.roles, ...user.tenantRoles.flatMap(({ roles }) => roles)]);
    return user;
  };

  const requireRoles = (actor: Actor, keys: readonly string[]): void => {
    const asked = JSON.stringify(keys);
    requireHeld(actor, stored(() => statements.permissionsOfRoles.all({ keys: asked })) as string[]);
    for (const scope of stored(() => statements.scopesOfRoles.all(asked)) as number[]) requireScope(actor, scope);
  };

  return {
    show,
    list(actor, { pageNum, pageSize, keyword = '', status, tenantId }) {
      if (tenantId !== undefined) requireOwnTenant(actor, tenantId);
      const only = actor.tenantId === 0 ? (tenantId ?? null) : actor.tenantId;
      const filter = { keyword, status: status ?? null, tenantId: only };
      return stored(() => ({
        list: (statements.list.all({ ...filter, pageSize, skip: (pageNum - 1) * pageSize }) as UserRow[]).map(itemOf),
        total: statements.count.get(filter) as number,
      }));
    },
    async create(actor, { nickname = '', ...user }) {
      const tenantId = user.tenantId ?? actor.tenantId;
      requireOwnTenant(actor, tenantId);
      if (user.isSuperAdmin) requireSuperAdmin(actor);
      if (user.isSuperAdmin && tenantId !== 0) throw invalid('a super-admin belongs to the platform');
      requireKnownTenant(tenantId === 0 || statements.tenantExists.get(tenantId) !== undefined, tenantId);
      requireRoles(actor, user.roles ?? []);
      const name = checkNickname(nickname);
      const userId = await accounts.createUser({ ...user, tenantId });
      if (name !== '') accounts.change(() => statements.setNickname.run(name, now(), userId));
      return userId;
    },
    update(actor, userId, { nickname, status, isSuperAdmin, roles }) {
      const user = target(actor, userId);
      if (isSuperAdmin !== undefined && isSuperAdmin !== user.isSuperAdmin) requireSuperAdmin(actor);
      if (isSuperAdmin && user.tenantId !== 0) throw invalid('a super-admin belongs to the platform');
      // What the user has already may stay.
      requireRoles(actor, roles?.filter((key) => !user.roles.includes(key)) ?? []);
      const name = nickname === undefined ? user.nickname : checkNickname(nickname);
      const isLockedOut = status === 0 && user.status === 1;
      accounts.change(() => {
        if (isLockedOut || isSuperAdmin === false) accounts.requireOtherSuperAdmin(userId);
        const flags = { status: status ?? user.status, isSuperAdmin: (isSuperAdmin ?? user.isSuperAdmin) ? 1 : 0 };
        requireUser(statements.update.run({ userId, nickname: name, ...flags, at: now() }).changes, userId);
        if (roles !== undefined) accounts.assignRoles(userId, roles);
      });
      if (isLockedOut) onLockedOut(userId);
    },
    setTenantRoles(actor, userId, tenantId, roles) {
      requireOwnTenant(actor, tenantId);
      const user = stored(() => statements.find.get(userId)) as UserRow | undefined;
      const item = user && itemOf(user);
      const isMember = item?.tenantIds.includes(tenantId) === true;
      // Users of other tenants do not exist for a tenant, unless they are members of it.
      if (item === undefined || (actor.tenantId !== 0 && !isMember))
        throw new SandpoolError('USER_NOT_FOUND', { userId });
      if (!isMember) {
        const reason = `the user ${item.username} is no member of tenant ${tenantId}`;
        throw new SandpoolError('SBX_TENANT_INVALID', { reason });
      }
      requireRoles(actor, [...(item.tenantRoles.find((held) => held.tenantId === tenantId)?.roles ?? []), ...roles]);
      accounts.change(() => accounts.assignRoles(userId, roles, tenantId));
    },
    remove(actor, userId) {
      target(actor, userId);
      if (userId === actor.userId) throw invalid('nobody removes the own account');
      accounts.change(() => {
        accounts.requireOtherSuperAdmin(userId);
        requireUser(statements.remove.run(userId).changes, userId);
      });
      onLockedOut(userId);
    },
    async setPassword(actor, userId, password) {
      target(actor, userId);
      await accounts.setPassword(userId, password);
    },
  };
}

type UserRow = Omit<UserItem, 'roles' | 'tenantIds' | 'tenantRoles' | 'isSuperAdmin'> & {
  readonly isSuperAdmin: 0 | 1;
};

function prepare(database: Database) {
  const select = `SELECT id, username, nickname, status, tenant_id AS tenantId, is_super_admin AS isSuperAdmin,
                         created_at AS createdAt, updated_at AS updatedAt FROM sys_user`;
  const where = `WHERE (instr(username, @keyword) > 0 OR instr(nickname, @keyword) > 0)
                   AND (@status IS NULL OR status = @status) AND (@tenantId IS NULL OR tenant_id = @tenantId)`;
  const chosen = 'SELECT id FROM sys_role WHERE key IN (SELECT value FROM json_each(@keys))';
  return {
    find: database.prepare(`${select} WHERE id = ?`),
    list: database.prepare(`${select} ${where} ORDER BY id LIMIT @pageSize OFFSET @skip`),
    count: database.prepare(`SELECT count(*) FROM sys_user ${where}`).pluck(),
    rolesOf: database
      .prepare(
        'SELECT key FROM sys_role JOIN sys_user_role ON role_id = sys_role.id WHERE user_id = ? ORDER BY sys_role.id',
      )
      .pluck(),
    tenantsOf: database.prepare('SELECT tenant_id FROM sys_user_tenant WHERE user_id = ? ORDER BY tenant_id').pluck(),
    tenantRolesOf: database.prepare(
      `SELECT tenant_id AS tenantId, json_group_array(key) AS roles FROM
         (SELECT tenant_id, key FROM sys_user_tenant_role JOIN sys_role ON sys_role.id = role_id
          WHERE user_id = ? ORDER BY tenant_id, sys_role.id)
       GROUP BY tenant_id`,
    ),
    tenantExists: database.prepare('SELECT 1 FROM sys_tenant WHERE id = ?').pluck(),
    permissionsOfRoles: database
      .prepare(
        `SELECT permission FROM sys_role_permission WHERE role_id IN (${chosen})
         UNION SELECT perms FROM sys_menu JOIN sys_role_menu ON menu_id = sys_menu.id
               WHERE role_id IN (${chosen}) AND perms <> ''`,
      )
      .pluck(),
    scopesOfRoles: database
      .prepare('SELECT data_scope FROM sys_role WHERE key IN (SELECT value FROM json_each(?))')
      .pluck(),
    setNickname: database.prepare('UPDATE sys_user SET nickname = ?, updated_at = ? WHERE id = ?'),
    update: database.prepare(
      `UPDATE sys_user SET nickname = @nickname, status = @status, is_super_admin = @isSuperAdmin, updated_at = @at
       WHERE id = @userId`,
    ),
    remove: database.prepare('DELETE FROM sys_user WHERE id = ?'),
  };
}

function checkNickname(nickname: string): string {
  const trimmed = trimGo(nickname);
  if (trimmed.length > 128) throw invalid('a nickname has at most 128 characters');
  return trimmed;
}

function requireKnownTenant(isKnown: boolean, tenantId: number): void {
  if (!isKnown) throw new SandpoolError('SBX_TENANT_NOT_FOUND', { tenantId });
}

function invalid(reason: string): SandpoolError {
  return new SandpoolError('SBX_ACCOUNT_INVALID', { reason });
}
