/** Uninstall (`spec/governance.md` §2.7): with or without what the plugin has stored, against a veto or without any file by force. */
import { compareVersions } from '../artifact/versions.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { noteFailure } from './commit.js';
import { situationOf, type Turn } from './core.js';
import { decideUninstall, standingAfter } from './decide.js';
import { adopt, readEffective, releasesGone } from './discovery.js';
import { withGuest } from './enable.js';
import { effectiveReleaseOf, type PluginRows, type ReleaseDraft } from './journal.js';
import { askGuest, hasCallback, requireAllowed, tellGuest, tellHooks } from './lifecycle.js';
import { mark } from './markers.js';
import { requireUnneeded } from './needs.js';
import type { UninstallOptions } from './operations.js';
import type { PreparedRelease } from './ports.js';
import type { EffectiveRelease, Entry } from './projection.js';
import { pluginAfter } from './rows.js';
import { withPurge } from './snapshot.js';

/** Takes a plugin and what is governed of it away; its releases and archived files stay. */
export async function uninstall(turn: Turn, options: UninstallOptions): Promise<void> {
  const { purgeStorageData = true, force = false } = options;
  const entry = await adopt(turn, turn.pluginId);
  const situation = await situationOf(turn, turn.pluginId, entry);
  if (entry?.rows.plugin.installed) requireUnneeded(turn, entry, 'uninstall');
  const decision = decideUninstall(situation, { force, allowForce: turn.allowForceUninstall });
  if (decision === 'nothing') return;
  if (decision === 'orphan') return remove(turn, entry!, 'orphan', releasesGone(entry!.rows));
  const effective = await readable(turn, entry!, situation.isArchiveSound);
  const isAsked = hasCallback(effective.artifact, ['BeforeUninstall', 'Uninstall', 'AfterUninstall']);
  const facts = { purgeStorageData };
  await withGuest(turn, isAsked ? { ...entry!, effective } : undefined, async (prepared) => {
    await askBefore(turn, effective, prepared, force);
    try {
      if (purgeStorageData) await purge(turn, entry!, effective, prepared);
      requireUnneeded(turn, entry!, 'uninstall');
      await remove(turn, entry!, 'uninstall', releasesRemoved(entry!.rows, purgeStorageData));
    } catch (thrown) {
      noteFailure(turn, entry!, thrown, { action: 'uninstalled', isBroken: false });
      throw thrown;
    }
    await tellHooks(turn, 'plugin.uninstalled', effective.artifact);
    await tellGuest(turn.log, effective.artifact, prepared, 'AfterUninstall', facts);
  });
}

/** A veto holds unless force is both wanted and allowed; whether it is allowed, only matters when there is one. */
async function askBefore(
  turn: Turn,
  { artifact }: EffectiveRelease,
  prepared: PreparedRelease | undefined,
  force: boolean,
): Promise<void> {
  const verdict = await askGuest(artifact, prepared, 'BeforeUninstall', {});
  if (verdict.allowed) return;
  if (!force) return requireAllowed(verdict, turn.pluginId, 'BeforeUninstall');
  if (!turn.allowForceUninstall) {
    throw new SandpoolError('PLUGIN_FORCE_UNINSTALL_DISABLED', { pluginId: turn.pluginId });
  }
  const { pluginId, by } = turn;
  turn.log.warn({ pluginId, by, reason: verdict.reason }, 'a veto against the uninstall is overridden by force');
}

/** The guest's own last act, its SQL, its objects, its state. Nobody calls the plugin meanwhile. */
async function purge(
  turn: Turn,
  entry: Entry,
  { artifact, authorization }: EffectiveRelease,
  prepared: PreparedRelease | undefined,
): Promise<void> {
  const { pluginId, releaseId, installMode } = entry.rows.plugin;
  try {
    mark(turn, entry, 'reconciling');
    const verdict = await askGuest(artifact, prepared, 'Uninstall', { purgeStorageData: true });
    if (!verdict.allowed) throw new Error(`the Uninstall callback failed: ${verdict.detail} (${verdict.reason})`);
    if (artifact.uninstallSql.length > 0) {
      await turn.sql?.run('uninstall', { pluginId, releaseId, artifact, installMode, authorization });
    }
    const storage = authorization.authorized.filter(({ owner, service }) => owner === '' && service === 'storage');
    const paths = storage.flatMap((service) => service.paths);
    if (paths.length > 0) await turn.storage?.purge(pluginId, paths);
    turn.state?.purge(pluginId);
    // Nobody holds on to a file that goes.
    turn.hooks?.forget(pluginId);
    await turn.sql?.purge(pluginId);
  } catch (thrown) {
    throw failed(pluginId, thrown);
  }
}

/** Errors of the reference keep their code. */
function failed(pluginId: string, thrown: unknown): SandpoolError {
  if (thrown instanceof SandpoolError && thrown.code.startsWith('PLUGIN_')) return thrown;
  return new SandpoolError(
    'PLUGIN_UNINSTALL_EXECUTION_FAILED',
    { pluginId, reason: reasonOf(thrown) },
    { cause: thrown },
  );
}

/** The releases, of which the effective one keeps what was decided about what the plugin has stored. */
function releasesRemoved(rows: PluginRows, purgeStorageData: boolean): readonly ReleaseDraft[] {
  const version = effectiveReleaseOf(rows)?.releaseVersion;
  return releasesGone(rows).map((release) =>
    release.releaseVersion === version
      ? { ...release, manifestSnapshot: withPurge(release.manifestSnapshot, purgeStorageData) }
      : release,
  );
}

async function remove(
  turn: Turn,
  entry: Entry,
  transition: 'uninstall' | 'orphan',
  releases: readonly ReleaseDraft[],
): Promise<void> {
  const { pluginId } = turn;
  const { rows, staged } = entry;
  const row = pluginAfter(rows.plugin, standingAfter(rows.plugin, transition), turn.now());
  turn.commit({
    pluginId,
    basedOn: rows.plugin.generation,
    plugin: { ...row, previousReleaseId: 0, restage: 0 },
    releases,
    effectiveVersion: '',
    diagnosis: null,
    refs: 'none',
    within: () => turn.governance?.remove(pluginId),
  });
  turn.catalog.put({ rows: turn.journal.read(pluginId)!, staged, isLoaded: false });
  turn.engine.deactivate(pluginId);
  // From now on the row follows what is staged.
  await adopt(turn, pluginId).catch((thrown: unknown) => {
    turn.log.warn({ pluginId, reason: reasonOf(thrown) }, 'what is staged is not looked at after an uninstall');
  });
  turn.publish(pluginId, transition === 'orphan' ? 'plugin_orphan_uninstalled' : 'plugin_uninstalled');
}

/** The effective release from its archive, which is repaired from a staged file of the same version where it is damaged. */
async function readable(turn: Turn, entry: Entry, isArchiveSound: boolean): Promise<EffectiveRelease> {
  const { rows, staged, effective } = entry;
  if (isArchiveSound && effective !== undefined) return effective;
  const read = isArchiveSound ? await readEffective(turn, rows) : undefined;
  if (read !== undefined && 'effective' in read) return read.effective;
  const release = effectiveReleaseOf(rows);
  const isSame = staged !== undefined && compareVersions(staged.artifact.manifest.version, rows.plugin.version) === 0;
  if (!isSame || release === undefined) {
    throw new SandpoolError('PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING', { pluginId: turn.pluginId });
  }
  const { artifact } = staged;
  const bytes = await turn.blobs.readStaged(staged.file);
  const key = { pluginId: turn.pluginId, version: release.releaseVersion, checksum: artifact.checksum };
  const packagePath = await turn.blobs.archive(key, bytes);
  const repaired = { ...release, packagePath, checksum: artifact.checksum };
  return { release: repaired, artifact, authorization: staged.authorization };
}
