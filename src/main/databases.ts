/** Databases of plugins, as the main thread has them open. */
import type { Logger } from 'pino';
import { reasonOf } from '../protocol/errors.js';
import type { Registry } from '../registry/registry.js';
import { copyLedger } from '../registry/sql-port.js';
import { createTableLists, type TableLists } from '../resources/table-lists.js';
import { createPluginDatabases, type PluginDatabases } from '../store/plugin-databases.js';
import type { Database } from '../store/sqlite.js';

/** Databases of plugins, for host calls that are answered on this thread. */
export function openDatabases(dataDir: string, registry: Pick<Registry, 'subscribe'>): PluginDatabases {
  const databases = createPluginDatabases({ dataDir, now: Date.now });
  registry.subscribe(({ pluginId }) => databases.forget(pluginId));
  return databases;
}

/** Rows of plugins for the resource API. */
export function openTables(dataDir: string, registry: Pick<Registry, 'subscribe'>): TableLists {
  const tables = createTableLists({ dataDir });
  registry.subscribe(({ pluginId }) => tables.forget(pluginId));
  return tables;
}

/** A copy that cannot be brought up to date stops nothing: what was executed stands in the plugin's own file. */
export function copyLedgers(database: Database, dataDir: string, log: Logger): void {
  const installed = database.prepare<[], string>('SELECT plugin_id FROM sys_plugin WHERE installed = 1').pluck().all();
  for (const plugin of installed) {
    try {
      copyLedger(database, dataDir, plugin);
    } catch (thrown) {
      log.warn({ plugin, reason: reasonOf(thrown) }, 'the copy of what SQL was executed is not up to date');
    }
  }
}
