/** Plugins as a host describes them (spec/governance.md §2.2), and as lines for people. */
import type { DependencyCheck } from '../registry/dependencies.js';
import type { Diagnosis, NotExecuted, UpgradeFailure } from '../registry/projection.js';
import type { Host } from './client.js';
import { pluginPath } from './client.js';
import { columns } from './table.js';

/** What the client reads of `PluginListItem`. */
export interface PluginItem {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly description?: string;
  readonly runtimeState: string;
  readonly effectiveVersion?: string;
  readonly discoveredVersion?: string;
  readonly installed: number;
  readonly enabled: number;
  readonly authorizationStatus?: string;
  readonly lastUpgradeFailure?: UpgradeFailure;
  /** Times are ISO texts. */
  readonly quarantine?: {
    readonly since: string;
    readonly until: string;
    readonly failures: number;
    readonly lastCode: string;
  };
}

/** What the client reads of `PluginItem`, the detail. */
export interface PluginDetail extends PluginItem {
  readonly requestedHostServices?: readonly HostService[];
  readonly authorizedHostServices?: readonly HostService[];
  readonly declaredRoutes?: readonly DeclaredRoute[];
  readonly dependencyCheck?: DependencyCheck;
  readonly notExecuted?: readonly NotExecuted[];
  readonly diagnosis?: Diagnosis;
  /** What its requests run in; absent when nothing of it is loaded. */
  readonly isolation?: string;
  readonly isolationObstacles?: readonly string[];
}

export interface HostService {
  readonly owner?: string;
  readonly service: string;
  readonly version?: string;
  readonly methods: readonly string[];
  readonly paths?: readonly string[];
  readonly keys?: readonly string[];
  readonly tables?: readonly string[];
  /** The same tables, with what `COMMENT ON TABLE` says of them. */
  readonly tableItems?: readonly { readonly name: string; readonly comment?: string }[];
  readonly resources?: readonly { readonly ref: string }[];
}

interface DeclaredRoute {
  readonly method: string;
  readonly publicPath: string;
  readonly access: string;
  readonly permission?: string;
}

export function pluginDetail(host: Host, id: string | undefined): Promise<PluginDetail> {
  return host.request<PluginDetail>({ path: pluginPath(id) });
}

/** `enabled`, `installed` or `discovered`, with the runtime state when it is not `normal`, and the quarantine. */
export function stateOf({ installed, enabled, runtimeState, quarantine }: PluginItem): string {
  const stable = installed ? (enabled ? 'enabled' : 'installed') : 'discovered';
  const special = [runtimeState === 'normal' ? '' : runtimeState, quarantine ? 'quarantined' : ''];
  return [stable, ...special.filter(Boolean)].join(', ');
}

/** One line that says where a plugin stands now, and what an administrator still has to confirm. */
export function standing(plugin: PluginDetail): string {
  const state = stateOf(plugin);
  const line = `${plugin.id} ${plugin.version} is ${state}${state === 'installed' ? ', not enabled' : ''}`;
  if (plugin.authorizationStatus !== 'pending') return line;
  return `${line}\nhost services that nobody has granted yet:\n${hostServiceLines(scopedServices(plugin))}`;
}

/** Host services, one line each: name, methods, targets. */
export function hostServiceLines(services: readonly HostService[]): string {
  return columns(
    services.map((service) => {
      const name = service.owner ? `${service.owner}/${service.service}@${service.version}` : service.service;
      return [`  ${name}`, service.methods.join(', '), targetsOf(service).join(', ')];
    }),
  );
}

export function routeLines(routes: readonly DeclaredRoute[]): string {
  return columns(
    routes.map(({ method, publicPath, access, permission }) => [`  ${method}`, publicPath, access, permission ?? '']),
  );
}

function scopedServices({ requestedHostServices = [] }: PluginDetail): readonly HostService[] {
  return requestedHostServices.filter((service) => targetsOf(service).length > 0);
}

/** What of a host service may be reached. */
export function targetsOf({
  paths = [],
  keys = [],
  tables = [],
  tableItems = [],
  resources = [],
}: HostService): readonly string[] {
  const comments = new Map(tableItems.map(({ name, comment }) => [name, comment]));
  const described = tables.map((name) => (comments.get(name) ? `${name} (${comments.get(name)})` : name));
  return [...paths, ...keys, ...described, ...resources.map(({ ref }) => ref)];
}
