/** `sandpool uninstall`: takes a plugin away, with its data unless that is to be kept. */
import { connect, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';

interface Options extends HostOptions {
  readonly keepData?: boolean;
  readonly force?: boolean;
}

export async function run({ args: [id], options, answer }: Context<Options>): Promise<ExitCode> {
  const host = await connect(options);
  const json = { purgeStorageData: options.keepData ? 0 : 1, force: options.force === true };
  const result = await host.request({ method: 'DELETE', path: pluginPath(id), json });
  answer(result, `${id} is uninstalled, its data is ${options.keepData ? 'kept' : 'deleted'}`);
  return 0;
}
