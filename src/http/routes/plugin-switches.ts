/** Which release of a plugin is the effective one: E11, E12 and E15 of `spec/governance.md` §2.2, with previews. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { success } from '../api-route.js';
import { switchItem, upgradePreviewItem } from '../plugin-item.js';
import {
  type ApiRouteOptions,
  AUTHORIZATION,
  type ById,
  type Gate,
  ID,
  MAX_JSON_BYTES,
  PREFIX,
  VERSION,
} from '../plugin-route.js';

const UPGRADE_BODY = Type.Object({ confirmed: Type.Boolean(), authorization: AUTHORIZATION });
const ROLLBACK_BODY = Type.Object({ confirmed: Type.Boolean(), version: Type.Optional(VERSION) });
const ROLLBACK_QUERY = Type.Object({ version: Type.Optional(VERSION) });

export function switchRoutes(app: FastifyInstance, gate: Gate, { registry }: ApiRouteOptions): void {
  const reading = gate.permit('plugin:query');
  const changing = { bodyLimit: MAX_JSON_BYTES, onRequest: gate.permit('plugin:install') };

  app.get<ById>(
    `${PREFIX}/:id/upgrade/preview`,
    { onRequest: reading, schema: { params: ID } },
    async ({ params: { id } }) => success(upgradePreviewItem(registry.previewUpgrade(id))),
  );

  app.post<ById & { Body: Static<typeof UPGRADE_BODY> }>(
    `${PREFIX}/:id/upgrade`,
    { ...changing, schema: { params: ID, body: UPGRADE_BODY } },
    async (request) => {
      const by = gate.callerOf(request).username;
      return success(switchItem(await registry.upgrade(request.params.id, { ...request.body, by })));
    },
  );

  app.get<ById & { Querystring: Static<typeof ROLLBACK_QUERY> }>(
    `${PREFIX}/:id/rollback/preview`,
    { onRequest: reading, schema: { params: ID, querystring: ROLLBACK_QUERY } },
    async ({ params: { id }, query: { version } }) => success(await registry.previewRollback(id, version)),
  );

  app.post<ById & { Body: Static<typeof ROLLBACK_BODY> }>(
    `${PREFIX}/:id/rollback`,
    { ...changing, schema: { params: ID, body: ROLLBACK_BODY } },
    async (request) => {
      const by = gate.callerOf(request).username;
      return success(switchItem(await registry.rollback(request.params.id, { ...request.body, by })));
    },
  );
}
