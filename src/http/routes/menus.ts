/** Menus: the navigation of the reader (`spec/governance.md` §5.5), and all rows for whoever decides what roles hold. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { menuOwner } from '../../artifact/menus.js';
import type { IdentityRoom } from '../../identity/identity.js';
import type { Identity } from '../../protocol/envelope.js';
import { projectMenus } from '../../resources/menus.js';
import type { Texts } from '../../resources/texts.js';
import { answering, requirePermission, success } from '../api-route.js';
import { createLanguageChoice, type Languages } from '../language.js';

export interface MenuRouteOptions {
  readonly identity: Pick<IdentityRoom, 'authenticate' | 'menus'>;
  /** Whether a plugin is installed, enabled, normal, and there for a tenant. */
  readonly showsPlugin: (pluginId: string, tenantId: number) => boolean;
  readonly texts: Pick<Texts, 'translate'>;
  readonly languages: Languages;
}

const PREFIX = '/api/v1';
const LIST_QUERY = Type.Object({ type: Type.Optional(Type.Enum(['D', 'M', 'B'])) });

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function menuRoutes({ identity, showsPlugin, texts, languages }: MenuRouteOptions): FastifyPluginAsync {
  const language = createLanguageChoice(languages);
  const translator = ({ query, headers }: FastifyRequest) => {
    const { lang } = query as { readonly lang?: unknown };
    const locale = language.choose(typeof lang === 'string' ? lang : undefined, headers['accept-language']);
    return (key: string) => texts.translate(locale, key);
  };
  return async (app) => {
    answering(app);

    app.get(`${PREFIX}/menus/all`, async (request) => {
      const reader = identity.authenticate(request.headers.authorization);
      const held = identity.menus.heldBy(reader.userId, reader.tenantId);
      const list = projectMenus(identity.menus.list(), {
        // Asked for every request: a plugin that has gone is not in the next navigation.
        showsPlugin: (pluginId) => showsPlugin(pluginId, reader.tenantId),
        mayUse: ({ id, perms }) => held.has(id) || holds(reader, perms),
        translate: translator(request),
      });
      return success({ list });
    });

    app.get<{ Querystring: Static<typeof LIST_QUERY> }>(
      `${PREFIX}/menu`,
      { schema: { querystring: LIST_QUERY } },
      async (request) => {
        const reader = requirePermission(identity, request, 'system:menu:query');
        const translate = translator(request);
        const list = identity.menus
          .list()
          .filter(({ key, type }) => isShown(key, reader, showsPlugin) && type === (request.query.type ?? type))
          .map((row) => ({ ...row, pluginId: menuOwner(row.key) ?? '', title: titleOf(row, translate) }));
        return success({ list, total: list.length });
      },
    );
  };
}

function holds({ isSuperAdmin, permissions }: Identity, perms: string): boolean {
  return isSuperAdmin || (perms !== '' && permissions.includes(perms));
}

function isShown(key: string, { tenantId }: Identity, showsPlugin: MenuRouteOptions['showsPlugin']): boolean {
  const pluginId = menuOwner(key);
  return pluginId === undefined || showsPlugin(pluginId, tenantId);
}

/** Buttons of route permissions have a name for programs; people read the permission itself. */
function titleOf(
  { key, name, perms }: { readonly key: string; readonly name: string; readonly perms: string },
  translate: (key: string) => string | undefined,
): string {
  return translate(`menu.${key}.title`) ?? (name === `Dynamic Route Permission:${perms}` ? perms : name);
}
