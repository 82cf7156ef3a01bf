import t from 'tap';
import {
  decodeHostCallRequest,
  decodeHostCallResponse,
  decodeJsonRequest,
  encodeErrorPayload,
  encodeHexValueResponse,
  encodeHostCallRequest,
  encodeHostCallResponse,
  encodeIntegerResponse,
  encodeJsonResponse,
  encodeJsonText,
  encodeValueResponse,
  failedResponse,
  goJson,
  type HostCallFailure,
  type HostCallRequest,
  hostCallResponseBytes,
  jsonMember,
  writeHostCallResponse,
} from '../../src/protocol/host-call.js';
import { decodePayload } from '../../src/protocol/payloads.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (hex: string) => Buffer.from(hex, 'hex');
const NONE = Buffer.alloc(0);
const ok = (payload: Uint8Array) => ({ status: 0, payload });
const call = (request: Partial<HostCallRequest>): HostCallRequest => ({
  service: '',
  method: '',
  resourceRef: '',
  table: '',
  payload: NONE,
  owner: '',
  version: '',
  ...request,
});

const RESPONSES = [
  ['E21', ok(NONE), ''],
  ['E22', ok(Buffer.from('hi')), '12026869'],
  [
    'E23',
    failedResponse(2, { message: '' }),
    '080212747b226572726f72436f6465223a22484f53545f43414c4c5f4e4f545f464f554e44222c226d6573736167654b6579223a226572726f722e686f73745f63616c6c2e6e6f745f666f756e64222c2266616c6c6261636b223a22486f73742063616c6c20746172676574206e6f7420666f756e64227d',
  ],
  [
    'E24',
    failedResponse(1, { message: ' plugin a lacks capability host:runtime ' }),
    '08011290017b226572726f72436f6465223a22484f53545f43414c4c5f4341504142494c4954595f44454e494544222c226d6573736167654b6579223a226572726f722e686f73745f63616c6c2e6361706162696c6974795f64656e696564222c2266616c6c6261636b223a22706c7567696e2061206c61636b73206361706162696c69747920686f73743a72756e74696d65227d',
  ],
] as const;

for (const [id, response, hex] of RESPONSES) {
  t.test(`${id}: a host-call response is encoded as the reference does`, async (t) => {
    t.equal(hexOf(encodeHostCallResponse(response)), hex);
    t.equal(hostCallResponseBytes(response), hex.length / 2);
    const memory = new Uint8Array(hex.length / 2 + 4);
    t.equal(writeHostCallResponse(response, memory, 4), hex.length / 2);
    t.equal(hexOf(memory.subarray(4)), hex);
  });
}

t.test('a host-call response that does not fit leaves the bytes beyond its place alone', async (t) => {
  const memory = new Uint8Array(12).fill(0xaa);
  const response = { status: 300, payload: Buffer.from('abc') };
  t.equal(hexOf(encodeHostCallResponse(response)), '08ac021203616263');
  for (let room = 0; room < 8; room++) {
    t.equal(writeHostCallResponse(response, memory.subarray(0, 2 + room), 2), -1);
    t.ok(memory.subarray(2 + room).every((byte) => byte === 0xaa));
  }
  t.equal(writeHostCallResponse(response, memory.subarray(0, 10), 2), 8);
});

const REQUESTS = [
  ['E25', call({ service: 'runtime', method: 'info.uuid' }), '0a0772756e74696d651209696e666f2e75756964'],
  [
    'E26',
    call({ service: ' storage', method: 'get\n', resourceRef: 'a/b.txt', payload: unhex('0a07612f622e747874') }),
    '0a0773746f7261676512036765741a07612f622e7478742a090a07612f622e747874',
  ],
  [
    'E27',
    call({ service: 'data', method: 'list', table: 'plugin_demo_t' }),
    '0a046461746112046c697374220d706c7567696e5f64656d6f5f74',
  ],
  [
    'E28',
    call({
      service: 'ai',
      method: 'text.generate',
      payload: encodeJsonText('{}'),
      owner: 'linapro-ai-core',
      version: 'v1',
    }),
    '0a026169120d746578742e67656e65726174652a040a027b7d320f6c696e6170726f2d61692d636f72653a027631',
  ],
] as const;

for (const [id, request, hex] of REQUESTS) {
  t.test(`${id}: a host-call request is encoded as the guest SDK does`, async (t) => {
    t.equal(hexOf(encodeHostCallRequest(request)), hex);
    const { service, method } = decodeHostCallRequest(unhex(hex));
    t.strictSame([service, method], [request.service.trim(), request.method.trim()]);
  });
}

t.test('E29: a value response holds one trimmed string', async (t) => {
  t.equal(hexOf(encodeValueResponse('node-a')), '0a066e6f64652d61');
  t.equal(hexOf(encodeValueResponse(' \u0085node-a\u3000')), '0a066e6f64652d61');
  t.equal(hexOf(encodeValueResponse(' ')), '');
});

t.test('E30: a JSON request holds JSON text', async (t) => {
  t.equal(hexOf(encodeJsonText('{"ids":["1"]}')), '0a0d7b22696473223a5b2231225d7d');
  t.strictSame(decodeJsonRequest(unhex('0a0d7b22696473223a5b2231225d7d')), { ids: ['1'] });
});

t.test('E31: a JSON response holds JSON text', async (t) => {
  t.equal(hexOf(encodeJsonResponse(true)), '0a0474727565');
  t.equal(hexOf(encodeJsonResponse(undefined)), '0a046e756c6c');
});

t.test('F32: a truncated payload of a host-call response is named', async (t) => {
  t.throws(() => decodeHostCallResponse(unhex('0801120568')), {
    code: 'SBX_WIRE_INVALID',
    message: 'failed to decode host call response payload',
  });
});

t.test('F33: a status is unsigned', async (t) => {
  t.equal(decodeHostCallResponse(unhex('08ffffffff1f')).status, 4294967295);
});

t.test('F34: an unknown field of a host-call request is passed over', async (t) => {
  t.match(decodeHostCallRequest(unhex('0a0772756e74696d651209696e666f2e75756964420161')), {
    service: 'runtime',
    method: 'info.uuid',
  });
});

t.test('F35: a host-call request without a valid tag is refused', async (t) => {
  t.throws(() => decodeHostCallRequest(unhex('ff')), {
    code: 'SBX_WIRE_INVALID',
    message: 'failed to decode host service request tag',
  });
});

t.test('a host-call request is decoded as it came, untrimmed', async (t) => {
  t.equal(decodeHostCallRequest(unhex('0a03206120')).service, ' a ');
});

const DEFAULTS = [
  [1, 133, 'HOST_CALL_CAPABILITY_DENIED', 'error.host_call.capability_denied', 'Host call capability denied'],
  [2, 116, 'HOST_CALL_NOT_FOUND', 'error.host_call.not_found', 'Host call target not found'],
  [3, 127, 'HOST_CALL_INVALID_REQUEST', 'error.host_call.invalid_request', 'Invalid host call request'],
  [4, 116, 'HOST_CALL_INTERNAL_ERROR', 'error.host_call.internal_error', 'Host call failed'],
  [5, 100, 'HOST_CALL_FAILED', 'error.host_call.failed', 'Host call failed'],
] as const;

for (const [status, length, errorCode, messageKey, fallback] of DEFAULTS) {
  t.test(`status ${status} has a default code, key and text`, async (t) => {
    const payload = encodeErrorPayload(status, { message: ' ' });
    t.equal(payload.length, length);
    t.equal(Buffer.from(payload).toString(), JSON.stringify({ errorCode, messageKey, fallback }));
  });
}

const PAYLOADS: readonly (readonly [title: string, failure: HostCallFailure, json: string])[] = [
  [
    'a coded failure derives its key from the parts of the code',
    { errorCode: 'CAPABILITY_DENIED', message: 'Capability access is denied' },
    '{"errorCode":"CAPABILITY_DENIED","messageKey":"error.capability.denied","fallback":"Capability access is denied"}',
  ],
  [
    'empty parts of a code are left out of the key',
    { errorCode: ' __A--B.c D ', message: 'x' },
    '{"errorCode":"__A--B.c D","messageKey":"error.a.b.c.d","fallback":"x"}',
  ],
  [
    'a key of its own is kept',
    { errorCode: 'A_B', messageKey: 'k', message: 'x' },
    '{"errorCode":"A_B","messageKey":"k","fallback":"x"}',
  ],
  [
    'parameters are in the order of their names',
    { errorCode: 'A', messageParams: { limit: 100, a: [1], B: 'x' }, message: 'over {limit}' },
    '{"errorCode":"A","messageKey":"error.a","messageParams":{"B":"x","a":[1],"limit":100},"fallback":"over {limit}"}',
  ],
  [
    'no parameters are no member',
    { errorCode: 'A', messageParams: {}, message: 'x' },
    '{"errorCode":"A","messageKey":"error.a","fallback":"x"}',
  ],
  [
    'text is escaped for HTML',
    { errorCode: 'A', messageParams: { '<': '>' }, message: ' a<b>&c\u2028\u2029é ' },
    '{"errorCode":"A","messageKey":"error.a","messageParams":{"\\u003c":"\\u003e"},"fallback":"a\\u003cb\\u003e\\u0026c\\u2028\\u2029é"}',
  ],
  [
    'a coded failure without a text has the default of its status',
    { errorCode: 'A', message: '' },
    '{"errorCode":"A","messageKey":"error.a","fallback":"Invalid host call request"}',
  ],
];

for (const [title, failure, json] of PAYLOADS) {
  t.test(`error payload: ${title}`, async (t) => {
    t.equal(Buffer.from(encodeErrorPayload(3, failure)).toString(), json);
  });
}

t.test('JSON is written as Go writes it', async (t) => {
  t.equal(goJson({ html: '<a href="x">&</a>' }), '{"html":"\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e"}');
  t.equal(goJson('plain é'), '"plain é"');
  t.equal(goJson(undefined), 'null');
});

t.test('a JSON request without bytes or without text has no arguments', async (t) => {
  t.equal(decodeJsonRequest(NONE), undefined);
  t.equal(decodeJsonRequest(unhex('0a00')), undefined);
});

t.test('broken JSON of a request is refused, with the parser’s error as its cause', async (t) => {
  try {
    decodeJsonRequest(encodeJsonText('{'));
    t.fail('nothing was thrown');
  } catch (error) {
    t.match(error, { code: 'SBX_WIRE_INVALID', message: /^decode capability JSON request failed: ./ });
    t.ok((error as Error).cause instanceof SyntaxError);
  }
  t.throws(() => decodeJsonRequest(unhex('0a05')), { message: 'failed to decode host service JSON request value' });
});

t.test('a member of a JSON request is found in any letter case; null leaves it unset; the last one wins', async (t) => {
  t.strictSame(jsonMember({ IDS: ['1'] }, 'ids'), ['1']);
  t.strictSame(jsonMember({ ids: ['1'], IDS: ['2'] }, 'ids'), ['2']);
  t.strictSame(jsonMember({ ids: ['1'], IDS: null }, 'ids'), ['1']);
  t.equal(jsonMember({ ids: null }, 'ids'), undefined);
  t.equal(jsonMember({ other: 1 }, 'ids'), undefined);
  for (const json of [null, undefined, 'ids', ['ids']]) t.equal(jsonMember(json, 'ids'), undefined);
});

t.test('whole numbers and ids are value responses like any other text', async (t) => {
  const numbers = [0, 7, 10, 99_999_999, 100_000_000, 100_000_001, 1763480430000, 1_000_000_000_000, 2 ** 53 - 1];
  for (const number of [...numbers, -1, -1763480430000, 0.5, 1e21, Number.NaN])
    t.equal(hexOf(encodeIntegerResponse(number)), hexOf(encodeValueResponse(String(number))), `${number}`);
  const bytes = Uint8Array.from({ length: 80 }, (_, i) => i * 37);
  for (const count of [0, 1, 16, 31, 32, 70])
    t.equal(
      hexOf(encodeHexValueResponse(bytes, 5, 5 + count)),
      hexOf(encodeValueResponse(Buffer.from(bytes.subarray(5, 5 + count)).toString('hex'))),
      `${count}`,
    );
});

t.test('short and long values, with blanks around them and of any script, are written the same', async (t) => {
  for (const text of ['node-a', ' node-a\n', 'a'.repeat(62), 'a'.repeat(63), 'ä', ' ', ''])
    t.equal(decodePayload('HostServiceValueResponse', encodeValueResponse(text)).value, text.trim(), text);
});

t.test('the rest of a payload is written where the response goes, and nothing outside', async (t) => {
  const rest = { bytes: 200, readInto: (target: Uint8Array) => void target.fill(7), close() {} };
  const response = { status: 0, payload: Buffer.from('head'), rest };
  const whole = encodeHostCallResponse(response);
  t.equal(whole.length, hostCallResponseBytes(response));
  const { status, payload } = decodeHostCallResponse(whole);
  t.equal(status, 0);
  t.equal(hexOf(payload), `68656164${'07'.repeat(200)}`);
  const memory = new Uint8Array(300);
  t.equal(writeHostCallResponse(response, memory.subarray(0, 250), 10), whole.length);
  t.equal(memory[9], 0);
  t.equal(memory[10 + whole.length], 0);
  t.equal(writeHostCallResponse(response, memory.subarray(0, 100), 10), -1);
});
