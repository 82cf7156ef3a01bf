/** What is posted between the main thread and the sandbox threads, beside what lies in the slots. */
import type { CacheStamps } from './cache.js';
import type { ErrorData } from './errors.js';
import type { GrantedService } from './grant.js';
import type { RewriteLayout, Snapshot } from './layout.js';

/** Why a guest runs; a slot holds the index (`spec/bridge.md` §1.5). */
export const EXECUTION_SOURCES = ['route', 'lifecycle', 'jobs', 'jobs.discovery', 'hook'] as const;
export type ExecutionSource = (typeof EXECUTION_SOURCES)[number];

/** How an instance is made ready for an invocation. */
export const ISOLATIONS = ['pristine', 'fresh', 'warm'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** Objects of plugins: their directory, and limits as the settings `storage.*` have them. */
export interface ObjectStorage {
  readonly directory: string;
  readonly limits: {
    readonly maxObjectBytes: number;
    /** Of one plugin, for all tenants together. */
    readonly pluginQuotaBytes: number;
    /** Of one tenant, by all plugins together; the platform is none. */
    readonly tenantQuotaBytes: number;
    /** Files and directories of one plugin. */
    readonly pluginQuotaFiles: number;
    /** Uploads that one plugin may have under way. */
    readonly maxUploads: number;
    readonly uploadTtlMs: number;
  };
}

/** What a sandbox thread is born with. */
export interface SandboxSetup {
  readonly table: SharedArrayBuffer;
  readonly slotBytes: number;
  readonly feeds: SharedArrayBuffer;
  readonly feedCapacity: number;
  readonly nodeName: string;
  /** Where the databases of plugins are; without it they have none. */
  readonly dataDir?: string | undefined;
  /** Whose turn it is to write to them (`store/writer-turns.ts`). */
  readonly writerTurns?: SharedArrayBuffer | undefined;
  /** SQLite file of plugin state; `:memory:` keeps it in the thread. */
  readonly stateFile: string;
  /** Where stored objects are, and how many may be; without it nothing can be stored. */
  readonly storage?: ObjectStorage | undefined;
  /** Memory that kept instances of a thread may take together, in MiB. */
  readonly instanceBudgetMiB: number;
  /** Instances that a thread may keep, because each reserves addresses. */
  readonly maxInstances: number;
  /** Time without an invocation after which a kept instance is freed. */
  readonly instanceIdleMs: number;
  /** How the host tells that cached values have changed; absent where no copies of them may be kept. */
  readonly cacheStamps?: CacheStamps | undefined;
  /** Host calls that take this long, in ms, are told; Infinity for none. */
  readonly slowHostCallMs: number;
  /** Placements that differ from what the services say. */
  readonly placements: Readonly<Record<string, 'worker' | 'host'>>;
}

/** A release as a sandbox thread needs it; posted to each thread once. */
export interface PostedRelease {
  /** Names the release in slots; never used twice in a process. */
  readonly key: number;
  readonly pluginId: string;
  readonly checksum: string;
  readonly module: WebAssembly.Module;
  /** What the rewriter has added; absent when the module is as it came but for its memory limit. */
  readonly layout?: RewriteLayout | undefined;
  /** What an instance is right after its initialisation; present when instances are pristine. */
  readonly snapshot?: Snapshot | undefined;
  readonly allocExport: string;
  readonly executeExport: string;
  readonly isolation: Isolation;
  readonly grantedServices: readonly GrantedService[];
  /** Whether `data` shows a tenant only its own rows. */
  readonly tenantFilter: boolean;
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  readonly memoryLimitMiB: number;
  readonly maxResponseBytes: number;
  readonly maxHostCalls: number;
  /** Memory that instances have in reserve behind the snapshot. */
  readonly headroomBytes: number;
  /** Invocations that a kept instance serves before a new one takes its place; 0 for no limit. */
  readonly recycleAfter: number;
  readonly logLinesPerSecond: number;
  /** Report each host call in a message of its own. */
  readonly traceHostCalls: boolean;
}

/** A Piscina task: the slots in a feed, in their order. */
export interface Batch {
  /** Number of the feed. */
  readonly feed: number;
  /** Releases that this thread has not been sent yet. */
  readonly load: readonly PostedRelease[];
  /** Keys that no invocation will name again. */
  readonly forget: readonly number[];
  /** Memory of requests that no slot can hold, by slot number. */
  readonly large?: ReadonlyMap<number, SharedArrayBuffer> | undefined;
}

/** Instantiates a release and initialises it, so that its code is compiled before the first request. */
export interface WarmUp {
  readonly warmUp: PostedRelease;
  /** Of the initialisation, and of the warm-up after it. */
  readonly deadlineMs: number;
  /** Request envelopes to run after the guest's own warm-up and before the snapshot; without them neither runs. */
  readonly requests?: readonly Uint8Array[] | undefined;
}

export interface WarmUpEnd {
  readonly threadId: number;
  readonly counts: SandboxCounts;
  readonly error?: ErrorData;
  /** For a release whose isolation is pristine. Its memory is shared by all threads. */
  readonly snapshot?: Snapshot;
}

/**
 * Has an instance ready in a thread before the first request comes, and lets another one take the way of requests, so that the
 * code on that way is compiled.
 */
export interface Ready extends Pick<Batch, 'load' | 'forget'> {
  /** Key of a release that the thread has been sent or is sent with this. */
  readonly ready: number;
  /** Request envelopes whose outcome is thrown away. */
  readonly rehearsals: readonly Uint8Array[];
  /** Of the rehearsals together. */
  readonly deadlineMs: number;
}

/** Rewrites and compiles a module, which takes long enough to keep it off the main thread. */
export interface Rewrite {
  readonly rewrite: Uint8Array;
  readonly maxPages: number;
  /** Make instances resettable, if the module allows it. */
  readonly isResettable: boolean;
}

export interface RewriteEnd {
  readonly error?: ErrorData;
  /** Of a module that was rewritten for a release. */
  readonly module?: WebAssembly.Module;
  readonly compileMs: number;
  readonly layout?: RewriteLayout;
  /** Whether instances can be reset. */
  readonly isResettable: boolean;
  /** Why something could not be done, in words for the operator. */
  readonly reasons: readonly string[];
}

/** Rewrites a module that nobody needs, so that the rewriter's own code is compiled when the first release comes. */
export interface Rehearsal {
  readonly rehearse: true;
}

/** Frees instances that nobody has asked for. A thread without work blocks its event loop, so it has no clock of its own. */
export interface Trim {
  readonly trim: true;
}

/** The end of a task that gives nothing. */
export interface TrimEnd {
  readonly threadId: number;
  readonly counts: SandboxCounts;
}

export type TaskPayload = Batch | WarmUp | Ready | Rewrite | Rehearsal | Trim;
export type TaskEnd = BatchEnd | WarmUpEnd | RewriteEnd | TrimEnd;

export interface BatchEnd {
  readonly threadId: number;
  readonly counts: SandboxCounts;
  /** A response too large for its slot; the batch ends behind it, what is left unstarted is queued again. */
  readonly elsewhere?: { readonly slot: number; readonly response: Uint8Array };
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Messages of a sandbox thread to the main thread. */
export type SandboxMessage =
  | {
      readonly kind: 'log';
      readonly pluginId: string;
      readonly level: LogLevel;
      readonly text: string;
      readonly stream: 'log' | 'stdout' | 'stderr';
    }
  | {
      readonly kind: 'log-dropped';
      readonly pluginId: string;
      readonly lines: number;
    }
  | { readonly kind: 'host-call'; readonly call: HostCallTrace }
  | { readonly kind: 'slow-host-call'; readonly call: HostCallTrace };

/** What has happened in a thread since the end of its last batch. */
export interface SandboxCounts {
  readonly created: number;
  readonly reused: number;
  readonly reset: number;
  readonly dirtyPages: number;
  readonly live: number;
  /** Connections to databases of plugins that are open now. */
  readonly connections?: number;
  readonly discarded: Readonly<Record<string, number>>;
  /** What copies of cached values have answered. */
  readonly cached: { readonly hit: number; readonly miss: number };
  readonly hostCalls: readonly HostCallCount[];
}

/** Upper bounds of the buckets that host calls are counted into, in seconds. */
export const HOST_CALL_BUCKETS_SECONDS: readonly number[] = [
  0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5,
  2.5, 10,
];

export interface HostCallCount {
  readonly service: string;
  readonly method: string;
  readonly status: number;
  readonly count: number;
  readonly seconds: number;
  /** Calls in each bucket of HOST_CALL_BUCKETS_SECONDS; slower ones are in none. */
  readonly buckets: readonly number[];
}

export interface HostCallTrace {
  readonly pluginId: string;
  readonly service: string;
  readonly method: string;
  /** What the grant was asked for: path, URL without its query, key, table or reference. */
  readonly resource: string;
  /** Null when the deadline came before the answer. */
  readonly status: number | null;
  readonly requestBytes: number;
  readonly replyBytes: number;
  readonly ms: number;
}
