/** Users: `/api/v1/user…`, with the permissions `system:user:…`, and what a console must know of whoever is logged in. */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom } from '../../identity/identity.js';
import { answering, BY_ID, type ById, MAX_JSON_BYTES, PAGE, requirePermission, success } from '../api-route.js';

export interface UserRouteOptions {
  readonly identity: Pick<IdentityRoom, 'authenticate' | 'users' | 'tenants' | 'settled'>;
}

const PREFIX = '/api/v1/user';

const STATUS = Type.Enum([0, 1]);
const ROLES = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 100 });
const PASSWORD = Type.String({ minLength: 1, maxLength: 1024 });
const TENANT = Type.Integer({ minimum: 0, maximum: 2_147_483_647 });
const NICKNAME = Type.Optional(Type.String({ maxLength: 128 }));

const LIST_QUERY = Type.Object({
  ...PAGE,
  keyword: Type.Optional(Type.String({ maxLength: 64 })),
  status: Type.Optional(Type.Integer({ minimum: 0, maximum: 1 })),
  tenantId: Type.Optional(TENANT),
});
const CREATE_BODY = Type.Object({
  username: Type.String({ minLength: 1, maxLength: 64 }),
  password: PASSWORD,
  nickname: NICKNAME,
  tenantId: Type.Optional(TENANT),
  isSuperAdmin: Type.Optional(Type.Boolean()),
  roles: Type.Optional(ROLES),
});
const UPDATE_BODY = Type.Object({
  nickname: NICKNAME,
  status: Type.Optional(STATUS),
  isSuperAdmin: Type.Optional(Type.Boolean()),
  roles: Type.Optional(ROLES),
});
const PASSWORD_BODY = Type.Object({ password: PASSWORD });
const TENANT_ROLES_BODY = Type.Object({ roles: ROLES });
const TENANT_PARAMS = Type.Object({
  ...BY_ID.properties,
  tenantId: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
});
const TENANTS_BODY = Type.Object({ tenantIds: Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 1000 }) });

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function userRoutes({ identity }: UserRouteOptions): FastifyPluginAsync {
  const { users, tenants } = identity;
  const bodyLimit = MAX_JSON_BYTES;
  return async (app) => {
    answering(app);

    app.get(`${PREFIX}/info`, async ({ headers }) => {
      const { tokenId: _, ...who } = identity.authenticate(headers.authorization);
      const { nickname, tenantId: home, ...user } = users.show({ ...who, tenantId: 0 }, who.userId);
      const elsewhere = user.tenantRoles.find(({ tenantId }) => tenantId === who.tenantId)?.roles ?? [];
      const roles = who.tenantId === home ? user.roles : elsewhere;
      const permissions = who.isSuperAdmin ? ['*:*:*'] : who.permissions;
      return success({ ...who, realName: nickname || who.username, roles, permissions });
    });

    app.get<{ Querystring: Static<typeof LIST_QUERY> }>(
      PREFIX,
      { schema: { querystring: LIST_QUERY } },
      async (request) => success(users.list(requirePermission(identity, request, 'system:user:list'), request.query)),
    );

    app.get<ById>(`${PREFIX}/:id`, { schema: { params: BY_ID } }, async (request) =>
      success(users.show(requirePermission(identity, request, 'system:user:query'), request.params.id)),
    );

    app.post<{ Body: Static<typeof CREATE_BODY> }>(
      PREFIX,
      { bodyLimit, schema: { body: CREATE_BODY } },
      async (request) => {
        const id = await users.create(requirePermission(identity, request, 'system:user:add'), request.body);
        await identity.settled();
        return success({ id });
      },
    );

    app.put<ById & { Body: Static<typeof UPDATE_BODY> }>(
      `${PREFIX}/:id`,
      { bodyLimit, schema: { params: BY_ID, body: UPDATE_BODY } },
      async (request) => {
        const { id } = request.params;
        users.update(requirePermission(identity, request, 'system:user:edit'), id, request.body);
        await identity.settled();
        return success({ id });
      },
    );

    app.delete<ById>(`${PREFIX}/:id`, { bodyLimit, schema: { params: BY_ID } }, async (request) => {
      const { id } = request.params;
      users.remove(requirePermission(identity, request, 'system:user:remove'), id);
      await identity.settled();
      return success({ id });
    });

    app.put<ById & { Body: Static<typeof PASSWORD_BODY> }>(
      `${PREFIX}/:id/password`,
      { bodyLimit, schema: { params: BY_ID, body: PASSWORD_BODY } },
      async (request) => {
        const { id } = request.params;
        await users.setPassword(
          requirePermission(identity, request, 'system:user:resetPwd'),
          id,
          request.body.password,
        );
        await identity.settled();
        return success({ id });
      },
    );

    app.put<ById & { Body: Static<typeof TENANTS_BODY> }>(
      `${PREFIX}/:id/tenants`,
      { bodyLimit, schema: { params: BY_ID, body: TENANTS_BODY } },
      async (request) => {
        const { id } = request.params;
        tenants.setMemberships(requirePermission(identity, request, 'system:user:edit'), id, request.body.tenantIds);
        await identity.settled();
        return success({ id });
      },
    );

    app.put<{ Params: Static<typeof TENANT_PARAMS>; Body: Static<typeof TENANT_ROLES_BODY> }>(
      `${PREFIX}/:id/tenants/:tenantId/roles`,
      { bodyLimit, schema: { params: TENANT_PARAMS, body: TENANT_ROLES_BODY } },
      async (request) => {
        const { id, tenantId } = request.params;
        const { roles } = request.body;
        users.setTenantRoles(requirePermission(identity, request, 'system:user:edit'), id, tenantId, roles);
        await identity.settled();
        return success({ id, tenantId, roles });
      },
    );
  };
}
