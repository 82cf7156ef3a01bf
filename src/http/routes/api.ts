/** The control plane of plugins: `/api/v1/plugins…`, their jobs and the audit log (`spec/governance.md` §2). */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { answering } from '../api-route.js';
import { type ApiRouteOptions, createGate } from '../plugin-route.js';
import { auditRoutes } from './audit.js';
import { jobRoutes } from './jobs.js';
import { governingRoutes } from './plugin-governing.js';
import { readingRoutes } from './plugin-reading.js';
import { resourceRoutes } from './plugin-resources.js';
import { switchRoutes } from './plugin-switches.js';
import { uploadRoute } from './plugin-upload.js';

export type { ApiRouteOptions } from '../plugin-route.js';

/** Failures are thrown: whoever registers the routes has an error handler that answers them. */
export function apiRoutes(options: ApiRouteOptions): FastifyPluginAsync {
  const gate = createGate(options.identity);
  return async (app) => {
    acceptMissingBodies(app);
    answering(app);
    readingRoutes(app, gate, options);
    await app.register(uploadRoute(gate, options));
    governingRoutes(app, gate, options);
    switchRoutes(app, gate, options);
    resourceRoutes(app, gate, options);
    auditRoutes(app, gate, options);
    jobRoutes(app, gate, options);
  };
}

/** Every body here is optional: none, an empty one and JSON `null` are `{}`, and members that are `null` are absent. */
function acceptMissingBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text.trim() === '') done(null, undefined);
    else parse(request, text, done);
  });
  app.addHook('preValidation', async (request) => {
    const { body } = request;
    if (body === undefined || body === null) request.body = {};
    else if (typeof body === 'object') dropNulls(body as Record<string, unknown>);
  });
}

/** As deep as the bodies go, and no deeper: a stranger decides how deep a body is. */
function dropNulls(value: Record<string, unknown>, depth = 4): void {
  for (const [key, member] of Object.entries(value)) {
    if (member === null && !Array.isArray(value)) delete value[key];
    else if (typeof member === 'object' && depth > 1) dropNulls(member as Record<string, unknown>, depth - 1);
  }
}
