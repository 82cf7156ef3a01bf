/** The plugins of the host, as the `plugins` service needs them. */
export interface DirectoryPlugin {
  readonly pluginId: string;
  readonly name: string;
  readonly version: string;
  readonly type: 'source' | 'dynamic';
  readonly description: string;
  readonly installed: boolean;
  /** For the platform. */
  readonly enabled: boolean;
  /** What the registry says of it, such as `enabled`. */
  readonly state: string;
  readonly scopeNature: 'platform_only' | 'tenant_aware';
  readonly installMode: 'global' | 'tenant_scoped';
}

export interface TenantLoss {
  readonly tenantId: number;
  /** Absent where the tenant itself is deleted. */
  readonly pluginId?: string;
}

export interface PluginDirectory {
  /** By id. */
  list(): readonly DirectoryPlugin[];
  find(pluginId: string): DirectoryPlugin | undefined;
  /** Whether an enabled plugin is there for the tenant; 0 is the platform, which has all. */
  exposes(plugin: DirectoryPlugin, tenantId: number): boolean;
  /** Whether it is enabled by what is stored, past everything that is remembered. */
  isEnabledNow(pluginId: string): boolean;
  tenantExists(tenantId: number): boolean;
  /** Asks guests before a tenant loses something. @throws PLUGIN_LIFECYCLE_PRECONDITION_VETOED */
  ask(loss: TenantLoss): Promise<void>;
  /** Tells guests that a tenant has lost something. */
  tell(loss: TenantLoss): Promise<void>;
}
