/** Promises of `test/FEATURES.md` that take a whole host, each by the id of its row. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { readSections } from '../../src/artifact/sections.js';
import { packDirectory } from '../../src/cli/pack.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { type ArtifactParts, buildArtifact } from '../artifact/build.js';
import { assemblyScriptGuest } from '../guest-modules.js';
import { answeringGuest } from './answering-guest.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(3_600_000);

const probe = await assemblyScriptGuest('probe');
const MANIFEST_GRANT = {
  service: 'manifest',
  methods: ['get'],
  resources: { paths: ['config/profile.yaml', 'sql/001-a.sql'] },
};
const asking = (id: string, parts: ArtifactParts = {}) => ({
  manifest: { id, name: id, defaultInstallMode: 'global' },
  module: probe,
  routes: [{ method: 'GET', path: '/ask', requestType: 'ClientReq' }],
  hostServices: [MANIFEST_GRANT],
  ...parts,
});
const profile = async (host: TestHost, id: string): Promise<unknown> =>
  JSON.parse((await host.fetch(`/x/${id}/ask?call=manifest.get`)).text);

t.test('F027 the route table is part of the build: another path serves the same code', async (t) => {
  const host = await startTestHost(t);
  const routed = (path: string, version: string) =>
    asking('demo', { manifest: { id: 'demo', version }, routes: [{ path, requestType: 'ClientReq' }] });
  await host.serve('demo', routed('/demo-records', 'v0.1.0'));
  t.equal((await host.fetch('/x/demo/demo-records?call=state.get')).status, 200);
  await host.registry.upload(buildArtifact(routed('/api/v1/records', 'v0.2.0')));
  await host.registry.upgrade('demo', { confirmed: true });
  t.equal((await host.fetch('/x/demo/demo-records?call=state.get')).status, 404);
  t.equal((await host.fetch('/x/demo/api/v1/records?call=state.get')).status, 200, 'F029 nothing is put in between');
});

t.test('F111 F112 a guest reads the resources of its own release, and never those of another plugin', async (t) => {
  const host = await startTestHost(t);
  const resources = (text: string) => ({ manifestResources: { 'manifest/config/profile.yaml': text } });
  await host.serve('demo', asking('demo', resources('of demo')));
  await host.serve('other', asking('other', resources('of other')));
  await host.serve('none', asking('none'));
  t.equal(await profile(host, 'demo'), 'of demo');
  t.equal(await profile(host, 'other'), 'of other');
  t.equal(await profile(host, 'none'), null, 'F114 a missing file is no error');
  const staged = { ...resources('of the staged file'), manifest: { id: 'demo', name: 'demo', version: 'v0.2.0' } };
  await host.registry.upload(buildArtifact(asking('demo', staged)));
  await host.registry.upgrade('demo', { confirmed: true, grantUnreviewed: true });
  t.equal(await profile(host, 'demo'), 'of the staged file');
  await host.registry.rollback('demo', { confirmed: true });
  t.equal(await profile(host, 'demo'), 'of demo', 'F017');
});

t.test('F111 a guest asks whether a resource is there, and for one value deep inside it', async (t) => {
  const host = await startTestHost(t);
  await host.serve(
    'demo',
    asking('demo', { manifestResources: { 'manifest/config/profile.yaml': '{"a":{"b":"deep"}}' } }),
  );
  await host.serve('none', asking('none'));
  const ask = async (id: string, call: string) => (await host.fetch(`/x/${id}/ask?call=manifest.${call}`)).text;
  t.equal(await ask('demo', 'exists'), 'true');
  t.match(await ask('demo', 'scan'), 'deep');
  t.equal(await ask('none', 'exists'), 'false');
});

t.test('F123 F141 the default configuration is that of the release in effect', async (t) => {
  const host = await startTestHost(t, { PLUGIN_SERVE_PENDING: 'true' });
  const configured = (version: string, every: string) =>
    asking('demo', {
      manifest: { id: 'demo', name: 'demo', version },
      hostServices: [{ service: 'plugins', methods: ['config.get'] }],
      manifestResources: { 'manifest/config/config.yaml': `monitor: { interval: ${every} }` },
    });
  const every = async (): Promise<unknown> => JSON.parse((await host.fetch('/x/demo/ask?call=config')).text);
  await host.serve('demo', configured('v0.1.0', 'hourly'));
  t.equal(await every(), 'hourly');
  await host.registry.upload(buildArtifact(configured('v0.2.0', 'daily')));
  t.equal(await every(), 'hourly', 'a release that waits changes nothing');
  await host.registry.upgrade('demo', { confirmed: true });
  t.equal(await every(), 'daily');
  await host.registry.rollback('demo', { confirmed: true });
  t.equal(await every(), 'hourly');
  writeFileSync(join(t.testdirName, 'staged/demo.wasm'), buildArtifact(configured('v0.1.0', 'weekly')));
  await host.registry.sync();
  t.equal(await every(), 'hourly', 'nor do other bytes of the same version');
  await host.registry.install('demo');
  t.equal(await every(), 'weekly', 'until they are installed');
});

t.test('F145 a file that is not published is behind a login route of the plugin, and nowhere else', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', {
    ...asking('demo'),
    manifest: { id: 'demo', name: 'demo', public_assets: [{ source: 'frontend/pages', mount: '', index: '' }] },
    routes: [{ path: '/ask', access: 'login', requestType: 'ClientReq' }],
    frontendAssets: { 'frontend/pages/index.html': 'public' },
    manifestResources: { 'manifest/config/profile.yaml': 'private' },
  });
  t.equal((await host.fetch('/x-assets/demo/v0.1.0/index.html')).text, 'public');
  for (const path of ['config/profile.yaml', 'manifest/config/profile.yaml', 'profile.yaml']) {
    t.equal((await host.fetch(`/x-assets/demo/v0.1.0/${path}`)).status, 404, path);
  }
  const ask = (headers: Record<string, string>) => host.fetch('/x/demo/ask?call=manifest.get', { headers });
  t.equal((await ask({})).status, 401);
  const { status, text } = await ask(await host.authorization());
  t.same([status, JSON.parse(text)], [200, 'private']);
});

t.test('F115 SQL that lies among the resources is text, and nothing executes it', async (t) => {
  const host = await startTestHost(t);
  const sql = 'CREATE TABLE plugin_demo_raw (id INT)';
  const parts = { manifestResources: { 'manifest/sql/001-a.sql': sql, 'manifest/config/profile.yaml': sql } };
  await host.serve('demo', asking('demo', parts));
  t.equal(await profile(host, 'demo'), sql);
  const many = await host.fetch('/x/demo/ask?call=manifest.getMany&path=sql/001-a.sql');
  t.notMatch(many.text, /trap/);
  const core = openDatabase(join(t.testdirName, 'data/sandpool.db'));
  t.teardown(() => core.close());
  t.same(core.prepare('SELECT * FROM sys_plugin_migration').all(), []);
});

t.test('F119 an artifact carries no source, build file or test of its plugin', async (t) => {
  const secret = 'do-not-deliver';
  const directory = t.testdir({
    'plugin.yaml': 'id: acme-demo\nname: Demo\nversion: v0.1.0\ntype: dynamic\nsupports_multi_tenant: true\n',
    'README.md': secret,
    'package.json': JSON.stringify({ name: secret }),
    src: { 'index.ts': `// ${secret}` },
    backend: { 'plugin.go': `// ${secret}` },
    hack: { 'config.yaml': `# ${secret}\nwasm: {}\n` },
    test: { 'a.test.ts': secret },
    frontend: { src: { 'a.ts': secret }, pages: { 'a.html': '<p>', 'a.vue': secret }, slots: { 'a.js': secret } },
    manifest: { 'metadata.yaml': 'a: 1', resources: { 'policy.yaml': 'b: 2' }, _draft: { 'a.txt': secret } },
  });
  const { bytes } = await packDirectory(directory);
  const artifact = parseArtifact(bytes);
  t.notMatch(Buffer.from(bytes).toString('latin1'), secret);
  const packed = [...artifact.frontendAssets, ...artifact.manifestResources];
  for (const { content } of packed) t.notMatch(Buffer.from(content).toString(), secret);
  t.same(
    packed.map(({ path }) => path),
    ['frontend/pages/a.html', 'manifest/metadata.yaml', 'manifest/resources/policy.yaml'],
    'F136 resources are every file below manifest/',
  );
  t.ok(readSections(bytes).every(({ name }) => name.startsWith('lina.plugin.')));
});

t.test('F122 a plugin that is disabled or uninstalled leaves no instance behind, and comes back whole', async (t) => {
  const host = await startTestHost(t, { POOL_MAX_THREADS: '1', POOL_MAX_WAITING_THREADS: '0' });
  for (const id of ['demo', 'other']) {
    await host.serve(id, { module: await answeringGuest(`hello of ${id}`), routes: [{ path: '/hello' }] });
  }
  const hello = async (id: string) => (await host.fetch(`/x/${id}/hello`)).text;
  const live = async () => {
    const { text } = await host.fetch('/metrics');
    return Number(/^sandpool_instances_live (\d+)$/m.exec(text)?.[1]);
  };
  const until = async (count: number) => {
    // A thread hears of a change with its next request, and counts when it has nothing left to do.
    while ((await live()) !== count) t.equal(await hello('other'), 'hello of other');
  };
  t.equal(await hello('demo'), 'hello of demo');
  await until(2);
  const modules = async () => /^sandpool_modules_cached (\d+)$/m.exec((await host.fetch('/metrics')).text)?.[1];
  t.equal(await modules(), '2');
  await host.registry.disable('demo');
  t.equal((await host.fetch('/x/demo/hello')).status, 404);
  t.equal(await modules(), '1');
  await until(1);
  await host.registry.enable('demo');
  t.equal(await hello('demo'), 'hello of demo');
  await until(2);
  await host.registry.uninstall('demo');
  await until(1);
});

t.test('F126 F140 a narrower consent at enabling replaces the one of the installation', async (t) => {
  const host = await startTestHost(t);
  const parts = { manifestResources: { 'manifest/config/profile.yaml': 'p', 'manifest/sql/001-a.sql': 's' } };
  await host.registry.upload(buildArtifact(asking('demo', parts)));
  await host.registry.install('demo', { grantUnreviewed: true });
  const services = [{ service: 'manifest', paths: ['sql/001-a.sql'] }];
  await host.registry.enable('demo', { authorization: { services } });
  t.not(await profile(host, 'demo'), 'p');
  t.match(host.registry.show('demo').authorization.authorized, [{ service: 'manifest', paths: ['sql/001-a.sql'] }]);
  await host.registry.enable('demo', {
    authorization: { services: [{ service: 'manifest', paths: ['config/profile.yaml'] }] },
  });
  t.equal(await profile(host, 'demo'), 'p');
});

t.test('F023 the same bytes are what is archived and served, whatever machine they came from', async (t) => {
  const host = await startTestHost(t);
  const bytes = buildArtifact({ module: await answeringGuest('hello'), routes: [{ path: '/hello' }] });
  writeFileSync(join(t.testdirName, 'copy.wasm'), bytes);
  await host.registry.upload(readFileSync(join(t.testdirName, 'copy.wasm')));
  await host.registry.install('demo');
  await host.registry.enable('demo');
  t.same(await host.registry.readArtifact(host.registry.find('demo')!), Buffer.from(bytes));
  t.equal((await host.fetch('/x/demo/hello')).text, 'hello');
});

t.test('C103 a host alone keeps no state of nodes', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', { module: await answeringGuest('hello'), routes: [{ path: '/hello' }] });
  await host.registry.disable('demo');
  const core = openDatabase(join(t.testdirName, 'data/sandpool.db'));
  t.teardown(() => core.close());
  t.same(core.prepare('SELECT * FROM sys_plugin_node_state').all(), []);
});
