/**
 * The end of every transition. What may fail has happened before: bytes are archived, the release is prepared, SQL has run. Then
 * one transaction, and at once what everybody sees and what serves. A crash at any point leaves one effective release or none.
 */
import type { Artifact } from '../artifact/artifact.js';
import { type ErrorCode, reasonOf, SandpoolError } from '../protocol/errors.js';
import { type Authorization, authorize } from './authorization.js';
import type { ChangeReason, Core, Turn } from './core.js';
import { stableState } from './decide.js';
import { diagnose, prune } from './discovery.js';
import { type Change, effectiveReleaseOf, type PluginRows, type ReleaseDraft } from './journal.js';
import type { AuthorizeOptions } from './operations.js';
import type { PreparedRelease } from './ports.js';
import { type Entry, type PluginView, viewOf } from './projection.js';
import { referencesOf } from './references.js';
import type { PluginDraft } from './rows.js';
import { withAuthorization } from './snapshot.js';
import type { ReleaseRow } from './tables.js';

/** What is effective once a transition is through. */
export interface Target {
  readonly plugin: PluginDraft;
  readonly release: ReleaseDraft;
  readonly artifact: Artifact;
  readonly authorization: Authorization;
  /** What is staged afterwards, where the transition changes that. */
  readonly staged?: Entry['staged'];
}

export interface Ending {
  readonly reason: ChangeReason;
  /** Of a plugin that is enabled afterwards. */
  readonly prepared: PreparedRelease | undefined;
  /** What may have changed in other plugins meanwhile; throws when it has. */
  readonly recheck?: () => void;
}

/** Writes the transition, shows it, and has the prepared release serve when the plugin is enabled. */
export async function commit(
  turn: Turn,
  entry: Entry,
  target: Target,
  { reason, prepared, recheck }: Ending,
): Promise<void> {
  const { pluginId } = turn;
  recheck?.();
  const { rows } = entry;
  const { artifact, authorization } = target;
  const release = releaseWith(target);
  turn.commit({
    pluginId,
    basedOn: rows.plugin.generation,
    plugin: target.plugin,
    releases: [...releasesLeft(entry, release), release],
    effectiveVersion: release.releaseVersion,
    diagnosis: null,
    refs: referencesOf(artifact, authorization),
    within: () => turn.governance?.apply(artifact),
  });
  const isLoaded = target.plugin.status === 1;
  const effective = { release: asRow(rows, release), artifact, authorization };
  show(turn, { ...entry, staged: target.staged ?? entry.staged, problem: undefined, isLoaded, effective });
  if (isLoaded) prepared?.publish();
  await prune(turn, turn.catalog.get(pluginId)!.rows);
  turn.publish(pluginId, reason);
}

/** The plugin as it will be, for the engine and for callbacks; ids and times are still those of before. */
export function viewAhead({ rows, ...entry }: Entry, target: Target): PluginView {
  const release = releaseWith(target);
  const effective = { release: asRow(rows, release), artifact: target.artifact, authorization: target.authorization };
  const plugin = { ...rows.plugin, ...target.plugin };
  return viewOf({ ...entry, rows: { ...rows, plugin }, effective, problem: undefined })!;
}

/** Prepares a release where it is needed; what is not published in the end is let go of. */
export async function withPrepared<Result>(
  { engine }: Core,
  view: PluginView | undefined,
  work: (prepared: PreparedRelease | undefined) => Promise<Result>,
): Promise<Result> {
  const prepared = view && (await engine.prepare(view).catch(named));
  try {
    return await work(prepared);
  } finally {
    prepared?.discard();
  }
}

function named(thrown: unknown): never {
  if (thrown instanceof SandpoolError) throw thrown;
  throw new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) }, { cause: thrown });
}

/** What a failed transition leaves beside the flags, which stay. */
export interface Failure {
  /** As the diagnosis names it. */
  readonly action: string;
  /** Whether a plugin that does not serve is `failed` from now on. */
  readonly isBroken: boolean;
  readonly releases?: readonly ReleaseDraft[];
  readonly failure?: Change['failure'];
}

/** Puts the plugin back to where it stood and says why; one that was serving goes on serving what it served. */
export function noteFailure(
  turn: Turn,
  before: Entry,
  thrown: unknown,
  { action, isBroken, releases, failure }: Failure,
): void {
  const { plugin } = before.rows;
  const { pluginId } = turn;
  const { errorCode, message } = diagnose(turn, action, thrown);
  const state = stableState(plugin);
  // A full disk says nothing against the release.
  const isItsOwn = !(thrown instanceof SandpoolError && thrown.code === 'SBX_STORE_FAILED');
  const currentState = isBroken && isItsOwn && !plugin.status ? ('failed' as const) : state;
  try {
    const isSame = turn.journal.read(pluginId)?.plugin.currentState === currentState;
    turn.journal.write({
      pluginId,
      basedOn: plugin.generation,
      ...(!isSame && {
        plugin: { ...plugin, desiredState: state, currentState },
        effectiveVersion: effectiveReleaseOf(before.rows)?.releaseVersion ?? '',
      }),
      ...(releases && { releases }),
      ...(failure && { failure }),
      diagnosis: { action, errorCode, message },
    });
    turn.owed.delete(pluginId);
    show(turn, before);
  } catch (second) {
    // Nobody is to see the marker; it is taken away when the plugin's next turn comes.
    turn.catalog.put(before);
    turn.log.warn(
      { pluginId, reason: reasonOf(second) },
      `the diagnosis of a failed ${action} is not stored: ${message}`,
    );
  }
}

const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
  'PLUGIN_DEPENDENCY_BLOCKED',
  'PLUGIN_REVERSE_DEPENDENCY_BLOCKED',
  'PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING',
]);

/** What somebody has to decide differently, in contrast to what went wrong. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof SandpoolError && REFUSALS.has(thrown.code);
}

/** What the guest may do after a decision, or after none. */
export function authorizationFor(
  core: Core,
  artifact: Artifact,
  options: AuthorizeOptions,
  previous: Authorization | undefined,
): Authorization {
  const grantUnreviewed = options.grantUnreviewed ?? core.grantUnreviewed;
  return authorize({ requested: artifact.hostServices, decision: options.authorization, previous, grantUnreviewed });
}

/** Shows an entry with its rows as they are stored now. */
export function show(core: Core, entry: Entry): void {
  const rows = core.journal.read(entry.rows.plugin.pluginId) ?? entry.rows;
  const release = effectiveReleaseOf(rows);
  const effective = entry.effective && release && { ...entry.effective, release };
  core.catalog.put({ ...entry, rows, effective });
}

function releaseWith({ release, authorization }: Target): ReleaseDraft {
  return { ...release, manifestSnapshot: withAuthorization(release.manifestSnapshot, authorization) };
}

/** The release that another one takes over from; it is kept, and a rollback may lead to it. */
function releasesLeft({ rows }: Entry, next: ReleaseDraft): readonly ReleaseDraft[] {
  const before = rows.plugin.installed ? effectiveReleaseOf(rows) : undefined;
  return before && before.releaseVersion !== next.releaseVersion ? [{ ...before, status: 'installed' }] : [];
}

function asRow({ plugin, releases }: PluginRows, draft: ReleaseDraft): ReleaseRow {
  const known = releases.find(({ releaseVersion }) => releaseVersion === draft.releaseVersion);
  const { createdAt, updatedAt } = known ?? plugin;
  return { ...draft, id: known?.id ?? 0, createdAt, updatedAt };
}
