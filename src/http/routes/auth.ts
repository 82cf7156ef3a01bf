/** Logging in and out: `/api/v1/auth/…` (`spec/product.md` §4), in the envelope of the core API (`spec/governance.md` §2.1). */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom } from '../../identity/identity.js';
import { CLIENT_TYPES } from '../../identity/tokens.js';

export interface AuthRouteOptions {
  readonly identity: Pick<IdentityRoom, 'login' | 'authenticate' | 'logout' | 'settled'>;
}

const PREFIX = '/api/v1/auth';

const LOGIN_BODY = Type.Object({
  username: Type.String({ minLength: 1, maxLength: 64 }),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
  clientType: Type.Optional(Type.Enum([...CLIENT_TYPES])),
});

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function authRoutes({ identity }: AuthRouteOptions): FastifyPluginAsync {
  return async (app) => {
    // Nothing here may be kept by a cache on the way, refusals included.
    app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'));

    app.post<{ Body: Static<typeof LOGIN_BODY> }>(
      `${PREFIX}/login`,
      { schema: { body: LOGIN_BODY } },
      async (request) => {
        const { accessToken, expiresAt, user } = await identity.login({ ...request.body, ip: request.ip });
        return success({ accessToken, tokenType: 'Bearer', expiresAt, user });
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

function success<Content>(data: Content) {
  return { code: 0, message: 'OK', data };
}
