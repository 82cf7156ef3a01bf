/** The snapshot of a release as it is stored (`spec/governance.md` §1.10): YAML, of which we write the subset that is JSON. */
import type { Artifact } from '../artifact/artifact.js';
import type { PluginDependencies } from '../artifact/dependencies.js';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { SandpoolError } from '../protocol/errors.js';
import { type Authorization, isAuthorizationRequired } from './authorization.js';

/** @returns the text for `manifest_snapshot`. */
export function encodeSnapshot(artifact: Artifact, authorization: Authorization): string {
  const { dependencies } = artifact.manifest;
  const identity = { ...releaseIdentityOf(artifact), dependencies };
  return JSON.stringify({ ...identity, ...contentsOf(artifact), ...servicesOf(authorization) });
}

/**
 * Reads the authorization back.
 * @throws SBX_STORE_FAILED when the text is no snapshot.
 */
export function decodeAuthorization(manifestSnapshot: string): Authorization {
  const snapshot = parse(manifestSnapshot);
  const { distribution, requestedHostServices, authorizedHostServices, hostServiceAuthConfirmed } = snapshot;
  const isSound =
    typeof distribution === 'string' && Array.isArray(requestedHostServices) && Array.isArray(authorizedHostServices);
  if (!isSound) throw unreadable('a key is missing');
  return {
    requested: requestedHostServices as HostServiceDeclaration[],
    authorized: authorizedHostServices as HostServiceDeclaration[],
    confirmed: hostServiceAuthConfirmed === true,
  };
}

/** What an installed release says that it needs; absent when its snapshot cannot be read. */
export function decodeNeeds(
  manifestSnapshot: string,
): { dependencies: PluginDependencies; services: readonly HostServiceDeclaration[] } | undefined {
  try {
    const { dependencies, requestedHostServices } = parse(manifestSnapshot);
    const { plugins } = (dependencies ?? {}) as Partial<PluginDependencies>;
    if (!Array.isArray(plugins) || !Array.isArray(requestedHostServices)) return undefined;
    return { dependencies: dependencies as PluginDependencies, services: requestedHostServices };
  } catch {
    return undefined;
  }
}

/** The same snapshot with another authorization. */
export function withAuthorization(manifestSnapshot: string, authorization: Authorization): string {
  return JSON.stringify({ ...parse(manifestSnapshot), ...servicesOf(authorization) });
}

/** The same snapshot with what was decided about what the plugin has stored, when it was uninstalled. */
export function withPurge(manifestSnapshot: string, uninstallPurgeStorageData: boolean): string {
  return JSON.stringify({ ...parse(manifestSnapshot), uninstallPurgeStorageData });
}

function parse(manifestSnapshot: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(manifestSnapshot);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw unreadable('it is no JSON', cause);
  }
  throw unreadable('it is no object');
}

function unreadable(why: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_STORE_FAILED', { reason: `a release snapshot is unreadable: ${why}` }, { cause });
}

/** What a release says of itself, every key present. */
export function releaseIdentityOf({ manifest }: Artifact) {
  return {
    id: manifest.id,
    name: manifest.name,
    version: manifest.version,
    type: manifest.type,
    distribution: manifest.distribution,
    scopeNature: manifest.scopeNature,
    supportsMultiTenant: manifest.supportsMultiTenant,
    defaultInstallMode: manifest.defaultInstallMode,
    description: manifest.description,
  };
}

function contentsOf(artifact: Artifact): object {
  const { metadata, bridge, installSql, uninstallSql } = artifact;
  return {
    runtimeKind: metadata.runtimeKind,
    runtimeAbiVersion: metadata.abiVersion,
    manifestDeclared: true,
    installSqlCount: installSql.length,
    uninstallSqlCount: uninstallSql.length,
    mockSqlCount: artifact.mockSql.length,
    frontendPageCount: 0,
    frontendSlotCount: 0,
    menuCount: artifact.manifest.menus.length,
    backendHookCount: artifact.hooks.length,
    lifecycleHandlerCount: artifact.lifecycle.length,
    resourceSpecCount: artifact.resources.length,
    routeCount: artifact.routes.length,
    routeExecutionEnabled: bridge?.routeExecution === true,
    routeRequestCodec: bridge?.requestCodec ?? '',
    routeResponseCodec: bridge?.responseCodec ?? '',
    routes: artifact.routes,
    runtimeFrontendAssetCount: artifact.frontendAssets.length,
    runtimeSqlAssetCount: installSql.length + uninstallSql.length + artifact.mockSql.length,
    public_assets: artifact.manifest.publicAssets,
  };
}

function servicesOf(authorization: Authorization): object {
  return {
    requestedHostServices: authorization.requested,
    authorizedHostServices: authorization.authorized,
    hostServiceAuthRequired: isAuthorizationRequired(authorization),
    hostServiceAuthConfirmed: authorization.confirmed,
  };
}
