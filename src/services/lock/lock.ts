/** Locks with leases, one holder at a time (`spec/host-services.md` §8). */
import { goTime } from '../../protocol/go-time.js';
import type { HostCallRequest } from '../../protocol/host-call.js';
import { decodePayload, encodePayload } from '../../protocol/payloads.js';
import { trimGo } from '../../protocol/text.js';
import type { LockScope, LockStore } from '../../store/locks.js';
import { STATE_FILE } from '../../store/writer-turns.js';
import { businessFailure } from '../failures.js';
import { defineService, EMPTY_REPLY, failure, type HostCallContext, reply, type ServiceReply } from '../service.js';
import { openTicket, sealTicket, type Ticket } from './ticket.js';

const MAX_NAME_BYTES = 64;
const DEFAULT_LEASE_MS = 30_000;
const MIN_LEASE_MS = 1000;
const MAX_LEASE_MS = 300_000;
const NS_PER_MS = 1_000_000;

/** Answered in the worker, from the file that all threads and processes share: who gets a lock is decided in SQLite. */
export const lock = defineService({
  name: 'lock',
  placement: 'worker',
  reads: true,
  methods: ({ locks, databases }) => {
    const on =
      (method: Method) =>
      (call: HostCallRequest, { pluginId, tenantId, deadlineAt }: HostCallContext): ServiceReply => {
        const scope = { pluginId, tenantId, name: trimGo(call.resourceRef), deadlineAt };
        return refuseName(scope) ?? databases().inTurn(STATE_FILE, () => method(call.payload, scope, locks()));
      };
    return { acquire: on(acquire), renew: on(renew), release: on(release) };
  },
});

type Method = (payload: Uint8Array, scope: LockScope, store: LockStore) => ServiceReply;

/** A lock that somebody holds is success without payload. */
const acquire: Method = (payload, scope, store) => {
  const { leaseMillis } = decodePayload('HostServiceLockAcquireRequest', payload);
  const refusal = refuseLease(leaseMillis);
  if (refusal) return refusal;
  const leaseMs = Number(leaseMillis) || DEFAULT_LEASE_MS;
  const held = store.acquire(scope, leaseMs);
  if (held === undefined) return EMPTY_REPLY;
  const { pluginId, tenantId, name: resourceRef } = scope;
  const binding = { lockId: held.fence, pluginId, tenantId, resourceRef, leaseMillis: leaseMs };
  const ticket = sealTicket(binding, internalName(scope), store.ticketKey());
  return reply(
    encodePayload('HostServiceLockAcquireResponse', { acquired: true, ticket, expireAt: goTime(held.expireAt) }),
  );
};

const renew: Method = (payload, scope, store) =>
  withTicket(decodePayload('HostServiceLockRenewRequest', payload).ticket, scope, store, (ticket) => {
    const expireAt = store.renew(scope, ticket.lockId, ticket.leaseMillis);
    if (expireAt === undefined) return failure(3, 'lock not held by current node');
    return reply(encodePayload('HostServiceLockRenewResponse', { expireAt: goTime(expireAt) }));
  });

/** A lease that has run out is released already. */
const release: Method = (payload, scope, store) =>
  withTicket(decodePayload('HostServiceLockReleaseRequest', payload).ticket, scope, store, ({ lockId }) => {
    store.release(scope, lockId);
    return EMPTY_REPLY;
  });

function withTicket(
  text: string,
  scope: LockScope,
  store: LockStore,
  use: (ticket: Ticket) => ServiceReply,
): ServiceReply {
  const { pluginId, tenantId, name: resourceRef } = scope;
  const opened = openTicket(text, { pluginId, tenantId, resourceRef }, store.ticketKey());
  return 'status' in opened ? opened : use(opened);
}

/** The reference's name of the lock among all, which has a limit too. */
function internalName({ pluginId, tenantId, name }: LockScope): string {
  return `plugin:${pluginId}:tenant=${tenantId}:${name}`;
}

function refuseName(scope: LockScope): ServiceReply | undefined {
  const maxBytes = MAX_NAME_BYTES;
  if (Buffer.byteLength(scope.name) > maxBytes)
    return businessFailure('PLUGIN_LOCK_NAME_TOO_LONG', 'Lock name exceeds {maxBytes} bytes', { maxBytes });
  if (Buffer.byteLength(internalName(scope)) > maxBytes)
    return businessFailure('HOST_LOCK_NAME_TOO_LONG', 'Host lock name exceeds {maxBytes} bytes', { maxBytes });
  return undefined;
}

/** Params are Go durations. */
function refuseLease(ms: number | bigint): ServiceReply | undefined {
  if (ms !== 0 && ms < MIN_LEASE_MS) {
    const minLease = MIN_LEASE_MS * NS_PER_MS;
    return businessFailure('PLUGIN_LOCK_LEASE_TOO_SHORT', 'Lock lease must be at least {minLease}', { minLease });
  }
  const maxLease = MAX_LEASE_MS * NS_PER_MS;
  return ms > MAX_LEASE_MS
    ? businessFailure('PLUGIN_LOCK_LEASE_TOO_LONG', 'Lock lease must be at most {maxLease}', { maxLease })
    : undefined;
}
