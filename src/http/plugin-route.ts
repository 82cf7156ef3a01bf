/** What the endpoints of the control plane of plugins have in common (`spec/governance.md` §2). */
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { QuarantineState } from '../engine/quarantine.js';
import type { Jobs } from '../jobs/jobs.js';
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import type { PluginView, Registry } from '../registry/registry.js';
import type { TableLists } from '../resources/table-lists.js';
import { type Authenticator, requirePermission } from './api-route.js';
import type { IsolationOf } from './plugin-item.js';
import type { PluginSpeech } from './plugin-texts.js';

export const PREFIX = '/api/v1/plugins';
/** Authorizations are the largest bodies here. */
export const MAX_JSON_BYTES = 1024 * 1024;

export const ID = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });
export const FLAG = Type.Integer({ minimum: 0, maximum: 1 });
/** `true`, `false`, 1 or 0, in a body and in a query. */
export const BOOLEAN = Type.Union([Type.Boolean(), FLAG]);
export const VERSION = Type.String({ minLength: 1, maxLength: 128 });
const WORDS = Type.Optional(Type.Array(Type.String()));
export const AUTHORIZATION = Type.Optional(
  Type.Object({
    services: Type.Array(
      Type.Object({
        owner: Type.Optional(Type.String()),
        service: Type.String({ minLength: 1 }),
        version: Type.Optional(Type.String()),
        methods: WORDS,
        paths: WORDS,
        keys: WORDS,
        resourceRefs: WORDS,
        tables: WORDS,
      }),
    ),
  }),
);

export interface ApiRouteOptions {
  readonly registry: Pick<
    Registry,
    | 'list'
    | 'problems'
    | 'show'
    | 'find'
    | 'upload'
    | 'sync'
    | 'install'
    | 'enable'
    | 'disable'
    | 'uninstall'
    | 'previewUpgrade'
    | 'upgrade'
    | 'previewRollback'
    | 'rollback'
    | 'setProvisioningPolicy'
    | 'dependencies'
    | 'releases'
    | 'audit'
  >;
  readonly identity: Authenticator;
  /** Whether a plugin is there for a tenant; without it every one is. */
  readonly tenantExposes?: (plugin: Pick<PluginView, 'pluginId' | 'installMode'>, tenantId: number) => boolean;
  /** What a plugin's release runs in, and why not in something better. */
  readonly isolationOf?: IsolationOf;
  /** Plugins that fail too often are kept away from the threads; without it none is. */
  readonly quarantine?: {
    readonly of: (pluginId: string) => QuarantineState | undefined;
    readonly lift: (pluginId: string) => boolean | Promise<boolean>;
  };
  /** Says names and descriptions in the language of a request; without it they are as the manifests say them. */
  readonly speech?: PluginSpeech;
  /** Rows of the tables that plugins offer; without it they are not read. */
  readonly tables?: Pick<TableLists, 'list' | 'commentsOf'>;
  /** Scheduled jobs; without them nobody asks. */
  readonly jobs?: Pick<Jobs, 'list' | 'show' | 'runs' | 'run' | 'runNow' | 'pause' | 'resume' | 'problems'>;
  /** Of the artifact itself; the form around it may take 1 MiB more. */
  readonly maxUploadBytes: number;
  /** Ids of `plugin.autoEnable`. */
  readonly autoEnable?: readonly string[];
}

export interface ById {
  Params: Static<typeof ID>;
}

export type Permission =
  | 'plugin:query'
  | 'plugin:install'
  | 'plugin:uninstall'
  | 'plugin:enable'
  | 'plugin:disable'
  | 'plugin:edit'
  | 'system:job:list'
  | 'system:job:run'
  | 'system:job:edit';

/** Who may come in, and who has. */
export interface Gate {
  /** A hook that runs before a body is read. Without a permission any login will do; whoever changes something must be of the platform. */
  readonly permit: (permission?: Permission) => (request: FastifyRequest) => Promise<void>;
  /** Whom the hook has let in. */
  readonly callerOf: (request: FastifyRequest) => Identity;
}

export function createGate(identity: Authenticator): Gate {
  const callers = new WeakMap<FastifyRequest, Identity>();
  return {
    permit: (permission) => async (request) => {
      const caller =
        permission === undefined
          ? identity.authenticate(request.headers.authorization)
          : requirePermission(identity, request, permission);
      const isWrite = permission !== undefined && permission !== 'plugin:query';
      if (isWrite && caller.tenantId !== 0) throw new SandpoolError('PLATFORM_PERMISSION_REQUIRED');
      callers.set(request, caller);
    },
    callerOf: (request) => callers.get(request)!,
  };
}
