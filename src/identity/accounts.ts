/** Users and roles, and what a user may do through the roles. */
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import type { Database } from '../store/sqlite.js';
import { type Access, type DataScope, isDataScope, type OwnersShown, prepareAccess, SCOPE_SELF } from './access.js';
import { checkPassword, type Passwords } from './passwords.js';
import { stored } from './tables.js';

export interface NewUser {
  readonly username: string;
  readonly password: string;
  /** 0 is the platform. */
  readonly tenantId?: number;
  readonly isSuperAdmin?: boolean;
  /** Keys of roles. */
  readonly roles?: readonly string[];
}

export interface NewRole {
  readonly key: string;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly dataScope?: DataScope;
}

/** 1 may log in, 0 may not. */
export type UserStatus = 0 | 1;

export interface User {
  readonly id: number;
  readonly username: string;
  readonly passwordHash: string;
  readonly status: UserStatus;
  readonly tenantId: number;
  readonly isSuperAdmin: boolean;
}

export interface AccountOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly now: () => number;
  /** Hears of users whose sessions must not go on. */
  readonly onLockedOut: (userId: number) => void;
  /** Hears that what users may do has changed. */
  readonly onChanged: () => void;
  readonly showsPlugin: OwnersShown;
}

export interface Accounts {
  /** Grows whenever what any user may do has changed. */
  version(): number;
  /** What users may do is read anew when they come next: another process may have changed it. */
  forget(): void;
  findUser(username: string): User | undefined;
  userById(userId: number): User | undefined;
  /** What a user may do in a tenant; undefined when there is no such user, or the user may not log in there. */
  accessOf(userId: number, tenantId: number): Access | undefined;
  /** Does all of a change of who may do what, or none of it; every session sees it with its next request. */
  change<Result>(work: () => Result): Result;
  /** Makes a user unless the name is taken. */
  addUser(user: Omit<User, 'id'>): number | undefined;
  createUser(user: NewUser): Promise<number>;
  createRole(role: NewRole): number;
  setRolePermissions(roleKey: string, permissions: readonly string[]): void;
  setUserRoles(userId: number, roleKeys: readonly string[]): void;
  /** In the own tenant, or in one that the user is a member of; within a {@link Accounts.change}. @throws SBX_ROLE_NOT_FOUND */
  assignRoles(userId: number, roleKeys: readonly string[], memberOf?: number): void;
  /** Within a {@link Accounts.change} that takes this user away. @throws SBX_LAST_SUPER_ADMIN */
  requireOtherSuperAdmin(userId: number): void;
  /** @throws SBX_LAST_SUPER_ADMIN */
  setUserStatus(userId: number, status: UserStatus): void;
  setPassword(userId: number, password: string): Promise<void>;
}

export function openAccounts(options: AccountOptions): Accounts {
  const { database, passwords, now, onLockedOut, onChanged } = options;
  const tables = prepare(database);
  const accessOf = prepareAccess(database, options.showsPlugin);
  let version = 0;

  const change = <Result>(work: () => Result): Result => {
    const result = stored(() => database.transaction(work).immediate());
    version += 1;
    onChanged();
    return result;
  };

  const roleId = (key: string): number => {
    const id = tables.roleId.get(key) as number | undefined;
    if (id === undefined) throw new SandpoolError('SBX_ROLE_NOT_FOUND', { role: key });
    return id;
  };

  const assign = (userId: number, roleKeys: readonly string[], memberOf?: number): void => {
    const ids = new Set(roleKeys.map(roleId));
    if (memberOf === undefined) {
      tables.dropRoles.run(userId);
      for (const id of ids) tables.addRole.run(userId, id);
    } else {
      tables.dropTenantRoles.run(userId, memberOf);
      for (const id of ids) tables.addTenantRole.run(userId, memberOf, id);
    }
  };

  const requireOtherSuperAdmin = (userId: number): void => {
    if (tables.isLastSuperAdmin.get({ userId }) !== undefined)
      throw new SandpoolError('SBX_LAST_SUPER_ADMIN', { userId });
  };

  const permit = (id: number, permissions: readonly string[]): void => {
    tables.dropPermissions.run(id);
    for (const permission of permissions) tables.addPermission.run(id, permission);
  };

  const addUser = (user: Omit<User, 'id'>): number | undefined =>
    tables.addUser.get({ ...user, isSuperAdmin: user.isSuperAdmin ? 1 : 0, at: now() }) as number | undefined;

  return {
    version: () => version,
    forget() {
      version += 1;
    },
    findUser: (username) => stored(() => userOf(tables.findUser.get(username))),
    userById: (userId) => stored(() => userOf(tables.userById.get(userId))),
    assignRoles: assign,
    requireOtherSuperAdmin,
    accessOf: (userId, tenantId) => stored(() => accessOf(userId, tenantId)),
    change,
    addUser: (user) => change(() => addUser(user)),

    async createUser({ username, password, tenantId = 0, isSuperAdmin = false, roles = [] }) {
      checkUsername(username);
      checkTenant(tenantId);
      checkPassword(password);
      const passwordHash = await passwords.hash(password);
      return change(() => {
        const id = addUser({ username, passwordHash, status: 1, tenantId, isSuperAdmin });
        if (id === undefined) throw new SandpoolError('USER_USERNAME_EXISTS', { username });
        assign(id, roles);
        return id;
      });
    },

    createRole({ key, name, permissions, dataScope = SCOPE_SELF }) {
      checkRole(key, name, dataScope);
      const cleaned = cleanPermissions(permissions);
      return change(() => {
        const id = tables.addNamedRole.get({ key, name, dataScope, at: now() }) as number | undefined;
        if (id === undefined) throw new SandpoolError('SBX_ROLE_EXISTS', { role: key });
        permit(id, cleaned);
        return id;
      });
    },

    setRolePermissions(roleKey, permissions) {
      const cleaned = cleanPermissions(permissions);
      change(() => permit(roleId(roleKey), cleaned));
    },

    setUserRoles(userId, roleKeys) {
      change(() => {
        requireUser(tables.userExists.get(userId), userId);
        assign(userId, roleKeys);
      });
    },

    setUserStatus(userId, status) {
      if (status !== 0 && status !== 1) throw invalid(`the status ${String(status)} is neither 0 nor 1`);
      change(() => {
        if (status === 0) requireOtherSuperAdmin(userId);
        requireUser(tables.setStatus.run(status, now(), userId).changes, userId);
      });
      if (status === 0) onLockedOut(userId);
    },

    async setPassword(userId, password) {
      checkPassword(password);
      const passwordHash = await passwords.hash(password);
      change(() => requireUser(tables.setPassword.run(passwordHash, now(), userId).changes, userId));
      onLockedOut(userId);
    },
  };
}

function prepare(database: Database) {
  const pluck = (sql: string) => database.prepare(sql).pluck();
  const user = `SELECT id, username, password_hash AS passwordHash, status, tenant_id AS tenantId,
                       is_super_admin AS isSuperAdmin FROM sys_user`;
  return {
    findUser: database.prepare(`${user} WHERE username = ?`),
    userById: database.prepare(`${user} WHERE id = ?`),
    isLastSuperAdmin: pluck(
      `SELECT 1 FROM sys_user WHERE id = @userId AND is_super_admin = 1 AND status = 1 AND NOT EXISTS
         (SELECT 1 FROM sys_user WHERE id <> @userId AND is_super_admin = 1 AND status = 1 AND tenant_id = 0)`,
    ),
    userExists: pluck('SELECT 1 FROM sys_user WHERE id = ?'),
    addUser: pluck(
      `INSERT INTO sys_user (username, password_hash, status, tenant_id, is_super_admin, created_at, updated_at)
       VALUES (@username, @passwordHash, @status, @tenantId, @isSuperAdmin, @at, @at)
       ON CONFLICT (username) DO NOTHING RETURNING id`,
    ),
    setStatus: database.prepare('UPDATE sys_user SET status = ?, updated_at = ? WHERE id = ?'),
    setPassword: database.prepare('UPDATE sys_user SET password_hash = ?, updated_at = ? WHERE id = ?'),
    roleId: pluck('SELECT id FROM sys_role WHERE key = ?'),
    addNamedRole: pluck(
      `INSERT INTO sys_role (key, name, data_scope, created_at, updated_at)
       VALUES (@key, @name, @dataScope, @at, @at) ON CONFLICT (key) DO NOTHING RETURNING id`,
    ),
    dropRoles: database.prepare('DELETE FROM sys_user_role WHERE user_id = ?'),
    addRole: database.prepare('INSERT INTO sys_user_role VALUES (?, ?)'),
    dropTenantRoles: database.prepare('DELETE FROM sys_user_tenant_role WHERE user_id = ? AND tenant_id = ?'),
    addTenantRole: database.prepare('INSERT INTO sys_user_tenant_role VALUES (?, ?, ?)'),
    dropPermissions: database.prepare('DELETE FROM sys_role_permission WHERE role_id = ?'),
    addPermission: database.prepare('INSERT INTO sys_role_permission VALUES (?, ?)'),
  };
}

function userOf(row: unknown): User | undefined {
  const user = row as (Omit<User, 'isSuperAdmin'> & { isSuperAdmin: 0 | 1 }) | undefined;
  return user && { ...user, isSuperAdmin: user.isSuperAdmin === 1 };
}

/** @param found a row, or how many rows were changed */
export function requireUser(found: unknown, userId: number): void {
  if (found === undefined || found === 0) throw new SandpoolError('USER_NOT_FOUND', { userId });
}

function checkUsername(username: string): void {
  if (/^[\p{L}\p{M}\p{N}._@+-]{1,64}$/u.test(username)) return;
  throw invalid('a username has 1 to 64 letters, digits and . _ @ + -');
}

function checkTenant(tenantId: number): void {
  if (!Number.isInteger(tenantId) || tenantId < 0 || tenantId > MAX_INT32) {
    throw invalid(`the tenant ${tenantId} is no tenant`);
  }
}

/** Ids travel to guests as int32. */
const MAX_INT32 = 2_147_483_647;

export function checkRole(key: string, name: string, dataScope: number): void {
  if (!/^[A-Za-z0-9._:-]{1,64}$/.test(key)) throw invalid('a role key has 1 to 64 letters, digits and . _ : -');
  if (trimGo(name) === '' || name.length > 128) throw invalid('a role name has 1 to 128 characters');
  if (!Number.isInteger(dataScope) || !isDataScope(dataScope)) throw invalid(`the data scope ${dataScope} is unknown`);
}

/** Trimmed, and each once. */
function cleanPermissions(permissions: readonly string[]): string[] {
  const cleaned = permissions.map(trimGo);
  if (cleaned.every((permission) => permission !== '' && permission.length <= 255)) return [...new Set(cleaned)];
  throw invalid('a permission has 1 to 255 characters');
}

function invalid(reason: string): SandpoolError {
  return new SandpoolError('SBX_ACCOUNT_INVALID', { reason });
}
