import { encodeJsonResponse } from '../protocol/host-call.js';
import { defineService, type HostCallContext, reply } from './service.js';

const ALL_DATA = 1;

/** Who is calling and for which tenant (`spec/host-services.md` §16). Members keep their Go names. */
export const bizctx = defineService({
  name: 'bizctx',
  placement: 'worker',
  methods: () => ({
    'current.get': (_call, context) => reply(encodeJsonResponse(currentContext(context))),
  }),
});

/**
 * Within an HTTP request the reference answers from the request's own context: it holds no permissions, and bypasses the tenant
 * only for a platform user who sees all data as himself. Elsewhere it answers from the identity, or with zeros.
 */
function currentContext({ executionSource, identity, tenantId }: HostCallContext) {
  const inRequest = executionSource === 'route';
  const tenant = inRequest ? tenantId : (identity?.tenantId ?? 0);
  const isHimself = identity?.actingAsTenant !== true && identity?.isImpersonation !== true;
  const seesAll = identity?.dataScope === ALL_DATA && !identity.dataScopeUnsupported && isHimself;
  return {
    TokenID: identity?.tokenId ?? '',
    UserID: identity?.userId ?? 0,
    Username: identity?.username ?? '',
    TenantID: tenant,
    ActingUserID: identity?.actingUserId ?? 0,
    ActingAsTenant: identity?.actingAsTenant ?? false,
    IsImpersonation: identity?.isImpersonation ?? false,
    Permissions: inRequest ? null : (identity?.permissions ?? null),
    DataScope: identity?.dataScope ?? 0,
    DataScopeUnsupported: identity?.dataScopeUnsupported ?? false,
    UnsupportedDataScope: identity?.unsupportedDataScope ?? 0,
    IsSuperAdmin: inRequest ? false : (identity?.isSuperAdmin ?? false),
    PlatformBypass: tenant === 0 && (inRequest ? seesAll : identity !== undefined),
  };
}
