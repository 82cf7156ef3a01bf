/** What the primary process and the host processes ask one another. */
import type { CacheCommand, CacheScope } from '../protocol/cache.js';

/** What a host process asks of the primary. */
export type HostQuestion =
  /** Answered when no other process is changing this plugin. */
  | { readonly ask: 'begin-turn'; readonly key: string }
  /** Answered when every other process has brought the plugin up to date. */
  | { readonly ask: 'end-turn'; readonly key: string; readonly news: readonly string[] }
  /** Answered when every other process has heard it, with whether it meant anything to one of them. */
  | { readonly ask: 'spread'; readonly news: HostNews }
  /** Answered with a ticket that takes the attempt back; refused with SBX_LOGIN_RATE. */
  | { readonly ask: 'attempt-login'; readonly username: string; readonly ip: string }
  | { readonly ask: 'take-back'; readonly ticket: number }
  /** Answered with a result for each command: all processes have one cache. */
  | { readonly ask: 'cache'; readonly scope: CacheScope; readonly commands: readonly CacheCommand[] }
  | { readonly ask: 'forget-cache'; readonly pluginId: string }
  /** Answered with the metrics of all processes, as text. */
  | { readonly ask: 'metrics' };

/** What the primary asks of a host process. */
export type PrimaryQuestion =
  /** Answered once the process serves. */
  | { readonly ask: 'start'; readonly work: unknown; readonly isFirst: boolean }
  /** Answered when the process serves what the database says of this plugin. */
  | ({ readonly ask: 'refresh' } & PluginNews)
  /** Answered with whether it meant anything to the process. */
  | { readonly ask: 'hear'; readonly news: HostNews }
  /** Answered with the process's own metrics. */
  | { readonly ask: 'metrics' }
  /** Answered with the last metrics; then the process ends. */
  | { readonly ask: 'end'; readonly isReplaced: boolean };

/** What has happened in one process and concerns them all. */
export type HostNews =
  /** Users, roles or sessions have changed. */
  | { readonly of: 'identities' }
  /** An operator has released a plugin from quarantine. */
  | { readonly of: 'quarantine'; readonly pluginId: string };

export interface PluginNews {
  readonly key: string;
  /** What has happened, in order. */
  readonly news: readonly string[];
  /** Whether the process that was changing the plugin has died: what it left half-done is to be settled first. */
  readonly isAbandoned: boolean;
}
