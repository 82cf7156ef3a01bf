/** Plugins and their releases: what exists, what is installed, what serves. */
import type { Artifact } from '../artifact/artifact.js';
import type { Grant } from '../grants/grant.js';

export type RuntimeState = 'normal' | 'pending_upgrade' | 'abnormal' | 'upgrade_running' | 'upgrade_failed';

/** A plugin with the artifact in force: that of the effective release when installed, else the discovered one. */
export interface PluginView {
  readonly pluginId: string;
  readonly version: string;
  readonly checksum: string;
  readonly generation: number;
  readonly releaseId: number;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly runtimeState: RuntimeState;
  readonly artifact: Artifact;
  /** What an administrator granted; empty until installed. */
  readonly grant: Grant;
}
