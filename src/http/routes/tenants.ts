/** Tenants: `/api/v1/tenant…`, with the permissions `system:tenant:…` (`spec/governance.md` §8). */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom } from '../../identity/identity.js';
import { answering, BY_ID, type ById, MAX_JSON_BYTES, requirePermission, success } from '../api-route.js';

export interface TenantRouteOptions {
  readonly identity: Pick<IdentityRoom, 'authenticate' | 'tenants' | 'settled'>;
}

const PREFIX = '/api/v1/tenant';

const NAME = Type.String({ minLength: 1, maxLength: 128 });
const CREATE_BODY = Type.Object({ code: Type.String({ minLength: 1, maxLength: 64 }), name: NAME });
const UPDATE_BODY = Type.Object({
  name: Type.Optional(NAME),
  status: Type.Optional(Type.Enum(['active', 'suspended'])),
});
const PLUGIN_PARAMS = Type.Object({ ...BY_ID.properties, pluginId: Type.String({ minLength: 1, maxLength: 64 }) });
const PLUGIN_BODY = Type.Object({ enabled: Type.Boolean() });

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function tenantRoutes({ identity }: TenantRouteOptions): FastifyPluginAsync {
  const { tenants } = identity;
  const bodyLimit = MAX_JSON_BYTES;
  return async (app) => {
    answering(app);

    app.get(PREFIX, async (request) => {
      const list = tenants.list(requirePermission(identity, request, 'system:tenant:list'));
      return success({ list, total: list.length });
    });

    app.get<ById>(`${PREFIX}/:id`, { schema: { params: BY_ID } }, async (request) =>
      success(tenants.show(requirePermission(identity, request, 'system:tenant:query'), request.params.id)),
    );

    app.post<{ Body: Static<typeof CREATE_BODY> }>(
      PREFIX,
      { bodyLimit, schema: { body: CREATE_BODY } },
      async (request) => {
        const id = tenants.create(requirePermission(identity, request, 'system:tenant:add'), request.body);
        await identity.settled();
        return success({ id });
      },
    );

    app.put<ById & { Body: Static<typeof UPDATE_BODY> }>(
      `${PREFIX}/:id`,
      { bodyLimit, schema: { params: BY_ID, body: UPDATE_BODY } },
      async (request) => {
        const { id } = request.params;
        tenants.update(requirePermission(identity, request, 'system:tenant:edit'), id, request.body);
        await identity.settled();
        return success({ id });
      },
    );

    app.delete<ById>(`${PREFIX}/:id`, { bodyLimit, schema: { params: BY_ID } }, async (request) => {
      const { id } = request.params;
      await tenants.remove(requirePermission(identity, request, 'system:tenant:remove'), id);
      await identity.settled();
      return success({ id });
    });

    app.get<ById>(`${PREFIX}/:id/plugins`, { schema: { params: BY_ID } }, async (request) => {
      const list = tenants.plugins(requirePermission(identity, request, 'system:tenant:plugin'), request.params.id);
      return success({ list, total: list.length });
    });

    app.put<{ Params: Static<typeof PLUGIN_PARAMS>; Body: Static<typeof PLUGIN_BODY> }>(
      `${PREFIX}/:id/plugins/:pluginId`,
      { bodyLimit, schema: { params: PLUGIN_PARAMS, body: PLUGIN_BODY } },
      async (request) => {
        const { id, pluginId } = request.params;
        const { enabled } = request.body;
        await tenants.setPlugin(requirePermission(identity, request, 'system:tenant:plugin'), id, pluginId, enabled);
        await identity.settled();
        return success({ id, pluginId, enabled });
      },
    );
  };
}
