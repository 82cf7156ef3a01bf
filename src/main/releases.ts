/** Releases of the registry as the engine loads and calls them. */
import { effectiveSandbox } from '../config/plugin.js';
import type { Config } from '../config/schema.js';
import type { Engine, EngineRelease } from '../engine/engine.js';
import { rehearsalRequests, warmUpRequests } from '../http/warm-up.js';
import type { PluginView, PreparedRelease, Registry } from '../registry/registry.js';

/** What the engine is told of a release. */
export function releaseOf(view: PluginView, registry: Registry, config: Config) {
  const { warmUp } = effectiveSandbox(config, view.pluginId);
  const resources = view.artifact.manifestResources.map(
    ({ path, content }) => [path.slice('manifest/'.length), content] as const,
  );
  return {
    pluginId: view.pluginId,
    version: view.version,
    checksum: view.checksum,
    generation: view.generation,
    ...(view.artifact.bridge?.routeExecution && { bridge: view.artifact.bridge }),
    grant: view.grant,
    manifestResources: new Map(resources),
    ...(warmUp && { warmUp: () => warmUpRequests(view.artifact, warmUp) }),
    rehearsals: () => rehearsalRequests(view.artifact),
    readArtifact: () => registry.readArtifact(view),
  };
}

/** A release beside the one that serves; the host calls it for the platform, on nobody's behalf. */
export async function prepareRelease(engine: Engine, release: EngineRelease): Promise<PreparedRelease> {
  const { pluginId } = release;
  const prepared = await engine.prepare(release);
  return {
    run: (callback) => prepared.invoke({ pluginId, executionSource: 'lifecycle', tenantId: 0, ...callback }),
    publish: prepared.publish,
    discard: prepared.discard,
  };
}
