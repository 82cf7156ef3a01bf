/**
 * Requests that nobody asks, from nowhere, as a guest receives them: those of `sandbox.plugins.<id>.warmUp`, and one for each route,
 * that has its code compiled.
 */
import type { Artifact } from '../artifact/artifact.js';
import type { RequestEnvelope } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { type RouteHit, routeTableOf } from './match.js';
import { NO_LISTS, NO_VALUES } from './record.js';
import { readQueryValues } from './snapshot.js';
import { readTarget, type Target } from './target.js';

/**
 * @param lines such as `GET /notes?page=1`; the path is the one that the plugin declares
 * @throws SBX_WARM_UP_FAILED when no route of the artifact has that path
 */
export function warmUpRequests(artifact: Artifact, lines: readonly string[]): RequestEnvelope[] {
  return lines.map((line) => requestOf(artifact, line));
}

/** A request for each route of the artifact that can be reached, with `1` for each parameter of its path. */
export function rehearsalRequests(artifact: Artifact): RequestEnvelope[] {
  return artifact.routes.flatMap(({ method, path }) => {
    const target = { path: path.replace(PARAMETER, '1'), rawQuery: '' };
    const hit = routeTableOf(artifact).match(method, target.path);
    return hit === undefined ? [] : [envelopeOf(artifact, method, target, hit)];
  });
}

const PARAMETER = /\{[^/]*\}/g;

function requestOf(artifact: Artifact, line: string): RequestEnvelope {
  const [method = '', url = ''] = line.split(' ');
  const target = readTarget(url);
  const hit = routeTableOf(artifact).match(method, target.path);
  if (hit === undefined) throw new SandpoolError('SBX_WARM_UP_FAILED', { reason: `no route matches ${line}` });
  return envelopeOf(artifact, method, target, hit);
}

function envelopeOf(
  artifact: Artifact,
  method: string,
  target: Pick<Target, 'path' | 'rawQuery'>,
  hit: RouteHit,
): RequestEnvelope {
  const { path, rawQuery } = target;
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
