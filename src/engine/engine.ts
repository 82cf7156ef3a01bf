/** Loads releases and runs invocations. */
import type { BridgeContract } from '../artifact/artifact.js';
import type { Grant } from '../grants/grant.js';
import type { RequestEnvelope, ResponseEnvelope } from '../protocol/envelope.js';
import type { SandpoolError } from '../protocol/errors.js';
import type { ExecutionSource } from '../services/service.js';

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
  /** Reads the artifact's bytes; called once per compile. */
  readonly readArtifact: () => Promise<Uint8Array>;
}

/** One run of a guest's execute export. */
export interface Invocation {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  readonly envelope: RequestEnvelope;
  readonly tenantId: number;
  /** Longest run, from pick-up by a worker; the plugin's setting when absent. */
  readonly deadlineMs?: number;
  /** Gives up waiting or running when aborted. */
  readonly signal?: AbortSignal;
}

export interface InvocationTimings {
  readonly queueMs: number;
  readonly runMs: number;
  readonly hostCalls: number;
}

/** How an invocation ended. */
export type Outcome =
  | { readonly ok: true; readonly response: ResponseEnvelope; readonly timings: InvocationTimings }
  | { readonly ok: false; readonly error: SandpoolError; readonly timings: InvocationTimings };

export interface Engine {
  /** Compiles, warms and publishes a release as the effective one of its plugin. Single flight per checksum. */
  load(release: EngineRelease): Promise<void>;
  /** Forgets a plugin's release; running invocations finish on it. */
  unload(pluginId: string): void;
  /** Runs the effective release of a plugin. Never rejects. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Waits for running invocations up to the grace period, then ends every thread. */
  close(): Promise<void>;
}
