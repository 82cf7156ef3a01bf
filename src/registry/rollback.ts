/** Rollback (`spec/governance.md` §2.15): a release that was in effect before is so again. No SQL runs and no guest is asked. */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { commit, noteFailure, type Target, viewAhead, withPrepared } from './commit.js';
import { type Core, situationOf, type Turn } from './core.js';
import { decideRollback, standingAfter } from './decide.js';
import { adopt } from './discovery.js';
import { effectiveReleaseOf } from './journal.js';
import { requireMode, requireSwitch } from './needs.js';
import type { RollbackOptions, SwitchResult } from './operations.js';
import type { EffectiveRelease, Entry } from './projection.js';
import { pluginAfter, pluginOver, releaseStanding } from './rows.js';
import { decodeAuthorization } from './snapshot.js';
import { requireConfirmed, resultOf } from './upgrade.js';

/** @returns where the plugin stands now. */
export async function rollback(turn: Turn, options: RollbackOptions): Promise<SwitchResult> {
  requireConfirmed(turn, options.confirmed);
  const entry = await adopt(turn, turn.pluginId);
  const kept = await readTarget(turn, turn.pluginId, entry, options.version);
  requireMode(kept.artifact, entry!.rows.plugin.installMode);
  requireSwitch(turn, kept.artifact);
  const target = targetOf(turn, entry!, kept);
  const isEnabled = target.plugin.status === 1;
  turn.governance?.check(kept.artifact, { enabled: isEnabled });
  await withPrepared(turn, isEnabled ? viewAhead(entry!, target) : undefined, async (prepared) => {
    const staging = await stage(turn, entry!, kept);
    try {
      await commit(turn, entry!, target, {
        reason: 'plugin_rolled_back',
        prepared,
        recheck: () => requireSwitch(turn, kept.artifact),
      });
    } catch (thrown) {
      await staging.undo();
      throw thrown;
    }
    await staging.keep();
  });
  return resultOf(turn, entry!.rows.plugin.version, kept.artifact.manifest.version);
}

/** The release to go back to, read from its archive with the grant that is stored in it. @throws PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE */
export async function readTarget(
  core: Core,
  pluginId: string,
  entry: Entry | undefined,
  version: string | undefined,
): Promise<EffectiveRelease> {
  const { plugin, releases } = entry?.rows ?? { releases: [] };
  const situation = await situationOf(core, pluginId, entry);
  const release = decideRollback(situation, releases, plugin?.previousReleaseId ?? 0, version);
  const { releaseVersion } = release;
  try {
    const bytes = await core.blobs.readArchive(release.packagePath, release.checksum);
    const authorization = decodeAuthorization(release.manifestSnapshot);
    return { release, artifact: core.parseArtifact(bytes), authorization };
  } catch (cause) {
    const reason = `the archived file of ${releaseVersion} cannot be read`;
    const facts = { pluginId, version: releaseVersion, reason };
    throw new SandpoolError('PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE', facts, { cause });
  }
}

function targetOf(turn: Turn, { rows }: Entry, { release, artifact, authorization }: EffectiveRelease): Target {
  const { plugin } = rows;
  const standing = standingAfter(plugin, 'rollback');
  const file = `${turn.pluginId}.wasm`;
  const row = pluginAfter(pluginOver(plugin, artifact, file), standing, turn.now());
  return {
    plugin: { ...row, previousReleaseId: plugin.releaseId, restage: 0 },
    release: releaseStanding({ ...release, manifestPath: file }, standing),
    artifact,
    authorization,
    staged: { file, artifact, authorization },
  };
}

/**
 * The staged file becomes that of the target: a higher one would wait for an upgrade and block the routes. The row says so before
 * the file changes, so that whoever starts after a crash brings the two in line again.
 */
async function stage(turn: Turn, entry: Entry, { release }: EffectiveRelease) {
  const { pluginId, blobs } = turn;
  const { plugin } = entry.rows;
  const bytes = await blobs.readArchive(release.packagePath, release.checksum);
  const effectiveVersion = effectiveReleaseOf(entry.rows)?.releaseVersion ?? '';
  const write = (restage: 0 | 1) => {
    const row = { ...plugin, restage };
    turn.journal.write({ pluginId, basedOn: plugin.generation, plugin: row, effectiveVersion, isMarker: true });
  };
  // The mark may stay: it only has the file written once more at the next start.
  const unmark = () => {
    try {
      write(0);
    } catch (thrown) {
      turn.log.warn({ pluginId, reason: reasonOf(thrown) }, 'the mark of a failed rollback stays until the next start');
    }
  };
  write(1);
  try {
    const change = await blobs.stage(pluginId, bytes);
    return {
      keep: async () => {
        await change.keep();
        // A file that was put there by hand under another name would embed the same id.
        const other = entry.staged?.file;
        if (other !== undefined && other !== `${pluginId}.wasm`) await blobs.unstage(other);
      },
      undo: async () => {
        await change.undo();
        unmark();
      },
    };
  } catch (thrown) {
    unmark();
    noteFailure(turn, entry, thrown, { action: 'rolled_back', isBroken: false });
    throw thrown;
  }
}
