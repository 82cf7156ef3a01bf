import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { createPluginConfig, type PluginConfigSources } from '../../src/resources/plugin-config.js';

const EMBEDDED = 'monitor:\n  interval: 45s\nenabled: true\nlimit: 3\nsource: artifact\n';

function fixture(t: Test, more: Partial<PluginConfigSources> = {}) {
  const dir = t.testdir({});
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const config = createPluginConfig({
    section: () => undefined,
    configRoot: join(dir, 'config'),
    developmentDir: join(dir, 'plugins'),
    manifestFile: (pluginId, path) =>
      pluginId === 'demo' && path === 'config/config.yaml' ? Buffer.from(EMBEDDED) : undefined,
    parseYaml: parse,
    ...more,
  });
  return { config, write, dir };
}

const DEVELOPMENT = 'plugins/demo/manifest/config/config.yaml';
const PRODUCTION = 'config/plugins/demo/config.yaml';

t.test('values of the artifact keep their types', async (t) => {
  const { config } = fixture(t);
  t.equal(config.get('demo', 'monitor.interval'), '"45s"');
  t.equal(config.get('demo', 'enabled'), 'true');
  t.equal(config.get('demo', 'limit'), '3');
  t.equal(config.get('demo', 'monitor'), '{"interval":"45s"}');
  t.equal(config.get('demo', 'monitor.nope'), undefined);
  t.equal(config.get('other', 'limit'), undefined);
});

t.test('a development file hides the artifact, and nothing is merged', async (t) => {
  const { config, write } = fixture(t);
  write(DEVELOPMENT, 'source: development');
  t.equal(config.get('demo', 'source'), '"development"');
  t.equal(config.get('demo', 'limit'), undefined);
});

t.test('a production file hides the development file', async (t) => {
  const { config, write } = fixture(t);
  write(DEVELOPMENT, 'source: development');
  write(PRODUCTION, 'source: production');
  t.equal(config.get('demo', 'source'), '"production"');
});

t.test('a section of the host hides every file, even when it is empty', async (t) => {
  const { config, write } = fixture(t, { section: () => ({}) });
  write(PRODUCTION, 'source: production');
  t.equal(config.get('demo', 'source'), undefined);
});

t.test('an empty production file hides the artifact', async (t) => {
  const { config, write } = fixture(t);
  write(PRODUCTION, '');
  t.equal(config.get('demo', 'source'), undefined);
});

t.test('config.example.yaml is no configuration', async (t) => {
  const { config, write } = fixture(t);
  write('config/plugins/demo/config.example.yaml', 'source: example');
  t.equal(config.get('demo', 'source'), '"artifact"');
});

t.test('a changed file counts once its plugin is forgotten', async (t) => {
  const { config, write } = fixture(t);
  t.equal(config.get('demo', 'source'), '"artifact"');
  write(PRODUCTION, 'source: production');
  t.equal(config.get('demo', 'source'), '"artifact"');
  config.forget('demo');
  t.equal(config.get('demo', 'source'), '"production"');
  write(PRODUCTION, 'source: again');
  config.forget();
  t.equal(config.get('demo', 'source'), '"again"');
});

t.test('a source that cannot be parsed is an error and not a missing value', async (t) => {
  const { config, write } = fixture(t);
  write(PRODUCTION, 'a: [');
  t.throws(() => config.get('demo', 'a'), { code: 'SBX_PLUGIN_CONFIG_INVALID', details: { pluginId: 'demo' } });
});

t.test('a source that cannot be read is an error and not a missing value', async (t) => {
  const { config, dir } = fixture(t);
  mkdirSync(join(dir, PRODUCTION), { recursive: true });
  t.throws(() => config.get('demo', 'a'), { code: 'SBX_PLUGIN_CONFIG_INVALID', message: /EISDIR/ });
});

t.test('taking away one source after another shows the next one (F116)', async (t) => {
  const section: { value: unknown } = { value: { source: 'host' } };
  const { config, write, dir } = fixture(t, { section: () => section.value });
  write(PRODUCTION, 'source: production');
  write(DEVELOPMENT, 'source: development');
  const source = () => {
    config.forget('demo');
    return config.get('demo', 'source');
  };
  t.equal(source(), '"host"');
  section.value = undefined;
  t.equal(source(), '"production"');
  rmSync(join(dir, PRODUCTION));
  t.equal(source(), '"development"');
  rmSync(join(dir, DEVELOPMENT));
  t.equal(source(), '"artifact"');
  write('plugins/demo/manifest/config/config.example.yaml', 'source: example');
  t.equal(source(), '"artifact"');
});

t.test('the default of an artifact changes with the effective release (F141)', async (t) => {
  const release: { config: string } = { config: 'source: v0.1.0' };
  const { config } = fixture(t, { manifestFile: () => Buffer.from(release.config) });
  t.equal(config.get('demo', 'source'), '"v0.1.0"');
  release.config = 'source: v0.2.0';
  t.equal(config.get('demo', 'source'), '"v0.1.0"', 'until the plugin is said to have changed');
  config.forget('demo');
  t.equal(config.get('demo', 'source'), '"v0.2.0"');
});
