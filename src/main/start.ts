/** The start of a host, once its rooms are open: plugins are loaded, and tenants have what they are to have. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { IdentityRoom } from '../identity/identity.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Registry } from '../registry/registry.js';

/**
 * Loads what is enabled, of which a bad one stops no other; then what the configuration asks for, without which no start is whole.
 * @param isFirst whether this process brings the plugins up to date; every other loads what that one has left
 */
export async function startPlugins(
  registry: Registry,
  config: Config,
  log: Logger,
  see: (pluginId: string) => void,
  isFirst: boolean,
): Promise<void> {
  if (!isFirst) await registry.follow();
  const report = isFirst ? await registry.reload() : undefined;
  for (const { plugin } of registry.list()) see(plugin.pluginId);
  log.debug({ report }, 'plugins are loaded');
  if (report === undefined) return;
  await registry.autoEnable(config.plugin.autoEnable);
}

/** Rows that only somebody else can have written (`spec/governance.md` §8.6). @throws PLUGIN_STARTUP_CONSISTENCY_FAILED */
export function requireConsistency({ tenants }: IdentityRoom, registry: Pick<Registry, 'inconsistencies'>): void {
  const details = [...registry.inconsistencies(), ...tenants.inconsistencies()].join('; ');
  if (details !== '') throw new SandpoolError('PLUGIN_STARTUP_CONSISTENCY_FAILED', { details });
}

/** What the configuration wants enabled and is installed per tenant, tenants have too (`spec/governance.md` §8.4). */
export async function provisionTenants(
  registry: Registry,
  { tenants }: IdentityRoom,
  { plugin }: Config,
): Promise<void> {
  for (const { id } of plugin.autoEnable) {
    if (registry.find(id)?.installMode !== 'tenant_scoped') continue;
    try {
      await registry.setProvisioningPolicy(id, { autoEnableForNewTenants: true, by: 'plugin.autoEnable' });
      tenants.provision(id);
    } catch (cause) {
      const facts = { pluginId: id, reason: reasonOf(cause) };
      throw new SandpoolError('PLUGIN_AUTO_ENABLE_TENANT_PROVISIONING_FAILED', facts, { cause });
    }
  }
}
