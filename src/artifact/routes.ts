/** Route contracts of a plugin, in declared order, which is the order of matching (`spec/bridge.md` §3). */
import { type Decoder, entries, list, notNull, object, text } from './decode.js';
import { invalid } from './json.js';
import { lower, trim, upper } from './text.js';

export interface RouteContract {
  /** Template with a leading `/`; `{name}` stands for a whole segment. */
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly access: 'login' | 'public';
  /** `{pluginId}:{resource}:{action}`, or empty. */
  readonly permission: string;
  /** Free marks such as `operLog`. */
  readonly meta: Readonly<Record<string, string>>;
  readonly requestType: string;
}

/** A route as a file says it. */
export interface RawRoute extends Omit<RouteContract, 'access' | 'meta'> {
  readonly access: string;
  readonly meta: readonly (readonly [string, string])[];
}

/** Reads section `lina.plugin.backend.routes`. */
export const decodeRoutes: Decoder<readonly RawRoute[]> = list(
  notNull(
    object<RawRoute>({
      path: ['path', text],
      method: ['method', text],
      tags: ['tags', list(text)],
      summary: ['summary', text],
      description: ['description', text],
      access: ['access', text],
      permission: ['permission', text],
      meta: ['meta', entries(text)],
      requestType: ['requestType', text],
    }),
  ),
);

/** Routes in normal form, in the order given. @throws SBX_ARTIFACT_INVALID */
export function normalizeRoutes(declared: readonly RawRoute[], pluginId: string): readonly RouteContract[] {
  const seen = new Set<string>();
  return declared.map((raw) => {
    const route = normalizeRoute(raw, pluginId);
    const identity = `${route.method} ${route.path}`;
    if (seen.has(identity)) throw invalid(`dynamic route cannot be duplicated: ${identity}`);
    seen.add(identity);
    return route;
  });
}

/** Routes in the shape of their section, keys in the order that is written (`spec/artifact.md` §2.10). */
export function encodeRoutes(routes: readonly RouteContract[]): readonly object[] {
  return routes.map((route) => ({
    path: route.path,
    method: route.method,
    tags: route.tags.length > 0 ? route.tags : undefined,
    summary: route.summary || undefined,
    description: route.description || undefined,
    access: route.access,
    permission: route.permission || undefined,
    meta: Object.keys(route.meta).length > 0 ? new Map(Object.entries(route.meta)) : undefined,
    requestType: route.requestType,
  }));
}

function normalizeRoute(raw: RawRoute, pluginId: string): RouteContract {
  const [path, method, requestType] = [trim(raw.path), upper(raw.method), trim(raw.requestType)];
  if (path === '') throw invalid('dynamic route path cannot be empty');
  if (!path.startsWith('/')) throw invalid(`dynamic route path must start with /: ${path}`);
  const at = `dynamic route ${method} ${path}`;
  if (method === '') throw invalid(`${at} method cannot be empty`);
  if (requestType === '') throw invalid(`${at} requestType cannot be empty`);
  const access = lower(raw.access) || 'login';
  if (access !== 'login' && access !== 'public') throw invalid(`${at} access only supports public/login: ${access}`);
  const permission = trim(raw.permission);
  if (access === 'public' && permission !== '') {
    throw invalid(`${at}: public dynamic route cannot declare permission ${permission}`);
  }
  checkPermission(permission, pluginId, at);
  const tags = raw.tags.map(trim).filter((tag) => tag !== '');
  const [summary, description] = [trim(raw.summary), trim(raw.description)];
  return { path, method, tags, summary, description, access, permission, meta: normalizeMeta(raw.meta), requestType };
}

function checkPermission(permission: string, pluginId: string, at: string): void {
  if (permission === '') return;
  const parts = permission.split(':').map(trim);
  if (parts.length !== 3) throw invalid(`${at} permission must use {pluginId}:{resource}:{action}: ${permission}`);
  if (parts[0] !== pluginId) throw invalid(`${at} permission must start with prefix ${pluginId}: ${permission}`);
  if (parts[1] === '' || parts[2] === '') throw invalid(`${at} permission parts cannot be empty: ${permission}`);
}

function normalizeMeta(meta: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const trimmed = meta.map(([key, value]) => [trim(key), trim(value)] as const);
  return Object.fromEntries(trimmed.filter(([key, value]) => key !== '' && value !== ''));
}
