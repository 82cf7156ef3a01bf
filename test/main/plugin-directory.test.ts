import t from 'tap';
import { serveRawCalls } from '../raw-calls.js';
import { startTestHost } from '../system/host.js';

const METHODS = [
  'plugins.current.get',
  'plugins.batch_get',
  'plugins.registry.list',
  'plugins.tenant.list',
  'plugins.state.enabled.check',
  'plugins.state.enabled_authoritative.check',
  'plugins.lifecycle.tenant_plugin_disable.ensure',
  'plugins.lifecycle.tenant_delete.ensure',
];

t.test('F042 plugins see the registry of a whole host', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin, asNobody } = await serveRawCalls(host, { hostServices: [{ service: 'plugins', methods: METHODS }] });
  await host.serve('other', {});
  const info = { ID: 'demo', Version: 'v0.1.0', Installed: true, Enabled: true, Status: 'enabled' };
  t.same((await asNobody('plugins', 'plugins.current.get')).json(), info);
  const listed = await asNobody('plugins', 'plugins.registry.list', { json: { Enabled: true } });
  t.match(listed.json(), { Items: [{ ID: 'demo' }, { ID: 'other' }], Total: 2 });

  const checked = async (check: string, pluginId: string) =>
    (await asNobody('plugins', `plugins.state.${check}.check`, { json: { pluginId } })).json();
  t.equal(await checked('enabled', 'other'), true);
  await host.registry.disable('other');
  t.equal(await checked('enabled', 'other'), false);
  t.equal(await checked('enabled_authoritative', 'other'), false);
  t.equal(await checked('enabled_authoritative', 'demo'), true);

  const headers = { ...(await host.authorization()), 'content-type': 'application/json' };
  const made = await host.fetch('/api/v1/tenant', {
    method: 'POST',
    headers,
    body: JSON.stringify({ code: 'acme', name: 'Acme' }),
  });
  const tenantId = (JSON.parse(made.text) as { data: { id: number } }).data.id;
  const loss = { json: { pluginId: 'other', tenantId } };
  t.equal((await asAdmin('plugins', 'plugins.lifecycle.tenant_plugin_disable.ensure', loss)).json(), true);
  t.equal((await asAdmin('plugins', 'plugins.lifecycle.tenant_delete.ensure', { json: { tenantId } })).json(), true);
  const refused = await asNobody('plugins', 'plugins.lifecycle.tenant_delete.ensure', { json: { tenantId } });
  t.match(refused, { status: 3, error: { errorCode: 'CAPABILITY_CURRENT_USER_REQUIRED' } });
});
