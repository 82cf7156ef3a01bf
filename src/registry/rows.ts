/** Rows made from artifacts. */
import type { Artifact } from '../artifact/artifact.js';
import type { Authorization } from './authorization.js';
import { effectiveReleaseStatus, type Standing } from './decide.js';
import type { Change, ReleaseDraft } from './journal.js';
import { encodeSnapshot } from './snapshot.js';
import type { InstallMode, PluginRow, ReleaseStatus } from './tables.js';

export type PluginDraft = NonNullable<Change['plugin']>;

/** The row of a plugin that was never seen before. */
export function discoveredPlugin(artifact: Artifact, file: string): PluginDraft {
  return {
    ...manifestColumns(artifact, file),
    installMode: artifact.manifest.defaultInstallMode,
    autoEnableForNewTenants: 0,
    installed: 0,
    status: 0,
    desiredState: 'uninstalled',
    currentState: 'uninstalled',
    generation: 1,
    installedAt: null,
    enabledAt: null,
    disabledAt: null,
    previousReleaseId: 0,
    restage: 0,
  };
}

/** An existing row that an artifact is written over; standing stays, and the install mode that was chosen at the installation. */
export function pluginOver(before: PluginRow, artifact: Artifact, file: string): PluginDraft {
  const installMode = before.installed ? before.installMode : artifact.manifest.defaultInstallMode;
  return { ...before, ...manifestColumns(artifact, file), installMode };
}

/** A row that a transition has led to. */
export function pluginAfter(
  before: PluginDraft,
  standing: Standing,
  at: number,
  installMode?: InstallMode,
): PluginDraft {
  const mode = installMode ?? before.installMode;
  return {
    ...before,
    ...standing,
    installMode: mode,
    // A policy for tenants ends with the mode that it was made for.
    autoEnableForNewTenants: mode === 'global' ? 0 : before.autoEnableForNewTenants,
    installedAt: standing.installed && !before.installed ? at : before.installedAt,
    enabledAt: standing.status && !before.status ? at : before.enabledAt,
    disabledAt: !standing.status && before.status ? at : before.disabledAt,
  };
}

export function releaseOf(
  artifact: Artifact,
  authorization: Authorization,
  { status, packagePath, file }: { status: ReleaseStatus; packagePath: string; file: string },
): ReleaseDraft {
  const { manifest, metadata, checksum } = artifact;
  return {
    pluginId: manifest.id,
    releaseVersion: manifest.version,
    type: manifest.type,
    runtimeKind: metadata.runtimeKind,
    schemaVersion: metadata.abiVersion,
    minHostVersion: manifest.dependencies.framework?.version ?? '',
    maxHostVersion: '',
    status,
    manifestPath: file,
    packagePath,
    checksum,
    manifestSnapshot: encodeSnapshot(artifact, authorization),
  };
}

/** The effective release once its plugin stands like this. */
export function releaseStanding<Release extends ReleaseDraft>(release: Release, standing: Standing): Release {
  return { ...release, status: effectiveReleaseStatus(standing) };
}

/** What is wrong with the scope and the install mode of a row, which only somebody else can have written. */
export function inconsistenciesOf({ pluginId, installed, scopeNature, installMode }: PluginRow): readonly string[] {
  if (!installed) return [];
  const isKnown = ['platform_only', 'tenant_aware'].includes(scopeNature);
  if (!isKnown) return [`the plugin ${pluginId} has the unknown scope ${scopeNature}`];
  if (installMode !== 'global' && installMode !== 'tenant_scoped') {
    return [`the plugin ${pluginId} has the unknown install mode ${String(installMode)}`];
  }
  const isWrong = scopeNature === 'platform_only' && installMode === 'tenant_scoped';
  return isWrong ? [`the plugin ${pluginId} belongs to the platform and is installed for tenants`] : [];
}

function manifestColumns({ manifest, checksum }: Artifact, file: string) {
  return {
    pluginId: manifest.id,
    name: manifest.name,
    version: manifest.version,
    type: manifest.type,
    distribution: manifest.distribution,
    scopeNature: manifest.scopeNature,
    manifestPath: file,
    checksum,
    remark: manifest.description,
  };
}
