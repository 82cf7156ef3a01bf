/** `sandpool show`: one plugin of a host. */
import { connect, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { hostServiceLines, type PluginDetail, pluginDetail, routeLines, stateOf } from './plugin-view.js';
import { columns } from './table.js';

export async function run({ args: [id], options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const plugin = await pluginDetail(await connect(options), id);
  answer(plugin, textOf(plugin));
  return 0;
}

function textOf(plugin: PluginDetail): string {
  const { requestedHostServices = [], authorizedHostServices = [], declaredRoutes = [] } = plugin;
  const facts: [string, string | undefined][] = [
    ['id', plugin.id],
    ['name', plugin.name],
    ['description', plugin.description],
    ['type', plugin.type],
    ['version', plugin.version],
    ['state', stateOf(plugin)],
    ['authorization', plugin.authorizationStatus],
    ['quarantine', quarantineLine(plugin)],
  ];
  const lists: [string, number, string][] = [
    ['requested host services', requestedHostServices.length, hostServiceLines(requestedHostServices)],
    ['granted host services', authorizedHostServices.length, hostServiceLines(authorizedHostServices)],
    ['routes', declaredRoutes.length, routeLines(declaredRoutes)],
  ];
  return [
    columns(facts.flatMap(([name, value]) => (value ? [[name, value]] : []))),
    ...lists.flatMap(([title, count, lines]) => (count === 0 ? [] : [`${title}:\n${lines}`])),
  ].join('\n');
}

function quarantineLine({ quarantine }: PluginDetail): string | undefined {
  if (quarantine === undefined) return undefined;
  const { since, until, failures, lastCode } = quarantine;
  return `since ${since}, until ${until}: ${failures} failures, the last ${lastCode}; sandpool release ends it`;
}
