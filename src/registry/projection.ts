/** What others see of a plugin, made from what is stored and what is loaded. Pure. */
import type { Artifact } from '../artifact/artifact.js';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { createGrant, type Grant } from '../grants/grant.js';
import {
  type Authorization,
  type AuthorizationStatus,
  authorizationStatus,
  isAuthorizationRequired,
  pendingServices,
} from './authorization.js';
import type { PluginRows } from './journal.js';
import {
  type RuntimeStanding,
  type RuntimeState,
  runtimeStandingOf,
  type UpgradePhase,
  upgradePhaseOf,
} from './runtime-state.js';
import type { StagedArtifact } from './staging.js';
import type { InstallMode, PluginRow, ReleaseRow } from './tables.js';

/** A plugin with the artifact in force: that of the effective release when installed, else the discovered one. */
export interface PluginView {
  readonly pluginId: string;
  readonly version: string;
  readonly checksum: string;
  readonly generation: number;
  readonly releaseId: number;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly installMode: InstallMode;
  readonly runtimeState: RuntimeState;
  readonly artifact: Artifact;
  /** Of the archived file; empty until installed. */
  readonly packagePath: string;
  /** What an administrator granted; empty until installed. */
  readonly grant: Grant;
}

/** Why a plugin is not as it should be. */
export interface Diagnosis {
  readonly action: string;
  readonly errorCode: string;
  readonly message: string;
  readonly at: number;
}

/** In which phase the upgrade to the discovered version failed (`spec/governance.md` §1.3). */
export interface UpgradeFailure {
  readonly phase: UpgradePhase;
  readonly errorCode: 'plugin_upgrade_migration_failed' | 'plugin_upgrade_release_failed';
  readonly messageKey: string;
  readonly releaseId: number;
  readonly releaseVersion: string;
  readonly detail?: string;
}

/** Parts of an artifact that this version does not carry out, so that nobody believes they were. */
export interface NotExecuted {
  readonly part: 'installSql' | 'menus' | 'routePermissions' | 'hooks';
  readonly count: number;
  readonly executed: number;
}

/** A plugin as an administrator sees it. */
export interface PluginRecord extends RuntimeStanding {
  readonly plugin: PluginRow;
  /** Empty while not installed. */
  readonly effectiveVersion: string;
  /** Of the staged file; of the effective release when there is none. */
  readonly discoveredVersion: string;
  readonly isStaged: boolean;
  readonly authorization: Authorization;
  readonly authorizationStatus: AuthorizationStatus;
  readonly authorizationRequired: boolean;
  readonly pendingServices: readonly HostServiceDeclaration[];
  /** Absent when the archived release cannot be read. */
  readonly artifact?: Artifact;
  readonly notExecuted: readonly NotExecuted[];
  readonly diagnosis?: Diagnosis;
  readonly lastUpgradeFailure?: UpgradeFailure;
}

/** The effective release, read from the archive. */
export interface EffectiveRelease {
  readonly release: ReleaseRow;
  readonly artifact: Artifact;
  readonly authorization: Authorization;
}

/** A staged artifact with what an administrator has confirmed of its version. */
export interface DiscoveredArtifact extends StagedArtifact {
  readonly authorization: Authorization;
}

/** All that is known of a plugin. */
export interface Entry {
  readonly rows: PluginRows;
  readonly effective?: EffectiveRelease | undefined;
  readonly staged?: DiscoveredArtifact | undefined;
  /** Whether the engine serves the effective release. */
  readonly isLoaded: boolean;
  /** Why this process cannot serve the effective release. */
  readonly problem?: Diagnosis | undefined;
}

/** What this host does with a plugin, as far as it depends on how it was composed. */
export interface Habits {
  /** Whether the effective release goes on serving while another version waits, is being upgraded to, or has failed. */
  readonly servesPending: boolean;
  /** Parts of artifacts that are carried out. */
  readonly carriesOut: ReadonlySet<NotExecuted['part']>;
}

export const NO_HABITS: Habits = { servesPending: false, carriesOut: new Set() };

/** @returns undefined where no artifact is in force: such a plugin has no routes. */
export function viewOf(entry: Entry, { servesPending }: Habits = NO_HABITS): PluginView | undefined {
  const { rows, effective, staged } = entry;
  const { plugin } = rows;
  const artifact = plugin.installed ? effective?.artifact : staged?.artifact;
  if (artifact === undefined) return undefined;
  return {
    pluginId: plugin.pluginId,
    version: plugin.version,
    checksum: plugin.checksum,
    generation: plugin.generation,
    releaseId: plugin.releaseId,
    installed: plugin.installed === 1,
    enabled: plugin.status === 1,
    installMode: plugin.installMode,
    runtimeState: servesPending && entry.isLoaded ? 'normal' : runtimeOf(entry).runtimeState,
    artifact,
    packagePath: plugin.installed ? (effective?.release.packagePath ?? '') : '',
    grant: createGrant(plugin.pluginId, plugin.installed ? (effective?.authorization.authorized ?? []) : []),
  };
}

/** @returns undefined for a plugin of which nothing is installed and nothing discovered. */
export function recordOf(entry: Entry, { carriesOut }: Habits = NO_HABITS): PluginRecord | undefined {
  const { rows, effective, staged } = entry;
  const { plugin } = rows;
  if (!plugin.installed && staged === undefined) return undefined;
  const artifact = plugin.installed ? effective?.artifact : staged?.artifact;
  const authorization = authorizationOf(entry);
  const diagnosis = diagnosisOf(entry);
  const runtime = runtimeOf(entry);
  const lastUpgradeFailure = runtime.runtimeState === 'upgrade_failed' ? upgradeFailureOf(entry) : undefined;
  return {
    ...runtime,
    plugin,
    effectiveVersion: plugin.installed ? plugin.version : '',
    discoveredVersion: staged?.artifact.manifest.version ?? plugin.version,
    isStaged: staged !== undefined,
    authorization,
    authorizationStatus: authorizationStatus(authorization),
    authorizationRequired: isAuthorizationRequired(authorization),
    pendingServices: pendingServices(authorization),
    ...(artifact && { artifact }),
    notExecuted: plugin.installed && artifact ? notExecuted(artifact, carriesOut) : [],
    ...(diagnosis && { diagnosis }),
    ...(lastUpgradeFailure && { lastUpgradeFailure }),
  };
}

function runtimeOf({ rows, staged, problem }: Entry): RuntimeStanding {
  const { plugin, releases } = rows;
  const discoveredVersion = staged?.artifact.manifest.version ?? plugin.version;
  return runtimeStandingOf({
    installed: plugin.installed === 1,
    currentState: problem === undefined ? plugin.currentState : 'failed',
    effectiveVersion: plugin.version,
    discoveredVersion,
    discoveredStatus: releases.find(({ releaseVersion }) => releaseVersion === discoveredVersion)?.status,
  });
}

function authorizationOf({ rows, effective, staged }: Entry): Authorization {
  const inForce = rows.plugin.installed ? effective : staged;
  return inForce?.authorization ?? { requested: [], authorized: [], confirmed: false };
}

function diagnosisOf({ rows, problem }: Entry): Diagnosis | undefined {
  if (problem !== undefined) return problem;
  const { diagnosis } = rows;
  if (diagnosis === undefined) return undefined;
  const { action, errorCode, message, createdAt } = diagnosis;
  return { action, errorCode, message, at: createdAt };
}

/** The failed release is that of the discovered version; what failed in it, the ledger says. */
function upgradeFailureOf(entry: Entry): UpgradeFailure | undefined {
  const { rows, staged } = entry;
  const version = staged?.artifact.manifest.version ?? rows.plugin.version;
  const release = rows.releases.find(({ releaseVersion }) => releaseVersion === version);
  if (release?.status !== 'failed') return undefined;
  const facts = { releaseId: release.id, releaseVersion: version };
  const failure = rows.failures.find(({ releaseId }) => releaseId === release.id);
  if (failure === undefined) {
    const messageKey = 'plugin.runtimeUpgrade.failure.releaseFailed';
    return { phase: 'release', errorCode: 'plugin_upgrade_release_failed', messageKey, ...facts };
  }
  const messageKey = 'plugin.runtimeUpgrade.failure.migrationFailed';
  const phase = upgradePhaseOf(failure.migrationKey);
  const detail = failure.errorMessage;
  return { phase, errorCode: 'plugin_upgrade_migration_failed', messageKey, ...facts, ...(detail && { detail }) };
}

function notExecuted(artifact: Artifact, carriesOut: Habits['carriesOut']): readonly NotExecuted[] {
  const permissions = new Set(artifact.routes.map(({ permission }) => permission).filter((name) => name !== ''));
  const parts: readonly NotExecuted[] = [
    { part: 'installSql', count: artifact.installSql.length, executed: 0 },
    { part: 'menus', count: artifact.manifest.menus.length, executed: 0 },
    { part: 'routePermissions', count: permissions.size, executed: 0 },
    { part: 'hooks', count: artifact.hooks.length, executed: 0 },
  ];
  return parts.filter(({ part, count }) => count > 0 && !carriesOut.has(part));
}
