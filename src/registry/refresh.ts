/** Several processes over one database: each changes a plugin only in its turn, and follows what the others have changed. */
import type { ChangeReason, Core, RegistryChange } from './core.js';
import { diagnose, discover, readEffective, restore } from './discovery.js';
import { effectiveReleaseOf, type PluginRows } from './journal.js';
import { type Entry, viewOf } from './projection.js';
import type { Serial } from './serial.js';

/** Turns that several processes take. */
export interface SharedTurns {
  /**
   * Waits until no other process is changing this plugin.
   * @returns what ends the turn; it resolves when every other process has followed the change
   */
  begin(pluginId: string): Promise<(news: readonly string[]) => Promise<void>>;
}

/** What another process says of a plugin that it has changed. */
export interface PluginChange {
  readonly pluginId: string;
  /** What it has published, in order. */
  readonly news: readonly string[];
  /** Whether it died in the middle: what it left half-done is to be settled here. */
  readonly isAbandoned: boolean;
}

type Subscribe = (listener: (change: RegistryChange) => void) => () => void;

/** Turns that are waited for in this process first, and then among the processes. */
export function shareTurns(local: Serial, turns: SharedTurns, subscribe: Subscribe): Serial {
  return (pluginId, task) =>
    local(pluginId, async () => {
      const end = await turns.begin(pluginId);
      const news: ChangeReason[] = [];
      const unsubscribe = subscribe((change) => {
        if (change.pluginId === pluginId) news.push(change.reason);
      });
      try {
        return await task();
      } finally {
        unsubscribe();
        // Also after a failure: it may have left a diagnosis, or a discovery.
        await end(news);
      }
    });
}

/** Reads everything that is stored and has the engine load what is enabled; changes nothing that is stored. */
export async function follow(core: Core, serial: Serial): Promise<void> {
  const pluginIds = core.journal.pluginIds();
  const followed = pluginIds.map((pluginId) =>
    serial(pluginId, () => refresh(core, { pluginId, news: [], isAbandoned: false })).catch((thrown: unknown) => {
      core.log.warn({ pluginId, err: thrown }, 'the plugin does not load in this process');
    }),
  );
  await Promise.all(followed);
}

/**
 * Brings one plugin in line with what is stored, in the catalog and in the engine. Other changes of it must be kept out.
 * @throws what the engine throws; the plugin is out of service in this process then.
 */
export async function refresh(core: Core, { pluginId, news, isAbandoned }: PluginChange): Promise<void> {
  const before = core.catalog.get(pluginId);
  if (isAbandoned) await restore(core, pluginId);
  const rows = core.journal.read(pluginId);
  if (rows === undefined) return;
  const staged = (await core.staging.scan()).byId.get(pluginId);
  const entry: Entry = {
    rows,
    isLoaded: before?.isLoaded ?? false,
    staged: staged && discover(rows, staged).staged,
    ...(rows.plugin.installed && (await effectiveOf(core, before, rows))),
  };
  await serve(core, before, entry);
  for (const reason of news) core.publish(pluginId, reason as ChangeReason);
}

/** The effective release; the archive is only read when it is another one than before. */
async function effectiveOf(core: Core, before: Entry | undefined, rows: PluginRows) {
  const release = effectiveReleaseOf(rows);
  const known = before?.effective;
  const isKnown = known !== undefined && release !== undefined && isSameContent(known.release, release);
  return isKnown ? { effective: { ...known, release } } : readEffective(core, rows);
}

type ReleaseContent = NonNullable<Entry['effective']>['release'];

function isSameContent(left: ReleaseContent, right: ReleaseContent): boolean {
  return (
    left.id === right.id &&
    left.checksum === right.checksum &&
    left.packagePath === right.packagePath &&
    left.manifestSnapshot === right.manifestSnapshot
  );
}

/** The engine first, so that nobody is shown what does not serve. */
async function serve(core: Core, before: Entry | undefined, entry: Entry): Promise<void> {
  const { pluginId, status } = entry.rows.plugin;
  const view = viewOf(entry);
  if (view === undefined || status !== 1 || entry.effective === undefined) {
    core.catalog.put({ ...entry, isLoaded: false });
    core.engine.deactivate(pluginId);
    return;
  }
  if (before?.isLoaded && isServing(before, entry)) return core.catalog.put(entry);
  try {
    const prepared = await core.engine.prepare(view);
    prepared.publish();
    core.catalog.put({ ...entry, isLoaded: true });
  } catch (thrown) {
    core.engine.deactivate(pluginId);
    core.catalog.put({ ...entry, isLoaded: false, problem: diagnose(core, 'load', thrown) });
    throw thrown;
  }
}

function isServing(before: Entry, { rows, effective }: Entry): boolean {
  const known = before.effective?.release;
  return (
    before.rows.plugin.generation === rows.plugin.generation &&
    known !== undefined &&
    effective !== undefined &&
    isSameContent(known, effective.release)
  );
}
