/** What the endpoints of the core API have in common (`spec/governance.md` §2.1). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';

/** Throws the 401s of `spec/bridge.md` §4.4. */
export interface Authenticator {
  authenticate(authorization: string | undefined): Identity;
}

/** Most bytes of a JSON body. */
export const MAX_JSON_BYTES = 64 * 1024;

export const BY_ID = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) });
export const PAGE = {
  pageNum: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
  pageSize: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
};

export interface ById {
  Params: { readonly id: number };
}

/** Nothing that is answered here may be kept by a cache on the way, refusals included. */
export function answering(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'));
}

/**
 * Who is asking, if that is somebody who holds the permission. Names are compared as they are, without wildcards.
 * @throws SBX_PERMISSION_DENIED, and what the authenticator throws
 */
export function requirePermission(
  identity: Authenticator,
  { headers }: FastifyRequest,
  ...permissions: readonly string[]
): Identity {
  const caller = identity.authenticate(headers.authorization);
  if (caller.isSuperAdmin || permissions.some((permission) => caller.permissions.includes(permission))) return caller;
  throw new SandpoolError('SBX_PERMISSION_DENIED', { permission: permissions[0] });
}

export function success<Content>(data: Content) {
  return { code: 0, message: 'OK', data };
}
