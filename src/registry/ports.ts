/** What composition gives the registry: rooms that it must not know. */
import type { Artifact } from '../artifact/artifact.js';
import type { RequestEnvelope, ResponseEnvelope } from '../protocol/envelope.js';
import type { SandpoolError } from '../protocol/errors.js';
import type { Authorization } from './authorization.js';
import type { Hooks } from './hooks.js';
import type { PluginView } from './projection.js';
import type { InstallMode, MigrationPhase } from './tables.js';

/** The engine, which serves what the registry says. */
export interface EngineHooks {
  /**
   * Compiles, rewrites, initialises and checks a release beside the one that serves; nobody sees it yet. When it fails, nothing
   * has changed. Whoever prepares a release publishes or discards it.
   */
  readonly prepare: (view: PluginView) => Promise<PreparedRelease>;
  /** Takes a plugin out of service; running invocations end. */
  readonly deactivate: (pluginId: string) => void;
}

/** A release that could serve at once. */
export interface PreparedRelease {
  /** Runs a lifecycle callback in it, published or not. Never rejects. */
  readonly run: (callback: Callback) => Promise<CallbackEnd>;
  /** Has it serve in place of the plugin's release before it, whose running invocations end on that one. Never fails. */
  readonly publish: () => void;
  /** Lets go of it, unless it serves. */
  readonly discard: () => void;
}

/** One call of a guest by the host itself. */
export interface Callback {
  readonly envelope: RequestEnvelope;
  readonly deadlineMs: number;
}

export type CallbackEnd =
  | { readonly ok: true; readonly response: ResponseEnvelope }
  | { readonly ok: false; readonly error: SandpoolError };

/** A plugin's own SQL (`spec/governance.md` §3). */
export interface SqlPort {
  /** Refuses an artifact whose SQL cannot be carried out; changes nothing. */
  readonly check: (artifact: Artifact) => Promise<void> | void;
  /** Runs the files of a phase and their ledger rows: all or none. */
  readonly run: (phase: MigrationPhase, run: SqlRun) => Promise<void>;
  /** Removes what the plugin has stored, once its uninstall SQL has run. */
  readonly purge: (pluginId: string) => Promise<void>;
}

export interface SqlRun {
  readonly pluginId: string;
  readonly releaseId: number;
  readonly artifact: Artifact;
  readonly installMode: InstallMode;
  readonly authorization: Authorization;
}

/** Menus and route permissions (`spec/governance.md` §4). What writes, runs inside the transaction of the transition. */
export interface GovernancePort {
  /** Refuses menus or pages that cannot be; changes nothing. `enabled`: whether the pages are to be served. */
  readonly check: (artifact: Artifact, state: { readonly enabled: boolean }) => void;
  /** Makes the rows those of the artifact; what roles hold on keys that stay, stays. */
  readonly apply: (artifact: Artifact) => void;
  /** Removes the plugin's rows and what roles hold on them. */
  readonly remove: (pluginId: string) => void;
}

/** Hooks that releases declare. Never rejects; `spec/governance.md` §7.3. */
export type HookPort = Pick<Hooks, 'dispatch' | 'forget'>;

/** Key/value state of plugins. */
export interface StatePort {
  /** Deletes what the plugin has stored, for every tenant. */
  readonly purge: (pluginId: string) => void;
}

/** Stored objects of plugins. */
export interface StoragePort {
  /** Deletes every object below these paths. */
  readonly purge: (pluginId: string, paths: readonly string[]) => Promise<void>;
}
