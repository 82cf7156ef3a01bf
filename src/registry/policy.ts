/** Whether new tenants get a plugin (`spec/governance.md` §8.4). */
import { SandpoolError } from '../protocol/errors.js';
import { show } from './commit.js';
import type { Turn } from './core.js';
import { effectiveReleaseOf } from './journal.js';

/** @throws PLUGIN_SOURCE_REGISTRY_NOT_FOUND (the name is the reference's, for any plugin), PLUGIN_TENANT_PROVISIONING_POLICY_INVALID */
export async function setProvisioningPolicy(turn: Turn, autoEnableForNewTenants: boolean): Promise<void> {
  const { pluginId } = turn;
  const entry = turn.catalog.get(pluginId);
  if (entry === undefined || turn.catalog.record(pluginId) === undefined) {
    throw new SandpoolError('PLUGIN_SOURCE_REGISTRY_NOT_FOUND', { pluginId });
  }
  const { plugin } = entry.rows;
  const manifest = (plugin.installed ? entry.effective : entry.staged)?.artifact.manifest;
  const isPerTenant = plugin.scopeNature === 'tenant_aware' && plugin.installMode === 'tenant_scoped';
  if (!isPerTenant || manifest?.supportsMultiTenant === false) {
    throw new SandpoolError('PLUGIN_TENANT_PROVISIONING_POLICY_INVALID', { pluginId });
  }
  const wanted = autoEnableForNewTenants ? 1 : 0;
  if (plugin.autoEnableForNewTenants === wanted) return;
  turn.commit({
    pluginId,
    basedOn: plugin.generation,
    plugin: { ...plugin, autoEnableForNewTenants: wanted },
    effectiveVersion: effectiveReleaseOf(entry.rows)?.releaseVersion ?? '',
  });
  show(turn, entry);
  turn.publish(pluginId, 'plugin_tenant_provisioning_policy_updated');
}
