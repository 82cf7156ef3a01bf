/** The frozen authorisation snapshot of a release. Plain data, so that it can be posted to a worker. */
import type { HostServiceDeclaration } from '../artifact/host-services.js';

export interface Grant {
  readonly pluginId: string;
  readonly services: readonly HostServiceDeclaration[];
}

/** Freezes what an administrator has authorised, as `narrow` gives it. */
export function createGrant(pluginId: string, authorised: readonly HostServiceDeclaration[]): Grant {
  return { pluginId, services: structuredClone(authorised) };
}

/** Grants everything that is declared, reviewed by nobody; for `grantUnreviewed` and for private engines. */
export function grantAll(pluginId: string, declarations: readonly HostServiceDeclaration[]): Grant {
  return createGrant(pluginId, declarations);
}
