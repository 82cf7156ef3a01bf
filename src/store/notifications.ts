import { type Migration, migrate } from './migrations.js';
import { type Database, storeFailure } from './sqlite.js';

export interface MessageDraft {
  readonly pluginId: string;
  /** 0 is the platform. */
  readonly tenantId: number;
  readonly senderUserId: number;
  readonly channelKey: string;
  readonly sourceType: string;
  readonly sourceId: string;
  readonly categoryCode: string;
  readonly title: string;
  readonly content: string;
  readonly payloadJson: string;
  /** Each once. */
  readonly recipientUserIds: readonly number[];
}

/** A message without its content. */
export interface MessageSummary {
  readonly id: number;
  readonly tenantId: number;
  readonly pluginId: string;
  readonly sourceType: string;
  readonly sourceId: string;
  readonly categoryCode: string;
  readonly title: string;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

/** Whose inbox: messages of the tenant in force and of the platform; on the platform of any tenant. */
export interface InboxReader {
  readonly userId: number;
  readonly tenantId: number;
}

/** Empty texts match everything. */
export interface MessageFilter {
  readonly sourceType: string;
  readonly sourceId: string;
  readonly categoryCode: string;
}

/** Messages and who got them, tables `sys_notify_…`. All may throw SBX_STORE_FAILED. */
export interface NotificationStore {
  /** One message and a delivery for each recipient. @returns the id of the message */
  send(draft: MessageDraft): number;
  /** Those that are in the inbox, newest first. */
  find(reader: InboxReader, ids: readonly number[]): readonly MessageSummary[];
  /** Newest first. */
  list(
    reader: InboxReader,
    filter: MessageFilter,
    page: { readonly offset: number; readonly limit: number },
  ): { readonly items: readonly MessageSummary[]; readonly total: number };
  /** Newest first. */
  bySource(
    reader: InboxReader,
    sourceType: string,
    sourceIds: readonly string[],
    limit: number,
  ): readonly MessageSummary[];
  /** All of them, for every recipient, or none when one is not in the inbox. Whether it was done. */
  remove(reader: InboxReader, ids: readonly number[]): boolean;
  /** All of them or none when one is not in the inbox. Whether it was done. */
  mark(reader: InboxReader, ids: readonly number[], isRead: boolean): boolean;
  /** Messages that a plugin has sent for a tenant; on the platform for any. */
  removeBySource(
    sender: { readonly pluginId: string; readonly tenantId: number },
    sourceType: string,
    sourceIds: readonly string[],
  ): void;
}

const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'messages and deliveries',
    sql: `
CREATE TABLE sys_notify_message (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id      INTEGER     NOT NULL,
  plugin_id      VARCHAR(64) NOT NULL,
  channel_key    TEXT        NOT NULL,
  source_type    TEXT        NOT NULL,
  source_id      TEXT        NOT NULL,
  category_code  TEXT        NOT NULL,
  title          TEXT        NOT NULL,
  content        TEXT        NOT NULL,
  payload_json   TEXT        NOT NULL,
  sender_user_id INTEGER     NOT NULL,
  created_at     INTEGER     NOT NULL
);
CREATE INDEX idx_sys_notify_message_source ON sys_notify_message (source_type, source_id);

CREATE TABLE sys_notify_delivery (
  message_id INTEGER NOT NULL REFERENCES sys_notify_message (id) ON DELETE CASCADE,
  user_id    INTEGER NOT NULL,
  is_read    INTEGER NOT NULL DEFAULT 0 CHECK (is_read IN (0, 1)),
  read_at    INTEGER,
  PRIMARY KEY (user_id, message_id)
) WITHOUT ROWID;
CREATE INDEX idx_sys_notify_delivery_message ON sys_notify_delivery (message_id);`,
  },
];

/** Opens the messages, with the tables made when they are missing. @throws SBX_STORE_FAILED */
export function openNotifications(database: Database, now: () => number = Date.now): NotificationStore {
  migrate(database, 'notifications', MIGRATIONS);
  const statements = prepare(database);
  const find = (reader: InboxReader, ids: readonly number[]) =>
    statements.find.all({ ...reader, ids: JSON.stringify(ids) });
  const change = (reader: InboxReader, ids: readonly number[], work: (ids: string) => void): boolean =>
    stored(() =>
      database
        .transaction(() => {
          const distinct = [...new Set(ids)];
          if (find(reader, distinct).length !== distinct.length) return false;
          work(JSON.stringify(distinct));
          return true;
        })
        .immediate(),
    );
  return {
    send: ({ recipientUserIds, ...message }) =>
      stored(() =>
        database
          .transaction(() => {
            const id = Number(statements.send.run({ ...message, at: now() }).lastInsertRowid);
            statements.deliver.run({ id, userIds: JSON.stringify(recipientUserIds) });
            return id;
          })
          .immediate(),
      ),
    find: (reader, ids) => stored(() => find(reader, ids)),
    list: (reader, filter, page) =>
      stored(() => ({
        items: statements.list.all({ ...reader, ...filter, ...page }),
        total: statements.count.get({ ...reader, ...filter }) ?? 0,
      })),
    bySource: (reader, sourceType, sourceIds, limit) =>
      stored(() => statements.bySource.all({ ...reader, sourceType, sourceIds: JSON.stringify(sourceIds), limit })),
    remove: (reader, ids) => change(reader, ids, (list) => statements.remove.run({ ids: list })),
    mark: (reader, ids, isRead) =>
      change(reader, ids, (list) =>
        statements.mark.run({ userId: reader.userId, ids: list, isRead: Number(isRead), at: isRead ? now() : null }),
      ),
    removeBySource: (sender, sourceType, sourceIds) =>
      void stored(() => statements.removeBySource.run({ ...sender, sourceType, sourceIds: JSON.stringify(sourceIds) })),
  };
}

function prepare(database: Database) {
  const columns = `m.id, m.tenant_id AS tenantId, m.plugin_id AS pluginId, m.source_type AS sourceType,
    m.source_id AS sourceId, m.category_code AS categoryCode, m.title, m.created_at AS createdAt`;
  const inbox = `FROM sys_notify_message m JOIN sys_notify_delivery d ON d.message_id = m.id
    WHERE d.user_id = @userId AND (@tenantId = 0 OR m.tenant_id IN (0, @tenantId))`;
  const filtered = `${inbox} AND (@sourceType = '' OR m.source_type = @sourceType)
    AND (@sourceId = '' OR m.source_id = @sourceId) AND (@categoryCode = '' OR m.category_code = @categoryCode)`;
  const listed = (column: string, name: string) => `${column} IN (SELECT value FROM json_each(@${name}))`;
  const messages = (sql: string) => database.prepare<[object], MessageSummary>(sql);
  return {
    send: database.prepare<[object]>(
      `INSERT INTO sys_notify_message (tenant_id, plugin_id, channel_key, source_type, source_id, category_code, title,
         content, payload_json, sender_user_id, created_at)
       VALUES (@tenantId, @pluginId, @channelKey, @sourceType, @sourceId, @categoryCode, @title,
         @content, @payloadJson, @senderUserId, @at)`,
    ),
    deliver: database.prepare<[object]>(
      'INSERT INTO sys_notify_delivery (message_id, user_id) SELECT @id, value FROM json_each(@userIds)',
    ),
    find: messages(`SELECT ${columns} ${inbox} AND ${listed('m.id', 'ids')} ORDER BY m.id DESC`),
    list: messages(`SELECT ${columns} ${filtered} ORDER BY m.id DESC LIMIT @limit OFFSET @offset`),
    count: database.prepare<[object], number>(`SELECT count(*) ${filtered}`).pluck(),
    bySource: messages(
      `SELECT ${columns} ${inbox} AND m.source_type = @sourceType AND ${listed('m.source_id', 'sourceIds')}
       ORDER BY m.id DESC LIMIT @limit`,
    ),
    remove: database.prepare<[object]>(`DELETE FROM sys_notify_message WHERE ${listed('id', 'ids')}`),
    mark: database.prepare<[object]>(
      `UPDATE sys_notify_delivery SET is_read = @isRead, read_at = @at
       WHERE user_id = @userId AND ${listed('message_id', 'ids')}`,
    ),
    removeBySource: database.prepare<[object]>(
      `DELETE FROM sys_notify_message WHERE plugin_id = @pluginId AND (@tenantId = 0 OR tenant_id = @tenantId)
       AND source_type = @sourceType AND ${listed('source_id', 'sourceIds')}`,
    ),
  };
}

function stored<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw storeFailure(thrown);
  }
}
