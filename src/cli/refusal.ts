/** A failure that a running host reported, under the code that the host gave: maybe one that this version does not know. */
export class HostRefusal extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'HostRefusal';
    this.code = code;
    this.details = details;
  }
}
