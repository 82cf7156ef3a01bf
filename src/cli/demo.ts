/** The sample plugin of `sandpool serve --demo`. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SandpoolError } from '../protocol/errors.js';
import type { Registry } from '../registry/registry.js';
import { scaffold } from './new.js';
import { packDirectory } from './pack.js';

const DEMO_ID = 'sandpool-notes';

/** What of the sample plugin can be tried without a login; undefined while it does not serve. */
export function demoPaths(registry: Pick<Registry, 'find'>): { route: string; page: string } | undefined {
  const plugin = registry.find(DEMO_ID);
  if (!plugin?.enabled) return undefined;
  return { route: `/x/${DEMO_ID}/notes`, page: `/x-assets/${DEMO_ID}/${plugin.version}/` };
}

/** Scaffolds, packs, installs and enables the sample plugin unless it is installed. `begin` is called before that is done. */
export async function ensureDemo(registry: Registry, dataDir: string, begin?: () => void): Promise<void> {
  if (registry.find(DEMO_ID)?.installed) return;
  begin?.();
  const directory = join(dataDir, 'demo', DEMO_ID);
  if (existsSync(directory)) await rm(directory, { recursive: true });
  await scaffold(DEMO_ID, { language: 'assemblyscript', directory });
  const { bytes, manifest } = await packDirectory(directory);
  if (manifest.id !== DEMO_ID)
    throw new SandpoolError('SBX_INTERNAL', { reason: `the sample plugin is ${manifest.id}` });
  await registry.upload(bytes, { overwrite: true });
  await registry.install(DEMO_ID, { grantUnreviewed: true });
  await registry.enable(DEMO_ID, { grantUnreviewed: true });
}
