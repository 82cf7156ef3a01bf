/**
 * Where objects lie:
 *
 *   <directory>/plugins/<plugin-id>/platform/<path>
 *   <directory>/plugins/<plugin-id>/tenant/<tenant-id>/<path>
 *   <directory>/parts/put-…          what is being written
 *   <directory>/parts/<upload-id>    what was received of an upload
 *   <directory>/ledger.db, lock.db
 *
 * All in one file system: what is complete is renamed to its place.
 */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkPluginId } from '../artifact/plugin-id.js';
import { syncDirectory } from './object-files.js';
import type { ObjectScope } from './object-ledger.js';

export function partsIn(directory: string): string {
  return join(directory, 'parts');
}

/** The directory of all objects of a scope. @throws PLUGIN_ID_INVALID, so that no name leads elsewhere */
export function rootOf(directory: string, { pluginId, tenantId }: ObjectScope): string {
  const plugin = pluginDirectory(directory, pluginId);
  return tenantId > 0 ? join(plugin, 'tenant', String(Math.trunc(tenantId))) : join(plugin, 'platform');
}

/** Makes the directory of a scope, once and for good. */
export function makeRoot(root: string): void {
  if (lstatSync(root, { throwIfNoEntry: false })?.isDirectory()) return;
  const first = mkdirSync(root, { recursive: true, mode: 0o700 });
  // Each new directory is a name in the one above it.
  for (let made = root; first !== undefined && made.length >= first.length; made = dirname(made)) {
    syncDirectory(dirname(made));
  }
}

/** The scopes that a plugin has objects in. */
export function scopesOf(directory: string, pluginId: string): readonly ObjectScope[] {
  const plugin = pluginDirectory(directory, pluginId);
  const tenants = namesIn(join(plugin, 'tenant')).filter((name) => /^[1-9]\d{0,15}$/.test(name));
  const platform = namesIn(plugin).includes('platform') ? [{ pluginId, tenantId: 0 }] : [];
  return [...platform, ...tenants.map((name) => ({ pluginId, tenantId: Number(name) }))];
}

/** Plugins that have or had objects. */
export function pluginsIn(directory: string): readonly string[] {
  return namesIn(join(directory, 'plugins'));
}

export function pluginDirectory(directory: string, pluginId: string): string {
  checkPluginId(pluginId);
  return join(directory, 'plugins', pluginId);
}

/** Names of the directories in a directory; none when it is not there. */
function namesIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return [];
    throw thrown;
  }
}
