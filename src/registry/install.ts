/** Install: a first installation, a refresh of the same version with other bytes, or the consent to a version that waits. */
import { compareVersions } from '../artifact/versions.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { isSameAuthorization } from './authorization.js';
import {
  authorizationFor,
  commit,
  isRefusal,
  noteFailure,
  show,
  type Target,
  viewAhead,
  withPrepared,
} from './commit.js';
import { situationOf, type Turn } from './core.js';
import { decide, standingAfter } from './decide.js';
import { adopt } from './discovery.js';
import { reauthorize } from './enable.js';
import { askGuest, hasCallback, requireAllowed, tellGuest, tellHooks } from './lifecycle.js';
import { mark } from './markers.js';
import { requireMode, requireNeeds } from './needs.js';
import type { InstallOptions } from './operations.js';
import type { PreparedRelease } from './ports.js';
import type { Entry } from './projection.js';
import { pluginAfter, pluginOver, releaseOf, releaseStanding } from './rows.js';
import { withAuthorization } from './snapshot.js';
import type { InstallMode } from './tables.js';

/** Installs the staged artifact; on an installed plugin refreshes the same version, else confirms what is authorized. */
export async function install(turn: Turn, options: InstallOptions): Promise<void> {
  const entry = await adopt(turn, turn.pluginId);
  const mode = resolveMode(entry, options.installMode);
  const decision = decide(await situationOf(turn, turn.pluginId, entry), 'install');
  if (decision === 'nothing') return confirm(turn, entry!, options);
  await takeOver(turn, entry!, decision === 'install' ? 'install' : 'refresh', options, mode);
  if (decision === 'install' && options.installMockData) await loadMockData(turn);
}

function resolveMode(entry: Entry | undefined, installMode: string | undefined): InstallMode | undefined {
  if (installMode === undefined) return undefined;
  if (installMode !== 'global' && installMode !== 'tenant_scoped') {
    throw new SandpoolError('PLUGIN_INSTALL_MODE_INVALID', { installMode });
  }
  if (entry?.staged !== undefined) requireMode(entry.staged.artifact, installMode);
  return installMode;
}

/** Makes the staged artifact the effective release. Refusals change nothing; what fails on the way is written down. */
async function takeOver(
  turn: Turn,
  entry: Entry,
  transition: 'install' | 'refresh',
  options: InstallOptions,
  mode?: InstallMode,
): Promise<void> {
  const { artifact } = entry.staged!;
  const draft = targetOf(turn, entry, transition, options, mode);
  if (transition === 'refresh') requireMode(artifact, entry.rows.plugin.installMode);
  requireNeeds(turn, artifact, 'install');
  const enabled = draft.plugin.status === 1;
  turn.governance?.check(artifact, { enabled });
  const failure = failureOf(entry, transition, draft);
  try {
    const target = { ...draft, release: { ...draft.release, packagePath: await archiveStaged(turn, entry) } };
    const isRun = enabled || hasCallback(artifact, ['BeforeInstall', 'AfterInstall']);
    await withPrepared(turn, isRun ? viewAhead(entry, target) : undefined, (prepared) =>
      carryOut(turn, entry, transition, target, prepared),
    );
  } catch (thrown) {
    if (!isRefusal(thrown)) noteFailure(turn, entry, thrown, failure);
    throw thrown;
  }
}

/** The archive's path is filled in once the bytes are there. */
function targetOf(
  turn: Turn,
  entry: Entry,
  transition: 'install' | 'refresh',
  options: InstallOptions,
  mode: InstallMode | undefined,
): Target {
  const { file, artifact, authorization: confirmed } = entry.staged!;
  const { plugin } = entry.rows;
  const previous = (transition === 'refresh' && entry.effective?.authorization) || confirmed;
  const authorization = authorizationFor(turn, artifact, options, previous);
  const standing = standingAfter(plugin, transition);
  const installMode = mode ?? (transition === 'install' ? artifact.manifest.defaultInstallMode : undefined);
  const row = pluginAfter(pluginOver(plugin, artifact, file), standing, turn.now(), installMode);
  const isOther = transition === 'refresh' && artifact.manifest.version !== plugin.version;
  const previousReleaseId = transition === 'install' ? 0 : isOther ? plugin.releaseId : plugin.previousReleaseId;
  const release = releaseOf(artifact, authorization, { status: 'installed', packagePath: '', file });
  return {
    plugin: { ...row, previousReleaseId },
    release: releaseStanding(release, standing),
    artifact,
    authorization,
  };
}

async function carryOut(
  turn: Turn,
  entry: Entry,
  transition: 'install' | 'refresh',
  target: Target,
  prepared: PreparedRelease | undefined,
): Promise<void> {
  const { artifact } = target;
  requireAllowed(await askGuest(artifact, prepared, 'BeforeInstall', {}), turn.pluginId, 'BeforeInstall');
  // A refresh runs no SQL, and its plugin goes on serving.
  if (transition === 'install' && turn.sql && artifact.installSql.length > 0) {
    mark(turn, entry, 'reconciling');
    await turn.sql.run('install', {
      pluginId: turn.pluginId,
      releaseId: releaseIdOf(entry, artifact.manifest.version),
      artifact,
      installMode: target.plugin.installMode,
      authorization: target.authorization,
    });
  }
  await commit(turn, entry, target, {
    reason: transition === 'install' ? 'plugin_installed' : 'plugin_refreshed',
    prepared: target.plugin.status ? prepared : undefined,
    recheck: () => requireNeeds(turn, artifact, 'install'),
  });
  if (transition === 'install') await tellHooks(turn, 'plugin.installed', artifact);
  await tellGuest(turn.log, artifact, prepared, 'AfterInstall', {});
}

function failureOf({ rows }: Entry, transition: 'install' | 'refresh', { release }: Target) {
  const action = transition === 'install' ? 'installed' : 'refreshed';
  const known = rows.releases.find(({ releaseVersion }) => releaseVersion === release.releaseVersion);
  // The archived release that a refresh was to replace is as good as before.
  const failed =
    transition === 'install' && known !== undefined ? [{ ...known, status: 'failed' as const }] : undefined;
  return { action, isBroken: true, ...(failed && { releases: failed }) };
}

export async function archiveStaged(turn: Turn, entry: Entry): Promise<string> {
  const { file, artifact } = entry.staged!;
  const { id: pluginId, version } = artifact.manifest;
  const bytes = await turn.blobs.readStaged(file);
  return turn.blobs.archive({ pluginId, version, checksum: artifact.checksum }, bytes);
}

export function releaseIdOf({ rows }: Entry, version: string): number {
  return rows.releases.find(({ releaseVersion }) => releaseVersion === version)?.id ?? 0;
}

/** The plugin is installed, whatever becomes of its mock data. @throws PLUGIN_INSTALL_MOCK_DATA_FAILED */
async function loadMockData(turn: Turn): Promise<void> {
  const { rows, effective } = turn.catalog.get(turn.pluginId)!;
  if (turn.sql === undefined || effective === undefined || effective.artifact.mockSql.length === 0) return;
  const { artifact, authorization } = effective;
  const { pluginId, releaseId, installMode } = rows.plugin;
  try {
    await turn.sql.run('mock', { pluginId, releaseId, artifact, installMode, authorization });
  } catch (thrown) {
    if (thrown instanceof SandpoolError && thrown.code === 'PLUGIN_INSTALL_MOCK_DATA_FAILED') throw thrown;
    const facts = { pluginId, failedFile: '', rolledBackFiles: [], cause: reasonOf(thrown) };
    throw new SandpoolError('PLUGIN_INSTALL_MOCK_DATA_FAILED', facts, { cause: thrown });
  }
}

/** Confirms an authorization where nothing else is to be done: of a staged higher version, else of the effective release. */
async function confirm(turn: Turn, entry: Entry, options: InstallOptions): Promise<void> {
  const { rows, staged } = entry;
  if (staged === undefined || compareVersions(staged.artifact.manifest.version, rows.plugin.version) === 0) {
    return reauthorize(turn, entry, options);
  }
  const { version } = staged.artifact.manifest;
  const waiting = rows.releases.find(({ releaseVersion }) => releaseVersion === version);
  const authorization = authorizationFor(turn, staged.artifact, options, staged.authorization);
  if (waiting === undefined || isSameAuthorization(authorization, staged.authorization)) return;
  const releases = [{ ...waiting, manifestSnapshot: withAuthorization(waiting.manifestSnapshot, authorization) }];
  turn.commit({ pluginId: rows.plugin.pluginId, basedOn: rows.plugin.generation, releases });
  show(turn, { ...entry, staged: { ...staged, authorization } });
  turn.publish(rows.plugin.pluginId, 'plugin_authorized');
}
