/**
 * Bridge request and response: what the host sends to `execute` and what the guest answers (`spec/bridge.md` §2.3).
 */

export interface RouteMatch {
  readonly method: string;
  readonly publicPath: string;
  readonly internalPath: string;
  readonly routePath: string;
  readonly access: string;
  readonly permission: string;
  readonly requestType: string;
  readonly pathParams: Readonly<Record<string, string>>;
  readonly queryValues: Readonly<Record<string, readonly string[]>>;
}

export interface HttpRequestSnapshot {
  readonly method: string;
  readonly publicPath: string;
  readonly internalPath: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddr: string;
  readonly clientIp: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Identity {
  readonly tokenId: string;
  readonly userId: number;
  readonly username: string;
  readonly status: number;
  readonly permissions: readonly string[];
  readonly roleNames: readonly string[];
  readonly isSuperAdmin: boolean;
  readonly dataScope: number;
  readonly dataScopeUnsupported: boolean;
  readonly unsupportedDataScope: number;
  readonly tenantId: number;
  readonly actingUserId: number;
  readonly actingAsTenant: boolean;
  readonly isImpersonation: boolean;
}

/** Absent nested messages are left out of the bytes; absent members of a present one are zero. */
export interface RequestEnvelope {
  readonly pluginId: string;
  readonly route?: Partial<RouteMatch>;
  readonly request?: Partial<HttpRequestSnapshot>;
  readonly identity?: Partial<Identity>;
  readonly requestId: string;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface ResponseEnvelope {
  readonly statusCode: number;
  readonly contentType: string;
  /** Keys as the guest sent them; a null-prototype object. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
  readonly failure?: Failure;
}
