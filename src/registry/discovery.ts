/** Brings what is stored and what lies in the staging directory into memory (`spec/governance.md` §1.5, §2.12). */
import { compareVersions } from '../artifact/versions.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { auditStanding } from './audit.js';
import { type Authorization, carryAuthorization } from './authorization.js';
import { type Core, situationOf } from './core.js';
import { standingAfter } from './decide.js';
import { type Change, effectiveReleaseOf, type PluginRows, type ReleaseDraft } from './journal.js';
import { isFresh, isMarked, settle } from './markers.js';
import type { Diagnosis, DiscoveredArtifact, EffectiveRelease, Entry } from './projection.js';
import { discoveredPlugin, pluginAfter, pluginOver, releaseOf } from './rows.js';
import { decodeAuthorization } from './snapshot.js';
import type { StagedArtifact, StagedFiles, StagingProblem } from './staging.js';
import type { ReleaseRow } from './tables.js';

export interface ReloadReport {
  /** Enabled plugins that do not serve, and installed ones whose archived release is damaged. */
  readonly failed: readonly (Diagnosis & { readonly pluginId: string })[];
  /** Staged files that cannot be used. */
  readonly problems: readonly StagingProblem[];
}

/**
 * Reads everything again and has the engine load what is enabled. What fails is reported and holds up nothing else.
 * @throws SBX_STORE_FAILED when the database or a directory cannot be read at all.
 */
export async function reload(core: Core): Promise<ReloadReport> {
  await core.blobs.sweep();
  const stored = core.journal.pluginIds();
  for (const pluginId of stored) await core.serial(pluginId, () => restore(core, pluginId));
  const { problems } = await scan(core);
  await Promise.all(stored.map((pluginId) => core.serial(pluginId, () => start(core, pluginId))));
  const entries = stored.map((pluginId) => core.catalog.get(pluginId)).filter((entry) => entry !== undefined);
  const failed = entries.flatMap(({ rows, problem }) =>
    problem ? [{ pluginId: rows.plugin.pluginId, ...problem }] : [],
  );
  return { failed, problems };
}

/**
 * Looks at every staged file, and at installations of which no bytes are left; installs and enables nothing.
 * @returns how many plugins were discovered.
 */
export async function sync(core: Core): Promise<{ total: number; problems: readonly StagingProblem[] }> {
  const { total, problems, pluginIds } = await scan(core);
  for (const pluginId of pluginIds) await core.serial(pluginId, () => repair(core, pluginId));
  return { total, problems };
}

async function scan(core: Core) {
  const files = await core.staging.scan();
  const pluginIds = new Set([...files.byId.keys(), ...core.journal.pluginIds()]);
  for (const pluginId of pluginIds) await core.serial(pluginId, () => adopt(core, pluginId));
  return { total: files.byId.size, problems: files.problems, pluginIds };
}

async function repair(core: Core, pluginId: string): Promise<void> {
  const entry = core.catalog.get(pluginId);
  if (entry === undefined) return;
  const { plugin } = entry.rows;
  if (isMarked(plugin) && !isFresh(core, plugin)) {
    core.catalog.put({ ...entry, rows: settle(core, entry.rows) });
    core.publish(pluginId, 'stale_reconciling_restored');
  }
  const { isArchiveSound } = await situationOf(core, pluginId, entry);
  if (plugin.installed && entry.staged === undefined && !isArchiveSound) lose(core, entry);
}

/** Neither file nor archive is left: the plugin is not installed, whatever its row says (§1.9). Its menus wait for another file. */
export function lose(core: Core, { rows }: Entry): void {
  const { plugin } = rows;
  const next = pluginAfter(plugin, standingAfter(plugin, 'lose'), core.now());
  core.journal.write({
    pluginId: plugin.pluginId,
    basedOn: plugin.generation,
    plugin: { ...next, previousReleaseId: 0, restage: 0 },
    releases: releasesGone(rows),
    effectiveVersion: '',
    diagnosis: null,
    audit: {
      pluginId: plugin.pluginId,
      action: 'lose',
      by: 'system',
      from: auditStanding(plugin),
      to: auditStanding(next),
      result: 'done',
    },
  });
  core.catalog.put({ rows: core.journal.read(plugin.pluginId)!, isLoaded: false });
  core.engine.deactivate(plugin.pluginId);
  core.publish(plugin.pluginId, 'runtime_artifact_missing');
}

/** What is left of the releases of a plugin that is no longer installed: none of them can be rolled back to. */
export function releasesGone({ releases }: PluginRows): readonly ReleaseDraft[] {
  return releases.map((release) => ({ ...release, status: 'uninstalled' as const }));
}

/** Brings one plugin up to date with its staged file; only inside its turn of `serial`. */
export async function adopt(
  core: Core,
  pluginId: string,
  files?: StagedFiles,
  write: (change: Change) => void = core.journal.write,
): Promise<Entry | undefined> {
  const staged = (files ?? (await core.staging.scan())).byId.get(pluginId);
  const before = core.catalog.get(pluginId);
  const discovery = staged && discover(before?.rows, staged);
  if (discovery?.change !== undefined) write(discovery.change);
  const rows = discovery?.change === undefined ? before?.rows : core.journal.read(pluginId);
  if (rows === undefined) return undefined;
  const entry = { isLoaded: false, ...before, rows, staged: discovery?.staged };
  core.catalog.put(entry);
  return entry;
}

interface Discovery {
  readonly staged: DiscoveredArtifact;
  /** Absent when the rows say it all already. */
  readonly change?: Change;
}

/** The effective release of an installed plugin is never touched by what is staged: that is for install and upgrade. */
export function discover(rows: PluginRows | undefined, staged: StagedArtifact): Discovery {
  const { artifact, file } = staged;
  const { id: pluginId, version } = artifact.manifest;
  const plugin = rows?.plugin;
  const known = rows?.releases.find(({ releaseVersion }) => releaseVersion === version);
  const stored = known && authorizationIn(known);
  const previous = stored?.confirmed ? stored : (effectiveAuthorization(rows) ?? stored);
  const authorization = carryAuthorization(artifact.hostServices, previous);
  const discovered = { ...staged, authorization };

  const isOther = plugin?.installed === 1 && compareVersions(plugin.version, version) !== 0;
  if (plugin?.installed && !isOther) return { staged: discovered };
  const isNews = known === undefined || stored === undefined || known.checksum !== artifact.checksum;
  // An archived release is what a rollback goes to; another file of its version does not replace it.
  const isArchived = known?.packagePath.startsWith('releases/') === true && isOther;
  const status = known?.status === 'failed' ? 'failed' : isOther ? 'prepared' : 'uninstalled';
  const releases =
    isNews && !isArchived ? [releaseOf(artifact, authorization, { status, packagePath: file, file })] : [];
  const row = plugin === undefined ? discoveredPlugin(artifact, file) : pluginOver(plugin, artifact, file);
  const isRowNews = !isOther && (plugin?.checksum !== artifact.checksum || plugin.manifestPath !== file);
  if (releases.length === 0 && !isRowNews) return { staged: discovered };
  const change = {
    pluginId,
    basedOn: plugin?.generation,
    releases,
    ...(isRowNews && { plugin: row, effectiveVersion: '' }),
  };
  return { staged: discovered, change };
}

/** A release that asks for the very same as the one in effect needs no new decision (§2.10). */
function effectiveAuthorization(rows: PluginRows | undefined): Authorization | undefined {
  const release = rows?.plugin.installed ? effectiveReleaseOf(rows) : undefined;
  return release && authorizationIn(release);
}

function authorizationIn(release: ReleaseRow): Authorization | undefined {
  try {
    return decodeAuthorization(release.manifestSnapshot);
  } catch {
    // An unreadable snapshot confirms nothing; it is written anew.
    return undefined;
  }
}

/** Reads a plugin as the last process has left it. */
export async function restore(core: Core, pluginId: string): Promise<void> {
  const found = core.journal.read(pluginId);
  if (found === undefined) return;
  const rows = await restage(core, settle(core, found));
  core.catalog.put({ rows, isLoaded: false, ...(rows.plugin.installed && (await readEffective(core, rows))) });
  await prune(core, rows);
}

/** A rollback that died in the middle: the staged file becomes that of whichever release is in effect. */
async function restage(core: Core, rows: PluginRows): Promise<PluginRows> {
  const { plugin } = rows;
  if (!plugin.restage) return rows;
  const release = effectiveReleaseOf(rows);
  try {
    if (release !== undefined) {
      const bytes = await core.blobs.readArchive(release.packagePath, release.checksum);
      await (await core.blobs.stage(plugin.pluginId, bytes)).keep();
    }
  } catch (thrown) {
    core.log.warn({ pluginId: plugin.pluginId, reason: reasonOf(thrown) }, 'the staged file cannot be put back');
    return rows;
  }
  const effectiveVersion = release?.releaseVersion ?? '';
  const next = { ...plugin, restage: 0 as const };
  core.journal.write({ pluginId: plugin.pluginId, basedOn: plugin.generation, plugin: next, effectiveVersion });
  return core.journal.read(plugin.pluginId) ?? rows;
}

/** The effective release from the archive, never from the staged file; or why it cannot be read. */
export async function readEffective(
  core: Core,
  rows: PluginRows,
): Promise<{ effective: EffectiveRelease } | { problem: Diagnosis }> {
  const release = effectiveReleaseOf(rows);
  try {
    if (release === undefined) {
      const { pluginId, version } = rows.plugin;
      throw new SandpoolError('PLUGIN_RELEASE_NOT_FOUND', { pluginId, version });
    }
    const bytes = await core.blobs.readArchive(release.packagePath, release.checksum);
    const authorization = decodeAuthorization(release.manifestSnapshot);
    return { effective: { release, artifact: core.parseArtifact(bytes), authorization } };
  } catch (thrown) {
    return { problem: diagnose(core, 'load', thrown) };
  }
}

export function diagnose(core: Core, action: string, thrown: unknown): Diagnosis {
  const errorCode = thrown instanceof SandpoolError ? thrown.code : 'SBX_INTERNAL';
  return { action, errorCode, message: reasonOf(thrown), at: core.now() };
}

/** Removes archived files that no release names; a file that cannot be removed is only a waste of space. */
export async function prune(core: Core, { plugin, releases }: PluginRows): Promise<void> {
  const keep = new Set(releases.map(({ packagePath }) => packagePath));
  await core.blobs.pruneArchive(plugin.pluginId, keep).catch((thrown: unknown) => {
    core.log.warn({ pluginId: plugin.pluginId, reason: reasonOf(thrown) }, 'unused archived releases stay');
  });
}

async function start(core: Core, pluginId: string): Promise<void> {
  const entry = core.catalog.get(pluginId);
  const view = core.catalog.find(pluginId);
  if (entry === undefined || view === undefined || !view.enabled || entry.isLoaded) return;
  try {
    const prepared = await core.engine.prepare(view);
    core.catalog.put({ ...entry, isLoaded: true, problem: undefined });
    prepared.publish();
  } catch (thrown) {
    core.catalog.put({ ...entry, problem: diagnose(core, 'load', thrown) });
  }
}
