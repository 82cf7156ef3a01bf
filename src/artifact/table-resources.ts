/** Tables that a plugin offers through the host's generic resource API (`spec/artifact.md` §2.9). */
import { type Decoder, list, notNull, object, optional, text } from './decode.js';
import { isIdentifier } from './hooks.js';
import { invalid } from './json.js';
import { firstDuplicate, lower, trim } from './text.js';

export interface TableResource {
  readonly key: string;
  readonly type: 'table-list';
  readonly table: string;
  readonly fields: readonly { readonly name: string; readonly column: string }[];
  readonly filters: readonly { readonly param: string; readonly column: string; readonly operator: FilterOperator }[];
  readonly orderBy: { readonly column: string; readonly direction: 'asc' | 'desc' };
  readonly operations: readonly TableOperation[];
  /** Name of a declared field; empty where no operation needs it. */
  readonly keyField: string;
  /** Names of declared fields. */
  readonly writableFields: readonly string[];
  /** Empty means `<plugin id>:<key>:<action>`. */
  readonly permission: string;
  readonly access: 'request' | 'system' | 'both';
  readonly dataScope?: { readonly userColumn: string; readonly deptColumn: string };
}

export type FilterOperator = (typeof FILTER_OPERATORS)[number];
export type TableOperation = (typeof TABLE_OPERATIONS)[number];

const FILTER_OPERATORS = ['eq', 'like', 'gte-date', 'lte-date'] as const;
const TABLE_OPERATIONS = ['query', 'get', 'create', 'update', 'delete', 'transaction'] as const;

/** A resource as a file says it. */
export interface RawTableResource {
  readonly key: string;
  readonly type: string;
  readonly table: string;
  readonly fields: readonly { readonly name: string; readonly column: string }[];
  readonly filters: readonly { readonly param: string; readonly column: string; readonly operator: string }[];
  readonly orderBy: { readonly column: string; readonly direction: string };
  readonly operations: readonly string[];
  readonly keyField: string;
  readonly writableFields: readonly string[];
  readonly permission: string;
  readonly access: string;
  readonly dataScope: { readonly userColumn: string; readonly deptColumn: string } | undefined;
}

/** Reads section `lina.plugin.backend.resources`. */
export const decodeTableResources: Decoder<readonly RawTableResource[]> = list(
  notNull(
    object<RawTableResource>({
      key: ['key', text],
      type: ['type', text],
      table: ['table', text],
      fields: ['fields', list(notNull(object({ name: ['name', text], column: ['column', text] })))],
      filters: [
        'filters',
        list(notNull(object({ param: ['param', text], column: ['column', text], operator: ['operator', text] }))),
      ],
      orderBy: ['orderBy', object({ column: ['column', text], direction: ['direction', text] })],
      operations: ['operations', list(text)],
      keyField: ['keyField', text],
      writableFields: ['writableFields', list(text)],
      permission: ['permission', text],
      access: ['access', text],
      dataScope: [
        'dataScope',
        optional(object({ userColumn: ['userColumn', text], deptColumn: ['deptColumn', text] })),
      ],
    }),
  ),
);

/** Resources with their defaults; arrays keep their order. @throws SBX_ARTIFACT_INVALID */
export function normalizeTableResources(
  declared: readonly RawTableResource[],
  pluginId: string,
): readonly TableResource[] {
  const resources = declared.map((raw) => normalizeResource(raw, pluginId));
  const twice = firstDuplicate(resources.map(({ key }) => key));
  if (twice !== undefined) throw invalid(`resource ${twice} is duplicated`);
  return resources;
}

/** Resources in the shape of their section; `operations` and `writableFields` are sorted there. */
export function encodeTableResources(resources: readonly TableResource[]): readonly object[] {
  return resources.map((resource) => ({
    key: resource.key,
    type: resource.type,
    table: resource.table,
    fields: resource.fields,
    filters: resource.filters,
    orderBy: resource.orderBy,
    operations: [...resource.operations].sort(),
    keyField: resource.keyField || undefined,
    writableFields: resource.writableFields.length > 0 ? [...resource.writableFields].sort() : undefined,
    permission: resource.permission || undefined,
    access: resource.access,
    dataScope: resource.dataScope && {
      userColumn: resource.dataScope.userColumn || undefined,
      deptColumn: resource.dataScope.deptColumn || undefined,
    },
  }));
}

function normalizeResource(raw: RawTableResource, pluginId: string): TableResource {
  const key = trim(raw.key);
  if (key === '') throw invalid('resource key cannot be empty');
  const at = `resource ${key}`;
  const operations = [
    ...new Set(raw.operations.map((operation) => choose(operation, TABLE_OPERATIONS, at, 'operation'))),
  ];
  const resource: TableResource = {
    key,
    type: choose(raw.type, ['table-list'], at, 'type', 'table-list'),
    table: identifier(raw.table, at, 'table'),
    fields: raw.fields.map(({ name, column }) => ({
      name: identifier(name, at, 'field name'),
      column: identifier(column, at, 'field column'),
    })),
    filters: raw.filters.map((filter) => normalizeFilter(filter, at)),
    orderBy: {
      column: identifier(raw.orderBy.column, at, 'orderBy column'),
      direction: choose(raw.orderBy.direction, ['asc', 'desc'], at, 'orderBy direction', 'asc'),
    },
    operations: operations.length > 0 ? operations : ['query'],
    keyField: trim(raw.keyField),
    writableFields: distinct(raw.writableFields),
    permission: normalizePermission(raw.permission, pluginId, at),
    access: choose(raw.access, ['request', 'system', 'both'], at, 'access', 'request'),
    ...(raw.dataScope && { dataScope: normalizeDataScope(raw.dataScope, at) }),
  };
  checkFields(resource, at);
  return resource;
}

function checkFields({ fields, operations, keyField, writableFields }: TableResource, at: string): void {
  const isDeclared = (name: string): boolean => fields.some((field) => field.name === name);
  const does = (...wanted: readonly TableOperation[]): boolean => wanted.some((one) => operations.includes(one));
  if (fields.length === 0) throw invalid(`${at} must declare at least one field`);
  if (keyField === '' && does('get', 'update', 'delete')) throw invalid(`${at} requires keyField`);
  if (keyField !== '' && !isDeclared(keyField)) throw invalid(`${at} keyField ${keyField} is not a declared field`);
  if (writableFields.length === 0 && does('create', 'update')) throw invalid(`${at} requires writableFields`);
  const unknown = writableFields.find((name) => !isDeclared(name));
  if (unknown !== undefined) throw invalid(`${at} writableFields ${unknown} is not a declared field`);
}

function normalizeFilter(filter: RawTableResource['filters'][number], at: string): TableResource['filters'][number] {
  const param = trim(filter.param);
  if (param === '') throw invalid(`${at} filter param cannot be empty`);
  const column = identifier(filter.column, at, 'filter column');
  return { param, column, operator: choose(filter.operator, FILTER_OPERATORS, at, 'filter operator') };
}

function normalizePermission(declared: string, pluginId: string, at: string): string {
  const permission = trim(declared);
  if (permission === '') return '';
  const parts = permission.split(':').map(trim);
  if (parts.length === 3 && parts[0] === pluginId && parts.every((part) => part !== '')) return permission;
  throw invalid(`${at} permission must use {pluginId}:{resource}:{action}: ${permission}`);
}

function normalizeDataScope(scope: { readonly userColumn: string; readonly deptColumn: string }, at: string) {
  const [userColumn, deptColumn] = [trim(scope.userColumn), trim(scope.deptColumn)];
  if (userColumn === '' && deptColumn === '') throw invalid(`${at} dataScope requires userColumn or deptColumn`);
  for (const column of [userColumn, deptColumn]) if (column !== '') identifier(column, at, 'dataScope column');
  return { userColumn, deptColumn };
}

function identifier(declared: string, at: string, noun: string): string {
  const name = trim(declared);
  if (!isIdentifier(name)) throw invalid(`${at} ${noun} is invalid: ${declared}`);
  return name;
}

function choose<T extends string>(declared: string, allowed: readonly T[], at: string, noun: string, fallback?: T): T {
  const value = lower(declared);
  const found = value === '' ? fallback : allowed.find((choice) => choice === value);
  if (found === undefined) throw invalid(`${at} ${noun} is unsupported: ${declared}`);
  return found;
}

/** Trimmed names without those that differ from an earlier one in case only. */
function distinct(names: readonly string[]): readonly string[] {
  const byFold = new Map<string, string>();
  for (const name of names.map(trim)) if (name !== '' && !byFold.has(lower(name))) byFold.set(lower(name), name);
  return [...byFold.values()];
}
