/** The frozen authorisation of a release as it is posted to a sandbox thread: plain data. */

export interface GrantedResource {
  readonly ref: string;
  readonly allowMethods?: readonly string[];
  readonly headerAllowList?: readonly string[];
  readonly timeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** What a release may ask of one service. Empty owner and version mean a core service. */
export interface GrantedService {
  readonly owner: string;
  readonly service: string;
  readonly version: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly tables: readonly string[];
  readonly keys: readonly string[];
  readonly resources: readonly GrantedResource[];
}
