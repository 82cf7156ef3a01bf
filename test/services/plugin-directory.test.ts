import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { completeIdentity } from '../../src/protocol/identity.js';
import type { DirectoryPlugin, PluginDirectory, TenantLoss } from '../../src/services/plugin-directory-port.js';
import type { HostCallContext } from '../../src/services/service.js';
import { createTestHost, json } from './host.js';

const plugin = (pluginId: string, more: Partial<DirectoryPlugin> = {}): DirectoryPlugin => ({
  pluginId,
  name: pluginId.toUpperCase(),
  version: 'v0.1.0',
  type: 'dynamic',
  description: `What ${pluginId} does`,
  installed: true,
  enabled: true,
  state: 'enabled',
  scopeNature: 'tenant_aware',
  installMode: 'tenant_scoped',
  ...more,
});

const PLUGINS = [
  plugin('demo'),
  plugin('global', { installMode: 'global' }),
  plugin('off', { enabled: false, state: 'installed' }),
  plugin('staged', { installed: false, enabled: false, state: 'uninstalled' }),
];

interface Parts {
  readonly context?: Partial<HostCallContext>;
  /** Permissions of the current user; none without a user. */
  readonly permissions?: readonly string[];
  readonly veto?: boolean;
}

function stage(t: Test, { context = {}, permissions, veto = false }: Parts = {}) {
  const losses: [string, TenantLoss][] = [];
  const pluginDirectory: PluginDirectory = {
    list: () => PLUGINS,
    find: (pluginId) => PLUGINS.find((one) => one.pluginId === pluginId),
    exposes: ({ installMode, pluginId }, tenantId) =>
      tenantId === 0 || installMode === 'global' || (pluginId === 'demo' && tenantId === 7),
    isEnabledNow: (pluginId) => pluginId === 'demo',
    tenantExists: (tenantId) => tenantId === 7 || tenantId === 8,
    async ask(loss) {
      losses.push(['ask', loss]);
      const facts = { operation: 'BeforeTenantDisable', pluginId: 'demo', reasons: 'demo:busy' };
      if (veto) throw new SandpoolError('PLUGIN_LIFECYCLE_PRECONDITION_VETOED', facts);
    },
    tell: async (loss) => void losses.push(['tell', loss]),
  };
  const identity = permissions && completeIdentity({ userId: 42, permissions: [...permissions] });
  const host = createTestHost(t, {
    environment: { pluginDirectory },
    context: { ...context, ...(identity && { identity }) },
  });
  const ask = (method: string, members: unknown = {}) =>
    host.ask('plugins', `plugins.${method}`, { payload: json(members) });
  return { ask, losses };
}

const INFO = { ID: 'demo', Version: 'v0.1.0', Installed: true, Enabled: true, Status: 'enabled' };

t.test('F042 a plugin knows itself', async (t) => {
  t.same((await stage(t).ask('current.get')).json(), INFO);
  const unknown = await stage(t, { context: { pluginId: 'gone' } }).ask('current.get');
  t.match(unknown, { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } });
});

t.test('F042 many plugins are read at once, the missing ones named', async (t) => {
  const asked = await stage(t).ask('batch_get', { ids: [' demo ', 'demo', '', 'gone', '__proto__'] });
  t.same(asked.json(), { Items: { demo: INFO }, MissingIDs: ['gone', '__proto__'] });
});

t.test('F042 the registry is listed by id, filtered, in pages', async (t) => {
  const { ask } = stage(t);
  const ids = async (members: object) => {
    const { Items, Total } = (await ask('registry.list', members)).json() as { Items: { ID: string }[]; Total: number };
    return [...Items.map(({ ID }) => ID), Total];
  };
  t.same(await ids({}), ['demo', 'global', 'off', 'staged', 4]);
  t.same(await ids({ keyword: 'what OFF' }), ['off', 1]);
  t.same(await ids({ pluginid: 'demo' }), ['demo', 1]);
  t.same(await ids({ Name: 'lob' }), ['global', 1]);
  t.same(await ids({ Type: 'source' }), [0]);
  t.same(await ids({ Enabled: false }), ['off', 'staged', 2]);
  t.same(await ids({ Enabled: null, Page: { PageNum: 2, PageSize: 3 } }), ['staged', 4]);
});

t.test('F042 a tenant sees what is installed, and what of it is its own', async (t) => {
  const { ask } = stage(t, { context: { tenantId: 7 } });
  const seen = async (members: object) =>
    ((await ask('tenant.list', members)).json() as { Items: { ID: string; TenantEnabled: boolean }[] }).Items;
  t.match(await seen({}), [
    {
      ID: 'demo',
      Name: 'DEMO',
      Version: 'v0.1.0',
      Type: 'dynamic',
      Description: 'What demo does',
      Installed: true,
      Enabled: true,
      ScopeNature: 'tenant_aware',
      InstallMode: 'tenant_scoped',
      TenantEnabled: true,
    },
    { ID: 'global', TenantEnabled: true },
    { ID: 'off', TenantEnabled: false },
  ]);
  t.match(await seen({ tenantEnabled: false }), [{ ID: 'off' }]);
  t.match(await stage(t).ask('tenant.list'), { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } });
});

t.test('F042 whether another plugin is enabled: for the tenant, as a provider, by what is stored', async (t) => {
  const states = async (pluginId: string, tenantId = 0) => {
    const { ask } = stage(t, { context: { tenantId } });
    const checks = ['enabled', 'provider_enabled', 'enabled_authoritative'];
    const asked = await Promise.all(checks.map((check) => ask(`state.${check}.check`, { pluginId })));
    return asked.map((one) => (one.status === 0 ? one.payload === '0a0474727565' : one.error?.errorCode));
  };
  t.same(await states('demo'), [true, true, true]);
  t.same(await states('demo', 8), [false, true, true]);
  t.same(await states('demo', 7), [true, true, true]);
  t.same(await states('off'), [false, false, false]);
  t.same(await states('gone'), ['CAPABILITY_DENIED', false, false]);
});

const DISABLE = { permissions: ['system:tenant:plugin'] };
const DELETE = { permissions: ['system:tenant:remove'] };

t.test('F042 guests are asked and told of what a tenant loses', async (t) => {
  const one = stage(t, DISABLE);
  for (const method of ['tenant_plugin_disable.ensure', 'tenant_plugin_disabled.notify'])
    t.equal((await one.ask(`lifecycle.${method}`, { pluginId: 'demo', tenantId: 7 })).payload, '0a0474727565');
  const loss = { tenantId: 7, pluginId: 'demo' };
  t.same(one.losses, [
    ['ask', loss],
    ['tell', loss],
  ]);
  const all = stage(t, DELETE);
  for (const method of ['tenant_delete.ensure', 'tenant_deleted.notify'])
    t.equal((await all.ask(`lifecycle.${method}`, { tenantId: 8 })).payload, '0a0474727565');
  t.same(all.losses, [
    ['ask', { tenantId: 8 }],
    ['tell', { tenantId: 8 }],
  ]);
});

t.test('F042 a veto is an error with its reasons', async (t) => {
  const asked = await stage(t, { ...DISABLE, veto: true }).ask('lifecycle.tenant_plugin_disable.ensure', {
    pluginId: 'demo',
    tenantId: 7,
  });
  const error = { errorCode: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED', messageParams: { reasons: 'demo:busy' } };
  t.match(asked, { status: 3, error });
});

const REFUSALS: readonly (readonly [title: string, parts: Parts, members: object, code: string])[] = [
  ['without a user', {}, { pluginId: 'demo', tenantId: 7 }, 'CAPABILITY_CURRENT_USER_REQUIRED'],
  [
    'without the permission',
    { permissions: ['system:tenant:list'] },
    { pluginId: 'demo', tenantId: 7 },
    'CAPABILITY_DENIED',
  ],
  [
    'about another tenant',
    { ...DISABLE, context: { tenantId: 7 } },
    { pluginId: 'demo', tenantId: 8 },
    'CROSS_TENANT_NOT_ALLOWED',
  ],
  ['about no tenant', DISABLE, { pluginId: 'demo' }, 'CAPABILITY_DENIED'],
  ['about an unknown plugin', DISABLE, { pluginId: 'gone', tenantId: 7 }, 'CAPABILITY_DENIED'],
];
for (const [title, parts, members, errorCode] of REFUSALS) {
  t.test(`F042 ${title}, guests are neither asked nor told`, async (t) => {
    const { ask, losses } = stage(t, parts);
    for (const method of ['tenant_plugin_disable.ensure', 'tenant_plugin_disabled.notify'])
      t.match(await ask(`lifecycle.${method}`, members), { status: 3, error: { errorCode } }, method);
    t.same(losses, []);
  });
}

t.test('F042 only the platform speaks of the end of a tenant', async (t) => {
  const { ask, losses } = stage(t, { ...DELETE, context: { tenantId: 7 } });
  t.match((await ask('lifecycle.tenant_delete.ensure', { tenantId: 7 })).error, {
    errorCode: 'CROSS_TENANT_NOT_ALLOWED',
  });
  t.same(losses, []);
});

t.test('without a registry, as in a run from the command line, plugins are not scoped', async (t) => {
  const asked = await createTestHost(t).ask('plugins', 'plugins.current.get');
  t.match(asked, { status: 4, error: { fallback: 'plugins host service is not scoped' } });
});

for (const method of ['enabled.check', 'provider_enabled.check', 'enabled_authoritative.check']) {
  t.test(`29.7 #98 the old name plugins.${method} is unknown`, async (t) => {
    t.match(await stage(t).ask(method, { pluginId: 'demo' }), { status: 2 });
  });
}
