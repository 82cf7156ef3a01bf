/** What a release consists of and touches, as counts and identifiers, never paths of files (`spec/governance.md` §4.4). */
import type { Artifact } from '../artifact/artifact.js';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import type { Authorization } from './authorization.js';
import type { ResourceRef } from './tables.js';

/** Longest key that the table takes, in characters. */
const MAX_KEY_CHARACTERS = 255;

/** The references of a release with what it may touch; keys are unique within a type. */
export function referencesOf(artifact: Artifact, authorization: Authorization): readonly ResourceRef[] {
  const all = [...partsOf(artifact), ...menusOf(artifact), ...authorization.authorized.flatMap(hostRefs)];
  const unique = new Map(all.map((ref) => [`${ref.resourceType}\0${ref.resourceKey}`, ref]));
  return [...unique.values()];
}

function partsOf(artifact: Artifact): readonly ResourceRef[] {
  const { id } = artifact.manifest;
  const counted: readonly (readonly [type: string, key: string, owner: string, count: number, what: string])[] = [
    ['manifest', 'manifest', 'file', 1, 'manifest'],
    ['runtime_wasm', 'runtime-wasm-artifact', 'runtime-artifact', 1, 'artifact'],
    ['runtime_frontend', 'runtime-frontend-assets', 'runtime-frontend', artifact.frontendAssets.length, 'assets'],
    ['install_sql', 'install-sql-bundle', 'install-sql', artifact.installSql.length, 'files'],
    ['uninstall_sql', 'uninstall-sql-bundle', 'uninstall-sql', artifact.uninstallSql.length, 'files'],
    ['mock_sql', 'mock-sql-bundle', 'mock-sql', artifact.mockSql.length, 'files'],
  ];
  return counted
    .filter(([, , , count]) => count > 0)
    .map(([resourceType, resourceKey, ownerType, count, what]) => ({
      resourceType,
      resourceKey,
      ownerType,
      ownerKey: id,
      remark: `${count} ${what}`,
    }));
}

function menusOf({ manifest }: Artifact): readonly ResourceRef[] {
  return manifest.menus.map(({ key, name }) => ({
    resourceType: 'menu',
    resourceKey: key.slice(0, MAX_KEY_CHARACTERS),
    ownerType: 'menu-entry',
    ownerKey: manifest.id,
    remark: name,
  }));
}

const TYPES: Readonly<Record<string, string>> = {
  storage: 'host_storage',
  network: 'host_upstream',
  data: 'host_data_table',
  cache: 'host_cache',
  lock: 'host_lock',
  notifications: 'host_notify_channel',
};

/** Keys of `hostconfig` and paths of `manifest` are not listed. */
function hostRefs({ owner, service, methods, paths, tables, resources }: HostServiceDeclaration): ResourceRef[] {
  const resourceType = owner === '' ? TYPES[service] : undefined;
  if (resourceType === undefined) return [];
  return [...paths, ...tables, ...resources.map(({ ref }) => ref)].map((target) => ({
    resourceType,
    resourceKey: target.slice(0, MAX_KEY_CHARACTERS),
    ownerType: 'host-service-resource',
    ownerKey: service,
    remark: methods.join(','),
  }));
}
