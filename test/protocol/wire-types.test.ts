import { readFileSync } from 'node:fs';
import t from 'tap';
import { decodeToJson, encodeJson, listWireTypes, wireType } from '../../src/protocol/wire-types.js';

interface Vector {
  readonly name: string;
  readonly type: string;
  readonly hex: string;
  readonly json?: unknown;
  readonly input?: unknown;
  readonly error?: string;
}

const vectors = (file: string): Vector[] =>
  JSON.parse(readFileSync(new URL(`../../../test/fixtures/vectors/${file}.json`, import.meta.url), 'utf8'));
const unhex = (hex: string) => Buffer.from(hex, 'hex');
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** As it is printed, so that a map without prototype equals a plain object. */
const printed = (json: unknown) => JSON.parse(JSON.stringify(json));

t.test('what the reference encodes is decoded to the value it stands for', async (t) => {
  const valid = vectors('valid');
  t.equal(valid.length, 275);
  for (const { name, type, hex, json } of valid) t.strictSame(printed(decodeToJson(type, unhex(hex))), json, name);
});

t.test('a value is encoded to the bytes of the reference', async (t) => {
  for (const { name, type, hex, ...vector } of vectors('valid')) {
    if ('input' in vector) t.equal(hexOf(encodeJson(type, vector.input)), hex, name);
  }
});

t.test('what the reference refuses is refused with its text', async (t) => {
  const invalid = vectors('invalid');
  t.equal(invalid.length, 124);
  for (const { name, type, hex, error } of invalid) {
    t.throws(() => decodeToJson(type, unhex(hex)), { code: 'SBX_WIRE_INVALID', message: error }, name);
  }
});

t.test('the types of the reference have the same names here', async (t) => {
  const types = JSON.parse(
    readFileSync(new URL('../../../test/fixtures/vectors/types.json', import.meta.url), 'utf8'),
  ) as Record<string, unknown>;
  t.strictSame(listWireTypes(), Object.keys(types).sort());
});

t.test('an unknown type is named', async (t) => {
  t.throws(() => wireType('Nope'), { code: 'SBX_WIRE_TYPE_UNKNOWN', message: 'unknown wire type: Nope' });
  t.throws(() => wireType('toString'), { code: 'SBX_WIRE_TYPE_UNKNOWN' });
});

const REFUSED: readonly (readonly [title: string, type: string, json: unknown, message: string])[] = [
  ['an unknown member', 'RequestEnvelope', { id: 1 }, 'RequestEnvelope has no member id'],
  ['an inherited name', 'RequestEnvelope', { constructor: '' }, 'RequestEnvelope has no member constructor'],
  [
    'an unknown nested member',
    'RequestEnvelope',
    { route: { verb: 'GET' } },
    'RequestEnvelope.route has no member verb',
  ],
  ['a list for a message', 'RequestEnvelope', [], 'RequestEnvelope must be an object'],
  ['a number for a string', 'HostCallStateGetRequest', { key: 1 }, 'HostCallStateGetRequest.key must be a string'],
  ['a word for a flag', 'HostServiceManifestGetResponse', { found: 'yes' }, '.found must be true or false'],
  ['a text for a list', 'HostServiceDataBatchGetRequest', { fields: 'id' }, '.fields must be a list'],
  [
    'a number in a list of texts',
    'HostServiceDataBatchGetRequest',
    { fields: [1] },
    'each item of HostServiceDataBatchGetRequest.fields must be a string',
  ],
  ['a list for a map', 'HostServiceNetworkRequest', { headers: [] }, '.headers must be an object'],
  [
    'a number in a map',
    'HostServiceNetworkRequest',
    { headers: { a: 1 } },
    'HostServiceNetworkRequest.headers.a must be a string',
  ],
  ['text that is no base64', 'ResponseEnvelope', { body: 'a b' }, 'ResponseEnvelope.body must be base64 text'],
  ['base64 without padding', 'ResponseEnvelope', { body: 'YQ' }, 'ResponseEnvelope.body must be base64 text'],
  ['a fraction', 'ResponseEnvelope', { statusCode: 1.5 }, 'ResponseEnvelope.statusCode must be an integer'],
  ['an int32 out of range', 'ResponseEnvelope', { statusCode: 2147483648 }, 'must be from -2147483648 to 2147483647'],
  ['a negative uint32', 'HostCallResponse', { status: -1 }, 'HostCallResponse.status must be from 0 to 4294967295'],
  [
    'a number that JSON cannot hold',
    'HostServiceLockAcquireRequest',
    { leaseMillis: 2 ** 53 },
    'as decimal text beyond 2^53 - 1',
  ],
  [
    'an int64 out of range',
    'HostServiceLockAcquireRequest',
    { leaseMillis: '9223372036854775808' },
    'must be from -9223372036854775808 to 9223372036854775807',
  ],
  [
    'another member beside the contract of a job',
    'HostServiceJobsRegisterRequest',
    { name: 'x' },
    'HostServiceJobsRegisterRequest has no member name',
  ],
  [
    'a job that is no object',
    'HostServiceJobsRegisterRequest',
    { contract: 'x' },
    'HostServiceJobsRegisterRequest.contract must be an object',
  ],
];

for (const [title, type, json, message] of REFUSED) {
  t.test(`the JSON form refuses ${title}`, async (t) => {
    try {
      encodeJson(type, json);
      t.fail('nothing was thrown');
    } catch (error) {
      t.match(error, { code: 'SBX_WIRE_INVALID' });
      t.ok((error as Error).message.includes(message), (error as Error).message);
    }
  });
}

t.test('null is a member that is not there', async (t) => {
  t.equal(hexOf(encodeJson('RequestEnvelope', { pluginId: 'p', route: null, requestId: null })), '0a0170');
  t.equal(hexOf(encodeJson('HostServiceDataBatchGetRequest', { keyJson: [null, 'MQ=='], fields: null })), '0a0131');
  t.equal(hexOf(encodeJson('HostServiceJobsRegisterRequest', { contract: null })), '');
});

t.test('integers beyond 2^53 − 1 are text in JSON and exact', async (t) => {
  const hex = '08ffffffffffffffff7f';
  t.strictSame(decodeToJson('HostServiceLockAcquireRequest', unhex(hex)), { leaseMillis: '9223372036854775807' });
  t.equal(hexOf(encodeJson('HostServiceLockAcquireRequest', { leaseMillis: '9223372036854775807' })), hex);
  t.strictSame(decodeToJson('HostServiceLockAcquireRequest', unhex('08ffffffffffffff0f')), {
    leaseMillis: 9007199254740991,
  });
});

t.test('a key named __proto__ is a key like others', async (t) => {
  const json = JSON.parse('{"request":{"cookies":{"__proto__":"v"}}}');
  const bytes = encodeJson('RequestEnvelope', json);
  t.equal(hexOf(bytes), '1a1062 0e 0a095f5f70726f746f5f5f120176'.replaceAll(' ', ''));
  t.equal(
    JSON.stringify(decodeToJson('RequestEnvelope', bytes)),
    '{"pluginId":"","request":{"cookies":{"__proto__":"v"}}}',
  );
});

t.test('an empty byte string in a list is null in JSON, as Go writes it', async (t) => {
  t.strictSame(decodeToJson('HostServiceDataListResponse', unhex('0a000a0131')), { records: [null, 'MQ=='] });
});

t.test('a job that nothing names has no contract in JSON', async (t) => {
  t.strictSame(decodeToJson('HostServiceJobsRegisterRequest', unhex('12014440014801')), {});
  t.strictSame(decodeToJson('HostServiceJobsRegisterRequest', unhex('0a016a')), {
    contract: { name: 'j', pattern: '', requestType: '' },
  });
});
