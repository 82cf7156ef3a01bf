import t, { type Test } from 'tap';
import { decodePayload, encodePayload } from '../../../src/protocol/payloads.js';
import { type LockStore, openLockStore } from '../../../src/store/locks.js';
import { createTestHost, granted, hex } from '../host.js';

const START = Date.parse('2025-11-18T13:20:00Z');

interface Parts {
  readonly store?: LockStore;
  readonly tenantId?: number;
  readonly pluginId?: string;
  readonly refs?: readonly string[];
}

function stage(t: Test, { refs = ['sync', 'other'], tenantId = 0, pluginId = 'demo', ...parts }: Parts = {}) {
  const clock = { now: START };
  const store = parts.store ?? openLockStore(':memory:', () => clock.now);
  if (parts.store === undefined) t.teardown(() => store.close());
  const host = createTestHost(t, {
    grants: [granted('lock', { resources: refs.map((ref) => ({ ref })) as never })],
    environment: { locks: () => store },
    context: { tenantId, pluginId },
  });
  const ask = (method: string, payload: Uint8Array | string, resourceRef = 'sync') =>
    host.ask('lock', method, { resourceRef, payload: typeof payload === 'string' ? hex(payload) : payload });
  const acquire = async (resourceRef = 'sync') => {
    const { payload } = await ask('acquire', '088827', resourceRef);
    return decodePayload('HostServiceLockAcquireResponse', hex(payload));
  };
  const show = (method: 'renew' | 'release', ticket: string, resourceRef = 'sync') =>
    ask(method, encodePayload('HostServiceLockRenewRequest', { ticket }), resourceRef);
  return { clock, store, ask, acquire, show };
}

t.test('29.6 #79 #80 F036 a lock is acquired once, and again after it was released', async (t) => {
  const { ask, acquire, show } = stage(t);
  const held = await acquire();
  t.match(held, { acquired: true, expireAt: '2025-11-18T13:20:05Z', ticket: /^[\w-]{100,}$/ });
  const contended = await ask('acquire', '088827');
  t.equal(contended.status, 0);
  t.equal(contended.response, '', 'contention is success without payload');
  t.equal((await show('release', held.ticket)).response, '');
  t.match(await acquire(), { acquired: true });
});

t.test('29.6 #81 F036 a ticket renews its own lock only', async (t) => {
  const { acquire, show, clock } = stage(t);
  const { ticket } = await acquire();
  const other = await acquire('other');
  clock.now += 4000;
  t.equal((await show('renew', ticket)).payload, `0a14${Buffer.from('2025-11-18T13:20:09Z').toString('hex')}`);
  const refused = await show('renew', other.ticket);
  t.match(refused, { status: 3, error: { errorCode: 'HOST_LOCK_TICKET_RESOURCE_MISMATCH' } });
});

t.test('29.6 #82 a ticket of another tenant or plugin is refused, and the lock stays held', async (t) => {
  const { store, acquire, show } = stage(t);
  const { ticket } = await acquire();
  const tenant = stage(t, { store, tenantId: 7 });
  t.match(await tenant.show('release', ticket), {
    status: 3,
    error: { errorCode: 'HOST_LOCK_TICKET_TENANT_MISMATCH' },
  });
  const plugin = stage(t, { store, pluginId: 'other' });
  t.match(await plugin.show('renew', ticket), { status: 3, error: { errorCode: 'HOST_LOCK_TICKET_PLUGIN_MISMATCH' } });
  t.match(await acquire(), { acquired: false });
  t.match(await plugin.acquire(), { acquired: true }, 'names of others are other locks');
  t.equal((await show('renew', ticket)).status, 0);
});

const LEASES: readonly (readonly [lease: string, code: string, params: object])[] = [
  ['08f403', 'PLUGIN_LOCK_LEASE_TOO_SHORT', { minLease: 1_000_000_000 }],
  ['08ffffffffffffffffff01', 'PLUGIN_LOCK_LEASE_TOO_SHORT', { minLease: 1_000_000_000 }],
  ['08c8af12', 'PLUGIN_LOCK_LEASE_TOO_LONG', { maxLease: 300_000_000_000 }],
  ['08ffffffffffffffff7f', 'PLUGIN_LOCK_LEASE_TOO_LONG', { maxLease: 300_000_000_000 }],
];
for (const [payload, errorCode, messageParams] of LEASES) {
  t.test(`29.6 #83 a lease of ${payload} is refused with ${errorCode}`, async (t) => {
    t.match(await stage(t).ask('acquire', payload), { status: 3, error: { errorCode, messageParams } });
  });
}

t.test('a lock without a lease is held for 30 seconds', async (t) => {
  const { ask } = stage(t);
  const { payload } = await ask('acquire', '');
  t.match(decodePayload('HostServiceLockAcquireResponse', hex(payload)), { expireAt: '2025-11-18T13:20:30Z' });
});

t.test('29.6 #84 an undeclared lock is denied', async (t) => {
  t.match(await stage(t).ask('acquire', '088827', 'undeclared'), { status: 1 });
  t.match(await stage(t).ask('acquire', '088827', ''), { status: 1 });
});

t.test('names have a limit, alone and with their plugin and tenant', async (t) => {
  const [long, longer] = ['n'.repeat(45), 'n'.repeat(65)];
  const { ask } = stage(t, { refs: [long, longer] });
  t.match((await ask('acquire', '', longer)).error, { errorCode: 'PLUGIN_LOCK_NAME_TOO_LONG' });
  t.match((await ask('acquire', '', long)).error, {
    errorCode: 'HOST_LOCK_NAME_TOO_LONG',
    messageParams: { maxBytes: 64 },
  });
});

t.test('who has lost the lease cannot renew it, and a late release takes nothing from the next holder', async (t) => {
  const { acquire, show, clock } = stage(t);
  const { ticket } = await acquire();
  clock.now += 5000;
  t.match(await show('renew', ticket), { status: 3, error: { fallback: 'lock not held by current node' } });
  t.match(await acquire(), { acquired: true });
  t.equal((await show('release', ticket)).response, '');
  t.match(await acquire(), { acquired: false });
});
