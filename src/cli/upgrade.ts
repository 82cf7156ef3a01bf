/** `sandpool upgrade`: the version that waits becomes the effective one. */
import { authorizationBody } from './authorization.js';
import { connect, type Host, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import type { HostService } from './plugin-view.js';
import { switchRelease } from './switch-release.js';

interface Options extends HostOptions {
  readonly grant?: string;
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const [id = ''] = context.args;
  const host = await connect(context.options);
  return switchRelease(context, host, 'upgrade', await authorizationBody(context.options.grant, host, id, waiting));
}

/** What the version that waits asks for; the plugin's detail tells of the one in effect. */
async function waiting(host: Host, id: string): Promise<readonly HostService[]> {
  const path = pluginPath(id, 'upgrade/preview');
  const { toManifest } = await host.request<{ toManifest: { requestedHostServices?: HostService[] } }>({ path });
  return toManifest.requestedHostServices ?? [];
}
