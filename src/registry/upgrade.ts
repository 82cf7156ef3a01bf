/**
 * Upgrade (`spec/governance.md` §2.9): the higher version that is staged becomes the effective release. It is compiled, warmed and
 * asked while the old one serves; the switch is one transaction, and what runs on the old module ends there.
 */
import { createHash } from 'node:crypto';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { pendingServices } from './authorization.js';
import { authorizationFor, commit, isRefusal, noteFailure, type Target, viewAhead, withPrepared } from './commit.js';
import { situationOf, type Turn } from './core.js';
import { decide, standingAfter } from './decide.js';
import { adopt } from './discovery.js';
import { archiveStaged, releaseIdOf } from './install.js';
import type { PluginRows } from './journal.js';
import { askGuest, hasCallback, manifestFactsOf, requireAllowed, tellGuest, tellHooks } from './lifecycle.js';
import { mark } from './markers.js';
import { requireMode, requireSwitch } from './needs.js';
import type { SwitchResult, UpgradeOptions } from './operations.js';
import type { PreparedRelease } from './ports.js';
import type { Entry } from './projection.js';
import { pluginAfter, pluginOver, releaseOf, releaseStanding } from './rows.js';
import { phaseKey, type UpgradePhase } from './runtime-state.js';

const CALLBACKS = ['BeforeUpgrade', 'Upgrade', 'AfterUpgrade'] as const;
const MAX_LEDGER_CHARACTERS = 1024;

/** @returns where the plugin stands now. */
export async function upgrade(turn: Turn, options: UpgradeOptions): Promise<SwitchResult> {
  requireConfirmed(turn, options.confirmed);
  const entry = await adopt(turn, turn.pluginId);
  decide(await situationOf(turn, turn.pluginId, entry), 'upgrade');
  requireMode(entry!.staged!.artifact, entry!.rows.plugin.installMode);
  const fromVersion = entry!.rows.plugin.version;
  const draft = targetOf(turn, entry!, options);
  const work = { phase: 'release_switch' as UpgradePhase };
  try {
    const target = { ...draft, release: { ...draft.release, packagePath: await archiveStaged(turn, entry!) } };
    const isRun = target.plugin.status === 1 || hasCallback(target.artifact, CALLBACKS);
    work.phase = 'release';
    await withPrepared(turn, isRun ? viewAhead(entry!, target) : undefined, (prepared) =>
      carryOut(turn, entry!, target, prepared, work),
    );
  } catch (thrown) {
    throw settleFailure(turn, entry!, draft, work.phase, thrown);
  }
  return resultOf(turn, fromVersion, draft.plugin.version);
}

/** @throws PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED */
export function requireConfirmed({ pluginId }: Turn, confirmed: boolean): void {
  if (!confirmed) throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED', { pluginId });
}

export function resultOf({ catalog, pluginId }: Turn, fromVersion: string, toVersion: string): SwitchResult {
  const { runtimeState, effectiveVersion, discoveredVersion, authorization } = catalog.record(pluginId)!;
  return {
    pluginId,
    runtimeState,
    effectiveVersion,
    discoveredVersion,
    fromVersion,
    toVersion,
    executed: true,
    pendingServices: pendingServices(authorization),
  };
}

function targetOf(turn: Turn, { rows, staged }: Entry, options: UpgradeOptions): Target {
  const { file, artifact, authorization: confirmed } = staged!;
  const authorization = authorizationFor(turn, artifact, options, confirmed);
  const standing = standingAfter(rows.plugin, 'upgrade');
  const row = pluginAfter(pluginOver(rows.plugin, artifact, file), standing, turn.now());
  const release = releaseOf(artifact, authorization, { status: 'installed', packagePath: '', file });
  return {
    plugin: { ...row, previousReleaseId: rows.plugin.releaseId },
    release: releaseStanding(release, standing),
    artifact,
    authorization,
  };
}

/** Tells its phase, so that a failure can be told from another. */
async function carryOut(
  turn: Turn,
  entry: Entry,
  target: Target,
  prepared: PreparedRelease | undefined,
  work: { phase: UpgradePhase },
): Promise<void> {
  const { artifact, authorization } = target;
  const versions = { fromVersion: entry.rows.plugin.version, toVersion: artifact.manifest.version };
  work.phase = 'before_upgrade';
  requireAllowed(await askGuest(artifact, prepared, 'BeforeUpgrade', versions), turn.pluginId, 'BeforeUpgrade');
  mark(turn, entry, 'upgrade_running');
  requireSwitch(turn, artifact);
  // Looked at before SQL runs, because what is wrong with it needs no undoing then.
  work.phase = 'governance';
  turn.governance?.check(artifact, { enabled: target.plugin.status === 1 });

  work.phase = 'upgrade_callback';
  const fromManifest = entry.effective && manifestFactsOf(entry.effective.artifact, entry.effective.authorization);
  const manifests = { ...(fromManifest && { fromManifest }), toManifest: manifestFactsOf(artifact, authorization) };
  const verdict = await askGuest(artifact, prepared, 'Upgrade', { ...versions, ...manifests });
  if (!verdict.allowed) throw new Error(`the Upgrade callback failed: ${verdict.detail} (${verdict.reason})`);

  work.phase = 'sql';
  if (artifact.installSql.length > 0) {
    const { installMode } = target.plugin;
    const releaseId = releaseIdOf(entry, artifact.manifest.version);
    await turn.sql?.run('upgrade', { pluginId: turn.pluginId, releaseId, artifact, installMode, authorization });
  }

  work.phase = 'release_switch';
  await commit(turn, entry, target, {
    reason: 'plugin_upgraded',
    prepared: target.plugin.status ? prepared : undefined,
    recheck: () => requireSwitch(turn, artifact),
  });
  await tellGuest(turn.log, artifact, prepared, 'AfterUpgrade', versions);
  await tellHooks(turn, 'plugin.upgraded', artifact);
}

/** A veto is told as it is. Whatever comes after the marker is hidden behind one code, with its cause (§2.9). */
function settleFailure(turn: Turn, entry: Entry, target: Target, phase: UpgradePhase, thrown: unknown): unknown {
  const isVeto = thrown instanceof SandpoolError && thrown.code === 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED';
  const isBusy = thrown instanceof SandpoolError && thrown.code === 'PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING';
  if (isVeto || isBusy) return thrown;
  const reason = reasonOf(thrown);
  const version = target.plugin.version;
  // What other plugins forbid is not the release's fault: it goes on waiting.
  const blame = isRefusal(thrown) ? {} : failedRelease(entry.rows, version, phase, reason);
  noteFailure(turn, entry, thrown, { action: 'upgraded', isBroken: false, ...blame });
  turn.publish(turn.pluginId, 'runtime_upgrade_failed');
  const facts = { pluginId: turn.pluginId, fromVersion: entry.rows.plugin.version, toVersion: version, phase, reason };
  return new SandpoolError('PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED', facts, { cause: thrown });
}

function failedRelease({ releases }: PluginRows, releaseVersion: string, phase: UpgradePhase, reason: string) {
  const known = releases.find((release) => release.releaseVersion === releaseVersion);
  const errorMessage = reason.slice(0, MAX_LEDGER_CHARACTERS);
  const checksum = createHash('sha256').update(`${phase}:${reason}`).digest('hex');
  return {
    ...(known && { releases: [{ ...known, status: 'failed' as const }] }),
    failure: { releaseVersion, migrationKey: phaseKey(phase), checksum, errorMessage },
  };
}
