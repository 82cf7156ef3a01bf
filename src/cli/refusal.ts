/** A failure that a running host reported, under the code that the host gave: maybe one that this version does not know. */
export class HostRefusal extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** The host that refused. */
  readonly url: string | undefined;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}, url?: string) {
    super(message);
    this.name = 'HostRefusal';
    this.code = code;
    this.details = details;
    this.url = url;
  }
}
