/** The control plane of plugins: `/api/v1/plugins…` (`spec/governance.md` §2). */
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { QuarantineState } from '../../engine/quarantine.js';
import type { Identity } from '../../protocol/envelope.js';
import { SandpoolError } from '../../protocol/errors.js';
import type { PluginRecord, Registry } from '../../registry/registry.js';
import { openPoints, pluginItem, pluginListItem, pluginStateItem } from '../plugin-item.js';
import type { PluginSpeech } from '../plugin-texts.js';
import { FORM_LIMITS, receiveUpload } from '../upload.js';

export interface ApiRouteOptions {
  readonly registry: Pick<Registry, 'list' | 'show' | 'upload' | 'sync' | 'install' | 'enable' | 'disable'>;
  /** Throws the 401s of `spec/bridge.md` §4.4. */
  readonly identity: { authenticate(authorization: string | undefined): Identity };
  /** Plugins that fail too often are kept away from the threads; without it none is. */
  readonly quarantine?: {
    readonly of: (pluginId: string) => QuarantineState | undefined;
    readonly lift: (pluginId: string) => boolean | Promise<boolean>;
  };
  /** Says names and descriptions in the language of a request; without it they are as the manifests say them. */
  readonly speech?: PluginSpeech;
  /** Of the artifact itself; the form around it may take 1 MiB more. */
  readonly maxUploadBytes: number;
  /** Ids of `plugin.autoEnable`. */
  readonly autoEnable?: readonly string[];
}

const PREFIX = '/api/v1/plugins';
/** Authorizations are the largest bodies here. */
const MAX_JSON_BYTES = 1024 * 1024;

const ID = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });
const FLAG = Type.Integer({ minimum: 0, maximum: 1 });
const LIST_QUERY = Type.Object({
  pageNum: Type.Integer({ minimum: 1, default: 1 }),
  pageSize: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  status: Type.Optional(FLAG),
  installed: Type.Optional(FLAG),
});
const WORDS = Type.Optional(Type.Array(Type.String()));
const AUTHORIZATION = Type.Object({
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
});
const ENABLE_BODY = Type.Object({ authorization: Type.Optional(AUTHORIZATION) });
const INSTALL_BODY = Type.Object({
  ...ENABLE_BODY.properties,
  installMockData: Type.Optional(Type.Boolean()),
  installMode: Type.Optional(Type.String()),
});

interface ById {
  Params: Static<typeof ID>;
}

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function apiRoutes(options: ApiRouteOptions): FastifyPluginAsync {
  return async (app) => {
    acceptMissingBodies(app);
    app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'));
    addReading(app, options);
    await app.register(uploadRoute(options));
    addGoverning(app, options);
    addUnavailable(app, options);
  };
}

/** Every body here is optional: none, an empty one and JSON `null` are `{}`, and members that are `null` are absent. */
function acceptMissingBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text.trim() === '') done(null, undefined);
    else parse(request, text, done);
  });
  app.addHook('preValidation', async (request) => {
    const { body } = request;
    if (body === undefined || body === null) request.body = {};
    else if (typeof body === 'object') dropNulls(body as Record<string, unknown>);
  });
}

/** As deep as the bodies go, and no deeper: a stranger decides how deep a body is. */
function dropNulls(value: Record<string, unknown>, depth = 4): void {
  for (const [key, member] of Object.entries(value)) {
    if (member === null && !Array.isArray(value)) delete value[key];
    else if (typeof member === 'object' && depth > 1) dropNulls(member as Record<string, unknown>, depth - 1);
  }
}

type Permission =
  | 'plugin:query'
  | 'plugin:install'
  | 'plugin:uninstall'
  | 'plugin:enable'
  | 'plugin:disable'
  | 'plugin:edit';

/** Runs before a body is read; without a permission any login will do. Super-admins may everything; names are compared as they are, without wildcards. */
function permit({ identity }: ApiRouteOptions, permission?: Permission) {
  const isWrite = permission !== undefined && permission !== 'plugin:query';
  return async ({ headers }: FastifyRequest): Promise<void> => {
    const { isSuperAdmin, permissions, tenantId } = identity.authenticate(headers.authorization);
    if (permission !== undefined && !isSuperAdmin && !permissions.includes(permission))
      throw new SandpoolError('SBX_PERMISSION_DENIED', { permission });
    if (isWrite && tenantId !== 0) throw new SandpoolError('PLATFORM_PERMISSION_REQUIRED');
  };
}

function addReading(app: FastifyInstance, options: ApiRouteOptions): void {
  const { registry, quarantine, speech = () => (item) => item } = options;
  const autoEnable = new Set(options.autoEnable);
  const onRequest = permit(options, 'plugin:query');

  app.get<{ Querystring: Static<typeof LIST_QUERY> }>(
    PREFIX,
    { onRequest, schema: { querystring: LIST_QUERY } },
    async (request) => {
      const { query } = request;
      const { pageNum, pageSize } = query;
      const say = speech(request);
      const found = registry.list().filter((record) => isWanted(record, query));
      const page = found.slice((pageNum - 1) * pageSize, pageNum * pageSize);
      return success({
        list: page.map((record) => say(pluginListItem(record, autoEnable, quarantine?.of))),
        total: found.length,
      });
    },
  );

  app.get<ById>(`${PREFIX}/:id`, { onRequest, schema: { params: ID } }, async (request) =>
    success(speech(request)(pluginItem(registry.show(request.params.id), autoEnable, quarantine?.of))),
  );

  // Public: pages that are open watch the generation of their plugin.
  app.get(`${PREFIX}/dynamic`, async () => success({ list: registry.list().map(pluginStateItem) }));
}

function isWanted({ plugin }: PluginRecord, query: Static<typeof LIST_QUERY>): boolean {
  return (
    plugin.pluginId.includes(query.id ?? '') &&
    plugin.name.includes(query.name ?? '') &&
    (!query.type || plugin.type === query.type) &&
    (query.status === undefined || plugin.status === query.status) &&
    (query.installed === undefined || plugin.installed === query.installed)
  );
}

/** In a scope of its own: nowhere else is a form a body. */
function uploadRoute(options: ApiRouteOptions): FastifyPluginAsync {
  const { registry, maxUploadBytes } = options;
  const onRequest = permit(options, 'plugin:install');
  return async (app) => {
    await app.register(multipart, { limits: FORM_LIMITS, throwFileSizeLimit: false });
    app.post(`${PREFIX}/dynamic/package`, { onRequest }, async (request) => {
      const { bytes, ...uploadOptions } = await receiveUpload(request, maxUploadBytes);
      const uploaded = await registry.upload(bytes, uploadOptions);
      const { plugin } = uploaded.record;
      const { manifest, metadata } = uploaded.artifact;
      return success({
        id: manifest.id,
        name: manifest.name,
        version: manifest.version,
        type: manifest.type,
        runtimeKind: metadata.runtimeKind,
        runtimeAbi: metadata.abiVersion,
        installed: plugin.installed,
        enabled: plugin.status,
      });
    });
  };
}

function addGoverning(app: FastifyInstance, options: ApiRouteOptions): void {
  const { registry, quarantine } = options;
  const bodyLimit = MAX_JSON_BYTES;

  app.post(`${PREFIX}/sync`, { bodyLimit, onRequest: permit(options, 'plugin:install') }, async () => {
    const { total, problems } = await registry.sync();
    return success({ total, ...(problems.length > 0 && { problems }) });
  });

  app.post<ById & { Body: Static<typeof INSTALL_BODY> }>(
    `${PREFIX}/:id/install`,
    { bodyLimit, onRequest: permit(options, 'plugin:install'), schema: { params: ID, body: INSTALL_BODY } },
    async ({ params: { id }, body: { installMockData, ...body } }) => {
      if (installMockData && hasMockData(registry, id)) throw unavailable('load mock data');
      const record = await registry.install(id, body);
      return success({ id, installed: 1, enabled: 0, ...openPoints(record) });
    },
  );

  app.put<ById & { Body: Static<typeof ENABLE_BODY> }>(
    `${PREFIX}/:id/enable`,
    { bodyLimit, onRequest: permit(options, 'plugin:enable'), schema: { params: ID, body: ENABLE_BODY } },
    async ({ params: { id }, body }) => {
      const record = await registry.enable(id, body);
      return success({ id, enabled: 1, ...openPoints(record) });
    },
  );

  app.put<ById>(
    `${PREFIX}/:id/disable`,
    { bodyLimit, onRequest: permit(options, 'plugin:disable'), schema: { params: ID } },
    async ({ params: { id } }) => {
      await registry.disable(id);
      return success({ id, enabled: 0 });
    },
  );

  app.post<ById>(
    `${PREFIX}/:id/release-quarantine`,
    { bodyLimit, onRequest: permit(options, 'plugin:enable'), schema: { params: ID } },
    async ({ params: { id } }) => {
      registry.show(id);
      return success({ id, released: (await quarantine?.lift(id)) ? 1 : 0 });
    },
  );
}

function hasMockData({ list }: ApiRouteOptions['registry'], id: string): boolean {
  return list().some(({ plugin, artifact }) => plugin.pluginId === id && (artifact?.mockSql.length ?? 0) > 0);
}

/** Endpoints of the reference that this version does not have: they say so, and do nothing. */
function addUnavailable(app: FastifyInstance, options: ApiRouteOptions): void {
  for (const [method, path, permission, action] of UNAVAILABLE) {
    const onRequest = permit(options, permission);
    app.route<ById>({
      method,
      url: `${PREFIX}/:id${path}`,
      onRequest,
      bodyLimit: MAX_JSON_BYTES,
      schema: { params: ID },
      handler: async ({ params: { id } }) => {
        options.registry.show(id);
        throw unavailable(action);
      },
    });
  }
}

// biome-ignore format: a table
const UNAVAILABLE: readonly (readonly ['GET' | 'POST' | 'PUT' | 'DELETE', path: string, permission: Permission | undefined, action: string])[] = [
  ['GET',    '/dependencies',               'plugin:query',     'check dependencies'],
  ['DELETE', '',                            'plugin:uninstall', 'uninstall a plugin'],
  ['GET',    '/upgrade/preview',            'plugin:query',     'preview an upgrade'],
  ['POST',   '/upgrade',                    'plugin:install',   'upgrade a plugin'],
  ['POST',   '/rollback',                   'plugin:install',   'roll a plugin back'],
  ['GET',    '/resources/:resource',        undefined,          'read the records of a plugin'],
  ['PUT',    '/tenant-provisioning-policy', 'plugin:edit',      'provision tenants'],
];

function unavailable(action: string): SandpoolError {
  return new SandpoolError('SBX_NOT_AVAILABLE', { action });
}

function success<Content>(data: Content) {
  return { code: 0, message: 'OK', data };
}
