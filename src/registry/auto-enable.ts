/** What the configuration wants enabled when the host starts (`spec/governance.md` §2.13). */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { AuthorizationStatus } from './authorization.js';
import type { AutoEnableEntry, InstallOptions } from './operations.js';
import type { PluginRecord } from './projection.js';

/** What this needs of the registry. */
export interface AutoEnableRegistry {
  list(): readonly PluginRecord[];
  install(pluginId: string, options: InstallOptions): Promise<PluginRecord>;
  enable(pluginId: string, options: { readonly by?: string }): Promise<PluginRecord>;
}

const BY = 'plugin.autoEnable';

/**
 * Installs and enables the plugins in this order; of entries with one id the first counts. Nobody is there to confirm anything,
 * so what needs a decision must have had it before, unless everything is granted unreviewed.
 * @throws PLUGIN_AUTO_ENABLE_FAILED with its cause, PLUGIN_DEPENDENCY_BLOCKED; the entries after it are not looked at.
 */
export async function autoEnable(
  registry: AutoEnableRegistry,
  entries: readonly AutoEnableEntry[],
  { grantUnreviewed }: { readonly grantUnreviewed: boolean },
): Promise<void> {
  const first = new Map(entries.toReversed().map((entry) => [entry.id, entry]));
  for (const entry of new Set(entries.map(({ id }) => first.get(id)!))) {
    try {
      await bring(registry, entry, grantUnreviewed);
    } catch (thrown) {
      if (thrown instanceof SandpoolError && thrown.code === 'PLUGIN_DEPENDENCY_BLOCKED') throw thrown;
      const facts = { pluginId: entry.id, reason: reasonOf(thrown) };
      throw new SandpoolError('PLUGIN_AUTO_ENABLE_FAILED', facts, { cause: thrown });
    }
  }
}

async function bring(
  registry: AutoEnableRegistry,
  { id: pluginId, withMockData }: AutoEnableEntry,
  grantUnreviewed: boolean,
): Promise<void> {
  const find = () => registry.list().find(({ plugin }) => plugin.pluginId === pluginId);
  const record = find();
  if (record === undefined) throw new SandpoolError('PLUGIN_AUTO_ENABLE_MANIFEST_NOT_FOUND', { pluginId });
  if (!grantUnreviewed && record.plugin.status === 0) requireConsent(pluginId, record.authorizationStatus);
  const isFirst = record.plugin.installed === 0;
  // On an installed plugin: the same version with other bytes is refreshed.
  if (isFirst || record.discoveredVersion === record.effectiveVersion) {
    await registry.install(pluginId, { by: BY, installMockData: isFirst && withMockData === true });
  }
  if (find()?.plugin.status !== 1) await registry.enable(pluginId, { by: BY });
}

function requireConsent(pluginId: string, status: AuthorizationStatus): void {
  if (status === 'pending') throw new SandpoolError('PLUGIN_DYNAMIC_AUTO_ENABLE_AUTH_SNAPSHOT_MISSING', { pluginId });
}
