/**
 * Every dedicated payload of the host services, one entry each: numbers, kinds, what encoders trim and leave out, and the names
 * that the reference uses in its errors (`spec/host-services.md` §1.2, §3–§13). The names of the types are the reference's.
 */
import {
  always,
  bool,
  bytes,
  bytesList,
  dropped,
  type InputOf,
  int32,
  int64,
  int64List,
  labelled,
  type Message,
  message,
  messages,
  nested,
  string,
  stringMap,
  strings,
  trimmed,
  uint32,
  type ValueOf,
} from './payload-fields.js';

const path = always(string(1));
const uploadId = always(string(2));
const key = always(string(1));
const ticket = always(string(1));

const STORAGE_OBJECT = message('storage object', {
  path,
  size: always(dropped(int64(2))),
  contentType: string(3),
  updatedAt: string(4),
  visibility: string(5),
});

const CACHE_VALUE = message('cache value', {
  valueKind: labelled('cache value kind', always(int32(1))),
  value: labelled('cache value string', always(string(2))),
  intValue: int64(3),
  expireAt: string(4),
});

const MUTATION_RESPONSE = message('data mutation response', {
  affectedRows: dropped(int64(1)),
  keyJson: bytes(2),
  recordJson: bytes(3),
});

const TRANSACTION_OPERATION = message('record store transaction operation', {
  method: always(string(1)),
  keyJson: bytes(2),
  recordJson: bytes(3),
});

const TRANSACTION_REQUEST = 'record store transaction request';
const TRANSACTION_RESPONSE = 'record store transaction response';

export const PAYLOADS = {
  // generic
  HostServiceValueResponse: message('host service value response', { value: always(trimmed(1)) }),
  HostServiceJSONRequest: message('host service JSON request', { value: always(bytes(1)) }),
  HostServiceJSONResponse: message('host service JSON response', { value: always(bytes(1)) }),

  // runtime
  HostCallLogRequest: message(
    'host call log request',
    {
      level: labelled('host call log level', always(int32(1))),
      message: labelled('host call log message', always(trimmed(2))),
      fields: labelled('host call log fields', stringMap(3)),
    },
    'host call log',
  ),
  HostCallStateGetRequest: message(
    'state get request',
    { key: labelled('state get key', always(trimmed(1))) },
    'state get',
  ),
  HostCallStateGetResponse: message('state get response', {
    value: labelled('state get value', always(string(1))),
    found: labelled('state get found', always(bool(2))),
  }),
  HostCallStateSetRequest: message(
    'state set request',
    {
      key: labelled('state set key', always(trimmed(1))),
      value: labelled('state set value', always(string(2))),
    },
    'state set',
  ),
  HostCallStateDeleteRequest: message(
    'state delete request',
    { key: labelled('state delete key', always(trimmed(1))) },
    'state delete',
  ),

  // storage
  HostServiceStoragePutRequest: message('storage put request', {
    path,
    body: bytes(2),
    contentType: string(3),
    overwrite: bool(4),
  }),
  HostServiceStoragePutResponse: message('storage put response', { object: nested(1, STORAGE_OBJECT) }),
  HostServiceStoragePutInitRequest: message('storage put init request', {
    path,
    contentType: string(2),
    overwrite: bool(3),
  }),
  HostServiceStoragePutInitResponse: message('storage put init response', { uploadId: always(string(1)) }),
  HostServiceStoragePutChunkRequest: message('storage put chunk request', {
    path,
    uploadId,
    offset: always(dropped(int64(3))),
    body: bytes(4),
  }),
  HostServiceStoragePutChunkResponse: message('storage put chunk response', { nextOffset: always(dropped(int64(1))) }),
  HostServiceStoragePutCommitRequest: message('storage put commit request', {
    path,
    uploadId,
    size: always(dropped(int64(3))),
  }),
  HostServiceStoragePutCommitResponse: message('storage put commit response', { object: nested(1, STORAGE_OBJECT) }),
  HostServiceStoragePutAbortRequest: message('storage put abort request', { path, uploadId }),
  HostServiceStorageGetRequest: message('storage get request', { path }),
  HostServiceStorageGetResponse: message('storage get response', {
    found: always(bool(1)),
    object: nested(2, STORAGE_OBJECT),
    body: bytes(3),
  }),
  HostServiceStorageDeleteRequest: message('storage delete request', { path }),
  HostServiceStorageListRequest: message('storage list request', { prefix: string(1), limit: uint32(2) }),
  HostServiceStorageListResponse: message('storage list response', {
    objects: labelled('storage list response object', messages(1, STORAGE_OBJECT)),
  }),
  HostServiceStorageStatRequest: message('storage stat request', { path }),
  HostServiceStorageStatResponse: message('storage stat response', {
    found: always(bool(1)),
    object: nested(2, STORAGE_OBJECT),
  }),

  // network
  HostServiceNetworkRequest: message('network request', {
    method: always(string(1)),
    headers: stringMap(2),
    body: bytes(3),
  }),
  HostServiceNetworkResponse: message('network response', {
    statusCode: always(dropped(int32(1))),
    headers: stringMap(2),
    body: bytes(3),
    contentType: string(4),
  }),

  // data
  HostServiceDataListRequest: message('data list request', { planJson: bytes(1) }),
  HostServiceDataListResponse: message('data list response', {
    records: labelled('data list response record', bytesList(1)),
    total: dropped(int32(2)),
  }),
  HostServiceDataGetRequest: message('data get request', { planJson: bytes(1) }),
  HostServiceDataGetResponse: message('data get response', { found: always(bool(1)), recordJson: bytes(2) }),
  HostServiceDataBatchGetRequest: message('data batch_get request', {
    keyJson: bytesList(1),
    fields: labelled('data batch_get request field', strings(2)),
  }),
  HostServiceDataBatchGetResponse: message('data batch_get response', {
    records: labelled('data batch_get response record', bytesList(1)),
    missingKeyJson: labelled('data batch_get response missing key', bytesList(2)),
  }),
  HostServiceDataMutationRequest: message('data mutation request', { keyJson: bytes(1), recordJson: bytes(2) }),
  HostServiceDataMutationResponse: MUTATION_RESPONSE,
  HostServiceDataTransactionRequest: message(TRANSACTION_REQUEST, {
    operations: labelled(`${TRANSACTION_REQUEST} operation`, dropped(messages(1, TRANSACTION_OPERATION))),
  }),
  HostServiceDataTransactionResponse: message(TRANSACTION_RESPONSE, {
    results: labelled(`${TRANSACTION_RESPONSE} result`, dropped(messages(1, MUTATION_RESPONSE))),
    affectedRows: dropped(int64(2)),
  }),

  // cache
  HostServiceCacheGetRequest: message('cache get request', { key }),
  HostServiceCacheGetResponse: message('cache get response', { found: always(bool(1)), value: nested(2, CACHE_VALUE) }),
  HostServiceCacheSetRequest: message('cache set request', {
    key,
    value: always(string(2)),
    expireSeconds: int64(3),
  }),
  HostServiceCacheSetResponse: message('cache set response', { value: nested(1, CACHE_VALUE) }),
  HostServiceCacheDeleteRequest: message('cache delete request', { key }),
  HostServiceCacheIncrRequest: message('cache incr request', { key, delta: int64(2), expireSeconds: int64(3) }),
  HostServiceCacheIncrResponse: message('cache incr response', { value: nested(1, CACHE_VALUE) }),
  HostServiceCacheExpireRequest: message('cache expire request', { key, expireSeconds: int64(2) }),
  HostServiceCacheExpireResponse: message('cache expire response', { found: always(bool(1)), expireAt: string(2) }),

  // lock
  HostServiceLockAcquireRequest: message('lock acquire request', { leaseMillis: int64(1) }),
  HostServiceLockAcquireResponse: message('lock acquire response', {
    acquired: always(bool(1)),
    ticket: string(2),
    expireAt: string(3),
  }),
  HostServiceLockRenewRequest: message('lock renew request', { ticket }),
  HostServiceLockRenewResponse: message('lock renew response', { expireAt: string(1) }),
  HostServiceLockReleaseRequest: message('lock release request', { ticket }),

  // jobs; in JSON these are the members of `contract`
  HostServiceJobsRegisterRequest: message('jobs register request', {
    name: always(string(1)),
    displayName: string(2),
    description: string(3),
    pattern: always(string(4)),
    timezone: string(5),
    scope: string(6),
    concurrency: string(7),
    maxConcurrency: dropped(int64(8)),
    timeoutSeconds: dropped(int64(9)),
    requestType: always(string(10)),
    internalPath: string(11),
  }),

  // notifications
  HostServiceNotificationsSendRequest: message('notifications send request', {
    title: always(string(1)),
    content: always(string(2)),
    sourceType: string(3),
    sourceId: string(4),
    categoryCode: string(5),
    recipientUserIds: labelled('notifications send request recipientUserId', int64List(6)),
    payloadJson: bytes(7),
  }),
  HostServiceNotificationsSendResponse: message('notifications send response', {
    messageId: always(int64(1)),
    deliveryCount: always(int32(2)),
  }),

  // configuration and manifest
  HostServiceConfigKeyRequest: message('config key request', { key: labelled('config key', always(trimmed(1))) }),
  HostServiceConfigValueResponse: message('config value response', {
    value: labelled('config value', always(string(1))),
    found: labelled('config found flag', always(bool(2))),
  }),
  HostServiceManifestGetRequest: message('manifest get request', { path }),
  HostServiceManifestGetResponse: message('manifest get response', { found: always(bool(1)), body: bytes(2) }),
};

export type PayloadType = keyof typeof PAYLOADS;
type FieldsOf<M> = M extends Message<infer F> ? F : never;
/** A decoded payload: every member is there, a nested message may be undefined. */
export type Payload<T extends PayloadType> = ValueOf<FieldsOf<(typeof PAYLOADS)[T]>>;
/** What a payload is encoded from: absent members are zero. */
export type PayloadInput<T extends PayloadType> = InputOf<FieldsOf<(typeof PAYLOADS)[T]>>;
