/** Enable and disable: whether the effective release serves. Data, menus, grants and files stay. */
import { SandpoolError } from '../protocol/errors.js';
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
import { adopt, readEffective } from './discovery.js';
import { effectiveReleaseOf } from './journal.js';
import { askGuest, hasCallback, requireAllowed, tellGuest, tellHooks } from './lifecycle.js';
import { requireNeeds, requireUnneeded } from './needs.js';
import type { AuthorizeOptions } from './operations.js';
import type { PreparedRelease } from './ports.js';
import { type EffectiveRelease, type Entry, viewOf } from './projection.js';
import { pluginAfter, releaseStanding } from './rows.js';

/** Has the engine load the effective release, and lets it serve. */
export async function enable(turn: Turn, options: AuthorizeOptions): Promise<void> {
  const entry = await adopt(turn, turn.pluginId);
  const situation = await situationOf(turn, turn.pluginId, entry);
  const decision = decide(situation, 'enable');
  if (decision === 'nothing') return reauthorize(turn, entry!, options);
  const known = situation.isArchiveSound ? entry!.effective : undefined;
  const effective = known ?? (await readAgain(turn, entry!, situation.isArchiveSound));
  const { artifact } = effective;
  requireNeeds(turn, artifact, 'enable');
  turn.governance?.check(artifact, { enabled: true });
  const { plugin } = entry!.rows;
  const standing = standingAfter(plugin, 'enable');
  const target = {
    plugin: pluginAfter(plugin, standing, turn.now()),
    release: releaseStanding(effective.release, standing),
    artifact,
    authorization: authorizationFor(turn, artifact, options, effective.authorization),
  };
  await serve(turn, entry!, target, 'enabled', () => requireNeeds(turn, artifact, 'enable'));
  await tellHooks(turn, 'plugin.enabled', artifact);
}

/** Takes a plugin out of service, unless another one that is enabled needs it, or its guest refuses. */
export async function disable(turn: Turn): Promise<void> {
  const entry = turn.catalog.get(turn.pluginId);
  // The archive is not asked: an administrator can always disable.
  const plugin = entry?.rows.plugin;
  const decision = decide({ pluginId: turn.pluginId, plugin, isArchiveSound: true, isLoaded: true }, 'disable');
  if (decision === 'nothing') return;
  requireUnneeded(turn, entry!, 'disable');
  const artifact = entry!.effective?.artifact;
  const isAsked = artifact !== undefined && hasCallback(artifact, ['BeforeDisable', 'AfterDisable']);
  await withGuest(turn, isAsked ? entry! : undefined, async (prepared) => {
    if (artifact)
      requireAllowed(await askGuest(artifact, prepared, 'BeforeDisable', {}), turn.pluginId, 'BeforeDisable');
    requireUnneeded(turn, entry!, 'disable');
    takeOut(turn, entry!);
    if (artifact) await tellHooks(turn, 'plugin.disabled', artifact);
    if (artifact) await tellGuest(turn.log, artifact, prepared, 'AfterDisable', {});
  });
}

/** Prepares the effective release for its callbacks; one that cannot be loaded, cannot be asked: that is for the callback to say. */
export function withGuest<Result>(
  turn: Turn,
  entry: Entry | undefined,
  work: (prepared: PreparedRelease | undefined) => Promise<Result>,
): Promise<Result> {
  const view = entry && viewOf(entry);
  const prepare = (wanted: typeof view) => turn.engine.prepare(wanted!).catch(() => undefined);
  return (view === undefined ? Promise.resolve(undefined) : prepare(view)).then((prepared) =>
    work(prepared).finally(() => prepared?.discard()),
  );
}

function takeOut(turn: Turn, entry: Entry): void {
  const { rows } = entry;
  const standing = standingAfter(rows.plugin, 'disable');
  const release = effectiveReleaseOf(rows);
  turn.commit({
    pluginId: turn.pluginId,
    basedOn: rows.plugin.generation,
    plugin: pluginAfter(rows.plugin, standing, turn.now()),
    releases: release ? [releaseStanding(release, standing)] : [],
    effectiveVersion: release?.releaseVersion ?? '',
    diagnosis: null,
  });
  show(turn, { ...entry, isLoaded: false });
  turn.engine.deactivate(turn.pluginId);
  turn.publish(turn.pluginId, 'plugin_disabled');
}

/** Gives the effective release another authorization, where the decision is another one. */
export async function reauthorize(turn: Turn, entry: Entry, options: AuthorizeOptions): Promise<void> {
  const { effective, rows } = entry;
  if (effective === undefined) return;
  const { artifact, release } = effective;
  const authorization = authorizationFor(turn, artifact, options, effective.authorization);
  if (isSameAuthorization(authorization, effective.authorization)) return;
  await serve(turn, entry, { plugin: rows.plugin, release, artifact, authorization }, 'authorized');
}

/** The release is prepared first when it is to serve, because the engine may refuse it. */
async function serve(
  turn: Turn,
  entry: Entry,
  target: Target,
  action: 'enabled' | 'authorized',
  recheck?: () => void,
): Promise<void> {
  const reason = `plugin_${action}` as const;
  try {
    await withPrepared(turn, target.plugin.status ? viewAhead(entry, target) : undefined, (prepared) =>
      commit(turn, entry, target, { reason, prepared, ...(recheck && { recheck }) }),
    );
  } catch (thrown) {
    if (!isRefusal(thrown)) noteFailure(turn, entry, thrown, { action, isBroken: true });
    throw thrown;
  }
}

/** Reads the archive again, once a damaged one is written anew from a staged file with the very same bytes. */
export async function readAgain(
  turn: Turn,
  { rows, staged }: Entry,
  isArchiveSound: boolean,
): Promise<EffectiveRelease> {
  const release = effectiveReleaseOf(rows);
  if (release === undefined) {
    const { pluginId, version } = rows.plugin;
    throw new SandpoolError('PLUGIN_RELEASE_NOT_FOUND', { pluginId, version });
  }
  const { pluginId, releaseVersion: version, checksum, packagePath: path } = release;
  if (!isArchiveSound) {
    await turn.blobs.archive({ pluginId, version, checksum }, await turn.blobs.readStaged(staged!.file));
  }
  const read = await readEffective(turn, rows);
  if ('effective' in read) return read.effective;
  throw new SandpoolError('SBX_ARCHIVE_BROKEN', { path, reason: read.problem.message });
}
