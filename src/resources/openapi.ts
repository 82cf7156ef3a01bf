/**
 * The API's documentation as OpenAPI 3.1 (`spec/governance.md` §6.5): the host's own endpoints and the routes of enabled plugins,
 * in one language. Pure.
 */
import type { RouteContract } from '../artifact/routes.js';
import { operationKey } from './operation-key.js';
import type { Catalog } from './texts.js';

type Json = Readonly<Record<string, unknown>>;

/** An endpoint of the host. */
export interface CoreEndpoint {
  /** Upper case. */
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly isPublic: boolean;
  /** JSON schemas of objects. */
  readonly params?: Json | undefined;
  readonly query?: Json | undefined;
  readonly body?: Json | undefined;
  /** Media type of the body; JSON by default. */
  readonly bodyType?: string;
}

export interface DocumentedPlugin {
  readonly pluginId: string;
  readonly routes: readonly RouteContract[];
  /** Whether its routes can be executed. */
  readonly routeExecution: boolean;
}

export interface OpenApiInput {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly core: readonly CoreEndpoint[];
  readonly plugins: readonly DocumentedPlugin[];
  /** Texts of the wanted language, by structural key. */
  readonly texts: Catalog;
}

/** The document as plain data, to be written as JSON. */
export function buildOpenApi(input: OpenApiInput): Json {
  const { texts } = input;
  const text = (key: string, source: string): string => (source === '' ? '' : (texts.get(key) ?? source));
  const paths = createPaths();
  for (const endpoint of input.core) paths.add(endpoint.path, endpoint.method, coreOperation(endpoint, text));
  for (const plugin of input.plugins) addPlugin(paths, plugin, text);
  return {
    openapi: '3.1.0',
    info: {
      title: text('core.openapi.info.title', input.title),
      description: text('core.openapi.info.description', input.description),
      version: input.version,
    },
    servers: [{ url: '/' }],
    security: LOGIN,
    paths: paths.all(),
    components: COMPONENTS,
  };
}

type Text = (key: string, source: string) => string;

const LOGIN = [{ BearerAuth: [] }];
const NO_LOGIN: readonly never[] = [];

const COMPONENTS = {
  securitySchemes: { BearerAuth: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  schemas: {
    Envelope: {
      type: 'object',
      required: ['code', 'message', 'data'],
      properties: {
        code: { type: 'integer', description: '0 for success' },
        message: { type: 'string' },
        data: {},
        errorCode: { type: 'string' },
        messageKey: { type: 'string' },
        messageParams: { type: 'object' },
      },
    },
  },
};

// ---- paths ---------------------------------------------------------------------------------------------------------------

interface Operation {
  readonly parameters: readonly Json[];
  readonly [member: string]: unknown;
}

/** Two templates that differ in the names of parameters alone are one path: the first names count. */
function createPaths() {
  const items = new Map<string, { readonly path: string; readonly operations: Record<string, Json> }>();
  const ids = new Set<string>();
  return {
    add(path: string, method: string, operation: (path: string) => Operation): void {
      const verb = method.toLowerCase();
      if (!DOCUMENTED.has(verb)) return;
      const shape = path.replace(/\{[^{}/]+\}/g, '{}');
      const item = items.get(shape) ?? { path, operations: {} };
      items.set(shape, item);
      const built = operation(item.path);
      item.operations[verb] ??= { ...built, operationId: uniqueId(ids, operationKey(method, item.path)) };
    },
    all: () => Object.fromEntries([...items.values()].map(({ path, operations }) => [path, operations])),
  };
}

const DOCUMENTED = new Set(['get', 'post', 'put', 'delete']);

function uniqueId(ids: Set<string>, wanted: string): string {
  let id = wanted;
  for (let number = 2; ids.has(id); number += 1) id = `${wanted}_${number}`;
  ids.add(id);
  return id;
}

function pathParameters(path: string, text: Text, key: string, schemas: Json = {}): readonly Json[] {
  return [...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) =>
    parameter({ name, where: 'path', isRequired: true, schema: schemas[name] }, text, key),
  );
}

interface ParameterFacts {
  readonly name: string;
  readonly where: 'path' | 'query';
  readonly isRequired: boolean;
  readonly schema: unknown;
}

function parameter({ name, where, isRequired, schema }: ParameterFacts, text: Text, key: string): Json {
  const description = text(`${key}.fields.${name}.dc`, name);
  return {
    name,
    in: where,
    required: isRequired,
    ...(description !== name && { description }),
    schema: schema ?? { type: 'string' },
  };
}

// ---- plugins -------------------------------------------------------------------------------------------------------------

function addPlugin(
  paths: ReturnType<typeof createPaths>,
  { pluginId, routes, routeExecution }: DocumentedPlugin,
  text: Text,
): void {
  for (const route of routes) {
    const path = `/x/${pluginId}${templateOf(route.path)}`;
    paths.add(path, route.method, (shown) => pluginOperation(route, shown, routeExecution, text));
  }
}

/** Braces that are no whole segment are letters to the router. */
function templateOf(path: string): string {
  const segments = path
    .split('/')
    .map((segment) => (/^\{[^{}]+\}$/.test(segment) ? segment : segment.replaceAll('{', '%7B').replaceAll('}', '%7D')));
  return segments.join('/');
}

function pluginOperation(route: RouteContract, path: string, routeExecution: boolean, text: Text): Operation {
  const key = operationKey(route.method, path);
  const summary = text(`${key}.meta.summary`, route.summary);
  const description = text(`${key}.meta.dc`, route.description);
  const outcome: readonly [string, string] = routeExecution
    ? ['200', 'Dynamic plugin route response']
    : ['501', 'Dynamic plugin route bridge is not executable'];
  const responses = [outcome, ['500', 'Dynamic plugin route execution failed'] as const];
  return {
    ...(route.tags.length > 0 && { tags: route.tags.map((tag, index) => text(tagKey(key, index), tag)) }),
    ...(summary && { summary }),
    ...(description && { description }),
    parameters: pathParameters(path, text, key),
    responses: Object.fromEntries(
      responses.map(([status, sentence]) => [status, { description: text(`${key}.responses.${status}.dc`, sentence) }]),
    ),
    security: route.access === 'login' ? LOGIN : NO_LOGIN,
    ...(route.permission && { 'x-permission': route.permission }),
  };
}

function tagKey(key: string, index: number): string {
  return index === 0 ? `${key}.meta.tags` : `${key}.meta.tags.${index}`;
}

// ---- the host's own ------------------------------------------------------------------------------------------------------

function coreOperation(endpoint: CoreEndpoint, text: Text): (path: string) => Operation {
  return (path) => {
    const key = operationKey(endpoint.method, path);
    const { params, query, body, bodyType = 'application/json' } = endpoint;
    return {
      tags: [text(`${key}.meta.tags`, endpoint.tag)],
      summary: text(`${key}.meta.summary`, endpoint.summary),
      parameters: [...pathParameters(path, text, key, propertiesOf(params)), ...queryParameters(query, text, key)],
      ...(body && { requestBody: { required: false, content: { [bodyType]: { schema: body } } } }),
      responses: coreResponses(endpoint.isPublic),
      security: endpoint.isPublic ? NO_LOGIN : LOGIN,
    };
  };
}

function queryParameters(query: Json | undefined, text: Text, key: string): readonly Json[] {
  const required = Array.isArray(query?.required) ? (query.required as readonly unknown[]) : [];
  return Object.entries(propertiesOf(query)).map(([name, schema]) => {
    // A value that has a default need not be sent.
    const isRequired = required.includes(name) && !hasDefault(schema);
    return parameter({ name, where: 'query', isRequired, schema }, text, key);
  });
}

function hasDefault(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'default' in schema;
}

function propertiesOf(schema: Json | undefined): Json {
  return (schema?.properties as Json | undefined) ?? {};
}

const ENVELOPE = { 'application/json': { schema: { $ref: '#/components/schemas/Envelope' } } };

function coreResponses(isPublic: boolean): Json {
  const always = { description: 'Success, or a business failure with its code', content: ENVELOPE };
  if (isPublic) return { 200: always };
  const refusals = { 401: 'Not logged in', 403: 'The permission is missing' };
  const refused = Object.entries(refusals).map(([status, description]) => [status, { description, content: ENVELOPE }]);
  return { 200: always, ...Object.fromEntries(refused) };
}
