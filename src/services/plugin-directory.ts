/** What a plugin may know of the plugins of the host, and what it may ask them before a tenant loses something. */
import { ERRORS, SandpoolError } from '../protocol/errors.js';
import { encodeJsonResponse, type HostCallRequest } from '../protocol/host-call.js';
import { trimGo } from '../protocol/text.js';
import { type Arguments, readArguments } from './arguments.js';
import { businessFailure, capabilityDenied, currentUserRequired } from './failures.js';
import { readPage } from './page.js';
import type { DirectoryPlugin, PluginDirectory, TenantLoss } from './plugin-directory-port.js';
import { failure, type HostCallContext, reply, type ServiceMethod, type ServiceReply } from './service.js';

/** Methods of `plugins` but for the configuration (`spec/host-services.md` §13). */
export function directoryMethods(directory: PluginDirectory | undefined): Readonly<Record<string, ServiceMethod>> {
  const on =
    (method: DirectoryMethod) =>
    ({ payload }: HostCallRequest, context: HostCallContext): ServiceReply | Promise<ServiceReply> => {
      const given = readArguments(payload);
      return directory ? method(directory, given, context) : failure(4, 'plugins host service is not scoped');
    };
  return {
    'plugins.current.get': on(({ find }, _given, { pluginId }) => {
      const plugin = find(pluginId);
      return plugin ? json(infoOf(plugin)) : capabilityDenied();
    }),
    'plugins.batch_get': on(batchGet),
    'plugins.registry.list': on(listRegistry),
    'plugins.tenant.list': on(listTenant),
    'plugins.state.enabled.check': on((plugins, given, { tenantId }) => {
      const plugin = plugins.find(trimGo(given.text('pluginId')));
      return plugin ? json(plugin.enabled && plugins.exposes(plugin, tenantId)) : capabilityDenied();
    }),
    'plugins.state.provider_enabled.check': on(({ find }, given) =>
      json(find(trimGo(given.text('pluginId')))?.enabled === true),
    ),
    'plugins.state.enabled_authoritative.check': on(({ isEnabledNow }, given) =>
      json(isEnabledNow(trimGo(given.text('pluginId')))),
    ),
    'plugins.lifecycle.tenant_plugin_disable.ensure': on(onLoss('plugin', (plugins, loss) => plugins.ask(loss))),
    'plugins.lifecycle.tenant_plugin_disabled.notify': on(onLoss('plugin', (plugins, loss) => plugins.tell(loss))),
    'plugins.lifecycle.tenant_delete.ensure': on(onLoss('tenant', (plugins, loss) => plugins.ask(loss))),
    'plugins.lifecycle.tenant_deleted.notify': on(onLoss('tenant', (plugins, loss) => plugins.tell(loss))),
  };
}

type DirectoryMethod = (
  directory: PluginDirectory,
  given: Arguments,
  context: HostCallContext,
) => ServiceReply | Promise<ServiceReply>;

// ---- reading ---------------------------------------------------------------------------------------------------------------

const batchGet: DirectoryMethod = ({ find }, given) => {
  const ids = [...new Set(given.texts('ids').map(trimGo))].filter((id) => id !== '');
  const found = ids.map(find).filter((plugin) => plugin !== undefined);
  const Items = Object.fromEntries(found.map((plugin) => [plugin.pluginId, infoOf(plugin)]));
  return json({ Items, MissingIDs: ids.filter((id) => !found.some(({ pluginId }) => pluginId === id)) });
};

const listRegistry: DirectoryMethod = ({ list }, given) => {
  const [pluginId, name, type] = ['PluginID', 'Name', 'Type'].map((member) => trimGo(given.text(member)));
  const enabled = given.flag('Enabled');
  const matching = list().filter(
    (plugin) =>
      hasKeyword(plugin, given) &&
      (!pluginId || plugin.pluginId === pluginId) &&
      (!name || contains(plugin.name, name)) &&
      (!type || plugin.type === type) &&
      (enabled === undefined || plugin.enabled === enabled),
  );
  return json(pageOf(matching.map(infoOf), given));
};

/** What is installed, with whether the tenant has it. */
const listTenant: DirectoryMethod = (plugins, given, { tenantId }) => {
  if (tenantId <= 0) return capabilityDenied();
  const type = trimGo(given.text('Type'));
  const wanted = given.flag('TenantEnabled');
  const items = plugins
    .list()
    .filter((plugin) => plugin.installed && hasKeyword(plugin, given) && (type === '' || plugin.type === type))
    .map((plugin) => tenantInfoOf(plugin, plugins.exposes(plugin, tenantId)))
    .filter(({ TenantEnabled }) => wanted === undefined || TenantEnabled === wanted);
  return json(pageOf(items, given));
};

function hasKeyword({ pluginId, name, description }: DirectoryPlugin, given: Arguments): boolean {
  const keyword = trimGo(given.text('Keyword'));
  return keyword === '' || [pluginId, name, description].some((text) => contains(text, keyword));
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

function pageOf<Item>(items: readonly Item[], given: Arguments) {
  const { offset, limit } = readPage(given.member('Page'));
  return { Items: items.slice(offset, offset + limit), Total: items.length };
}

function infoOf({ pluginId, version, installed, enabled, state }: DirectoryPlugin) {
  return { ID: pluginId, Version: version, Installed: installed, Enabled: enabled, Status: state };
}

function tenantInfoOf(plugin: DirectoryPlugin, TenantEnabled: boolean) {
  return {
    ID: plugin.pluginId,
    Name: plugin.name,
    Version: plugin.version,
    Type: plugin.type,
    Description: plugin.description,
    Installed: plugin.installed,
    Enabled: plugin.enabled,
    ScopeNature: plugin.scopeNature,
    InstallMode: plugin.installMode,
    TenantEnabled,
  };
}

// ---- lifecycle -------------------------------------------------------------------------------------------------------------

/** What the current user must hold to speak of such a loss: the permission to bring it about. */
const PERMISSIONS = { plugin: 'system:tenant:plugin', tenant: 'system:tenant:remove' } as const;

/** The reference asks for no permission; here a plugin can ask and tell no more than its current user could bring about. */
function onLoss(
  what: 'plugin' | 'tenant',
  work: (directory: PluginDirectory, loss: TenantLoss) => Promise<void>,
): DirectoryMethod {
  return async (directory, given, context) => {
    const [tenantId, pluginId] = [given.integer('tenantId'), trimGo(given.text('pluginId'))];
    const refusal = refuseCaller(context, tenantId, PERMISSIONS[what], what === 'tenant');
    if (refusal) return refusal;
    if (!directory.tenantExists(tenantId)) return capabilityDenied();
    if (what === 'plugin' && directory.find(pluginId) === undefined) return capabilityDenied();
    try {
      await work(directory, what === 'plugin' ? { tenantId, pluginId } : { tenantId });
      return json(true);
    } catch (thrown) {
      if (!(thrown instanceof SandpoolError) || thrown.code !== 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED') throw thrown;
      return businessFailure(thrown.code, ERRORS[thrown.code].sentence, thrown.details);
    }
  };
}

function refuseCaller(
  { identity, tenantId: current }: HostCallContext,
  tenantId: number,
  permission: string,
  isPlatformOnly: boolean,
): ServiceReply | undefined {
  if (identity === undefined || identity.userId <= 0) return currentUserRequired();
  if (current !== 0 && (isPlatformOnly || current !== tenantId)) {
    return businessFailure('CROSS_TENANT_NOT_ALLOWED', ERRORS.CROSS_TENANT_NOT_ALLOWED.sentence);
  }
  return identity.isSuperAdmin || identity.permissions.includes(permission) ? undefined : capabilityDenied();
}

function json(value: unknown): ServiceReply {
  return reply(encodeJsonResponse(value));
}
