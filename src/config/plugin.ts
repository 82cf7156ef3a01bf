/** What the configuration says about one plugin. */
import type { Isolation } from '../protocol/messages.js';
import type { Config } from './schema.js';

/** Limits of one plugin's invocations. */
export interface SandboxLimits {
  readonly isolation: Isolation;
  readonly deadlineMs: number;
  readonly memoryLimitMiB: number;
  readonly maxResponseBytes: number;
  readonly maxHostCalls: number;
  readonly logLinesPerSecond: number;
  /** Memory in reserve behind that of a snapshot. */
  readonly memoryHeadroomMiB: number;
  /** Invocations after which an instance is replaced; 0 for never. */
  readonly recycleAfter: number;
  /** Whether `data` shows a tenant only its own rows. */
  readonly tenantFilter: boolean;
  /** Requests that run before the snapshot is taken. */
  readonly warmUp?: readonly string[];
  /** Most invocations that run at once; absent when only the pool limits them. */
  readonly concurrency?: number;
  /** Most invocations that wait. */
  readonly queue: number;
  /** Share among plugins that wait for workers. */
  readonly weight: number;
}

/** The limits of a plugin: its own settings over the defaults. */
export function effectiveSandbox({ sandbox, pool }: Config, pluginId: string): SandboxLimits {
  const {
    plugins,
    instanceBudgetMiB: _budget,
    maxInstances: _count,
    instanceIdleMs: _idle,
    quarantine: _quarantine,
    ...shared
  } = sandbox;
  const own = Object.hasOwn(plugins, pluginId) ? plugins[pluginId] : undefined;
  return { queue: pool.maxQueue, weight: 1, ...shared, ...own };
}

/** The section that an operator wrote for a plugin to read, if any (spec/governance.md §6.2). */
export function pluginSection({ plugin }: Config, pluginId: string): Readonly<Record<string, unknown>> | undefined {
  // `dynamic` is a section of the host and a legal plugin id; the host's meaning wins.
  if (pluginId === 'dynamic' || !Object.hasOwn(plugin, pluginId)) return undefined;
  return (plugin as Readonly<Record<string, unknown>>)[pluginId] as Readonly<Record<string, unknown>>;
}

/** Limits of one plugin's HTTP requests, and the addresses that it may reach. */
export interface NetworkSettings {
  readonly timeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly concurrency: number;
  readonly idleConnectionMs: number;
  readonly pinMs: number;
  readonly allowedAddresses: readonly string[];
  readonly deniedAddresses: readonly string[];
}

/** The limits of a plugin: its own settings over the defaults; what it may reach comes on top of what all may. */
export function effectiveNetwork({ network }: Config, pluginId: string): NetworkSettings {
  const { plugins, proxy: _proxy, ...shared } = network;
  const own = Object.hasOwn(plugins, pluginId) ? plugins[pluginId] : undefined;
  return {
    ...shared,
    ...own,
    allowedAddresses: [...shared.allowedAddresses, ...(own?.allowedAddresses ?? [])],
  };
}
