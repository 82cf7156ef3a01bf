/** The rows of the tables that a plugin offers (E14 of `spec/governance.md` §2.2). */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { TableResource } from '../../artifact/artifact.js';
import type { Identity } from '../../protocol/envelope.js';
import { SandpoolError } from '../../protocol/errors.js';
import { PAGE, success } from '../api-route.js';
import { type ApiRouteOptions, type Gate, ID, PREFIX } from '../plugin-route.js';

const PARAMS = Type.Object({ ...ID.properties, resource: Type.String({ minLength: 1, maxLength: 128 }) });
const QUERY = Type.Object({
  ...PAGE,
  pageSize: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
});

export function resourceRoutes(app: FastifyInstance, gate: Gate, options: ApiRouteOptions): void {
  const { registry, tables, tenantExposes = () => true } = options;
  app.get<{ Params: Static<typeof PARAMS>; Querystring: Static<typeof QUERY> }>(
    `${PREFIX}/:id/resources/:resource`,
    { onRequest: gate.permit(), schema: { params: PARAMS, querystring: QUERY } },
    async (request) => {
      const { id, resource: key } = request.params;
      const { pageNum, pageSize, ...params } = request.query;
      const caller = gate.callerOf(request);
      registry.show(id);
      // Who may not read it, is not told whether it is there.
      const resource = resourceOf(registry.find(id)?.artifact.resources, key);
      requireResource(caller, resource?.permission || `${id}:${key}:list`);
      const view = registry.find(id);
      const isThere = view?.installed && view.enabled && tenantExposes(view, caller.tenantId);
      if (!isThere) throw new SandpoolError('SBX_PLUGIN_NOT_ENABLED', { pluginId: id });
      if (resource === undefined) throw new SandpoolError('SBX_RESOURCE_NOT_FOUND', { pluginId: id, resource: key });
      if (tables === undefined)
        throw new SandpoolError('SBX_NOT_AVAILABLE', { action: 'read the records of a plugin' });
      return success(tables.list({ pluginId: id, resource, caller, params, pageNum, pageSize }));
    },
  );
}

/** Others are for the plugin itself alone, or only to be written. */
function resourceOf(resources: readonly TableResource[] = [], key: string): TableResource | undefined {
  return resources.find(
    (resource) => resource.key === key && resource.access !== 'system' && resource.operations.includes('query'),
  );
}

/** @throws PERMISSION_DENIED_REQUIRED */
function requireResource({ isSuperAdmin, permissions }: Identity, permission: string): void {
  if (isSuperAdmin || permissions.includes('*:*:*') || permissions.includes(permission)) return;
  throw new SandpoolError('PERMISSION_DENIED_REQUIRED', { permission });
}
