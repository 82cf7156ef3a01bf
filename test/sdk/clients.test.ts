import { readdir } from 'node:fs/promises';
import t from 'tap';
import {
  encodeHostCallRequest,
  encodeJsonResponse,
  encodeValueResponse,
  failedResponse,
} from '../../src/protocol/host-call.js';
import { assemblyScriptGuest } from '../guest-modules.js';
import { bodyOf, type HostReply, hex, requestOf, startGuest } from './guest.js';

const probe = await assemblyScriptGuest('probe');
const fromHex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const replying = (payload: string): HostReply => ({ payload: fromHex(payload) });
const json = (value: unknown): HostReply => ({ payload: encodeJsonResponse(value) });
const jsonPayload = (value: unknown): string => hex(encodeJsonResponse(value));

interface ClientCase {
  readonly call: string;
  readonly query?: Record<string, string | string[]>;
  readonly reply?: HostReply;
  /** service, method, resource reference */
  readonly target: readonly [string, string, string?];
  readonly payload: string;
  readonly answer: string;
}

// payloads and replies as in spec/host-services.md §29
const CASES: ClientCase[] = [
  {
    call: 'log',
    target: ['runtime', 'log.write'],
    payload: '0804120568656c6c6f1a060a01611201311a060a0162120132',
    answer: 'true',
  },
  { call: 'log.debug', target: ['runtime', 'log.write'], payload: '0801120164', answer: 'true' },
  { call: 'log.warning', target: ['runtime', 'log.write'], payload: '0803120177', answer: 'true' },
  {
    call: 'state.get',
    reply: replying('0a01761001'),
    target: ['runtime', 'state.get'],
    payload: '0a016b',
    answer: '"v"',
  },
  { call: 'state.get', target: ['runtime', 'state.get'], payload: '0a016b', answer: 'null' },
  { call: 'state.set', target: ['runtime', 'state.set'], payload: '0a016b1203207620', answer: 'true' },
  { call: 'state.delete', target: ['runtime', 'state.delete'], payload: '0a016b', answer: 'true' },
  {
    call: 'state.getMany',
    reply: replying('0a2e7b2276616c756573223a7b226b223a2276227d2c226d697373696e674b657973223a5b226d697373696e67225d7d'),
    target: ['runtime', 'state.get_many'],
    payload: '0a187b226b657973223a5b226b222c226d697373696e67225d7d',
    answer: '{"k":"v"}',
  },
  {
    call: 'state.setMany',
    target: ['runtime', 'state.set_many'],
    payload: '0a1c7b2276616c756573223a7b2261223a2231222c2262223a2232227d7d',
    answer: 'true',
  },
  {
    call: 'state.deleteMany',
    target: ['runtime', 'state.delete_many'],
    payload: jsonPayload({ keys: ['a', 'b'] }),
    answer: 'true',
  },
  {
    call: 'now',
    reply: replying('0a0d31373736333034383030303030'),
    target: ['runtime', 'info.now'],
    payload: '',
    answer: '1776304800000',
  },
  {
    call: 'uuid',
    reply: { payload: encodeValueResponse('abc') },
    target: ['runtime', 'info.uuid'],
    payload: '',
    answer: '"abc"',
  },
  {
    call: 'node',
    reply: replying('0a066e6f64652d61'),
    target: ['runtime', 'info.node'],
    payload: '',
    answer: '"node-a"',
  },
  {
    call: 'manifest.get',
    reply: replying('0801120b6e616d653a2064656d6f0a'),
    target: ['manifest', 'get', 'config/profile.yaml'],
    payload: '0a13636f6e6669672f70726f66696c652e79616d6c',
    answer: '"name: demo\\n"',
  },
  {
    call: 'manifest.get',
    target: ['manifest', 'get', 'config/profile.yaml'],
    payload: '0a13636f6e6669672f70726f66696c652e79616d6c',
    answer: 'null',
  },
  {
    call: 'manifest.getMany',
    query: { path: ['config/a.yaml', 'config/b.yaml'] },
    reply: replying(
      '0a5b7b227265736f7572636573223a5b7b2270617468223a22636f6e6669672f612e79616d6c222c22626f6479223a2259546f674d516f3d227d5d2c226d697373696e675061746873223a5b22636f6e6669672f622e79616d6c225d7d',
    ),
    target: ['manifest', 'get_many', 'config/'],
    payload: '0a2b7b227061746873223a5b22636f6e6669672f612e79616d6c222c22636f6e6669672f622e79616d6c225d7d',
    answer: '{"config/a.yaml":"a: 1\\n"}',
  },
  {
    call: 'manifest.list',
    query: { prefix: 'config' },
    reply: json({ resources: [{ path: 'config/a.yaml', size: 5 }], limit: 10 }),
    target: ['manifest', 'list', 'config/.manifest-list-probe'],
    payload: '0a1e7b22707265666978223a22636f6e666967222c226c696d6974223a31307d',
    answer: '["config/a.yaml:5"]',
  },
  {
    call: 'manifest.list',
    query: { prefix: '' },
    reply: json({ resources: [], limit: 10 }),
    target: ['manifest', 'list', '.manifest-list-probe'],
    payload: '0a187b22707265666978223a22222c226c696d6974223a31307d',
    answer: '[]',
  },
  {
    call: 'config',
    reply: replying('0a0522343573221001'),
    target: ['plugins', 'config.get'],
    payload: '0a106d6f6e69746f722e696e74657276616c',
    answer: '"45s"',
  },
  {
    call: 'config',
    target: ['plugins', 'config.get'],
    payload: '0a106d6f6e69746f722e696e74657276616c',
    answer: 'missing',
  },
  {
    call: 'hostconfig',
    reply: replying('0a08222f61646d696e221001'),
    target: ['hostconfig', 'get', 'workspace.basePath'],
    payload: '0a12776f726b73706163652e6261736550617468',
    answer: '"/admin"',
  },
  {
    call: 'hostconfig.string',
    reply: replying('0a08222f61646d696e221001'),
    target: ['hostconfig', 'get', 'workspace.basePath'],
    payload: '0a12776f726b73706163652e6261736550617468',
    answer: '"/admin"',
  },
  {
    call: 'bizctx',
    reply: json({
      TokenID: 't',
      UserID: 7,
      Username: 'u',
      TenantID: 22,
      ActingUserID: 1,
      ActingAsTenant: true,
      Permissions: ['p'],
      DataScope: 2,
      UnsupportedDataScope: 9,
      PlatformBypass: true,
    }),
    target: ['bizctx', 'current.get'],
    payload: '',
    answer:
      '{"tokenId":"t","userId":7,"username":"u","tenantId":22,"actingUserId":1,"permissions":["p"],"scopes":[2,9],"flags":[true,false,false,false,true]}',
  },
  {
    call: 'bizctx',
    reply: json({ Permissions: null }),
    target: ['bizctx', 'current.get'],
    payload: '',
    answer:
      '{"tokenId":"","userId":0,"username":"","tenantId":0,"actingUserId":0,"permissions":[],"scopes":[0,0],"flags":[false,false,false,false,false]}',
  },
  {
    call: 'route',
    reply: json({
      PluginID: 'demo',
      Method: '',
      PublicPath: '/a/{id}',
      Tags: null,
      Meta: { executionSource: 'route', requestId: 'r' },
    }),
    target: ['route', 'metadata.get'],
    payload: '',
    answer: '["demo","/a/{id}","route","r"]',
  },
  {
    call: 'json',
    reply: json({ Items: {} }),
    target: ['users', 'users.batch_get'],
    payload: '0a0d7b22696473223a5b2231225d7d',
    answer: '{"Items":{}}',
  },
];

for (const { call, query, reply, target, payload, answer } of CASES) {
  t.test(`The client ${call} sends the bytes of the reference and gives ${answer}`, async (t) => {
    const guest = startGuest(probe, () => reply);
    t.equal(bodyOf(guest.ask(requestOf('ClientReq', { call, ...query }))), answer);
    const [service, method, resourceRef = ''] = target;
    t.match(guest.calls, [{ service, method, resourceRef, table: '', owner: '', version: '' }]);
    t.equal(hex(guest.calls[0]?.payload ?? fromHex('')), payload);
  });
}

// [helper, JSON text of the setting or none, answer]
const SETTINGS: [string, string | undefined, string][] = [
  ['config.string', '"45s"', '"45s"'],
  ['config.string', undefined, '"fallback"'],
  ['config.string', '7', 'setting k is not a text'],
  ['config.bool', 'false', 'false'],
  ['config.bool', undefined, 'true'],
  ['config.bool', '"true"', 'setting k is not true or false'],
  ['config.int', '3', '3'],
  ['config.int', undefined, '7'],
  ['config.int', '"3"', 'setting k is not a whole number'],
  ['config.int', '3.5', 'setting k is not a whole number'],
  ['config.duration', '"45s"', '45000'],
  ['config.duration', '"1h30m0.5s"', '5400500'],
  ['config.duration', '"-250ms"', '-250'],
  ['config.duration', undefined, '5'],
  ['config.duration', '45', 'setting k is not a duration such as 45s'],
  ['config.duration', '"45"', 'setting k is not a duration such as 45s'],
  ['config.duration', '"s"', 'setting k is not a duration such as 45s'],
  ['config.string', '{', 'value is not JSON: unexpected end'],
  ['hostconfig.bool', 'true', 'true'],
  ['hostconfig.int', '-9', '-9'],
  ['hostconfig.duration', '"2m"', '120000'],
];

for (const [call, setting, answer] of SETTINGS) {
  t.test(`The setting ${setting ?? '(none)'} read with ${call} is: ${answer}`, async (t) => {
    const found =
      setting === undefined ? undefined : replying(`0a${byte(setting.length)}${hex(Buffer.from(setting))}1001`);
    const body = bodyOf(startGuest(probe, () => found).ask(requestOf('ClientReq', { call })));
    t.equal(body.startsWith('{"status"') ? JSON.parse(body).message : body, answer);
  });
}

t.test('invoke sends every part of a host call, trimmed, and gives back the raw reply', async (t) => {
  const guest = startGuest(probe, () => replying('00ff0a'));
  const parts = {
    service: ' ai ',
    method: 'text.generate',
    ref: 'r',
    table: 't',
    owner: 'linapro-ai-core',
    version: 'v1',
  };
  const response = guest.ask(requestOf('InvokeReq', parts, '\n\u0002{}'));
  t.equal(hex(response.body), '00ff0a');
  const call = guest.calls[0];
  if (call === undefined) throw new Error('no call');
  t.equal(
    hex(encodeHostCallRequest(call)),
    '0a026169120d746578742e67656e65726174651a017222017' + '42a040a027b7d320f6c696e6170726f2d61692d636f72653a027631',
  );
});

// [status, message, code, text]
const ERRORS: [1 | 2 | 3 | 4, string, string, string][] = [
  [1, 'plugin a lacks capability host:runtime', 'HOST_CALL_CAPABILITY_DENIED', 'error.host_call.capability_denied'],
  [2, '', 'HOST_CALL_NOT_FOUND', 'error.host_call.not_found'],
  [3, 'a<b>&c', 'HOST_CALL_INVALID_REQUEST', 'error.host_call.invalid_request'],
  [4, 'é', 'HOST_CALL_INTERNAL_ERROR', 'error.host_call.internal_error'],
];

for (const [status, message, code, key] of ERRORS) {
  t.test(`A host call that fails with status ${status} is an error with code, key and sentence`, async (t) => {
    const reply = failedResponse(status, { message });
    const error = JSON.parse(bodyOf(startGuest(probe, () => reply).ask(requestOf('ClientReq', { call: 'uuid' }))));
    const payload = Buffer.from(reply.payload).toString();
    t.match(error, { status, code, key, text: `host call error (status=${status}): ${payload}` });
    t.equal(error.message, message === '' ? 'Host call target not found' : message);
  });
}

t.test('A business error keeps its parameters', async (t) => {
  const failure = {
    errorCode: 'CAPABILITY_LIMIT_EXCEEDED',
    messageParams: { limit: 255 },
    message: 'exceeds limit {limit}',
  };
  const body = bodyOf(
    startGuest(probe, () => failedResponse(3, failure)).ask(requestOf('ClientReq', { call: 'state.set' })),
  );
  t.match(JSON.parse(body), { status: 3, code: 'CAPABILITY_LIMIT_EXCEEDED', params: { limit: 255 } });
});

// [broken reply, message]
const BROKEN: [string, string, string][] = [
  ['uuid', '0a05', 'failed to decode host service value response value'],
  ['state.get', '0a', 'failed to decode host service state get response value'],
  ['bizctx', '0a017b', 'reply is not JSON: unexpected end'],
  ['now', '0a0178', "the host's time is no number: x"],
  ['manifest.get', '1205', 'failed to decode host service manifest get response body'],
];

for (const [call, payload, message] of BROKEN) {
  t.test(`A reply of ${call} that cannot be read is an error, not a trap: ${message}`, async (t) => {
    const body = bodyOf(startGuest(probe, () => replying(payload)).ask(requestOf('ClientReq', { call })));
    t.match(JSON.parse(body), { status: 4, message });
  });
}

// [paths, resource reference]
const COMMON: [string[], string][] = [
  [['a.yaml'], 'a.yaml'],
  [['c/a.yaml', 'c/a.yaml'], 'c/a.yaml'],
  [['c/a.yaml', 'c/d/b.yaml'], 'c/'],
  [['c/d/a.yaml', 'c/de/b.yaml'], 'c/'],
  [['c/d/a.yaml', 'c/d/b.yaml', 'c/d/e/f.yaml'], 'c/d/'],
  [['c/a', 'c/a/b'], 'c/'],
  [['a.yaml', 'b.yaml'], ''],
];

for (const [paths, resourceRef] of COMMON) {
  t.test(`A batch of ${paths.join(', ')} asks for the grant of "${resourceRef}"`, async (t) => {
    const guest = startGuest(probe, () => json({ resources: [] }));
    guest.ask(requestOf('ClientReq', { call: 'manifest.getMany', path: paths }));
    t.match(guest.calls, [{ resourceRef }]);
  });
}

function byte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

t.test('F058 only the guest library has a client of runtime: what the package exports has none', async (t) => {
  t.strictSame(Object.keys(await import('../../src/index.js')).sort(), ['ERRORS', 'SandpoolError']);
  const clients = await readdir(new URL('../../../src/sdk/assemblyscript/services/', import.meta.url));
  t.ok(clients.includes('runtime.ts'));
});
