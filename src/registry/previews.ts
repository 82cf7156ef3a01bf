/** Previews of upgrades and rollbacks: everything is read, nothing is changed. */
import { SandpoolError } from '../protocol/errors.js';
import type { Core } from './core.js';
import { effectiveReleaseOf } from './journal.js';
import { checkCandidate } from './needs.js';
import type { RollbackPreview, UpgradePreview } from './operations.js';
import { differencesOf, hostServicesDiff, manifestFacts, riskHints, type Side, sqlSummary } from './preview.js';
import type { Entry } from './projection.js';
import { readTarget } from './rollback.js';

/** @throws PLUGIN_NOT_FOUND, PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE, PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID */
export function previewUpgrade(core: Core, pluginId: string): UpgradePreview {
  const entry = core.catalog.get(pluginId);
  const record = core.catalog.record(pluginId);
  if (entry === undefined || record === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId });
  const { runtimeState, effectiveVersion, discoveredVersion } = record;
  const isOffered = runtimeState === 'pending_upgrade' || runtimeState === 'upgrade_failed';
  if (!isOffered || entry.staged === undefined) {
    throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE', { pluginId, runtimeState });
  }
  const from = effectiveOf(entry);
  const to = entry.staged;
  const dependencyCheck = checkCandidate(core, to.artifact, { forward: 'install', reverse: 'upgrade' });
  const diff = hostServicesDiff(from, to);
  return {
    pluginId,
    runtimeState,
    effectiveVersion,
    discoveredVersion,
    fromManifest: manifestFacts(from),
    toManifest: manifestFacts(to),
    dependencyCheck,
    sqlSummary: sqlSummary(to),
    hostServicesDiff: diff,
    riskHints: riskHints(to, diff, dependencyCheck),
    differences: differencesOf(from.artifact, to.artifact),
  };
}

/** @throws PLUGIN_NOT_FOUND, PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE, PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID */
export async function previewRollback(core: Core, pluginId: string, version?: string): Promise<RollbackPreview> {
  const entry = core.catalog.get(pluginId);
  if (entry === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId });
  const to = await readTarget(core, pluginId, entry, version);
  const from = effectiveOf(entry);
  const differences = differencesOf(from.artifact, to.artifact);
  const { added, removed, changed } = differences.installSql;
  // What the target does not have, or has otherwise, the newer release has left behind.
  const sqlLeft = [...removed, ...changed].sort();
  return {
    pluginId,
    fromVersion: from.artifact.manifest.version,
    toVersion: to.artifact.manifest.version,
    dependencyCheck: checkCandidate(core, to.artifact, { forward: 'install', reverse: 'upgrade' }),
    hostServicesDiff: hostServicesDiff(from, to),
    differences,
    sqlCompatibility: added.length + sqlLeft.length === 0 ? 'unchanged' : 'kept',
    sqlLeft,
  };
}

function effectiveOf({ rows, effective, problem }: Entry): Side {
  const { pluginId, version } = rows.plugin;
  const release = effectiveReleaseOf(rows);
  if (release === undefined) throw new SandpoolError('PLUGIN_RELEASE_NOT_FOUND', { pluginId, version });
  if (release.manifestSnapshot.trim() === '') {
    throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_MISSING', { pluginId, version });
  }
  if (effective !== undefined) return effective;
  const reason = problem?.message ?? 'its archived file is not there';
  throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID', { pluginId, version, reason });
}
