/** Lifecycle contracts of a plugin (`spec/artifact.md` §2.8, `spec/bridge.md` §6). */

export interface LifecycleContract {
  readonly operation: string;
  readonly requestType: string;
  readonly internalPath: string;
  /** 0 means the host's default of 5000 ms. */
  readonly timeoutMs: number;
}
