/** What a release carries switches with it: assets, texts, documentation, configuration. */
import t from 'tap';
import { buildArtifact } from '../artifact/build.js';
import type { OpenApiDocument } from '../resources/openapi-rules.js';
import { startTestHost, type TestHost } from './host.js';

function release(version: string) {
  return {
    manifest: {
      id: 'demo',
      name: 'demo',
      version,
      public_assets: [{ source: 'frontend/pages', mount: '', index: '' }],
    },
    frontendAssets: { 'frontend/pages/index.html': `page of ${version}`, 'frontend/pages/only.txt': version },
    i18n: { 'en-US': { demo: { version } } },
    routes: [{ path: `/of-${version.replaceAll('.', '-')}`, summary: version }],
    manifestResources: { 'manifest/config/config.yaml': `version: ${version}\n` },
  };
}

async function assetsOf(host: TestHost, ...versions: string[]): Promise<Record<string, string>> {
  const answers = versions.map(async (version) => {
    const { status, text } = await host.fetch(`/x-assets/demo/${version}/only.txt`);
    return [version, status === 200 ? text : String(status)] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

async function saidBy(host: TestHost): Promise<{ texts: string; routes: string[] }> {
  const { data } = JSON.parse((await host.fetch('/api/v1/i18n/runtime/messages')).text);
  const { paths } = JSON.parse((await host.fetch('/api.json')).text) as OpenApiDocument;
  return { texts: data.messages.demo?.version, routes: Object.keys(paths).filter((path) => path.startsWith('/x/')) };
}

t.test(
  'a staged version changes nothing until the upgrade, which switches everything (C64, C72, F010, F016, F084, F094)',
  async (t) => {
    const host = await startTestHost(t);
    await host.serve('demo', release('v0.1.0'));
    await host.registry.upload(buildArtifact(release('v0.2.0')));
    t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0'), { 'v0.1.0': 'v0.1.0', 'v0.2.0': '404' }, 'pending');
    t.same(await saidBy(host), { texts: 'v0.1.0', routes: ['/x/demo/of-v0-1-0'] });

    await host.registry.upgrade('demo', { confirmed: true });
    t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0'), { 'v0.1.0': '404', 'v0.2.0': 'v0.2.0' });
    t.same(await saidBy(host), { texts: 'v0.2.0', routes: ['/x/demo/of-v0-2-0'] });
  },
);

t.test('a rollback brings everything of the earlier release back (C112, F017, F123)', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', release('v0.1.0'));
  await host.registry.upload(buildArtifact(release('v0.2.0')));
  await host.registry.upgrade('demo', { confirmed: true });
  await host.registry.rollback('demo', { confirmed: true });
  t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0'), { 'v0.1.0': 'v0.1.0', 'v0.2.0': '404' });
  t.same(await saidBy(host), { texts: 'v0.1.0', routes: ['/x/demo/of-v0-1-0'] });
  const { headers } = await host.fetch('/x-assets/demo/v0.1.0/only.txt');
  t.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable', 'the same bytes under the same address');
});

t.test('pages that are open keep their assets for the time of grace (F084)', async (t) => {
  const host = await startTestHost(t, { ASSETS_PREVIOUS_VERSION_GRACE_SECONDS: '600' });
  await host.serve('demo', release('v0.1.0'));
  await host.registry.upload(buildArtifact(release('v0.2.0')));
  await host.registry.upgrade('demo', { confirmed: true });
  t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0', 'v0.3.0'), {
    'v0.1.0': 'v0.1.0',
    'v0.2.0': 'v0.2.0',
    'v0.3.0': '404',
  });
  await host.registry.disable('demo');
  t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0'), { 'v0.1.0': '404', 'v0.2.0': '404' });
});

t.test('nothing is left in the address space of an uninstalled plugin (C46, F008, F082)', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', release('v0.1.0'));
  await host.registry.uninstall('demo');
  t.same(await assetsOf(host, 'v0.1.0'), { 'v0.1.0': '404' });
  t.same((await saidBy(host)).routes, []);
});

t.test('after a restart everything of the effective release is there again (F016, F093)', async (t) => {
  const directory = t.testdir({});
  const before = await startTestHost(t, {}, directory);
  await before.serve('demo', release('v0.1.0'));
  await before.close();
  const host = await startTestHost(t, {}, directory);
  t.same(await assetsOf(host, 'v0.1.0'), { 'v0.1.0': 'v0.1.0' });
  t.same(await saidBy(host), { texts: 'v0.1.0', routes: ['/x/demo/of-v0-1-0'] });
  const { headers } = await host.fetch('/x-assets/demo/v0.1.0/only.txt');
  t.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable');
});

t.test(
  'a failed upgrade leaves assets, menus, permissions and texts of the release before (C65, F013, F017)',
  async (t) => {
    const host = await startTestHost(t);
    const governed = (version: string, permission: string, sql: string) => {
      const { manifest, ...parts } = release(version);
      const menus = [{ key: 'plugin:demo:home', name: `Home of ${version}`, path: '/demo' }];
      return {
        ...parts,
        manifest: { ...manifest, menus },
        routes: [{ path: '/a', access: 'login', permission }],
        installSql: { '001-a.sql': sql },
      };
    };
    const create = `CREATE TABLE IF NOT EXISTS plugin_demo_note (title TEXT);
    INSERT INTO plugin_demo_note VALUES ('twice'), ('twice')`;
    await host.serve('demo', governed('v0.1.0', 'demo:old:see', create));
    const menusOf = () =>
      host.identity.menus
        .list()
        .filter(({ key }) => key.startsWith('plugin:demo:'))
        .map(({ name, perms }) => `${name} ${perms}`);
    const [menus, said] = [menusOf(), await saidBy(host)];
    t.match(menus.join(), /Home of v0\.1\.0.*demo:old:see/);

    const broken = 'CREATE UNIQUE INDEX plugin_demo_note_title ON plugin_demo_note (title)';
    await host.registry.upload(buildArtifact(governed('v0.2.0', 'demo:new:see', broken)));
    await t.rejects(host.registry.upgrade('demo', { confirmed: true }), {
      code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED',
    });
    t.match(host.registry.show('demo'), {
      runtimeState: 'upgrade_failed',
      effectiveVersion: 'v0.1.0',
      lastUpgradeFailure: { phase: 'sql', releaseVersion: 'v0.2.0' },
    });
    t.same(await assetsOf(host, 'v0.1.0', 'v0.2.0'), { 'v0.1.0': 'v0.1.0', 'v0.2.0': '404' });
    t.same(menusOf(), menus);
    t.same(await saidBy(host), said);
  },
);
