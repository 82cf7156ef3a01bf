/** The sample plugin of `sandpool serve --demo`. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SandpoolError } from '../protocol/errors.js';
import type { Registry } from '../registry/registry.js';
import { scaffold } from './new.js';
import { packDirectory } from './pack.js';

const DEMO_ID = 'sandpool-notes';

/** A page of the sample plugin. */
export const DEMO_PAGE = `/x/${DEMO_ID}/`;
/** A public route of the sample plugin. */
export const DEMO_PATH = `${DEMO_PAGE}notes`;

/** Scaffolds, packs, installs and enables the sample plugin unless it is there. */
export async function ensureDemo(registry: Registry, dataDir: string): Promise<void> {
  if (registry.find(DEMO_ID)?.installed) return;
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
