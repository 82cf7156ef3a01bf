/** `sandpool serve`: runs the host until it is told to end. With `--demo` the sample plugin is there from the first start. */
import { resolve } from 'node:path';
import { loadConfig, readEnvironment } from '../config/load.js';
import type { ConfigFlag } from '../config/schema.js';
import { processesOf } from '../main/processes.js';
import { startHost } from '../main.js';
import type { Context, ExitCode } from './command.js';
import { ensureDemo } from './demo.js';
import { greet, greetedOf } from './greeting.js';
import { untilTold } from './signals.js';

interface Options extends Partial<Record<ConfigFlag, string>> {
  readonly config?: string;
  readonly demo?: boolean;
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const { config: file, demo = false, ...flags } = context.options;
  const load = () => loadConfig({ file, flags }).config;
  const config = load();
  const { adminPassword } = readEnvironment();
  if (processesOf(config) > 1) {
    const { serveProcesses } = await import('./serve-processes.js');
    return serveProcesses(context, { config, reload: load, adminPassword, demo });
  }
  const host = await startHost({ config, adminPassword });
  const ending = untilTold(host, context);
  try {
    if (demo) await ensureDemo(host.registry, resolve(config.data.dir), () => progress(context));
  } catch (thrown) {
    await host.close();
    throw thrown;
  }
  greet(context, greetedOf(host), { demo });
  await ending;
  return 0;
}

/** Compiling takes some seconds, in which a person at a terminal would see nothing. */
function progress({ stderr, note }: Context): void {
  if (stderr.isTTY) note('The sample plugin is being built, for the first and only time …');
}
