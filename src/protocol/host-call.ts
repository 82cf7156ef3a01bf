/** Host-call request and response (`spec/bridge.md` §2.4, `spec/host-services.md` §1.3–§1.5). */

export interface HostCallRequest {
  readonly service: string;
  readonly method: string;
  readonly resourceRef: string;
  readonly table: string;
  readonly payload: Uint8Array;
  readonly owner: string;
  readonly version: string;
}

export interface HostCallResponse {
  /** 0 success, 1 capability denied, 2 not found, 3 invalid request, 4 internal error. */
  readonly status: number;
  /** Reply of the method; for a status other than 0 the JSON error payload. */
  readonly payload: Uint8Array;
}
