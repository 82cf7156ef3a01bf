import t from 'tap';
import type { Identity } from '../../src/protocol/envelope.js';
import { createTestHost } from './host.js';

const IDENTITY: Identity = {
  tokenId: 'token',
  userId: 42,
  username: 'ann',
  status: 1,
  permissions: ['demo:record:view'],
  roleNames: ['admin'],
  isSuperAdmin: true,
  dataScope: 1,
  dataScopeUnsupported: false,
  unsupportedDataScope: 0,
  tenantId: 0,
  actingUserId: 0,
  actingAsTenant: false,
  isImpersonation: false,
};

const NOBODY =
  '{"TokenID":"","UserID":0,"Username":"","TenantID":0,"ActingUserID":0,"ActingAsTenant":false,"IsImpersonation":false,"Permissions":null,"DataScope":0,"DataScopeUnsupported":false,"UnsupportedDataScope":0,"IsSuperAdmin":false,"PlatformBypass":false}';

t.test('F046 within a request the caller is known, but not what he may', async (t) => {
  const asked = await createTestHost(t, { context: { identity: IDENTITY } }).ask('bizctx', 'current.get');
  t.equal(
    Buffer.from(asked.payload, 'hex')
      .toString()
      .replace(/^[^{]*/, ''),
    '{"TokenID":"token","UserID":42,"Username":"ann","TenantID":0,"ActingUserID":0,"ActingAsTenant":false,"IsImpersonation":false,"Permissions":null,"DataScope":1,"DataScopeUnsupported":false,"UnsupportedDataScope":0,"IsSuperAdmin":false,"PlatformBypass":true}',
  );
});

for (const executionSource of ['lifecycle', 'jobs', 'jobs.discovery', 'hook'] as const) {
  t.test(`F046 ${executionSource} without an identity is nobody`, async (t) => {
    const asked = await createTestHost(t, { context: { executionSource } }).ask('bizctx', 'current.get');
    t.equal(
      Buffer.from(asked.payload, 'hex')
        .toString()
        .replace(/^[^{]*/, ''),
      NOBODY,
    );
  });
}

t.test('a public route has its tenant and nobody', async (t) => {
  const platform = await createTestHost(t).ask('bizctx', 'current.get');
  t.equal(
    Buffer.from(platform.payload, 'hex')
      .toString()
      .replace(/^[^{]*/, ''),
    NOBODY,
  );
  const tenant = await createTestHost(t, { context: { tenantId: 7 } }).ask('bizctx', 'current.get');
  t.match(tenant.json(), { TenantID: 7, UserID: 0, PlatformBypass: false });
});

const NO_BYPASS: readonly (readonly [title: string, identity: Partial<Identity>, tenantId?: number])[] = [
  ['of a tenant', {}, 7],
  ['with another data scope', { dataScope: 2 }],
  ['whose data scope is unsupported', { dataScopeUnsupported: true, unsupportedDataScope: 9 }],
  ['who acts as a tenant', { actingAsTenant: true }],
  ['who impersonates', { isImpersonation: true }],
];
for (const [title, identity, tenantId = 0] of NO_BYPASS) {
  t.test(`a user ${title} does not bypass the tenant`, async (t) => {
    const host = createTestHost(t, { context: { identity: { ...IDENTITY, ...identity, tenantId }, tenantId } });
    t.match((await host.ask('bizctx', 'current.get')).json(), { PlatformBypass: false, TenantID: tenantId });
  });
}

t.test('outside a request an identity is told whole', async (t) => {
  const host = createTestHost(t, { context: { executionSource: 'hook', identity: { ...IDENTITY, dataScope: 2 } } });
  t.match((await host.ask('bizctx', 'current.get')).json(), {
    Permissions: ['demo:record:view'],
    IsSuperAdmin: true,
    PlatformBypass: true,
  });
});
