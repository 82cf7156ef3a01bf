/** What a user may do: from the user's roles, by name and by the menus that they hold (`spec/governance.md` §4.3). */
import { menuOwner } from '../artifact/menus.js';
import type { Database } from '../store/sqlite.js';

/** Whose rows a role sees: 1 all, 2 those of the tenant, 3 those of the department, 4 the user's own. */
export type DataScope = 1 | 2 | 3 | 4;

export const SCOPE_NONE = 0;
export const SCOPE_ALL = 1;
export const SCOPE_SELF = 4;

/** What a user may do. */
export interface Access {
  readonly isSuperAdmin: boolean;
  readonly permissions: readonly string[];
  readonly roleNames: readonly string[];
  /** The widest of the roles'; 0 without a role. */
  readonly dataScope: number;
  readonly dataScopeUnsupported: boolean;
  readonly unsupportedDataScope: number;
}

/** Whether what a plugin brings is there for a tenant: it is installed, enabled, normal, and the tenant has it. */
export type OwnersShown = (pluginId: string, tenantId: number) => boolean;

/** @returns what a user may do in a tenant; undefined when nobody may log in so */
export function prepareAccess(database: Database, showsPlugin: OwnersShown) {
  const statements = prepare(database);

  /** A menu of a plugin that is not there permits nothing, and keeps its roles for the day that the plugin is there again. */
  const permissionsOfMenus = (userId: number, tenantId: number): readonly string[] =>
    (statements.menusOf.all(userId, tenantId) as { key: string; perms: string }[]).flatMap(({ key, perms }) => {
      const owner = menuOwner(key);
      return owner === undefined || showsPlugin(owner, tenantId) ? [perms] : [];
    });

  return (userId: number, tenantId: number): Access | undefined => {
    const flag = statements.isSuperAdmin.get(userId) as 0 | 1 | undefined;
    if (flag === undefined || statements.isSuspended.get(tenantId) !== undefined) return undefined;
    const isSuperAdmin = flag === 1;
    const roles = statements.rolesOf.all(userId, tenantId) as { name: string; dataScope: number }[];
    const named = statements.permissionsOf.all(userId, tenantId) as string[];
    return {
      isSuperAdmin,
      permissions: [...new Set([...named, ...permissionsOfMenus(userId, tenantId)])].sort(),
      roleNames: roles.map(({ name }) => name),
      ...scopeOf(isSuperAdmin ? [SCOPE_ALL] : roles.map(({ dataScope }) => dataScope)),
    };
  };
}

export function isDataScope(scope: number): scope is DataScope {
  return Number.isInteger(scope) && scope >= SCOPE_ALL && scope <= SCOPE_SELF;
}

function prepare(database: Database) {
  const ofUser = `JOIN sys_user_role_held AS held ON held.role_id = sys_role.id
    WHERE held.user_id = ? AND held.tenant_id = ? AND sys_role.status = 1`;
  return {
    isSuperAdmin: database.prepare('SELECT is_super_admin FROM sys_user WHERE id = ? AND status = 1').pluck(),
    isSuspended: database.prepare(`SELECT 1 FROM sys_tenant WHERE id = ? AND status <> 'active'`).pluck(),
    rolesOf: database.prepare(`SELECT name, data_scope AS dataScope FROM sys_role ${ofUser} ORDER BY sys_role.id`),
    permissionsOf: database
      .prepare(
        `SELECT DISTINCT permission FROM sys_role_permission JOIN sys_role ON sys_role.id = sys_role_permission.role_id
         ${ofUser}`,
      )
      .pluck(),
    menusOf: database.prepare(
      `SELECT DISTINCT sys_menu.menu_key AS key, sys_menu.perms FROM sys_menu
       JOIN sys_role_menu ON sys_role_menu.menu_id = sys_menu.id
       JOIN sys_role ON sys_role.id = sys_role_menu.role_id
       ${ofUser} AND sys_menu.status = 1 AND sys_menu.perms <> ''`,
    ),
  };
}

/** Scopes widen downwards, from 4 to 1. One that this host does not know is reported instead of guessed. */
function scopeOf(scopes: readonly number[]) {
  const unknown = scopes.find((scope) => !isDataScope(scope));
  const known = scopes.filter(isDataScope);
  return {
    dataScope: known.length === 0 ? SCOPE_NONE : Math.min(...known),
    dataScopeUnsupported: unknown !== undefined,
    unsupportedDataScope: unknown ?? 0,
  };
}
