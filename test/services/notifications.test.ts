import t, { type Test } from 'tap';
import { completeIdentity } from '../../src/protocol/identity.js';
import { decodePayload, encodePayload, type PayloadInput } from '../../src/protocol/payloads.js';
import type { HostCallContext } from '../../src/services/service.js';
import { type NotificationStore, openNotifications } from '../../src/store/notifications.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { createTestHost, granted, hex, json } from './host.js';

const CHANNELS = [
  { key: 'inbox', type: 'inbox', enabled: true },
  { key: 'mail', type: 'email', enabled: true },
  { key: 'off', type: 'inbox', enabled: false },
];
const REFS = ['inbox', 'mail', 'off', 'gone'].map((ref) => ({ ref }));

interface Parts {
  readonly store?: NotificationStore;
  readonly userId?: number;
  readonly context?: Partial<HostCallContext>;
}

function stage(t: Test, { userId = 42, context, ...parts }: Parts = {}) {
  const database = openDatabase(':memory:');
  t.teardown(() => database.close());
  const store = parts.store ?? openNotifications(database, () => 1000);
  const host = createTestHost(t, {
    grants: [granted('notifications', { resources: REFS as never })],
    environment: { notifications: { ...store, channels: CHANNELS } },
    context: { ...(userId > 0 && { identity: completeIdentity({ userId, tenantId: 0 }) }), ...context },
  });
  const ask = (method: string, members: unknown) =>
    host.ask('notifications', `messages.${method}`, { payload: json(members) });
  const sendBytes = (payload: Uint8Array | string, resourceRef = 'inbox') =>
    host.ask('notifications', 'messages.send', {
      resourceRef,
      payload: typeof payload === 'string' ? hex(payload) : payload,
    });
  const send = async (fields: PayloadInput<'HostServiceNotificationsSendRequest'> = {}) => {
    const payload = encodePayload('HostServiceNotificationsSendRequest', { title: 'T', ...fields });
    const asked = await sendBytes(payload);
    const { messageId, deliveryCount } = decodePayload(
      'HostServiceNotificationsSendResponse',
      hex(asked.status === 0 ? asked.payload : ''),
    );
    return { asked, id: String(messageId), deliveryCount };
  };
  const total = async () => ((await ask('list', {})).json() as { Total: number }).Total;
  return { host, ask, send, sendBytes, store, total };
}

t.test('29.8 #103 F040 a message without recipients goes to the current user', async (t) => {
  const { sendBytes, ask } = stage(t);
  const asked = await sendBytes(
    '0a055469746c651204426f64791a06706c7567696e22057372632d312a056f746865723a097b226b223a2276227d',
  );
  t.equal(asked.payload, '08011001');
  t.same((await ask('batch_get', { ids: ['1', '2'] })).json(), {
    Items: {
      1: {
        id: '1',
        tenantId: 0,
        pluginId: 'demo',
        sourceType: 'plugin',
        sourceId: 'src-1',
        categoryCode: 'other',
        title: 'Title',
        createdAt: 1000,
      },
    },
    MissingIDs: ['2'],
  });
});

t.test('29.8 #104 recipients come as varints, each counts once', async (t) => {
  const { sendBytes, send } = stage(t);
  t.equal((await sendBytes('0a0154120143300730ac02')).payload, '08011002');
  t.equal((await send({ recipientUserIds: [7, 7, 8] })).deliveryCount, 2);
});

t.test('29.8 #105 a payload that is no JSON object is refused', async (t) => {
  const { sendBytes, send, total } = stage(t);
  const refused = await sendBytes('0a01541201433a017b');
  t.match(refused, { status: 3, error: { fallback: 'notifications payloadJson must be valid JSON' } });
  for (const text of ['[1]', 'null', '1', '""', 'x'])
    t.equal((await send({ payloadJson: Buffer.from(text) })).asked.status, 3, text);
  t.equal(await total(), 0);
});

t.test('29.8 #106 F040 an undeclared channel is denied', async (t) => {
  const { sendBytes } = stage(t);
  t.match(await sendBytes('0a0154', 'sms'), { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } });
  t.match(await sendBytes('0a0154', ''), { status: 1 });
});

t.test('29.8 #115 a message is deleted', async (t) => {
  const { ask, send, total } = stage(t);
  const { id } = await send();
  t.equal((await ask('delete', { ids: [id] })).payload, '0a027b7d');
  t.equal(await total(), 0);
});

const CHANNEL_REFUSALS: readonly (readonly [channel: string, code: string, params?: object])[] = [
  ['gone', 'NOTIFY_CHANNEL_UNAVAILABLE'],
  ['off', 'NOTIFY_CHANNEL_UNAVAILABLE'],
  ['mail', 'NOTIFY_CHANNEL_TYPE_UNSUPPORTED', { channelType: 'email' }],
];
for (const [channel, errorCode, messageParams] of CHANNEL_REFUSALS) {
  t.test(`a message through the channel ${channel} is refused with ${errorCode}`, async (t) => {
    const { sendBytes, total } = stage(t);
    const expected = { errorCode, ...(messageParams && { messageParams }) };
    t.match(await sendBytes('0a0154', channel), { status: 3, error: expected });
    t.equal(await total(), 0);
  });
}

const LIMITS: readonly (readonly [
  what: string,
  fields: PayloadInput<'HostServiceNotificationsSendRequest'>,
  limit: number,
])[] = [
  ['a title', { title: 't'.repeat(256) }, 255],
  ['content', { content: 'c'.repeat(65_537) }, 65_536],
  ['a payload', { payloadJson: Buffer.from(JSON.stringify({ k: 'v'.repeat(65_536) })) }, 65_536],
  ['a source type', { sourceType: 's'.repeat(129) }, 128],
  ['a source id', { sourceId: 's'.repeat(129) }, 128],
  ['a category', { categoryCode: 's'.repeat(129) }, 128],
  ['recipients', { recipientUserIds: Array.from({ length: 1001 }, (_, at) => at + 1) }, 1000],
];
for (const [what, fields, limit] of LIMITS) {
  t.test(`too much of ${what} is refused`, async (t) => {
    const { send, total } = stage(t);
    const { asked } = await send(fields);
    t.match(asked, { status: 3, error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit } } });
    t.equal(await total(), 0);
  });
}

t.test('a message needs a title and somebody who could get it', async (t) => {
  const { send } = stage(t);
  t.match((await send({ title: ' ' })).asked.error, { errorCode: 'NOTIFY_TITLE_REQUIRED' });
  const nobody = await stage(t).sendBytes('0a015430ffffffffffffffff7f');
  t.match(nobody.error, { errorCode: 'NOTIFY_INBOX_RECIPIENT_REQUIRED' });
});

t.test('without a user nothing is sent and no inbox is read', async (t) => {
  const { host, ask, sendBytes } = stage(t, { userId: 0, context: { executionSource: 'jobs' } });
  const required = { status: 3, error: { errorCode: 'CAPABILITY_CURRENT_USER_REQUIRED' } };
  t.match(await sendBytes('0a0154'), required);
  const methods = ['batch_get', 'list', 'by_source.batch_get', 'visible.ensure', 'delete', 'mark_read', 'mark_unread'];
  for (const method of methods) t.match(await ask(method, { ids: ['1'] }), required, method);
  t.equal((await ask('by_source.delete', { sourceType: 'plugin', sourceIds: ['x'] })).payload, '0a027b7d');
  t.equal(host.logs.length, 0);
});

t.test('blank kinds have names', async (t) => {
  const { send, ask } = stage(t);
  await send();
  t.match((await ask('list', {})).json(), { Items: [{ sourceType: 'system', categoryCode: 'other', sourceId: '' }] });
});

t.test('a list is paged as Go callers ask for it', async (t) => {
  const { send, ask } = stage(t);
  for (let i = 0; i < 25; i++) await send({ sourceType: 'plugin', sourceId: i < 3 ? 'few' : 'many' });
  const list = async (members: unknown) =>
    (await ask('list', members)).json() as { Items: { id: string }[]; Total: number };
  t.match(await list({}), { Total: 25, Items: { length: 20 } });
  t.match(await list({ page: { PageNum: 3, PageSize: 10 } }), {
    Total: 25,
    Items: [{ id: '5' }, { id: '4' }, { id: '3' }, { id: '2' }, { id: '1' }],
  });
  t.match(await list({ page: { limit: 2 } }), { Items: { length: 2 } });
  t.match(await list({ page: { PageSize: 100_000, PageNum: -1 } }), { Items: { length: 25 } });
  t.match(await list({ page: { PageNum: 9_007_199_254_740_991 } }), { Items: { length: 0 } });
  t.match(await list({ sourceId: ' few ' }), { Total: 3 });
});

t.test('messages are found by their source', async (t) => {
  const { send, ask } = stage(t);
  await send({ sourceType: 'plugin', sourceId: 'a' });
  await send({ sourceType: 'plugin', sourceId: '__proto__' });
  const asked = await ask('by_source.batch_get', { sourceType: 'plugin', sourceIds: ['a', ' a', 'b', '__proto__'] });
  const found = asked.json() as { items: object; missingIds: string[] };
  t.same(Object.keys(found.items).sort(), ['__proto__', 'a']);
  t.same(found.missingIds, ['b']);
});

t.test('batches have limits', async (t) => {
  const { ask } = stage(t);
  const ids = Array.from({ length: 101 }, (_, at) => String(at + 1));
  const limited = { status: 3, error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 100 } } };
  t.match(await ask('batch_get', { ids }), limited);
  t.match(await ask('visible.ensure', { ids }), limited);
  t.match(await ask('by_source.batch_get', { sourceType: 'plugin', sourceIds: ids }), limited);
});

t.test('what is not in the own inbox is neither seen, nor marked, nor deleted', async (t) => {
  const ada = stage(t);
  const { id } = await ada.send();
  const bob = stage(t, { store: ada.store, userId: 7 });
  const denied = { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } };
  for (const method of ['visible.ensure', 'delete', 'mark_read', 'mark_unread']) {
    t.match(await bob.ask(method, { ids: [id] }), denied, method);
    t.match(await ada.ask(method, { ids: [id, '999'] }), denied, `${method} of what does not exist`);
    t.match(await ada.ask(method, { ids: ['x'] }), denied, `${method} of no number`);
  }
  for (const method of ['delete', 'mark_read', 'mark_unread'])
    t.match(await ada.ask(method, { ids: [' '] }), denied, method);
  t.match((await bob.ask('batch_get', { ids: [id] })).json(), { Items: {}, MissingIDs: [id] });
  t.equal((await ada.ask('visible.ensure', { ids: [id, id] })).payload, '0a027b7d');
  t.equal((await ada.ask('visible.ensure', {})).payload, '0a027b7d');
});

t.test('no plugin takes back what another has sent', async (t) => {
  const mine = stage(t);
  await mine.send({ sourceType: 'plugin', sourceId: 's' });
  const other = stage(t, { store: mine.store, context: { pluginId: 'other' } });
  await other.ask('by_source.delete', { sourceType: 'plugin', sourceIds: ['s'] });
  t.equal(await mine.total(), 1);
  await mine.ask('by_source.delete', { sourceType: 'plugin', sourceIds: ['s'] });
  t.equal(await mine.total(), 0);
});

t.test('only a message has a channel', async (t) => {
  const { host } = stage(t);
  const asked = await host.ask('notifications', 'messages.list', { resourceRef: 'inbox', payload: json({}) });
  t.match(asked, { status: 1 });
});
