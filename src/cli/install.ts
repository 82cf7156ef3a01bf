/** `sandpool install`: installs a plugin of a host; an artifact file is uploaded first. */
import { PLUGIN_ID_PATTERN } from '../config/schema.js';
import { authorizationBody } from './authorization.js';
import { connect, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import { pluginDetail, standing } from './plugin-view.js';
import { type UploadOptions, uploadFile } from './upload.js';

interface Options extends UploadOptions {
  readonly enable?: boolean;
  readonly grant?: string;
  readonly mockData?: boolean;
  readonly mode?: string;
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const { options, answer } = context;
  const [target = ''] = context.args;
  const host = await connect(options);
  // An artifact's name has a dot or a slash, a plugin's id never.
  const isId = new RegExp(PLUGIN_ID_PATTERN).test(target);
  const id = isId ? target : (await uploadFile(context, host, target)).id;

  const json = await authorizationBody(options.grant, host, id);
  await host.request({ method: 'POST', path: pluginPath(id, 'install'), json: { ...json, ...choicesOf(options) } });
  if (options.enable) await host.request({ method: 'PUT', path: pluginPath(id, 'enable'), json });

  const plugin = await pluginDetail(host, id);
  answer(plugin, standing(plugin));
  return 0;
}

/** What only an installation takes; the host refuses a mode that it does not know. */
function choicesOf({ mockData, mode }: Options): object {
  return { ...(mockData && { installMockData: true }), ...(mode !== undefined && { installMode: mode }) };
}
