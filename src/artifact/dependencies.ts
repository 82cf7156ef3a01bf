/** What a plugin needs: a range of host versions and other plugins (`spec/artifact.md` §4.2). */
import { type Decoder, list, lookup, object, text } from './decode.js';
import type { HostServiceDeclaration } from './host-services.js';
import { invalid, isArray, isObject, type JsonValue } from './json.js';
import { pluginIdProblem } from './plugin-id.js';
import { trim } from './text.js';
import { isRange } from './versions.js';

export interface PluginDependency {
  readonly id: string;
  /** A range; empty for any version. */
  readonly version: string;
}

export interface PluginDependencies {
  readonly framework?: { readonly version: string };
  readonly plugins: readonly PluginDependency[];
}

export interface RawDependencies {
  readonly framework: { readonly version: string };
  readonly plugins: readonly (PluginDependency | null)[];
}

const decodePlugin = object({ id: ['id', text], version: ['version', text] });

export const decodeDependencies: Decoder<RawDependencies> = object<RawDependencies>({
  framework: ['framework', object({ version: ['version', text] })],
  plugins: ['plugins', list((value, at) => (value === null || value === undefined ? null : decodePlugin(value, at)))],
});

/**
 * Refuses entries of `dependencies.plugins` with another key than `id` and `version`, before anything is decoded: a key such as
 * `required` would promise what no host keeps.
 * @throws SBX_ARTIFACT_INVALID
 */
export function checkDependencyKeys(manifest: JsonValue): void {
  const dependencies = isObject(manifest) ? lookup(manifest)('dependencies') : undefined;
  const plugins = isObject(dependencies) ? lookup(dependencies)('plugins') : undefined;
  if (!isArray(plugins)) return;
  plugins.forEach((entry, index) => {
    const unknown = isObject(entry) ? [...entry.keys()].find((key) => key !== 'id' && key !== 'version') : undefined;
    if (unknown !== undefined) throw invalid(`dependencies.plugins[${index}].${unknown} is not supported`);
  });
}

/** Trims, and drops a blank framework range. @throws SBX_ARTIFACT_INVALID */
export function normalizeDependencies(declared: RawDependencies, pluginId: string): PluginDependencies {
  const framework = trim(declared.framework.version);
  if (framework !== '' && !isRange(framework))
    throw invalid(`dependencies.framework version range ${framework} is invalid`);
  const seen = new Set<string>();
  const plugins = declared.plugins.map((entry, index) => normalizeDependency(entry, index, pluginId, seen));
  return { ...(framework !== '' && { framework: { version: framework } }), plugins };
}

/** Every service of another plugin needs that plugin, with a version range. @throws SBX_ARTIFACT_INVALID */
export function checkOwners(services: readonly HostServiceDeclaration[], dependencies: PluginDependencies): void {
  for (const { owner, service } of services) {
    if (owner === '') continue;
    const entry = dependencies.plugins.find(({ id }) => id === owner);
    if (entry === undefined) throw invalid(`host service ${service} of ${owner} needs a dependencies.plugins entry`);
    if (entry.version === '') throw invalid(`host service ${service} of ${owner} needs a version range for ${owner}`);
  }
}

function normalizeDependency(
  entry: PluginDependency | null,
  index: number,
  pluginId: string,
  seen: Set<string>,
): PluginDependency {
  const at = `dependencies.plugins[${index}]`;
  if (entry === null) throw invalid(`${at} cannot be null`);
  const [id, version] = [trim(entry.id), trim(entry.version)];
  if (id === '') throw invalid(`${at} is missing id`);
  const problem = pluginIdProblem(id);
  if (problem !== undefined) throw invalid(`${at} id ${id} is invalid: ${problem}`);
  if (id === pluginId) throw invalid(`${at}: plugin ${id} cannot depend on itself`);
  if (seen.has(id)) throw invalid(`${at}: duplicate dependency ${id}`);
  if (version !== '' && !isRange(version)) throw invalid(`${at} version range ${version} is invalid`);
  seen.add(id);
  return { id, version };
}
