/** Logging in and out: `/api/v1/auth/…` (`spec/product.md` §4), in the envelope of the core API (`spec/governance.md` §2.1). */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom, LoggedIn } from '../../identity/identity.js';
import { CLIENT_TYPES } from '../../identity/tokens.js';
import { answering, MAX_JSON_BYTES, success } from '../api-route.js';

export interface AuthRouteOptions {
  readonly identity: Pick<
    IdentityRoom,
    'login' | 'refresh' | 'changePassword' | 'switchTenant' | 'authenticate' | 'logout' | 'settled'
  >;
}

const PREFIX = '/api/v1/auth';
const PASSWORD = Type.String({ minLength: 1, maxLength: 1024 });

const LOGIN_BODY = Type.Object({
  username: Type.String({ minLength: 1, maxLength: 64 }),
  password: PASSWORD,
  clientType: Type.Optional(Type.Enum([...CLIENT_TYPES])),
});
const REFRESH_BODY = Type.Object({ refreshToken: Type.String({ minLength: 1, maxLength: 4096 }) });
const PASSWORD_BODY = Type.Object({ oldPassword: PASSWORD, newPassword: PASSWORD });
const TENANT_BODY = Type.Object({ tenantId: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }) });

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function authRoutes({ identity }: AuthRouteOptions): FastifyPluginAsync {
  const bodyLimit = MAX_JSON_BYTES;
  return async (app) => {
    answering(app);

    app.post<{ Body: Static<typeof LOGIN_BODY> }>(
      `${PREFIX}/login`,
      { bodyLimit, schema: { body: LOGIN_BODY } },
      async (request) => answerOf(await identity.login({ ...request.body, ip: request.ip })),
    );

    app.post<{ Body: Static<typeof REFRESH_BODY> }>(
      `${PREFIX}/refresh`,
      { bodyLimit, schema: { body: REFRESH_BODY } },
      async ({ body }) => answerOf(identity.refresh(body.refreshToken)),
    );

    app.post<{ Body: Static<typeof PASSWORD_BODY> }>(
      `${PREFIX}/password`,
      { bodyLimit, schema: { body: PASSWORD_BODY } },
      async ({ headers, body, ip }) => {
        await identity.changePassword(identity.authenticate(headers.authorization), { ...body, ip });
        await identity.settled();
        return success(null);
      },
    );

    app.post<{ Body: Static<typeof TENANT_BODY> }>(
      `${PREFIX}/switch-tenant`,
      { bodyLimit, schema: { body: TENANT_BODY } },
      async ({ headers, body, ip }) => {
        const entered = identity.switchTenant(identity.authenticate(headers.authorization), body.tenantId, { ip });
        await identity.settled();
        return answerOf(entered);
      },
    );

    app.post(`${PREFIX}/logout`, async ({ headers }) => {
      identity.logout(identity.authenticate(headers.authorization).tokenId);
      await identity.settled();
      return success(null);
    });

    app.get(`${PREFIX}/me`, async ({ headers }) => {
      const { tokenId: _, ...who } = identity.authenticate(headers.authorization);
      return success(who);
    });
  };
}

function answerOf({ accessToken, expiresAt, refreshToken, refreshExpiresAt, user }: LoggedIn) {
  return success({ accessToken, tokenType: 'Bearer', expiresAt, refreshToken, refreshExpiresAt, user });
}
