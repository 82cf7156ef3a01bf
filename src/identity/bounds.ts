/** How far whoever administers users and roles may go: never beyond the own tenant, and never beyond the own permissions. */
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';

/** Who administers. */
export type Actor = Pick<Identity, 'userId' | 'tenantId' | 'isSuperAdmin' | 'permissions' | 'dataScope'>;

/** For what only the platform may do. @throws PLATFORM_PERMISSION_REQUIRED */
export function requirePlatform({ tenantId }: Pick<Actor, 'tenantId'>): void {
  if (tenantId === 0) return;
  throw new SandpoolError('PLATFORM_PERMISSION_REQUIRED', {}, { message: 'Platform permission is required' });
}

/** @throws CROSS_TENANT_NOT_ALLOWED when a tenant reaches for another one */
export function requireOwnTenant(actor: Pick<Actor, 'tenantId'>, tenantId: number): void {
  if (actor.tenantId !== 0 && actor.tenantId !== tenantId) throw new SandpoolError('CROSS_TENANT_NOT_ALLOWED');
}

/** Whoever gives or takes permissions must hold them, else the right to administer would be all rights. @throws SBX_GRANT_ABOVE */
export function requireHeld({ isSuperAdmin, permissions }: Actor, wanted: readonly string[]): void {
  const missing = isSuperAdmin ? [] : wanted.filter((permission) => !permissions.includes(permission));
  if (missing.length > 0) throw new SandpoolError('SBX_GRANT_ABOVE', { beyond: missing.join(', ') });
}

/** Scopes widen downwards. @throws SBX_GRANT_ABOVE */
export function requireScope({ isSuperAdmin, dataScope }: Actor, wanted: number): void {
  if (isSuperAdmin || (dataScope > 0 && wanted >= dataScope)) return;
  throw new SandpoolError('SBX_GRANT_ABOVE', { beyond: `data scope ${wanted}` });
}

/** @throws SBX_GRANT_ABOVE */
export function requireSuperAdmin({ isSuperAdmin }: Actor): void {
  if (!isSuperAdmin) throw new SandpoolError('SBX_GRANT_ABOVE', { beyond: 'super-admin' });
}
