/**
 * The contract of a host service: what a guest may ask of the host. A service is one file that calls `defineService`, and one
 * line in `index.ts`.
 */
import type { Grant } from '../grants/grant.js';
import type { CacheStamps, CacheStore } from '../protocol/cache.js';
import type { Identity } from '../protocol/envelope.js';
import type { GrantedService } from '../protocol/grant.js';
import type { HostCallFailure, HostCallRequest, HostCallResponse, PayloadRest } from '../protocol/host-call.js';
import type { ExecutionSource, LogLevel } from '../protocol/messages.js';
import { NO_BYTES } from '../protocol/wire.js';
import type { LockStore } from '../store/locks.js';
import type { Objects } from '../store/objects.js';
import type { PluginDatabases } from '../store/plugin-databases.js';
import type { StateStore } from '../store/state.js';
import type { JobsPort } from './jobs-port.js';
import type { Network } from './network/exchange.js';
import type { NotificationPort } from './notifications-port.js';
import type { PluginDirectory } from './plugin-directory-port.js';
import type { SysConfigPort } from './sys-config-port.js';

export type { ExecutionSource };

/** Where a method is answered: in the sandbox thread at once, or on the main thread over the slot. */
export type Placement = 'worker' | 'host';

/** What a service may know of the invocation that asks. */
export interface HostCallContext {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  /** Contract path of the route, callback or job. */
  readonly routePath: string;
  readonly requestId: string;
  /** Absent for public routes, lifecycle callbacks and jobs. */
  readonly identity?: Identity | undefined;
  /** Tenant in force; 0 is the platform. */
  readonly tenantId: number;
  /** When the invocation must have ended, in ms since the epoch. */
  readonly deadlineAt: number;
  /** Files of the release's `manifest/` folder, by path relative to it. */
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  /** What the release is granted, for a service that meets further resources on its way. On the main thread only. */
  readonly grant?: Grant | undefined;
  /**
   * Takes a listener that is called when the invocation ends, which may be before the answer is there: the caller has gone, or
   * the deadline has passed. Each replaces the one before. On the main thread only.
   */
  onAbandoned?(listener: () => void): void;
  readonly release: ReleaseContext;
}

/** What a service may know of the release that runs. */
export interface ReleaseContext {
  /** Another one for each release, and for each time that it is loaded. */
  readonly key: number;
  readonly grantedServices: readonly GrantedService[];
  /** Whether `data` shows a tenant only its own rows. */
  readonly tenantFilter: boolean;
}

/** What a service may use of the thread that it runs on, without knowing which. */
export interface ServiceEnvironment {
  readonly nodeName: string;
  /** The plugin state; opened on first use. */
  readonly state: () => StateStore;
  /** Locks of plugins; opened on first use. */
  readonly locks: () => LockStore;
  /** Databases of plugins, opened on first use. */
  readonly databases: () => PluginDatabases;
  /** The stored objects, opened on first use; without it nothing can be stored. */
  readonly objects?: (() => Objects) | undefined;
  readonly log: (line: ServiceLogLine) => void;
  /** JSON text of a host configuration value. */
  readonly hostConfig: (key: string, tenantId: number) => string | undefined;
  /** JSON text of a value of the plugin's own configuration. */
  readonly pluginConfig: (pluginId: string, key: string) => string | undefined;
  /** What plugins keep for a while. */
  readonly cache: CacheStore;
  /** Present where copies of cached values may be kept. */
  readonly cacheStamps?: CacheStamps | undefined;
  /** Told of what such a copy has answered. */
  readonly countCached?: (event: 'hit' | 'miss') => void;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** HTTP requests of plugins; on the main thread only. */
  readonly network?: Network | undefined;
  /** System parameters; on the main thread only. */
  readonly sysConfig?: SysConfigPort | undefined;
  /** Messages to users; on the main thread only. */
  readonly notifications?: NotificationPort | undefined;
  /** The plugins of the host; on the main thread only. */
  readonly pluginDirectory?: PluginDirectory | undefined;
  /** The scheduled jobs; on the main thread only. */
  readonly jobs?: JobsPort | undefined;
}

export interface ServiceLogLine {
  readonly pluginId: string;
  readonly level: LogLevel;
  readonly text: string;
  /** `plugin` for what a guest wanted logged, `host` for a failure of the service. */
  readonly blame: 'plugin' | 'host';
}

/** Reply of a service: status 0 and its payload, the end of which may still lie elsewhere, or a failure as `spec/bridge.md` §2.4 describes it. */
export type ServiceReply =
  | { readonly status: 0; readonly payload: Uint8Array; readonly rest?: PayloadRest | undefined }
  | { readonly status: 1 | 2 | 3 | 4; readonly error: HostCallFailure };

/**
 * Answers one call. SBX_WIRE_INVALID thrown out of it becomes status 3 with the error's text, anything else status 4.
 */
export type ServiceMethod = (call: HostCallRequest, context: HostCallContext) => ServiceReply | Promise<ServiceReply>;

export interface Service {
  readonly name: string;
  /** A method placed in the worker must answer synchronously. */
  readonly placement: Placement;
  /**
   * In the worker, all of its methods or these wait for the disk: others may compute meanwhile, as they may when a call waits for the
   * main thread.
   */
  readonly blocks?: boolean | readonly string[];
  /** In the worker, all of its methods or these read files. */
  readonly reads?: boolean | readonly string[];
  /** Makes the methods of one thread, by wire name. */
  readonly methods: (environment: ServiceEnvironment) => Readonly<Record<string, ServiceMethod>>;
  /** What a sandbox thread may remember of methods that are placed on the host, by wire name. */
  readonly copies?: (environment: ServiceEnvironment) => Readonly<Record<string, MethodCopies>>;
}

/** Answers of the host that one sandbox thread keeps. A call that finds none is asked, and what comes back is kept, one by one. */
export interface MethodCopies {
  /** What the host would answer now; undefined when it has to be asked. */
  find(call: HostCallRequest, context: HostCallContext): ServiceReply | undefined;
  /** Takes the host's answer to the call that `find` has just let go. */
  keep(response: HostCallResponse): void;
}

/** Returns the service as given; the place where its shape is checked by the compiler. */
export function defineService(service: Service): Service {
  return service;
}

/** Success without payload: done, or nothing found. */
export const EMPTY_REPLY: ServiceReply = { status: 0, payload: NO_BYTES };

/** Success with a payload. */
export function reply(payload: Uint8Array): ServiceReply {
  return { status: 0, payload };
}

/** A failure with the default code of its status. */
export function failure(status: 1 | 2 | 3 | 4, message: string): ServiceReply {
  return { status, error: { message } };
}
