/** What a switch from one release to another would change (`spec/governance.md` §2.8). Pure: two releases in, differences out. */
import { isDeepStrictEqual } from 'node:util';
import type { Artifact } from '../artifact/artifact.js';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { hostedMenuProblems } from '../artifact/hosted-menus.js';
import { type Authorization, isAuthorizationRequired } from './authorization.js';
import type { DependencyCheck } from './dependencies.js';
import type {
  Differences,
  HostServiceChange,
  HostServicesDiff,
  ManifestFacts,
  PartDifference,
  SqlSummary,
} from './operations.js';

/** A release and what is granted to it. */
export interface Side {
  readonly artifact: Artifact;
  readonly authorization: Authorization;
}

export function manifestFacts({ artifact, authorization }: Side): ManifestFacts {
  const { manifest, metadata, bridge } = artifact;
  return {
    id: manifest.id,
    name: manifest.name,
    version: manifest.version,
    type: manifest.type,
    scopeNature: manifest.scopeNature,
    supportsMultiTenant: manifest.supportsMultiTenant,
    defaultInstallMode: manifest.defaultInstallMode,
    ...(manifest.description && { description: manifest.description }),
    runtimeKind: metadata.runtimeKind,
    runtimeAbiVersion: metadata.abiVersion,
    manifestDeclared: true,
    ...sqlCounts(artifact),
    frontendPageCount: 0,
    frontendSlotCount: 0,
    menuCount: manifest.menus.length,
    backendHookCount: artifact.hooks.length,
    resourceSpecCount: artifact.resources.length,
    routeCount: artifact.routes.length,
    routeExecutionEnabled: bridge?.routeExecution === true,
    ...(bridge && { routeRequestCodec: bridge.requestCodec, routeResponseCodec: bridge.responseCodec }),
    runtimeFrontendAssetCount: artifact.frontendAssets.length,
    hostServiceAuthRequired: isAuthorizationRequired(authorization),
    hostServiceAuthConfirmed: authorization.confirmed,
    ...(authorization.requested.length > 0 && { requestedHostServices: authorization.requested }),
    ...(authorization.authorized.length > 0 && { authorizedHostServices: authorization.authorized }),
  };
}

export function sqlSummary({ artifact }: Side): SqlSummary {
  return sqlCounts(artifact);
}

function sqlCounts({ installSql, uninstallSql, mockSql }: Artifact): SqlSummary {
  return {
    installSqlCount: installSql.length,
    uninstallSqlCount: uninstallSql.length,
    mockSqlCount: mockSql.length,
    runtimeSqlAssetCount: installSql.length + uninstallSql.length + mockSql.length,
  };
}

/** What an operator should look at before an upgrade, as keys of texts. */
export function riskHints(to: Side, diff: HostServicesDiff, check: DependencyCheck): readonly string[] {
  const { installSqlCount, mockSqlCount, runtimeSqlAssetCount } = sqlSummary(to);
  const isBlocked = check.blockers.length > 0 || check.reverseBlockers.length > 0;
  const hints: readonly (readonly [holds: boolean, name: string])[] = [
    [installSqlCount > 0 || runtimeSqlAssetCount > 0, 'upgradeSqlRequiresReview'],
    [mockSqlCount > 0, 'mockSqlExcluded'],
    [diff.authorizationChanged || diff.authorizationRequired, 'hostServiceAuthorizationChanged'],
    [isBlocked, 'dependencyBlockers'],
    // Not a key of the reference, which finds it out when the menus are written.
    [hostedMenuProblems(to.artifact).length > 0, 'pagesInvalid'],
  ];
  return hints.filter(([holds]) => holds).map(([, name]) => `plugin.runtimeUpgrade.risk.${name}`);
}

// ---- host services ---------------------------------------------------------------------------------------------------------

/** Differences of what is requested, service by service; limits of a resource, such as timeouts, are not compared. */
export function hostServicesDiff(from: Side, to: Side): HostServicesDiff {
  const before = new Map(from.authorization.requested.map((service) => [identityOf(service), service]));
  const after = new Map(to.authorization.requested.map((service) => [identityOf(service), service]));
  const added = [...after].filter(([key]) => !before.has(key)).map(([, service]) => changeOf(undefined, service));
  const removed = [...before].filter(([key]) => !after.has(key)).map(([, service]) => changeOf(service, undefined));
  const changed = [...after].flatMap(([key, service]) => {
    const known = before.get(key);
    return known && !isSameService(known, service) ? [changeOf(known, service)] : [];
  });
  return {
    added,
    removed,
    changed,
    authorizationRequired: isAuthorizationRequired(to.authorization),
    authorizationChanged: added.length + removed.length + changed.length > 0,
  };
}

function identityOf({ owner, service, version }: HostServiceDeclaration): string {
  return [owner, service, version].join('\0');
}

function isSameService(left: HostServiceDeclaration, right: HostServiceDeclaration): boolean {
  return isDeepStrictEqual(setsOf(left), setsOf(right));
}

function setsOf({ methods, tables, paths, keys, resources }: HostServiceDeclaration) {
  const refs = resources.map(({ ref }) => ref);
  return [methods, tables, paths, keys, refs].map((list) => [...list].sort());
}

function changeOf(from: HostServiceDeclaration | undefined, to: HostServiceDeclaration | undefined): HostServiceChange {
  const { owner, service, version } = (to ?? from)!;
  const refsOf = (side: HostServiceDeclaration | undefined) => side?.resources.map(({ ref }) => ref);
  return {
    ...(owner && { owner }),
    service,
    ...(version && { version }),
    ...listed('fromMethods', from?.methods),
    ...listed('toMethods', to?.methods),
    fromResourceCount: from?.resources.length ?? 0,
    toResourceCount: to?.resources.length ?? 0,
    ...listed('fromResourceRefs', refsOf(from)),
    ...listed('toResourceRefs', refsOf(to)),
    ...listed('fromTables', from?.tables),
    ...listed('toTables', to?.tables),
    ...listed('fromPaths', from?.paths),
    ...listed('toPaths', to?.paths),
    ...listed('fromKeys', from?.keys),
    ...listed('toKeys', to?.keys),
  };
}

function listed(key: string, list: readonly string[] | undefined): Partial<Record<string, readonly string[]>> {
  return list !== undefined && list.length > 0 ? { [key]: list } : {};
}

// ---- everything else -------------------------------------------------------------------------------------------------------

type Parts = ReadonlyMap<string, unknown>;

/** What is added, removed and changed, part by part. */
export function differencesOf(from: Artifact, to: Artifact): Differences {
  const compare = (partsOf: (artifact: Artifact) => Parts) => compareParts(partsOf(from), partsOf(to));
  return {
    routes: compare(({ routes }) => by(routes, ({ method, path }) => `${method} ${path}`)),
    permissions: compare(({ routes }) =>
      by(
        routes.filter((route) => route.permission !== ''),
        nameOfPermission,
        () => '',
      ),
    ),
    menus: compare(({ manifest }) => by(manifest.menus, ({ key }) => key)),
    assets: compare(({ frontendAssets }) => by(frontendAssets, ({ path }) => path)),
    publicAssets: compare(({ manifest }) => by(manifest.publicAssets, ({ mount }) => mount || '/')),
    installSql: compare(({ installSql }) => by(installSql, ({ key }) => key)),
    uninstallSql: compare(({ uninstallSql }) => by(uninstallSql, ({ key }) => key)),
    mockSql: compare(({ mockSql }) => by(mockSql, ({ key }) => key)),
    manifestResources: compare(({ manifestResources }) => by(manifestResources, ({ path }) => path)),
    languages: compare(({ i18n }) => by(i18n, ({ locale }) => locale)),
    hooks: compare(({ hooks }) =>
      by(
        hooks,
        (hook) => JSON.stringify(hook),
        () => '',
      ),
    ),
    lifecycle: compare(({ lifecycle }) => by(lifecycle, ({ operation }) => operation)),
    fromSizeBytes: from.sizeBytes,
    toSizeBytes: to.sizeBytes,
  };
}

function nameOfPermission({ permission }: Artifact['routes'][number]): string {
  return permission;
}

function by<Part>(parts: readonly Part[], nameOf: (part: Part) => string, contentOf?: (part: Part) => unknown): Parts {
  return new Map(parts.map((part) => [nameOf(part), contentOf ? contentOf(part) : part]));
}

function compareParts(from: Parts, to: Parts): PartDifference {
  const names = (parts: Parts, keep: (name: string) => boolean) => [...parts.keys()].filter(keep).sort();
  return {
    added: names(to, (name) => !from.has(name)),
    removed: names(from, (name) => !to.has(name)),
    changed: names(to, (name) => from.has(name) && !isDeepStrictEqual(from.get(name), to.get(name))),
  };
}
