/** The rules of OpenAPI 3.1 that a generated document could break. */
import type { Test } from 'tap';

export interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: unknown;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly description: string } | undefined>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly 'x-permission'?: string;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, unknown>>;
    readonly schemas: Readonly<Record<string, unknown>>;
  };
}

/** Fails for whatever a strict reader of OpenAPI would refuse. */
export function checkOpenApi(t: Test, document: OpenApiDocument): void {
  const problems: string[] = [];
  if (!/^3\.1\.\d+$/.test(document.openapi)) problems.push(`openapi: ${document.openapi}`);
  if (!document.info.title || !document.info.version) problems.push('info needs title and version');
  const ids = new Set<string>();
  const shapes = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    const shape = path.replace(/\{[^}]+\}/g, '{}');
    if (!path.startsWith('/')) problems.push(`${path} does not begin with a slash`);
    if (shapes.has(shape)) problems.push(`${path} is there twice`);
    shapes.add(shape);
    for (const [verb, operation] of Object.entries(item)) {
      const at = `${verb} ${path}`;
      if (!/^(?:get|put|post|delete|options|head|patch|trace)$/.test(verb)) problems.push(`${at}: no verb`);
      if (operation !== undefined)
        problems.push(...problemsOf(operation, path, document, ids).map((why) => `${at}: ${why}`));
    }
  }
  for (const reference of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    const name = /^#\/components\/schemas\/(.+)$/.exec(reference[1] ?? '')?.[1];
    if (name === undefined || !(name in document.components.schemas)) problems.push(`dangling ${reference[1]}`);
  }
  t.same(problems, [], 'the document is valid');
}

function problemsOf(operation: Operation, path: string, document: OpenApiDocument, ids: Set<string>): string[] {
  const problems: string[] = [];
  if (ids.has(operation.operationId)) problems.push(`operationId ${operation.operationId} is there twice`);
  ids.add(operation.operationId);
  const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
  const declared = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
  if ([...inPath].sort().join() !== [...declared].sort().join()) problems.push(`parameters ${declared} for ${inPath}`);
  const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
  if (new Set(names).size !== names.length) problems.push('a parameter is there twice');
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path' && parameter.required !== true) problems.push(`${parameter.name} is in the path`);
    if (!['path', 'query', 'header', 'cookie'].includes(parameter.in)) problems.push(`${parameter.in} is no place`);
    if (typeof parameter.schema !== 'object' || parameter.schema === null)
      problems.push(`${parameter.name} has no schema`);
  }
  const responses = Object.entries(operation.responses);
  if (responses.length === 0) problems.push('no response');
  for (const [status, response] of responses) {
    if (!/^[1-5](?:\d\d|XX)$/.test(status) || !response?.description) problems.push(`response ${status}`);
  }
  for (const requirement of operation.security) {
    for (const name of Object.keys(requirement)) {
      if (!(name in document.components.securitySchemes)) problems.push(`${name} is no security scheme`);
    }
  }
  return problems;
}
