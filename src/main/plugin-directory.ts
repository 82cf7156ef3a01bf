/** The plugins of the host as a plugin may see them: the registry's records, and the tenants' say. */
import type { Manifest } from '../artifact/manifest.js';
import type { IdentityRoom } from '../identity/identity.js';
import type { TenantCallbacks } from '../identity/tenants.js';
import type { PluginRecord, Registry } from '../registry/registry.js';
import type { DirectoryPlugin, PluginDirectory } from '../services/plugin-directory-port.js';
import type { Database } from '../store/sqlite.js';

type ManifestWords = Pick<Manifest, 'id' | 'name' | 'version' | 'description' | 'scopeNature' | 'defaultInstallMode'>;

export interface PluginDirectoryParts {
  readonly registry: Pick<Registry, 'list'>;
  readonly identity: { readonly tenants: Pick<IdentityRoom['tenants'], 'exists' | 'exposes'> };
  readonly database: Database;
  readonly callbacks: TenantCallbacks;
}

export function createPluginDirectory(parts: PluginDirectoryParts): PluginDirectory {
  const { registry, identity, callbacks } = parts;
  const stored = parts.database
    .prepare<[string], number>('SELECT 1 FROM sys_plugin WHERE plugin_id = ? AND installed = 1 AND status = 1')
    .pluck();
  return {
    list: () => registry.list().map(pluginOf),
    find(pluginId) {
      const record = registry.list().find(({ plugin }) => plugin.pluginId === pluginId);
      return record && pluginOf(record);
    },
    exposes: ({ pluginId, installMode }, tenantId) => identity.tenants.exposes({ pluginId, installMode }, tenantId),
    isEnabledNow: (pluginId) => stored.get(pluginId) !== undefined,
    tenantExists: (tenantId) => identity.tenants.exists(tenantId),
    ask: (loss) => callbacks.ask(loss.pluginId === undefined ? 'BeforeTenantDelete' : 'BeforeTenantDisable', loss),
    tell: (loss) => callbacks.tell(loss.pluginId === undefined ? 'AfterTenantDelete' : 'AfterTenantDisable', loss),
  };
}

/** What a release sees that runs alone, with nothing installed beside it and no tenants. */
export function directoryOfOne({ id, name, version, description, ...manifest }: ManifestWords): PluginDirectory {
  const plugin: DirectoryPlugin = {
    pluginId: id,
    name,
    version,
    type: 'dynamic',
    description,
    installed: true,
    enabled: true,
    state: 'enabled',
    scopeNature: manifest.scopeNature,
    installMode: manifest.defaultInstallMode,
  };
  const nobody = async (): Promise<void> => {};
  return {
    list: () => [plugin],
    find: (pluginId) => (pluginId === id ? plugin : undefined),
    exposes: () => true,
    isEnabledNow: (pluginId) => pluginId === id,
    tenantExists: () => false,
    ask: nobody,
    tell: nobody,
  };
}

function pluginOf({ plugin }: PluginRecord): DirectoryPlugin {
  return {
    pluginId: plugin.pluginId,
    name: plugin.name,
    version: plugin.version,
    type: plugin.type,
    description: plugin.remark,
    installed: plugin.installed === 1,
    enabled: plugin.installed === 1 && plugin.status === 1,
    state: plugin.currentState,
    scopeNature: plugin.scopeNature,
    installMode: plugin.installMode,
  };
}
