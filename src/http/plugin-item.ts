/** Plugins as the core API shows them (`spec/governance.md` §2.2). */
import type { HostServiceDeclaration, ResourceRef } from '../artifact/host-services.js';
import type { IsolationState } from '../engine/engine.js';
import type { QuarantineState } from '../engine/quarantine.js';
import type { ManifestFacts, PluginRecord, SwitchResult, UpgradePreview } from '../registry/registry.js';

/** The isolation of a plugin's release, if one is loaded. */
export type IsolationOf = (pluginId: string) => IsolationState | undefined;

/** A plugin's quarantine, if it is in one. */
export type QuarantineOf = (pluginId: string) => QuarantineState | undefined;

/** A row of the list. */
export function pluginListItem(
  record: PluginRecord,
  autoEnable: ReadonlySet<string>,
  quarantineOf: QuarantineOf = () => undefined,
) {
  const { plugin, artifact, abnormalReason, lastUpgradeFailure } = record;
  const quarantine = quarantineOf(plugin.pluginId);
  return {
    id: plugin.pluginId,
    name: plugin.name,
    version: plugin.version,
    runtimeState: record.runtimeState,
    effectiveVersion: record.effectiveVersion,
    discoveredVersion: record.discoveredVersion,
    upgradeAvailable: record.upgradeAvailable,
    ...(abnormalReason && { abnormalReason }),
    ...(lastUpgradeFailure && { lastUpgradeFailure }),
    ...(quarantine && { quarantine: quarantineItem(quarantine) }),
    type: plugin.type,
    distribution: plugin.distribution,
    description: plugin.remark,
    installed: plugin.installed,
    installedAt: plugin.installedAt,
    enabled: plugin.status,
    autoEnableManaged: autoEnable.has(plugin.pluginId) ? 1 : 0,
    autoEnableForNewTenants: plugin.autoEnableForNewTenants === 1,
    supportsMultiTenant: artifact?.manifest.supportsMultiTenant ?? false,
    scopeNature: plugin.scopeNature,
    installMode: plugin.installMode,
    statusKey: statusKeyOf(plugin.pluginId),
    updatedAt: plugin.updatedAt,
    authorizationRequired: record.authorizationRequired ? 1 : 0,
    authorizationStatus: record.authorizationStatus,
    hasMockData: (artifact?.mockSql.length ?? 0) > 0 ? 1 : 0,
  };
}

function quarantineItem({ since, until, failures, lastCode }: QuarantineState) {
  return { since: new Date(since).toISOString(), until: new Date(until).toISOString(), failures, lastCode };
}

/** Comments of the plugin's tables, by name. */
export type CommentsOf = (pluginId: string) => ReadonlyMap<string, string>;

/** The detail: a list item, what was asked for and granted, the routes, and what an operator should know. */
export function pluginItem(
  record: PluginRecord,
  autoEnable: ReadonlySet<string>,
  {
    quarantineOf,
    isolationOf,
    commentsOf,
  }: {
    quarantineOf?: QuarantineOf | undefined;
    isolationOf?: IsolationOf | undefined;
    commentsOf?: CommentsOf | undefined;
  } = {},
) {
  const { authorization, artifact, diagnosis } = record;
  const running = isolationOf?.(record.plugin.pluginId);
  const comments = commentsOf?.(record.plugin.pluginId);
  const commented = (service: HostServiceDeclaration) => hostServiceItem(service, comments);
  return {
    ...pluginListItem(record, autoEnable, quarantineOf),
    ...(running && { isolation: running.isolation, isolationObstacles: running.reasons }),
    requestedHostServices: authorization.requested.map(commented),
    authorizedHostServices: (record.plugin.installed ? authorization.authorized : []).map(commented),
    declaredRoutes: (artifact?.routes ?? []).map(({ method, path, access, permission, summary, description }) => ({
      method,
      publicPath: `/x/${record.plugin.pluginId}${path}`,
      access,
      ...(permission && { permission }),
      ...(summary && { summary }),
      ...(description && { description }),
    })),
    ...openPoints(record),
    ...(diagnosis && { diagnosis }),
  };
}

/** What is left to do after an install or an enable; no key where there is nothing. */
export function openPoints({ pendingServices, notExecuted }: PluginRecord) {
  return {
    ...(pendingServices.length > 0 && {
      pendingHostServices: pendingServices.map((service) => hostServiceItem(service)),
    }),
    ...(notExecuted.length > 0 && { notExecuted }),
  };
}

/** What came of an upgrade or a rollback (E12, E15). */
export function switchItem({ pendingServices, ...result }: SwitchResult) {
  return {
    ...result,
    ...(pendingServices.length > 0 && {
      pendingHostServices: pendingServices.map((service) => hostServiceItem(service)),
    }),
  };
}

/** What an upgrade would change (E11). */
export function upgradePreviewItem({ fromManifest, toManifest, ...preview }: UpgradePreview) {
  return { ...preview, fromManifest: manifestItem(fromManifest), toManifest: manifestItem(toManifest) };
}

function manifestItem({ requestedHostServices, authorizedHostServices, ...facts }: ManifestFacts) {
  return {
    ...facts,
    ...(requestedHostServices && {
      requestedHostServices: requestedHostServices.map((service) => hostServiceItem(service)),
    }),
    ...(authorizedHostServices && {
      authorizedHostServices: authorizedHostServices.map((service) => hostServiceItem(service)),
    }),
  };
}

/** A row of the public list. Without its file a plugin is shown as not there, although it goes on serving (§1.9). */
export function pluginStateItem({ plugin, isStaged, runtimeState }: PluginRecord) {
  return {
    id: plugin.pluginId,
    installed: isStaged ? plugin.installed : 0,
    enabled: isStaged ? plugin.status : 0,
    version: plugin.version,
    generation: plugin.generation,
    statusKey: statusKeyOf(plugin.pluginId),
    runtimeState,
  };
}

function statusKeyOf(pluginId: string): string {
  return `sys_plugin.status:${pluginId}`;
}

function hostServiceItem(service: HostServiceDeclaration, comments?: ReadonlyMap<string, string>) {
  const { owner, version, methods, paths, keys, tables, resources } = service;
  return {
    ...(owner && { owner }),
    service: service.service,
    ...(version && { version }),
    methods,
    ...(paths.length > 0 && { paths }),
    ...(keys.length > 0 && { keys }),
    ...(tables.length > 0 && { tables, tableItems: tables.map((name) => tableItem(name, comments?.get(name))) }),
    ...(resources.length > 0 && { resources: resources.map(resourceItem) }),
  };
}

function tableItem(name: string, comment: string | undefined) {
  return { name, ...(comment !== undefined && { comment }) };
}

function resourceItem({ ref, ...limits }: ResourceRef) {
  return { ref, ...limits };
}
