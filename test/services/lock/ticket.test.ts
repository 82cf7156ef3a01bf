import t from 'tap';
import { openTicket, sealTicket } from '../../../src/services/lock/ticket.js';

const KEY = Buffer.alloc(32, 7);
const BINDING = { pluginId: 'acme-demo', tenantId: 0, resourceRef: 'sync' };
const TICKET = { ...BINDING, lockId: 7, leaseMillis: 5000 };
const NAME = 'plugin:acme-demo:tenant=0:sync';

const sealed = sealTicket(TICKET, NAME, KEY);
const members = JSON.parse(Buffer.from(sealed, 'base64url').toString()) as Record<string, unknown>;
const text = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url');

t.test('a ticket is opened by whom it was made for', async (t) => {
  t.same(openTicket(sealed, BINDING, KEY), TICKET);
  t.same(openTicket(` ${sealed}\n`, BINDING, KEY), TICKET);
  const tenant = { ...TICKET, tenantId: 9 };
  t.same(openTicket(sealTicket(tenant, NAME, KEY), { ...BINDING, tenantId: 9 }, KEY), tenant);
});

t.test('a ticket has the members of the reference', async (t) => {
  t.same(Object.keys(members), ['lockId', 'lockName', 'pluginId', 'resourceRef', 'holder', 'leaseMillis']);
});

/** Each in the order in which the reference looks. */
const REFUSED: readonly (readonly [title: string, ticket: string, code: string])[] = [
  ['nothing', '', 'PLUGIN_LOCK_TICKET_REQUIRED'],
  ['white space', ' \t', 'PLUGIN_LOCK_TICKET_REQUIRED'],
  ['padding', `${sealed}=`, 'HOST_LOCK_TICKET_PARSE_FAILED'],
  ['standard base64', 'ab+/', 'HOST_LOCK_TICKET_PARSE_FAILED'],
  ['a length that no base64 has', 'abcde', 'HOST_LOCK_TICKET_PARSE_FAILED'],
  ['SQL', "' OR 1=1 --", 'HOST_LOCK_TICKET_PARSE_FAILED'],
  ['a megabyte', 'A'.repeat(1 << 20), 'HOST_LOCK_TICKET_PARSE_FAILED'],
  ['no JSON', Buffer.from('{"lockId":').toString('base64url'), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['a list', text([1]), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['null', text(null), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['a number as text', text({ ...members, lockId: '7' }), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['a broken number', text({ ...members, leaseMillis: 0.5 }), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['an object as holder', text({ ...members, holder: {} }), 'HOST_LOCK_TICKET_UNMARSHAL_FAILED'],
  ['no members', text({}), 'HOST_LOCK_TICKET_INVALID'],
  ['no holder', text({ ...members, holder: '' }), 'HOST_LOCK_TICKET_INVALID'],
  ['lock 0', text({ ...members, lockId: 0 }), 'HOST_LOCK_TICKET_INVALID'],
  ['no lease', text({ ...members, leaseMillis: -1 }), 'HOST_LOCK_TICKET_INVALID'],
  ['another plugin', text({ ...members, pluginId: 'other' }), 'HOST_LOCK_TICKET_PLUGIN_MISMATCH'],
  ['another tenant', text({ ...members, tenantId: 1 }), 'HOST_LOCK_TICKET_TENANT_MISMATCH'],
  ['another lock', text({ ...members, resourceRef: 'other' }), 'HOST_LOCK_TICKET_RESOURCE_MISMATCH'],
  ['a later lock', text({ ...members, lockId: 8 }), 'HOST_LOCK_TICKET_INVALID'],
  ['a longer lease', text({ ...members, leaseMillis: 300_000_000 }), 'HOST_LOCK_TICKET_INVALID'],
  ['another holder', text({ ...members, holder: 'A'.repeat(43) }), 'HOST_LOCK_TICKET_INVALID'],
  [
    'the ticket of the reference',
    'eyJsb2NrSWQiOjcsImxvY2tOYW1lIjoicGx1Z2luOmFjbWUtZGVtbzp0ZW5hbnQ9MDpzeW5jIiwicGx1Z2luSWQiOiJhY21lLWRlbW8iLCJyZXNvdXJjZVJlZiI6InN5bmMiLCJob2xkZXIiOiJwbDpoIiwibGVhc2VNaWxsaXMiOjUwMDB9',
    'HOST_LOCK_TICKET_INVALID',
  ],
  ['a ticket of another host', sealTicket(TICKET, NAME, Buffer.alloc(32, 8)), 'HOST_LOCK_TICKET_INVALID'],
];
for (const [title, ticket, errorCode] of REFUSED) {
  t.test(`as a ticket, ${title} is refused with ${errorCode}`, async (t) => {
    t.match(openTicket(ticket, BINDING, KEY), { status: 3, error: { errorCode } });
  });
}

t.test('no change of one character makes another ticket', async (t) => {
  const opened = [...sealed].flatMap((character, at) => {
    const other = character === 'A' ? 'B' : 'A';
    const result = openTicket(sealed.slice(0, at) + other + sealed.slice(at + 1), BINDING, KEY);
    return 'status' in result ? [] : [{ at, result }];
  });
  // The name of the lock in a ticket is for people.
  for (const { result } of opened) t.same(result, TICKET);
});
