/** Menus whose page is a public asset of their plugin (`spec/governance.md` §5.5, §5.6). */
import { SandpoolError } from '../protocol/errors.js';
import type { Artifact } from './artifact.js';
import { isLiteral, isObject, type JsonValue, parseJson } from './json.js';
import type { MenuDeclaration } from './menus.js';
import { resolvePublicAsset } from './public-assets.js';
import { trim } from './text.js';

/** The menus of an artifact, and the files that they may lead to. */
export type HostedMenus = Pick<Artifact, 'manifest' | 'frontendAssets'>;

/** The page shell of the console, which mounts a module of a plugin. */
export const DYNAMIC_PAGE = 'system/plugin/dynamic-page';
export const ACCESS_MODE = 'pluginAccessMode';
export const EMBEDDED_MOUNT = 'embedded-mount';

/**
 * Checks every menu that leads to a public asset, before its plugin is enabled or another release of it takes over.
 * @returns warnings that an operator should see
 * @throws SBX_HOSTED_MENU_INVALID with everything that is wrong
 */
export function validateHostedMenus(artifact: HostedMenus): readonly string[] {
  const findings = findingsOf(artifact);
  const problems = findings.flatMap((finding) => finding.problems);
  if (problems.length > 0) throw new SandpoolError('SBX_HOSTED_MENU_INVALID', { reason: problems.join('; ') });
  return findings.flatMap(({ warnings }) => warnings);
}

/** What `validateHostedMenus` would refuse, for those who are told before they try. */
export function hostedMenuProblems(artifact: HostedMenus): readonly string[] {
  return findingsOf(artifact).flatMap(({ problems }) => problems);
}

/** The URL behind a menu's path where that is one, or a public asset; a missing slash in front of an asset is added. */
export function assetLinkOf(path: string): string | undefined {
  const trimmed = trim(path);
  if (/^https?:\/\//i.test(trimmed)) return trimmed;
  const rooted = `/${trimmed.replace(/^\/+/, '')}`;
  return rooted.startsWith('/x-assets/') ? rooted : undefined;
}

/** Parameters of a menu as texts; blank keys and `null` are left out. */
export function menuQuery(queryParam: string): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  const value = queryParam === '' ? null : readJson(queryParam);
  if (!isObject(value)) return query;
  for (const [key, item] of value) {
    if (trim(key) !== '' && item !== null) query[trim(key)] = trim(textOf(item));
  }
  return query;
}

/** A component without the ways in which people write it: `#/views/a/b.vue` is `a/b`. */
export function componentOf(component: string): string {
  return trim(component)
    .replaceAll('\\', '/')
    .replace(/^#?\/?(?:views\/)?/, '')
    .replace(/\.vue$/, '');
}

interface Finding {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function findingsOf(artifact: HostedMenus): readonly Finding[] {
  return artifact.manifest.menus.flatMap((menu) => {
    const link = assetLinkOf(menu.path);
    return link?.startsWith('/') ? [checkMenu(menu, link, artifact)] : [];
  });
}

function checkMenu(menu: MenuDeclaration, link: string, artifact: HostedMenus): Finding {
  const { id, version, publicAssets } = artifact.manifest;
  const prefix = `/x-assets/${id}/${version}/`;
  const path = link.replace(/[?#].*$/s, '');
  if (!path.startsWith(prefix)) return problem(menu, `path ${link} must begin with ${prefix}`);
  const file = resolvePublicAsset(publicAssets, path.slice(prefix.length));
  if (file === undefined || !artifact.frontendAssets.some((asset) => asset.path === file)) {
    return problem(menu, `path ${link} is no public asset of this release`);
  }
  if (menuQuery(menu.queryParam)[ACCESS_MODE] === EMBEDDED_MOUNT) return problem(menu, ...embeddedProblems(menu, file));
  if (componentOf(menu.component) !== DYNAMIC_PAGE) return SOUND;
  if (menu.isFrame === 1 && file.endsWith('.html') && !(ACCESS_MODE in menuQuery(menu.queryParam))) {
    const warning = `menu ${menu.key}: the component ${DYNAMIC_PAGE} is ignored, the page opens in a window of its own`;
    return { problems: [], warnings: [warning] };
  }
  return problem(menu, `component ${DYNAMIC_PAGE} on a public asset must declare ${ACCESS_MODE} ${EMBEDDED_MOUNT}`);
}

const SOUND: Finding = { problems: [], warnings: [] };

function problem({ key }: MenuDeclaration, ...reasons: readonly string[]): Finding {
  return { problems: reasons.map((reason) => `menu ${key}: ${reason}`), warnings: [] };
}

function embeddedProblems(menu: MenuDeclaration, file: string): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [componentOf(menu.component) === DYNAMIC_PAGE, `needs the component ${DYNAMIC_PAGE}`],
    [menu.isFrame === 0, 'cannot have is_frame 1'],
    [/\.m?js$/.test(file), `needs an entry that ends with .js or .mjs, not ${file}`],
  ];
  return rules.filter(([holds]) => !holds).map(([, reason]) => `${EMBEDDED_MOUNT} ${reason}`);
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    // Rows may have been written by others; a menu without parameters still works.
    return null;
  }
}

function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value;
  return isLiteral(value) ? value.literal : String(value);
}
