/** The navigation of a user, made from rows of the menu table (`spec/governance.md` §4.3, §5.5). Pure. */
import {
  ACCESS_MODE,
  assetLinkOf,
  componentOf,
  DYNAMIC_PAGE,
  EMBEDDED_MOUNT,
  menuQuery,
} from '../artifact/hosted-menus.js';
import { type MenuDeclaration, menuOwner } from '../artifact/menus.js';

export { menuOwner };

/** A row of `sys_menu`; the key of a plugin's menu is `plugin:<plugin-id>:<name>`. */
export interface MenuRow extends Omit<MenuDeclaration, 'parentKey' | 'remark'> {
  readonly id: number;
  /** 0 for a root. */
  readonly parentId: number;
}

/** Who looks at the menus. */
export interface MenuReader {
  /** Whether the plugin is installed, enabled, normal, and there for the reader's tenant. */
  readonly showsPlugin: (pluginId: string) => boolean;
  /** Whether the reader's roles hold this menu; directories above such a menu come with it. */
  readonly mayUse: (row: MenuRow) => boolean;
  readonly translate: (key: string) => string | undefined;
}

/** A route of the console. */
export interface MenuItem {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  readonly path: string;
  readonly component?: string;
  readonly redirect?: string;
  readonly meta: MenuMeta;
  readonly children?: readonly MenuItem[];
}

export interface MenuMeta {
  readonly title: string;
  readonly icon: string;
  readonly i18nKey: string;
  readonly activeIcon: string;
  readonly hideInMenu: boolean;
  readonly hideInBreadcrumb: boolean;
  readonly hideInTab: boolean;
  readonly keepAlive: boolean;
  readonly iframeSrc?: string;
  readonly link?: string;
  readonly openInNewWindow?: boolean;
  readonly query?: Readonly<Record<string, string>>;
  readonly order: number;
  readonly authority: string;
  readonly ignoreAccess: boolean;
}

/** The tree that a reader sees: no buttons, no empty directories, nothing of plugins that are not there for the reader. */
export function projectMenus(rows: readonly MenuRow[], reader: MenuReader): readonly MenuItem[] {
  const there = rows.filter((row) => row.status === 1 && isThere(row, reader));
  const kept = withDirectories(there, there.filter(reader.mayUse));
  const below = new Map<number, MenuRow[]>();
  for (const row of [...kept].sort((left, right) => left.sort - right.sort || left.id - right.id)) {
    const siblings = below.get(row.parentId);
    if (siblings === undefined) below.set(row.parentId, [row]);
    else siblings.push(row);
  }
  return itemsBelow(0, below, reader);
}

function isThere({ key }: MenuRow, { showsPlugin }: MenuReader): boolean {
  const pluginId = menuOwner(key);
  return pluginId === undefined || showsPlugin(pluginId);
}

/** Rows that go in circles have no root above them, and are not reached. */
function withDirectories(all: readonly MenuRow[], chosen: readonly MenuRow[]): ReadonlySet<MenuRow> {
  const byId = new Map(all.map((row) => [row.id, row]));
  const kept = new Set<MenuRow>();
  for (const row of chosen) {
    for (let at: MenuRow | undefined = row; at !== undefined && !kept.has(at); at = byId.get(at.parentId)) kept.add(at);
  }
  return kept;
}

function itemsBelow(
  parentId: number,
  below: ReadonlyMap<number, readonly MenuRow[]>,
  reader: MenuReader,
): readonly MenuItem[] {
  return (below.get(parentId) ?? []).flatMap((row) => {
    if (row.type === 'B') return [];
    const children = itemsBelow(row.id, below, reader);
    const [first] = children;
    if (row.type === 'D' && first === undefined) return [];
    const redirect = row.type === 'D' && first !== undefined ? { redirect: first.path } : {};
    return [{ ...itemOf(row, reader), ...redirect, ...(first !== undefined && { children }) }];
  });
}

function itemOf(row: MenuRow, reader: MenuReader): MenuItem {
  const link = assetLinkOf(row.path);
  const address = link === undefined ? pageAddress(row) : linkAddress(row);
  const base = { id: row.id, parentId: row.parentId, ...address };
  const meta = metaOf(row, reader);
  if (row.type !== 'M') return { ...base, meta };
  if (link === undefined) return { ...base, component: viewOf(row.component), meta };
  const { component, ...target } = targetOf(row, link);
  return { ...base, component, meta: { ...meta, ...target } };
}

/** How a link is opened; the first rule that fits. */
function targetOf(row: MenuRow, link: string) {
  const query = menuQuery(row.queryParam);
  if (componentOf(row.component) === DYNAMIC_PAGE && query[ACCESS_MODE] === EMBEDDED_MOUNT) {
    return { component: viewOf(row.component), query: { ...query, embeddedSrc: link, [ACCESS_MODE]: EMBEDDED_MOUNT } };
  }
  return row.isFrame === 1
    ? { component: 'BasicLayout', link, openInNewWindow: true }
    : { component: 'IFrameView', iframeSrc: link };
}

function metaOf(row: MenuRow, { translate }: MenuReader): MenuMeta {
  const i18nKey = `menu.${row.key}.title`;
  const query = menuQuery(row.queryParam);
  return {
    title: translate(i18nKey) ?? row.name,
    icon: row.icon,
    i18nKey,
    activeIcon: '',
    hideInMenu: row.visible === 0,
    hideInBreadcrumb: false,
    hideInTab: false,
    keepAlive: row.isCache === 1,
    ...(Object.keys(query).length > 0 && { query }),
    order: row.sort,
    authority: row.perms,
    ignoreAccess: false,
  };
}

function pageAddress({ path, name, parentId }: MenuRow): { readonly name: string; readonly path: string } {
  const isRoot = parentId === 0 && path !== '' && !path.startsWith('/');
  return { name: pascalCase(path === '' ? name : path), path: isRoot ? `/${path}` : path };
}

/** A link is no path of the console: it gets one made of its id and its letters. */
function linkAddress({ id, path, parentId }: MenuRow): { readonly name: string; readonly path: string } {
  const letters = path
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{Nd}]+/gu, '-');
  const slug = `link-${id}-${letters}`.replace(/-+/g, '-').replace(/-$/, '');
  return { name: pascalCase(slug), path: parentId === 0 ? `/${slug}` : slug };
}

function pascalCase(text: string): string {
  const words = text.split(/[-_/ ]+/).filter((word) => word !== '');
  return words.map((word) => word.replace(/^[a-z]/, (letter) => letter.toUpperCase())).join('');
}

function viewOf(component: string): string {
  return component === '' || component.startsWith('#') ? component : `#/views/${component}`;
}
