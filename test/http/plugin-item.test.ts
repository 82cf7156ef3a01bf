import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openPoints, pluginItem, pluginListItem, pluginStateItem } from '../../src/http/plugin-item.js';
import { artifactOf, newHouse, SCOPED } from '../registry/house.js';

const NOW = Date.UTC(2026, 0, 1);
const now = () => NOW;

t.test('a row of the list has every key of the reference, and no detail', async (t) => {
  const { registry } = await newHouse(t, { now });
  await registry.upload(
    artifactOf('demo', 'v0.1.0', {
      manifest: { name: 'Demo', description: 'Shows.' },
      mockSql: { '001-a.sql': 'SELECT 1;' },
    }),
  );
  await registry.install('demo');
  t.strictSame(pluginListItem(registry.show('demo'), new Set(['demo'])), {
    id: 'demo',
    name: 'Demo',
    version: 'v0.1.0',
    runtimeState: 'normal',
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.1.0',
    upgradeAvailable: false,
    type: 'dynamic',
    distribution: 'managed',
    description: 'Shows.',
    installed: 1,
    installedAt: NOW,
    enabled: 0,
    autoEnableManaged: 1,
    autoEnableForNewTenants: false,
    supportsMultiTenant: true,
    scopeNature: 'tenant_aware',
    installMode: 'tenant_scoped',
    statusKey: 'sys_plugin.status:demo',
    updatedAt: NOW,
    authorizationRequired: 0,
    authorizationStatus: 'not_required',
    hasMockData: 1,
  });
});

t.test('a plugin that is only uploaded has no effective version and no time of installation', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  t.match(pluginListItem(registry.show('demo'), new Set()), {
    effectiveVersion: '',
    discoveredVersion: 'v0.1.0',
    installed: 0,
    installedAt: null,
    autoEnableManaged: 0,
    hasMockData: 0,
  });
});

t.test('the detail shows what was asked for, what was granted, and the routes at their public paths', async (t) => {
  const { registry } = await newHouse(t);
  const routes = [
    { path: '/hello', summary: 'Greets' },
    { method: 'POST', path: '/notes/{id}', access: 'login', permission: 'demo:note:edit' },
  ];
  const network = { service: 'network', methods: ['request'], resources: [{ url: 'https://*.example.com/v1' }] };
  const data = { service: 'data', methods: ['list'], resources: { tables: ['plugin_demo_notes'] } };
  const hostServices = [...SCOPED, network, data];
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices, routes }));
  const before = pluginItem(registry.show('demo'), new Set());
  t.strictSame(before.authorizedHostServices, []);

  await registry.install('demo', { authorization: { services: [{ service: 'storage', paths: ['b/'] }] } });
  const item = pluginItem(registry.show('demo'), new Set());
  t.strictSame(item.requestedHostServices, [
    { service: 'data', methods: ['list'], tables: ['plugin_demo_notes'], tableItems: [{ name: 'plugin_demo_notes' }] },
    { service: 'network', methods: ['request'], resources: [{ ref: 'https://*.example.com/v1' }] },
    { service: 'runtime', methods: ['info.now'] },
    { service: 'storage', methods: ['get', 'put'], paths: ['a/', 'b/'] },
  ]);
  t.strictSame(item.authorizedHostServices, [
    { service: 'runtime', methods: ['info.now'] },
    { service: 'storage', methods: ['get', 'put'], paths: ['b/'] },
  ]);
  t.strictSame(item.declaredRoutes, [
    { method: 'GET', publicPath: '/x/demo/hello', access: 'public', summary: 'Greets' },
    { method: 'POST', publicPath: '/x/demo/notes/{id}', access: 'login', permission: 'demo:note:edit' },
  ]);
});

t.test('the detail says what a loaded release runs in, and what keeps it from something better', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(artifactOf('demo', 'v0.1.0'));
  const state = { isolation: 'fresh' as const, reasons: ['it uses table.set'] };
  const isolationOf = (pluginId: string) => (pluginId === 'demo' ? state : undefined);
  t.match(pluginItem(registry.show('demo'), new Set(), { isolationOf }), {
    isolation: 'fresh',
    isolationObstacles: ['it uses table.set'],
  });
  t.notHas(pluginItem(registry.show('demo'), new Set()), ['isolation']);
});

t.test('open points have no key where nothing is open', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(
    artifactOf('demo', 'v0.1.0', { hostServices: SCOPED, installSql: { '001-a.sql': 'SELECT 1;' } }),
  );
  t.strictSame(openPoints(await registry.install('demo')), {
    pendingHostServices: [{ service: 'storage', methods: ['get', 'put'], paths: ['a/', 'b/'] }],
    notExecuted: [{ part: 'installSql', count: 1, executed: 0 }],
  });
  await registry.upload(artifactOf('quiet'));
  t.strictSame(openPoints(await registry.install('quiet')), {});
});

t.test('without its file a plugin is shown as not there, although it goes on serving', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  t.match(pluginStateItem(registry.show('demo')), { installed: 1, enabled: 1, version: 'v0.1.0' });
  rmSync(join(stagingDir, 'demo.wasm'));
  await registry.sync();
  t.match(pluginStateItem(registry.show('demo')), { id: 'demo', installed: 0, enabled: 0 });
  t.equal(registry.find('demo')?.enabled, true);
});
