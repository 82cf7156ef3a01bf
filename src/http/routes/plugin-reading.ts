/** What is there: E1–E4 of `spec/governance.md` §2.2, and the releases of a plugin. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { PluginRecord } from '../../registry/registry.js';
import { PAGE, success } from '../api-route.js';
import { pluginItem, pluginListItem, pluginStateItem } from '../plugin-item.js';
import { type ApiRouteOptions, type ById, FLAG, type Gate, ID, PREFIX } from '../plugin-route.js';

const LIST_QUERY = Type.Object({
  ...PAGE,
  id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  status: Type.Optional(FLAG),
  installed: Type.Optional(FLAG),
});

export function readingRoutes(app: FastifyInstance, { permit }: Gate, options: ApiRouteOptions): void {
  const { registry, quarantine, isolationOf, tables, speech = () => (item) => item } = options;
  const autoEnable = new Set(options.autoEnable);
  const onRequest = permit('plugin:query');
  const byId = { onRequest, schema: { params: ID } };

  app.get<{ Querystring: Static<typeof LIST_QUERY> }>(
    PREFIX,
    { onRequest, schema: { querystring: LIST_QUERY } },
    async (request) => {
      const { query } = request;
      const { pageNum, pageSize } = query;
      const say = speech(request);
      const found = registry.list().filter((record) => isWanted(record, query));
      const page = found.slice((pageNum - 1) * pageSize, pageNum * pageSize);
      const problems = registry.problems();
      return success({
        list: page.map((record) => say(pluginListItem(record, autoEnable, quarantine?.of))),
        total: found.length,
        ...(problems.length > 0 && { problems }),
      });
    },
  );

  app.get<ById>(`${PREFIX}/:id`, byId, async (request) => {
    const { id } = request.params;
    const item = speech(request)(
      pluginItem(registry.show(id), autoEnable, {
        quarantineOf: quarantine?.of,
        isolationOf,
        commentsOf: tables?.commentsOf,
      }),
    );
    return success({ ...item, dependencyCheck: registry.dependencies(id) });
  });

  app.get<ById>(`${PREFIX}/:id/dependencies`, byId, async ({ params: { id } }) => success(registry.dependencies(id)));

  app.get<ById>(`${PREFIX}/:id/releases`, byId, async ({ params: { id } }) => {
    const list = registry.releases(id);
    return success({ list, total: list.length });
  });

  // Public: pages that are open watch the generation of their plugin.
  app.get(`${PREFIX}/dynamic`, async () => success({ list: registry.list().map(pluginStateItem) }));
}

function isWanted({ plugin }: PluginRecord, query: Static<typeof LIST_QUERY>): boolean {
  return (
    plugin.pluginId.includes(query.id ?? '') &&
    plugin.name.includes(query.name ?? '') &&
    (!query.type || plugin.type === query.type) &&
    (query.status === undefined || plugin.status === query.status) &&
    (query.installed === undefined || plugin.installed === query.installed)
  );
}
