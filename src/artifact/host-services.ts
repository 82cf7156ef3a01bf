/** Declarations of what a plugin may ask of the host (`spec/artifact.md` §2.12, §5; `spec/host-services.md` §2). */
import type { GrantedService as HostServiceDeclaration, GrantedResource as ResourceRef } from '../protocol/grant.js';
import { type Decoder, entries, integer, list, lookup, object, optional, text } from './decode.js';
import { invalid, isArray, isObject, type JsonValue, kindOf } from './json.js';
import { normalizeManifestPath, normalizeStoragePath } from './paths.js';
import { compareBytes, firstDuplicate, isBlank, lower, trim, upper } from './text.js';

export type { HostServiceDeclaration, ResourceRef };

/** One entry as a file says it: nothing trimmed, nothing checked. `methods` is absent where the key is. */
export interface RawHostService extends Omit<HostServiceDeclaration, 'methods' | 'resources'> {
  readonly methods?: readonly string[] | undefined;
  readonly resources: readonly (ResourceRef | null)[];
}

/** What a service may be limited to. `send` is: refs for `messages.send`, else none. */
export type ResourceKind = 'none' | 'path' | 'table' | 'key' | 'ref' | 'send';

const words = (methods: string): readonly string[] => methods.split(' ');
const grants = (capability: string, methods: string): readonly (readonly [string, string])[] =>
  words(methods).map((method) => [method, capability] as const);
const methods = (...rows: readonly (readonly (readonly [string, string])[])[]): Readonly<Record<string, string>> =>
  Object.fromEntries(rows.flat());

/** Every core service: method → capability that the method needs (`spec/artifact.md` §5.3). */
export const CATALOGUE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runtime: methods(
    grants(
      'host:runtime',
      'log.write state.get state.get_many state.set state.set_many state.delete state.delete_many info.now info.uuid info.node',
    ),
  ),
  storage: methods(
    grants(
      'host:storage',
      'put put.init put.chunk put.commit put.abort get delete delete.batch list list.cursor stat stat.batch',
    ),
  ),
  network: methods(grants('host:http:request', 'request')),
  data: methods(
    grants('host:data:read', 'list get batch_get'),
    grants('host:data:mutate', 'create update delete transaction'),
  ),
  cache: methods(grants('host:cache', 'get get_many set set_many delete delete_many incr expire')),
  lock: methods(grants('host:lock', 'acquire renew release')),
  hostconfig: methods(grants('host:hostconfig', 'get sys_config.get sys_config.value.set sys_config.reset')),
  manifest: methods(grants('host:manifest', 'get get_many list')),
  apidoc: methods(grants('host:apidoc', 'route_text.resolve route_texts.resolve route_title_operation_keys.find')),
  auth: methods(
    grants(
      'host:auth:token',
      'token.tenant.select token.tenant.switch token.impersonation_token.issue token.impersonation_token.revoke',
    ),
    grants('host:auth:external_login', 'external_login.login_by_verified_identity'),
    grants(
      'host:auth:authz',
      'authz.permissions.batch_get authz.permissions.batch_has authz.permissions.has authz.users.platform_admin.check ' +
        'authz.role_permissions.replace',
    ),
  ),
  users: methods(
    grants(
      'host:users',
      'users.current.get users.batch_get users.resolve.batch users.list users.visible.ensure users.create ' +
        'users.create_from_external users.update users.delete users.status.set users.password.reset ' +
        'users.assignment.roles.replace',
    ),
  ),
  bizctx: methods(grants('host:bizctx', 'current.get')),
  dict: methods(
    grants(
      'host:dict',
      'dict.refresh dict.type.get dict.type.batch_get dict.type.list dict.type.create dict.type.update dict.type.delete ' +
        'dict.type.visible.ensure dict.type.keys.visible.ensure dict.value.get dict.value.batch_get dict.value.list ' +
        'dict.value.labels.resolve dict.value.create dict.value.update dict.value.delete dict.value.by_type.delete ' +
        'dict.value.visible.ensure dict.value.values.visible.ensure',
    ),
  ),
  files: methods(
    grants(
      'host:files',
      'files.batch_get files.list files.visible.ensure files.upload files.create_from_storage files.metadata.update ' +
        'files.delete files.delete_many',
    ),
  ),
  jobs: methods(
    grants(
      'host:jobs',
      'jobs.batch_get jobs.list jobs.visible.ensure jobs.create jobs.update jobs.delete jobs.run jobs.status.set jobs.register',
    ),
  ),
  notifications: methods(
    grants(
      'host:notifications',
      'messages.batch_get messages.list messages.by_source.batch_get messages.visible.ensure messages.send messages.delete ' +
        'messages.by_source.delete messages.mark_read messages.mark_unread',
    ),
  ),
  plugins: methods(
    grants(
      'host:plugins',
      'plugins.current.get plugins.batch_get plugins.registry.list plugins.tenant.list config.get ' +
        'plugins.state.enabled.check plugins.state.provider_enabled.check plugins.state.enabled_authoritative.check ' +
        'plugins.lifecycle.tenant_plugin_disable.ensure plugins.lifecycle.tenant_plugin_disabled.notify ' +
        'plugins.lifecycle.tenant_delete.ensure plugins.lifecycle.tenant_deleted.notify',
    ),
  ),
  route: methods(grants('host:route', 'metadata.get')),
  sessions: methods(
    grants(
      'host:sessions',
      'sessions.current.get sessions.list sessions.batch_get sessions.users.online.batch_get sessions.visible.ensure ' +
        'sessions.revoke sessions.revoke_many',
    ),
  ),
  org: methods(
    grants(
      'host:org',
      'capability.available capability.status org.assignment.user_profiles.batch_get org.department.tree.list ' +
        'org.department.batch_get org.department.list org.post.batch_get org.post.options.list ' +
        'org.department.visible.ensure_many org.post.visible.ensure_many org.department.create org.department.update ' +
        'org.department.delete org.post.create org.post.update org.post.delete org.assignment.by_user.replace ' +
        'org.assignment.by_user.cleanup',
    ),
  ),
  tenant: methods(
    grants(
      'host:tenant',
      'capability.available capability.status tenant.context.current tenant.context.info tenant.context.platform_bypass ' +
        'tenant.directory.batch_get tenant.directory.list tenant.membership.validate tenant.membership.list_by_user ' +
        'tenant.directory.visible.ensure_many tenant.plugins.enabled.set tenant.plugins.defaults.provision ' +
        'tenant.filter.context',
    ),
  ),
};

const RESOURCE_KINDS: Readonly<Record<string, ResourceKind>> = {
  storage: 'path',
  manifest: 'path',
  data: 'table',
  hostconfig: 'key',
  network: 'ref',
  cache: 'ref',
  lock: 'ref',
  notifications: 'send',
};

/** Services that the documents reserve for later; declaring or calling one is refused with its own sentence. */
const RESERVED_SERVICES: readonly string[] = ['secret', 'event', 'queue'];

/** What a refusal of a lower-case service name ends with: a remark when the name is reserved, else nothing. */
export function reservationOf(service: string): string {
  const reserved = RESERVED_SERVICES.find((name) => service === name || service.startsWith(`${name}.`));
  return reserved === undefined ? '' : ` (${reserved} is reserved for a later version of the host)`;
}

/** Services whose declaration may leave `methods` out, which means `get` (a promise of the plugin documents). */
const DEFAULT_GET_SERVICES: readonly string[] = ['hostconfig', 'manifest'];

/** The capability that a core method needs, e.g. `host:data:read`; `undefined` for what the catalogue does not hold. */
export function capabilityOf(service: string, method: string): string | undefined {
  const row = Object.hasOwn(CATALOGUE, service) ? CATALOGUE[service]! : {};
  return Object.hasOwn(row, method) ? row[method] : undefined;
}

/** The capabilities of a plugin: those of all methods of its core entries, sorted. Owner entries add none. */
export function capabilitiesOf(declarations: readonly HostServiceDeclaration[]): readonly string[] {
  const found = declarations
    .filter((entry) => entry.owner === '')
    .flatMap((entry) => entry.methods.map((method) => capabilityOf(entry.service, method)));
  return [...new Set(found.filter((capability) => capability !== undefined))].sort(compareBytes);
}

/** What a core service may be limited to. */
export function resourceKindOf(service: string): ResourceKind {
  return Object.hasOwn(RESOURCE_KINDS, service) ? RESOURCE_KINDS[service]! : 'none';
}

/**
 * Checks and normalises declarations in the order of `spec/artifact.md` §5.1. Without `pluginId`, tables are refused.
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails.
 */
export function normalizeHostServices(
  declared: readonly (RawHostService | null)[],
  pluginId = '',
): readonly HostServiceDeclaration[] {
  const seen = new Set<string>();
  const normalized = declared.map((entry) => normalizeEntry(entry, pluginId, seen));
  return normalized.sort((left, right) => compareBytes(identityOf(left), identityOf(right)));
}

/** Reads the array of host services of an artifact section or of `plugin.yaml`. Nothing is normalised. */
export const decodeHostServices: Decoder<readonly (RawHostService | null)[]> = list((value, at) =>
  value === null || value === undefined ? null : decodeEntry(value, at),
);

/** Declarations in the shape of section `lina.plugin.backend.host-services`, keys in the order that is written. */
export function encodeHostServices(declarations: readonly HostServiceDeclaration[]): readonly object[] {
  return declarations.map((entry) => ({
    methods: entry.methods,
    owner: entry.owner || undefined,
    resources: encodeResources(entry),
    service: entry.service,
    version: entry.version || undefined,
  }));
}

function normalizeEntry(entry: RawHostService | null, pluginId: string, seen: Set<string>): HostServiceDeclaration {
  if (entry === null) throw invalid('host service declaration cannot be nil');
  const names = { owner: lower(entry.owner), service: lower(entry.service), version: lower(entry.version) };
  checkNames(names);
  if (seen.has(identityOf(names))) throw invalid(`host service ${names.service} cannot be declared more than once`);
  seen.add(identityOf(names));
  const normalized: HostServiceDeclaration = {
    ...names,
    methods: normalizeMethods(entry, names),
    tables: normalizeNames(entry.tables, names.service, 'table', ['']),
    keys: normalizeNames(entry.keys, names.service, 'key', ['', '.']),
    paths: normalizePaths(entry.paths, names.service),
    resources: normalizeRefs(entry.resources, names.service),
  };
  checkResources(normalized, pluginId);
  return normalized;
}

interface Names {
  readonly owner: string;
  readonly service: string;
  readonly version: string;
}

function identityOf(names: Names): string {
  return `${names.owner}\0${names.service}\0${names.version}`;
}

function checkNames({ owner, service, version }: Names): void {
  if (service === '') throw invalid('host service name cannot be empty');
  if (service.startsWith('plugin:')) {
    throw invalid(`host service ${service} must use structured owner and version fields`);
  }
  if (version !== '' && owner === '') throw invalid(`host service ${service} version requires owner`);
  if (owner !== '' && version === '') throw invalid(`host service ${service} of owner ${owner} requires version`);
  if (owner !== '' || Object.hasOwn(CATALOGUE, service)) return;
  throw invalid(`unknown host service declaration: ${service}${reservationOf(service)}`);
}

function normalizeMethods(entry: RawHostService, { owner, service }: Names): readonly string[] {
  const defaults = owner === '' && DEFAULT_GET_SERVICES.includes(service) ? ['get'] : [];
  const normalized = (entry.methods ?? defaults).map(lower);
  const seen = new Set<string>();
  for (const method of normalized) {
    if (method === '') throw invalid(`host service ${service} method cannot be empty`);
    if (owner === '' && capabilityOf(service, method) === undefined) {
      throw invalid(`host service ${service} does not support method ${method}`);
    }
    if (seen.has(method)) throw invalid(`host service ${service} method cannot be duplicated: ${method}`);
    seen.add(method);
  }
  if (normalized.length === 0) throw invalid(`host service ${service} must declare at least one method`);
  return normalized.sort(compareBytes);
}

function normalizeNames(
  declared: readonly string[],
  service: string,
  noun: string,
  refused: readonly string[],
): readonly string[] {
  const names = declared.map(trim);
  const blank = names.find((name) => refused.includes(name));
  if (blank !== undefined) throw invalid(`host service ${service} ${noun} cannot be empty`);
  const twice = firstDuplicate(names);
  if (twice !== undefined) throw invalid(`host service ${service} ${noun} cannot be duplicated: ${twice}`);
  return names.sort(compareBytes);
}

function normalizePaths(declared: readonly string[], service: string): readonly string[] {
  const normalize = service === 'manifest' ? normalizeManifestPath : normalizeStoragePath;
  const paths = declared.map((path) => {
    const result = normalize(path);
    if ('problem' in result) throw invalid(`host service ${service} has invalid path ${path}: ${result.problem}`);
    return result.path;
  });
  const twice = firstDuplicate(paths);
  if (twice !== undefined) throw invalid(`host service ${service} path cannot be duplicated: ${twice}`);
  return paths.sort(compareBytes);
}

function normalizeRefs(declared: readonly (ResourceRef | null)[], service: string): readonly ResourceRef[] {
  const refs = declared.map((resource) => {
    if (resource === null) throw invalid(`host service ${service} resource cannot be nil`);
    return normalizeRef(resource, service);
  });
  const twice = firstDuplicate(refs.map((resource) => resource.ref));
  if (twice !== undefined) throw invalid(`host service ${service} resource cannot be duplicated: ${twice}`);
  return refs.sort((left, right) => compareBytes(left.ref, right.ref));
}

function normalizeRef(resource: ResourceRef, service: string): ResourceRef {
  const ref = trim(resource.ref);
  if (ref === '') throw invalid(`host service ${service} resource ref cannot be empty`);
  const allowMethods = normalizeSet(resource.allowMethods ?? [], upper);
  const headerAllowList = normalizeSet(resource.headerAllowList ?? [], lower);
  const attributes = Object.entries(resource.attributes ?? {})
    .map(([key, value]) => [trim(key), trim(value)] as const)
    .filter(([key]) => key !== '');
  return {
    ref,
    ...(allowMethods.length > 0 && { allowMethods }),
    ...(headerAllowList.length > 0 && { headerAllowList }),
    ...(resource.timeoutMs && { timeoutMs: resource.timeoutMs }),
    ...(resource.maxBodyBytes && { maxBodyBytes: resource.maxBodyBytes }),
    ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }),
  };
}

function normalizeSet(values: readonly string[], map: (value: string) => string): readonly string[] {
  return [...new Set(values.map(map).filter((value) => value !== ''))].sort(compareBytes);
}

function checkResources(entry: HostServiceDeclaration, pluginId: string): void {
  const kind = entry.owner === '' ? resourceKindOf(entry.service) : 'ref';
  const needsRef = kind === 'ref' || (kind === 'send' && entry.methods.includes('messages.send'));
  checkKind(entry, 'paths', 'path', kind === 'path');
  checkKind(entry, 'tables', 'table', kind === 'table');
  checkKind(entry, 'keys', 'key', kind === 'key');
  if (entry.owner === '' || !needsRef) checkKind(entry, 'resources', 'resource', needsRef);
  for (const table of entry.tables) checkTable(table, pluginId);
  if (entry.owner === '' && entry.service === 'network') for (const { ref } of entry.resources) checkUrl(ref);
}

function checkKind(
  entry: HostServiceDeclaration,
  field: 'paths' | 'tables' | 'keys' | 'resources',
  noun: string,
  wanted: boolean,
): void {
  if (!wanted && entry[field].length > 0) throw invalid(`host service ${entry.service} cannot declare ${field}`);
  if (wanted && entry[field].length === 0) {
    throw invalid(`host service ${entry.service} must declare at least one ${noun}`);
  }
}

function checkTable(declared: string, pluginId: string): void {
  const table = lower(declared);
  if (table.startsWith('sys_')) throw invalid(`host service data cannot declare host core table ${declared}`);
  const own = `plugin_${lower(pluginId).replace(/[-.]/g, '_')}`;
  if (lower(pluginId) !== '' && (table === own || table.startsWith(`${own}_`))) return;
  throw invalid(`host service data table ${declared} must belong to plugin ${pluginId} namespace ${own}`);
}

/** A URL pattern of `network`: a `*` may stand in its host. The platform's URL parser would rewrite it, so it is only taken apart. */
function checkUrl(url: string): void {
  const refuse = (why: string): never => {
    throw invalid(`host service network url ${url} ${why}`);
  };
  if (!url.includes('://')) refuse('must be an absolute url');
  if (/[?#]/.test(url)) refuse('cannot contain a query or a fragment');
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(\/.*)?$/su.exec(url) ?? refuse('cannot be parsed');
  if (!['http', 'https'].includes(parts[1]!.toLowerCase())) refuse('must use http or https');
  const authority =
    /^(?:[^@]*@)?(\[[0-9A-Fa-f:.%]+\]|[^:[\]]*)(?::(\d*))?$/u.exec(parts[2]!) ?? refuse('cannot be parsed');
  if (/[\s"<>\\^`{|}]|\p{Control}/u.test(parts[2]!)) refuse('cannot be parsed');
  if (/\p{Control}|%(?![0-9A-Fa-f]{2})/u.test(parts[3] ?? '')) refuse('cannot be parsed');
  if (isBlank(authority[1]!)) refuse('must name a host');
}

const decodeNames = object({
  owner: ['owner', text],
  service: ['service', text],
  version: ['version', text],
  methods: ['methods', optional(list(text))],
});

function decodeEntry(value: JsonValue, at: string): RawHostService {
  const names = decodeNames(value, at);
  const none = { paths: [], tables: [], keys: [], resources: [] };
  const find = isObject(value) ? lookup(value) : () => undefined;
  const resources = find('resources');
  if (resources === undefined) return { ...names, ...none };
  const where = `${at}.resources`;
  if (isArray(resources)) return { ...names, ...none, resources: decodeRefs(resources, lower(names.service), where) };
  if (!isObject(resources)) {
    throw invalid(
      `${where}: host service resources must be an array or object (a sequence or mapping), not ${kindOf(resources)}`,
    );
  }
  const field = { path: 'paths', key: 'keys' }[resourceKindOf(lower(names.service)) as string] ?? 'tables';
  return { ...names, ...none, [field]: list(text)(lookup(resources)(field), `${where}.${field}`) };
}

const decodeUrl = object({ ref: ['url', text] });

const decodeRef = object({
  ref: ['ref', text],
  allowMethods: ['allowMethods', list(text)],
  headerAllowList: ['headerAllowList', list(text)],
  timeoutMs: ['timeoutMs', integer],
  maxBodyBytes: ['maxBodyBytes', integer],
  attributes: ['attributes', (value, at) => Object.fromEntries(entries(text)(value, at))],
});

function decodeRefs(items: readonly JsonValue[], service: string, at: string): readonly (ResourceRef | null)[] {
  const network = service === 'network';
  const refs = items.map((item, index) => {
    if (item === null) return null;
    return network ? decodeUrl(item, `${at}[${index}]`) : decodeRef(item, `${at}[${index}]`);
  });
  return network ? refs.filter((ref) => ref !== null) : refs;
}

function encodeResources(entry: HostServiceDeclaration): object | undefined {
  if (entry.paths.length > 0) return { paths: entry.paths };
  if (entry.tables.length > 0) return { tables: entry.tables };
  if (entry.keys.length > 0) return { keys: entry.keys };
  if (entry.resources.length === 0) return undefined;
  if (entry.owner === '' && entry.service === 'network') return entry.resources.map(({ ref }) => ({ url: ref }));
  return entry.resources.map((resource) => ({
    ref: resource.ref,
    allowMethods: resource.allowMethods,
    headerAllowList: resource.headerAllowList,
    timeoutMs: resource.timeoutMs,
    maxBodyBytes: resource.maxBodyBytes,
    attributes: resource.attributes && new Map(Object.entries(resource.attributes)),
  }));
}
