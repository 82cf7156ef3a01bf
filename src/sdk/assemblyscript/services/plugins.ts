import { invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { trim } from '../text';
import { doneJson, foundText, jsonOf, textPayload } from './decode';
import { boolSetting, durationSetting, intSetting, textSetting } from './setting';

/** The plugin's own settings: `manifest/config/config.yaml`, unless the operator sets others. Keys may be dotted. */
export namespace config {
  /** The value of a key; `Json.missing` when it is not set. */
  export function get(key: string): Reply<Json> {
    const reply = invoke('plugins', 'config.get', '', '', textPayload(trim(key)));
    return jsonOf(foundText(reply, 'host service config get response'));
  }

  export function getString(key: string, fallback: string = ''): Reply<string> {
    return textSetting(key, get(key), fallback);
  }

  export function getBool(key: string, fallback: bool = false): Reply<bool> {
    return boolSetting(key, get(key), fallback);
  }

  export function getInt(key: string, fallback: i64 = 0): Reply<i64> {
    return intSetting(key, get(key), fallback);
  }

  /** A duration such as `45s`, in milliseconds. */
  export function getDurationMs(key: string, fallbackMs: i64 = 0): Reply<i64> {
    return durationSetting(key, get(key), fallbackMs);
  }
}

export class PluginInfo {
  constructor(private readonly json: Json) {}

  get id(): string {
    return this.json.get('ID').asText();
  }

  get version(): string {
    return this.json.get('Version').asText();
  }

  get installed(): bool {
    return this.json.get('Installed').asBool();
  }

  get enabled(): bool {
    return this.json.get('Enabled').asBool();
  }

  get status(): string {
    return this.json.get('Status').asText();
  }
}

/** A plugin as the current tenant has it. */
export class TenantPluginInfo {
  constructor(private readonly json: Json) {}

  get id(): string {
    return this.json.get('ID').asText();
  }

  get name(): string {
    return this.json.get('Name').asText();
  }

  get version(): string {
    return this.json.get('Version').asText();
  }

  /** `source` or `dynamic`. */
  get type(): string {
    return this.json.get('Type').asText();
  }

  get description(): string {
    return this.json.get('Description').asText();
  }

  get installed(): bool {
    return this.json.get('Installed').asBool();
  }

  get enabled(): bool {
    return this.json.get('Enabled').asBool();
  }

  /** `platform_only` or `tenant_aware`. */
  get scopeNature(): string {
    return this.json.get('ScopeNature').asText();
  }

  /** `global` or `tenant_scoped`. */
  get installMode(): string {
    return this.json.get('InstallMode').asText();
  }

  get tenantEnabled(): bool {
    return this.json.get('TenantEnabled').asBool();
  }
}

export class PluginPage {
  constructor(readonly items: PluginInfo[], readonly total: i32) {}
}

export class TenantPluginPage {
  constructor(readonly items: TenantPluginInfo[], readonly total: i32) {}
}

/** This plugin. */
export function current(): Reply<PluginInfo> {
  const reply = invokeJson('plugins', 'plugins.current.get');
  const error = reply.error;
  return error ? Reply.failed<PluginInfo>(error) : Reply.of<PluginInfo>(new PluginInfo(reply.value));
}

/** The plugins of some ids, by id; missing ones are left out. */
export function getMany(ids: string[]): Reply<Map<string, PluginInfo>> {
  const reply = invokeJson('plugins', 'plugins.batch_get', Json.object().set('ids', ids));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, PluginInfo>>(error);
  const items = reply.value.get('Items');
  const found = new Map<string, PluginInfo>();
  for (let i = 0, names = items.names; i < names.length; i++) found.set(names[i], new PluginInfo(items.get(names[i])));
  return Reply.of<Map<string, PluginInfo>>(found);
}

/** All plugins by id, or those with a keyword in id, name or remark. */
export function list(pageNum: i32 = 1, pageSize: i32 = 20, keyword: string = ''): Reply<PluginPage> {
  const reply = invokeJson('plugins', 'plugins.registry.list', listed(keyword, pageNum, pageSize));
  const error = reply.error;
  if (error) return Reply.failed<PluginPage>(error);
  const items: PluginInfo[] = [];
  const list = reply.value.get('Items');
  for (let i = 0; i < list.length; i++) items.push(new PluginInfo(list.at(i)));
  return Reply.of<PluginPage>(new PluginPage(items, <i32>reply.value.get('Total').asInt()));
}

/** The plugins as the current tenant has them; the platform has none. */
export function tenantList(pageNum: i32 = 1, pageSize: i32 = 20, keyword: string = ''): Reply<TenantPluginPage> {
  const reply = invokeJson('plugins', 'plugins.tenant.list', listed(keyword, pageNum, pageSize));
  const error = reply.error;
  if (error) return Reply.failed<TenantPluginPage>(error);
  const items: TenantPluginInfo[] = [];
  const list = reply.value.get('Items');
  for (let i = 0; i < list.length; i++) items.push(new TenantPluginInfo(list.at(i)));
  return Reply.of<TenantPluginPage>(new TenantPluginPage(items, <i32>reply.value.get('Total').asInt()));
}

/** Whether plugins are enabled. */
export namespace state {
  export function isEnabled(pluginId: string): Reply<bool> {
    return yesOrNo('plugins.state.enabled.check', pluginId);
  }

  /** Whether the plugin may be asked as a provider. */
  export function isProviderEnabled(pluginId: string): Reply<bool> {
    return yesOrNo('plugins.state.provider_enabled.check', pluginId);
  }

  /** As `isEnabled`, past every cache. */
  export function isEnabledForSure(pluginId: string): Reply<bool> {
    return yesOrNo('plugins.state.enabled_authoritative.check', pluginId);
  }
}

/** What a plugin that governs tenants must ask of the others, and tell them. */
export namespace lifecycle {
  /** Succeeds unless somebody refuses that a tenant loses a plugin. */
  export function ensureTenantPluginDisable(pluginId: string, tenantId: i32): Reply<bool> {
    const argument = Json.object().set('pluginId', pluginId).set('tenantId', tenantId);
    return doneJson(invokeJson('plugins', 'plugins.lifecycle.tenant_plugin_disable.ensure', argument));
  }

  export function tenantPluginDisabled(pluginId: string, tenantId: i32): Reply<bool> {
    const argument = Json.object().set('pluginId', pluginId).set('tenantId', tenantId);
    return doneJson(invokeJson('plugins', 'plugins.lifecycle.tenant_plugin_disabled.notify', argument));
  }

  /** Succeeds unless somebody refuses that a tenant is deleted. */
  export function ensureTenantDelete(tenantId: i32): Reply<bool> {
    const argument = Json.object().set('tenantId', tenantId);
    return doneJson(invokeJson('plugins', 'plugins.lifecycle.tenant_delete.ensure', argument));
  }

  export function tenantDeleted(tenantId: i32): Reply<bool> {
    const argument = Json.object().set('tenantId', tenantId);
    return doneJson(invokeJson('plugins', 'plugins.lifecycle.tenant_deleted.notify', argument));
  }
}

function listed(keyword: string, pageNum: i32, pageSize: i32): Json {
  const argument = Json.object();
  if (keyword.length > 0) argument.set('Keyword', keyword);
  return argument.set('Page', Json.object().set('PageNum', pageNum).set('PageSize', pageSize));
}

function yesOrNo(method: string, pluginId: string): Reply<bool> {
  const reply = invokeJson('plugins', method, Json.object().set('pluginId', pluginId));
  const error = reply.error;
  return error ? Reply.failed<bool>(error) : Reply.of<bool>(reply.value.asBool());
}
