/** Roles as an administrator sees and changes them. They belong to the platform; users of tenants may have them. */
import { SandpoolError } from '../protocol/errors.js';
import type { Database } from '../store/sqlite.js';
import type { DataScope } from './access.js';
import { type Accounts, checkRole, type NewRole, type UserStatus } from './accounts.js';
import { type Actor, requireHeld, requirePlatform, requireScope } from './bounds.js';
import { stored } from './tables.js';

export interface RoleItem {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly dataScope: number;
  readonly status: UserStatus;
  /** Permissions that the role holds by name, besides those of its menus. */
  readonly permissions: readonly string[];
  readonly menuIds: readonly number[];
  readonly userCount: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface RoleChange {
  readonly name?: string;
  readonly dataScope?: DataScope;
  readonly status?: UserStatus;
  readonly permissions?: readonly string[];
  readonly menuIds?: readonly number[];
}

/** Whoever changes roles needs the platform, and what the role holds before and after. All may throw SBX_GRANT_ABOVE. */
export interface Roles {
  list(): readonly RoleItem[];
  /** @throws SBX_ROLE_NOT_FOUND */
  show(roleId: number): RoleItem;
  /** @throws SBX_ROLE_EXISTS, SBX_ACCOUNT_INVALID, SBX_MENU_NOT_FOUND; nothing is stored then */
  create(actor: Actor, role: NewRole & Pick<RoleChange, 'menuIds'>): number;
  /** @throws SBX_ROLE_NOT_FOUND, SBX_ACCOUNT_INVALID, SBX_MENU_NOT_FOUND; nothing is changed then */
  update(actor: Actor, roleId: number, change: RoleChange): void;
  /** @throws SBX_ROLE_NOT_FOUND */
  remove(actor: Actor, roleId: number): void;
}

export interface RolesOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly now: () => number;
}

export function openRoles({ database, accounts, now }: RolesOptions): Roles {
  const statements = prepare(database);

  const itemOf = (row: RoleRow): RoleItem => ({
    ...row,
    permissions: statements.permissionsOf.all(row.id) as string[],
    menuIds: statements.menusOf.all(row.id) as number[],
  });

  const show = (roleId: number): RoleItem => {
    const row = stored(() => statements.find.get(roleId)) as RoleRow | undefined;
    if (row === undefined) throw new SandpoolError('SBX_ROLE_NOT_FOUND', { role: roleId });
    return itemOf(row);
  };

  const permissionsOfMenus = (menuIds: readonly number[]): readonly string[] =>
    menuIds.map((menuId) => {
      const perms = stored(() => statements.permsOf.get(menuId)) as string | undefined;
      if (perms === undefined) throw new SandpoolError('SBX_MENU_NOT_FOUND', { menuId });
      return perms;
    });

  const requireContent = (actor: Actor, permissions: readonly string[], menuIds: readonly number[]): void => {
    requireHeld(actor, [...permissions, ...permissionsOfMenus(menuIds).filter((perms) => perms !== '')]);
  };

  const bind = (roleId: number, menuIds: readonly number[]): void => {
    statements.unbind.run(roleId);
    for (const menuId of new Set(menuIds)) statements.bind.run(roleId, menuId);
  };

  const target = (actor: Actor, roleId: number): RoleItem => {
    requirePlatform(actor);
    const role = show(roleId);
    requireContent(actor, role.permissions, role.menuIds);
    requireScope(actor, role.dataScope);
    return role;
  };

  return {
    show,
    list: () => stored(() => (statements.list.all() as RoleRow[]).map(itemOf)),
    create(actor, { menuIds = [], ...role }) {
      requirePlatform(actor);
      requireContent(actor, role.permissions, menuIds);
      requireScope(actor, role.dataScope ?? 4);
      return accounts.change(() => {
        const roleId = accounts.createRole(role);
        bind(roleId, menuIds);
        return roleId;
      });
    },
    update(actor, roleId, { permissions, menuIds, ...more }) {
      const role = target(actor, roleId);
      const { name, dataScope, status } = { ...role, ...more };
      checkRole(role.key, name, dataScope);
      requireScope(actor, dataScope);
      requireContent(actor, permissions ?? [], menuIds ?? []);
      accounts.change(() => {
        statements.update.run({ roleId, name, dataScope, status, at: now() });
        if (permissions !== undefined) accounts.setRolePermissions(role.key, permissions);
        if (menuIds !== undefined) bind(roleId, menuIds);
      });
    },
    remove(actor, roleId) {
      target(actor, roleId);
      accounts.change(() => statements.remove.run(roleId));
    },
  };
}

type RoleRow = Omit<RoleItem, 'permissions' | 'menuIds'>;

function prepare(database: Database) {
  const select = `SELECT id, key, name, data_scope AS dataScope, status, created_at AS createdAt, updated_at AS updatedAt,
                         (SELECT count(DISTINCT user_id) FROM sys_user_role_held WHERE role_id = sys_role.id) AS userCount FROM sys_role`;
  return {
    list: database.prepare(`${select} ORDER BY id`),
    find: database.prepare(`${select} WHERE id = ?`),
    permissionsOf: database
      .prepare('SELECT permission FROM sys_role_permission WHERE role_id = ? ORDER BY permission')
      .pluck(),
    menusOf: database.prepare('SELECT menu_id FROM sys_role_menu WHERE role_id = ? ORDER BY menu_id').pluck(),
    permsOf: database.prepare('SELECT perms FROM sys_menu WHERE id = ?').pluck(),
    unbind: database.prepare('DELETE FROM sys_role_menu WHERE role_id = ?'),
    bind: database.prepare('INSERT INTO sys_role_menu VALUES (?, ?)'),
    update: database.prepare(
      'UPDATE sys_role SET name = @name, data_scope = @dataScope, status = @status, updated_at = @at WHERE id = @roleId',
    ),
    remove: database.prepare('DELETE FROM sys_role WHERE id = ?'),
  };
}
