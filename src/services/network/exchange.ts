/** What the `network` service and its client say to each other. Without packages: sandbox threads load it too. */
import type { UrlAccess } from '../../grants/network-urls.js';

export interface OutgoingRequest {
  /** A token in upper case. */
  readonly method: string;
  readonly url: URL;
  /** By lower-case name; values in the bytes that go out, one character each. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface IncomingResponse {
  readonly statusCode: number;
  /** The first value of each, by `Mime-Case` name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** On whose behalf a request goes out. */
export interface NetworkCaller {
  readonly pluginId: string;
  /** Takes the listener that is called when nobody waits any more: the caller has gone, or the deadline has passed. */
  readonly onAbandoned?: ((listener: () => void) => void) | undefined;
  /** What the grant says about a URL; asked for each hop. */
  readonly accessOf: (url: string) => UrlAccess;
}

/** Sends a request and reads its whole response, redirects followed. @throws NetworkFailure */
export type SendRequest = (request: OutgoingRequest, caller: NetworkCaller) => Promise<IncomingResponse>;

export interface Network {
  readonly send: SendRequest;
}

/** Why there is no response: 1 not authorised, 3 an invalid request or a limit, 4 the network. */
export class NetworkFailure extends Error {
  readonly status: 1 | 3 | 4;

  constructor(status: 1 | 3 | 4, message: string) {
    super(message);
    this.name = 'NetworkFailure';
    this.status = status;
  }
}
