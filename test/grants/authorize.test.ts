import t from 'tap';
import { CATALOGUE, type HostServiceDeclaration } from '../../src/artifact/host-services.js';
import { authorize, compileGrant } from '../../src/grants/authorize.js';
import { createGrant } from '../../src/grants/grant.js';
import type { HostCallRequest } from '../../src/protocol/host-call.js';

function entry(service: string, methods: readonly string[], more: Partial<HostServiceDeclaration> = {}) {
  return { owner: '', service, version: '', methods, paths: [], tables: [], keys: [], resources: [], ...more };
}

function call(service: string, method: string, more: Partial<HostCallRequest> = {}): HostCallRequest {
  const bare = { resourceRef: '', table: '', payload: new Uint8Array(), owner: '', version: '' };
  return { service, method, ...bare, ...more };
}

const refs = (...names: string[]) => ({ resources: names.map((ref) => ({ ref })) });
const grant = (...entries: HostServiceDeclaration[]) => createGrant('demo', entries);
const DENIED = 1;

const STORAGE = entry('storage', ['get'], { paths: ['exports/daily.json', 'reports/'] });
const NETWORK = entry('network', ['request'], refs('https://*.example.com/api'));
const MANIFEST = entry('manifest', ['get'], { paths: ['config/', 'resources/*.yaml'] });
const HOSTCONFIG = entry('hostconfig', ['get'], { keys: ['workspace.basePath'] });
const DATA = entry('data', ['list'], { tables: ['plugin_demo_t'] });

type Case = readonly [id: string, entry: HostServiceDeclaration, call: HostCallRequest, status: number | undefined];
const on = (service: string, method: string) => (resourceRef: string) => call(service, method, { resourceRef });
const storage = on('storage', 'get');
const network = on('network', 'request');
const manifest = on('manifest', 'get');
const hostconfig = on('hostconfig', 'get');
const data = (table: string) => call('data', 'list', { table });

const CASES: readonly Case[] = [
  ['P1', STORAGE, storage('reports/2026/summary.json'), undefined],
  ['P2', STORAGE, storage('exports/daily.json'), undefined],
  ['P3', STORAGE, storage('reports-v2/demo.json'), DENIED],
  ['P3', STORAGE, storage('reports/../x'), DENIED],
  ['P3', STORAGE, storage('/reports/a'), DENIED],
  ['P4', NETWORK, network('https://foo.bar.example.com/api/orders?id=1'), undefined],
  ['P5', NETWORK, network('https://example.com/api'), DENIED],
  ['P5', NETWORK, network('http://a.example.com/api'), DENIED],
  ['P5', NETWORK, network('https://a.example.com/apix'), DENIED],
  [
    'P6',
    entry('network', ['request'], refs('https://api.example.com/v1')),
    network('https://evil.example.com/v1/ping'),
    1,
  ],
  ['P7', MANIFEST, manifest('resources/a.yaml'), undefined],
  ['P7', MANIFEST, manifest('resources/x/a.yaml'), DENIED],
  ['P8', MANIFEST, manifest('config/profile.yaml'), undefined],
  ['P8', MANIFEST, manifest('config/x/y'), undefined],
  ['P9', HOSTCONFIG, hostconfig('workspace.basePath'), undefined],
  ['P9', HOSTCONFIG, hostconfig('workspace'), DENIED],
  ['P9', HOSTCONFIG, hostconfig(' workspace.basePath '), undefined],
  ['P9', HOSTCONFIG, hostconfig('workspace.basepath'), DENIED],
  ['P9', HOSTCONFIG, hostconfig(''), DENIED],
  ['P10', DATA, data('plugin_demo_t'), undefined],
  ['P10', DATA, data('PLUGIN_DEMO_T'), DENIED],
  ['P10', DATA, data(''), DENIED],
  ['storage without a path', STORAGE, storage(''), DENIED],
  ['storage ignores the table', STORAGE, call('storage', 'get', { resourceRef: 'reports/a', table: 'x' }), undefined],
  ['cache by its ref', entry('cache', ['get'], refs('c')), call('cache', 'get', { resourceRef: 'c' }), undefined],
  ['cache by another ref', entry('cache', ['get'], refs('c')), call('cache', 'get', { resourceRef: 'C' }), DENIED],
  ['cache without a ref', entry('cache', ['get'], refs('c')), call('cache', 'get'), DENIED],
  ['lock by its ref', entry('lock', ['acquire'], refs('l')), call('lock', 'acquire', { resourceRef: 'l' }), undefined],
  ['runtime with a ref', entry('runtime', ['info.now']), call('runtime', 'info.now', { resourceRef: 'x' }), DENIED],
  ['runtime with a table', entry('runtime', ['info.now']), call('runtime', 'info.now', { table: 'x' }), undefined],
  ['bizctx with a ref', entry('bizctx', ['current.get']), call('bizctx', 'current.get', { resourceRef: 'x' }), DENIED],
  ['bizctx with a table', entry('bizctx', ['current.get']), call('bizctx', 'current.get', { table: 'x' }), DENIED],
  ['bizctx bare', entry('bizctx', ['current.get']), call('bizctx', 'current.get'), undefined],
];

for (const [id, granted, asked, status] of CASES) {
  const target = `${asked.service}.${asked.method} "${asked.resourceRef}" "${asked.table}"`;
  t.test(`F020 ${id}: ${target} is ${status === undefined ? 'allowed' : 'refused'}`, async (t) => {
    t.equal(authorize(grant(granted), asked)?.status, status);
  });
}

t.test('messages.send needs its channel, the other notification methods take none', async (t) => {
  const check = compileGrant(grant(entry('notifications', ['messages.list', 'messages.send'], refs('inbox'))));
  t.equal(check(call('notifications', 'messages.send', { resourceRef: 'inbox' })), undefined);
  t.equal(check(call('notifications', 'messages.send'))?.status, 1);
  t.equal(check(call('notifications', 'messages.list')), undefined);
  t.equal(check(call('notifications', 'messages.list', { resourceRef: 'inbox' }))?.status, 1);
});

t.test('F019 P11: a method that is not granted is refused, with what was asked', async (t) => {
  t.strictSame(authorize(grant(entry('runtime', ['info.uuid'])), call('runtime', 'log.write')), {
    status: 1,
    message: 'plugin demo is not authorized for host service runtime.log.write resource= table=',
  });
});

t.test('F019 P12: a service that is not granted is refused, with the capability that is missing', async (t) => {
  t.strictSame(authorize(grant(), call('runtime', 'info.uuid')), {
    status: 1,
    message: 'plugin demo lacks capability host:runtime',
  });
});

t.test('P13: a method outside the catalogue is unknown, granted or not', async (t) => {
  const unknown = { status: 2, message: 'unsupported host service method: runtime.nope' };
  t.strictSame(authorize(grant(), call('runtime', 'nope')), unknown);
  t.strictSame(authorize(grant(entry('runtime', ['nope'])), call('runtime', 'nope')), unknown);
  t.equal(authorize(grant(), call('__proto__', 'constructor'))?.status, 2);
  t.equal(authorize(grant(), call('', ''))?.message, 'unsupported host service method: .');
});

t.test('P14: names in capitals pass the grant; that they have no handler is found later', async (t) => {
  t.equal(authorize(grant(entry('runtime', ['info.uuid'])), call('RUNTIME', ' INFO.uuid\n')), undefined);
});

t.test('P15: a version without an owner is invalid', async (t) => {
  t.strictSame(authorize(grant(entry('runtime', ['info.uuid'])), call('runtime', 'info.uuid', { version: 'v1' })), {
    status: 3,
    message: 'host service version requires owner',
  });
});

const AI = { owner: 'linapro-ai-core', version: 'v1' };
const AI_ENTRY = entry('ai', ['text.generate'], AI);

t.test('P16: an owner method of another version is not registered', async (t) => {
  const registered = (owner: string, service: string, version: string, method: string) =>
    `${owner}/${service}/${version}.${method}` === 'linapro-ai-core/ai/v1.text.generate';
  const check = compileGrant(grant(AI_ENTRY), registered);
  t.strictSame(check(call('ai', 'text.generate', { ...AI, version: 'v2' })), {
    status: 2,
    message: 'owner host service method not registered: linapro-ai-core/ai/v2.text.generate',
  });
  t.equal(check(call('AI', 'text.generate', { ...AI, version: ' V1 ' })), undefined);
});

t.test('an owner call needs all four names, a registered method, an entry, and no table', async (t) => {
  const check = compileGrant(grant(AI_ENTRY), () => true);
  t.strictSame(check(call('ai', 'text.generate', { owner: 'x' })), {
    status: 3,
    message: 'owner host service request requires owner, service, version, and method',
  });
  t.strictSame(check(call('ai', 'other', AI)), {
    status: 1,
    message: 'plugin demo is not authorized for owner host service linapro-ai-core/ai/v1.other',
  });
  t.equal(check(call('ai', 'text.generate', { ...AI, table: 't' }))?.status, 1);
  t.equal(check(call('ai', 'text.generate', { ...AI, resourceRef: 'r' }))?.status, 1);
  t.equal(compileGrant(grant(AI_ENTRY))(call('ai', 'text.generate', AI))?.status, 2);
});

t.test('an owner entry gives no access to a core service of the same name', async (t) => {
  const check = compileGrant(grant(entry('runtime', ['info.uuid'], AI)));
  t.equal(check(call('runtime', 'info.uuid'))?.message, 'plugin demo lacks capability host:runtime');
});

t.test('F019 nothing of the catalogue is open to a plugin without grants', async (t) => {
  const check = compileGrant(grant());
  const methods = Object.entries(CATALOGUE).flatMap(([service, row]) =>
    Object.keys(row).map((name) => [service, name]),
  );
  t.equal(methods.length, 170);
  for (const [service = '', method = ''] of methods) {
    t.equal(check(call(service, method, { resourceRef: 'x', table: 'x' }))?.status, 1, `${service}.${method}`);
  }
});

for (const [service, method] of [
  ['secret', 'resolve'],
  ['event', 'publish'],
  ['QUEUE', 'Enqueue'],
] as const) {
  t.test(`F054 29 §25 a call of the reserved ${service} is refused with a sentence that says so`, async (t) => {
    const call = { service, method, resourceRef: '', table: '', payload: new Uint8Array(), owner: '', version: '' };
    const denial = authorize({ pluginId: 'demo', services: [] }, call);
    const remark = `(${service.toLowerCase()} is reserved for a later version of the host)`;
    t.same(denial, { status: 2, message: `unsupported host service method: ${service}.${method} ${remark}` });
  });
}
