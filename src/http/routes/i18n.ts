/** Languages and texts for pages: `/api/v1/i18n/runtime/…` (`spec/governance.md` §6.3). Nobody needs to be logged in. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Texts } from '../../resources/texts.js';
import { createLanguageChoice, type Languages } from '../language.js';
import { isNotModified } from '../ranges.js';

export interface I18nRouteOptions {
  readonly texts: Pick<Texts, 'messages'>;
  readonly languages: Languages;
  /** Whether a reader may choose. */
  readonly enabled: boolean;
}

const PREFIX = '/api/v1/i18n/runtime';
const QUERY = Type.Object({ lang: Type.Optional(Type.String()) });

type ByLanguage = { Querystring: Static<typeof QUERY> };

export function i18nRoutes({ texts, languages, enabled }: I18nRouteOptions): FastifyPluginAsync {
  const language = createLanguageChoice(languages);
  const localeOf = ({ query, headers }: FastifyRequest<ByLanguage>): string =>
    language.choose(query.lang, headers['accept-language']);

  return async (app) => {
    app.addHook('onRequest', async (_request, reply) => void reply.header('vary', 'Accept-Language'));

    app.get<ByLanguage>(`${PREFIX}/messages`, { schema: { querystring: QUERY } }, async (request, reply) => {
      const locale = localeOf(request);
      const { json, fingerprint } = texts.messages(locale);
      const etag = `"${locale}-${fingerprint}"`;
      reply.header('etag', etag).header('cache-control', 'no-cache');
      if (isNotModified(request.headers, etag)) return reply.code(304).send();
      const body = `{"code":0,"message":"OK","data":{"locale":${JSON.stringify(locale)},"messages":${json}}}`;
      return reply.header('content-language', locale).type('application/json; charset=utf-8').send(body);
    });

    app.get<ByLanguage>(`${PREFIX}/locales`, { schema: { querystring: QUERY } }, async (request, reply) => {
      const locale = localeOf(request);
      reply.header('content-language', locale).header('cache-control', 'no-cache');
      const items = languages.supported.map((item) => ({
        locale: item,
        name: nameOf(item, locale),
        nativeName: nameOf(item, item),
        direction: 'ltr',
        isDefault: item === languages.default,
      }));
      return { code: 0, message: 'OK', data: { locale, enabled, items } };
    });
  };
}

/** What a language calls another one, or itself; the tag where it has no word. */
function nameOf(locale: string, reader: string): string {
  try {
    return new Intl.DisplayNames([reader], { type: 'language' }).of(locale) ?? locale;
  } catch {
    // An operator may name locales that are no language tags.
    return locale;
  }
}
