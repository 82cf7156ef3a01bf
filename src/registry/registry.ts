/** Plugins and their releases: what exists, what is installed, what serves. */
import { type Artifact, parseArtifact } from '../artifact/artifact.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Blobs } from '../store/blobs.js';
import type { Database } from '../store/sqlite.js';
import type { AuditAction, AuditEntry, AuditQuery } from './audit.js';
import { autoEnable } from './auto-enable.js';
import { createCatalog } from './catalog.js';
import type { ChangeReason, Core, RegistryChange, RegistryLog, Turn } from './core.js';
import type { DependencyCheck } from './dependencies.js';
import { type ReloadReport, reload, sync } from './discovery.js';
import { disable, enable } from './enable.js';
import { install } from './install.js';
import { openJournal, type PluginRows } from './journal.js';
import { checkEntry } from './needs.js';
import type {
  AuthorizeOptions,
  AutoEnableEntry,
  ByOperator,
  InstallOptions,
  ReleaseSummary,
  RollbackOptions,
  RollbackPreview,
  SwitchResult,
  UninstallOptions,
  UpgradeOptions,
  UpgradePreview,
  UploadOptions,
} from './operations.js';
import { setProvisioningPolicy } from './policy.js';
import type { EngineHooks, GovernancePort, HookPort, SqlPort, StatePort, StoragePort } from './ports.js';
import { previewRollback, previewUpgrade } from './previews.js';
import type { Habits, NotExecuted, PluginRecord, PluginView } from './projection.js';
import { follow, type PluginChange, refresh, type SharedTurns, shareTurns } from './refresh.js';
import { rollback } from './rollback.js';
import { inconsistenciesOf } from './rows.js';
import { createSerial, type Serial } from './serial.js';
import { createStaging, type StagingProblem } from './staging.js';
import { inTurn } from './turn.js';
import { uninstall } from './uninstall.js';
import { upgrade } from './upgrade.js';
import { upload } from './upload.js';

export type { AuditAction, AuditEntry, AuditQuery, AuditResult, AuditStanding } from './audit.js';
export type { ChangeReason, RegistryChange } from './core.js';
export type { Blocker, DependencyCheck, DependencyItem, ReverseDependent } from './dependencies.js';
export type { ReloadReport } from './discovery.js';
export type * from './operations.js';
export type * from './ports.js';
export type { Diagnosis, NotExecuted, PluginRecord, PluginView, UpgradeFailure } from './projection.js';
export type { PluginChange, SharedTurns } from './refresh.js';
export type { AbnormalReason, RuntimeState } from './runtime-state.js';

export interface RegistryOptions {
  /** With `synchronous: 'FULL'`: what was answered as done is done. */
  readonly database: Database;
  readonly blobs: Blobs;
  readonly engine: EngineHooks;
  /** Without it no SQL of plugins runs. */
  readonly sql?: SqlPort | undefined;
  /** Without it no menus are written. */
  readonly governance?: GovernancePort | undefined;
  /** Without it an uninstall deletes no objects. */
  readonly storage?: StoragePort | undefined;
  /** Without it an uninstall leaves the state of plugins. */
  readonly state?: StatePort | undefined;
  /** `plugin.grantUnreviewed`. */
  readonly grantUnreviewed?: boolean;
  /** `plugin.allowForceUninstall`. */
  readonly allowForceUninstall?: boolean;
  /** `plugin.servePending`: whether a release goes on serving while a higher version waits or is being upgraded to. */
  readonly servesPending?: boolean;
  /** Without it the hooks that plugins declare are not carried out. */
  readonly hooks?: HookPort | undefined;
  readonly parseArtifact?: (bytes: Uint8Array) => Artifact;
  readonly now?: () => number;
  readonly log: RegistryLog;
  /** Of all processes that share the database; of this one when absent. */
  readonly turns?: SharedTurns | undefined;
  /** Hears of every step of a transaction that a crash could follow. */
  readonly onStep?: (step: string) => void;
}

/** What was uploaded, and the plugin as it is now: of an installed one that is still the effective release. */
export interface Uploaded {
  readonly artifact: Artifact;
  readonly record: PluginRecord;
}

/** Operations on one plugin run one after the other, those on several plugins at once. All may throw SBX_STORE_FAILED. */
export interface Registry {
  /** Reads everything and has the engine load what is enabled; to be called once, before anything else. */
  reload(): Promise<ReloadReport>;
  /** Instead of `reload`, in a process that is not the first one on its database: reads everything, changes nothing. */
  follow(): Promise<void>;
  /** Brings a plugin in line with what another process has stored. @throws what the engine throws; the plugin is out of service then. */
  refresh(change: PluginChange): Promise<void>;
  /** Looks at the staging directory again. @returns how many plugins it holds, and which files are unusable. */
  sync(): Promise<{ total: number; problems: readonly StagingProblem[] }>;
  /** @throws SBX_UPLOAD_REFUSED, SBX_ARTIFACT_INVALID, PLUGIN_ID_INVALID; nothing is stored then. */
  upload(bytes: Uint8Array, options?: UploadOptions): Promise<Uploaded>;
  /**
   * @throws PLUGIN_NOT_FOUND, PLUGIN_INSTALL_MODE_INVALID, PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH,
   * PLUGIN_DYNAMIC_ARTIFACT_MISSING, PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED, SBX_GRANT_DECISION_INVALID
   */
  install(pluginId: string, options?: InstallOptions): Promise<PluginRecord>;
  /**
   * @throws PLUGIN_NOT_FOUND, PLUGIN_NOT_INSTALLED, PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED, SBX_GRANT_DECISION_INVALID, and
   * what the engine throws: the flags are then as before.
   */
  enable(pluginId: string, options?: AuthorizeOptions): Promise<PluginRecord>;
  /** @throws PLUGIN_NOT_FOUND, PLUGIN_NOT_INSTALLED, PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED, PLUGIN_LIFECYCLE_PRECONDITION_VETOED */
  disable(pluginId: string, options?: ByOperator): Promise<PluginRecord>;
  /**
   * Takes a plugin away; one that is not installed is a success.
   * @returns the plugin as it is discovered still
   * @throws PLUGIN_NOT_FOUND, PLUGIN_REVERSE_DEPENDENCY_BLOCKED, PLUGIN_LIFECYCLE_PRECONDITION_VETOED,
   * PLUGIN_FORCE_UNINSTALL_DISABLED, PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING, PLUGIN_UNINSTALL_EXECUTION_FAILED
   */
  uninstall(pluginId: string, options?: UninstallOptions): Promise<PluginRecord | undefined>;
  /** Changes nothing. @throws PLUGIN_NOT_FOUND, PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE, PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID */
  previewUpgrade(pluginId: string): UpgradePreview;
  /**
   * @throws PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED, PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE,
   * PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING, PLUGIN_LIFECYCLE_PRECONDITION_VETOED, SBX_GRANT_DECISION_INVALID,
   * PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED: the release before it goes on serving then.
   */
  upgrade(pluginId: string, options: UpgradeOptions): Promise<SwitchResult>;
  /** Changes nothing. @throws PLUGIN_NOT_FOUND, PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE, PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID */
  previewRollback(pluginId: string, version?: string): Promise<RollbackPreview>;
  /**
   * @throws PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED, PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE, PLUGIN_DEPENDENCY_BLOCKED,
   * PLUGIN_REVERSE_DEPENDENCY_BLOCKED, and what the engine throws; nothing has changed then.
   */
  rollback(pluginId: string, options: RollbackOptions): Promise<SwitchResult>;
  /** @throws PLUGIN_SOURCE_REGISTRY_NOT_FOUND, PLUGIN_TENANT_PROVISIONING_POLICY_INVALID */
  setProvisioningPolicy(
    pluginId: string,
    options: ByOperator & { autoEnableForNewTenants: boolean },
  ): Promise<PluginRecord>;
  /** Installs and enables what the configuration names. @throws PLUGIN_AUTO_ENABLE_FAILED, PLUGIN_DEPENDENCY_BLOCKED */
  autoEnable(entries: readonly AutoEnableEntry[]): Promise<void>;
  /** Rows of installed plugins that no operation leads to, in words (`spec/governance.md` §8.6). */
  inconsistencies(): readonly string[];
  /** @throws PLUGIN_NOT_FOUND */
  dependencies(pluginId: string): DependencyCheck;
  /** Every release that was ever seen, in order of discovery. @throws PLUGIN_NOT_FOUND */
  releases(pluginId: string): readonly ReleaseSummary[];
  /** The audit log, newest first. */
  audit(query?: AuditQuery): readonly AuditEntry[];
  /** By id. */
  list(): readonly PluginRecord[];
  /** Files in the staging directory that are no plugin, as of the latest look at it. */
  problems(): readonly StagingProblem[];
  /** @throws PLUGIN_NOT_FOUND */
  show(pluginId: string): PluginRecord;
  /** For every request: one map access. */
  find(pluginId: string): PluginView | undefined;
  /** The archived bytes of an installed release. @throws SBX_ARCHIVE_BROKEN */
  readArtifact(view: PluginView): Promise<Uint8Array>;
  /** Hears of every change once it is durable and visible. @returns a function that ends it. */
  subscribe(listener: (change: RegistryChange) => void): () => void;
}

/** Opens the registry and brings its tables up to date. @throws SBX_STORE_FAILED */
export function createRegistry(options: RegistryOptions): Registry {
  const listeners = new Set<(change: RegistryChange) => void>();
  const subscribe: Registry['subscribe'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const local = createSerial();
  // Other processes' changes are followed out of turn: this process may be waiting for the very turn that they were made in.
  const following = createSerial();
  const serial = options.turns === undefined ? local : shareTurns(local, options.turns, subscribe);
  const core = coreOf(options, serial, (change) => {
    for (const listener of listeners) tell(options.log, listener, change);
  });
  const { catalog } = core;

  const show = (pluginId: string): PluginRecord => {
    const record = catalog.record(pluginId);
    if (record === undefined) throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId });
    return record;
  };
  const act = async (
    pluginId: string,
    action: AuditAction,
    { by }: ByOperator,
    operation: (turn: Turn) => Promise<void>,
  ): Promise<PluginRecord> => {
    await inTurn(core, { pluginId, action, by }, operation);
    return show(pluginId);
  };
  const entryOf = (pluginId: string) => {
    show(pluginId);
    return catalog.get(pluginId)!;
  };

  const registry: Registry = {
    reload: () => reload(core),
    follow: () => follow(core, following),
    refresh: (change) => following(change.pluginId, () => refresh(core, change)),
    sync: () => sync(core),
    async upload(bytes, uploadOptions = {}) {
      const artifact = await upload(core, bytes, uploadOptions);
      return { artifact, record: show(artifact.manifest.id) };
    },
    install: (pluginId, asked = {}) => act(pluginId, 'install', asked, (turn) => install(turn, asked)),
    enable: (pluginId, asked = {}) => act(pluginId, 'enable', asked, (turn) => enable(turn, asked)),
    disable: (pluginId, asked = {}) => act(pluginId, 'disable', asked, disable),
    async uninstall(pluginId, asked = {}) {
      await inTurn(core, { pluginId, action: 'uninstall', by: asked.by }, (turn) => uninstall(turn, asked));
      return catalog.record(pluginId);
    },
    previewUpgrade: (pluginId) => previewUpgrade(core, pluginId),
    upgrade: (pluginId, asked) =>
      inTurn(core, { pluginId, action: 'upgrade', by: asked.by }, (turn) => upgrade(turn, asked)),
    previewRollback: (pluginId, version) => previewRollback(core, pluginId, version),
    rollback: (pluginId, asked) =>
      inTurn(core, { pluginId, action: 'rollback', by: asked.by }, (turn) => rollback(turn, asked)),
    setProvisioningPolicy: (pluginId, asked) =>
      act(pluginId, 'policy', asked, (turn) => setProvisioningPolicy(turn, asked.autoEnableForNewTenants)),
    autoEnable: (entries) => autoEnable(registry, entries, { grantUnreviewed: core.grantUnreviewed }),
    inconsistencies: () => catalog.records().flatMap(({ plugin }) => inconsistenciesOf(plugin)),
    dependencies: (pluginId) => checkEntry(core, entryOf(pluginId)),
    releases: (pluginId) => releasesOf(entryOf(pluginId).rows),
    audit: (query = {}) => core.journal.audit(query),
    list: catalog.records,
    problems: core.staging.problems,
    show,
    find: catalog.find,
    readArtifact: (view) => options.blobs.readArchive(view.packagePath, view.checksum),
    subscribe,
  };
  return registry;
}

function releasesOf({ plugin, releases }: PluginRows): readonly ReleaseSummary[] {
  return releases.map(({ id, releaseVersion, checksum, status, packagePath, createdAt, updatedAt }) => ({
    version: releaseVersion,
    checksum,
    status,
    isEffective: plugin.installed === 1 && id === plugin.releaseId,
    isArchived: packagePath.startsWith('releases/'),
    createdAt,
    updatedAt,
  }));
}

function habitsOf({ sql, governance, hooks, servesPending = false }: RegistryOptions): Habits {
  const parts: readonly (readonly [carriedOut: boolean, part: NotExecuted['part']])[] = [
    [sql !== undefined, 'installSql'],
    [governance !== undefined, 'menus'],
    [governance !== undefined, 'routePermissions'],
    [hooks !== undefined, 'hooks'],
  ];
  return { servesPending, carriesOut: new Set(parts.filter(([carriedOut]) => carriedOut).map(([, part]) => part)) };
}

function coreOf(options: RegistryOptions, serial: Serial, tellAll: (change: RegistryChange) => void): Core {
  const { database, blobs, engine, log, onStep, now = Date.now } = options;
  const parse = options.parseArtifact ?? parseArtifact;
  const catalog = createCatalog(habitsOf(options));
  return {
    engine,
    sql: options.sql,
    governance: options.governance,
    storage: options.storage,
    state: options.state,
    hooks: options.hooks,
    blobs,
    journal: openJournal({ database, now, onStep }),
    staging: createStaging({ blobs, parseArtifact: parse }),
    catalog,
    serial,
    parseArtifact: parse,
    grantUnreviewed: options.grantUnreviewed ?? false,
    allowForceUninstall: options.allowForceUninstall ?? false,
    owed: new Set(),
    now,
    log,
    publish(pluginId: string, reason: ChangeReason) {
      const view = catalog.find(pluginId);
      tellAll({ pluginId, reason, ...(view && { view }) });
    },
  };
}

/** What a listener throws is its own trouble: the change has happened. */
function tell(log: RegistryLog, listener: (change: RegistryChange) => void, change: RegistryChange): void {
  try {
    listener(change);
  } catch (thrown) {
    log.warn({ pluginId: change.pluginId, reason: reasonOf(thrown) }, `a listener failed after ${change.reason}`);
  }
}
