import t from 'tap';
import {
  decodeResponseEnvelope,
  encodeRequest,
  encodeRequestEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  requestEnvelopeBytes,
} from '../../src/protocol/envelope.js';
import { decodeRequestEnvelope, encodeResponseEnvelope } from '../../src/protocol/envelope-guest.js';
import { failureResponse } from '../../src/protocol/failures.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (hex: string) => Buffer.from(hex, 'hex');
const bytes = (text: string) => Buffer.from(text);
const request = (envelope: Partial<RequestEnvelope>): RequestEnvelope => ({ pluginId: '', requestId: '', ...envelope });

const E5 = request({
  pluginId: 'demo',
  route: {
    method: 'GET',
    publicPath: '/x/demo/a/7',
    internalPath: '/a/7',
    routePath: '/a/{id}',
    access: 'login',
    permission: 'demo:a:view',
    requestType: 'AReq',
    pathParams: { id: '7' },
    queryValues: { q: ['1', '2'], b: [''], e: [] },
  },
  requestId: 'demo:GET:/a/7',
});
const E5_HEX =
  '0a0464656d6f125b0a03474554120b2f782f64656d6f2f612f371a042f612f3722072f612f7b69647d2a056c6f67696e320b64656d6f3a613a766965773a044152657142070a0269641201374a050a016212004a030a01654a090a01711201311201322a0d64656d6f3a4745543a2f612f37';

const LIFECYCLE = '/__lifecycle/before-install';

const ENCODED: readonly (readonly [id: string, envelope: RequestEnvelope, hex: string])[] = [
  ['E1', request({ pluginId: 'p' }), '0a0170'],
  ['E2', request({}), ''],
  ['E3', request({ pluginId: ' p ', requestId: ' r\t' }), '0a01702a0172'],
  ['E4', request({ route: {}, request: {}, identity: {} }), '12001a002200'],
  ['E5', E5, E5_HEX],
  [
    'E6',
    request({
      request: {
        method: 'POST',
        publicPath: '/x/d/a',
        internalPath: '/a',
        rawPath: '/x/d/a',
        rawQuery: 'q=1',
        host: 'h:1',
        scheme: '',
        remoteAddr: '1.2.3.4:5',
        clientIp: '1.2.3.4',
        contentType: 'application/json',
        headers: { 'X-B': ['2'], Accept: ['a/b', ' c/d '] },
        cookies: { k: ' v ', e: '' },
        body: bytes(' {} '),
      },
    }),
    '1a7d0a04504f535412062f782f642f611a022f6122062f782f642f612a03713d313203683a314209312e322e332e343a354a07312e322e332e3452106170706c69636174696f6e2f6a736f6e5a120a064163636570741203612f621203632f645a080a03582d4212013262050a0165120062060a016b1201766a04207b7d20',
  ],
  [
    'E7',
    request({
      identity: {
        tokenId: 't1',
        userId: 1,
        username: 'admin',
        status: 1,
        permissions: ['a:b:c', ' ', 'd:e:f '],
        roleNames: ['R'],
        isSuperAdmin: true,
        dataScope: 1,
        dataScopeUnsupported: true,
        unsupportedDataScope: 99,
        tenantId: 22,
        actingUserId: 7,
        actingAsTenant: true,
        isImpersonation: true,
      },
    }),
    '22300a02743110011a0561646d696e20012a05613a623a632a05643a653a6632015238014001480150635816600768017001',
  ],
  ['E8', request({ identity: { userId: -1 } }), '220b10ffffffffffffffffff01'],
  [
    'E9',
    request({
      pluginId: 'demo',
      route: {
        publicPath: '',
        internalPath: '/register-jobs',
        routePath: '/register-jobs',
        requestType: 'RegisterJobsReq',
      },
      requestId: 'abc',
    }),
    '0a0464656d6f12311a0e2f72656769737465722d6a6f6273220e2f72656769737465722d6a6f62733a0f52656769737465724a6f62735265712a03616263',
  ],
  [
    'E10',
    request({
      pluginId: 'demo',
      route: {
        method: 'POST',
        publicPath: LIFECYCLE,
        internalPath: LIFECYCLE,
        routePath: LIFECYCLE,
        requestType: 'BeforeInstallReq',
      },
      request: {
        method: 'POST',
        publicPath: LIFECYCLE,
        internalPath: LIFECYCLE,
        rawPath: LIFECYCLE,
        contentType: 'application/json',
        body: bytes('{"pluginId":"demo","operation":"BeforeInstall"}'),
      },
      requestId: 'abc',
    }),
    '0a0464656d6f126f0a04504f5354121b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c1a1b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c221b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c3a104265666f7265496e7374616c6c5265711aa0010a04504f5354121b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c1a1b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c221b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c52106170706c69636174696f6e2f6a736f6e6a2f7b22706c7567696e4964223a2264656d6f222c226f7065726174696f6e223a224265666f7265496e7374616c6c227d2a03616263',
  ],
];

for (const [id, envelope, hex] of ENCODED) {
  t.test(`${id}: a request is encoded as the reference does`, async (t) => {
    t.equal(hexOf(encodeRequest(envelope)), hex);
    t.equal(requestEnvelopeBytes(envelope), hex.length / 2);
    const slot = new Uint8Array(new SharedArrayBuffer(hex.length / 2 + 3));
    t.equal(encodeRequestEnvelope(envelope, slot, 3), hex.length / 2);
    t.equal(hexOf(slot.slice(3)), hex);
  });
}

const RESPONSES: readonly (readonly [id: string, response: Partial<ResponseEnvelope>, hex: string])[] = [
  [
    'E11',
    { statusCode: 200, contentType: 'application/json', body: bytes('{"ok":true}') },
    '08c80112106170706c69636174696f6e2f6a736f6e220b7b226f6b223a747275657d',
  ],
  [
    'E12',
    failureResponse(400),
    '0890031219746578742f706c61696e3b20636861727365743d7574662d38220b42616420526571756573742a1a0a0b4241445f52455155455354120b4261642052657175657374',
  ],
  [
    'E13',
    failureResponse(401),
    '0891031219746578742f706c61696e3b20636861727365743d7574662d38220c556e617574686f72697a65642a1c0a0c554e415554484f52495a4544120c556e617574686f72697a6564',
  ],
  [
    'E14',
    failureResponse(403),
    '0893031219746578742f706c61696e3b20636861727365743d7574662d382209466f7262696464656e2a160a09464f5242494444454e1209466f7262696464656e',
  ],
  [
    'E15',
    failureResponse(404),
    '0894031219746578742f706c61696e3b20636861727365743d7574662d3822094e6f7420466f756e642a160a094e4f545f464f554e4412094e6f7420466f756e64',
  ],
  [
    'E16',
    failureResponse(500, ' boom '),
    '08f4031219746578742f706c61696e3b20636861727365743d7574662d382204626f6f6d2a160a0e494e5445524e414c5f4552524f521204626f6f6d',
  ],
  [
    'E17',
    { statusCode: 204, headers: { 'X-A': ['1', '2'], 'Set-Cookie': ['a=b'] } },
    '08cc011a110a0a5365742d436f6f6b69651203613d621a0b0a03582d41120131120132',
  ],
  ['E18', { statusCode: 200, failure: { code: '', message: '' } }, '08c8012a00'],
  [
    'E19',
    { statusCode: 200, headers: { ' b': ['1'], a: ['2'], Z: [], '': ['x'] } },
    '08c8011a050a001201781a060a01621201311a030a015a1a060a0161120132',
  ],
  ['E20', { statusCode: -1, contentType: '  ' }, '08ffffffffffffffffff01'],
];

for (const [id, response, hex] of RESPONSES) {
  t.test(`${id}: a response is encoded as the reference does`, async (t) => {
    t.equal(hexOf(encodeResponseEnvelope(response)), hex);
  });
}

const REQUESTS_DECODED: readonly (readonly [id: string, hex: string, result: Partial<RequestEnvelope> | string])[] = [
  ['F1', '0a01709a0603616263', { pluginId: 'p' }],
  ['F2', '0a0170980601', { pluginId: 'p' }],
  ['F3', '0a01709d0601020304', { pluginId: 'p' }],
  ['F4', '0a01709b0608019c06', { pluginId: 'p' }],
  ['F5', '0a01709c06', 'failed to skip unknown bridge request field'],
  ['F6', '080170', { pluginId: 'p' }],
  ['F7', '0a0570', 'failed to decode bridge request pluginId'],
  ['F8', '0a017000', 'failed to decode bridge request tag'],
  ['F9', '0a01700a0171', { pluginId: 'q' }],
  ['F10', '12050a034745541203220178', { route: { routePath: 'x' } }],
  ['F11', '220438023801', { identity: { isSuperAdmin: true } }],
  ['F12', '22022a00', { identity: { permissions: [''] } }],
  ['F13', '220b1080808080f8ffffffff01', { identity: { userId: -2147483648 } }],
  ['F14', '2203380210', 'failed to decode identity snapshot userId'],
  ['F15', '120842060a0120120161', { route: {} }],
  ['F16', '120542030a016b', { route: { pathParams: { k: '' } } }],
  ['F17', '1a036a0100', { request: { body: Buffer.from([0]) } }],
];

for (const [id, hex, result] of REQUESTS_DECODED) {
  t.test(`${id}: a request is decoded as the reference does`, async (t) => {
    if (typeof result === 'string') {
      t.throws(() => decodeRequestEnvelope(unhex(hex)), { code: 'SBX_WIRE_INVALID', message: result });
    } else t.same(decodeRequestEnvelope(unhex(hex)), request(result));
  });
}

const EMPTY = { statusCode: 0, contentType: '', headers: {}, body: Buffer.alloc(0) };
const RESPONSES_DECODED: readonly (readonly [id: string, hex: string, result: Partial<ResponseEnvelope> | string])[] = [
  ['F18', '', {}],
  ['F19', '08c80108f403', { statusCode: 500 }],
  ['F20', '08ffffffffffffffffff01', { statusCode: -1 }],
  ['F21', '08ffffffffffffffffff02', 'failed to decode bridge response statusCode'],
  ['F22', '08808080801008c801', { statusCode: 200 }],
  ['F23', '1a060a01611201311a060a0161120132', { headers: { a: ['2'] } }],
  ['F24', '1a090a0161120131120132', { headers: { a: ['1', '2'] } }],
  ['F25', '1a030a0161', { headers: { a: [] } }],
  ['F26', '1a060a0120120161', {}],
  ['F27', '1203206120', { contentType: ' a ' }],
  ['F28', '2a050a014e12002a0312014d', { failure: { code: '', message: 'M' } }],
  ['F29', '220161220162', { body: bytes('b') }],
  ['F30', 'deadbeef', 'failed to decode bridge response tag'],
  ['F31', '08c801ff', 'failed to decode bridge response tag'],
];

for (const [id, hex, result] of RESPONSES_DECODED) {
  t.test(`${id}: a response is decoded as the reference does`, async (t) => {
    if (typeof result === 'string') {
      t.throws(() => decodeResponseEnvelope(unhex(hex)), { code: 'SBX_WIRE_INVALID', message: result });
    } else t.same(decodeResponseEnvelope(unhex(hex)), { ...EMPTY, ...result });
  });
}

t.test('a request that does not fit is refused and leaves the bytes beyond its place alone', async (t) => {
  const size = E5_HEX.length / 2;
  for (let room = 0; room < size; room++) {
    const buffer = new Uint8Array(new SharedArrayBuffer(size + 8)).fill(0xaa);
    t.equal(encodeRequestEnvelope(E5, buffer.subarray(0, 2 + room), 2), -1);
    t.ok(
      buffer.subarray(2 + room).every((byte) => byte === 0xaa),
      `with room for ${room} bytes`,
    );
  }
});

t.test('a request fits into exactly its size, whatever lengths its parts have', async (t) => {
  for (const length of [1, 20, 27, 60, 90, 126, 127, 128, 129, 200, 16300, 16380, 16384, 16390]) {
    const text = 'x'.repeat(length);
    const envelope = request({
      route: { publicPath: text, pathParams: { [text]: text } },
      request: { headers: { a: [text, 'b'] }, body: bytes(text) },
      identity: { permissions: [text] },
    });
    const expected = encodeRequest(envelope);
    const buffer = Buffer.alloc(expected.length);
    t.equal(encodeRequestEnvelope(envelope, buffer), expected.length, `${length}`);
    t.ok(buffer.equals(expected));
    t.equal(encodeRequestEnvelope(envelope, buffer.subarray(1)), -1);
  }
});

t.test('text beyond ASCII is UTF-8, and a lone surrogate is U+FFFD', async (t) => {
  t.equal(hexOf(encodeRequest(request({ pluginId: 'é€😀' }))), '0a09c3a9e282acf09f9880');
  t.equal(hexOf(encodeRequest(request({ pluginId: 'a\ud800b' }))), '0a0561efbfbd62');
  const long = 'é'.repeat(100);
  t.equal(decodeRequestEnvelope(encodeRequest(request({ pluginId: long }))).pluginId, long);
});

t.test('map keys are in the order of their UTF-8 bytes', async (t) => {
  const cookies = { '\u{1f600}': '1', '\uff5e': '2', '\ud7ff': '3', a: '4', Z: '5', aa: '6' };
  const order = Object.keys(
    decodeRequestEnvelope(encodeRequest(request({ request: { cookies } }))).request?.cookies ?? {},
  );
  t.strictSame(order, ['Z', 'a', 'aa', '\ud7ff', '\uff5e', '\u{1f600}']);
});

t.test('the order holds for many keys too', async (t) => {
  const names = Array.from({ length: 60 }, (_, i) => `k${String((i * 37) % 60).padStart(2, '0')}`);
  const cookies = Object.fromEntries(names.map((name) => [name, '']));
  const order = Object.keys(
    decodeRequestEnvelope(encodeRequest(request({ request: { cookies } }))).request?.cookies ?? {},
  );
  t.strictSame(order, [...names].sort());
});

t.test('a decoded body is a copy: the slot may be used again', async (t) => {
  const slot = new Uint8Array(new SharedArrayBuffer(8));
  slot.set(unhex('2203616263'));
  const { body } = decodeResponseEnvelope(slot.subarray(0, 5));
  slot.fill(0);
  t.equal(Buffer.from(body).toString(), 'abc');
});

t.test('strings are read from shared memory', async (t) => {
  const text = 'text/plain; charset=utf-8; name="é"';
  const encoded = encodeResponseEnvelope({ contentType: text, headers: { 'X-Ü': ['ä'] } });
  const slot = new Uint8Array(new SharedArrayBuffer(encoded.length));
  slot.set(encoded);
  t.match(decodeResponseEnvelope(slot), { contentType: text, headers: { 'X-Ü': ['ä'] } });
});

t.test('a header named __proto__ is a header', async (t) => {
  const { headers } = decodeResponseEnvelope(unhex('1a0e0a095f5f70726f746f5f5f120176'));
  t.strictSame(Object.keys(headers), ['__proto__']);
  t.equal(Object.getPrototypeOf(headers), null);
});

t.test('invalid UTF-8 becomes one U+FFFD for each byte, as in Go', async (t) => {
  for (const [hex, text] of [
    ['61ff62', 'a\ufffdb'],
    ['e28261', '\ufffd\ufffda'],
    ['f09f98', '\ufffd\ufffd\ufffd'],
    ['eda080', '\ufffd\ufffd\ufffd'],
    ['c080c3a9', '\ufffd\ufffdé'],
    ['efbfbdff', '\ufffd\ufffd'],
    ['f4908080', '\ufffd\ufffd\ufffd\ufffd'],
    ['efbbbf61', '\ufeffa'],
  ] as const) {
    const length = (hex.length / 2).toString(16).padStart(2, '0');
    t.equal(decodeResponseEnvelope(unhex(`12${length}${hex}`)).contentType, text, hex);
  }
});

t.test('a standard failure without a default keeps its code', async (t) => {
  t.match(failureResponse(409, 'Plugin a requires runtime upgrade'), {
    statusCode: 409,
    contentType: 'text/plain; charset=utf-8',
    failure: { code: 'PLUGIN_RUNTIME_UPGRADE_REQUIRED', message: 'Plugin a requires runtime upgrade' },
  });
  t.match(failureResponse(501, 'x').failure, { code: 'BRIDGE_NOT_IMPLEMENTED', message: 'x' });
});
