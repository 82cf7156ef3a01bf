import { invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { broken, doneJson } from './decode';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/** Messages to users, and the current user's inbox. */
const SERVICE = 'notifications';

/** A message to be sent. */
export class Notification {
  /** `notice`, `plugin` or `system`; empty means the last. */
  sourceType: string = '';
  /** What it is about, to find it again. */
  sourceId: string = '';
  categoryCode: string = '';
  /** None means the current user. */
  recipientUserIds: i64[] = [];
  /** A JSON object for the reader. */
  payload: Json = Json.missing;

  constructor(readonly title: string, readonly content: string) {}
}

export class Sent {
  constructor(readonly messageId: i64, readonly deliveryCount: i32) {}
}

/** Sends a message by a channel that plugin.yaml declares: `resources: [{ ref: inbox }]`. Needs a user, who is the sender. */
export function send(channel: string, message: Notification): Reply<Sent> {
  const reply = invoke(SERVICE, 'messages.send', channel, '', encodeNotification(message));
  const error = reply.error;
  if (error) return Reply.failed<Sent>(error);
  const reader = new Reader(reply.value, 'notifications send response');
  let messageId: i64 = 0;
  let deliveryCount: i32 = 0;
  while (reader.next()) {
    if (reader.field == 1) messageId = <i64>reader.u64('messageId');
    else if (reader.field == 2) deliveryCount = reader.i32('deliveryCount');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<Sent>(reader);
  return Reply.of<Sent>(new Sent(messageId, deliveryCount));
}

/** A message in an inbox. */
export class Message {
  constructor(private readonly json: Json) {}

  get id(): string {
    return this.json.get('id').asText();
  }

  get tenantId(): i32 {
    return <i32>this.json.get('tenantId').asInt();
  }

  get pluginId(): string {
    return this.json.get('pluginId').asText();
  }

  get sourceType(): string {
    return this.json.get('sourceType').asText();
  }

  get sourceId(): string {
    return this.json.get('sourceId').asText();
  }

  get categoryCode(): string {
    return this.json.get('categoryCode').asText();
  }

  get title(): string {
    return this.json.get('title').asText();
  }

  /** Milliseconds since 1970; 0 when the host does not say. */
  get createdAt(): i64 {
    return this.json.get('createdAt').asInt();
  }
}

export class MessagePage {
  constructor(readonly items: Message[], readonly total: i32) {}
}

/** The messages of up to 100 ids, by id; those that are not in the inbox are left out. */
export function getMany(ids: string[]): Reply<Map<string, Message>> {
  const reply = invokeJson(SERVICE, 'messages.batch_get', Json.object().set('ids', ids));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, Message>>(error);
  const items = reply.value.get('Items');
  const messages = new Map<string, Message>();
  for (let i = 0, names = items.names; i < names.length; i++) messages.set(names[i], new Message(items.get(names[i])));
  return Reply.of<Map<string, Message>>(messages);
}

/** Newest first. What is empty is no condition. */
export function list(
  pageNum: i32 = 1,
  pageSize: i32 = 20,
  sourceType: string = '',
  sourceId: string = '',
  categoryCode: string = '',
): Reply<MessagePage> {
  const argument = Json.object();
  if (sourceType.length > 0) argument.set('sourceType', sourceType);
  if (sourceId.length > 0) argument.set('sourceId', sourceId);
  if (categoryCode.length > 0) argument.set('categoryCode', categoryCode);
  argument.set('page', Json.object().set('PageNum', pageNum).set('PageSize', pageSize));
  const reply = invokeJson(SERVICE, 'messages.list', argument);
  const error = reply.error;
  if (error) return Reply.failed<MessagePage>(error);
  const page = new MessagePage(messagesOf(reply.value.get('Items')), <i32>reply.value.get('Total').asInt());
  return Reply.of<MessagePage>(page);
}

/** The messages of up to 100 sources, by source id. */
export function bySource(sourceType: string, sourceIds: string[]): Reply<Map<string, Message[]>> {
  const reply = invokeJson(SERVICE, 'messages.by_source.batch_get', sources(sourceType, sourceIds));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, Message[]>>(error);
  const items = reply.value.get('items');
  const messages = new Map<string, Message[]>();
  for (let i = 0, names = items.names; i < names.length; i++) messages.set(names[i], messagesOf(items.get(names[i])));
  return Reply.of<Map<string, Message[]>>(messages);
}

/** Succeeds when all of the messages are in the inbox. */
export function ensureVisible(ids: string[]): Reply<bool> {
  return idsCall('messages.visible.ensure', ids);
}

/** Deletes messages for every recipient. */
function remove(ids: string[]): Reply<bool> {
  return idsCall('messages.delete', ids);
}

export { remove as delete };

/** Deletes all messages of some sources, whoever received them. */
export function deleteBySource(sourceType: string, sourceIds: string[]): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'messages.by_source.delete', sources(sourceType, sourceIds)));
}

export function markRead(ids: string[]): Reply<bool> {
  return idsCall('messages.mark_read', ids);
}

export function markUnread(ids: string[]): Reply<bool> {
  return idsCall('messages.mark_unread', ids);
}

function encodeNotification(message: Notification): Uint8Array {
  const payload = new Writer(256);
  payload.text(1, message.title);
  payload.text(2, message.content);
  payload.text(3, message.sourceType);
  payload.text(4, message.sourceId);
  payload.text(5, message.categoryCode);
  for (let i = 0; i < message.recipientUserIds.length; i++) payload.int(6, message.recipientUserIds[i]);
  if (!message.payload.isMissing) payload.bytes(7, message.payload.toBytes());
  return payload.toBytes();
}

function idsCall(method: string, ids: string[]): Reply<bool> {
  return doneJson(invokeJson(SERVICE, method, Json.object().set('ids', ids)));
}

function sources(sourceType: string, sourceIds: string[]): Json {
  return Json.object().set('sourceType', sourceType).set('sourceIds', sourceIds);
}

function messagesOf(list: Json): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i < list.length; i++) messages.push(new Message(list.at(i)));
  return messages;
}
