import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { encodeArtifact, moduleOf, packPlugin } from '../../src/artifact/pack.js';
import { parseDuration, parsePackConfig } from '../../src/artifact/pack-config.js';
import { selectFiles, type TreeEntry } from '../../src/artifact/pack-tree.js';
import { customSections, EMPTY_MODULE, readSections } from '../../src/artifact/sections.js';
import { buildArtifact } from './build.js';

const PLUGIN_YAML = `
id: acme-demo
name: Demo
version: v0.1.0
type: dynamic
scope_nature: tenant_aware
supports_multi_tenant: true
default_install_mode: tenant_scoped
`;

/** Packs a plugin of these files, `hack/config.yaml` among them. */
function pack(files: Readonly<Record<string, string>> = {}, module?: Uint8Array) {
  const { 'hack/config.yaml': config, ...others } = files;
  const contents = Object.entries({ 'plugin.yaml': PLUGIN_YAML, ...others });
  return packPlugin({
    files: new Map(contents.map(([path, text]) => [path, Buffer.from(text)])),
    config: parsePackConfig(config),
    ...(module && { module }),
  });
}

const declared = (wasm: string) => pack({ 'hack/config.yaml': `wasm:\n${wasm}` }, EMPTY_MODULE).artifact;

/** Name → text of our sections, in file order. */
function sectionsOf(bytes: Uint8Array): readonly (readonly [string, string])[] {
  const texts = customSections(bytes);
  return readSections(bytes).map(({ name }) => [name, Buffer.from(texts.get(name)!).toString()]);
}

const refused = (code: string, text: string | RegExp) => ({ code, message: text });
const failed = (text: string | RegExp) => refused('SBX_PACK_FAILED', text);

t.test('a plugin is packed byte for byte as the reference packs it', async (t) => {
  const { bytes, warnings } = pack(
    {
      'plugin.yaml': `${PLUGIN_YAML}
author: nobody
description: a < b & c
dependencies:
  framework: { version: '>=0.1.0' }
  plugins: [{ id: acme-other, version: '>=1.0.0 <2.0.0' }, { id: acme-third }]
hostServices:
  - { service: Storage, methods: [put, Get], resources: { paths: [reports/, a.txt] } }
  - { service: network, methods: [request], resources: [{ url: 'https://example.com', timeoutMs: 5 }] }
  - { service: runtime, methods: [log.write, info.uuid] }
menus:
  - { key: 'plugin:acme-demo:main', name: Demo, type: D, sort: 2, visible: 0, query: { b: 1, a: x } }
public_assets:
  - { source: frontend/pages, mount: /, index: index.html }
`,
      'frontend/pages/z.js': 'z',
      'frontend/pages/index.html': '<p>',
      'frontend/slots/side.js': 'no',
      'manifest/config/config.example.yaml': 'a: 1',
      'manifest/metadata.yaml': 'm',
      'manifest/i18n/zh-CN/b.json': '{"t":{"x":"2","w":"<"}}',
      'manifest/i18n/zh-CN/a.json': '{"t":{"x":"1","y":"1"}}',
      'manifest/i18n/en-US/a.json': '{}',
      'manifest/i18n/en-US/apidoc/sub/a.json': '{"plugins":{"acme_demo":{"k":"v"}}}',
      'manifest/sql/002-b.sql': ' B; \n',
      'manifest/sql/001-a.sql': 'A;',
      'manifest/sql/uninstall/001-a.sql': 'U;',
      'manifest/sql/mock-data/001-a.sql': 'M;',
      'hack/config.yaml': `wasm:
  hooks: [{ event: plugin.enabled, action: sleep, sleep: 20ms, timeout: 2s }]
  lifecycle:
    contracts: [{ operation: AfterInstall, requestType: AfterReq }, { operation: BeforeInstall, requestType: BeforeReq }]
    timeouts: { AfterInstall: 3s }
  resources:
    - { key: orders, table: plugin_acme_demo_order, fields: [{ name: id, column: id }], orderBy: { column: id }, keyField: id, operations: [query, get] }
  routes:
    - { path: /z, method: get, requestType: ZReq, tags: [t], meta: { operLog: create, a: b } }
    - { path: /a, method: POST, requestType: AReq, access: public, summary: S, description: D }
`,
    },
    EMPTY_MODULE,
  );
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const resource = (path: string, text: string) => `{"path":"${path}","contentBase64":"${base64(text)}"}`;
  t.same(sectionsOf(bytes), [
    [
      'lina.plugin.manifest',
      '{"id":"acme-demo","name":"Demo","version":"v0.1.0","type":"dynamic","scopeNature":"tenant_aware","supportsMultiTenant":true,' +
        '"defaultInstallMode":"tenant_scoped","description":"a \\u003c b \\u0026 c","dependencies":{"framework":{"version":"\\u003e=0.1.0"},' +
        '"plugins":[{"id":"acme-other","version":"\\u003e=1.0.0 \\u003c2.0.0"},{"id":"acme-third"}]},"menus":[{"key":"plugin:acme-demo:main",' +
        '"name":"Demo","type":"D","sort":2,"visible":0,"query":{"a":"x","b":1}}],' +
        '"public_assets":[{"source":"frontend/pages","mount":"/","index":"index.html"}]}',
    ],
    [
      'lina.plugin.dynamic',
      '{"runtimeKind":"wasm","abiVersion":"v1","frontendAssetCount":2,"i18nAssetCount":2,"apiDocI18nAssetCount":1,' +
        '"sqlAssetCount":4,"mockSqlAssetCount":1,"manifestResourceCount":10,"routeCount":2}',
    ],
    [
      'lina.plugin.frontend.assets',
      `[{"path":"frontend/pages/index.html","contentBase64":"${base64('<p>')}","contentType":"text/html; charset=utf-8"},` +
        `{"path":"frontend/pages/z.js","contentBase64":"${base64('z')}","contentType":"text/javascript; charset=utf-8"}]`,
    ],
    [
      'lina.plugin.i18n.assets',
      '[{"locale":"en-US","content":"{}"},' +
        '{"locale":"zh-CN","content":"{\\"t\\":{\\"w\\":\\"\\\\u003c\\",\\"x\\":\\"2\\",\\"y\\":\\"1\\"}}"}]',
    ],
    [
      'lina.plugin.apidoc.i18n.assets',
      '[{"locale":"en-US","content":"{\\"plugins\\":{\\"acme_demo\\":{\\"k\\":\\"v\\"}}}"}]',
    ],
    ['lina.plugin.install.sql', '[{"key":"001-a.sql","content":"A;"},{"key":"002-b.sql","content":"B;"}]'],
    ['lina.plugin.uninstall.sql', '[{"key":"001-a.sql","content":"U;"}]'],
    ['lina.plugin.mock.sql', '[{"key":"001-a.sql","content":"M;"}]'],
    [
      'lina.plugin.manifest.resources',
      `[${[
        resource('manifest/config/config.example.yaml', 'a: 1'),
        resource('manifest/i18n/en-US/a.json', '{}'),
        resource('manifest/i18n/en-US/apidoc/sub/a.json', '{"plugins":{"acme_demo":{"k":"v"}}}'),
        resource('manifest/i18n/zh-CN/a.json', '{"t":{"x":"1","y":"1"}}'),
        resource('manifest/i18n/zh-CN/b.json', '{"t":{"x":"2","w":"<"}}'),
        resource('manifest/metadata.yaml', 'm'),
        resource('manifest/sql/001-a.sql', 'A;'),
        resource('manifest/sql/002-b.sql', ' B; \n'),
        resource('manifest/sql/mock-data/001-a.sql', 'M;'),
        resource('manifest/sql/uninstall/001-a.sql', 'U;'),
      ].join(',')}]`,
    ],
    [
      'lina.plugin.backend.hooks',
      '[{"event":"plugin.enabled","action":"sleep","mode":"blocking","timeoutMs":2000,"sleepMs":20}]',
    ],
    [
      'lina.plugin.backend.lifecycle',
      '[{"operation":"BeforeInstall","requestType":"BeforeReq","internalPath":"/__lifecycle/before-install"},' +
        '{"operation":"AfterInstall","requestType":"AfterReq","internalPath":"/__lifecycle/after-install","timeoutMs":3000}]',
    ],
    [
      'lina.plugin.backend.resources',
      '[{"key":"orders","type":"table-list","table":"plugin_acme_demo_order","fields":[{"name":"id","column":"id"}],"filters":[],' +
        '"orderBy":{"column":"id","direction":"asc"},"operations":["get","query"],"keyField":"id","access":"request"}]',
    ],
    [
      'lina.plugin.backend.routes',
      '[{"path":"/z","method":"GET","tags":["t"],"access":"login","meta":{"a":"b","operLog":"create"},"requestType":"ZReq"},' +
        '{"path":"/a","method":"POST","summary":"S","description":"D","access":"public","requestType":"AReq"}]',
    ],
    [
      'lina.plugin.backend.bridge',
      '{"abiVersion":"v1","runtimeKind":"wasm","routeExecution":true,"requestCodec":"protobuf","responseCodec":"protobuf",' +
        '"allocExport":"lina_dynamic_route_alloc","executeExport":"lina_dynamic_route_execute"}',
    ],
    [
      'lina.plugin.backend.host-services',
      '[{"methods":["request"],"resources":[{"url":"https://example.com"}],"service":"network"},' +
        '{"methods":["info.uuid","log.write"],"service":"runtime"},' +
        '{"methods":["get","put"],"resources":{"paths":["a.txt","reports/"]},"service":"storage"}]',
    ],
  ]);
  t.same(warnings, []);

  t.test('and what is parsed is written again as it was', async (t) => {
    t.same(Buffer.from(encodeArtifact(parseArtifact(bytes), moduleOf(bytes))), Buffer.from(bytes));
  });
});

t.test('a plugin without code is 8 bytes and its sections', async (t) => {
  const { bytes, artifact } = pack();
  t.same(sectionsOf(bytes), [
    [
      'lina.plugin.manifest',
      '{"id":"acme-demo","name":"Demo","version":"v0.1.0","type":"dynamic","scopeNature":"tenant_aware","supportsMultiTenant":true,' +
        '"defaultInstallMode":"tenant_scoped"}',
    ],
    ['lina.plugin.dynamic', '{"runtimeKind":"wasm","abiVersion":"v1"}'],
    [
      'lina.plugin.backend.bridge',
      '{"abiVersion":"v1","runtimeKind":"wasm","routeExecution":false,' +
        '"allocExport":"lina_dynamic_route_alloc","executeExport":"lina_dynamic_route_execute"}',
    ],
  ]);
  t.same(artifact.bridge?.routeExecution, false);
  t.same(Buffer.from(moduleOf(bytes)).toString('hex'), '0061736d01000000');
});

t.test('routes and callbacks of a plugin without code are warned of', async (t) => {
  const config =
    'wasm:\n  routes: [{ path: /a, method: GET, requestType: A }]\n  lifecycle: [{ operation: Upgrade, requestType: U }]';
  t.same(pack({ 'hack/config.yaml': config }).warnings, [
    'the plugin has no code, so that its routes cannot be executed',
    'the plugin has no code, so that its lifecycle cannot be executed',
  ]);
});

t.test('a menu that leads to the page of another version is warned of', async (t) => {
  const menus = `menus: [{ key: 'plugin:acme-demo:page', name: P, type: M, path: /x-assets/acme-demo/v0.0.9/index.html }]`;
  t.same(pack({ 'plugin.yaml': `${PLUGIN_YAML}${menus}` }).warnings, [
    'it cannot be enabled: menu plugin:acme-demo:page: path /x-assets/acme-demo/v0.0.9/index.html must begin with ' +
      '/x-assets/acme-demo/v0.1.0/',
  ]);
});

t.test('sections that a module brings along are replaced, and foreign ones are kept', async (t) => {
  const old = buildArtifact({ installSql: { '001-old.sql': 'OLD' }, sections: { producers: 'p', 'go:buildid': 'b' } });
  const { bytes, artifact } = pack({}, old);
  t.same(artifact.installSql, []);
  t.same(
    readSections(bytes).map(({ name }) => name),
    ['producers', 'go:buildid', 'lina.plugin.manifest', 'lina.plugin.dynamic', 'lina.plugin.backend.bridge'],
  );
});

t.test('plugin.yaml is held against the rules of an upload', async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['type: dynamic', 'type: source', /type must be dynamic/],
    ['supports_multi_tenant: true', '', /supports_multi_tenant is required/],
    ['version: v0.1.0', 'version: 1.0', /version 1\.0 is invalid/],
    ['name: Demo', 'name: ""', /missing name/],
    ['name: Demo', 'name: Demo\npublic_assets: [{ source: frontend/other }]', /asset prefix does not exist/],
    ['name: Demo', 'name: Demo\nhostServices: [{ service: queue, methods: [a] }]', /unknown host service declaration/],
    ['name: Demo', 'name: Demo\nmenus: [{ key: "plugin:other:x", name: X }]', /must use current plugin prefix/],
  ];
  for (const [from, to, message] of cases) {
    t.throws(
      () => pack({ 'plugin.yaml': PLUGIN_YAML.replace(from, to) }),
      refused('SBX_ARTIFACT_INVALID', message),
      to,
    );
  }
  t.throws(() => pack({ 'plugin.yaml': PLUGIN_YAML.replace('acme-demo', 'Acme_Demo') }), { code: 'PLUGIN_ID_INVALID' });
});

t.test('an empty file is refused with its name', async (t) => {
  for (const path of ['frontend/pages/a.js', 'manifest/resources/a.txt', 'manifest/i18n/en-US/a.json']) {
    t.throws(() => pack({ [path]: '' }), failed(`${path} is empty`), path);
  }
  for (const path of ['manifest/sql/001-a.sql', 'manifest/sql/mock-data/001-a.sql', 'manifest/sql/install.sql']) {
    t.throws(() => pack({ [path]: ' \n' }), failed(`${path} is empty`), path);
  }
});

t.test('F135 frontend files come from pages, dist and public, without slots and .vue pages', async (t) => {
  const { artifact } = pack({
    'frontend/pages/a.js': 'a',
    'frontend/pages/b.vue': 'b',
    'frontend/dist/deep/c.unknownkind': 'c',
    'frontend/public/d.json': '{}',
    'frontend/public/logo.png': 'p',
    'frontend/slots/e.js': 'e',
    'frontend/src/f.js': 'f',
  });
  t.same(
    artifact.frontendAssets.map(({ path, contentType }) => [path, contentType]),
    [
      ['frontend/dist/deep/c.unknownkind', 'application/octet-stream'],
      ['frontend/pages/a.js', 'text/javascript; charset=utf-8'],
      ['frontend/public/d.json', 'application/json'],
      ['frontend/public/logo.png', 'image/png'],
    ],
  );
});

t.test('F135 another folder of the frontend is packed where it is published', async (t) => {
  const files = {
    'frontend/app/a.js': 'a',
    'frontend/app/b.vue': 'b',
    'frontend/src/c.js': 'c',
    'frontend/slots/d.js': 'd',
  };
  const publishing = (source: string) => ({
    ...files,
    'plugin.yaml': `${PLUGIN_YAML}public_assets: [{ source: ${source}, mount: / }]\n`,
  });
  const packed = (source: string) => pack(publishing(source)).artifact.frontendAssets.map(({ path }) => path);
  t.same(packed('frontend/app'), ['frontend/app/a.js']);
  t.same(packed('frontend'), ['frontend/app/a.js', 'frontend/src/c.js']);
  t.throws(() => packed('frontend/slots'), refused('SBX_ARTIFACT_INVALID', 'asset prefix does not exist'));
});

t.test('languages', async (t) => {
  const texts = (files: Readonly<Record<string, string>>) => {
    const { i18n, apidocI18n } = pack(files).artifact;
    return [i18n, apidocI18n].map((list) => list.map(({ locale, content }) => [locale, content]));
  };

  t.test('F133 may be written in YAML, where every word is text', async (t) => {
    const files = {
      'manifest/i18n/en.yaml': 'menu: { title: Demo, no: No, off: off, n: 404, f: 1.50, none: ~ }',
      'manifest/i18n/en/over.yml': 'menu: { title: Better }\na.b: dotted',
      'manifest/i18n/en/apidoc/x/y.yaml': 'plugins.acme_demo.k: v',
    };
    t.throws(() => texts(files), failed('manifest/i18n/en.yaml menu none: texts must be strings or objects'));
    t.same(texts({ ...files, 'manifest/i18n/en.yaml': files['manifest/i18n/en.yaml'].replace(', none: ~', '') }), [
      [['en', '{"a.b":"dotted","menu":{"f":"1.50","n":"404","no":"No","off":"off","title":"Better"}}']],
      [['en', '{"plugins.acme_demo.k":"v"}']],
    ]);
  });

  t.test('of two files the later name wins, whole where one of them is no object', async (t) => {
    const files = {
      'manifest/i18n/en/a.json': '{"a":{"b":"1"},"c":"1"}',
      'manifest/i18n/en/b.json': '{"a":"2","c":{"d":"2"}}',
    };
    t.same(texts(files)[0], [['en', '{"a":"2","c":{"d":"2"}}']]);
  });

  t.test('JSON beside the folders and folders below a locale are no texts', async (t) => {
    t.same(texts({ 'manifest/i18n/en.json': '{"a":"1"}', 'manifest/i18n/en/other/a.json': '{"a":"1"}' }), [[], []]);
  });

  t.test('a broken file is refused with its name', async (t) => {
    t.throws(() => pack({ 'manifest/i18n/en/a.json': '{' }), failed('manifest/i18n/en/a.json cannot be read'));
    t.throws(() => pack({ 'manifest/i18n/en/a.yaml': 'a: [' }), failed('manifest/i18n/en/a.yaml cannot be read'));
    t.throws(() => pack({ 'manifest/i18n/en/a.json': '[]' }), failed('manifest/i18n/en/a.json must hold an object'));
    t.throws(
      () => pack({ 'manifest/i18n/en/a.json': '{"a":{"b":1}}' }),
      failed('manifest/i18n/en/a.json a b: texts must'),
    );
  });

  t.test('texts of the API may only name the plugin itself', async (t) => {
    t.throws(() => pack({ 'manifest/i18n/en/apidoc/a.json': '{"other":"x"}' }), { code: 'SBX_ARTIFACT_INVALID' });
  });
});

t.test('SQL', async (t) => {
  t.test('F070 under the old names is packed with a warning for each', async (t) => {
    const { artifact, warnings } = pack({
      'manifest/sql/install.sql': 'I;',
      'manifest/sql/uninstall.sql': 'U;',
      'manifest/sql/mock.sql': 'M;',
    });
    t.same(artifact.installSql, [{ key: '001-install.sql', content: 'I;' }]);
    t.same(artifact.uninstallSql, [{ key: '001-uninstall.sql', content: 'U;' }]);
    t.same(artifact.mockSql, [{ key: '001-mock.sql', content: 'M;' }]);
    t.same(warnings, [
      'manifest/sql/install.sql is an old name; it is packed as 001-install.sql',
      'manifest/sql/mock.sql is an old name; it is packed as 001-mock.sql',
      'manifest/sql/uninstall.sql is an old name; it is packed as 001-uninstall.sql',
    ]);
  });

  t.test('F070 under old and new names together is refused', async (t) => {
    for (const path of [
      'manifest/sql/001-a.sql',
      'manifest/sql/uninstall/001-a.sql',
      'manifest/sql/mock-data/001-a.sql',
    ]) {
      t.throws(
        () => pack({ 'manifest/sql/install.sql': 'I;', [path]: 'X;' }),
        failed(`manifest/sql/install.sql and ${path}`),
        path,
      );
    }
  });

  t.test('with a name that no host accepts is refused', async (t) => {
    t.throws(() => pack({ 'manifest/sql/1_a.sql': 'I;' }), refused('SBX_ARTIFACT_INVALID', /1_a\.sql does not match/));
  });
});

t.test('F142 manifest files with a hidden part in their path are no resources', async (t) => {
  const { artifact } = pack({ 'manifest/.a': '1', 'manifest/_b/c': '1', 'manifest/d/.e/f': '1', 'manifest/g._h': '1' });
  t.same(
    artifact.manifestResources.map(({ path }) => path),
    ['manifest/g._h'],
  );
});

// ---- what is packed at all --------------------------------------------------------------------------------------------------

const tree = (...paths: readonly string[]): readonly TreeEntry[] => {
  const folders = paths.flatMap((path) =>
    path
      .split('/')
      .slice(0, -1)
      .map((_, end, all) => all.slice(0, end + 1).join('/')),
  );
  return [
    ...[...new Set(folders)].map((path) => ({ path, kind: 'directory' as const })),
    ...paths.map((path) => ({ path, kind: 'file' as const })),
  ];
};

const TREE = tree(
  'plugin.yaml',
  'README.md',
  'frontend/pages/index.html',
  'frontend/pages/.hidden.html',
  'frontend/pages/_part/x.html',
  'frontend/slots/x.js',
  'manifest/metadata.yaml',
  'manifest/.secret',
  'manifest/sql/001-a.sql',
  'manifest/sql/.draft.sql',
);

t.test('F064 F142 without plugin_embed.go the known folders are packed, hidden resources excepted', async (t) => {
  t.same(selectFiles(TREE), [
    'frontend/pages/.hidden.html',
    'frontend/pages/_part/x.html',
    'frontend/pages/index.html',
    'manifest/metadata.yaml',
    'manifest/sql/.draft.sql',
    'manifest/sql/001-a.sql',
    'plugin.yaml',
  ]);
  t.throws(() => selectFiles(tree('manifest/a')), failed('missing plugin.yaml'));
});

t.test('F064 F142 plugin_embed.go names what is packed', async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [
      'plugin.yaml frontend manifest',
      ['frontend/pages/index.html', 'manifest/metadata.yaml', 'manifest/sql/001-a.sql', 'plugin.yaml'],
    ],
    ['plugin.yaml ./manifest/sql/', ['manifest/sql/001-a.sql', 'plugin.yaml']],
    ['plugin.yaml\n//go:embed manifest/*.yaml', ['manifest/metadata.yaml', 'plugin.yaml']],
    ['*.yaml\tfrontend/pages/.hidden.html', ['frontend/pages/.hidden.html', 'plugin.yaml']],
    ['plugin.yaml frontend/*/_part', ['frontend/pages/_part/x.html', 'plugin.yaml']],
    ['plugin.yaml manifest/sql/00[0-9]-?.sql', ['manifest/sql/001-a.sql', 'plugin.yaml']],
    ['plugin.yaml manifest/sql/[^.]*', ['manifest/sql/001-a.sql', 'plugin.yaml']],
    ['plugin\\.yaml plugin.yaml README.md', ['plugin.yaml']],
    [
      'plugin.yaml all:frontend manifest',
      [
        'frontend/pages/.hidden.html',
        'frontend/pages/_part/x.html',
        'frontend/pages/index.html',
        'manifest/metadata.yaml',
        'manifest/sql/001-a.sql',
        'plugin.yaml',
      ],
    ],
  ];
  for (const [patterns, expected] of cases) {
    t.same(selectFiles(TREE, `package x\n//go:embed ${patterns}\nvar FS embed.FS\n`), expected, patterns);
  }
});

t.test('a directive of plugin_embed.go that cannot be followed is refused', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['package x', 'no //go:embed directive'],
    ['// //go:embed plugin.yaml', 'no //go:embed directive'],
    ['//go:embed plugin.yaml all:../manifest', 'the pattern all:../manifest must name'],
    ['//go:embed plugin.yaml nothing/*', 'the pattern nothing/* matches no file'],
    ['//go:embed plugin?yam?l', 'the pattern plugin?yam?l matches no file'],
    ['//go:embed plugin.yaml .', 'the pattern . must name something inside the plugin'],
    ['//go:embed plugin.yaml ../x', 'the pattern ../x must name'],
    ['//go:embed plugin.yaml /etc/passwd', 'the pattern /etc/passwd must name'],
    ['//go:embed manifest', 'missing plugin.yaml'],
    ['//go:embed [z-a]', 'the pattern [z-a] is malformed'],
  ];
  for (const [source, message] of cases) t.throws(() => selectFiles(TREE, source), failed(message), source);
});

t.test('a link to a directory is refused where it would be packed, and only there', async (t) => {
  const link = (path: string): TreeEntry => ({ path, kind: 'linked directory' });
  for (const path of ['manifest', 'manifest/i18n/en', 'frontend/pages/deep']) {
    t.throws(() => selectFiles([...tree('plugin.yaml'), link(path)]), failed(`${path} is a link to a directory`), path);
  }
  t.same(selectFiles([...tree('plugin.yaml'), link('src/sdk'), link('manifest/.cache')]), ['plugin.yaml']);
  const published = tree('plugin.yaml', 'frontend/app/a.js');
  t.same(selectFiles(published, undefined, ['frontend/app']), ['frontend/app/a.js', 'plugin.yaml']);
  t.same(selectFiles(published), ['plugin.yaml']);
  const broken: TreeEntry = { path: 'manifest/a', kind: 'unreadable' };
  t.throws(() => selectFiles([...tree('plugin.yaml'), broken]), failed('manifest/a cannot be read'));
});

// ---- hack/config.yaml -------------------------------------------------------------------------------------------------------

t.test('a duration is written with its unit', async (t) => {
  const good = {
    '500ms': 500,
    '3s': 3000,
    '2m': 120000,
    '1h2m3.5s': 3723500,
    '1.5s': 1500,
    ' 1s ': 1000,
    '+2s': 2000,
    '1000us': 1,
    '.5s': 500,
  };
  for (const [written, ms] of Object.entries(good)) t.equal(parseDuration(written, 'x'), ms, written);
  const bad = {
    3: 'must include a valid unit',
    '3 s': 'valid unit',
    s: 'valid unit',
    '': 'valid unit',
    '1d': 'valid unit',
    '0': 'greater than 0',
    '0s': 'greater than 0',
    '-1s': 'greater than 0',
    '1.5ms': 'millisecond precision',
    '10us': 'millisecond precision',
  };
  for (const [written, message] of Object.entries(bad))
    t.throws(() => parseDuration(written, 'x'), failed(message), written);
});

t.test('hack/config.yaml declares what no other file does', async (t) => {
  t.test('hooks, with the keys of the reference alone', async (t) => {
    const [hook] = declared(
      '  hooks: [{ event: auth.logout.succeeded, mode: async, table: t, fields: { a: b }, timeout: 1s }]',
    ).hooks;
    t.match(hook, {
      event: 'auth.logout.succeeded',
      action: 'insert',
      mode: 'async',
      fields: { a: 'b' },
      timeoutMs: 1000,
    });
    t.throws(
      () => declared('  hooks: [{ event: plugin.enabled, timeoutMs: 3 }]'),
      failed('field is not supported: timeoutMs'),
    );
    t.throws(
      () => declared('  hooks: [{ event: plugin.enabled, action: sleep, sleep: 3 }]'),
      failed('wasm.hooks[0].sleep must include a valid unit'),
    );
    t.throws(() => declared('  hooks: [{ event: nothing.happened }]'), { code: 'SBX_ARTIFACT_INVALID' });
  });

  t.test('callbacks, with a path by convention or their own', async (t) => {
    const { lifecycle } = declared(`  lifecycle:
    - { operation: BeforeInstallModeChange, requestType: A, timeout: 500ms }
    - { operation: Upgrade, requestType: B, internalPath: up/, timeoutMs: 7 }`);
    t.same(lifecycle, [
      { operation: 'Upgrade', requestType: 'B', internalPath: '/up', timeoutMs: 7 },
      {
        operation: 'BeforeInstallModeChange',
        requestType: 'A',
        internalPath: '/__lifecycle/before-install-mode-change',
        timeoutMs: 500,
      },
    ]);
    t.throws(
      () => declared('  lifecycle: [{ operation: Nope, requestType: A }]'),
      refused('SBX_ARTIFACT_INVALID', /operation is unsupported/),
    );
  });

  t.test('timeouts of callbacks that exist', async (t) => {
    t.throws(() => declared('  lifecycle: { timeouts: { Upgrade: 3s } }'), failed('Upgrade has no matching handler'));
    t.throws(() => declared('  lifecycle: { timeouts: { Nope: 3s } }'), failed('operation is unsupported: Nope'));
  });

  t.test('other names of the two exports', async (t) => {
    t.match(declared('  bridge: { allocExport: a, executeExport: b }').bridge, {
      routeExecution: true,
      allocExport: 'a',
      executeExport: 'b',
    });
  });

  t.test('a build', async (t) => {
    const build = (text: string) => parsePackConfig(`wasm: { build: ${text} }`).build;
    t.same(build('{ language: assemblyscript }'), { language: 'assemblyscript', entry: 'assembly/index.ts' });
    t.same(build('{ language: go, package: ./guest }'), { language: 'go', package: './guest' });
    t.same(build('{ command: [make, 1], output: x.wasm }'), { command: ['make', '1'], output: 'x.wasm' });
    t.same(build('~'), undefined);
    t.throws(() => build('{ command: [make] }'), failed('needs wasm.build.output'));
    t.throws(() => build('{ language: cobol }'), failed('cobol'));
  });

  t.test('and nothing when it is no mapping', async (t) => {
    t.throws(() => parsePackConfig(' \n'), failed('hack/config.yaml is empty'));
    t.throws(() => parsePackConfig('[]'), failed('hack/config.yaml must be a mapping'));
    t.throws(() => parsePackConfig('wasm: 1'), failed('wasm must be a mapping'));
    t.same(parsePackConfig('wasm: { rutes: [] }').warnings, [
      'hack/config.yaml: wasm.rutes is unknown and does nothing',
    ]);
    t.same(parsePackConfig('other: 1'), parsePackConfig(undefined));
  });
});
