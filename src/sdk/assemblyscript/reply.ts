import { Json } from './json/json';
import { parseJson } from './json/parse';

/** Why a host call failed. */
export class HostError {
  /** 1 not granted, 2 not found, 3 invalid request or business error, 4 internal error. */
  readonly status: u32;
  /** JSON text of the error as the host sent it. */
  readonly payload: string;
  private readonly json: Json;

  constructor(status: u32, payload: string) {
    this.status = status;
    this.payload = payload;
    const json = parseJson(payload);
    this.json = json ? json : Json.missing;
  }

  /** An error that arose in the guest, in the shape of the host's. */
  static local(status: u32, message: string): HostError {
    return new HostError(status, Json.object().set('errorCode', 'GUEST_ERROR').set('fallback', message).toString());
  }

  /** A code for programs, such as `HOST_CALL_CAPABILITY_DENIED`. */
  get code(): string {
    return this.json.get('errorCode').asText();
  }

  /** Key of a translation. */
  get messageKey(): string {
    return this.json.get('messageKey').asText();
  }

  /** Values for the translation. */
  get messageParams(): Json {
    return this.json.get('messageParams');
  }

  /** A sentence in English. */
  get message(): string {
    return this.json.get('fallback').asText(this.payload);
  }

  toString(): string {
    return `host call error (status=${this.status}): ${this.payload}`;
  }
}

/**
 * What a host call gave: a value or an error.
 *
 *     const stored = runtime.state.get('greeting');
 *     if (stored.error) return internalError(stored.error!.message);
 *     use(stored.value);
 *
 * Reading `value` of a failed call logs the error and ends the request with a trap, so a handler that cannot go on without
 * the value need not ask first.
 */
export class Reply<T> {
  readonly error: HostError | null;
  private readonly held: T;

  private constructor(value: T, error: HostError | null) {
    this.held = value;
    this.error = error;
  }

  static of<T>(value: T): Reply<T> {
    return new Reply<T>(value, null);
  }

  static failed<T>(error: HostError): Reply<T> {
    return new Reply<T>(nothing<T>(), error);
  }

  get ok(): bool {
    return this.error == null;
  }

  get value(): T {
    const error = this.error;
    if (error) throw new Error(error.toString());
    return this.held;
  }

  /** The value, or `fallback` when the call failed. */
  or(fallback: T): T {
    return this.error == null ? this.held : fallback;
  }
}

/** Fills the place of the value of a failed call, which `Reply.value` never gives away. */
function nothing<T>(): T {
  return isReference<T>() ? changetype<T>(<usize>0) : <T>0;
}
