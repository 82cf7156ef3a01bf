/** The API's documentation, `GET /api.json` (`spec/governance.md` §6.5): made once for each language and state of the plugins. */
import { createHash } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import { buildOpenApi, type CoreEndpoint, type DocumentedPlugin } from '../../resources/openapi.js';
import type { Texts } from '../../resources/texts.js';
import { createLanguageChoice, type Languages } from '../language.js';
import { isNotModified } from '../ranges.js';

export interface OpenApiRouteOptions {
  /** Of this program. */
  readonly version: string;
  readonly endpoints: () => readonly CoreEndpoint[];
  /** Installed and enabled ones. */
  readonly plugins: () => readonly DocumentedPlugin[];
  readonly texts: Pick<Texts, 'docs' | 'version'>;
  readonly languages: Languages;
}

const QUERY = Type.Object({ lang: Type.Optional(Type.String()) });

export function openApiRoute({ texts, languages, ...options }: OpenApiRouteOptions): FastifyPluginAsync {
  const language = createLanguageChoice(languages);
  const documents = new Map<string, Document>();

  const documentOf = (locale: string): Document => {
    const known = documents.get(locale);
    if (known?.version === texts.version()) return known;
    const document = write(options, texts, locale);
    documents.set(locale, document);
    return document;
  };

  return async (app) => {
    app.get<{ Querystring: Static<typeof QUERY> }>(
      '/api.json',
      { schema: { querystring: QUERY } },
      async ({ query, headers }, reply) => {
        const locale = language.choose(query.lang, headers['accept-language']);
        const { json, etag } = documentOf(locale);
        reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'Accept-Language');
        if (isNotModified(headers, etag)) return reply.code(304).send();
        return reply.header('content-language', locale).type('application/json; charset=utf-8').send(json);
      },
    );
  };
}

interface Document {
  /** Of the texts and plugins that it was made from. */
  readonly version: number;
  readonly json: string;
  readonly etag: string;
}

type Sources = Omit<OpenApiRouteOptions, 'texts' | 'languages'>;

function write(
  { version, endpoints, plugins }: Sources,
  texts: OpenApiRouteOptions['texts'],
  locale: string,
): Document {
  const document = buildOpenApi({
    title: 'Sandpool',
    description: 'Control plane of the host, and the routes of its enabled plugins.',
    version,
    core: endpoints(),
    plugins: plugins(),
    texts: texts.docs(locale),
  });
  const json = JSON.stringify(document);
  const etag = `"${locale}-${createHash('sha256').update(json).digest('hex').slice(0, 32)}"`;
  return { version: texts.version(), json, etag };
}
