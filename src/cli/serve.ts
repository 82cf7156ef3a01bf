/** `sandpool serve`: runs the host until it is told to end. With `--demo` the sample plugin is there from the first start. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadConfig, readEnvironment } from '../config/load.js';
import type { ConfigFlag } from '../config/schema.js';
import { type Host, startHost } from '../main.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Context, ExitCode } from './command.js';
import { scaffold } from './new.js';
import { packDirectory } from './pack.js';

interface Options extends Partial<Record<ConfigFlag, string>> {
  readonly config?: string;
  readonly demo?: boolean;
}

const DEMO_ID = 'sandpool-notes';
/** A public route of the sample plugin. */
const DEMO_PATH = `/x/${DEMO_ID}/notes`;

export async function run(context: Context<Options>): Promise<ExitCode> {
  const { config: file, demo = false, ...flags } = context.options;
  const { config } = loadConfig({ file, flags });
  const host = await startHost({ config, adminPassword: readEnvironment().adminPassword });
  const ending = untilTold(host, context);
  try {
    if (demo) await ensureDemo(host, resolve(config.data.dir));
  } catch (thrown) {
    await host.close();
    throw thrown;
  }
  const enabled = host.registry
    .list()
    .filter(({ plugin }) => plugin.status === 1)
    .map(({ plugin }) => plugin.pluginId);
  context.answer(
    {
      url: host.url,
      plugins: enabled,
      ...(host.firstPassword && { admin: { username: 'admin', password: host.firstPassword } }),
    },
    greeting(host, enabled, demo),
  );
  await ending;
  return 0;
}

function greeting(host: Host, enabled: readonly string[], demo: boolean): string {
  const lines = [
    `Sandpool listens on ${host.url}`,
    `  plugins   ${enabled.join(', ') || 'none; `sandpool install FILE --enable` adds one'}`,
    `  metrics   ${host.url}/metrics`,
    ...(host.firstPassword ? [`  admin     user admin, password ${host.firstPassword} (shown only this once)`] : []),
    ...(demo ? ['', `Try:  curl ${host.url}${DEMO_PATH}`, `      ${host.url}/x/${DEMO_ID}/ in a browser`] : []),
  ];
  return lines.join('\n');
}

/** Resolves when the host has ended after a signal; a second signal ends the process at once. */
function untilTold(host: Host, { note }: Context<Options>): Promise<void> {
  return new Promise((settle, fail) => {
    let isEnding = false;
    const end = (signal: NodeJS.Signals): void => {
      if (isEnding) process.exit(1);
      isEnding = true;
      note(`${signal}: waiting for running requests`);
      host.close().then(settle, fail);
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}

/** Scaffolds, packs, installs and enables the sample plugin unless it is there. */
async function ensureDemo(host: Host, dataDir: string): Promise<void> {
  if (host.registry.find(DEMO_ID)?.installed) return;
  const directory = join(dataDir, 'demo', DEMO_ID);
  if (existsSync(directory)) await rm(directory, { recursive: true });
  await scaffold(DEMO_ID, { language: 'assemblyscript', directory });
  const { bytes, manifest } = await packDirectory(directory);
  if (manifest.id !== DEMO_ID)
    throw new SandpoolError('SBX_INTERNAL', { reason: `the sample plugin is ${manifest.id}` });
  await host.registry.upload(bytes, { overwrite: true });
  await host.registry.install(DEMO_ID, { grantUnreviewed: true });
  await host.registry.enable(DEMO_ID, { grantUnreviewed: true });
}
