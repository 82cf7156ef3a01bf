/** Events of the host, told to the plugins that hook into them. */
import type { IdentityRoom } from '../identity/identity.js';
import type { HookEvent, HookPayload, Hooks } from '../registry/hooks.js';
import type { PluginView, Registry } from '../registry/registry.js';
import { showsPlugin } from './tenants.js';

export type TellHooks = (event: { name: HookEvent; tenantId: number; payload: HookPayload }) => Promise<void>;

/** Every plugin that is in force, and there for the tenant, hears of an event of the host, by id. */
export function tellHooks(parts: { hooks: Hooks; registry: Registry; identity: IdentityRoom }): TellHooks {
  const { hooks, registry, identity } = parts;
  return ({ name, tenantId, payload }) => {
    const views = registry.list().map(({ plugin }) => registry.find(plugin.pluginId));
    const inForce = views.filter((view) => view !== undefined && showsPlugin(identity, view, tenantId));
    return hooks.dispatch(name, inForce as readonly PluginView[], payload, tenantId);
  };
}
