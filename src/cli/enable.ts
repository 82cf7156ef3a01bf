/** `sandpool enable`: enables an installed plugin. */
import { authorizationBody } from './authorization.js';
import { connect, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import { pluginDetail, standing } from './plugin-view.js';

interface Options extends HostOptions {
  readonly grant?: string;
}

export async function run({ args: [id = ''], options, answer }: Context<Options>): Promise<ExitCode> {
  const host = await connect(options);
  const json = await authorizationBody(options.grant, host, id);
  await host.request({ method: 'PUT', path: pluginPath(id, 'enable'), json });
  const plugin = await pluginDetail(host, id);
  answer(plugin, standing(plugin));
  return 0;
}
