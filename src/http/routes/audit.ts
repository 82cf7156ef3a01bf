/** The audit log: who did what to which plugin, and how it ended. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { success } from '../api-route.js';
import type { ApiRouteOptions, Gate } from '../plugin-route.js';

const QUERY = Type.Object({
  pluginId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  /** Only entries with a smaller id: the `next` of the page before. */
  before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

export function auditRoutes(app: FastifyInstance, { permit }: Gate, { registry }: ApiRouteOptions): void {
  app.get<{ Querystring: Static<typeof QUERY> }>(
    '/api/v1/audit',
    { onRequest: permit('plugin:query'), schema: { querystring: QUERY } },
    async ({ query }) => {
      const list = registry.audit(query);
      const last = list.length === query.limit ? list.at(-1) : undefined;
      return success({ list, ...(last && { next: last.id }) });
    },
  );
}
