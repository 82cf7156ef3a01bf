/** Menus that a plugin declares (`spec/artifact.md` §2.1.1, §4.3). */
import { anything, type Decoder, integer, list, object, optional, text } from './decode.js';
import { encodeJson, invalid, isObject, type JsonValue, parseJson, toSorted } from './json.js';
import { trim, upper } from './text.js';

export interface MenuDeclaration {
  readonly key: string;
  readonly parentKey: string;
  readonly name: string;
  readonly path: string;
  readonly component: string;
  readonly perms: string;
  readonly icon: string;
  readonly type: 'D' | 'M' | 'B';
  readonly sort: number;
  readonly visible: 0 | 1;
  readonly status: 0 | 1;
  readonly isFrame: 0 | 1;
  readonly isCache: 0 | 1;
  /** JSON object text; empty when none. */
  readonly queryParam: string;
  readonly remark: string;
}

/** A menu as a file says it. Switches are absent where the file has none. */
export interface RawMenu {
  readonly key: string;
  readonly parentKey: string;
  readonly name: string;
  readonly path: string;
  readonly component: string;
  readonly perms: string;
  readonly icon: string;
  readonly type: string;
  readonly sort: number;
  readonly visible: number | undefined;
  readonly status: number | undefined;
  readonly isFrame: number | undefined;
  readonly isCache: number | undefined;
  readonly query: JsonValue | undefined;
  readonly queryParam: string;
  readonly remark: string;
}

const decodeMenu = object<RawMenu>({
  key: ['key', text],
  parentKey: ['parent_key', text],
  name: ['name', text],
  path: ['path', text],
  component: ['component', text],
  perms: ['perms', text],
  icon: ['icon', text],
  type: ['type', text],
  sort: ['sort', integer],
  visible: ['visible', optional(integer)],
  status: ['status', optional(integer)],
  isFrame: ['is_frame', optional(integer)],
  isCache: ['is_cache', optional(integer)],
  query: ['query', decodeQuery],
  queryParam: ['query_param', text],
  remark: ['remark', text],
});

export const decodeMenus: Decoder<readonly (RawMenu | null)[]> = list((value, at) =>
  value === null || value === undefined ? null : decodeMenu(value, at),
);

/**
 * Checks and normalises menus in the order of `spec/artifact.md` §4.3.
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails.
 */
export function normalizeMenus(declared: readonly (RawMenu | null)[], pluginId: string): readonly MenuDeclaration[] {
  const prefix = `plugin:${pluginId}:`;
  const keys = new Set<string>();
  const menus = declared.map((menu) => normalizeMenu(menu, prefix, keys));
  const orphan = menus.find(({ parentKey }) => parentKey.startsWith(prefix) && !keys.has(parentKey));
  if (orphan === undefined) return menus;
  throw invalid(`plugin menu ${orphan.key} references undeclared parent_key ${orphan.parentKey}`);
}

/** The plugin that a menu belongs to, by its key alone. */
export function menuOwner(key: string): string | undefined {
  return /^plugin:([^:]+):/.exec(key)?.[1];
}

/** Menus in the shape of the embedded manifest, keys in the order that is written; what the file did not say stays unsaid. */
export function encodeMenus(menus: readonly (RawMenu | null)[]): readonly unknown[] {
  return menus.map((menu) => menu && encodeMenu(menu));
}

function normalizeMenu(menu: RawMenu | null, prefix: string, keys: Set<string>): MenuDeclaration {
  if (menu === null) throw invalid('plugin menu cannot be nil');
  const key = trim(menu.key);
  const refuse = (why: string): never => {
    throw invalid(`plugin menu ${key} ${why}`);
  };
  if (key === '') throw invalid('plugin menu is missing key');
  if (trim(menu.name) === '') refuse('is missing name');
  const type = upper(menu.type) || 'M';
  if (type !== 'D' && type !== 'M' && type !== 'B') return refuse('type only supports D/M/B');
  if (trim(menu.parentKey) === key) refuse('parent_key cannot point to itself');
  if (!key.startsWith(prefix)) refuse(`key must use current plugin prefix ${prefix}`);
  if (keys.has(key)) refuse('key is duplicated');
  keys.add(key);
  const onOff = (value: number | undefined, fallback: 0 | 1, name: string): 0 | 1 => {
    const given = value ?? fallback;
    return given === 0 || given === 1 ? given : refuse(`${name}: only 0 or 1 is supported`);
  };
  return {
    ...trimmed(menu),
    key,
    type,
    sort: menu.sort,
    visible: onOff(menu.visible, 1, 'visible'),
    status: onOff(menu.status, 1, 'status'),
    isFrame: onOff(menu.isFrame, 0, 'is_frame'),
    isCache: onOff(menu.isCache, 0, 'is_cache'),
    queryParam: queryText(menu, refuse),
  };
}

function trimmed(menu: RawMenu) {
  return {
    parentKey: trim(menu.parentKey),
    name: trim(menu.name),
    path: trim(menu.path),
    component: trim(menu.component),
    perms: trim(menu.perms),
    icon: trim(menu.icon),
    remark: trim(menu.remark),
  };
}

function queryText(menu: RawMenu, refuse: (why: string) => never): string {
  const given = trim(menu.queryParam);
  if (given !== '') return parsesToObject(given) ? given : refuse('query_param must be the text of a JSON object');
  const query = menu.query;
  return isObject(query) && query.size > 0 ? encodeJson(toSorted(query)) : '';
}

function parsesToObject(json: string): boolean {
  try {
    return isObject(parseJson(json));
  } catch {
    return false;
  }
}

function encodeMenu(menu: RawMenu): object {
  const { query } = menu;
  return {
    key: menu.key,
    parent_key: menu.parentKey || undefined,
    name: menu.name,
    path: menu.path || undefined,
    component: menu.component || undefined,
    perms: menu.perms || undefined,
    icon: menu.icon || undefined,
    type: menu.type || undefined,
    sort: menu.sort || undefined,
    visible: menu.visible,
    status: menu.status,
    is_frame: menu.isFrame,
    is_cache: menu.isCache,
    query: isObject(query) && query.size > 0 ? toSorted(query) : undefined,
    query_param: menu.queryParam || undefined,
    remark: menu.remark || undefined,
  };
}

function decodeQuery(value: JsonValue | undefined, at: string): JsonValue | undefined {
  if (value === undefined || value === null || isObject(value)) return anything(value, at);
  throw invalid(`${at} must be an object`);
}
