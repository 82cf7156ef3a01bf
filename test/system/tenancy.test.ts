/** Users, roles, menus and tenants of a whole host, over sockets. */
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../src/store/sqlite.js';
import { assemblyScriptGuest, watGuest } from '../guest-modules.js';
import { artifactOf } from '../registry/house.js';
import { startTestHost, type TestHost } from './host.js';

const PASSWORD = 'correct horse';
const VIEW = 'demo:notes:view';
const DEMO = {
  manifest: {
    defaultInstallMode: 'tenant_scoped',
    menus: [{ key: 'plugin:demo:home', name: 'Home', path: '/x-assets/demo/v0.1.0/index.html' }],
    public_assets: [{ source: 'frontend/pages', mount: '/' }],
  },
  frontendAssets: { 'frontend/pages/index.html': '<p>' },
  routes: [{ method: 'POST', path: '/echo', requestType: 'EchoReq', access: 'login', permission: VIEW }],
};

type Ask = (method: string, path: string, body?: object) => Promise<{ status: number; text: string; data: never }>;

/** Asks with a header. */
const asking =
  (host: TestHost, headers: Readonly<Record<string, string>>): Ask =>
  async (method, path, body) => {
    const { status, text } = await host.fetch(path.startsWith('/x') ? path : `/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status, text, data: (text.startsWith('{') ? (JSON.parse(text) as { data: never }).data : null) as never };
  };

async function asUser(host: TestHost, username: string): Promise<Ask> {
  const { data } = await asking(host, {})('POST', '/auth/login', { username, password: PASSWORD });
  return asking(host, { authorization: `Bearer ${(data as { accessToken: string }).accessToken}` });
}

t.test('F006 F030 F083 from login to menu, route and asset: what a tenant enables, its users may use', async (t) => {
  const host = await startTestHost(t);
  const admin = asking(host, await host.authorization());
  await host.serve('demo', { ...DEMO, module: await assemblyScriptGuest('echo') });
  await host.serve('bystander', {
    module: await assemblyScriptGuest('echo'),
    routes: [{ method: 'POST', path: '/echo', requestType: 'EchoReq' }],
  });
  await admin('POST', '/tenant', { code: 'one', name: 'One' });
  const { list: menus } = (await admin('GET', '/menu')).data as { list: { id: number; key: string }[] };
  const menuIds = menus.filter(({ key }) => key.startsWith('plugin:demo:')).map(({ id }) => id);
  t.equal(menuIds.length, 2, 'the page, and the button of the permission');
  await admin('POST', '/role', { key: 'user', name: 'User', menuIds });
  await admin('POST', '/user', { username: 'tina', password: PASSWORD, tenantId: 1, roles: ['user'] });
  const tina = await asUser(host, 'tina');
  const seen = async () => [
    (await tina('POST', '/x/demo/echo', { a: 1 })).status,
    (await tina('GET', '/x-assets/demo/v0.1.0/index.html')).status,
    ((await tina('GET', '/menus/all')).data as { list: unknown[] }).list.length,
  ];
  t.same(await seen(), [404, 404, 0]);
  t.match(await admin('PUT', '/tenant/1/plugins/demo', { enabled: true }), { status: 200, text: /"code":0/ });
  t.same(await seen(), [200, 200, 1]);
  await host.registry.disable('demo');
  t.same(await seen(), [404, 404, 0]);
  await host.registry.enable('demo');
  t.same(await seen(), [200, 200, 1]);
  t.match(await tina('PUT', '/plugins/demo/disable'), { status: 403 });
  t.equal((await asking(host, {})('POST', '/x/bystander/echo', { a: 1 })).status, 200);
});

t.test('§8.5 a guest that cannot answer keeps its tenant', async (t) => {
  const host = await startTestHost(t);
  const admin = asking(host, await host.authorization());
  const lifecycle = ['BeforeTenantDisable', 'BeforeTenantDelete'].map((operation) => ({
    operation,
    requestType: `${operation}Req`,
    internalPath: `/${operation}`,
  }));
  await host.serve('demo', { ...DEMO, module: await watGuest('trap'), lifecycle });
  await admin('POST', '/tenant', { code: 'one', name: 'One' });
  await admin('PUT', '/tenant/1/plugins/demo', { enabled: true });
  const refused = await admin('PUT', '/tenant/1/plugins/demo', { enabled: false });
  t.match(refused.text, /"PLUGIN_LIFECYCLE_PRECONDITION_VETOED"/);
  t.match(refused.text, /"reasons":"demo:plugin\.demo\.lifecycle\.BeforeTenantDisable\.failed"/);
  t.match((await admin('GET', '/tenant/1/plugins')).text, /"tenantEnabled":true/);
  t.match((await admin('DELETE', '/tenant/1')).text, /"pluginId":"tenant"/);
  t.match((await admin('GET', '/tenant')).text, /"total":1/);
});

t.test(
  '§8.4 what the configuration enables at the start, tenants have, unless they have decided otherwise',
  async (t) => {
    const directory = t.testdir();
    const first = await startTestHost(t, {}, directory);
    const admin = asking(first, await first.authorization());
    for (const code of ['one', 'two']) await admin('POST', '/tenant', { code, name: code });
    await first.registry.upload(artifactOf('demo', 'v0.1.0', DEMO));
    await first.registry.install('demo', { grantUnreviewed: true });
    await admin('PUT', '/tenant/2/plugins/demo', { enabled: true });
    await admin('PUT', '/tenant/2/plugins/demo', { enabled: false });
    await first.close();
    const second = await startTestHost(t, { PLUGIN_AUTO_ENABLE: '[{"id":"demo"}]' }, directory);
    const again = asking(second, await second.authorization());
    t.match((await again('GET', '/tenant/1/plugins')).text, /"tenantEnabled":true/);
    t.match((await again('GET', '/tenant/2/plugins')).text, /"tenantEnabled":false/);
    const { id } = (await again('POST', '/tenant', { code: 'three', name: 'Three' })).data as { id: number };
    t.match((await again('GET', `/tenant/${id}/plugins`)).text, /"tenantEnabled":true/);
  },
);

t.test('§8.6 a host does not start where a plugin of the platform is installed for tenants', async (t) => {
  const directory = t.testdir();
  const first = await startTestHost(t, {}, directory);
  await first.serve('demo', {});
  await first.serve('other', {});
  await first.close();
  const database = openDatabase(join(directory, 'data/sandpool.db'));
  database.exec(`UPDATE sys_plugin SET scope_nature = 'platform_only' WHERE plugin_id = 'demo';
    UPDATE sys_plugin SET install_mode = 'somehow' WHERE plugin_id = 'other'`);
  database.close();
  const message =
    /demo belongs to the platform and is installed for tenants; the plugin other has the unknown install mode somehow/;
  await t.rejects(startTestHost(t, {}, directory), { code: 'PLUGIN_STARTUP_CONSISTENCY_FAILED', message });
});

t.test('§8.4 a host does not start where tenants cannot be given what the configuration names', async (t) => {
  const directory = t.testdir();
  const first = await startTestHost(t, {}, directory);
  await asking(first, await first.authorization())('POST', '/tenant', { code: 'one', name: 'One' });
  await first.serve('demo', { manifest: { defaultInstallMode: 'tenant_scoped' } });
  await first.close();
  const state = openDatabase(join(directory, 'data/state.db'));
  state.exec(
    `CREATE TRIGGER full BEFORE INSERT ON sys_plugin_state BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
  );
  state.close();
  await t.rejects(startTestHost(t, { PLUGIN_AUTO_ENABLE: '[{"id":"demo"}]' }, directory), {
    code: 'PLUGIN_AUTO_ENABLE_TENANT_PROVISIONING_FAILED',
    message: /the disk is full/,
  });
});

t.test('§8.6 a host does not start where a user of the platform is a member of a tenant', async (t) => {
  const directory = t.testdir();
  const first = await startTestHost(t, {}, directory);
  await asking(first, await first.authorization())('POST', '/tenant', { code: 'one', name: 'One' });
  await first.close();
  const database = openDatabase(join(directory, 'data/sandpool.db'));
  database.exec('INSERT INTO sys_user_tenant SELECT 1, id FROM sys_tenant');
  database.close();
  const message = /the user admin of the platform is a member of a tenant/;
  await t.rejects(startTestHost(t, {}, directory), { code: 'PLUGIN_STARTUP_CONSISTENCY_FAILED', message });
});
