/** What was requested, what an administrator has confirmed, and what therefore holds (`spec/governance.md` §2.10). */
import { isDeepStrictEqual } from 'node:util';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { type GrantDecision, isScoped, narrow } from '../grants/narrow.js';

export interface Authorization {
  readonly requested: readonly HostServiceDeclaration[];
  /** What the guest may do. */
  readonly authorized: readonly HostServiceDeclaration[];
  /** Whether an administrator has decided. */
  readonly confirmed: boolean;
}

export type AuthorizationStatus = 'not_required' | 'pending' | 'confirmed';

export interface AuthorizationInput {
  readonly requested: readonly HostServiceDeclaration[];
  readonly decision?: GrantDecision | undefined;
  /** What held before, of the same or of an earlier release. */
  readonly previous?: Authorization | undefined;
  /** Whether everything is granted when nobody has decided. */
  readonly grantUnreviewed: boolean;
}

/**
 * The authorization that follows from a decision, or from none: then what was confirmed for the very same request stays, and
 * else only services without resources are granted.
 * @throws SBX_GRANT_DECISION_INVALID
 */
export function authorize({ requested, decision, previous, grantUnreviewed }: AuthorizationInput): Authorization {
  const required = requested.some(isScoped);
  if (decision !== undefined) return { requested, authorized: narrow(requested, decision), confirmed: required };
  if (!required) return { requested, authorized: requested, confirmed: false };
  if (previous?.confirmed && isSameRequest(previous.requested, requested)) {
    return { requested, authorized: previous.authorized, confirmed: true };
  }
  if (grantUnreviewed) return { requested, authorized: requested, confirmed: true };
  return { requested, authorized: narrow(requested), confirmed: false };
}

/** The authorization of a release that is only discovered: what an earlier confirmation covers, and nothing new. */
export function carryAuthorization(
  requested: readonly HostServiceDeclaration[],
  previous?: Authorization,
): Authorization {
  return authorize({ requested, previous, grantUnreviewed: false });
}

export function isAuthorizationRequired({ requested }: Authorization): boolean {
  return requested.some(isScoped);
}

export function authorizationStatus(authorization: Authorization): AuthorizationStatus {
  if (!isAuthorizationRequired(authorization)) return 'not_required';
  return authorization.confirmed ? 'confirmed' : 'pending';
}

/** Requested services that wait for a decision. */
export function pendingServices(authorization: Authorization): readonly HostServiceDeclaration[] {
  return authorizationStatus(authorization) === 'pending' ? authorization.requested.filter(isScoped) : [];
}

export function isSameAuthorization(left: Authorization, right: Authorization): boolean {
  return left.confirmed === right.confirmed && isSameRequest(left.authorized, right.authorized);
}

/** Normalised lists are in one order; JSON drops what is undefined on one side only. */
function isSameRequest(left: readonly HostServiceDeclaration[], right: readonly HostServiceDeclaration[]): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(left)), JSON.parse(JSON.stringify(right)));
}
