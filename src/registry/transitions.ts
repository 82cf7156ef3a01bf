/**
 * Install, enable, disable: decide, make the bytes durable, have the engine load, write one transaction, show it. Whatever fails
 * before the transaction leaves everything as it was; a crash at any point leaves one effective release or none.
 */
import type { Artifact } from '../artifact/artifact.js';
import { compareVersions } from '../artifact/versions.js';
import type { GrantDecision } from '../grants/narrow.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { type Authorization, authorize, isSameAuthorization } from './authorization.js';
import { type ChangeReason, type Core, situationOf } from './core.js';
import { decide, standingAfter } from './decide.js';
import { adopt, diagnose, prune, readEffective } from './discovery.js';
import { effectiveReleaseOf, type PluginRows, type ReleaseDraft } from './journal.js';
import { type EffectiveRelease, type Entry, viewOf } from './projection.js';
import { type PluginDraft, pluginAfter, pluginOver, releaseOf, releaseStanding } from './rows.js';
import { withAuthorization } from './snapshot.js';
import type { InstallMode, ReleaseRow } from './tables.js';

export interface AuthorizeOptions {
  /** Without it nothing is confirmed that was not confirmed before (`spec/governance.md` §2.10). */
  readonly authorization?: GrantDecision | undefined;
  /** Grants everything requested when there is no authorization; the registry's setting when absent. */
  readonly grantUnreviewed?: boolean | undefined;
}

export interface InstallOptions extends AuthorizeOptions {
  /** The manifest's default when absent; of no effect on an installed plugin. */
  readonly installMode?: string | undefined;
}

/** Installs the staged artifact; on an installed plugin refreshes the same version, else confirms what is authorized. */
export async function install(core: Core, pluginId: string, options: InstallOptions): Promise<void> {
  const entry = await adopt(core, pluginId);
  const mode = resolveMode(entry, options.installMode);
  const decision = decide(await situationOf(core, pluginId, entry), 'install');
  if (decision === 'install') await takeOver(core, entry!, decision, options, mode);
  else if (decision === 'refresh') await takeOver(core, entry!, decision, options);
  else await confirm(core, entry!, options);
}

/** Has the engine load the effective release, and lets it serve. */
export async function enable(core: Core, pluginId: string, options: AuthorizeOptions): Promise<void> {
  const entry = await adopt(core, pluginId);
  const situation = await situationOf(core, pluginId, entry);
  const decision = decide(situation, 'enable');
  if (decision === 'nothing') return reauthorize(core, entry!, options);
  const known = situation.isArchiveSound ? entry!.effective : undefined;
  const effective = known ?? (await readAgain(core, entry!, situation.isArchiveSound));
  const { plugin } = entry!.rows;
  const standing = standingAfter(plugin, 'enable');
  await settle(core, entry!, 'plugin_enabled', {
    plugin: pluginAfter(plugin, standing, core.now()),
    release: releaseStanding(effective.release, standing),
    artifact: effective.artifact,
    authorization: authorizationFor(core, effective.artifact, options, effective.authorization),
  });
}

/** Takes a plugin out of service; its data and its authorization stay. */
export async function disable(core: Core, pluginId: string): Promise<void> {
  const entry = core.catalog.get(pluginId);
  // The archive is not asked: an administrator can always disable.
  const decision = decide({ pluginId, plugin: entry?.rows.plugin, isArchiveSound: true, isLoaded: true }, 'disable');
  if (decision === 'nothing') return;
  const { rows } = entry!;
  const standing = standingAfter(rows.plugin, 'disable');
  const release = effectiveReleaseOf(rows);
  core.journal.write({
    pluginId,
    basedOn: rows.plugin.generation,
    plugin: pluginAfter(rows.plugin, standing, core.now()),
    releases: release ? [releaseStanding(release, standing)] : [],
    effectiveVersion: release?.releaseVersion ?? '',
    diagnosis: null,
  });
  show(core, { ...entry!, isLoaded: false });
  core.engine.deactivate(pluginId);
  core.publish(pluginId, 'plugin_disabled');
}

function resolveMode(entry: Entry | undefined, installMode: string | undefined): InstallMode | undefined {
  if (installMode === undefined) return undefined;
  if (installMode !== 'global' && installMode !== 'tenant_scoped') {
    throw new SandpoolError('PLUGIN_INSTALL_MODE_INVALID', { installMode });
  }
  const manifest = entry?.staged?.artifact.manifest;
  const isRefused = manifest?.scopeNature === 'platform_only' || manifest?.supportsMultiTenant === false;
  if (installMode === 'tenant_scoped' && isRefused) {
    const { id: pluginId, scopeNature } = manifest;
    throw new SandpoolError('PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH', { pluginId, scopeNature, installMode });
  }
  return installMode;
}

function authorizationFor(
  core: Core,
  artifact: Artifact,
  options: AuthorizeOptions,
  previous: Authorization | undefined,
): Authorization {
  const grantUnreviewed = options.grantUnreviewed ?? core.grantUnreviewed;
  return authorize({ requested: artifact.hostServices, decision: options.authorization, previous, grantUnreviewed });
}

/** Makes the staged artifact the effective release. */
async function takeOver(
  core: Core,
  entry: Entry,
  transition: 'install' | 'refresh',
  options: AuthorizeOptions,
  mode?: InstallMode,
): Promise<void> {
  const { file, artifact } = entry.staged!;
  const { plugin } = entry.rows;
  const previous = (transition === 'refresh' && entry.effective?.authorization) || entry.staged!.authorization;
  const authorization = authorizationFor(core, artifact, options, previous);
  const packagePath = await archiveStaged(core, entry);
  const standing = standingAfter(plugin, transition);
  const installMode = mode ?? (transition === 'install' ? artifact.manifest.defaultInstallMode : undefined);
  await settle(core, entry, transition === 'install' ? 'plugin_installed' : 'plugin_refreshed', {
    plugin: pluginAfter(pluginOver(plugin, artifact, file), standing, core.now(), installMode),
    release: releaseStanding(releaseOf(artifact, authorization, { status: 'installed', packagePath, file }), standing),
    artifact,
    authorization,
  });
}

async function archiveStaged(core: Core, entry: Entry): Promise<string> {
  const { file, artifact } = entry.staged!;
  const { id: pluginId, version } = artifact.manifest;
  const bytes = await core.blobs.readStaged(file);
  return core.blobs.archive({ pluginId, version, checksum: artifact.checksum }, bytes);
}

/** Reads the archive again, once a damaged one is written anew from a staged file with the very same bytes. */
async function readAgain(core: Core, { rows, staged }: Entry, isArchiveSound: boolean): Promise<EffectiveRelease> {
  const { pluginId, releaseVersion: version, checksum, packagePath: path } = effectiveReleaseOf(rows)!;
  if (!isArchiveSound)
    await core.blobs.archive({ pluginId, version, checksum }, await core.blobs.readStaged(staged!.file));
  const read = await readEffective(core, rows);
  if ('effective' in read) return read.effective;
  throw new SandpoolError('SBX_ARCHIVE_BROKEN', { path, reason: read.problem.message });
}

/** Confirms an authorization where nothing else is to be done: of a staged higher version, else of the effective release. */
async function confirm(core: Core, entry: Entry, options: AuthorizeOptions): Promise<void> {
  const { rows, staged } = entry;
  if (staged === undefined || compareVersions(staged.artifact.manifest.version, rows.plugin.version) === 0) {
    return reauthorize(core, entry, options);
  }
  const { version } = staged.artifact.manifest;
  const waiting = rows.releases.find(({ releaseVersion }) => releaseVersion === version);
  const authorization = authorizationFor(core, staged.artifact, options, staged.authorization);
  if (waiting === undefined || isSameAuthorization(authorization, staged.authorization)) return;
  const releases = [{ ...waiting, manifestSnapshot: withAuthorization(waiting.manifestSnapshot, authorization) }];
  core.journal.write({ pluginId: rows.plugin.pluginId, basedOn: rows.plugin.generation, releases });
  show(core, { ...entry, staged: { ...staged, authorization } });
  core.publish(rows.plugin.pluginId, 'plugin_authorized');
}

async function reauthorize(core: Core, entry: Entry, options: AuthorizeOptions): Promise<void> {
  const { effective, rows } = entry;
  if (effective === undefined) return;
  const { artifact, release } = effective;
  const authorization = authorizationFor(core, artifact, options, effective.authorization);
  if (isSameAuthorization(authorization, effective.authorization)) return;
  await settle(core, entry, 'plugin_authorized', { plugin: rows.plugin, release, artifact, authorization });
}

/** What is effective once a transition is through. */
interface Target {
  readonly plugin: PluginDraft;
  readonly release: ReleaseDraft;
  readonly artifact: Artifact;
  readonly authorization: Authorization;
}

/** The engine first, because it may refuse; then the transaction; then what everybody sees. */
async function settle(core: Core, entry: Entry, reason: ChangeReason, target: Target): Promise<void> {
  const { rows } = entry;
  const { pluginId, generation } = rows.plugin;
  const { artifact, authorization } = target;
  const release = {
    ...target.release,
    manifestSnapshot: withAuthorization(target.release.manifestSnapshot, authorization),
  };
  const next = { ...entry, problem: undefined, isLoaded: target.plugin.status === 1 };
  if (next.isLoaded) await activate(core, entry, reason, preview(next, { ...target, release }));
  try {
    core.journal.write({
      pluginId,
      basedOn: generation,
      plugin: target.plugin,
      releases: [...releasesLeft(entry, release), release],
      effectiveVersion: release.releaseVersion,
      diagnosis: null,
    });
  } catch (thrown) {
    if (next.isLoaded) await reinstate(core, entry);
    throw thrown;
  }
  show(core, { ...next, effective: { release: asRow(rows, release), artifact, authorization } });
  await prune(core, core.catalog.get(pluginId)!.rows);
  core.publish(pluginId, reason);
}

/** A release that another spelling of the same version takes over from. */
function releasesLeft({ rows }: Entry, next: ReleaseDraft): readonly ReleaseDraft[] {
  const before = rows.plugin.installed ? effectiveReleaseOf(rows) : undefined;
  return before && before.releaseVersion !== next.releaseVersion ? [{ ...before, status: 'installed' }] : [];
}

/** The entry as it will be, for the engine; ids and times are still those of before. */
function preview(next: Entry, { plugin, release, artifact, authorization }: Target): Entry {
  const { rows } = next;
  const effective = { release: asRow(rows, release), artifact, authorization };
  return { ...next, rows: { ...rows, plugin: { ...rows.plugin, ...plugin } }, effective };
}

function asRow({ plugin, releases }: PluginRows, draft: ReleaseDraft): ReleaseRow {
  const known = releases.find(({ releaseVersion }) => releaseVersion === draft.releaseVersion);
  const { createdAt, updatedAt } = known ?? plugin;
  return { ...draft, id: known?.id ?? 0, createdAt, updatedAt };
}

async function activate(core: Core, before: Entry, reason: ChangeReason, next: Entry): Promise<void> {
  try {
    await core.engine.activate(viewOf(next)!);
  } catch (thrown) {
    const action = reason.replace(/^plugin_/, '');
    noteFailure(core, before, action, thrown);
    throw thrown instanceof SandpoolError
      ? thrown
      : new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) }, { cause: thrown });
  }
}

/** Flags stay; a plugin that was not serving is `failed` from now on, one that was goes on serving what it served. */
function noteFailure(core: Core, before: Entry, action: string, thrown: unknown): void {
  const { rows } = before;
  const { pluginId, generation } = rows.plugin;
  const { errorCode, message } = diagnose(core, action, thrown);
  const effectiveVersion = effectiveReleaseOf(rows)?.releaseVersion ?? '';
  const failed = !rows.plugin.status && {
    plugin: { ...rows.plugin, currentState: 'failed' as const },
    effectiveVersion,
  };
  try {
    core.journal.write({ pluginId, basedOn: generation, ...failed, diagnosis: { action, errorCode, message } });
    show(core, before);
  } catch (second) {
    core.log.warn(
      { pluginId, reason: reasonOf(second) },
      `the diagnosis of a failed ${action} is not stored: ${message}`,
    );
  }
}

/** The transaction has failed: the engine goes back to what the registry still says. */
async function reinstate(core: Core, { rows, isLoaded }: Entry): Promise<void> {
  const { pluginId } = rows.plugin;
  const view = core.catalog.find(pluginId);
  if (!isLoaded || view === undefined) return core.engine.deactivate(pluginId);
  await core.engine.activate(view).catch((thrown: unknown) => {
    core.log.warn({ pluginId, reason: reasonOf(thrown) }, 'the release before a failed change does not load again');
  });
}

/** Shows an entry with its rows as they are stored now. */
function show(core: Core, entry: Entry): void {
  const rows = core.journal.read(entry.rows.plugin.pluginId) ?? entry.rows;
  const release = effectiveReleaseOf(rows);
  const effective = entry.effective && release && { ...entry.effective, release };
  core.catalog.put({ ...entry, rows, effective });
}
