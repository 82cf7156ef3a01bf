/** The frozen authorisation snapshot of a release. Plain data, so that it can be posted to a worker. */
import type { HostServiceDeclaration } from '../artifact/host-services.js';

export interface Grant {
  readonly pluginId: string;
  readonly services: readonly HostServiceDeclaration[];
}
