/** The requests of `sandbox.plugins.<id>.warmUp` as a guest receives them: nobody asks, from nowhere. */
import type { Artifact } from '../artifact/artifact.js';
import type { RequestEnvelope } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { routeTableOf } from './match.js';
import { NO_LISTS, NO_VALUES } from './record.js';
import { readQueryValues } from './snapshot.js';
import { readTarget } from './target.js';

/**
 * @param lines such as `GET /notes?page=1`; the path is the one that the plugin declares
 * @throws SBX_WARM_UP_FAILED when no route of the artifact has that path
 */
export function warmUpRequests(artifact: Artifact, lines: readonly string[]): RequestEnvelope[] {
  return lines.map((line) => requestOf(artifact, line));
}

function requestOf(artifact: Artifact, line: string): RequestEnvelope {
  const [method = '', url = ''] = line.split(' ');
  const { path, rawQuery } = readTarget(url);
  const hit = routeTableOf(artifact).match(method, path);
  if (hit === undefined) throw new SandpoolError('SBX_WARM_UP_FAILED', { reason: `no route matches ${line}` });
  const pluginId = artifact.manifest.id;
  const publicPath = `/x/${pluginId}${path}`;
  const { contract, pathParams } = hit;
  const { access, permission, requestType } = contract;
  const paths = { method, publicPath, internalPath: path };
  return {
    pluginId,
    route: {
      ...paths,
      routePath: contract.path,
      access,
      permission,
      requestType,
      pathParams,
      queryValues: readQueryValues(rawQuery),
    },
    request: { ...paths, rawPath: publicPath, rawQuery, headers: NO_LISTS, cookies: NO_VALUES },
    requestId: `${pluginId}:${method}:${path}`,
  };
}
