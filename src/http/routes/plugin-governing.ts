/** Whether a plugin is there and serves: E6–E10 and E13 of `spec/governance.md` §2.2, and the end of a quarantine. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { DependencyCheck } from '../../registry/registry.js';
import { success } from '../api-route.js';
import { openPoints } from '../plugin-item.js';
import {
  type ApiRouteOptions,
  AUTHORIZATION,
  BOOLEAN,
  type ById,
  FLAG,
  type Gate,
  ID,
  MAX_JSON_BYTES,
  type Permission,
  PREFIX,
} from '../plugin-route.js';

const ENABLE_BODY = Type.Object({ authorization: AUTHORIZATION });
const INSTALL_BODY = Type.Object({
  authorization: AUTHORIZATION,
  installMockData: Type.Optional(Type.Boolean()),
  installMode: Type.Optional(Type.String()),
});
const UNINSTALL = Type.Object({ purgeStorageData: Type.Optional(FLAG), force: Type.Optional(BOOLEAN) });
const POLICY_BODY = Type.Object({ autoEnableForNewTenants: Type.Boolean() });

export function governingRoutes(app: FastifyInstance, gate: Gate, options: ApiRouteOptions): void {
  addInstalling(app, gate, options);
  addServing(app, gate, options);
}

const changing = ({ permit }: Gate, permission: Permission) => ({
  bodyLimit: MAX_JSON_BYTES,
  onRequest: permit(permission),
});

function addInstalling(app: FastifyInstance, gate: Gate, { registry }: ApiRouteOptions): void {
  app.post(`${PREFIX}/sync`, changing(gate, 'plugin:install'), async () => {
    const { total, problems } = await registry.sync();
    return success({ total, ...(problems.length > 0 && { problems }) });
  });

  app.post<ById & { Body: Static<typeof INSTALL_BODY> }>(
    `${PREFIX}/:id/install`,
    { ...changing(gate, 'plugin:install'), schema: { params: ID, body: INSTALL_BODY } },
    async (request) => {
      const { id } = request.params;
      const record = await registry.install(id, { ...request.body, by: gate.callerOf(request).username });
      const dependencyCheck = registry.dependencies(id);
      return success({
        id,
        installed: 1,
        enabled: 0,
        ...(saysSomething(dependencyCheck) && { dependencyCheck }),
        ...openPoints(record),
      });
    },
  );

  app.delete<ById & { Querystring: Static<typeof UNINSTALL>; Body: Static<typeof UNINSTALL> }>(
    `${PREFIX}/:id`,
    { ...changing(gate, 'plugin:uninstall'), schema: { params: ID, querystring: UNINSTALL, body: UNINSTALL } },
    async (request) => {
      const { id } = request.params;
      const { purgeStorageData = 1, force = false } = { ...request.query, ...request.body };
      await registry.uninstall(id, {
        purgeStorageData: purgeStorageData === 1,
        force: Boolean(force),
        by: gate.callerOf(request).username,
      });
      return success({ id, installed: 0, enabled: 0 });
    },
  );
}

/** Most plugins need nothing, and are needed by nobody. */
function saysSomething({ dependencies, blockers, reverseDependents, framework }: DependencyCheck): boolean {
  const parts = [...dependencies, ...blockers, ...reverseDependents];
  return parts.length > 0 || framework.status !== 'not_declared';
}

function addServing(app: FastifyInstance, gate: Gate, { registry, quarantine }: ApiRouteOptions): void {
  app.put<ById & { Body: Static<typeof ENABLE_BODY> }>(
    `${PREFIX}/:id/enable`,
    { ...changing(gate, 'plugin:enable'), schema: { params: ID, body: ENABLE_BODY } },
    async (request) => {
      const { id } = request.params;
      const record = await registry.enable(id, { ...request.body, by: gate.callerOf(request).username });
      return success({ id, enabled: 1, ...openPoints(record) });
    },
  );

  app.put<ById>(
    `${PREFIX}/:id/disable`,
    { ...changing(gate, 'plugin:disable'), schema: { params: ID } },
    async (request) => {
      const { id } = request.params;
      await registry.disable(id, { by: gate.callerOf(request).username });
      return success({ id, enabled: 0 });
    },
  );

  app.put<ById & { Body: Static<typeof POLICY_BODY> }>(
    `${PREFIX}/:id/tenant-provisioning-policy`,
    { ...changing(gate, 'plugin:edit'), schema: { params: ID, body: POLICY_BODY } },
    async (request) => {
      const { id } = request.params;
      const { autoEnableForNewTenants } = request.body;
      await registry.setProvisioningPolicy(id, { autoEnableForNewTenants, by: gate.callerOf(request).username });
      return success({ id, autoEnableForNewTenants });
    },
  );

  app.post<ById>(
    `${PREFIX}/:id/release-quarantine`,
    { ...changing(gate, 'plugin:enable'), schema: { params: ID } },
    async ({ params: { id } }) => {
      registry.show(id);
      return success({ id, released: (await quarantine?.lift(id)) ? 1 : 0 });
    },
  );
}
