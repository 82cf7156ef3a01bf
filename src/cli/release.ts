/** `sandpool release`: lets a plugin out of quarantine before its time. */
import { connect, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';

export async function run({ args: [id], options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const host = await connect(options);
  const path = pluginPath(id, 'release-quarantine');
  const result = await host.request<{ released: number }>({ method: 'POST', path });
  answer(result, result.released ? `${id} is out of quarantine` : `${id} was not in quarantine`);
  return 0;
}
