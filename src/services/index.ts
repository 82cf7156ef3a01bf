/** The services of the host, and how a method is found. */
import { trimGo } from '../protocol/text.js';
import { bizctx } from './bizctx.js';
import { cache } from './cache/cache.js';
import { data } from './data/data.js';
import { hostconfig } from './hostconfig.js';
import { jobs } from './jobs.js';
import { lock } from './lock/lock.js';
import { manifest } from './manifest.js';
import { network } from './network.js';
import { notifications } from './notifications.js';
import { plugins } from './plugins.js';
import { route } from './route.js';
import { runtime } from './runtime.js';
import type { MethodCopies, Placement, Service, ServiceEnvironment, ServiceMethod } from './service.js';
import { storage } from './storage/storage.js';

/** Every service that a guest can be answered by; catalogue methods of others are "not registered". */
export const SERVICES: readonly Service[] = [
  bizctx,
  cache,
  data,
  hostconfig,
  jobs,
  lock,
  manifest,
  network,
  notifications,
  plugins,
  route,
  runtime,
  storage,
];

export interface RegisteredMethod {
  readonly service: string;
  readonly method: string;
  readonly placement: Placement;
  readonly blocks: boolean;
  /** Whether a call may take far longer than the one before it, because it asks the disk or another thread. */
  readonly mayWait: boolean;
  readonly run: ServiceMethod;
  /** Only of a method that is placed on the host. */
  readonly copies: MethodCopies | undefined;
}

export interface ServiceRegistry {
  /** The method under this spelling; white space around the names is ignored, letter case is not. */
  readonly find: (service: string, method: string) => RegisteredMethod | undefined;
  readonly log: ServiceEnvironment['log'];
}

export interface ServiceOptions {
  /** Placements other than the services' own, by service name. */
  readonly placements?: Readonly<Partial<Record<string, Placement>>>;
  /** Default: `SERVICES`. */
  readonly services?: readonly Service[];
}

/** Makes all services for one thread. Both threads hold them all; a method's placement says which of them answers. */
export function createServices(environment: ServiceEnvironment, options: ServiceOptions = {}): ServiceRegistry {
  const registered = new Map(
    (options.services ?? SERVICES).map((service) => {
      const placement = options.placements?.[service.name] ?? service.placement;
      return [service.name, registerMethods(service, placement, environment)];
    }),
  );
  const lookUp = (service: string, method: string) => registered.get(service)?.get(method);
  return {
    find: (service, method) => lookUp(service, method) ?? lookUp(trimGo(service), trimGo(method)),
    log: environment.log,
  };
}

function registerMethods(
  service: Service,
  placement: Placement,
  environment: ServiceEnvironment,
): ReadonlyMap<string, RegisteredMethod> {
  const methods = Object.entries(service.methods(environment));
  const kept = placement === 'host' ? service.copies?.(environment) : undefined;
  return new Map(
    methods.map(([method, run]) => {
      const blocks = isAmong(service.blocks, method);
      const copies = kept?.[method];
      const isAsked = placement === 'host' && copies === undefined;
      const mayWait = blocks || isAsked || isAmong(service.reads, method);
      return [method, { service: service.name, method, placement, blocks, mayWait, run, copies }];
    }),
  );
}

function isAmong(methods: boolean | readonly string[] = false, method: string): boolean {
  return typeof methods === 'boolean' ? methods : methods.includes(method);
}
