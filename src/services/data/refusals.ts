/** How calls of `data` fail: what is thrown anywhere below becomes a reply in one place. */
import { reasonOf, type SandpoolError } from '../../protocol/errors.js';
import { wireInvalid } from '../../protocol/wire.js';
import { limitExceeded } from '../failures.js';
import { failure, type ServiceReply } from '../service.js';

/** The data was not touched, and this is the answer. */
export class Refused extends Error {
  readonly reply: ServiceReply;

  constructor(reply: ServiceReply) {
    super('refused');
    this.reply = reply;
  }
}

/** Status 3 with this text. */
export function invalidCall(reason: string): SandpoolError {
  return wireInvalid(reason);
}

export function tooMuch(limit: number): Refused {
  return new Refused(limitExceeded(limit));
}

/** What the guest's own call has brought about: a constraint, a value of another type, a table that is full. */
const OF_THE_CALL = /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE|ERROR|FULL|AUTH)/;

/** The reply for what was thrown. @throws what is the host's fault, which becomes status 4 */
export function replyOfThrown(thrown: unknown): ServiceReply {
  if (thrown instanceof Refused) return thrown.reply;
  if (thrown instanceof RangeError) return failure(3, 'the request is nested too deeply or too large');
  if (OF_THE_CALL.test(codeOf(thrown))) return failure(3, reasonOf(thrown));
  throw thrown;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
