/** `reconciling` and `upgrade_running`: work on a plugin is under way, or was when its process died. */
import { SandpoolError } from '../protocol/errors.js';
import { auditStanding } from './audit.js';
import type { Core } from './core.js';
import { stableState } from './decide.js';
import { effectiveReleaseOf, type PluginRows } from './journal.js';
import type { Entry } from './projection.js';
import type { PluginRow } from './tables.js';

export type Marker = 'reconciling' | 'upgrade_running';

/** Age, in ms, after which a marker is taken for left behind (`spec/governance.md` §1.11). */
const STALE_MS = 5 * 60_000;

export function isMarked({ currentState }: Pick<PluginRow, 'currentState'>): boolean {
  return currentState === 'reconciling' || currentState === 'upgrade_running';
}

/** Whether a marker may be of work that still goes on. */
export function isFresh({ now }: Core, { updatedAt }: PluginRow): boolean {
  // A clock that was set back must not keep a marker alive.
  return Math.abs(now() - updatedAt) <= STALE_MS;
}

/**
 * Marks a plugin before work that takes several steps.
 * @returns the entry with the marker
 * @throws PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING when somebody else has marked it meanwhile.
 */
export function mark(core: Core, entry: Entry, marker: Marker): Entry {
  const { plugin } = entry.rows;
  const { pluginId } = plugin;
  core.journal.write({
    pluginId,
    basedOn: plugin.generation,
    basedOnState: plugin.currentState,
    plugin: { ...plugin, currentState: marker },
    effectiveVersion: effectiveReleaseOf(entry.rows)?.releaseVersion ?? '',
    isMarker: true,
  });
  core.owed.add(pluginId);
  const marked = { ...entry, rows: core.journal.read(pluginId) ?? entry.rows };
  core.catalog.put(marked);
  return marked;
}

/**
 * Takes a marker away that nobody works under any more: one of this process, or one that is old.
 * @throws PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING when it may be of another process that works.
 */
export function clearMarker(core: Core, pluginId: string): void {
  const rows = core.journal.read(pluginId);
  if (rows === undefined || !isMarked(rows.plugin)) return;
  if (!core.owed.has(pluginId) && isFresh(core, rows.plugin)) {
    throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING', { pluginId });
  }
  const settled = settle(core, rows);
  core.owed.delete(pluginId);
  const entry = core.catalog.get(pluginId);
  if (entry !== undefined) core.catalog.put({ ...entry, rows: settled });
}

/** Puts a marked plugin back to what its flags say. */
export function settle(core: Core, rows: PluginRows): PluginRows {
  const { plugin } = rows;
  if (!isMarked(plugin)) return rows;
  const { pluginId } = plugin;
  const state = stableState(plugin);
  const next = { ...plugin, desiredState: state, currentState: state };
  core.journal.write({
    pluginId,
    basedOn: plugin.generation,
    plugin: next,
    effectiveVersion: effectiveReleaseOf(rows)?.releaseVersion ?? '',
    audit: {
      pluginId,
      action: 'recover',
      by: 'system',
      from: auditStanding(plugin),
      to: auditStanding(next),
      result: 'done',
    },
  });
  return core.journal.read(pluginId) ?? rows;
}
