/** What the services of this thread may know of the invocation that asks. */
import type { Identity, RequestEnvelope } from '../protocol/envelope.js';
import { decodeRequestEnvelope } from '../protocol/envelope-guest.js';
import { completeIdentity } from '../protocol/identity.js';
import { EXECUTION_SOURCES, type ExecutionSource, type PostedRelease } from '../protocol/messages.js';
import type { TakenRequest } from '../protocol/slot.js';
import type { HostCallContext, ReleaseContext } from '../services/service.js';

/**
 * The context of one invocation, for all of its host calls. The envelope is decoded only when a service asks for what only it
 * tells. A class for its accessors: an object literal with three of them takes a microsecond to make.
 */
export class InvocationContext implements HostCallContext {
  readonly pluginId: string;
  readonly executionSource: ExecutionSource;
  readonly tenantId: number;
  readonly deadlineAt: number;
  readonly manifestResources: ReadonlyMap<string, Uint8Array>;
  readonly release: ReleaseContext;
  readonly #bytes: Uint8Array;
  #envelope: RequestEnvelope | undefined;
  #identity: Identity | undefined;

  constructor(release: PostedRelease, request: TakenRequest, deadlineAt: number) {
    this.pluginId = release.pluginId;
    this.executionSource = EXECUTION_SOURCES[request.source] as ExecutionSource;
    this.tenantId = request.tenantId;
    this.deadlineAt = deadlineAt;
    this.manifestResources = release.manifestResources;
    this.release = release;
    this.#bytes = request.bytes;
  }

  get routePath(): string {
    return this.#opened().route?.routePath ?? '';
  }

  get requestId(): string {
    return this.#opened().requestId;
  }

  get identity(): Identity | undefined {
    this.#identity ??= completeIdentity(this.#opened().identity);
    return this.#identity;
  }

  #opened(): RequestEnvelope {
    this.#envelope ??= decodeRequestEnvelope(this.#bytes);
    return this.#envelope;
  }
}
