import type { Identity } from './envelope.js';

/** Nobody in particular: the zero value of every member. */
const NOBODY: Identity = {
  tokenId: '',
  userId: 0,
  username: '',
  status: 0,
  permissions: [],
  roleNames: [],
  isSuperAdmin: false,
  dataScope: 0,
  dataScopeUnsupported: false,
  unsupportedDataScope: 0,
  tenantId: 0,
  actingUserId: 0,
  actingAsTenant: false,
  isImpersonation: false,
};

/** An identity of an envelope, with the zero value for what the wire left out. */
export function completeIdentity(identity: Partial<Identity> | undefined): Identity | undefined {
  return identity && { ...NOBODY, ...identity };
}
