/** System parameters: `/api/v1/config`, with the permissions `system:config:…` (`spec/host-services.md` §11, §26). */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import { SandpoolError } from '../../protocol/errors.js';
import type { SysConfig } from '../../resources/sys-config.js';
import { type Authenticator, answering, MAX_JSON_BYTES, PAGE, requirePermission, success } from '../api-route.js';

export interface SysConfigRouteOptions {
  readonly identity: Authenticator;
  readonly sysConfig: SysConfig;
}

const PREFIX = '/api/v1/config';

const QUERY = Type.Object({ ...PAGE, keyword: Type.String({ maxLength: 128, default: '' }) });
const BY_KEY = Type.Object({ key: Type.String({ minLength: 1, maxLength: 128, pattern: '^\\S+$' }) });
const BODY = Type.Object({
  value: Type.String({ maxLength: MAX_JSON_BYTES }),
  name: Type.Optional(Type.String({ maxLength: 128 })),
  systemManageable: Type.Optional(Type.Boolean()),
});

interface ByKey {
  Params: { readonly key: string };
}

/** An administrator of a tenant sees the platform's parameters under the tenant's own, and changes only those. */
export function sysConfigRoutes({ identity, sysConfig }: SysConfigRouteOptions): FastifyPluginAsync {
  return async (app) => {
    answering(app);

    app.get<{ Querystring: Static<typeof QUERY> }>(PREFIX, { schema: { querystring: QUERY } }, async (request) => {
      const { tenantId } = requirePermission(identity, request, 'system:config:list');
      return success(sysConfig.list({ ...request.query, tenantId }));
    });

    app.get<ByKey>(`${PREFIX}/:key`, { schema: { params: BY_KEY } }, async (request) => {
      const { tenantId } = requirePermission(identity, request, 'system:config:query');
      const item = sysConfig.find(request.params.key, tenantId);
      if (item === undefined) throw new SandpoolError('SBX_PARAMETER_NOT_FOUND', { key: request.params.key });
      return success(item);
    });

    app.put<ByKey & { Body: Static<typeof BODY> }>(
      `${PREFIX}/:key`,
      { bodyLimit: MAX_JSON_BYTES, schema: { params: BY_KEY, body: BODY } },
      async (request) => {
        const { tenantId, username } = requirePermission(identity, request, 'system:config:edit');
        const { key } = request.params;
        sysConfig.set(tenantId, key, request.body, username);
        return success(sysConfig.find(key, tenantId));
      },
    );

    app.delete<ByKey>(`${PREFIX}/:key`, { schema: { params: BY_KEY } }, async (request) => {
      const { tenantId, username } = requirePermission(identity, request, 'system:config:remove');
      const { key } = request.params;
      if (!sysConfig.remove(tenantId, key, username)) throw new SandpoolError('SBX_PARAMETER_NOT_FOUND', { key });
      return success({ key });
    });
  };
}
