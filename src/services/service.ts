/**
 * The contract of a host service: what a guest may ask of the host. A service is one file that calls `defineService`, and one
 * line in `index.ts`.
 */
import type { Identity } from '../protocol/envelope.js';
import type { HostCallRequest } from '../protocol/host-call.js';
import type { ExecutionSource } from '../protocol/messages.js';

/** Where a method is answered: in the sandbox thread at once, or on the main thread over the slot. */
export type Placement = 'worker' | 'host';

/** Why the guest runs (`spec/bridge.md` §1.5). */
export type { ExecutionSource };

/** What a service may know of the invocation that asks. */
export interface HostCallContext {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  /** Contract path of the route, callback or job. */
  readonly routePath: string;
  readonly requestId: string;
  /** Absent for public routes, lifecycle callbacks and jobs. */
  readonly identity?: Identity;
  /** Tenant in force; 0 is the platform. */
  readonly tenantId: number;
  /** When the invocation must have ended, in ms since the epoch. */
  readonly deadlineAt: number;
  /** Files of the release's `manifest/` folder, by path relative to it. */
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
}

/** Reply of a service: status 0 and its payload, or a failure as `spec/bridge.md` §2.4 describes it. */
export type ServiceReply =
  | { readonly status: 0; readonly payload: Uint8Array }
  | { readonly status: 1 | 2 | 3 | 4; readonly error: ServiceFailure };

export interface ServiceFailure {
  /** Business code; without it the default of the status is used. */
  readonly errorCode?: string;
  readonly messageParams?: Readonly<Record<string, unknown>>;
  /** Diagnostic text, the `fallback` of the payload; blank means the default of the status. */
  readonly message: string;
}

export type ServiceMethod = (call: HostCallRequest, context: HostCallContext) => ServiceReply | Promise<ServiceReply>;

export interface Service {
  readonly name: string;
  /** A method placed in the worker must answer synchronously. */
  readonly placement: Placement;
  readonly methods: Readonly<Record<string, ServiceMethod>>;
}

/** Returns the service as given; the place where its shape is checked by the compiler. */
export function defineService(service: Service): Service {
  return service;
}
