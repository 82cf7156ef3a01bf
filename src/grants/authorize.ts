import {
  CATALOGUE,
  capabilitiesOf,
  capabilityOf,
  type HostServiceDeclaration,
  reservationOf,
} from '../artifact/host-services.js';
import type { HostCallRequest } from '../protocol/host-call.js';
import { trimGo } from '../protocol/text.js';
import type { Grant } from './grant.js';
import { compileManifestPattern } from './manifest-paths.js';
import { compileUrlPattern } from './network-urls.js';
import { compileStoragePattern } from './storage-paths.js';

/** Why a host call is refused before it reaches a service. */
export interface Denial {
  /** 1 not authorised, 2 unknown method, 3 invalid request. */
  readonly status: 1 | 2 | 3;
  readonly message: string;
}

/** Checks one call against one grant; undefined lets it pass. */
export type Authorizer = (call: HostCallRequest) => Denial | undefined;

/** Whether an owner plugin has registered a method for exactly this owner, service and version. */
export type OwnerMethods = (owner: string, service: string, version: string, method: string) => boolean;

/** Whether an entry of the grant covers the trimmed resource and table of a call. */
type Access = (resourceRef: string, table: string) => boolean;

/** Methods of an entry with the access they need, by lower-case names. */
type Index = ReadonlyMap<string, ReadonlyMap<string, Access>>;

const noOwnerMethods: OwnerMethods = () => false;

/**
 * Prepares a grant for many checks. The check runs in the order of `spec/bridge.md` §5.1 up to step 6; whether the method has a
 * handler under its exact spelling is asked later. Costs a fraction of a microsecond when names come in lower case.
 * @param ownerMethods what enabled owner plugins have registered; without it no owner service exists.
 */
export function compileGrant(grant: Grant, ownerMethods: OwnerMethods = noOwnerMethods): Authorizer {
  const core = indexCore(grant);
  const authorizeCore = coreAuthorizer(grant, core);
  const authorizeOwner = ownerAuthorizer(grant, ownerMethods);
  return (call) => {
    if (call.owner === '' && call.version === '') {
      const access = core.get(call.service)?.get(call.method);
      if (access?.(trimGo(call.resourceRef), trimGo(call.table))) return undefined;
    }
    return trimGo(call.owner) === '' ? authorizeCore(call) : authorizeOwner(call);
  };
}

/** Checks a single call; whoever checks more than one compiles the grant. */
export function authorize(grant: Grant, call: HostCallRequest): Denial | undefined {
  return compileGrant(grant)(call);
}

function indexCore(grant: Grant): Index {
  const index = new Map<string, ReadonlyMap<string, Access>>();
  for (const entry of grant.services) {
    if (entry.owner !== '' || !Object.hasOwn(CATALOGUE, entry.service)) continue;
    const known = entry.methods.filter((method) => capabilityOf(entry.service, method) !== undefined);
    index.set(entry.service, new Map(known.map((method) => [method, accessOf(entry, method)])));
  }
  return index;
}

function coreAuthorizer({ pluginId, services }: Grant, index: Index): Authorizer {
  const capabilities = new Set(capabilitiesOf(services));
  return (call) => {
    const [service, method] = [trimGo(call.service), trimGo(call.method)];
    const [resourceRef, table] = [trimGo(call.resourceRef), trimGo(call.table)];
    if (trimGo(call.version) !== '') return { status: 3, message: 'host service version requires owner' };
    const capability = capabilityOf(service.toLowerCase(), method.toLowerCase());
    if (capability === undefined) {
      const remark = reservationOf(service.toLowerCase());
      return { status: 2, message: `unsupported host service method: ${service}.${method}${remark}` };
    }
    if (!capabilities.has(capability))
      return { status: 1, message: `plugin ${pluginId} lacks capability ${capability}` };
    const access = index.get(service.toLowerCase())?.get(method.toLowerCase());
    if (access?.(resourceRef, table)) return undefined;
    const target = `${service}.${method} resource=${resourceRef} table=${table}`;
    return { status: 1, message: `plugin ${pluginId} is not authorized for host service ${target}` };
  };
}

/** Registration comes before authorisation: an unregistered method is unknown even to a plugin that may not call it (§5.3). */
function ownerAuthorizer({ pluginId, services }: Grant, isRegistered: OwnerMethods): Authorizer {
  return (call) => {
    const names = [call.owner, call.service, call.version, call.method].map((name) => trimGo(name).toLowerCase());
    const [owner = '', service = '', version = '', method = ''] = names;
    if (names.includes('')) {
      return { status: 3, message: 'owner host service request requires owner, service, version, and method' };
    }
    const name = `${owner}/${service}/${version}.${method}`;
    if (!isRegistered(owner, service, version, method)) {
      return { status: 2, message: `owner host service method not registered: ${name}` };
    }
    const entry = services.find((s) => s.owner === owner && s.service === service && s.version === version);
    const isListed = entry?.methods.includes(method) === true;
    if (isListed && trimGo(call.table) === '' && refAccess(entry)(trimGo(call.resourceRef), '')) return undefined;
    return { status: 1, message: `plugin ${pluginId} is not authorized for owner host service ${name}` };
  };
}

/** The access rule of a method (`spec/bridge.md` §5.2). */
function accessOf(entry: HostServiceDeclaration, method: string): Access {
  switch (entry.service) {
    case 'storage':
      return patternAccess(entry.paths, compileStoragePattern);
    case 'manifest':
      return patternAccess(entry.paths, compileManifestPattern);
    case 'network':
      return patternAccess(refsOf(entry), compileUrlPattern);
    case 'hostconfig':
      return memberAccess(entry.keys);
    case 'data':
      return tableAccess(entry.tables);
    case 'notifications':
      return method === 'messages.send' ? memberAccess(refsOf(entry)) : untargeted;
    case 'runtime':
    case 'cache':
    case 'lock':
      return refAccess(entry);
    default:
      return untargeted;
  }
}

const untargeted: Access = (resourceRef, table) => resourceRef === '' && table === '';

function patternAccess(
  patterns: readonly string[],
  compile: (pattern: string) => ((target: string) => boolean) | undefined,
): Access {
  const tests = patterns.map(compile).filter((test) => test !== undefined);
  return (resourceRef) => resourceRef !== '' && tests.some((test) => test(resourceRef));
}

function memberAccess(members: readonly string[]): Access {
  const known = new Set(members);
  return (resourceRef) => resourceRef !== '' && known.has(resourceRef);
}

function tableAccess(tables: readonly string[]): Access {
  const known = new Set(tables);
  return (_resourceRef, table) => table !== '' && known.has(table);
}

/** Without a resource only where the entry has none to choose from. */
function refAccess(entry: HostServiceDeclaration): Access {
  const refs = new Set(refsOf(entry));
  const isBare = refs.size === 0 && entry.tables.length === 0;
  return (resourceRef) => (resourceRef === '' ? isBare : refs.has(resourceRef));
}

function refsOf(entry: HostServiceDeclaration): readonly string[] {
  return entry.resources.map(({ ref }) => ref);
}
