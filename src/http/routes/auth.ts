/** Logging in and out: `/api/v1/auth/…` (`spec/product.md` §4), in the envelope of the core API (`spec/governance.md` §2.1). */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { IdentityRoom, LoggedIn } from '../../identity/identity.js';
import { CLIENT_TYPES } from '../../identity/tokens.js';
import { SandpoolError } from '../../protocol/errors.js';
import { answering, MAX_JSON_BYTES, success } from '../api-route.js';
import { readUserAgent } from '../user-agent.js';

export interface AuthRouteOptions {
  readonly identity: Pick<
    IdentityRoom,
    'login' | 'refresh' | 'changePassword' | 'switchTenant' | 'authenticate' | 'logout' | 'settled'
  >;
  /** Hears who logs in and out, and who fails to; an answer waits for it, and does not depend on it. */
  readonly tell?: (event: AuthEvent) => Promise<void>;
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

/** What the hooks of plugins hear (`spec/governance.md` §7.3). */
export interface AuthEvent {
  readonly name: 'auth.login.succeeded' | 'auth.login.failed' | 'auth.logout.succeeded';
  /** The tenant in force; 0 for a login that fails. */
  readonly tenantId: number;
  readonly payload: Readonly<Record<string, string | number>>;
}

const SUCCEEDED = { status: 0, message: 'Login successful', reason: 'loginSuccessful' };
const LOGGED_OUT = { status: 0, message: 'Logout successful', reason: 'logoutSuccessful' };

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function authRoutes({ identity, tell = async () => {} }: AuthRouteOptions): FastifyPluginAsync {
  const bodyLimit = MAX_JSON_BYTES;
  return async (app) => {
    answering(app);

    app.post<{ Body: Static<typeof LOGIN_BODY> }>(
      `${PREFIX}/login`,
      { bodyLimit, schema: { body: LOGIN_BODY } },
      async (request) => {
        const { username, clientType = 'web' } = request.body;
        const client = clientOf(request, username, clientType);
        try {
          const loggedIn = await identity.login({ ...request.body, ip: request.ip });
          await tell({
            name: 'auth.login.succeeded',
            tenantId: loggedIn.user.tenantId,
            payload: { ...client, ...SUCCEEDED },
          });
          return answerOf(loggedIn);
        } catch (thrown) {
          await tell({ name: 'auth.login.failed', tenantId: 0, payload: { ...client, ...failed(thrown) } });
          throw thrown;
        }
      },
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

    app.post(`${PREFIX}/logout`, async (request) => {
      const { tokenId, username, tenantId } = identity.authenticate(request.headers.authorization);
      identity.logout(tokenId);
      await identity.settled();
      const payload = { ...clientOf(request, username, ''), ...LOGGED_OUT };
      await tell({ name: 'auth.logout.succeeded', tenantId, payload });
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

/** A failure is told to plugins in one sentence: which names exist is nobody's business. */
function failed(thrown: unknown) {
  const isRate = thrown instanceof SandpoolError && thrown.code === 'SBX_LOGIN_RATE';
  return { status: 1, message: isRate ? 'Too many failed logins' : 'Login failed', reason: 'loginFailed' };
}

function clientOf({ ip, headers }: FastifyRequest, userName: string, clientType: string) {
  const { browser, os } = readUserAgent(headers['user-agent'] ?? '');
  return { userName, ip, clientType, browser, os };
}
