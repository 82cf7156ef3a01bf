import { createHash } from 'node:crypto';
import t from 'tap';
import { parseArtifact, validateRelease } from '../../src/artifact/artifact.js';
import { flattenTexts } from '../../src/artifact/files.js';
import { EMPTY_MODULE, encodeCustomSection } from '../../src/artifact/sections.js';
import { buildArtifact } from './build.js';
import { parse, refused, upload } from './refusal.js';

const section = (name: string, items: unknown) => ({ sections: { [`lina.plugin.${name}`]: JSON.stringify(items) } });

t.test('an artifact knows the checksum and the size of its file', async (t) => {
  const bytes = buildArtifact();
  const artifact = parseArtifact(bytes);
  t.equal(artifact.checksum, createHash('sha256').update(bytes).digest('hex'));
  t.equal(artifact.sizeBytes, bytes.length);
});

t.test('B8 a text that is no text is refused by section and locale', async (t) => {
  const parts = section('apidoc.i18n.assets', [{ locale: 'zh-CN', content: '{"a":1}' }]);
  refused(t, () => parse(parts), 'lina.plugin.apidoc.i18n.assets');
  refused(t, () => parse(parts), 'zh-CN');
  refused(t, () => parse(parts), 'values must be strings or objects');
});

t.test('B9 nested texts are reached by keys with dots', async (t) => {
  const [language] = parse({ i18n: { 'zh-CN': { a: { b: 'x' } } } }).i18n;
  t.same([...flattenTexts(language?.content ?? '')], [['a.b', 'x']]);
});

t.test('a literal key with a dot wins over a nested path', async (t) => {
  t.same([...flattenTexts('{"a.b":"flat","a":{"b":"nested"}}')], [['a.b', 'flat']]);
});

const TEXTS_REFUSED: readonly (readonly [why: string, item: unknown, fragment: string])[] = [
  ['no locale', { content: '{}' }, 'missing locale or content'],
  ['a blank locale', { locale: ' ', content: '{}' }, 'missing locale or content'],
  ['no content', { locale: 'en-US', content: ' ' }, 'missing locale or content'],
  ['null', null, 'cannot be null'],
  ['an array', { locale: 'en-US', content: '[]' }, 'en-US content must be a JSON object'],
  ['a text', { locale: 'en-US', content: '"a"' }, 'en-US content must be a JSON object'],
  ['no JSON', { locale: 'en-US', content: '{' }, 'en-US content is not JSON'],
  ['a null leaf', { locale: 'en-US', content: '{"a":{"b":null}}' }, 'values must be strings or objects'],
  ['an array leaf', { locale: 'en-US', content: '{"a":[]}' }, 'values must be strings or objects'],
  ['a boolean leaf', { locale: 'en-US', content: '{"a":true}' }, 'values must be strings or objects'],
];

for (const [why, item, fragment] of TEXTS_REFUSED) {
  t.test(`a language with ${why} is refused`, async (t) => {
    refused(t, () => parse(section('i18n.assets', [item])), fragment);
  });
}

t.test('a language may be empty', async (t) => {
  for (const content of ['{}', 'null']) {
    t.same(parse(section('i18n.assets', [{ locale: ' en-US ', content }])).i18n, [{ locale: 'en-US', content }]);
  }
});

t.test('C13 API texts may only name the plugin itself', async (t) => {
  const texts = (keys: object) => ({ manifest: { id: 'demo-a' }, apidocI18n: { 'en-US': keys } });
  t.doesNotThrow(() => upload(texts({ plugins: { demo_a: { title: 'x' } } })));
  refused(t, () => upload(texts({ plugins: { other: { title: 'x' } } })), 'must begin with plugins.demo_a.');
  const entity = { plugins: { demo_a: { internal: { model: { entity: { a: 'x' } } } } } };
  refused(t, () => upload(texts(entity)), 'plugins.demo_a.internal.model.entity.a');
});

t.test('B10 an SQL file is named by three digits and a word', async (t) => {
  t.same(parse({ installSql: { '001-init.sql': ' SELECT 1\n' } }).installSql, [
    { key: '001-init.sql', content: 'SELECT 1' },
  ]);
});

const SQL_REFUSED: readonly (readonly [key: string, fragment: string])[] = [
  ['1-init.sql', 'does not match the naming rule'],
  ['001_init.sql', 'does not match the naming rule'],
  ['001-Init.sql', 'does not match the naming rule'],
  ['001-.sql.sql', 'does not match the naming rule'],
  ['001-init.sql\n.x', 'does not match the naming rule'],
  ['a/001-x.sql', 'cannot contain path separators'],
  ['a\\001-x.sql', 'cannot contain path separators'],
  [' ', 'missing key or content'],
];

for (const family of ['installSql', 'uninstallSql', 'mockSql'] as const) {
  t.test(`B11 files of ${family} with another name are refused`, async (t) => {
    for (const [key, fragment] of SQL_REFUSED) refused(t, () => parse({ [family]: { [key]: 'SELECT 1' } }), fragment);
  });
}

t.test('an SQL file without a statement is refused', async (t) => {
  refused(t, () => parse({ installSql: { '001-a.sql': ' \n' } }), 'missing key or content');
});

t.test('SQL files run in the order in which they lie in the section', async (t) => {
  const items = ['002-b.sql', '001-a.sql', '002-b.sql'].map((key) => ({ key, content: key }));
  t.same(parse(section('install.sql', items)).installSql, items);
});

const RESOURCES_REFUSED: readonly (readonly [path: string, fragment: string])[] = [
  ['../x', 'escapes manifest root'],
  ['manifest/../plugin.yaml', 'must use manifest source layout'],
  ['manifest/../../x', 'escapes manifest root'],
  ['manifest', 'must use manifest source layout'],
  ['config/a.yaml', 'must use manifest source layout'],
  [' ', 'empty or root'],
  ['.', 'empty or root'],
  ['http://a/b', 'cannot be URL'],
  ['/manifest/a', 'absolute'],
  ['\\manifest\\a', 'absolute'],
  ['C:\\manifest\\a', 'drive prefix'],
];

t.test('B12 C12 F002 manifest resources lie below manifest/ and nowhere else', async (t) => {
  for (const [path, fragment] of RESOURCES_REFUSED) {
    refused(t, () => parse({ manifestResources: { [path]: 'x' } }), fragment);
  }
});

t.test('a manifest resource is known by its clean path', async (t) => {
  const { manifestResources } = parse({ manifestResources: { ' manifest\\a//./b.txt ': 'x' } });
  t.match(manifestResources, [{ path: 'manifest/a/b.txt' }]);
});

t.test('two manifest resources of one clean path are refused', async (t) => {
  refused(
    t,
    () => parse({ manifestResources: { 'manifest/a': 'x', 'manifest/./a': 'y' } }),
    'manifest resource path is duplicated: manifest/a',
  );
});

t.test('B13 an asset without content is refused', async (t) => {
  const item = { path: 'frontend/a.js', contentBase64: '' };
  refused(t, () => parse(section('frontend.assets', [item])), 'content cannot be empty');
  const resource = { path: 'manifest/a', contentBase64: ' ' };
  refused(t, () => parse(section('manifest.resources', [resource])), 'content cannot be empty');
});

t.test('contents are standard base64 with padding', async (t) => {
  const content = (contentBase64: string) =>
    parse(section('frontend.assets', [{ path: 'a', contentBase64 }])).frontendAssets[0]?.content;
  t.same(Buffer.from(content('+/8=') ?? []), Buffer.from('fbff', 'hex'));
  t.same(Buffer.from(content('+/\r\n8=\n') ?? []), Buffer.from('fbff', 'hex'));
  for (const wrong of ['+/8', '-_8=', '+/ 8=', '=', '====', 'A===', 'AA=A', '{}{}', 'QQ==QQ==']) {
    refused(t, () => content(wrong), 'content is not standard base64');
  }
});

t.test('frontend assets are known by clean paths below the plugin', async (t) => {
  const pathOf = (path: string) => parse({ frontendAssets: { [path]: 'x' } }).frontendAssets[0]?.path;
  t.equal(pathOf(' /frontend/pages//a.js '), 'frontend/pages/a.js');
  t.equal(pathOf('./frontend\\a.js'), 'frontend/a.js');
  t.equal(pathOf('/./a/../b.js'), 'b.js');
  for (const path of ['', ' ', '.', '/', '..', '../a', 'a/../../b']) {
    refused(t, () => pathOf(path), 'path cannot be empty');
  }
});

t.test('B14 an artifact parses that an upload refuses', async (t) => {
  const artifact = parse({ manifest: { supportsMultiTenant: undefined } });
  t.equal(artifact.manifest.id, 'demo');
  refused(t, () => validateRelease(artifact), 'supports_multi_tenant is required');
});

t.test('B15 a bridge speaks protobuf', async (t) => {
  const fragment = 'only supports protobuf codecs';
  refused(t, () => parse({ bridge: { requestCodec: 'json' } }), fragment);
  refused(t, () => parse({ bridge: { responseCodec: '' } }), fragment);
  t.doesNotThrow(() => parse({ bridge: { requestCodec: 'json', routeExecution: false } }));
});

t.test('a bridge has defaults', async (t) => {
  const bridge = parse({ sections: { 'lina.plugin.backend.bridge': '{"requestCodec":" Protobuf "}' } }).bridge;
  t.same(bridge, {
    abiVersion: 'v1',
    runtimeKind: 'wasm',
    routeExecution: false,
    requestCodec: 'protobuf',
    responseCodec: '',
    allocExport: 'lina_dynamic_route_alloc',
    executeExport: 'lina_dynamic_route_execute',
  });
  t.match(parse({ sections: { 'lina.plugin.backend.bridge': 'null' } }).bridge, { routeExecution: false });
});

t.test('a bridge of another version or kind is refused', async (t) => {
  refused(t, () => parse({ bridge: { abiVersion: 'v2' } }), 'ABI version is not supported: v2');
  refused(t, () => parse({ bridge: { runtimeKind: 'native' } }), 'runtime kind must be wasm');
});

t.test('an artifact without the section has no bridge', async (t) => {
  t.equal(parse({ bridge: null }).bridge, undefined);
});

t.test('F002 what is no artifact is refused', async (t) => {
  refused(t, () => parseArtifact(Buffer.from('<!doctype html>')), 'invalid wasm header');
  refused(t, () => parse({ without: ['lina.plugin.dynamic'] }), 'lina.plugin.dynamic');
  refused(t, () => parse({ metadata: { abiVersion: 'v2' } }), 'ABI version is not supported: v2');
  refused(t, () => parse({ manifestResources: { '../x': 'x' } }), 'escapes manifest root');
  refused(t, () => parseArtifact(EMPTY_MODULE), 'missing custom section');
});

// ---- sections as JSON ----------------------------------------------------------------------------------------------------------

t.test('the two required sections must be JSON', async (t) => {
  for (const name of ['lina.plugin.manifest', 'lina.plugin.dynamic']) {
    for (const payload of ['', 'id: demo', '{"id":"a"} x']) {
      refused(t, () => parse({ sections: { [name]: payload } }), 'custom sections support JSON encoding only');
    }
  }
});

const ARRAYS: readonly string[] = [
  'frontend.assets',
  'i18n.assets',
  'apidoc.i18n.assets',
  'install.sql',
  'uninstall.sql',
  'mock.sql',
  'manifest.resources',
  'backend.hooks',
  'backend.lifecycle',
  'backend.resources',
  'backend.routes',
  'backend.host-services',
];

for (const name of ARRAYS) {
  const withPayload = (payload: string) => parse({ sections: { [`lina.plugin.${name}`]: payload } });

  t.test(`section ${name} is an array without null items`, async (t) => {
    refused(t, () => withPayload('['), `Failed to parse lina.plugin.${name}`);
    refused(t, () => withPayload('[] []'), `Failed to parse lina.plugin.${name}`);
    refused(t, () => withPayload('{}'), 'must be an array');
    refused(t, () => withPayload('[1]'), '');
    refused(t, () => withPayload('[null]'), 'cannot be n');
  });

  t.test(`section ${name} may be null as a whole, or empty`, async (t) => {
    t.doesNotThrow(() => withPayload(' null\n'));
    t.doesNotThrow(() => withPayload('[]'));
  });
}

t.test('the first failure in the order of the reference is the one that is told', async (t) => {
  const bad = (name: string) => ({ [`lina.plugin.${name}`]: '[null]' });
  const order = [...ARRAYS.slice(0, 11), 'backend.bridge', 'backend.host-services'];
  order.forEach((name, index) => {
    const rest = Object.assign({}, ...order.slice(index).map(bad));
    const failing = () => parse({ sections: rest, metadata: { abiVersion: 'v2', frontendAssetCount: 9 } });
    refused(t, failing, name === 'backend.host-services' ? 'host service' : `lina.plugin.${name}`);
  });
});

t.test('identity is asked for before the metadata is read', async (t) => {
  const sections = { 'lina.plugin.dynamic': '[]', 'lina.plugin.i18n.assets': '[null]' };
  refused(t, () => parse({ sections, manifest: { name: ' ' } }), 'missing required fields: name');
  refused(t, () => parse({ sections }), 'lina.plugin.dynamic must be an object');
  const twice = { id: '', version: undefined, type: null };
  refused(t, () => parse({ manifest: twice }), 'missing required fields: id, version, type');
});

t.test('the order of sections is free', async (t) => {
  const bytes = buildArtifact({ routes: [{ path: '/a' }] });
  const reversed = Buffer.concat([
    EMPTY_MODULE,
    encodeCustomSection('lina.plugin.dynamic', '{"abiVersion":"v1"}'),
    encodeCustomSection('unknown', '?'),
    bytes.subarray(8),
  ]);
  t.equal(parseArtifact(reversed).routes.length, 1);
});

t.test('an artifact of 20 MB shares its module with nothing that was parsed', async (t) => {
  const bytes = buildArtifact({ module: Buffer.concat([EMPTY_MODULE, encodeCustomSection('x', Buffer.alloc(20e6))]) });
  const before = process.memoryUsage();
  const artifact = parseArtifact(bytes);
  const after = process.memoryUsage();
  t.ok(after.arrayBuffers - before.arrayBuffers < 5e6, 'no copy of the module');
  t.ok(artifact.sizeBytes > 20e6);
});
