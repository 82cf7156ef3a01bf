/** `sandpool disable`: disables a plugin; its data, files and grants stay. */
import { connect, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import { pluginDetail, standing } from './plugin-view.js';

export async function run({ args: [id], options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const host = await connect(options);
  await host.request({ method: 'PUT', path: pluginPath(id, 'disable') });
  const plugin = await pluginDetail(host, id);
  answer(plugin, standing(plugin));
  return 0;
}
