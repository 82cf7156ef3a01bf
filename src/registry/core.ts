/** What the operations of the registry share. */
import type { Artifact } from '../artifact/artifact.js';
import type { Blobs } from '../store/blobs.js';
import type { AuditAction } from './audit.js';
import type { Catalog } from './catalog.js';
import type { Situation } from './decide.js';
import { type Change, effectiveReleaseOf, type Journal } from './journal.js';
import type { EngineHooks, GovernancePort, HookPort, SqlPort, StatePort, StoragePort } from './ports.js';
import { type Entry, type PluginView, recordOf } from './projection.js';
import type { Serial } from './serial.js';
import type { Staging } from './staging.js';

/** Words for what has changed (`spec/governance.md` §1.11), and our own. */
export type ChangeReason =
  | 'plugin_installed'
  | 'plugin_enabled'
  | 'plugin_disabled'
  | 'plugin_refreshed'
  | 'plugin_upgraded'
  | 'plugin_rolled_back'
  | 'plugin_uninstalled'
  | 'plugin_orphan_uninstalled'
  | 'plugin_authorized'
  | 'plugin_tenant_provisioning_policy_updated'
  | 'plugin_changed_elsewhere'
  | 'dynamic_package_uploaded'
  | 'runtime_upgrade_failed'
  | 'runtime_artifact_missing'
  | 'stale_reconciling_restored';

export interface RegistryChange {
  readonly pluginId: string;
  readonly reason: ChangeReason;
  /** The plugin from now on; absent when nothing of it is in force. */
  readonly view?: PluginView;
}

export interface RegistryLog {
  warn(facts: object, message: string): void;
}

export interface Core {
  readonly engine: EngineHooks;
  readonly sql?: SqlPort | undefined;
  readonly governance?: GovernancePort | undefined;
  readonly storage?: StoragePort | undefined;
  readonly state?: StatePort | undefined;
  readonly hooks?: HookPort | undefined;
  readonly blobs: Blobs;
  readonly journal: Journal;
  readonly staging: Staging;
  readonly catalog: Catalog;
  /** One operation at a time for each plugin. */
  readonly serial: Serial;
  readonly parseArtifact: (bytes: Uint8Array) => Artifact;
  readonly grantUnreviewed: boolean;
  readonly allowForceUninstall: boolean;
  readonly now: () => number;
  readonly log: RegistryLog;
  readonly publish: (pluginId: string, reason: ChangeReason) => void;
  /** Plugins with a marker of this process that could not be taken away again. */
  readonly owed: Set<string>;
}

/** One operation on one plugin, asked for by somebody. */
export interface Turn extends Core {
  readonly pluginId: string;
  readonly action: AuditAction;
  readonly by: string;
  /** Writes a transition together with its line in the audit log. */
  readonly commit: (change: Change) => void;
}

export async function situationOf(core: Core, pluginId: string, entry: Entry | undefined): Promise<Situation> {
  const artifact = entry?.staged?.artifact;
  return {
    pluginId,
    plugin: entry?.rows.plugin,
    staged: artifact && { version: artifact.manifest.version, checksum: artifact.checksum },
    isArchiveSound: await isArchiveSound(core, entry),
    isLoaded: entry?.isLoaded ?? false,
    runtimeState: (entry && recordOf(entry)?.runtimeState) ?? 'normal',
  };
}

async function isArchiveSound(core: Core, entry: Entry | undefined): Promise<boolean> {
  const release = entry && effectiveReleaseOf(entry.rows);
  if (release === undefined) return false;
  return core.blobs.readArchive(release.packagePath, release.checksum).then(
    () => true,
    () => false,
  );
}
