import { type Entry, type Habits, type PluginRecord, type PluginView, recordOf, viewOf } from './projection.js';

/** All plugins in memory. Looking one up costs one map access: every request to a plugin does it. */
export interface Catalog {
  readonly get: (pluginId: string) => Entry | undefined;
  readonly find: (pluginId: string) => PluginView | undefined;
  readonly record: (pluginId: string) => PluginRecord | undefined;
  /** By id. */
  readonly records: () => readonly PluginRecord[];
  /** In no promised order. */
  readonly entries: () => Iterable<Entry>;
  readonly put: (entry: Entry) => void;
}

export function createCatalog(habits: Habits): Catalog {
  const entries = new Map<string, Entry>();
  const views = new Map<string, PluginView>();
  const records = new Map<string, PluginRecord>();
  return {
    get: (pluginId) => entries.get(pluginId),
    find: (pluginId) => views.get(pluginId),
    record: (pluginId) => records.get(pluginId),
    records: () => [...records.values()].sort((left, right) => (left.plugin.pluginId < right.plugin.pluginId ? -1 : 1)),
    entries: () => entries.values(),
    put(entry) {
      const { pluginId } = entry.rows.plugin;
      entries.set(pluginId, entry);
      setOrDelete(views, pluginId, viewOf(entry, habits));
      setOrDelete(records, pluginId, recordOf(entry, habits));
    },
  };
}

function setOrDelete<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
