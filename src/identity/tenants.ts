/** Tenants, who may enter them, and which plugins they have (`spec/governance.md` §8). */
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import type { Database } from '../store/sqlite.js';
import type { StateStore } from '../store/state.js';
import type { Accounts } from './accounts.js';
import { type Actor, requireOwnTenant, requirePlatform } from './bounds.js';
import type { Tenancy } from './logins.js';
import { stored } from './tables.js';

export type TenantStatus = 'active' | 'suspended';

export interface TenantItem {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly userCount: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What must be known of a plugin to offer it to tenants. */
export interface TenantPlugin {
  readonly pluginId: string;
  readonly name: string;
  readonly version: string;
  readonly installed: boolean;
  /** For the platform. */
  readonly enabled: boolean;
  readonly installMode: 'global' | 'tenant_scoped';
  readonly autoEnableForNewTenants: boolean;
}

export interface TenantPluginItem extends TenantPlugin {
  readonly tenantEnabled: boolean;
}

/** What guests are asked and told. */
export interface TenantCallbacks {
  /** @throws PLUGIN_LIFECYCLE_PRECONDITION_VETOED */
  readonly ask: (operation: 'BeforeTenantDisable' | 'BeforeTenantDelete', about: TenantEvent) => Promise<void>;
  readonly tell: (operation: 'AfterTenantDisable' | 'AfterTenantDelete', about: TenantEvent) => Promise<void>;
}

export interface TenantEvent {
  readonly tenantId: number;
  /** The plugin that the tenant loses; all plugins where a tenant is deleted. */
  readonly pluginId?: string;
}

/** Changes of tenants are the platform's; all may throw PLATFORM_PERMISSION_REQUIRED and SBX_TENANT_NOT_FOUND. */
export interface Tenants extends Tenancy {
  /** A tenant sees itself. */
  list(actor: Actor): readonly TenantItem[];
  show(actor: Actor, tenantId: number): TenantItem;
  /** The new tenant has the plugins whose policy says so. @throws SBX_TENANT_EXISTS, SBX_TENANT_INVALID; nothing is stored then */
  create(actor: Actor, tenant: { readonly code: string; readonly name: string }): number;
  /** Sessions in a suspended tenant end. @throws SBX_TENANT_INVALID */
  update(actor: Actor, tenantId: number, change: { readonly name?: string; readonly status?: TenantStatus }): void;
  /** @throws SBX_TENANT_IN_USE while it has users, PLUGIN_LIFECYCLE_PRECONDITION_VETOED */
  remove(actor: Actor, tenantId: number): Promise<void>;
  /** Says which tenants a user may enter besides the own one; the user's sessions end. @throws USER_NOT_FOUND, SBX_TENANT_INVALID */
  setMemberships(actor: Actor, userId: number, tenantIds: readonly number[]): void;
  /** Plugins that are installed per tenant. @throws CROSS_TENANT_NOT_ALLOWED */
  plugins(actor: Actor, tenantId: number): readonly TenantPluginItem[];
  /** @throws CROSS_TENANT_NOT_ALLOWED, PLUGIN_NOT_FOUND, SBX_TENANT_PLUGIN_GLOBAL, PLUGIN_LIFECYCLE_PRECONDITION_VETOED */
  setPlugin(actor: Actor, tenantId: number, pluginId: string, enabled: boolean): Promise<void>;
  /** Has every tenant that has never decided on a plugin have it. */
  provision(pluginId: string): void;
  /** What cannot be: users of the platform who are members of a tenant (`spec/governance.md` §8.6). */
  inconsistencies(): readonly string[];
  /** Whether a plugin with this install mode is there for a tenant; read anew each time. */
  exposes(plugin: Pick<TenantPlugin, 'pluginId' | 'installMode'>, tenantId: number): boolean;
}

export interface TenantsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly now: () => number;
  readonly onLockedOut: (userId: number) => void;
  readonly onSuspended: (tenantId: number) => void;
  /** Where it is written which tenant has which plugin; without it no tenant has any. */
  readonly state: () => Pick<StateStore, 'get' | 'set' | 'delete'> | undefined;
  readonly plugins: () => readonly TenantPlugin[];
  readonly callbacks: () => TenantCallbacks | undefined;
}

/** The host's own key among those of the plugin (`spec/governance.md` §0.2). */
const ENABLED_KEY = '__tenant_enabled__';

export function openTenants(options: TenantsOptions): Tenants {
  const { database, accounts, now, onLockedOut, onSuspended } = options;
  const statements = prepare(database);

  const find = (tenantId: number) => stored(() => statements.find.get(tenantId)) as TenantItem | undefined;
  const show = (actor: Actor, tenantId: number): TenantItem => {
    const tenant = actor.tenantId === 0 || actor.tenantId === tenantId ? find(tenantId) : undefined;
    if (tenant === undefined) throw new SandpoolError('SBX_TENANT_NOT_FOUND', { tenantId });
    return tenant;
  };
  const hasPlugin = (pluginId: string, tenantId: number): boolean =>
    stored(() => options.state()?.get({ pluginId, tenantId }, ENABLED_KEY)) === 'enabled';
  const perTenant = () => options.plugins().filter(({ installMode }) => installMode === 'tenant_scoped');

  return {
    show,
    exists: (tenantId) => find(tenantId) !== undefined,
    isSuspended: (tenantId) => find(tenantId)?.status === 'suspended',
    isMember: (userId, tenantId) => stored(() => statements.isMember.get(userId, tenantId)) !== undefined,
    list: (actor) =>
      (stored(() => statements.list.all()) as TenantItem[]).filter(
        ({ id }) => actor.tenantId === 0 || actor.tenantId === id,
      ),
    create(actor, { code, name }) {
      requirePlatform(actor);
      checkCode(code);
      checkName(name);
      return accounts.change(() => {
        const tenantId = statements.add.get({ code, name: trimGo(name), at: now() }) as number | undefined;
        if (tenantId === undefined) throw new SandpoolError('SBX_TENANT_EXISTS', { code });
        // Beside the transaction, in another file: a tenant that is not stored in the end leaves rows that its number clears.
        for (const { pluginId, autoEnableForNewTenants } of perTenant()) {
          const scope = { pluginId, tenantId };
          if (autoEnableForNewTenants) options.state()?.set(scope, ENABLED_KEY, 'enabled');
          else options.state()?.delete(scope, ENABLED_KEY);
        }
        return tenantId;
      });
    },
    update(actor, tenantId, change) {
      requirePlatform(actor);
      const { name, status } = { ...show(actor, tenantId), ...change };
      checkName(name);
      accounts.change(() => statements.update.run({ tenantId, name: trimGo(name), status, at: now() }));
      if (status === 'suspended') onSuspended(tenantId);
    },
    async remove(actor, tenantId) {
      requirePlatform(actor);
      const { userCount } = show(actor, tenantId);
      requireEmpty(userCount, tenantId);
      await options.callbacks()?.ask('BeforeTenantDelete', { tenantId });
      accounts.change(() => {
        requireEmpty(find(tenantId)?.userCount ?? 0, tenantId);
        statements.remove.run(tenantId);
      });
      onSuspended(tenantId);
      for (const { pluginId } of options.plugins()) options.state()?.delete({ pluginId, tenantId }, ENABLED_KEY);
      await options.callbacks()?.tell('AfterTenantDelete', { tenantId });
    },
    setMemberships(actor, userId, tenantIds) {
      requirePlatform(actor);
      const home = stored(() => statements.homeOf.get(userId)) as number | undefined;
      if (home === undefined) throw new SandpoolError('USER_NOT_FOUND', { userId });
      // `spec/governance.md` §8.6: a start would be refused.
      if (home === 0 && tenantIds.length > 0) throw invalid('a user of the platform is a member of no tenant');
      for (const tenantId of tenantIds) show(actor, tenantId);
      accounts.change(() => {
        statements.leave.run(userId, JSON.stringify(tenantIds));
        for (const tenantId of new Set(tenantIds)) statements.join.run(userId, tenantId);
      });
      onLockedOut(userId);
    },
    plugins(actor, tenantId) {
      requireOwnTenant(actor, tenantId);
      show(actor, tenantId);
      return perTenant().map((plugin) => ({ ...plugin, tenantEnabled: hasPlugin(plugin.pluginId, tenantId) }));
    },
    async setPlugin(actor, tenantId, pluginId, enabled) {
      requireOwnTenant(actor, tenantId);
      show(actor, tenantId);
      const plugin = options.plugins().find((one) => one.pluginId === pluginId);
      if (plugin === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId });
      if (!plugin.installed) throw new SandpoolError('PLUGIN_NOT_INSTALLED', { pluginId });
      if (plugin.installMode === 'global') throw new SandpoolError('SBX_TENANT_PLUGIN_GLOBAL', { pluginId });
      if (hasPlugin(pluginId, tenantId) === enabled) return;
      const about = { tenantId, pluginId };
      if (!enabled) await options.callbacks()?.ask('BeforeTenantDisable', about);
      accounts.change(() => options.state()?.set(about, ENABLED_KEY, enabled ? 'enabled' : 'disabled'));
      if (!enabled) await options.callbacks()?.tell('AfterTenantDisable', about);
    },
    provision(pluginId) {
      const state = options.state();
      accounts.change(() => {
        for (const { id: tenantId } of statements.list.all() as TenantItem[]) {
          const scope = { pluginId, tenantId };
          if (state?.get(scope, ENABLED_KEY) === undefined) state?.set(scope, ENABLED_KEY, 'enabled');
        }
      });
    },
    inconsistencies: () =>
      (stored(() => statements.homeless.all()) as string[]).map(
        (username) => `the user ${username} of the platform is a member of a tenant`,
      ),
    exposes: ({ pluginId, installMode }, tenantId) =>
      tenantId === 0 || installMode === 'global' || hasPlugin(pluginId, tenantId),
  };
}

function prepare(database: Database) {
  const select = `SELECT id, code, name, status, created_at AS createdAt, updated_at AS updatedAt,
                         (SELECT count(*) FROM sys_user WHERE tenant_id = sys_tenant.id) AS userCount FROM sys_tenant`;
  return {
    list: database.prepare(`${select} ORDER BY id`),
    find: database.prepare(`${select} WHERE id = ?`),
    add: database
      .prepare(
        `INSERT INTO sys_tenant (code, name, created_at, updated_at) VALUES (@code, @name, @at, @at)
         ON CONFLICT (code) DO NOTHING RETURNING id`,
      )
      .pluck(),
    update: database.prepare(
      'UPDATE sys_tenant SET name = @name, status = @status, updated_at = @at WHERE id = @tenantId',
    ),
    remove: database.prepare('DELETE FROM sys_tenant WHERE id = ?'),
    homeOf: database.prepare('SELECT tenant_id FROM sys_user WHERE id = ?').pluck(),
    isMember: database.prepare('SELECT 1 FROM sys_user_tenant WHERE user_id = ? AND tenant_id = ?').pluck(),
    homeless: database
      .prepare(
        'SELECT username FROM sys_user WHERE tenant_id = 0 AND id IN (SELECT user_id FROM sys_user_tenant) ORDER BY id',
      )
      .pluck(),
    // Who stays a member, keeps the roles there.
    leave: database.prepare(
      'DELETE FROM sys_user_tenant WHERE user_id = ? AND tenant_id NOT IN (SELECT value FROM json_each(?))',
    ),
    join: database.prepare('INSERT INTO sys_user_tenant VALUES (?, ?) ON CONFLICT DO NOTHING'),
  };
}

function checkCode(code: string): void {
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(code) || code.length > 64) {
    throw invalid('a code has 1 to 64 lower-case letters and digits, in words that hyphens join');
  }
}

function checkName(name: string): void {
  if (trimGo(name) === '' || name.length > 128) throw invalid('a name has 1 to 128 characters');
}

function requireEmpty(userCount: number, tenantId: number): void {
  if (userCount > 0) throw new SandpoolError('SBX_TENANT_IN_USE', { tenantId, userCount });
}

function invalid(reason: string): SandpoolError {
  return new SandpoolError('SBX_TENANT_INVALID', { reason });
}
