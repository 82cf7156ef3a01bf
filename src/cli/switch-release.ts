/** What `upgrade` and `rollback` have in common. */
import type { SwitchResult } from '../registry/operations.js';
import { type Host, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import { pluginDetail, standing } from './plugin-view.js';

/** Switches the effective release and says where the plugin stands. Whoever types the command has confirmed it. */
export async function switchRelease(
  { args: [id], answer }: Context,
  host: Host,
  action: 'upgrade' | 'rollback',
  body: object,
): Promise<ExitCode> {
  const json = { confirmed: true, ...body };
  const result = await host.request<SwitchResult>({ method: 'POST', path: pluginPath(id, action), json });
  answer(result, `${standing(await pluginDetail(host, id))}\nit was ${result.fromVersion} before`);
  return 0;
}
