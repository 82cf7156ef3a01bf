/** Plugins and their releases: what exists, what is installed, what serves. */
import { type Artifact, parseArtifact } from '../artifact/artifact.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Blobs } from '../store/blobs.js';
import type { Database } from '../store/sqlite.js';
import { createCatalog } from './catalog.js';
import type { ChangeReason, Core, EngineHooks, RegistryChange, RegistryLog } from './core.js';
import { type ReloadReport, reload, sync } from './discovery.js';
import { openJournal } from './journal.js';
import type { PluginRecord, PluginView } from './projection.js';
import { follow, type PluginChange, refresh, type SharedTurns, shareTurns } from './refresh.js';
import { createSerial, type Serial } from './serial.js';
import { createStaging, type StagingProblem } from './staging.js';
import { type AuthorizeOptions, disable, enable, type InstallOptions, install } from './transitions.js';
import { type UploadOptions, upload } from './upload.js';

export type { ChangeReason, EngineHooks, RegistryChange } from './core.js';
export type { ReloadReport } from './discovery.js';
export type { Diagnosis, NotExecuted, PluginRecord, PluginView } from './projection.js';
export type { PluginChange, SharedTurns } from './refresh.js';
export type { AbnormalReason, RuntimeState } from './runtime-state.js';
export type { AuthorizeOptions, InstallOptions } from './transitions.js';
export type { UploadOptions } from './upload.js';

export interface RegistryOptions {
  /** With `synchronous: 'FULL'`: what was answered as done is done. */
  readonly database: Database;
  readonly blobs: Blobs;
  readonly engine: EngineHooks;
  /** `plugin.grantUnreviewed`. */
  readonly grantUnreviewed?: boolean;
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
  /** @throws PLUGIN_NOT_FOUND, PLUGIN_NOT_INSTALLED */
  disable(pluginId: string): Promise<PluginRecord>;
  /** By id. */
  list(): readonly PluginRecord[];
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
  const act = async (pluginId: string, operation: () => Promise<void>): Promise<PluginRecord> => {
    await serial(pluginId, operation);
    return show(pluginId);
  };

  return {
    reload: () => reload(core),
    follow: () => follow(core, following),
    refresh: (change) => following(change.pluginId, () => refresh(core, change)),
    sync: () => sync(core),
    async upload(bytes, uploadOptions = {}) {
      const artifact = await upload(core, bytes, uploadOptions);
      return { artifact, record: show(artifact.manifest.id) };
    },
    install: (pluginId, installOptions = {}) => act(pluginId, () => install(core, pluginId, installOptions)),
    enable: (pluginId, enableOptions = {}) => act(pluginId, () => enable(core, pluginId, enableOptions)),
    disable: (pluginId) => act(pluginId, () => disable(core, pluginId)),
    list: catalog.records,
    show,
    find: catalog.find,
    readArtifact: (view) => options.blobs.readArchive(view.packagePath, view.checksum),
    subscribe,
  };
}

function coreOf(options: RegistryOptions, serial: Serial, tellAll: (change: RegistryChange) => void): Core {
  const { database, blobs, engine, log, onStep, now = Date.now } = options;
  const parse = options.parseArtifact ?? parseArtifact;
  const catalog = createCatalog();
  return {
    engine,
    blobs,
    journal: openJournal({ database, now, onStep }),
    staging: createStaging({ blobs, parseArtifact: parse }),
    catalog,
    serial,
    parseArtifact: parse,
    grantUnreviewed: options.grantUnreviewed ?? false,
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
