/** What the API's documentation says of the host's own endpoints; a route that is not listed is shown with method and path. */
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { CoreEndpoint } from '../resources/openapi.js';

/**
 * Notes every endpoint below `/api/` that is registered on `app` from now on.
 * @returns what has been noted, in order
 */
export function collectEndpoints(app: FastifyInstance): () => readonly CoreEndpoint[] {
  const endpoints: CoreEndpoint[] = [];
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/api/')) return;
    for (const method of [route.method].flat()) {
      if (method !== 'HEAD' && method !== 'OPTIONS') endpoints.push(endpointOf(route, method));
    }
  });
  return () => endpoints;
}

type Json = Readonly<Record<string, unknown>>;

/** The parts of a route's schema that are shown; the others are Fastify's own. */
interface ShownSchema {
  readonly params?: Json;
  readonly querystring?: Json;
  readonly body?: Json;
  readonly summary?: string;
  readonly tags?: readonly string[];
}

function endpointOf(route: RouteOptions, method: string): CoreEndpoint {
  const schema = (route.schema ?? {}) as ShownSchema;
  const path = route.url.replace(/:([A-Za-z_]\w*)/g, '{$1}').replace(/\*$/, '{path}');
  const [summary, access, form] = SUMMARIES[`${method} ${path}`] ?? [];
  return {
    method,
    path,
    tag: schema.tags?.[0] ?? tagOf(path),
    summary: schema.summary ?? summary ?? `${method} ${path}`,
    isPublic: access === 'public',
    params: schema.params,
    query: schema.querystring,
    body: schema.body ?? form,
    ...(form && { bodyType: 'multipart/form-data' }),
  };
}

/** The noun behind the version: `/api/v1/plugins/{id}` → `plugins`. */
function tagOf(path: string): string {
  return path.split('/')[3] ?? 'host';
}

const UPLOAD_FORM = {
  type: 'object',
  required: ['file'],
  properties: {
    file: { type: 'string', contentMediaType: 'application/wasm' },
    overwriteSupport: { type: 'integer', enum: [0, 1] },
  },
};

// biome-ignore format: a table
const SUMMARIES: Readonly<Record<string, readonly [summary: string, access?: 'login' | 'public', form?: Json] | undefined>> = {
  'POST /api/v1/auth/login':                                ['Log in', 'public'],
  'POST /api/v1/auth/refresh':                              ['Renew an access token', 'public'],
  'POST /api/v1/auth/logout':                               ['Log out'],
  'POST /api/v1/auth/password':                             ['Change the own password'],
  'POST /api/v1/auth/switch-tenant':                        ['Go on in another tenant'],
  'GET /api/v1/user/info':                                  ['Show who is logged in, with roles and permissions'],
  'GET /api/v1/user':                                       ['List users'],
  'POST /api/v1/user':                                      ['Add a user'],
  'GET /api/v1/user/{id}':                                  ['Show a user'],
  'PUT /api/v1/user/{id}':                                  ['Change a user'],
  'DELETE /api/v1/user/{id}':                               ['Remove a user'],
  'PUT /api/v1/user/{id}/password':                         ['Reset the password of a user'],
  'PUT /api/v1/user/{id}/tenants':                          ['Say which tenants a user may enter'],
  'GET /api/v1/role':                                       ['List roles'],
  'POST /api/v1/role':                                      ['Add a role'],
  'GET /api/v1/role/{id}':                                  ['Show a role'],
  'PUT /api/v1/role/{id}':                                  ['Change a role and what it holds'],
  'DELETE /api/v1/role/{id}':                               ['Remove a role'],
  'GET /api/v1/menu':                                       ['List all menus'],
  'GET /api/v1/tenant':                                     ['List tenants'],
  'POST /api/v1/tenant':                                    ['Add a tenant'],
  'GET /api/v1/tenant/{id}':                                ['Show a tenant'],
  'PUT /api/v1/tenant/{id}':                                ['Rename or suspend a tenant'],
  'DELETE /api/v1/tenant/{id}':                             ['Remove a tenant'],
  'GET /api/v1/tenant/{id}/plugins':                        ['List the plugins that a tenant may have'],
  'PUT /api/v1/tenant/{id}/plugins/{pluginId}':             ['Decide whether a tenant has a plugin'],
  'GET /api/v1/config':                                     ['List system parameters'],
  'GET /api/v1/config/{key}':                               ['Show a system parameter'],
  'PUT /api/v1/config/{key}':                               ['Set a system parameter'],
  'DELETE /api/v1/config/{key}':                            ['Remove a system parameter'],
  'GET /api/v1/auth/me':                                    ['Show who is logged in'],
  'GET /api/v1/i18n/runtime/locales':                       ['List the languages of the host', 'public'],
  'GET /api/v1/i18n/runtime/messages':                      ['Load all texts of a language', 'public'],
  'GET /api/v1/menus/all':                                  ['Load the navigation of the current user'],
  'GET /api/v1/plugins':                                    ['List plugins'],
  'GET /api/v1/plugins/{id}':                               ['Show a plugin'],
  'GET /api/v1/plugins/{id}/dependencies':                  ['Check the dependencies of a plugin'],
  'GET /api/v1/plugins/{id}/releases':                      ['List the releases of a plugin'],
  'GET /api/v1/plugins/dynamic':                            ['List the states of plugins, for pages that are open', 'public'],
  'POST /api/v1/plugins/dynamic/package':                   ['Upload an artifact', 'login', UPLOAD_FORM],
  'POST /api/v1/plugins/sync':                              ['Look for artifacts in the staging directory'],
  'POST /api/v1/plugins/{id}/install':                      ['Install a plugin'],
  'PUT /api/v1/plugins/{id}/enable':                        ['Enable a plugin'],
  'PUT /api/v1/plugins/{id}/disable':                       ['Disable a plugin'],
  'POST /api/v1/plugins/{id}/release-quarantine':            ['Let a plugin out of quarantine'],
  'DELETE /api/v1/plugins/{id}':                            ['Uninstall a plugin'],
  'GET /api/v1/plugins/{id}/upgrade/preview':               ['Preview an upgrade'],
  'POST /api/v1/plugins/{id}/upgrade':                      ['Upgrade a plugin'],
  'GET /api/v1/plugins/{id}/rollback/preview':              ['Preview a rollback'],
  'POST /api/v1/plugins/{id}/rollback':                     ['Roll a plugin back'],
  'PUT /api/v1/plugins/{id}/tenant-provisioning-policy':    ['Say whether new tenants get a plugin'],
  'GET /api/v1/audit':                                      ['Read who did what to which plugin'],
  'GET /api/v1/jobs':                                        ['List scheduled jobs'],
  'GET /api/v1/jobs/runs':                                   ['Read when which job ran, and what came of it'],
  'GET /api/v1/jobs/runs/{runId}':                           ['Show a run'],
  'GET /api/v1/jobs/{job}':                                  ['Show a scheduled job'],
  'POST /api/v1/jobs/{job}/run':                             ['Run a job now'],
  'PUT /api/v1/jobs/{job}/pause':                            ['Pause a job'],
  'PUT /api/v1/jobs/{job}/resume':                           ['Resume a job'],
  'GET /api/v1/plugins/{id}/resources/{resource}':          ['List the records of a plugin'],
};
