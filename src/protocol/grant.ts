/** What a plugin declares to ask of the host, and what a release is granted of it: the same shape, plain data on both threads. */

export interface GrantedResource {
  readonly ref: string;
  readonly allowMethods?: readonly string[];
  readonly headerAllowList?: readonly string[];
  readonly timeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One normalised entry: names lower-cased, methods and resources sorted. Empty owner and version mean a core service. */
export interface GrantedService {
  readonly owner: string;
  readonly service: string;
  readonly version: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly tables: readonly string[];
  readonly keys: readonly string[];
  /** Refs of cache, lock, notifications and owner services; for `network` the URL patterns. */
  readonly resources: readonly GrantedResource[];
}
