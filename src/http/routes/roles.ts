/** Roles: `/api/v1/role…`, with the permissions `system:role:…`. What a role holds, `system:role:auth` decides. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom } from '../../identity/identity.js';
import { answering, BY_ID, type ById, MAX_JSON_BYTES, requirePermission, success } from '../api-route.js';

export interface RoleRouteOptions {
  readonly identity: Pick<IdentityRoom, 'authenticate' | 'roles' | 'settled'>;
}

const PREFIX = '/api/v1/role';

const NAME = Type.String({ minLength: 1, maxLength: 128 });
const SCOPE = Type.Optional(Type.Enum([1, 2, 3, 4]));
const CONTENT = {
  permissions: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 2000 })),
  menuIds: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 5000 })),
};
const CREATE_BODY = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 64 }),
  name: NAME,
  dataScope: SCOPE,
  ...CONTENT,
});
const UPDATE_BODY = Type.Object({
  name: Type.Optional(NAME),
  dataScope: SCOPE,
  status: Type.Optional(Type.Enum([0, 1])),
  ...CONTENT,
});

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function roleRoutes({ identity }: RoleRouteOptions): FastifyPluginAsync {
  const { roles } = identity;
  const bodyLimit = MAX_JSON_BYTES;
  return async (app) => {
    answering(app);

    app.get(PREFIX, async (request) => {
      requirePermission(identity, request, 'system:role:list');
      const list = roles.list();
      return success({ list, total: list.length });
    });

    app.get<ById>(`${PREFIX}/:id`, { schema: { params: BY_ID } }, async (request) => {
      requirePermission(identity, request, 'system:role:query');
      return success(roles.show(request.params.id));
    });

    app.post<{ Body: Static<typeof CREATE_BODY> }>(
      PREFIX,
      { bodyLimit, schema: { body: CREATE_BODY } },
      async (request) => {
        const actor = requirePermission(identity, request, 'system:role:add');
        requireAuthFor(identity, request, request.body);
        const id = roles.create(actor, { permissions: [], ...request.body });
        await identity.settled();
        return success({ id });
      },
    );

    app.put<ById & { Body: Static<typeof UPDATE_BODY> }>(
      `${PREFIX}/:id`,
      { bodyLimit, schema: { params: BY_ID, body: UPDATE_BODY } },
      async (request) => {
        const actor = requirePermission(identity, request, 'system:role:edit', 'system:role:auth');
        const { permissions, menuIds, ...about } = request.body;
        if (Object.keys(about).length > 0) requirePermission(identity, request, 'system:role:edit');
        requireAuthFor(identity, request, request.body);
        const { id } = request.params;
        roles.update(actor, id, request.body);
        await identity.settled();
        return success({ id });
      },
    );

    app.delete<ById>(`${PREFIX}/:id`, { bodyLimit, schema: { params: BY_ID } }, async (request) => {
      const { id } = request.params;
      roles.remove(requirePermission(identity, request, 'system:role:remove'), id);
      await identity.settled();
      return success({ id });
    });
  };
}

function requireAuthFor(
  identity: RoleRouteOptions['identity'],
  request: FastifyRequest,
  { permissions, menuIds }: { readonly permissions?: readonly string[]; readonly menuIds?: readonly number[] },
): void {
  if (permissions !== undefined || menuIds !== undefined) requirePermission(identity, request, 'system:role:auth');
}
