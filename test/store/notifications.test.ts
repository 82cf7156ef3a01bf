import t, { type Test } from 'tap';
import { type MessageDraft, openNotifications } from '../../src/store/notifications.js';
import { openDatabase } from '../../src/store/sqlite.js';

const DRAFT: MessageDraft = {
  pluginId: 'demo',
  tenantId: 0,
  senderUserId: 42,
  channelKey: 'inbox',
  sourceType: 'plugin',
  sourceId: 'src-1',
  categoryCode: 'other',
  title: 'Title',
  content: 'Body',
  payloadJson: '{}',
  recipientUserIds: [42],
};
const ANY = { sourceType: '', sourceId: '', categoryCode: '' };
const PAGE = { offset: 0, limit: 20 };
const ADA = { userId: 42, tenantId: 0 };
const BOB = { userId: 7, tenantId: 0 };

function stage(t: Test) {
  const database = openDatabase(':memory:');
  t.teardown(() => database.close());
  const clock = { now: 1000 };
  const store = openNotifications(database, () => clock.now);
  const send = (more: Partial<MessageDraft> = {}) => store.send({ ...DRAFT, ...more });
  const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  const reads = () => database.prepare('SELECT user_id, is_read, read_at FROM sys_notify_delivery').raw().all();
  return { store, send, count, reads, clock };
}

t.test('a message is in the inbox of its recipients and of nobody else', async (t) => {
  const { store, send } = stage(t);
  const id = send({ recipientUserIds: [42, 7] });
  const { sourceType, sourceId, categoryCode, title } = DRAFT;
  const message = { id, tenantId: 0, pluginId: 'demo', sourceType, sourceId, categoryCode, title, createdAt: 1000 };
  t.same(store.find(ADA, [id]), [message]);
  t.same(store.find(BOB, [id]), [message]);
  t.same(store.find({ userId: 8, tenantId: 0 }, [id]), []);
});

t.test('a tenant sees its own messages and those of the platform, the platform sees all', async (t) => {
  const { store, send } = stage(t);
  const [platform, one, two] = [0, 1, 2].map((tenantId) => send({ tenantId })) as [number, number, number];
  const seen = (tenantId: number) => store.list({ userId: 42, tenantId }, ANY, PAGE).items.map(({ id }) => id);
  t.same(seen(0), [two, one, platform]);
  t.same(seen(1), [one, platform]);
  t.same(seen(2), [two, platform]);
});

t.test('a list is filtered and cut into pages, newest first', async (t) => {
  const { store, send } = stage(t);
  const ids = ['a', 'b', 'c'].map((sourceId) => send({ sourceId, categoryCode: sourceId === 'c' ? 'x' : 'other' }));
  t.match(store.list(ADA, ANY, { offset: 1, limit: 1 }), { total: 3, items: [{ id: ids[1] }] });
  t.match(store.list(ADA, { ...ANY, sourceId: 'a' }, PAGE), { total: 1, items: [{ id: ids[0] }] });
  t.match(store.list(ADA, { ...ANY, categoryCode: 'x' }, PAGE), { total: 1, items: [{ id: ids[2] }] });
  t.match(store.list(ADA, { ...ANY, sourceType: 'notice' }, PAGE), { total: 0, items: [] });
});

t.test('a message that is removed is gone for every recipient', async (t) => {
  const { store, send, count } = stage(t);
  const id = send({ recipientUserIds: [42, 7] });
  t.ok(store.remove(ADA, [id, id]));
  t.same(store.find(BOB, [id]), []);
  t.equal(count('sys_notify_delivery'), 0);
});

t.test('all or none: one message of another inbox, and nothing is removed or marked', async (t) => {
  const { store, send, count, reads } = stage(t);
  const [mine, his] = [send(), send({ recipientUserIds: [7] })];
  t.notOk(store.remove(ADA, [mine, his]));
  t.notOk(store.mark(ADA, [mine, his], true));
  t.equal(count('sys_notify_message'), 2);
  t.ok(reads().every((row) => (row as number[])[1] === 0));
});

t.test('a message is read by one recipient and not by the other', async (t) => {
  const { store, send, reads, clock } = stage(t);
  const id = send({ recipientUserIds: [7, 42] });
  clock.now = 2000;
  t.ok(store.mark(ADA, [id], true));
  t.same(reads(), [
    [7, 0, null],
    [42, 1, 2000],
  ]);
  t.ok(store.mark(ADA, [id], false));
  t.same(reads(), [
    [7, 0, null],
    [42, 0, null],
  ]);
});

t.test('messages of a source are found in the inbox, so many at most', async (t) => {
  const { store, send } = stage(t);
  const ids = ['a', 'a', 'b'].map((sourceId) => send({ sourceId }));
  send({ sourceId: 'a', recipientUserIds: [7] });
  send({ sourceId: 'a', sourceType: 'notice' });
  t.same(
    store.bySource(ADA, 'plugin', ['a', 'b'], 10).map(({ id }) => id),
    ids.toReversed(),
  );
  t.equal(store.bySource(ADA, 'plugin', ['a', 'b'], 2).length, 2);
});

t.test('a plugin takes back what it has sent for the tenant, and nothing else', async (t) => {
  const { store, send } = stage(t);
  const other = send({ pluginId: 'other', tenantId: 1 });
  const elsewhere = send({ tenantId: 2 });
  send({ tenantId: 1 });
  store.removeBySource({ pluginId: 'demo', tenantId: 1 }, 'plugin', ['src-1']);
  t.same(
    store.list(ADA, ANY, PAGE).items.map(({ id }) => id),
    [elsewhere, other],
  );
  store.removeBySource({ pluginId: 'demo', tenantId: 0 }, 'plugin', ['src-1', 'gone']);
  t.same(
    store.list(ADA, ANY, PAGE).items.map(({ id }) => id),
    [other],
    'the platform reaches all tenants',
  );
});

t.test('SQL in texts is text', async (t) => {
  const { store, send, count } = stage(t);
  const evil = "'); DROP TABLE sys_notify_message; --";
  const id = send({ sourceType: evil, sourceId: evil, categoryCode: evil, title: evil, content: evil });
  t.match(store.bySource(ADA, evil, [evil], 10), [{ id, title: evil }]);
  t.match(store.list(ADA, { ...ANY, sourceId: "' OR '1'='1" }, PAGE), { total: 0 });
  t.equal(count('sys_notify_message'), 1);
});
