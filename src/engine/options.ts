/** What an engine is told: releases, limits of plugins, settings, and whom to tell what. */
import type { BridgeContract } from '../artifact/artifact.js';
import type { Grant } from '../grants/grant.js';
import type { Metrics } from '../metrics.js';
import type { CacheStamps } from '../protocol/cache.js';
import type { RequestEnvelope } from '../protocol/envelope.js';
import type { HostCallTrace, Isolation, LogLevel, ObjectStorage } from '../protocol/messages.js';
import type { Placement } from '../services/service.js';
import type { AnswerHostCall } from './invoke.js';
import type { QuarantineSettings } from './quarantine.js';

/** A release as the engine needs it. */
export interface EngineRelease {
  readonly pluginId: string;
  readonly version: string;
  /** SHA-256 of the artifact file: key of every cache. */
  readonly checksum: string;
  readonly generation: number;
  readonly bridge?: BridgeContract;
  readonly grant: Grant;
  /** By path relative to `manifest/`. */
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  /** Requests that warm an instance up before its snapshot is taken. What it throws is told to the operator. */
  readonly warmUp?: (() => readonly RequestEnvelope[]) | undefined;
  /** Requests that lead through the code that requests will need. Their outcome is thrown away. */
  readonly rehearsals?: (() => readonly RequestEnvelope[]) | undefined;
  /** Reads the artifact's bytes; called once per compile. */
  readonly readArtifact: () => Promise<Uint8Array>;
}

/** Settings of one plugin's sandbox. */
export interface PluginLimits {
  readonly isolation: Isolation;
  readonly deadlineMs: number;
  readonly memoryLimitMiB: number;
  readonly maxResponseBytes: number;
  readonly maxHostCalls: number;
  /** More are dropped and counted. */
  readonly logLinesPerSecond: number;
  readonly concurrency: number;
  readonly queue: number;
  readonly weight: number;
  /** Memory that instances have in reserve behind the snapshot, in MiB. */
  readonly memoryHeadroomMiB: number;
  /** Invocations that a kept instance serves before a new one takes its place; 0 for no limit. */
  readonly recycleAfter: number;
  /** Whether `data` shows a tenant only its own rows. */
  readonly tenantFilter: boolean;
}

export interface PluginLogLine {
  readonly pluginId: string;
  readonly level: LogLevel;
  readonly text: string;
  readonly stream: 'log' | 'stdout' | 'stderr';
}

export interface EngineOptions {
  readonly pool: {
    readonly minThreads: number;
    /** Processors that the threads of this process have, the main thread among them. */
    readonly processors: number;
    /** Threads that may compute at once. */
    readonly maxThreads: number;
    /** Further threads, as many as wait for the answer of a host call. */
    readonly maxWaitingThreads: number;
    readonly idleTimeoutMs: number;
    readonly maxQueue: number;
    readonly queueTimeoutMs: number;
    readonly batchSize: number;
    readonly slotBytes: number;
    readonly slots: number;
  };
  readonly limitsOf: (pluginId: string) => PluginLimits;
  readonly instanceBudgetMiB: number;
  /** Instances that a thread may keep. */
  readonly maxInstances: number;
  /** Time without an invocation after which a kept instance is freed. */
  readonly instanceIdleMs: number;
  readonly quarantine: QuarantineSettings;
  /** SQLite file of plugin state, or `:memory:`. */
  readonly stateFile: string;
  /** Where the databases of plugins are; without it they have none. */
  readonly dataDir?: string;
  /** Where stored objects are; without it nothing can be stored. */
  readonly storage?: ObjectStorage;
  readonly metrics: Metrics;
  readonly log: (line: PluginLogLine) => void;
  readonly answerHostCall: AnswerHostCall;
  /** With it, threads keep copies of cached values. */
  readonly cacheStamps?: CacheStamps | undefined;
  /** Where services are placed, when not where they say. */
  readonly placements?: Readonly<Record<string, Placement>>;
  /** Told of host calls that take so many ms or more; 0 for none. */
  readonly slowHostCalls?: { readonly fromMs: number; readonly tell: (call: HostCallTrace) => void };
  /** Told of each host call; costs a message per call. */
  readonly onHostCall?: (call: HostCallTrace) => void;
}
