/** What is asked of the registry, and what it answers. */

import type { HostServiceDeclaration } from '../artifact/host-services.js';
import type { GrantDecision } from '../grants/narrow.js';
import type { DependencyCheck } from './dependencies.js';
import type { RuntimeState } from './runtime-state.js';

/** Who asks, for the audit log: a user's name; `system` when absent. */
export interface ByOperator {
  readonly by?: string | undefined;
}

export interface AuthorizeOptions extends ByOperator {
  /** Without it nothing is confirmed that was not confirmed before (`spec/governance.md` §2.10). */
  readonly authorization?: GrantDecision | undefined;
  /** Grants everything requested when there is no authorization; the registry's setting when absent. */
  readonly grantUnreviewed?: boolean | undefined;
}

export interface InstallOptions extends AuthorizeOptions {
  /** The manifest's default when absent; of no effect on an installed plugin. */
  readonly installMode?: string | undefined;
  /** Loads the mock data after a first installation. */
  readonly installMockData?: boolean | undefined;
}

export interface UploadOptions extends ByOperator {
  /** Whether a staged file of a plugin that is not installed may be replaced by other bytes. */
  readonly overwrite?: boolean | undefined;
}

export interface UninstallOptions extends ByOperator {
  /** Runs the uninstall callback and SQL and deletes what the plugin stored; true when absent. */
  readonly purgeStorageData?: boolean | undefined;
  /** Goes on against a veto, and without any readable artifact; `plugin.allowForceUninstall` must allow it. */
  readonly force?: boolean | undefined;
}

export interface UpgradeOptions extends AuthorizeOptions {
  readonly confirmed: boolean;
}

export interface RollbackOptions extends ByOperator {
  readonly confirmed: boolean;
  /** The release that was effective before the current one when absent. */
  readonly version?: string | undefined;
}

/** Answer of an upgrade or a rollback (E12, E15). */
export interface SwitchResult {
  readonly pluginId: string;
  readonly runtimeState: RuntimeState;
  readonly effectiveVersion: string;
  readonly discoveredVersion: string;
  readonly fromVersion: string;
  readonly toVersion: string;
  readonly executed: boolean;
  /** Requested services that wait for a decision of an administrator. */
  readonly pendingServices: readonly HostServiceDeclaration[];
}

/** What an upgrade would change (E11), and our own difference of everything that the release carries. */
export interface UpgradePreview {
  readonly pluginId: string;
  readonly runtimeState: RuntimeState;
  readonly effectiveVersion: string;
  readonly discoveredVersion: string;
  readonly fromManifest: ManifestFacts;
  readonly toManifest: ManifestFacts;
  readonly dependencyCheck: DependencyCheck;
  readonly sqlSummary: SqlSummary;
  readonly hostServicesDiff: HostServicesDiff;
  /** Keys of texts. */
  readonly riskHints: readonly string[];
  readonly differences: Differences;
}

/** What a rollback would change (E15). */
export interface RollbackPreview {
  readonly pluginId: string;
  readonly fromVersion: string;
  readonly toVersion: string;
  readonly dependencyCheck: DependencyCheck;
  readonly hostServicesDiff: HostServicesDiff;
  readonly differences: Differences;
  /** No SQL runs: `unchanged` when both releases bring the same install SQL, `kept` when tables stay as the newer one left them. */
  readonly sqlCompatibility: 'unchanged' | 'kept';
  /** Install SQL of the release that is left, whose effects stay and which the target does not know. */
  readonly sqlLeft: readonly string[];
}

export interface ManifestFacts {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly scopeNature?: string;
  readonly supportsMultiTenant: boolean;
  readonly defaultInstallMode?: string;
  readonly description?: string;
  readonly runtimeKind?: string;
  readonly runtimeAbiVersion?: string;
  readonly manifestDeclared: boolean;
  readonly installSqlCount: number;
  readonly uninstallSqlCount: number;
  readonly mockSqlCount: number;
  readonly frontendPageCount: number;
  readonly frontendSlotCount: number;
  readonly menuCount: number;
  readonly backendHookCount: number;
  readonly resourceSpecCount: number;
  readonly routeCount: number;
  readonly routeExecutionEnabled: boolean;
  readonly routeRequestCodec?: string;
  readonly routeResponseCodec?: string;
  readonly runtimeFrontendAssetCount: number;
  readonly runtimeSqlAssetCount: number;
  readonly hostServiceAuthRequired: boolean;
  readonly hostServiceAuthConfirmed: boolean;
  readonly requestedHostServices?: readonly HostServiceDeclaration[];
  readonly authorizedHostServices?: readonly HostServiceDeclaration[];
}

export interface SqlSummary {
  readonly installSqlCount: number;
  readonly uninstallSqlCount: number;
  readonly mockSqlCount: number;
  readonly runtimeSqlAssetCount: number;
}

export interface HostServicesDiff {
  readonly added: readonly HostServiceChange[];
  readonly removed: readonly HostServiceChange[];
  readonly changed: readonly HostServiceChange[];
  readonly authorizationRequired: boolean;
  readonly authorizationChanged: boolean;
}

export interface HostServiceChange {
  readonly owner?: string;
  readonly service: string;
  readonly version?: string;
  readonly fromMethods?: readonly string[];
  readonly toMethods?: readonly string[];
  readonly fromResourceCount: number;
  readonly toResourceCount: number;
  readonly fromResourceRefs?: readonly string[];
  readonly toResourceRefs?: readonly string[];
  readonly fromTables?: readonly string[];
  readonly toTables?: readonly string[];
  readonly fromPaths?: readonly string[];
  readonly toPaths?: readonly string[];
  readonly fromKeys?: readonly string[];
  readonly toKeys?: readonly string[];
}

/** By what names a part: `GET /records` for a route, a path for a file, a key for SQL and menus, a locale for languages. */
export interface PartDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What a release carries, part by part, and its size. */
export interface Differences {
  readonly routes: PartDifference;
  readonly permissions: PartDifference;
  readonly menus: PartDifference;
  readonly assets: PartDifference;
  readonly publicAssets: PartDifference;
  readonly installSql: PartDifference;
  readonly uninstallSql: PartDifference;
  readonly mockSql: PartDifference;
  readonly manifestResources: PartDifference;
  readonly languages: PartDifference;
  readonly hooks: PartDifference;
  readonly lifecycle: PartDifference;
  readonly fromSizeBytes: number;
  readonly toSizeBytes: number;
}

/** A release that is kept. */
export interface ReleaseSummary {
  readonly version: string;
  readonly checksum: string;
  readonly status: string;
  readonly isEffective: boolean;
  readonly isArchived: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One entry of `plugin.autoEnable`. */
export interface AutoEnableEntry {
  readonly id: string;
  readonly withMockData?: boolean | undefined;
}
