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
  const { requestedHostServices = [], authorizedHostServices = [], declaredRoutes = [], notExecuted = [] } = plugin;
  const { dependencies = [], reverseDependents = [] } = plugin.dependencyCheck ?? {};
  const facts: [string, string | undefined][] = [
    ['id', plugin.id],
    ['name', plugin.name],
    ['description', plugin.description],
    ['type', plugin.type],
    ['version', plugin.version],
    ['state', stateOf(plugin)],
    ['waiting version', waitingVersion(plugin)],
    ['failed upgrade', failureLine(plugin)],
    ['last failure', plugin.diagnosis && `${plugin.diagnosis.errorCode}: ${plugin.diagnosis.message}`],
    ['authorization', plugin.authorizationStatus],
    ['isolation', isolationLine(plugin)],
    ['quarantine', quarantineLine(plugin)],
  ];
  const lists: [string, number, string][] = [
    ['requested host services', requestedHostServices.length, hostServiceLines(requestedHostServices)],
    ['granted host services', authorizedHostServices.length, hostServiceLines(authorizedHostServices)],
    ['routes', declaredRoutes.length, routeLines(declaredRoutes)],
    ['depends on', dependencies.length, dependencyLines(dependencies)],
    ['needed by', reverseDependents.length, dependentLines(reverseDependents)],
    ['not executed', notExecuted.length, columns(notExecuted.map(({ part, count }) => [`  ${part}`, String(count)]))],
  ];
  return [
    columns(facts.flatMap(([name, value]) => (value ? [[name, value]] : []))),
    ...lists.flatMap(([title, count, lines]) => (count === 0 ? [] : [`${title}:\n${lines}`])),
  ].join('\n');
}

/** The version that an upgrade would bring. */
function waitingVersion({ installed, effectiveVersion, discoveredVersion }: PluginDetail): string | undefined {
  if (!installed || !discoveredVersion || discoveredVersion === effectiveVersion) return undefined;
  return `${discoveredVersion}; sandpool preview shows what it would change`;
}

function failureLine({ lastUpgradeFailure: failure }: PluginDetail): string | undefined {
  if (failure === undefined) return undefined;
  const { releaseVersion, phase, detail } = failure;
  return `${releaseVersion} in ${phase}${detail ? `: ${detail}` : ''}`;
}

type Check = NonNullable<PluginDetail['dependencyCheck']>;

function dependencyLines(dependencies: Check['dependencies']): string {
  return columns(
    dependencies.map(({ dependencyId, requiredVersion, currentVersion, status }) => [
      `  ${dependencyId}`,
      requiredVersion,
      currentVersion,
      status,
    ]),
  );
}

function dependentLines(dependents: Check['reverseDependents']): string {
  return columns(
    dependents.map(({ pluginId, version, requiredVersion }) => [`  ${pluginId}`, version, requiredVersion]),
  );
}

function isolationLine({ isolation, isolationObstacles = [] }: PluginDetail): string | undefined {
  if (isolation === undefined || isolationObstacles.length === 0) return isolation;
  return `${isolation}, because ${isolationObstacles.join('; ')}`;
}

function quarantineLine({ quarantine }: PluginDetail): string | undefined {
  if (quarantine === undefined) return undefined;
  const { since, until, failures, lastCode } = quarantine;
  return `since ${since}, until ${until}: ${failures} failures, the last ${lastCode}; sandpool release ends it`;
}
