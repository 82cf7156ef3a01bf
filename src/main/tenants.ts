/** Plugins as tenants have them: which are shown, which are listed, and which are heard when one goes. */
import type { Logger } from 'pino';
import type { LifecycleOperation } from '../artifact/lifecycle.js';
import type { Config } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import type { IdentityRoom } from '../identity/identity.js';
import type { TenantCallbacks, TenantEvent, TenantPlugin } from '../identity/tenants.js';
import { SandpoolError } from '../protocol/errors.js';
import { askGuest, hasCallback, tellGuest } from '../registry/lifecycle.js';
import type { PluginView, PreparedRelease, Registry } from '../registry/registry.js';
import { prepareRelease, releaseOf } from './releases.js';

/** Whether menus and permissions of a plugin are there for a tenant. */
export function showsPlugin({ tenants }: IdentityRoom, view: PluginView | undefined, tenantId: number): boolean {
  const isInForce = view?.installed === true && view.enabled && view.runtimeState === 'normal';
  return isInForce && tenants.exposes(view, tenantId);
}

/** What tenants know of every plugin. */
export function tenantPlugins(registry: Pick<Registry, 'list'>): readonly TenantPlugin[] {
  return registry.list().map(({ plugin }) => ({
    pluginId: plugin.pluginId,
    name: plugin.name,
    version: plugin.version,
    installed: plugin.installed === 1,
    enabled: plugin.status === 1,
    installMode: plugin.installMode,
    autoEnableForNewTenants: plugin.autoEnableForNewTenants === 1,
  }));
}

export interface TenantCallbackParts {
  readonly registry: Registry;
  readonly engine: Engine;
  readonly config: Config;
  readonly log: Logger;
}

/** What guests are asked before a tenant loses something, and told afterwards (`spec/governance.md` §8.5). */
export function tenantCallbacks(parts: () => TenantCallbackParts): TenantCallbacks {
  const withGuests = async (
    operation: LifecycleOperation,
    { pluginId }: TenantEvent,
    work: (view: PluginView, prepared: PreparedRelease | undefined) => Promise<void>,
  ): Promise<void> => {
    const { registry, engine, config } = parts();
    const ids = pluginId === undefined ? registry.list().map(({ plugin }) => plugin.pluginId) : [pluginId];
    for (const view of ids.map(registry.find)) {
      if (!view?.installed || !view.enabled || !hasCallback(view.artifact, [operation])) continue;
      // One that cannot be prepared cannot be asked, and who cannot be asked refuses.
      const prepared = await prepareRelease(engine, releaseOf(view, registry, config)).catch(() => undefined);
      await work(view, prepared).finally(() => prepared?.discard());
    }
  };
  return {
    async ask(operation, about) {
      const reasons: string[] = [];
      await withGuests(operation, about, async ({ artifact, pluginId }, prepared) => {
        const verdict = await askGuest(artifact, prepared, operation, { tenantId: about.tenantId });
        if (!verdict.allowed) reasons.push(`${pluginId}:${verdict.reason}`);
      });
      if (reasons.length === 0) return;
      const facts = { operation, pluginId: about.pluginId ?? 'tenant', reasons: reasons.join(';') };
      throw new SandpoolError('PLUGIN_LIFECYCLE_PRECONDITION_VETOED', facts);
    },
    tell: (operation, about) =>
      withGuests(operation, about, ({ artifact }, prepared) =>
        tellGuest(parts().log, artifact, prepared, operation, { tenantId: about.tenantId }),
      ),
  };
}
