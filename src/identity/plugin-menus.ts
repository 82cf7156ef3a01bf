/** Menus that a plugin brings: those of its manifest, and one hidden button for each permission of its routes (`spec/governance.md` §4.2). */
import type { Artifact } from '../artifact/artifact.js';
import { validateHostedMenus } from '../artifact/hosted-menus.js';
import type { MenuDeclaration } from '../artifact/menus.js';
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import { inParentOrder, type Menus } from './menus.js';

type MenuSource = Pick<Artifact, 'manifest' | 'routes' | 'frontendAssets'>;

/** What the registry asks when a plugin comes, changes and goes. */
export interface PluginMenus {
  /** Changes nothing. @throws SBX_MENU_INVALID, SBX_HOSTED_MENU_INVALID when the pages are to be served */
  check(artifact: MenuSource, state: { readonly enabled: boolean }): void;
  /** To be called within the transaction of the transition. @throws SBX_MENU_INVALID */
  apply(artifact: MenuSource): void;
  remove(pluginId: string): void;
}

/** @param warn hears what an operator should see of menus that are accepted */
export function createPluginMenus(menus: Menus, warn: (pluginId: string, warning: string) => void): PluginMenus {
  return {
    check(artifact, { enabled }) {
      const { id } = artifact.manifest;
      inParentOrder(menusOf(artifact), id, menus.has);
      if (enabled) for (const warning of validateHostedMenus(artifact)) warn(id, warning);
    },
    apply: (artifact) => menus.replace(artifact.manifest.id, menusOf(artifact)),
    remove: menus.remove,
  };
}

/**
 * The menus of the manifest, then the buttons of route permissions.
 * @throws SBX_MENU_INVALID when permissions have no menu to hold their buttons, or a menu has the key of such a button
 */
export function menusOf({ manifest: { id, menus }, routes }: MenuSource): readonly MenuDeclaration[] {
  const permissions = new Set(routes.map(({ permission }) => trimGo(permission)).filter((name) => name !== ''));
  if (permissions.size === 0) return menus;
  const pages = menus.filter(({ type }) => type !== 'B');
  const parent = pages.find(({ parentKey }) => parentKey === '') ?? pages[0];
  if (parent === undefined) {
    const reason = 'routes have permissions, but there is no menu below which they could be shown';
    throw new SandpoolError('SBX_MENU_INVALID', { pluginId: id, reason });
  }
  const buttons = [...permissions].map((permission) => permissionButton(id, parent.key, permission));
  const taken = buttons.find(({ key }) => menus.some((menu) => menu.key === key));
  if (taken === undefined) return [...menus, ...buttons];
  const reason = `the key ${taken.key} is that of the permission ${taken.perms}`;
  throw new SandpoolError('SBX_MENU_INVALID', { pluginId: id, reason });
}

function permissionButton(pluginId: string, parentKey: string, permission: string): MenuDeclaration {
  return {
    key: `plugin:${pluginId}:perm:${Buffer.from(permission).toString('base64url')}`,
    parentKey,
    name: `Dynamic Route Permission:${permission}`,
    path: '',
    component: '',
    perms: permission,
    icon: '',
    type: 'B',
    sort: 0,
    visible: 0,
    status: 1,
    isFrame: 0,
    isCache: 0,
    queryParam: '',
    remark: `dynamic route permission for plugin ${pluginId}`,
  };
}
