import { invoke } from '../invoke';
import { Reply } from '../reply';
import { broken, done, textPayload, textReply } from './decode';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/**
 * Locks that one holder has at a time, per tenant; `ref` is one that plugin.yaml declares: `resources: [{ ref: sync }]`.
 */
const SERVICE = 'lock';

/** A lock that is held, until `expireAt` unless it is renewed. */
export class Lease {
  constructor(
    readonly ref: string,
    /** What proves that it is held; may be kept and given to `renew` and `release` by another request. */
    readonly ticket: string,
    /** Such as `2026-04-15T12:10:00Z`. */
    public expireAt: string,
  ) {}

  /** Holds the lock for another lease from now. */
  renew(): Reply<string> {
    const reply = renew(this.ref, this.ticket);
    if (reply.ok) this.expireAt = reply.value;
    return reply;
  }

  release(): Reply<bool> {
    return release(this.ref, this.ticket);
  }
}

/** Takes a lock; null when somebody else holds it. A lease lasts 1 s to 5 min; 0 means 30 s. */
export function acquire(ref: string, leaseMs: i64 = 0): Reply<Lease | null> {
  const payload = new Writer();
  payload.int(1, leaseMs);
  const reply = invoke(SERVICE, 'acquire', ref, '', payload.toBytes());
  const error = reply.error;
  if (error) return Reply.failed<Lease | null>(error);
  const reader = new Reader(reply.value, 'lock acquire response');
  let acquired = false;
  let ticket = '';
  let expireAt = '';
  while (reader.next()) {
    if (reader.field == 1) acquired = reader.bool('acquired');
    else if (reader.field == 2) ticket = reader.text('ticket');
    else if (reader.field == 3) expireAt = reader.text('expireAt');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<Lease | null>(reader);
  return Reply.of<Lease | null>(acquired ? new Lease(ref, ticket, expireAt) : null);
}

/** Holds a lock for another lease from now; the reply is when it ends. */
export function renew(ref: string, ticket: string): Reply<string> {
  return textReply(invoke(SERVICE, 'renew', ref, '', textPayload(ticket)));
}

/** Lets a lock go. */
export function release(ref: string, ticket: string): Reply<bool> {
  return done(invoke(SERVICE, 'release', ref, '', textPayload(ticket)));
}
