import t from 'tap';
import type { Message } from '../../src/protocol/payload-fields.js';
import { PAYLOADS } from '../../src/protocol/payload-table.js';
import {
  decodeConfigKeyRequest,
  decodeLogRequest,
  decodeManifestGetRequest,
  decodePayload,
  decodeStateDeleteRequest,
  decodeStateGetRequest,
  decodeStateSetRequest,
  encodeConfigValueResponse,
  encodeManifestGetResponse,
  encodePayload,
  encodeStateGetResponse,
  type PayloadType,
} from '../../src/protocol/payloads.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (hex: string) => Buffer.from(hex, 'hex');

// Numbers are those of spec/host-services.md §29.
t.test('68: a cache entry is set and answered', async (t) => {
  t.same(
    decodePayload('HostServiceCacheSetRequest', unhex('0a0770726f66696c6512107b22656e61626c6564223a747275657d18ac02')),
    {
      key: 'profile',
      value: '{"enabled":true}',
      expireSeconds: 300,
    },
  );
  const value = { valueKind: 1, value: '{"enabled":true}', expireAt: '2026-04-15T12:05:00Z' };
  t.equal(
    hexOf(encodePayload('HostServiceCacheSetResponse', { value })),
    '0a2a080112107b22656e61626c6564223a747275657d2214323032362d30342d31355431323a30353a30305a',
  );
});

t.test('69: a found cache entry is answered, a missing one is no bytes', async (t) => {
  const value = { valueKind: 1, value: 'alpha', expireAt: '2026-04-15T12:00:00Z' };
  t.equal(
    hexOf(encodePayload('HostServiceCacheGetResponse', { found: true, value })),
    '0801121f08011205616c7068612214323032362d30342d31355431323a30303a30305a',
  );
  t.equal(encodePayload('HostServiceCacheGetResponse', { found: false }).length, 0);
});

t.test('70, 71: a counter is raised and lowered', async (t) => {
  t.same(decodePayload('HostServiceCacheIncrRequest', unhex('0a07636f756e7465721005183c')), {
    key: 'counter',
    delta: 5,
    expireSeconds: 60,
  });
  t.same(decodePayload('HostServiceCacheIncrRequest', unhex('0a07636f756e74657210feffffffffffffffff01183c')).delta, -2);
  const value = { valueKind: 2, intValue: 5, expireAt: '2026-04-15T12:00:01Z' };
  t.equal(
    hexOf(encodePayload('HostServiceCacheIncrResponse', { value })),
    '0a1a080218052214323032362d30342d31355431323a30303a30315a',
  );
});

t.test('74: a negative time to live reaches the service', async (t) => {
  const { expireSeconds } = decodePayload('HostServiceCacheSetRequest', unhex('0a016b12017618ffffffffffffffffff01'));
  t.equal(expireSeconds, -1);
});

t.test('79: a lock is asked for and not acquired', async (t) => {
  t.same(decodePayload('HostServiceLockAcquireRequest', unhex('088827')), { leaseMillis: 5000 });
  t.equal(encodePayload('HostServiceLockAcquireResponse', { acquired: false }).length, 0);
});

t.test('85: a configuration value is JSON text', async (t) => {
  t.equal(decodeConfigKeyRequest(unhex('0a12776f726b73706163652e6261736550617468')).key, 'workspace.basePath');
  t.equal(hexOf(encodeConfigValueResponse({ value: '"/admin"', found: true })), '0a08222f61646d696e221001');
});

t.test('91: a manifest file is answered', async (t) => {
  t.equal(decodeManifestGetRequest(unhex('0a13636f6e6669672f70726f66696c652e79616d6c')).path, 'config/profile.yaml');
  const body = Buffer.from('name: demo\n');
  t.equal(hexOf(encodeManifestGetResponse({ found: true, body })), '0801120b6e616d653a2064656d6f0a');
});

t.test('99: a job is registered untrimmed and without defaults', async (t) => {
  const hex =
    '0a0b2068656172746265617420121a2044796e616d696320506c7567696e204865617274626561742022102023202a2f3130202a202a202a202a205211204a6f62486561727462656174526571205a10202f6a6f622d68656172746265617420';
  const job = decodePayload('HostServiceJobsRegisterRequest', unhex(hex));
  t.match(job, { name: ' heartbeat ', pattern: ' # */10 * * * * ', timezone: '', maxConcurrency: 0 });
  t.match(job, { requestType: ' JobHeartbeatReq', internalPath: ' /job-heartbeat ' });
  t.equal(hexOf(encodePayload('HostServiceJobsRegisterRequest', job)), hex);
});

t.test('103, 104: a message goes to its recipients', async (t) => {
  const { recipientUserIds } = decodePayload('HostServiceNotificationsSendRequest', unhex('0a0154120143300730ac02'));
  t.same(recipientUserIds, [7, 300]);
  t.equal(
    hexOf(encodePayload('HostServiceNotificationsSendResponse', { messageId: 9001, deliveryCount: 1 })),
    '08a9461001',
  );
});

t.test('the state of a plugin is asked for, set and deleted', async (t) => {
  t.same(decodeStateGetRequest(unhex('0a016b')), { key: 'k' });
  t.same(decodeStateSetRequest(unhex('0a016b120176')), { key: 'k', value: 'v' });
  t.same(decodeStateDeleteRequest(unhex('0a016b')), { key: 'k' });
  t.equal(hexOf(encodeStateGetResponse({ value: ' v ', found: true })), '0a032076201001');
});

t.test('a log line has a level, a text and fields', async (t) => {
  const { level, message, fields } = decodeLogRequest(unhex('080212026869 1a060a016b120176'.replace(' ', '')));
  t.strictSame([level, message, { ...fields }], [2, 'hi', { k: 'v' }]);
});

t.test('every member of a decoded payload is there, and lists and maps are its own', async (t) => {
  const first = decodePayload('HostServiceNetworkRequest', Buffer.alloc(0));
  t.same(first, { method: '', headers: {}, body: Buffer.alloc(0) });
  const one = decodePayload('HostServiceDataBatchGetRequest', unhex('120161'));
  const two = decodePayload('HostServiceDataBatchGetRequest', unhex('120162'));
  t.same([one.fields, two.fields, one.keyJson], [['a'], ['b'], []]);
});

t.test('a repeated nested message replaces the earlier one', async (t) => {
  const { object } = decodePayload('HostServiceStorageStatResponse', unhex('12050a01611003' + '12030a0162'));
  t.same(object, { path: 'b', size: 0, contentType: '', updatedAt: '', visibility: '' });
});

t.test('a nested message of any length is encoded', async (t) => {
  for (const length of [0, 94, 122, 123, 124, 125, 130, 16_400]) {
    const path = 'p'.repeat(length);
    const bytes = encodePayload('HostServiceStoragePutResponse', { object: { path } });
    t.equal(decodePayload('HostServiceStoragePutResponse', bytes).object?.path, path, `${length}`);
  }
});

t.test('a transaction leaves out operations that say nothing', async (t) => {
  const operations = [{}, null, { method: 'delete' }];
  t.equal(hexOf(encodePayload('HostServiceDataTransactionRequest', { operations })), '0a080a0664656c657465');
});

t.test('a storage list keeps an object that says nothing', async (t) => {
  t.equal(hexOf(encodePayload('HostServiceStorageListResponse', { objects: [{}, null] })), '0a00');
});

const LABELS: readonly (readonly [type: PayloadType, hex: string, message: string])[] = [
  ['HostServiceCacheGetResponse', '12020805' + '1205', 'failed to decode cache get response value'],
  ['HostServiceCacheGetResponse', '120108', 'failed to decode cache value kind'],
  ['HostServiceCacheGetResponse', '120112', 'failed to decode cache value string'],
  ['HostServiceStorageListResponse', '0a0110', 'failed to decode storage object size'],
  ['HostServiceStorageListResponse', '0a0100', 'failed to decode storage object tag'],
  ['HostServiceDataTransactionRequest', '0a010a', 'failed to decode record store transaction operation method'],
  ['HostServiceDataTransactionResponse', '0a0108', 'failed to decode data mutation response affectedRows'],
  ['HostServiceNotificationsSendRequest', '30', 'failed to decode notifications send request recipientUserId'],
  ['HostServiceNetworkRequest', '12010a', 'failed to decode string map entry key'],
  ['HostCallLogRequest', 'a406', 'failed to skip unknown host call log field'],
  ['HostCallStateGetRequest', 'a406', 'failed to skip unknown state get field'],
  ['HostCallStateGetResponse', 'a406', 'failed to skip unknown state get response field'],
  ['HostCallStateSetRequest', 'a406', 'failed to skip unknown state set field'],
  ['HostCallStateDeleteRequest', 'a406', 'failed to skip unknown state delete field'],
  ['HostServiceConfigKeyRequest', 'a406', 'failed to skip unknown config key request field'],
];

for (const [type, hex, message] of LABELS) {
  t.test(`${type} ${hex}: ${message}`, async (t) => {
    t.throws(() => decodePayload(type, unhex(hex)), { code: 'SBX_WIRE_INVALID', message });
  });
}

t.test('no message describes a field number twice', async (t) => {
  for (const [type, message] of Object.entries(PAYLOADS as unknown as Record<string, Message>)) {
    const numbers = Object.values(message.fields).map(({ number }) => number);
    t.strictSame(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      type,
    );
  }
});
