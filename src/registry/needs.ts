/** Dependency checks on what the catalog holds. */
import type { Artifact } from '../artifact/artifact.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Core } from './core.js';
import {
  type Candidate,
  checkDependencies,
  type DependencyCheck,
  type ForwardAxis,
  type PluginFacts,
  type ReverseAxis,
  requireDependencies,
  requireNoDependents,
} from './dependencies.js';
import { effectiveReleaseOf } from './journal.js';
import { type Entry, recordOf } from './projection.js';
import { decodeNeeds } from './snapshot.js';
import type { InstallMode } from './tables.js';

/** Checks a release that is to be in effect. */
export function checkCandidate(core: Core, artifact: Artifact, axes: { forward: ForwardAxis; reverse: ReverseAxis }) {
  const { id: pluginId, version, dependencies } = artifact.manifest;
  return checkDependencies({ pluginId, version, dependencies }, factsOf(core), axes);
}

/** The check of a plugin as it stands: what it needs, and who needs it. */
export function checkEntry(core: Core, entry: Entry): DependencyCheck {
  const { plugin } = entry.rows;
  const forward = plugin.installed ? 'enable' : 'install';
  return checkDependencies(candidateOf(entry), factsOf(core), { forward, reverse: 'uninstall' });
}

/** @throws PLUGIN_DEPENDENCY_BLOCKED */
export function requireNeeds(core: Core, artifact: Artifact, forward: ForwardAxis): void {
  requireDependencies(checkCandidate(core, artifact, { forward, reverse: 'upgrade' }));
}

/** For a switch to another version. @throws PLUGIN_DEPENDENCY_BLOCKED, PLUGIN_REVERSE_DEPENDENCY_BLOCKED */
export function requireSwitch(core: Core, artifact: Artifact): void {
  const check = checkCandidate(core, artifact, { forward: 'install', reverse: 'upgrade' });
  requireDependencies(check);
  requireNoDependents(check, 'upgrade');
}

/**
 * A plugin that was installed for tenants does not become one for everybody by another release; that takes another installation
 * (`spec/governance.md` §8.2).
 * @throws PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH
 */
export function requireMode({ manifest }: Artifact, installMode: InstallMode): void {
  const { id: pluginId, scopeNature, supportsMultiTenant } = manifest;
  const isForTenants = scopeNature === 'tenant_aware' && supportsMultiTenant;
  if (installMode === 'global' || isForTenants) return;
  const facts = { pluginId, scopeNature, supportsMultiTenant, installMode };
  throw new SandpoolError('PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH', facts);
}

/** @throws PLUGIN_REVERSE_DEPENDENCY_BLOCKED, PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED */
export function requireUnneeded(core: Core, entry: Entry, axis: 'disable' | 'uninstall'): void {
  const check = checkDependencies(candidateOf(entry), factsOf(core), { forward: 'install', reverse: axis });
  requireNoDependents(check, axis);
}

function candidateOf(entry: Entry): Candidate {
  const { pluginId, version } = entry.rows.plugin;
  return { pluginId, version, dependencies: factOf(entry).dependencies ?? { plugins: [] } };
}

function factsOf({ catalog }: Core): ReadonlyMap<string, PluginFacts> {
  const known = [...catalog.entries()].filter((entry) => recordOf(entry) !== undefined).map(factOf);
  return new Map(known.map((plugin) => [plugin.pluginId, plugin]));
}

/** What an installed plugin needs is what its release said when it was installed, and not what is staged. */
function factOf({ rows, staged }: Entry): PluginFacts {
  const { plugin } = rows;
  const discovered = staged?.artifact.manifest.dependencies;
  const release = plugin.installed ? effectiveReleaseOf(rows) : undefined;
  const needs = release && decodeNeeds(release.manifestSnapshot);
  return {
    pluginId: plugin.pluginId,
    name: plugin.name,
    version: plugin.version,
    installed: plugin.installed === 1,
    enabled: plugin.status === 1,
    dependencies: plugin.installed ? needs?.dependencies : discovered,
    discoveredDependencies: discovered,
    services: (plugin.installed ? needs?.services : staged?.artifact.hostServices) ?? [],
  };
}
