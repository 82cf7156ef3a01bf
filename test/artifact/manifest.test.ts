import t from 'tap';
import { parsePluginYaml, parseYaml } from '../../src/artifact/manifest.js';
import { normalizeManifest } from '../../src/artifact/manifest-rules.js';
import { parse, refused, upload } from './refusal.js';

type Fields = Readonly<Record<string, unknown>>;
const accept = (manifest: Fields) => upload({ manifest });

t.test('C1 ids in kebab-case are accepted', async (t) => {
  for (const id of ['demo-control', 'acme-random-report', 'a', 'x9-1', 'a'.repeat(64)]) {
    t.doesNotThrow(() => accept({ id }), id);
  }
});

t.test('C2 other ids are refused', async (t) => {
  for (const id of ['Acme-x', 'a_b', '-a', 'a--b', 'a-', 'a.b', 'a b', 'ä', '../a', 'a/b', 'a\nb']) {
    refused(t, () => accept({ id }), 'kebab-case', 'PLUGIN_ID_INVALID');
  }
});

t.test('C3 an id of more than 64 characters is refused', async (t) => {
  refused(t, () => accept({ id: 'a'.repeat(65) }), 'length', 'PLUGIN_ID_INVALID');
});

t.test('C4 versions are accepted as written', async (t) => {
  for (const version of ['1.2.3', 'v0.1.0', '1.0.0-rc.1']) {
    t.doesNotThrow(() => accept({ version }));
    t.equal(parse({ manifest: { version } }).manifest.version, version);
  }
});

t.test('C5 other versions are refused', async (t) => {
  for (const version of ['1.2', '1.2.3+b', 'V1.2.3']) refused(t, () => accept({ version }), version);
  refused(t, () => accept({ version: '' }), 'missing required fields: version');
});

t.test('an artifact is dynamic', async (t) => {
  t.doesNotThrow(() => accept({ type: ' Dynamic ' }));
  refused(t, () => accept({ type: 'source' }), 'type must be dynamic');
  refused(t, () => accept({ type: 'wasm' }), 'only supports source/dynamic');
});

t.test('C11 a dynamic plugin is not built in', async (t) => {
  t.doesNotThrow(() => accept({ distribution: 'MANAGED' }));
  refused(t, () => accept({ distribution: 'builtin' }), 'distribution');
  refused(t, () => accept({ distribution: 'market' }), 'distribution');
});

t.test('C06 artifact.md C10 what belongs to the platform does not support tenants', async (t) => {
  refused(
    t,
    () => accept({ scopeNature: 'platform_only', supportsMultiTenant: true }),
    'cannot be true when scope_nature is platform_only',
  );
});

t.test('C07 artifact.md C11 a plugin without tenants is installed as global', async (t) => {
  const modeOf = (manifest: Fields) => parse({ manifest }).manifest.defaultInstallMode;
  const platform = { scopeNature: 'platform_only', supportsMultiTenant: false, defaultInstallMode: 'tenant_scoped' };
  t.equal(modeOf(platform), 'global');
  t.equal(modeOf({ supportsMultiTenant: false }), 'global');
  t.equal(modeOf({ defaultInstallMode: '' }), 'tenant_scoped');
  t.equal(modeOf({ defaultInstallMode: ' Global ' }), 'global');
});

t.test('tenant governance knows few words', async (t) => {
  refused(t, () => accept({ scopeNature: 'tenant' }), 'scope_nature only supports');
  refused(t, () => accept({ defaultInstallMode: 'local' }), 'default_install_mode only supports');
  refused(t, () => accept({ supportsMultiTenant: null }), 'supports_multi_tenant is required');
});

t.test('rules are applied in the order of an upload', async (t) => {
  const broken: readonly (readonly [fields: Fields, fragment: string, code?: string])[] = [
    [{ type: 'source' }, 'type must be dynamic'],
    [{ scopeNature: 'x' }, 'scope_nature'],
    [{ id: 'A' }, 'kebab-case', 'PLUGIN_ID_INVALID'],
    [{ version: '1' }, 'version 1 is invalid'],
    [{ menus: [null] }, 'cannot be nil'],
    [{ distribution: 'builtin' }, 'distribution'],
    [{ dependencies: { framework: { version: '1' } } }, 'framework'],
    [{ public_assets: [{}] }, 'source cannot be empty'],
  ];
  broken.forEach(([, fragment, code], index) => {
    refused(t, () => accept(Object.assign({}, ...broken.slice(index).map(([fields]) => fields))), fragment, code);
  });
});

// ---- JSON as Go reads it -------------------------------------------------------------------------------------------------------

const manifestOf = (json: string) => parse({ sections: { 'lina.plugin.manifest': json } });
const IDENTITY = '"id":"demo","name":"n","version":"1.0.0","type":"dynamic"';

t.test('keys match in any case', async (t) => {
  t.equal(manifestOf('{"ID":"demo","Name":"n","vErsion":"1.0.0","TYPE":"dynamic"}').manifest.id, 'demo');
  t.equal(manifestOf(`{${IDENTITY},"\\u017fcopeNature":"platform_only"}`).manifest.scopeNature, 'platform_only');
  t.equal(manifestOf(`{${IDENTITY},"\\u212aey":1}`).manifest.id, 'demo');
});

t.test('of keys that are equal in some case the last one counts', async (t) => {
  t.equal(manifestOf(`{"id":"first",${IDENTITY}}`).manifest.id, 'demo');
  t.equal(manifestOf(`{${IDENTITY},"NAME":"last"}`).manifest.name, 'last');
  t.equal(manifestOf(`{${IDENTITY},"NAME":"second","name":"last"}`).manifest.name, 'last');
});

t.test('null is the same as nothing', async (t) => {
  const json = `{${IDENTITY},"description":null,"menus":null,"dependencies":null,"public_assets":null}`;
  t.match(manifestOf(json).manifest, { description: '', menus: [], dependencies: { plugins: [] }, publicAssets: [] });
  refused(t, () => manifestOf('null'), 'missing required fields: id, name, version, type');
});

t.test('unknown keys are ignored, __proto__ among them', async (t) => {
  const { manifest } = manifestOf(`{${IDENTITY},"author":1,"__proto__":{"description":"x"},"constructor":[]}`);
  t.equal(manifest.description, '');
  t.equal(({} as Fields).description, undefined);
});

t.test('values of a wrong type are refused', async (t) => {
  const wrong: readonly (readonly [field: string, fragment: string])[] = [
    ['"description":7', 'description must be a string, not number'],
    ['"description":true', 'description must be a string, not boolean'],
    ['"supportsMultiTenant":"true"', 'supportsMultiTenant must be a boolean, not string'],
    ['"supportsMultiTenant":1', 'supportsMultiTenant must be a boolean, not number'],
    ['"menus":{}', 'menus must be an array, not object'],
    ['"dependencies":[]', 'dependencies must be an object, not array'],
  ];
  for (const [field, fragment] of wrong) refused(t, () => manifestOf(`{${IDENTITY},${field}}`), fragment);
  refused(t, () => manifestOf('[]'), 'must be an object, not array');
});

t.test('JSON is read strictly', async (t) => {
  const wrong = [
    `{${IDENTITY}}x`,
    `{${IDENTITY},}`,
    `{${IDENTITY},"a":01}`,
    `{${IDENTITY},"a":+1}`,
    `{${IDENTITY},"a":.5}`,
    `{${IDENTITY},"a":NaN}`,
    `{${IDENTITY},"a":"\t"}`,
    `{${IDENTITY},"a":"\\x41"}`,
    `{${IDENTITY},"a":"\\u00g0"}`,
    `{${IDENTITY},'a':1}`,
    `{${IDENTITY},a:1}`,
    `{${IDENTITY}`,
    `\ufeff{${IDENTITY}}`,
    `{${IDENTITY}} // done`,
    '['.repeat(100_000),
  ];
  for (const json of wrong) refused(t, () => manifestOf(json), 'custom sections support JSON encoding only');
});

t.test('escapes are understood, and lone surrogates replaced', async (t) => {
  const json = `{${IDENTITY},"description":"\\u0041\\n\\/\\ud83d\\ude00\\ud800"}`;
  t.equal(manifestOf(json).manifest.description, 'A\n/😀\ufffd');
});

t.test('bytes that are no UTF-8 are replaced', async (t) => {
  const json = Buffer.concat([Buffer.from(`{${IDENTITY},"description":"a`), Buffer.of(0xff), Buffer.from('b"}')]);
  t.equal(parse({ sections: { 'lina.plugin.manifest': json } }).manifest.description, 'a\ufffdb');
});

// ---- plugin.yaml ---------------------------------------------------------------------------------------------------------------

const YAML = `id: demo
name: Demo
version: 1.0.0
type: dynamic
supports_multi_tenant: yes
`;

t.test('plugin.yaml says the same with other words', async (t) => {
  const { manifest, hostServices, author, i18n } = parsePluginYaml(`${YAML}scope_nature: tenant_aware
default_install_mode: global
author: me
i18n: { enabled: true, default: en-US, locales: [{ locale: en-US, nativeName: English }] }
hostServices:
  - service: runtime
    methods: [info.uuid]
`);
  t.match(normalizeManifest(manifest), {
    id: 'demo',
    version: '1.0.0',
    scopeNature: 'tenant_aware',
    supportsMultiTenant: true,
    defaultInstallMode: 'global',
  });
  t.match(hostServices, [{ service: 'runtime', methods: ['info.uuid'] }]);
  t.equal(author, 'me');
  t.same(i18n, { enabled: true, default: 'en-US', locales: [{ locale: 'en-US', nativeName: 'English' }] });
});

t.test('a version in plugin.yaml keeps its zeros', async (t) => {
  t.equal(parsePluginYaml('version: 1.10').manifest.version, '1.10');
});

t.test('a syntax error of plugin.yaml has a line', async (t) => {
  refused(t, () => parsePluginYaml(`${YAML}menus: [`), 'plugin.yaml line ');
  refused(t, () => parsePluginYaml('- a'), 'plugin.yaml must be a mapping');
  refused(t, () => parsePluginYaml(''), 'plugin.yaml must be a mapping');
});

t.test('plugin.yaml refuses unknown keys of dependencies too', async (t) => {
  const source = `${YAML}dependencies: { plugins: [{ id: a, required: true }] }`;
  refused(t, () => parsePluginYaml(source), 'dependencies.plugins[0].required');
});

t.test('resources of a host service that are left empty in plugin.yaml are refused', async (t) => {
  const source = `${YAML}hostServices:\n  - service: runtime\n    methods: [info.uuid]\n    resources:\n`;
  refused(t, () => parsePluginYaml(source), 'sequence or mapping');
});

t.test('anchors and merge keys of YAML work; bombs of aliases do not', async (t) => {
  t.same(
    parseYaml('a: &x { b: c }\nd: { <<: *x, e: f }', 'x.yaml'),
    new Map([
      ['a', new Map([['b', 'c']])],
      [
        'd',
        new Map([
          ['b', 'c'],
          ['e', 'f'],
        ]),
      ],
    ]),
  );
  const bomb = ['a: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 9; level += 1) bomb.push(`b${level}: &a${level} [${Array(9).fill(`*a${level - 1}`)}]`);
  refused(t, () => parseYaml(bomb.join('\n'), 'x.yaml'), 'too large or too deep');
});
