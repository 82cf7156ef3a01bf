package lina

import "encoding/json"

// Config reads one of the plugin's own settings into value, which is left alone when the setting is missing.
func Config(key string, value any) error {
	return setting(Call{Service: "plugins", Method: "config.get", Payload: text(key)}, value)
}

// HostConfig reads one of the host's settings into value; the key must be declared in plugin.yaml.
func HostConfig(key string, value any) error {
	return setting(Call{Service: "hostconfig", Method: "get", ResourceRef: key, Payload: text(key)}, value)
}

func setting(call Call, value any) error {
	text, found, err := foundText(Invoke(call))
	if err != nil || !found {
		return err
	}
	return json.Unmarshal([]byte(text), value)
}

// SystemParameter is a parameter that administrators keep in the host's table of parameters.
type SystemParameter struct {
	Key, Value       string
	SystemManageable bool
	LabelKey, Label  string
}

// SystemParameterGet reads a parameter; the key must be declared in plugin.yaml, here and below.
func SystemParameterGet(key string) (parameter SystemParameter, err error) {
	err = systemParameter("sys_config.get", key, map[string]any{"key": key}, &parameter)
	return parameter, err
}

func SystemParameterSet(key, value string) error {
	return systemParameter("sys_config.value.set", key, map[string]any{"key": key, "value": value}, nil)
}

// SystemParameterSetManaged also says whether the system itself manages the parameter.
func SystemParameterSetManaged(key, value string, systemManageable bool) error {
	argument := struct {
		Key              string `json:"key"`
		Value            string `json:"value"`
		SystemManageable bool   `json:"systemManageable"`
	}{key, value, systemManageable}
	return systemParameter("sys_config.value.set", key, argument, nil)
}

// SystemParameterReset makes a parameter empty.
func SystemParameterReset(key string) error {
	return systemParameter("sys_config.reset", key, map[string]any{"key": key}, nil)
}

func systemParameter(method, key string, argument, result any) error {
	return InvokeJSON(Call{Service: "hostconfig", Method: method, ResourceRef: key}, argument, result)
}

// Plugin is what the host tells of a plugin.
type Plugin struct {
	ID, Version        string
	Installed, Enabled bool
	Status             string
}

// TenantPlugin is a plugin as the current tenant has it. Type is source or dynamic.
type TenantPlugin struct {
	ID, Name, Version, Type, Description string
	Installed, Enabled                   bool
	ScopeNature, InstallMode             string
	TenantEnabled                        bool
}

// CurrentPlugin tells of this plugin.
func CurrentPlugin() (plugin Plugin, err error) {
	err = askPlugins("plugins.current.get", nil, &plugin)
	return plugin, err
}

// PluginsGetMany gives plugins by id; missing ones are left out.
func PluginsGetMany(ids []string) (map[string]Plugin, error) {
	var reply struct{ Items map[string]Plugin }
	err := askPlugins("plugins.batch_get", idsOf{ids}, &reply)
	return reply.Items, err
}

// PluginsList gives a page of the plugins, or of those with a keyword in id, name or remark, and how many there are.
func PluginsList(pageNum, pageSize int, keyword string) ([]Plugin, int, error) {
	var reply struct {
		Items []Plugin
		Total int
	}
	err := askPlugins("plugins.registry.list", pluginQuery(pageNum, pageSize, keyword), &reply)
	return reply.Items, reply.Total, err
}

// PluginsTenantList gives a page of the plugins as the current tenant has them; the platform has none.
func PluginsTenantList(pageNum, pageSize int, keyword string) ([]TenantPlugin, int, error) {
	var reply struct {
		Items []TenantPlugin
		Total int
	}
	err := askPlugins("plugins.tenant.list", pluginQuery(pageNum, pageSize, keyword), &reply)
	return reply.Items, reply.Total, err
}

// PluginIsEnabled tells whether a plugin is enabled.
func PluginIsEnabled(pluginID string) (bool, error) {
	return pluginState("plugins.state.enabled.check", pluginID)
}

// PluginIsProviderEnabled tells whether a plugin may be asked as a provider.
func PluginIsProviderEnabled(pluginID string) (bool, error) {
	return pluginState("plugins.state.provider_enabled.check", pluginID)
}

// PluginIsEnabledForSure is PluginIsEnabled past every cache.
func PluginIsEnabledForSure(pluginID string) (bool, error) {
	return pluginState("plugins.state.enabled_authoritative.check", pluginID)
}

// TenantPluginDisableEnsure succeeds unless somebody refuses that a tenant loses a plugin.
func TenantPluginDisableEnsure(pluginID string, tenantID int) error {
	return askPlugins("plugins.lifecycle.tenant_plugin_disable.ensure", pluginOfTenant{pluginID, tenantID}, nil)
}

func TenantPluginDisabledNotify(pluginID string, tenantID int) error {
	return askPlugins("plugins.lifecycle.tenant_plugin_disabled.notify", pluginOfTenant{pluginID, tenantID}, nil)
}

// TenantDeleteEnsure succeeds unless somebody refuses that a tenant is deleted.
func TenantDeleteEnsure(tenantID int) error {
	return askPlugins("plugins.lifecycle.tenant_delete.ensure", map[string]int{"tenantId": tenantID}, nil)
}

func TenantDeletedNotify(tenantID int) error {
	return askPlugins("plugins.lifecycle.tenant_deleted.notify", map[string]int{"tenantId": tenantID}, nil)
}

type pluginOfTenant struct {
	PluginID string `json:"pluginId"`
	TenantID int    `json:"tenantId"`
}

type pageOf struct{ PageNum, PageSize int }

func pluginQuery(pageNum, pageSize int, keyword string) any {
	return struct {
		Keyword string `json:",omitempty"`
		Page    pageOf
	}{keyword, pageOf{pageNum, pageSize}}
}

func pluginState(method, pluginID string) (yes bool, err error) {
	err = askPlugins(method, map[string]string{"pluginId": pluginID}, &yes)
	return yes, err
}

func askPlugins(method string, argument, result any) error {
	return InvokeJSON(Call{Service: "plugins", Method: method}, argument, result)
}
