/**
 * What an action means in a situation. Pure: nothing is read, nothing is done. Whoever adds a transition adds it here, and a row
 * to the table in the test (`spec/governance.md` §1.5).
 */
import { compareVersions } from '../artifact/versions.js';
import { SandpoolError } from '../protocol/errors.js';
import type { HostState, PluginRow, ReleaseStatus } from './tables.js';

export type Action = 'install' | 'enable' | 'disable' | 'upload';

/** What changes the state of a plugin; each takes the generation one further. */
export type Transition = 'install' | 'refresh' | 'enable' | 'disable' | 'lose';

/** What is known of a plugin at the moment of an action. */
export interface Situation {
  readonly pluginId: string;
  /** Absent when the plugin was never discovered. */
  readonly plugin?: Pick<PluginRow, 'installed' | 'status' | 'version' | 'checksum' | 'currentState'> | undefined;
  /** The artifact in the staging directory. */
  readonly staged?: Bytes | undefined;
  /** Whether the archived file of the effective release is what it was. */
  readonly isArchiveSound: boolean;
  /** Whether the engine serves the effective release. */
  readonly isLoaded: boolean;
}

/** A version and the bytes that stand for it. */
export interface Bytes {
  readonly version: string;
  readonly checksum: string;
}

/** `nothing` succeeds without a change. */
export type Decision = Transition | 'nothing';

/**
 * Decides an administrator's action.
 * @throws PLUGIN_NOT_FOUND, PLUGIN_NOT_INSTALLED, PLUGIN_DYNAMIC_ARTIFACT_MISSING, PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED,
 * PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED
 */
export function decide(situation: Situation, action: Exclude<Action, 'upload'>): Decision {
  if (situation.plugin === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: situation.pluginId });
  if (action === 'install') return situation.plugin.installed ? decideReinstall(situation) : decideInstall(situation);
  if (!situation.plugin.installed) throw new SandpoolError('PLUGIN_NOT_INSTALLED', { pluginId: situation.pluginId });
  return action === 'enable' ? decideEnable(situation) : situation.plugin.status ? 'disable' : 'nothing';
}

function decideInstall(situation: Situation): Decision {
  if (situation.staged === undefined) throw artifactMissing(situation, 'install');
  return 'install';
}

/** Install on an installed plugin refreshes the same version with other bytes; a higher one waits for its upgrade (§1.6, §2.4). */
function decideReinstall(situation: Situation): Decision {
  const { plugin, staged, isArchiveSound, isLoaded } = situation;
  if (staged === undefined) {
    if (isArchiveSound) return 'nothing';
    throw artifactMissing(situation, 'install');
  }
  const order = compareVersions(staged.version, plugin!.version);
  if (order === -1) {
    const { pluginId } = situation;
    const facts = { pluginId, version: plugin!.version, stagedVersion: staged.version };
    throw new SandpoolError('PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED', facts);
  }
  if (order !== 0) return 'nothing';
  const serves = plugin!.currentState !== 'failed' && (isLoaded || !plugin!.status);
  return staged.checksum === plugin!.checksum && isArchiveSound && serves ? 'nothing' : 'refresh';
}

/** The release in the archive is enabled, whatever is staged; a damaged archive is repaired from the very same bytes only. */
function decideEnable(situation: Situation): Decision {
  const { pluginId, plugin, staged, isArchiveSound, isLoaded } = situation;
  if (plugin!.status && plugin!.currentState !== 'failed' && isLoaded) return 'nothing';
  if (isArchiveSound || staged?.checksum === plugin!.checksum) return 'enable';
  const facts = { pluginId, action: 'enable', reason: 'its archived release is damaged; install it again' };
  throw new SandpoolError('PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED', facts);
}

function artifactMissing({ pluginId }: Situation, action: Action): SandpoolError {
  return new SandpoolError('PLUGIN_DYNAMIC_ARTIFACT_MISSING', { pluginId, action, artifactPath: `${pluginId}.wasm` });
}

/** What decides an upload beside the situation. */
export interface UploadFacts extends Bytes {
  readonly overwrite: boolean;
  /** Whether the very bytes that are there already are a success without a change, and not a refusal. */
  readonly acceptIdentical: boolean;
  /** Whether `<plugin-id>.wasm` is staged, readable or not. */
  readonly targetExists: boolean;
  /** Another staged file that embeds the same id. */
  readonly duplicateFile?: string | undefined;
}

/**
 * Decides an upload (`spec/governance.md` §2.3, `spec/artifact.md` §6 steps 7 to 9): to store the file, to do nothing, or to give
 * up an installation of which no bytes are left and then store.
 * @throws SBX_UPLOAD_REFUSED
 */
export function decideUpload(situation: Situation, upload: UploadFacts): 'store' | 'nothing' | 'lose' {
  const { plugin, staged } = situation;
  const isLost = plugin?.installed === 1 && staged === undefined && !situation.isArchiveSound && !upload.targetExists;
  if (isLost) return 'lose';
  const isIdentical =
    staged?.checksum === upload.checksum || (plugin?.installed === 1 && plugin.checksum === upload.checksum);
  if (upload.acceptIdentical && isIdentical) return 'nothing';
  if (plugin?.installed) {
    const order = compareVersions(upload.version, plugin.version);
    if (order !== 1) {
      const versions = `${situation.pluginId} is at ${plugin.version}, the file at ${upload.version}`;
      throw refused(`installed dynamic plugins can only upload a higher version: ${versions}`);
    }
  }
  if (upload.duplicateFile !== undefined) {
    throw refused(`dynamic plugin storage contains duplicate plugin ID ${situation.pluginId}: ${upload.duplicateFile}`);
  }
  if (!plugin?.installed && upload.targetExists && !upload.overwrite) {
    throw refused(`dynamic plugin file ${situation.pluginId}.wasm already exists; enable overwrite to replace it`);
  }
  return staged?.checksum === upload.checksum ? 'nothing' : 'store';
}

function refused(reason: string): SandpoolError {
  return new SandpoolError('SBX_UPLOAD_REFUSED', { reason });
}

/** Flags and states behind a transition. */
export type Standing = Pick<PluginRow, 'installed' | 'status' | 'desiredState' | 'currentState' | 'generation'>;

/** The standing that a transition leads to; a refresh keeps the flags. */
export function standingAfter(before: Pick<PluginRow, 'status' | 'generation'>, transition: Transition): Standing {
  const flags = { ...FLAGS_AFTER, refresh: FLAGS_AFTER[before.status ? 'enable' : 'install'] }[transition];
  const state = stableState(flags);
  const generation = before.generation > 0 ? before.generation + 1 : 1;
  return { ...flags, desiredState: state, currentState: state, generation };
}

const FLAGS_AFTER = {
  install: { installed: 1, status: 0 },
  enable: { installed: 1, status: 1 },
  disable: { installed: 1, status: 0 },
  lose: { installed: 0, status: 0 },
} as const;

/** The host state that flags stand for when nothing is under way. */
export function stableState({ installed, status }: Pick<PluginRow, 'installed' | 'status'>): HostState {
  return installed ? (status ? 'enabled' : 'installed') : 'uninstalled';
}

/** Status of the effective release (`spec/governance.md` §1.2). */
export function effectiveReleaseStatus({ installed, status }: Pick<PluginRow, 'installed' | 'status'>): ReleaseStatus {
  return installed ? (status ? 'active' : 'installed') : 'uninstalled';
}
