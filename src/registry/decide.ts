/**
 * What an action means in a situation. Pure: nothing is read, nothing is done. Whoever adds a transition adds it here, and a row
 * to the table in the test (`spec/governance.md` §1.5).
 */
import { compareVersions } from '../artifact/versions.js';
import { SandpoolError } from '../protocol/errors.js';
import type { RuntimeState } from './runtime-state.js';
import type { HostState, PluginRow, ReleaseRow, ReleaseStatus } from './tables.js';

export type Action = 'install' | 'enable' | 'disable' | 'upgrade';

/** What changes the state of a plugin; each takes the generation one further. `orphan`: an uninstall of which no bytes are left. */
export type Transition =
  | 'install'
  | 'refresh'
  | 'enable'
  | 'disable'
  | 'upgrade'
  | 'rollback'
  | 'uninstall'
  | 'orphan'
  | 'lose';

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
  readonly runtimeState?: RuntimeState;
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
 * PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED, PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE
 */
export function decide(situation: Situation, action: Action): Decision {
  requireKnown(situation);
  if (action === 'upgrade') return decideUpgrade(situation);
  if (action === 'install') return situation.plugin.installed ? decideReinstall(situation) : decideInstall(situation);
  if (!situation.plugin.installed) throw new SandpoolError('PLUGIN_NOT_INSTALLED', { pluginId: situation.pluginId });
  return action === 'enable' ? decideEnable(situation) : situation.plugin.status ? 'disable' : 'nothing';
}

type Known = Situation & { readonly plugin: NonNullable<Situation['plugin']> };

function requireKnown(situation: Situation): asserts situation is Known {
  const { pluginId, plugin } = situation;
  if (plugin === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId });
}

/** Only to a higher version that waits: the same one with other bytes is a refresh, and a lower one is a rollback. */
function decideUpgrade({ pluginId, plugin, staged, runtimeState = 'normal' }: Known): Decision {
  const isOffered = runtimeState === 'pending_upgrade' || runtimeState === 'upgrade_failed';
  const isHigher = staged !== undefined && compareVersions(staged.version, plugin.version) === 1;
  if (plugin.installed && isOffered && isHigher) return 'upgrade';
  throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE', { pluginId, runtimeState });
}

function decideInstall(situation: Known): Decision {
  if (situation.staged === undefined) throw artifactMissing(situation, 'install');
  return 'install';
}

/** Install on an installed plugin refreshes the same version with other bytes; a higher one waits for its upgrade (§1.6, §2.4). */
function decideReinstall(situation: Known): Decision {
  const { plugin, staged, isArchiveSound, isLoaded } = situation;
  if (staged === undefined) {
    if (isArchiveSound) return 'nothing';
    throw artifactMissing(situation, 'install');
  }
  const order = compareVersions(staged.version, plugin.version);
  if (order === -1) {
    const { pluginId } = situation;
    const facts = { pluginId, version: plugin.version, stagedVersion: staged.version };
    throw new SandpoolError('PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED', facts);
  }
  if (order !== 0) return 'nothing';
  const serves = plugin.currentState !== 'failed' && (isLoaded || !plugin.status);
  return staged.checksum === plugin.checksum && isArchiveSound && serves ? 'nothing' : 'refresh';
}

/** The release in the archive is enabled, whatever is staged; a damaged archive is repaired from the very same bytes only. */
function decideEnable(situation: Known): Decision {
  const { pluginId, plugin, staged, isArchiveSound, isLoaded } = situation;
  if (plugin.status && plugin.currentState !== 'failed' && isLoaded) return 'nothing';
  if (isArchiveSound || staged?.checksum === plugin.checksum) return 'enable';
  const facts = { pluginId, action: 'enable', reason: 'its archived release is damaged; install it again' };
  throw new SandpoolError('PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED', facts);
}

function artifactMissing({ pluginId }: Situation, action: Action): SandpoolError {
  return new SandpoolError('PLUGIN_DYNAMIC_ARTIFACT_MISSING', { pluginId, action, artifactPath: `${pluginId}.wasm` });
}

/** What decides an uninstall beside the situation. */
export interface UninstallFacts {
  readonly force: boolean;
  readonly allowForce: boolean;
}

/**
 * Decides an uninstall (`spec/governance.md` §2.7). By force also what is not installed, or has no file left, is cleared away.
 * @throws PLUGIN_NOT_FOUND, PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING, PLUGIN_FORCE_UNINSTALL_DISABLED
 */
export function decideUninstall(situation: Situation, { force, allowForce }: UninstallFacts): Decision {
  requireKnown(situation);
  const { pluginId, plugin, staged, isArchiveSound } = situation;
  if (!plugin.installed && !force) return 'nothing';
  const isReadable = isArchiveSound || (staged !== undefined && compareVersions(staged.version, plugin.version) === 0);
  if (plugin.installed && isReadable) return 'uninstall';
  if (!force) throw new SandpoolError('PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING', { pluginId });
  if (!allowForce) throw new SandpoolError('PLUGIN_FORCE_UNINSTALL_DISABLED', { pluginId });
  return 'orphan';
}

/**
 * Finds the release that a rollback leads to: the version that is asked for, else the one that was effective before
 * (`spec/governance.md` §2.15).
 * @throws PLUGIN_NOT_FOUND, PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE
 */
export function decideRollback<Release extends Pick<ReleaseRow, 'id' | 'releaseVersion' | 'status' | 'packagePath'>>(
  situation: Situation,
  releases: readonly Release[],
  previousReleaseId: number,
  version?: string,
): Release {
  requireKnown(situation);
  const { pluginId, plugin } = situation;
  const wanted = version ? version : releases.find(({ id }) => id === previousReleaseId)?.releaseVersion;
  const unavailable = (reason: string) => {
    return new SandpoolError('PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE', { pluginId, version: wanted ?? '', reason });
  };
  if (!plugin.installed) throw unavailable('the plugin is not installed');
  if (wanted === undefined) throw unavailable('no release was effective before');
  if (wanted === plugin.version) throw unavailable(`${wanted} is the effective release`);
  const release = releases.find(({ releaseVersion }) => releaseVersion === wanted);
  if (release === undefined) throw unavailable(`there is no release ${wanted}`);
  const isKept = release.status === 'installed' && release.packagePath.startsWith('releases/');
  if (!isKept)
    throw unavailable(`${wanted} was never in effect since the plugin was installed (it is ${release.status})`);
  return release;
}

/** What decides an upload beside the situation. */
export interface UploadFacts extends Bytes {
  readonly overwrite: boolean;
  /** Whether `<plugin-id>.wasm` is staged, readable or not. */
  readonly targetExists: boolean;
  /** Another staged file that embeds the same id. */
  readonly duplicateFile?: string | undefined;
}

/**
 * Decides an upload (`spec/governance.md` §2.3, `spec/artifact.md` §6 steps 7 to 9): to store the file, to do nothing, or to give
 * up an installation of which no bytes are left and then store. Bytes that are there already are a success.
 * @throws SBX_UPLOAD_REFUSED
 */
export function decideUpload(situation: Situation, upload: UploadFacts): 'store' | 'nothing' | 'lose' {
  const { plugin, staged } = situation;
  const isLost = plugin?.installed === 1 && staged === undefined && !situation.isArchiveSound && !upload.targetExists;
  if (isLost) return 'lose';
  if (staged?.checksum === upload.checksum) return 'nothing';
  if (plugin?.installed && plugin.checksum === upload.checksum) return storeEffective(situation, upload);
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
  return 'store';
}

/** The bytes in effect only fill a place that is empty; a version that waits there goes on waiting. */
function storeEffective({ staged }: Situation, { targetExists, duplicateFile }: UploadFacts): 'store' | 'nothing' {
  return staged === undefined && !targetExists && duplicateFile === undefined ? 'store' : 'nothing';
}

function refused(reason: string): SandpoolError {
  return new SandpoolError('SBX_UPLOAD_REFUSED', { reason });
}

/** Flags and states behind a transition. */
export type Standing = Pick<PluginRow, 'installed' | 'status' | 'desiredState' | 'currentState' | 'generation'>;

/** The standing that a transition leads to; a refresh, an upgrade and a rollback keep the flags. */
export function standingAfter(before: Pick<PluginRow, 'status' | 'generation'>, transition: Transition): Standing {
  const kept = FLAGS_AFTER[before.status ? 'enable' : 'install'];
  const flags = { ...FLAGS_AFTER, refresh: kept, upgrade: kept, rollback: kept }[transition];
  const state = stableState(flags);
  const generation = before.generation > 0 ? before.generation + 1 : 1;
  return { ...flags, desiredState: state, currentState: state, generation };
}

const FLAGS_AFTER = {
  install: { installed: 1, status: 0 },
  enable: { installed: 1, status: 1 },
  disable: { installed: 1, status: 0 },
  uninstall: { installed: 0, status: 0 },
  orphan: { installed: 0, status: 0 },
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
