/**
 * The conformance cases of `spec/host-services.md` §29 for runtime, cache, lock, hostconfig, manifest, plugins and notifications, byte
 * for byte: a guest in a worker forwards the bytes and answers with those of the host. Times, ids and tickets are checked by shape.
 */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { assembleWat } from '../guest-modules.js';
import { type RawReply, readRaw, serveRawCalls } from '../raw-calls.js';
import { startTestHost, type TestHost } from './host.js';

const CACHE_REF = 'host-call-demo-cache';
const HOST_SERVICES = [
  {
    service: 'runtime',
    methods: [
      'info.uuid',
      'info.now',
      'log.write',
      'state.get',
      'state.set',
      'state.get_many',
      'state.set_many',
      'state.delete_many',
    ],
  },
  {
    service: 'cache',
    methods: ['get', 'set', 'delete', 'incr', 'expire', 'get_many', 'set_many', 'delete_many'],
    resources: [{ ref: CACHE_REF }],
  },
  { service: 'lock', methods: ['acquire', 'renew', 'release'], resources: [{ ref: 'sync' }, { ref: 'other' }] },
  {
    service: 'hostconfig',
    methods: ['get', 'sys_config.get', 'sys_config.value.set', 'sys_config.reset'],
    resources: { keys: ['workspace.basePath', 'monitor.interval', 'demo.flag', 'cache'] },
  },
  { service: 'manifest', methods: ['get', 'get_many', 'list'], resources: { paths: ['config/'] } },
  { service: 'plugins', methods: ['config.get'] },
  {
    service: 'notifications',
    methods: ['messages.send', 'messages.delete', 'messages.list'],
    resources: [{ ref: 'inbox' }],
  },
];
const PARTS = {
  hostServices: HOST_SERVICES,
  manifestResources: {
    'manifest/config/profile.yaml': 'name: demo\n',
    'manifest/config/a.yaml': 'a: 1\n',
    'manifest/config/config.yaml': 'monitor:\n  interval: 45s\nflag: true\n',
  },
};

const text = (value: string) => Buffer.from(value).toString('hex');
/** RFC 3339 with or without a fraction, as hex, behind its length. */
const MOMENT = `(?:14|1[5-9]|1a|1b|18)(?:3[0-9]){4}2d(?:3[0-9]){2}2d(?:3[0-9]){2}54(?:3[0-9]){2}3a(?:3[0-9]){2}3a(?:3[0-9]){2}(?:2e(?:3[0-9]){1,9})?5a`;

type Expected = RegExp | { readonly status?: number; readonly error?: object; readonly response?: string };
interface Case {
  readonly id: string;
  readonly call: readonly [service: string, method: string, resourceRef?: string];
  readonly payload: string;
  readonly expect: Expected;
}

const of = (
  id: string,
  [service, method, resourceRef = '']: Case['call'],
  payload: string,
  expect: Expected,
): Case => ({ id, call: [service, method, resourceRef], payload, expect });
const EMPTY = /^$/;
const code = (errorCode: string, more: object = {}) => ({ status: 3, error: { errorCode, ...more } });
const status = (number: number, fallback?: string | RegExp) => ({
  status: number,
  ...(fallback !== undefined && { error: { fallback } }),
});
const exactly = (hex: string) => new RegExp(`^${hex}$`);
const jsonText = (value: unknown) => {
  const bytes = Buffer.from(JSON.stringify(value));
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]).toString('hex');
};

const cache = (method: string, ref = CACHE_REF): Case['call'] => ['cache', method, ref];
const lock = (method: string, ref = 'sync'): Case['call'] => ['lock', method, ref];
const runtime = (method: string): Case['call'] => ['runtime', method];
const config = (method: string, ref: string): Case['call'] => ['hostconfig', method, ref];
const manifest = (method: string, ref: string): Case['call'] => ['manifest', method, ref];
const send: Case['call'] = ['notifications', 'messages.send', 'inbox'];

/** In their order: later ones go by what earlier ones have left. */
const CASES: readonly Case[] = [
  of('13', runtime('state.get_many'), '0a017b', status(3, /^decode capability JSON request failed/)),
  of('14', runtime('log.write'), '0802120568656c6c6f1a060a01611201311a060a0162120132', EMPTY),
  of('15', runtime('state.set'), '0a016b120176', EMPTY),
  of('16', runtime('state.get'), '0a016b', exactly('0a01761001')),
  of('17', runtime('state.get'), '0a0178', EMPTY),
  of('18', runtime('state.get'), '', code('CAPABILITY_DENIED')),
  of(
    '19',
    runtime('state.get_many'),
    '0a187b226b657973223a5b226b222c226d697373696e67225d7d',
    exactly('0a2e7b2276616c756573223a7b226b223a2276227d2c226d697373696e674b657973223a5b226d697373696e67225d7d'),
  ),
  of('20 set_many', runtime('state.set_many'), '0a1c7b2276616c756573223a7b2261223a2231222c2262223a2232227d7d', EMPTY),
  of('20 delete_many', runtime('state.delete_many'), jsonText({ keys: ['a', 'b'] }), EMPTY),
  of(
    '21',
    runtime('state.set'),
    `0a8002${'6b'.repeat(256)}`,
    code('CAPABILITY_LIMIT_EXCEEDED', { messageParams: { limit: 255 } }),
  ),
  of('11', runtime('state.set'), `0a8002${'6b'.repeat(256)}`, {
    response:
      '080312ac017b226572726f72436f6465223a224341504142494c4954595f4c494d49545f4558434545444544222c226d6573736167654b6579223a226572726f722e6361706162696c6974792e6c696d69742e6578636565646564222c226d657373616765506172616d73223a7b226c696d6974223a3235357d2c2266616c6c6261636b223a224361706162696c69747920726571756573742065786365656473206c696d6974207b6c696d69747d227d',
  }),
  of('22', runtime('info.now'), '', exactly('0a0d(?:3[0-9]){13}')),

  of(
    '68',
    cache('set'),
    '0a0770726f66696c6512107b22656e61626c6564223a747275657d18ac02',
    exactly(`0a..080112107b22656e61626c6564223a747275657d22${MOMENT}`),
  ),
  of('69', cache('get'), '0a0770726f66696c65', exactly(`080112..080112107b22656e61626c6564223a747275657d22${MOMENT}`)),
  of(
    '69 again, from the copy',
    cache('get'),
    '0a0770726f66696c65',
    exactly(`080112..080112107b22656e61626c6564223a747275657d22${MOMENT}`),
  ),
  of('70', cache('incr'), '0a07636f756e7465721005183c', exactly(`0a..0802180522${MOMENT}`)),
  of('71', cache('incr'), '0a07636f756e74657210feffffffffffffffff01183c', exactly(`0a..0802180322${MOMENT}`)),
  of('72', cache('incr'), '0a0770726f66696c651001183c', code('KV_CACHE_INCREMENT_VALUE_NOT_INTEGER')),
  of('72 keeps the value', cache('get'), '0a0770726f66696c65', /107b22656e61626c6564223a747275657d/),
  of('73', cache('set'), '0a016b120176', code('KV_CACHE_EXPIRE_SECONDS_REQUIRED')),
  of('74', cache('set'), '0a016b12017618ffffffffffffffffff01', code('KV_CACHE_EXPIRE_SECONDS_NEGATIVE')),
  of(
    '75',
    cache('set'),
    `0a016b128120${'61'.repeat(4097)}183c`,
    code('KV_CACHE_VALUE_TOO_LONG', { messageParams: { maxBytes: 4096 } }),
  ),
  of('76', cache('expire'), '0a07636f756e746572101e', exactly(`080112${MOMENT}`)),
  of('76 missing', cache('expire'), '0a0178101e', EMPTY),
  of('77 a', cache('set'), '0a0161120141183c', /^0a/),
  of(
    '77',
    cache('get_many'),
    '0a127b226b657973223a5b2261222c2262225d7d',
    /^0a..7b226974656d73223a7b2261223a7b2276616c75654b696e64223a312c2276616c7565223a2241222c226578706972654174223a22.*227d7d2c226d697373696e674b657973223a5b2262225d7d$/,
  ),
  of('78', cache('get', 'undeclared'), '0a016b', status(1)),

  of('80', lock('acquire', 'undeclared'), '088827', status(1)),
  of('83 short', lock('acquire'), '08f403', code('PLUGIN_LOCK_LEASE_TOO_SHORT')),
  of('83 long', lock('acquire'), '08c8af12', code('PLUGIN_LOCK_LEASE_TOO_LONG')),
  of('84', lock('acquire', 'undeclared'), '088827', status(1)),

  of(
    '85',
    config('get', 'workspace.basePath'),
    '0a12776f726b73706163652e6261736550617468',
    exactly('0a08222f61646d696e221001'),
  ),
  of('86', config('get', 'cache'), '0a056361636865', exactly(`0a..${text('{"maxEntries":10000,"budgetMiB":16}')}1001`)),
  of('87', config('get', 'monitor.interval'), '0a106d6f6e69746f722e696e74657276616c', EMPTY),
  of(
    '88',
    config('get', 'demo.flag'),
    '0a12776f726b73706163652e6261736550617468',
    status(1, 'hostconfig request key must match the authorized resourceRef'),
  ),
  of('89 missing', config('sys_config.get', 'demo.flag'), jsonText({ key: 'demo.flag' }), code('CAPABILITY_DENIED')),
  of(
    '90 set',
    config('sys_config.value.set', 'demo.flag'),
    jsonText({ key: 'demo.flag', value: 'on', systemManageable: true }),
    exactly('0a0474727565'),
  ),
  of(
    '89',
    config('sys_config.get', 'demo.flag'),
    '0a137b226b6579223a2264656d6f2e666c6167227d',
    exactly(
      jsonText({
        Key: 'demo.flag',
        Value: 'on',
        SystemManageable: true,
        LabelKey: 'config.demo.flag.label',
        Label: '',
      }),
    ),
  ),
  of('90 reset', config('sys_config.reset', 'demo.flag'), jsonText({ key: 'demo.flag' }), exactly('0a0474727565')),
  of('90 shadows', config('get', 'demo.flag'), '0a0964656d6f2e666c6167', exactly('0a0222221001')),

  of(
    '91',
    manifest('get', 'config/profile.yaml'),
    '0a13636f6e6669672f70726f66696c652e79616d6c',
    exactly('0801120b6e616d653a2064656d6f0a'),
  ),
  of('92 ref', manifest('get', 'other/x.yaml'), '0a0c6f746865722f782e79616d6c', status(1)),
  of(
    '92 path',
    manifest('get', 'config/profile.yaml'),
    '0a0c6f746865722f782e79616d6c',
    status(3, 'manifest request target mismatch'),
  ),
  of(
    '93',
    manifest('get_many', 'config/'),
    '0a2b7b227061746873223a5b22636f6e6669672f612e79616d6c222c22636f6e6669672f622e79616d6c225d7d',
    exactly(
      '0a5b7b227265736f7572636573223a5b7b2270617468223a22636f6e6669672f612e79616d6c222c22626f6479223a2259546f674d516f3d227d5d2c226d697373696e675061746873223a5b22636f6e6669672f622e79616d6c225d7d',
    ),
  ),
  of(
    '94',
    manifest('list', 'config/.manifest-list-probe'),
    '0a1e7b22707265666978223a22636f6e666967222c226c696d6974223a31307d',
    /^0a/,
  ),
  of(
    '94 root',
    manifest('list', '.manifest-list-probe'),
    '0a187b22707265666978223a22222c226c696d6974223a31307d',
    status(1),
  ),
  of('95', ['plugins', 'config.get'], '0a106d6f6e69746f722e696e74657276616c', exactly('0a0522343573221001')),
  of('95 of another type', ['plugins', 'config.get'], '0a04666c6167', exactly('0a04747275651001')),
  of('96', ['plugins', 'config.get'], '', status(4)),
  of('96 dot', ['plugins', 'config.get'], '0a012e', status(4)),
  of('97 set', ['plugins', 'config.set'], '', status(2)),
  of('97 string', ['plugins', 'config.string'], '', status(2)),
  of('98', ['plugins', 'plugins.enabled.check'], '', status(2)),

  of(
    '103',
    send,
    '0a055469746c651204426f64791a06706c7567696e22057372632d312a056f746865723a097b226b223a2276227d',
    exactly('08011001'),
  ),
  of('104', send, '0a0154120143300730ac02', exactly('08021002')),
  of('105', send, '0a01541201433a017b', status(3, 'notifications payloadJson must be valid JSON')),
  of('106', ['notifications', 'messages.send', 'sms'], '0a0154', status(1)),
  of('115', ['notifications', 'messages.delete'], jsonText({ ids: ['1'] }), exactly('0a027b7d')),
];

t.test('29.2 29.6 29.7 29.8 the cases of the specification are answered with its bytes', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin } = await serveRawCalls(host, PARTS);
  for (const { id, call, payload, expect } of CASES) {
    const [service, method, resourceRef = ''] = call;
    check(t, `#${id} ${service}.${method}`, await asAdmin(service, method, { resourceRef, payload }), expect);
  }
});

function check(t: Pick<Tap, 'match'>, title: string, reply: RawReply, expect: Expected): void {
  if (expect instanceof RegExp) t.match(reply, { status: 0, payload: expect }, title);
  else t.match(reply, expect, title);
}
type Tap = typeof t;

/** 300 s, so that a slow machine does not lose the lock meanwhile. */
const LEASE = '08e0a712';

t.test('29.6 #79 #80 #81 a lock from its acquisition to its release', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin } = await serveRawCalls(host, PARTS);
  const other = await serveRawCalls(host, { id: 'other', ...PARTS });
  const acquired = await asAdmin('lock', 'acquire', { resourceRef: 'sync', payload: LEASE });
  t.match(acquired, { status: 0, payload: new RegExp(`^080112(?:..){2}65794a.*1a${MOMENT}$`) });
  t.match(await asAdmin('lock', 'acquire', { resourceRef: 'sync', payload: LEASE }), { response: '' }, '#80');
  const [ticket = ''] = /eyJ[\w-]+/.exec(Buffer.from(acquired.payload, 'hex').toString('latin1')) ?? [];
  const payload = Buffer.concat([
    Buffer.from([0x0a, (ticket.length & 0x7f) | 0x80, ticket.length >> 7]),
    Buffer.from(ticket),
  ]);
  t.match(
    await asAdmin('lock', 'renew', { resourceRef: 'sync', payload }),
    { payload: new RegExp(`^0a${MOMENT}$`) },
    '#81',
  );
  const mismatch = await asAdmin('lock', 'renew', { resourceRef: 'other', payload });
  t.match(mismatch, code('HOST_LOCK_TICKET_RESOURCE_MISMATCH'), '#81');
  const foreign = await other.asAdmin('lock', 'release', { resourceRef: 'sync', payload });
  t.match(foreign, code('HOST_LOCK_TICKET_PLUGIN_MISMATCH'), 'another plugin');
  t.match(await asAdmin('lock', 'release', { resourceRef: 'sync', payload }), { response: '' });
});

t.test('29.6 #82 a ticket is good in its own tenant only', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin, as } = await serveRawCalls(host, { ...PARTS, manifest: { default_install_mode: 'global' } });
  const acquired = await asAdmin('lock', 'acquire', { resourceRef: 'sync', payload: LEASE });
  const { ticket } = decodePayload('HostServiceLockAcquireResponse', acquired.bytes);
  const payload = encodePayload('HostServiceLockReleaseRequest', { ticket });
  const asTenant = as(await tenantOf(host));
  const foreign = await asTenant('lock', 'release', { resourceRef: 'sync', payload });
  t.match(foreign, code('HOST_LOCK_TICKET_TENANT_MISMATCH'));
  t.equal((await asAdmin('lock', 'acquire', { resourceRef: 'sync', payload: LEASE })).response, '', 'it is held still');
  t.match(await asTenant('lock', 'acquire', { resourceRef: 'sync', payload: LEASE }), { payload: /^0801/ }, 'its own');
});

/** The administrator in a tenant that has the plugin. */
async function tenantOf(host: TestHost): Promise<{ authorization: string }> {
  const headers = { ...(await host.authorization()), 'content-type': 'application/json' };
  const post = async (path: string, body: object) => {
    const { text } = await host.fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return JSON.parse(text).data as Record<string, unknown>;
  };
  const { id } = await post('/tenant', { code: 'acme', name: 'Acme' });
  await host.fetch(`/api/v1/tenant/${id}/plugins/demo`, { method: 'PUT', headers, body: '{"enabled":true}' });
  const { accessToken } = await post('/auth/switch-tenant', { tenantId: id });
  return { authorization: `Bearer ${accessToken}` };
}

t.test('29.7 #94 the root of the manifest is listed with a grant of everything', async (t) => {
  const host = await startTestHost(t);
  const hostServices = [{ service: 'manifest', methods: ['list'], resources: { paths: ['*'] } }];
  const { asNobody } = await serveRawCalls(host, { ...PARTS, hostServices });
  const payload = '0a187b22707265666978223a22222c226c696d6974223a31307d';
  const listed = await asNobody('manifest', 'list', { resourceRef: '.manifest-list-probe', payload });
  t.match(listed, { status: 0 });
  t.match(JSON.stringify(listed.json()), /"config\/profile.yaml","size":11/);
});

t.test('29.1 #7 opcode 1 is the only one', async (t) => {
  const source = await readFile(new URL('../../../test/guests/wat/host-call.wat', import.meta.url), 'utf8');
  const module = await assembleWat(source.replace('$host_call (i32.const 1)', '$host_call (i32.const 2)'));
  const host = await startTestHost(t);
  const { asNobody } = await serveRawCalls(host, { ...PARTS, module });
  for (const payload of ['', '0a016b'])
    t.match(await asNobody('runtime', 'info.uuid', { payload }), status(2, 'unknown host call opcode: 0x0002'));
});

/** Envelopes as they are, not as an encoder would write them. */
const ENVELOPES: readonly (readonly [id: string, hex: string, expect: Expected])[] = [
  ['1', '0a0772756e74696d651209696e666f2e75756964', exactly('0a20(?:3[0-9]|6[1-6]){32}')],
  ['2', '0a0772756e74696d651209696e666f2e757569647801', exactly('0a20(?:3[0-9]|6[1-6]){32}')],
  ['3', '0a0752554e54494d451209494e464f2e55554944', status(2, 'host service method not registered: RUNTIME.INFO.UUID')],
  [
    '4',
    '0a0772756e74696d65120c696e666f2e756e6b6e6f776e',
    status(2, 'unsupported host service method: runtime.info.unknown'),
  ],
  ['5', '0a0772756e74696d651209696e666f2e757569643a027631', status(3, 'host service version requires owner')],
  ['6', '0a05', status(3)],
  ['8', '0a0772756e74696d651209696e666f2e6e6f6465', status(1)],
  ['9', '0a0463726f6e12087265676973746572', status(2)],
  ['10', '0a066e6f74696679120473656e641a05696e626f78', status(2)],
  ['12', '0a0662697a637478120b63757272656e742e676574', status(1, 'plugin demo lacks capability host:bizctx')],
  [
    '116 F041 without its owner plugin',
    '0a026169120d746578742e67656e65726174652a717b22707572706f7365223a22636f6e74656e742e73756d6d617279222c2274696572223a226261736963222c226d65737361676573223a5b7b22726f6c65223a2275736572222c22636f6e74656e74223a2268656c6c6f227d5d2c226d61784f7574707574546f6b656e73223a3531327d320f6c696e6170726f2d61692d636f72653a027631',
    status(2),
  ],
  [
    '124',
    `0a06${text('secret')}1207${text('resolve')}`,
    status(2, /secret is reserved for a later version of the host/),
  ],
];

t.test('29.1 envelopes are read as the reference reads them', async (t) => {
  const host = await startTestHost(t);
  await serveRawCalls(host, PARTS);
  for (const [id, hex, expect] of ENVELOPES) check(t, `#${id}`, await sendBytes(host, hex), expect);
  const four = await sendBytes(host, ENVELOPES[3]?.[1] ?? '');
  t.equal(
    four.response,
    '0802128f017b226572726f72436f6465223a22484f53545f43414c4c5f4e4f545f464f554e44222c226d6573736167654b6579223a226572726f722e686f73745f63616c6c2e6e6f745f666f756e64222c2266616c6c6261636b223a22756e737570706f7274656420686f73742073657276696365206d6574686f643a2072756e74696d652e696e666f2e756e6b6e6f776e227d',
  );
});

async function sendBytes(host: TestHost, hex: string): Promise<RawReply> {
  const headers = await host.authorization();
  const body = Buffer.from(hex, 'hex');
  const answer = await fetch(`${host.url}/x/demo/login`, { method: 'POST', headers, body });
  return readRaw(Buffer.from(await answer.arrayBuffer()));
}
