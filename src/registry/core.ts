/** What the operations of the registry share. */
import type { Artifact } from '../artifact/artifact.js';
import type { Blobs } from '../store/blobs.js';
import type { Catalog } from './catalog.js';
import type { Situation } from './decide.js';
import { effectiveReleaseOf, type Journal } from './journal.js';
import type { Entry, PluginView } from './projection.js';
import type { Serial } from './serial.js';
import type { Staging } from './staging.js';

/** Words for what has changed (`spec/governance.md` §1.11), and our own for a changed authorization. */
export type ChangeReason =
  | 'plugin_installed'
  | 'plugin_enabled'
  | 'plugin_disabled'
  | 'plugin_refreshed'
  | 'plugin_authorized'
  | 'dynamic_package_uploaded'
  | 'runtime_artifact_missing';

export interface RegistryChange {
  readonly pluginId: string;
  readonly reason: ChangeReason;
  /** The plugin from now on; absent when nothing of it is in force. */
  readonly view?: PluginView;
}

/** What composition gives, so that the engine serves what the registry says. */
export interface EngineHooks {
  /** Loads and warms a release, in place of the plugin's release before it. When it fails, nothing has changed. */
  readonly activate: (view: PluginView) => Promise<void>;
  readonly deactivate: (pluginId: string) => void;
}

export interface RegistryLog {
  warn(facts: object, message: string): void;
}

export interface Core {
  readonly engine: EngineHooks;
  readonly blobs: Blobs;
  readonly journal: Journal;
  readonly staging: Staging;
  readonly catalog: Catalog;
  /** One operation at a time for each plugin. */
  readonly serial: Serial;
  readonly parseArtifact: (bytes: Uint8Array) => Artifact;
  readonly grantUnreviewed: boolean;
  readonly now: () => number;
  readonly log: RegistryLog;
  readonly publish: (pluginId: string, reason: ChangeReason) => void;
}

export async function situationOf(core: Core, pluginId: string, entry: Entry | undefined): Promise<Situation> {
  const artifact = entry?.staged?.artifact;
  return {
    pluginId,
    plugin: entry?.rows.plugin,
    staged: artifact && { version: artifact.manifest.version, checksum: artifact.checksum },
    isArchiveSound: await isArchiveSound(core, entry),
    isLoaded: entry?.isLoaded ?? false,
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
