import t from 'tap';
import { CATALOGUE, capabilitiesOf, encodeHostServices } from '../../src/artifact/host-services.js';
import { parse, refused, upload } from './refusal.js';

type Entry = Readonly<Record<string, unknown>>;
const declare = (...hostServices: (Entry | null)[]) => parse({ hostServices }).hostServices;
const one = (entry: Entry) => declare(entry)[0];
const paths = (service: string, ...paths: string[]) => ({ service, methods: ['get'], resources: { paths } });
const tables = (...tables: string[]) => ({ service: 'data', methods: ['list'], resources: { tables } });
const network = (...resources: unknown[]) => ({ service: 'network', methods: ['request'], resources });
const cache = (...resources: unknown[]) => ({ service: 'cache', methods: ['get'], resources });

t.test('D1 121 names are lower-cased and trimmed, methods, paths and entries sorted', async (t) => {
  const declared = declare(
    { service: ' STORAGE ', methods: ['put', 'Get'], resources: { paths: [' reports/ ', 'exports/daily.json'] } },
    { service: 'runtime', methods: ['log.write', 'info.uuid'] },
  );
  t.same(encodeHostServices(declared), [
    {
      methods: ['info.uuid', 'log.write'],
      owner: undefined,
      resources: undefined,
      service: 'runtime',
      version: undefined,
    },
    {
      methods: ['get', 'put'],
      owner: undefined,
      resources: { paths: ['exports/daily.json', 'reports/'] },
      service: 'storage',
      version: undefined,
    },
  ]);
});

t.test('D2 paths of the manifest service may be globs', async (t) => {
  t.same(one(paths('manifest', ' metadata.yaml ', 'config/config.example.yaml', 'resources/*.yaml'))?.paths, [
    'config/config.example.yaml',
    'metadata.yaml',
    'resources/*.yaml',
  ]);
});

const PATHS: readonly (readonly [service: string, path: string, problem: string])[] = [
  ['manifest', '', 'path cannot be empty'],
  ['manifest', ' ', 'path cannot be empty'],
  ['manifest', '.', 'path is invalid'],
  ['manifest', '../metadata.yaml', 'path is invalid'],
  ['manifest', '/etc/passwd', 'cannot be absolute'],
  ['manifest', 'C:\\secret.yaml', 'drive prefix'],
  ['manifest', 'http://example.com/m.yaml', 'cannot be a url'],
  ['manifest', 'manifest/metadata.yaml', 'must be relative to manifest root'],
  ['manifest', 'manifest', 'must be relative to manifest root'],
  ['manifest', './manifest/a', 'must be relative to manifest root'],
  ['storage', '', 'path cannot be empty'],
  ['storage', '..', 'path is invalid'],
  ['storage', 'a/../..', 'path is invalid'],
  ['storage', './', 'path is invalid'],
  ['storage', '\\a', 'cannot be absolute'],
  ['storage', 'c:a', 'drive prefix'],
];

t.test('D3 125 paths that lead elsewhere are refused', async (t) => {
  for (const [service, path, problem] of PATHS) {
    refused(t, () => declare(paths(service, path)), `has invalid path ${path}`);
    refused(t, () => declare(paths(service, path)), problem);
  }
});

t.test('a storage path keeps its last slash, which grants all below', async (t) => {
  t.same(one(paths('storage', 'a\\b//c/', 'a/./b', 'x..y'))?.paths, ['a/b', 'a/b/c/', 'x..y']);
});

t.test('two paths that are one are refused', async (t) => {
  refused(t, () => declare(paths('storage', 'a', './a')), 'path cannot be duplicated: a');
});

t.test('D4 124 C23 services that nobody has are refused', async (t) => {
  const names =
    'secret secret.resolve event event.publish queue queue.enqueue cron cron.x i18n i18n.get authz authz.check config ' +
    'config.get notify ai hostruntime toString __proto__';
  for (const service of names.split(' ')) {
    refused(t, () => declare({ service, methods: ['get'] }), 'unknown host service declaration');
  }
});

t.test('F054 reserved services are told to be for later', async (t) => {
  for (const service of ['secret', 'event.publish', 'queue']) {
    refused(t, () => declare({ service, methods: ['x'] }), 'is reserved for a later version of the host');
  }
});

t.test('D5 F056 methods that the catalogue does not hold are refused', async (t) => {
  refused(
    t,
    () => declare({ service: 'plugins', methods: ['config.string'] }),
    'does not support method config.string',
  );
  const hostconfig = (method: string) => ({ service: 'hostconfig', methods: [method], resources: { keys: ['a'] } });
  for (const method of ['scan', 'string', 'bool', 'int', 'duration', 'toString']) {
    refused(t, () => declare(hostconfig(method)), 'does not support method');
  }
});

t.test('D6 128 F057 a service that needs resources must declare some', async (t) => {
  const needs: readonly (readonly [service: string, method: string, noun: string])[] = [
    ['hostconfig', 'get', 'key'],
    ['storage', 'get', 'path'],
    ['manifest', 'get', 'path'],
    ['data', 'list', 'table'],
    ['cache', 'get', 'resource'],
    ['lock', 'acquire', 'resource'],
    ['network', 'request', 'resource'],
    ['notifications', 'messages.send', 'resource'],
  ];
  for (const [service, method, noun] of needs) {
    refused(t, () => declare({ service, methods: [method] }), `${service} must declare at least one ${noun}`);
  }
});

t.test('D6 a service must declare a method', async (t) => {
  for (const entry of [
    { service: 'runtime' },
    { service: 'runtime', methods: [] },
    { service: 'runtime', methods: null },
  ]) {
    refused(t, () => declare(entry), 'must declare at least one method');
  }
  refused(t, () => declare({ ...paths('manifest', 'a'), methods: [] }), 'must declare at least one method');
  refused(t, () => declare({ service: 'runtime', methods: [' '] }), 'method cannot be empty');
});

t.test('F055 hostconfig and manifest without methods may get', async (t) => {
  t.same(one({ service: 'manifest', resources: { paths: ['a'] } })?.methods, ['get']);
  t.same(one({ service: 'hostConfig', resources: { keys: ['a'] } })?.methods, ['get']);
  refused(t, () => declare({ owner: 'a', version: 'v1', service: 'manifest' }), 'must declare at least one method');
});

t.test('128 a service that is not limited that way cannot declare it', async (t) => {
  const refs = [{ ref: 'a' }];
  const wrong: readonly (readonly [entry: Entry, fragment: string])[] = [
    [{ service: 'runtime', methods: ['info.uuid'], resources: refs }, 'runtime cannot declare resources'],
    [
      { service: 'runtime', methods: ['info.uuid'], resources: { tables: ['plugin_demo'] } },
      'runtime cannot declare tables',
    ],
    [{ service: 'storage', methods: ['get'], resources: refs }, 'storage must declare at least one path'],
    [{ service: 'cache', methods: ['get'], resources: { tables: ['plugin_demo'] } }, 'cache cannot declare tables'],
    [
      { service: 'notifications', methods: ['messages.list'], resources: refs },
      'notifications cannot declare resources',
    ],
    [
      { owner: 'a', version: 'v1', service: 's', methods: ['m'], resources: { tables: ['plugin_demo'] } },
      's cannot declare tables',
    ],
  ];
  for (const [entry, fragment] of wrong) refused(t, () => declare(entry), fragment);
});

t.test('notifications are limited when they are sent', async (t) => {
  t.doesNotThrow(() => declare({ service: 'notifications', methods: ['messages.list'] }));
  t.doesNotThrow(() =>
    declare({ service: 'notifications', methods: ['messages.send'], resources: [{ ref: 'inbox' }] }),
  );
});

t.test('D7 127 F072 a plugin declares its own tables only', async (t) => {
  const owned =
    (table: string, id = 'acme-demo') =>
    () =>
      parse({ manifest: { id }, hostServices: [tables(table)] });
  t.doesNotThrow(owned('plugin_acme_demo_order'));
  t.doesNotThrow(owned('plugin_acme_demo'));
  t.doesNotThrow(owned('plugin_demo_x', 'demo'));
  t.same(owned('Plugin_Acme_Demo_Order')().hostServices[0]?.tables, ['Plugin_Acme_Demo_Order'], 'spelling is kept');
  refused(t, owned('sys_user'), 'cannot declare host core table');
  refused(t, owned('SYS_USER'), 'cannot declare host core table');
  refused(t, owned('plugin_other_t'), 'must belong to plugin acme-demo namespace plugin_acme_demo');
  refused(t, owned('plugin_acme_demos'), 'must belong to plugin');
  refused(t, owned(' '), 'table cannot be empty');
  refused(t, () => parse({ hostServices: [tables('plugin_demo_x', ' plugin_demo_x')] }), 'table cannot be duplicated');
});

t.test('D8 126 network is limited to URLs, and other keys of an item are dropped', async (t) => {
  t.same(one(network({ url: 'https://*.example.com/api', timeoutMs: 5 }))?.resources, [
    { ref: 'https://*.example.com/api' },
  ]);
  refused(t, () => declare(network({ ref: 'https://example.com' })), 'ref cannot be empty');
  refused(t, () => declare(network({ url: ' ' })), 'ref cannot be empty');
  refused(t, () => declare(network({ url: 'https://a' }, { url: 'https://a' })), 'resource cannot be duplicated');
});

t.test('D8 126 only absolute http URLs without query and fragment are accepted', async (t) => {
  for (const url of ['http://a', 'HTTPS://a.example:8080/b%20c', 'https://[::1]:8/', 'https://user@a', 'https://*']) {
    t.doesNotThrow(() => declare(network({ url })), url);
  }
  const wrong = [
    'ftp://x',
    'https://x?a=1',
    'https://x#a',
    'example.com',
    '//x',
    'https://',
    'https:///a',
    'https://:80',
  ];
  for (const url of [...wrong, 'https://a b', 'https://a/%zz', 'https://a:b', 'https://[::1', '1http://a']) {
    refused(t, () => declare(network({ url })), `network url ${url}`);
  }
});

t.test('null items of network are skipped, of other services refused', async (t) => {
  t.same(one(network(null, { url: 'https://a' }))?.resources, [{ ref: 'https://a' }]);
  refused(t, () => declare(cache(null)), 'resource cannot be nil');
});

t.test('D9 129 an owner and a version belong together', async (t) => {
  const ai = { service: 'ai', methods: ['text.generate'] };
  t.match(one({ ...ai, owner: ' Linapro-AI-core ', version: 'V1' }), { owner: 'linapro-ai-core', version: 'v1' });
  refused(t, () => declare({ ...ai, owner: 'linapro-ai-core' }), 'requires version');
  refused(t, () => declare({ service: 'runtime', methods: ['info.uuid'], version: 'v1' }), 'version requires owner');
  refused(t, () => declare({ service: 'plugin:x', methods: ['a'] }), 'must use structured owner and version fields');
});

t.test('129 an accepted owner must be a dependency before an upload', async (t) => {
  const hostServices = [{ owner: 'linapro-ai-core', version: 'v1', service: 'ai', methods: ['text.generate'] }];
  refused(t, () => upload({ hostServices }), 'dependencies.plugins entry');
});

t.test('a service of another plugin may have any methods, and refs', async (t) => {
  const entry = { owner: 'a', version: 'v1', service: 'x', methods: ['B', 'a'], resources: [{ ref: 'r' }] };
  t.match(one(entry), { methods: ['a', 'b'], resources: [{ ref: 'r' }] });
  t.match(one({ ...entry, resources: [] }), { resources: [] });
});

t.test('D10 123 a method is declared once, in whatever case', async (t) => {
  const entry = { service: 'hostconfig', methods: ['get', 'GET'], resources: { keys: ['a'] } };
  refused(t, () => declare(entry), 'method cannot be duplicated: get');
});

t.test('D11 resources are an array or an object', async (t) => {
  for (const resources of [null, 'a', 1, true]) {
    refused(t, () => declare({ service: 'runtime', methods: ['info.uuid'], resources }), 'must be an array or object');
  }
});

t.test('D12 a ref keeps what limits it, in normal form', async (t) => {
  const ref = { ref: ' r ', allowMethods: ['get'], headerAllowList: ['X-A'], attributes: { ' k ': ' v ', ' ': 'x' } };
  t.same(one(cache(ref))?.resources, [
    { ref: 'r', allowMethods: ['GET'], headerAllowList: ['x-a'], attributes: { k: 'v' } },
  ]);
  const many = { ref: 'a', allowMethods: ['put', ' ', 'GET', 'get'], timeoutMs: 5, maxBodyBytes: 0 };
  t.same(one(cache({ ref: 'b' }, many))?.resources, [
    { ref: 'a', allowMethods: ['GET', 'PUT'], timeoutMs: 5 },
    { ref: 'b' },
  ]);
});

t.test('an attribute named __proto__ is an attribute', async (t) => {
  const json = '[{"service":"cache","methods":["get"],"resources":[{"ref":"r","attributes":{"__proto__":"v"}}]}]';
  const [entry] = parse({ sections: { 'lina.plugin.backend.host-services': json } }).hostServices;
  t.same(Object.entries(entry?.resources[0]?.attributes ?? {}), [['__proto__', 'v']]);
});

t.test('D13 130 capabilities are those of all methods, sorted', async (t) => {
  const declared = declare(
    { service: 'runtime', methods: ['info.uuid'] },
    { ...tables('plugin_demo_x'), methods: ['list', 'create'] },
    { owner: 'a', version: 'v1', service: 'cache', methods: ['get'] },
  );
  t.same(capabilitiesOf(declared), ['host:data:mutate', 'host:data:read', 'host:runtime']);
});

t.test('an entry is not null, has a name, and stands once', async (t) => {
  const runtime = { service: 'runtime', methods: ['info.uuid'] };
  refused(t, () => declare(null), 'cannot be nil');
  refused(t, () => declare({ methods: ['a'] }), 'name cannot be empty');
  refused(
    t,
    () => declare(runtime, { service: ' Runtime', methods: ['info.now'] }),
    'cannot be declared more than once',
  );
  const owned = { owner: 'a', service: 's', methods: ['m'] };
  t.equal(declare({ ...owned, version: 'v1' }, { ...owned, version: 'v2' }, runtime).length, 3);
});

t.test('keys are trimmed, sorted, and neither blank nor twice', async (t) => {
  const keys = (...keys: string[]) => ({ service: 'hostconfig', methods: ['get'], resources: { keys } });
  t.same(one(keys(' b ', 'a.c'))?.keys, ['a.c', 'b']);
  refused(t, () => declare(keys('.')), 'key cannot be empty');
  refused(t, () => declare(keys('a', 'a ')), 'key cannot be duplicated: a');
});

t.test('core services come before those of owners', async (t) => {
  const declared = declare(
    { owner: 'a', version: 'v1', service: 'a', methods: ['m'] },
    { service: 'tenant', methods: ['capability.status'] },
    { service: 'bizctx', methods: ['current.get'] },
  );
  t.same(
    declared.map(({ service }) => service),
    ['bizctx', 'tenant', 'a'],
  );
});

t.test('the catalogue holds 21 services', async (t) => {
  const count = (service: string) => Object.keys(CATALOGUE[service] ?? {}).length;
  t.same(
    Object.keys(CATALOGUE).map((service) => `${service} ${count(service)}`),
    [
      'runtime 10',
      'storage 12',
      'network 1',
      'data 7',
      'cache 8',
      'lock 3',
      'hostconfig 4',
      'manifest 3',
      'apidoc 3',
      'auth 10',
      'users 12',
      'bizctx 1',
      'dict 19',
      'files 8',
      'jobs 9',
      'notifications 9',
      'plugins 12',
      'route 1',
      'sessions 7',
      'org 18',
      'tenant 13',
    ],
  );
});
