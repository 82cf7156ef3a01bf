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
    acceptIdentical: { type: 'integer', enum: [0, 1] },
  },
};

// biome-ignore format: a table
const SUMMARIES: Readonly<Record<string, readonly [summary: string, access?: 'login' | 'public', form?: Json] | undefined>> = {
  'POST /api/v1/auth/login':                                ['Log in', 'public'],
  'POST /api/v1/auth/refresh':                              ['Renew an access token', 'public'],
  'POST /api/v1/auth/logout':                               ['Log out'],
  'GET /api/v1/auth/me':                                    ['Show who is logged in'],
  'GET /api/v1/i18n/runtime/locales':                       ['List the languages of the host', 'public'],
  'GET /api/v1/i18n/runtime/messages':                      ['Load all texts of a language', 'public'],
  'GET /api/v1/menus/all':                                  ['Load the navigation of the current user'],
  'GET /api/v1/plugins':                                    ['List plugins'],
  'GET /api/v1/plugins/{id}':                               ['Show a plugin'],
  'GET /api/v1/plugins/{id}/dependencies':                  ['Check the dependencies of a plugin'],
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
  'GET /api/v1/plugins/{id}/resources/{resource}':          ['List the records of a plugin'],
};
