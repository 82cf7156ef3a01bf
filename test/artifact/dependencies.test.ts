import t from 'tap';
import { parse, refused, upload } from './refusal.js';

const plugins = (...plugins: unknown[]) => ({ manifest: { dependencies: { plugins } } });
const CORE = 'linapro-tenant-core';

t.test('B6 B7 C08 an entry of plugins has no other keys than id and version', async (t) => {
  refused(t, () => parse(plugins({ id: CORE, required: true })), 'dependencies.plugins[0].required');
  refused(t, () => parse(plugins({ id: CORE, install: 'auto' })), 'dependencies.plugins[0].install');
  refused(t, () => parse(plugins({ id: CORE }, { Id: CORE })), 'dependencies.plugins[1].Id');
});

t.test('unknown keys are told before anything else of the manifest', async (t) => {
  const { manifest } = plugins({ id: CORE, required: true });
  refused(t, () => parse({ manifest: { ...manifest, id: '', name: 7 } }), 'dependencies.plugins[0].required');
});

t.test('dependencies are trimmed', async (t) => {
  const dependencies = { framework: { version: ' >=0.1.0 ' }, plugins: [{ id: ` ${CORE} `, version: ' 1.0.0 ' }] };
  t.same(parse({ manifest: { dependencies } }).manifest.dependencies, {
    framework: { version: '>=0.1.0' },
    plugins: [{ id: CORE, version: '1.0.0' }],
  });
});

t.test('a blank range of the framework is none', async (t) => {
  const dependencies = { framework: { version: ' ' } };
  t.same(parse({ manifest: { dependencies } }).manifest.dependencies, { plugins: [] });
});

t.test('C9 a range of the framework must be one', async (t) => {
  const framework = (version: string) => ({ manifest: { dependencies: { framework: { version } } } });
  refused(t, () => upload(framework('0.1')), 'framework');
  refused(t, () => upload(framework('>= v0.1.0')), 'framework');
});

const REFUSED: readonly (readonly [why: string, entry: unknown, fragment: string])[] = [
  ['without id', {}, 'missing id'],
  ['with a blank id', { id: ' ' }, 'missing id'],
  ['with an id that is none', { id: 'A_b' }, 'kebab-case'],
  ['on the plugin itself', { id: 'demo' }, 'cannot depend on itself'],
  ['with a range that is none', { id: CORE, version: '^1.0.0' }, 'version'],
  ['that is null', null, 'cannot be null'],
];

for (const [why, entry, fragment] of REFUSED) {
  t.test(`C09 a dependency ${why} is refused`, async (t) => refused(t, () => upload(plugins(entry)), fragment));
}

t.test('C09 a plugin is named once', async (t) => {
  refused(t, () => upload(plugins({ id: CORE }, { id: ` ${CORE}` })), 'duplicate');
});

t.test('C10 a service of another plugin needs that plugin, with a range', async (t) => {
  const hostServices = [{ owner: CORE, version: 'v1', service: 'tenants', methods: ['list'] }];
  refused(t, () => upload({ hostServices }), 'dependencies.plugins entry');
  refused(t, () => upload({ hostServices, ...plugins({ id: CORE }) }), 'version range');
  t.doesNotThrow(() => upload({ hostServices, ...plugins({ id: CORE, version: '>=1.0.0' }) }));
});
