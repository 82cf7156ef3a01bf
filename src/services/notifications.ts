/** Messages to users, and the inbox of the current one (`spec/host-services.md` §10). */
import { encodeJsonResponse, type HostCallRequest } from '../protocol/host-call.js';
import { decodePayload, encodePayload } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import type { InboxReader, MessageSummary, NotificationStore } from '../store/notifications.js';
import { type Arguments, readArguments } from './arguments.js';
import { businessFailure, capabilityDenied, currentUserRequired, limitExceeded } from './failures.js';
import type { NotificationPort } from './notifications-port.js';
import { readPage } from './page.js';
import { defineService, failure, type HostCallContext, reply, type ServiceReply } from './service.js';

const MAX_IDS = 100;
const MAX_MESSAGES = 200;
const MAX_RECIPIENTS = 1000;
const MAX_TITLE_BYTES = 255;
const MAX_WORD_BYTES = 128;
const MAX_TEXT_BYTES = 64 * 1024;

export const notifications = defineService({
  name: 'notifications',
  placement: 'host',
  methods: ({ notifications: port }) => {
    const unscoped = () => failure(4, 'notifications host service is not scoped');
    const onInbox =
      (method: InboxMethod) =>
      (call: HostCallRequest, context: HostCallContext): ServiceReply => {
        const given = readArguments(call.payload);
        if (port === undefined) return unscoped();
        const userId = context.identity?.userId ?? 0;
        if (userId <= 0) return currentUserRequired();
        return method(port, { userId, tenantId: context.tenantId }, given);
      };
    return {
      'messages.send': (call, context) => (port ? send(port, call, context) : unscoped()),
      'messages.batch_get': onInbox(batchGet),
      'messages.list': onInbox(list),
      'messages.by_source.batch_get': onInbox(bySource),
      'messages.visible.ensure': onInbox(ensureVisible),
      'messages.delete': onInbox((store, reader, given) => change(given, (ids) => store.remove(reader, ids))),
      'messages.mark_read': onInbox((store, reader, given) => change(given, (ids) => store.mark(reader, ids, true))),
      'messages.mark_unread': onInbox((store, reader, given) => change(given, (ids) => store.mark(reader, ids, false))),
      'messages.by_source.delete': (call, context) =>
        port ? removeBySource(port, readArguments(call.payload), context) : unscoped(),
    };
  },
});

type InboxMethod = (store: NotificationStore, reader: InboxReader, given: Arguments) => ServiceReply;

// ---- sending ---------------------------------------------------------------------------------------------------------------

/** The current user sends, to himself when no recipient is named. */
function send(port: NotificationPort, call: HostCallRequest, context: HostCallContext): ServiceReply {
  const request = decodePayload('HostServiceNotificationsSendRequest', call.payload);
  const senderUserId = context.identity?.userId ?? 0;
  if (senderUserId <= 0) return currentUserRequired();
  const channelKey = trimGo(call.resourceRef);
  const [title, payloadJson] = [trimGo(request.title), readPayload(request.payloadJson)];
  if (payloadJson === undefined) return failure(3, 'notifications payloadJson must be valid JSON');
  const texts = { title, content: request.content, payloadJson };
  const words = {
    sourceType: trimGo(request.sourceType) || 'system',
    sourceId: trimGo(request.sourceId),
    categoryCode: trimGo(request.categoryCode) || 'other',
  };
  const recipientUserIds = recipientsOf(request.recipientUserIds, senderUserId);
  const refusal =
    refuseChannel(port, channelKey) ??
    (title === '' ? businessFailure('NOTIFY_TITLE_REQUIRED', 'Notification title is required') : undefined) ??
    refuseSize(title, MAX_TITLE_BYTES) ??
    [texts.content, payloadJson].map((text) => refuseSize(text, MAX_TEXT_BYTES)).find(Boolean) ??
    Object.values(words)
      .map((word) => refuseSize(word, MAX_WORD_BYTES))
      .find(Boolean) ??
    refuseRecipients(recipientUserIds);
  if (refusal) return refusal;
  const { pluginId, tenantId } = context;
  const sent = { pluginId, tenantId, senderUserId, channelKey, ...texts, ...words, recipientUserIds };
  return reply(
    encodePayload('HostServiceNotificationsSendResponse', {
      messageId: port.send(sent),
      deliveryCount: recipientUserIds.length,
    }),
  );
}

/** The text of a JSON object; undefined for anything else. */
function readPayload(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return '{}';
  const text = Buffer.from(bytes).toString();
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? text : undefined;
  } catch {
    return undefined; // told like any other value that is no object
  }
}

/** Users have numbers that a JavaScript number holds; greater ones are nobody's. */
function recipientsOf(given: readonly (number | bigint)[], senderUserId: number): number[] {
  if (given.length === 0) return [senderUserId];
  return [...new Set(given)].filter((id): id is number => typeof id === 'number' && id > 0);
}

function refuseChannel({ channels }: NotificationPort, channelKey: string): ServiceReply | undefined {
  const channel = channels.find(({ key }) => key === channelKey);
  if (channel?.enabled !== true)
    return businessFailure('NOTIFY_CHANNEL_UNAVAILABLE', 'Notification channel is unavailable');
  const channelType = channel.type;
  if (channelType === 'inbox') return undefined;
  const message = 'Notification channel type {channelType} is not supported';
  return businessFailure('NOTIFY_CHANNEL_TYPE_UNSUPPORTED', message, { channelType });
}

function refuseSize(text: string, maxBytes: number): ServiceReply | undefined {
  return Buffer.byteLength(text) > maxBytes ? limitExceeded(maxBytes) : undefined;
}

function refuseRecipients(recipients: readonly number[]): ServiceReply | undefined {
  if (recipients.length === 0)
    return businessFailure('NOTIFY_INBOX_RECIPIENT_REQUIRED', 'Notification recipient is required');
  return recipients.length > MAX_RECIPIENTS ? limitExceeded(MAX_RECIPIENTS) : undefined;
}

// ---- the inbox -------------------------------------------------------------------------------------------------------------

const batchGet: InboxMethod = (store, reader, given) => {
  const ids = idsOf(given, 'ids');
  if (ids.length > MAX_IDS) return limitExceeded(MAX_IDS);
  const found = new Map(store.find(reader, numbersOf(ids)).map((message) => [String(message.id), message]));
  const Items = Object.fromEntries([...found].map(([id, message]) => [id, infoOf(message)]));
  return reply(encodeJsonResponse({ Items, MissingIDs: ids.filter((id) => !found.has(id)) }));
};

const list: InboxMethod = (store, reader, given) => {
  const [sourceType = '', sourceId = '', categoryCode = ''] = ['sourceType', 'sourceId', 'categoryCode'].map((name) =>
    trimGo(given.text(name)),
  );
  const { items, total } = store.list(reader, { sourceType, sourceId, categoryCode }, readPage(given.member('page')));
  return reply(encodeJsonResponse({ Items: items.map(infoOf), Total: total }));
};

const bySource: InboxMethod = (store, reader, given) => {
  const sourceIds = idsOf(given, 'sourceIds');
  if (sourceIds.length > MAX_IDS) return limitExceeded(MAX_IDS);
  const found = store.bySource(reader, trimGo(given.text('sourceType')), sourceIds, MAX_MESSAGES);
  const items = new Map<string, object[]>();
  for (const message of found) {
    items.set(message.sourceId, [...(items.get(message.sourceId) ?? []), infoOf(message)]);
  }
  const missingIds = sourceIds.filter((id) => !items.has(id));
  return reply(encodeJsonResponse({ items: Object.fromEntries(items), missingIds }));
};

const ensureVisible: InboxMethod = (store, reader, given) => {
  const ids = idsOf(given, 'ids');
  if (ids.length > MAX_IDS) return limitExceeded(MAX_IDS);
  const numbers = numbersOf(ids);
  const isVisible = numbers.length === ids.length && store.find(reader, numbers).length === ids.length;
  return isVisible ? nothing() : capabilityDenied();
};

function change(given: Arguments, work: (ids: readonly number[]) => boolean): ServiceReply {
  const ids = idsOf(given, 'ids');
  const numbers = numbersOf(ids);
  return numbers.length > 0 && numbers.length === ids.length && work(numbers) ? nothing() : capabilityDenied();
}

/** Needs no user, so it reaches only what this plugin has sent; in the reference it reaches what anybody has. */
function removeBySource(
  store: NotificationStore,
  given: Arguments,
  { pluginId, tenantId }: HostCallContext,
): ServiceReply {
  store.removeBySource({ pluginId, tenantId }, trimGo(given.text('sourceType')), idsOf(given, 'sourceIds'));
  return nothing();
}

/** Trimmed, each once, without blank ones. */
function idsOf(given: Arguments, name: string): string[] {
  return [...new Set(given.texts(name).map(trimGo))].filter((id) => id !== '');
}

/** Ids of messages that could exist. */
function numbersOf(ids: readonly string[]): number[] {
  return ids.filter((id) => /^[1-9]\d{0,14}$/.test(id)).map(Number);
}

function infoOf({ id, pluginId, ...rest }: MessageSummary) {
  const { tenantId, sourceType, sourceId, categoryCode, title, createdAt } = rest;
  const sender = pluginId === '' ? {} : { pluginId };
  return { id: String(id), tenantId, ...sender, sourceType, sourceId, categoryCode, title, createdAt };
}

function nothing(): ServiceReply {
  return reply(encodeJsonResponse({}));
}
