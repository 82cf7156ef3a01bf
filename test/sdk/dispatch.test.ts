import t from 'tap';
import { decodeResponseEnvelope, encodeRequest } from '../../src/protocol/envelope.js';
import { failedResponse } from '../../src/protocol/host-call.js';
import { assemblyScriptGuest } from '../guest-modules.js';
import { bodyOf, hex, requestOf, startGuest } from './guest.js';
import { UNSERVED } from './unserved.js';

const probe = await assemblyScriptGuest('probe');
const fromHex = (text: string): Buffer => Buffer.from(text, 'hex');

t.test('A plugin imports host_call and nothing else, and has no start section', async (t) => {
  const module = new WebAssembly.Module(probe);
  t.same(WebAssembly.Module.imports(module), [{ module: 'lina_env', name: 'host_call', kind: 'function' }]);
  t.same(
    WebAssembly.Module.exports(module)
      .map((entry) => entry.name)
      .sort(),
    [
      '_initialize',
      'lina_dynamic_route_alloc',
      'lina_dynamic_route_execute',
      'lina_host_call_alloc',
      'memory',
      'sandpool_reseed',
    ],
  );
});

for (const [name, request, status, body] of UNSERVED) {
  t.test(`A request that nobody can serve is answered with the reason (${name})`, async (t) => {
    const response = decodeResponseEnvelope(startGuest(probe).run(fromHex(request)));
    const { code, message } = response.failure ?? {};
    t.same([response.statusCode, bodyOf(response), message], [status, body, body]);
    t.equal(code, status === 404 ? 'NOT_FOUND' : 'BAD_REQUEST');
  });
}

t.test('An unknown request type is answered byte for byte as every guest does (G3)', async (t) => {
  t.equal(
    hex(startGuest(probe).run(fromHex('12093a07556e6b6e6f776e'))),
    '0894031219746578742f706c61696e3b20636861727365743d7574662d38221e44796e616d69632062726964676520726f757465206e6f7420666f756e642a2b0a094e4f545f464f554e44121e44796e616d69632062726964676520726f757465206e6f7420666f756e64',
  );
});

// [case, status asked for, message, response bytes]
const FAILURES: [string, number, string, string][] = [
  [
    'E12',
    400,
    '',
    '0890031219746578742f706c61696e3b20636861727365743d7574662d38220b42616420526571756573742a1a0a0b4241445f52455155455354120b4261642052657175657374',
  ],
  [
    'E13',
    401,
    '',
    '0891031219746578742f706c61696e3b20636861727365743d7574662d38220c556e617574686f72697a65642a1c0a0c554e415554484f52495a4544120c556e617574686f72697a6564',
  ],
  [
    'E14',
    403,
    '',
    '0893031219746578742f706c61696e3b20636861727365743d7574662d382209466f7262696464656e2a160a09464f5242494444454e1209466f7262696464656e',
  ],
  [
    'E15',
    404,
    '',
    '0894031219746578742f706c61696e3b20636861727365743d7574662d3822094e6f7420466f756e642a160a094e4f545f464f554e4412094e6f7420466f756e64',
  ],
  [
    'E16',
    500,
    ' boom ',
    '08f4031219746578742f706c61696e3b20636861727365743d7574662d382204626f6f6d2a160a0e494e5445524e414c5f4552524f521204626f6f6d',
  ],
];

for (const [name, status, message, bytes] of FAILURES) {
  t.test(`The standard failure ${status} has the bytes of the reference (${name})`, async (t) => {
    const request = requestOf('FailureReq', { status: String(status), message: encodeURIComponent(message) });
    t.equal(hex(startGuest(probe).run(encodeRequest(request))), bytes);
  });
}

t.test('A message is trimmed as Go trims: U+0085 goes, U+FEFF stays', async (t) => {
  const message = encodeURIComponent('\u0085\u3000\ufeffx\u2003');
  const response = startGuest(probe).ask(requestOf('FailureReq', { status: '404', message }));
  t.equal(bodyOf(response), '\ufeffx');
});

// [case, kind, response bytes]
const RESPONSES: [string, string, string][] = [
  ['E11', 'ok', '08c80112106170706c69636174696f6e2f6a736f6e220b7b226f6b223a747275657d'],
  ['E17', 'E17', '08cc011a110a0a5365742d436f6f6b69651203613d621a0b0a03582d41120131120132'],
  ['E19', 'E19', '08c8011a050a001201781a060a01621201311a030a015a1a060a0161120132'],
  ['E20', 'E20', '08ffffffffffffffffff01'],
];

for (const [name, kind, bytes] of RESPONSES) {
  t.test(`A response has the bytes of the reference (${name})`, async (t) => {
    t.equal(hex(startGuest(probe).run(encodeRequest(requestOf('ResponseReq', { kind })))), bytes);
  });
}

t.test('Headers are written in the order of their UTF-8 bytes', async (t) => {
  const response = startGuest(probe).ask(requestOf('ResponseReq', { kind: 'order' }));
  t.same(Object.keys(response.headers), ['Z', '\uffff', '🚀']);
});

t.test('Pages, bytes and redirects carry their content type and status', async (t) => {
  const guest = startGuest(probe);
  const page = guest.ask(requestOf('ResponseReq', { kind: 'html' }));
  t.same([page.statusCode, page.contentType, bodyOf(page)], [201, 'text/html; charset=utf-8', '<p>é</p>']);
  const bytes = guest.ask(requestOf('ResponseReq', { kind: 'bytes' }, '\u0000é'));
  t.same([bytes.contentType, bodyOf(bytes)], ['application/octet-stream', '\u0000é']);
  const redirect = guest.ask(requestOf('ResponseReq', {}));
  t.same([redirect.statusCode, redirect.headers], [302, { Location: ['/elsewhere'] }]);
});

const BEFORE_INSTALL =
  '0a0464656d6f126f0a04504f5354121b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c1a1b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c221b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c3a104265666f7265496e7374616c6c5265711aa0010a04504f5354121b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c1a1b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c221b2f5f5f6c6966656379636c652f6265666f72652d696e7374616c6c52106170706c69636174696f6e2f6a736f6e6a2f7b22706c7567696e4964223a2264656d6f222c226f7065726174696f6e223a224265666f7265496e7374616c6c227d2a03616263';

t.test('A lifecycle handler logs once and allows (G4: E10 → E11)', async (t) => {
  const guest = startGuest(probe);
  t.equal(
    hex(guest.run(fromHex(BEFORE_INSTALL))),
    '08c80112106170706c69636174696f6e2f6a736f6e220b7b226f6b223a747275657d',
  );
  t.same(
    guest.calls.map((call) => [call.service, call.method]),
    [['runtime', 'log.write']],
  );
  t.match(Buffer.from(guest.calls[0]?.payload ?? []).toString(), 'demo BeforeInstall');
});

// [operation, members of the event, status, body]
const VERDICTS: [string, object, number, string][] = [
  [
    'BeforeUpgrade',
    { fromVersion: 'v1.0.0', toVersion: 'v1.1.0' },
    200,
    '{"ok":false,"reason":"no way from v1.0.0 to v1.1.0"}',
  ],
  ['Upgrade', { fromManifest: { name: 'old' }, toManifest: { menuCount: 4 } }, 500, 'old 4'],
  ['Uninstall', { purgeStorageData: true }, 200, '{"ok":false,"reason":""}'],
  ['Uninstall', {}, 200, '{"ok":true}'],
  ['BeforeTenantDisable', { tenantId: 22 }, 200, '{"ok":false,"reason":"22"}'],
  ['AfterInstall', {}, 404, 'Dynamic bridge route not found'],
];

for (const [operation, event, status, body] of VERDICTS) {
  t.test(`The handler of ${operation} reads its event and answers ${body}`, async (t) => {
    const text = JSON.stringify({ pluginId: 'demo', operation, ...event });
    const response = startGuest(probe).ask(requestOf(`${operation}Req`, {}, text));
    t.same([response.statusCode, bodyOf(response)], [status, body]);
    t.equal(response.failure === undefined, status === 200);
  });
}

t.test('Job discovery reaches the plugin as any request type (G5: E9)', async (t) => {
  const guest = startGuest(probe);
  const response = guest.run(
    fromHex(
      '0a0464656d6f12311a0e2f72656769737465722d6a6f6273220e2f72656769737465722d6a6f62733a0f52656769737465724a6f62735265712a03616263',
    ),
  );
  t.equal(hex(response), '08c80112106170706c69636174696f6e2f6a736f6e22027b7d');
  t.same(
    guest.calls.map((call) => `${call.service} ${call.method}`),
    ['jobs jobs.register'],
  );
});

t.test('A failed call whose value is read anyway is logged and traps', async (t) => {
  const guest = startGuest(probe, (call) =>
    call.method === 'state.get' ? failedResponse(1, { message: 'plugin demo is not authorized' }) : undefined,
  );
  t.throws(() => guest.ask(requestOf('TrapReq')), WebAssembly.RuntimeError);
  t.same(
    guest.calls.map((call) => call.method),
    ['state.get', 'log.write'],
  );
  t.match(Buffer.from(guest.calls[1]?.payload ?? []).toString(), /host call error \(status=1\): .*not authorized/);
});

t.test('An assertion and an index out of range are logged with their place, and trap', async (t) => {
  const guest = startGuest(probe);
  t.throws(() => guest.ask(requestOf('AssertReq')), WebAssembly.RuntimeError);
  t.throws(() => guest.ask(requestOf('OutOfRangeReq', { i: '3' })), WebAssembly.RuntimeError);
  const [odd, range] = guest.calls.map((call) => Buffer.from(call.payload).toString());
  t.match(odd, /this is odd.*at.*probe\.ts:\d+:\d+/s);
  t.match(range, 'Index out of range');
  t.equal(bodyOf(guest.ask(requestOf('OutOfRangeReq', { i: '2' }))), '3', 'and the instance still serves');
});

t.test('Math.random is seeded by the host, and trace writes to its log', async (t) => {
  const random = (uuid: string): string =>
    bodyOf(
      startGuest(probe, () => ({ payload: Buffer.from(`\n${String.fromCharCode(uuid.length)}${uuid}`) })).ask(
        requestOf('RandomReq'),
      ),
    );
  t.not(random('one'), random('two'));
  t.equal(random('one'), random('one'));
  const guest = startGuest(probe);
  guest.ask(requestOf('TraceReq'));
  t.equal(hex(guest.calls[0]?.payload ?? fromHex('')), `0801120c${Buffer.from('seen 1.0 2.5').toString('hex')}`);
});

t.test('A warm instance does not leak: 2000 requests of a megabyte each fit in 48 MiB', async (t) => {
  const guest = startGuest(probe);
  for (let i = 0; i < 2000; i++) {
    const body = bodyOf(guest.ask(requestOf('GarbageReq')));
    if (body !== '1000000') t.fail(body);
  }
  t.ok(guest.memory.buffer.byteLength < 48 * 1024 * 1024, `${guest.memory.buffer.byteLength} bytes`);
});
