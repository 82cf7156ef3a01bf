/** Declarations of what a plugin may ask of the host (`spec/artifact.md` §2.12, §5). */

export interface ResourceRef {
  readonly ref: string;
  readonly allowMethods?: readonly string[];
  readonly headerAllowList?: readonly string[];
  readonly timeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One normalised entry: names lower-cased, methods and resources sorted. Empty owner and version mean a core service. */
export interface HostServiceDeclaration {
  readonly owner: string;
  readonly service: string;
  readonly version: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly tables: readonly string[];
  readonly keys: readonly string[];
  /** Refs of cache, lock, notifications and owner services; for `network` the URL patterns. */
  readonly resources: readonly ResourceRef[];
}
