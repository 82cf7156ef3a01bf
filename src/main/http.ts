/** The HTTP application: every route of the host, with the room that it asks. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import { programVersion } from '../config/program-version.js';
import type { Config } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import { createApp } from '../http/app.js';
import { collectEndpoints } from '../http/endpoint-docs.js';
import type { Languages } from '../http/language.js';
import { createPluginSpeech } from '../http/plugin-texts.js';
import { apiRoutes } from '../http/routes/api.js';
import { authRoutes } from '../http/routes/auth.js';
import { i18nRoutes } from '../http/routes/i18n.js';
import { menuRoutes } from '../http/routes/menus.js';
import { openApiRoute } from '../http/routes/openapi.js';
import { roleRoutes } from '../http/routes/roles.js';
import { sysConfigRoutes } from '../http/routes/sys-config.js';
import { tenantRoutes } from '../http/routes/tenants.js';
import { userRoutes } from '../http/routes/users.js';
import type { AssetRouteOptions } from '../http/routes/x-assets.js';
import type { IdentityRoom } from '../identity/identity.js';
import type { Jobs } from '../jobs/jobs.js';
import type { Metrics } from '../metrics.js';
import type { Registry } from '../registry/registry.js';
import type { DocumentedPlugin } from '../resources/openapi.js';
import type { SysConfig } from '../resources/sys-config.js';
import type { TableLists } from '../resources/table-lists.js';
import type { Texts } from '../resources/texts.js';
import type { TellHooks } from './hooks.js';
import { liftingEverywhere } from './processes.js';
import { showsPlugin } from './tenants.js';

const MAX_UPLOAD_BYTES = 200 * 1024 * 1024;
/** An upload carries the form around the file as well. */
const UPLOAD_FORM_BYTES = 1024 * 1024;

export type App = ReturnType<typeof createApp>;

export interface HttpParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly identity: IdentityRoom;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly unready: ReadonlySet<string>;
  readonly peers: Peers | undefined;
  readonly assets: AssetRouteOptions;
  readonly texts: Texts;
  readonly tables: TableLists;
  readonly tell: TellHooks;
  readonly sysConfig: SysConfig;
  readonly jobs: Jobs;
}

/** The application, which does not listen yet. */
export function createHttp({
  config,
  registry,
  engine,
  identity,
  metrics,
  log,
  unready,
  assets,
  texts,
  tables,
  peers,
  tell,
  sysConfig,
  jobs,
}: HttpParts): App {
  const languages = languagesOf(config);
  return createApp({
    plugins: registry,
    tenantExposes: identity.tenants.exposes,
    assets,
    engine,
    identity,
    limits: { maxBodyBytes: config.server.maxBodyBytes, maxUploadBytes: MAX_UPLOAD_BYTES + UPLOAD_FORM_BYTES },
    languages,
    texts,
    trustProxy: config.server.trustProxy,
    unreadyReasons: () => [...unready],
    ...(peers && { pid: process.pid }),
    metrics: { ...config.metrics, render: peers?.metrics ?? metrics.render, contentType: metrics.contentType },
    log,
    async register(app) {
      const endpoints = collectEndpoints(app);
      const plugins = () => enabledPlugins(registry);
      await app.register(openApiRoute({ version: programVersion(), endpoints, plugins, texts, languages }));
      await app.register(i18nRoutes({ texts, languages, enabled: config.i18n.enabled }));
      await app.register(authRoutes({ identity, tell }));
      await app.register(
        menuRoutes({
          identity,
          showsPlugin: (pluginId, tenantId) => showsPlugin(identity, registry.find(pluginId), tenantId),
          texts,
          languages,
        }),
      );
      await app.register(userRoutes({ identity }));
      await app.register(roleRoutes({ identity }));
      await app.register(sysConfigRoutes({ identity, sysConfig }));
      await app.register(tenantRoutes({ identity }));
      await app.register(
        apiRoutes({
          registry,
          identity,
          isolationOf: engine.isolationOf,
          quarantine: { of: engine.quarantineOf, lift: liftingEverywhere(engine, peers) },
          speech: createPluginSpeech(texts, languages),
          tables,
          tenantExposes: identity.tenants.exposes,
          jobs,
          maxUploadBytes: MAX_UPLOAD_BYTES,
          autoEnable: config.plugin.autoEnable.map(({ id }) => id),
        }),
      );
    },
  });
}

/** Without translation everybody reads the default language. */
function languagesOf({ i18n }: Config): Languages {
  return { default: i18n.default, supported: i18n.enabled ? i18n.locales : [i18n.default] };
}

function enabledPlugins(registry: Pick<Registry, 'list' | 'find'>): readonly DocumentedPlugin[] {
  return registry.list().flatMap(({ plugin: { pluginId } }) => {
    const view = registry.find(pluginId);
    if (!view?.installed || !view.enabled) return [];
    const { routes, bridge } = view.artifact;
    return [{ pluginId, routes, routeExecution: bridge?.routeExecution === true }];
  });
}
