/** Upload of an artifact (`spec/governance.md` §2.3). */
import multipart from '@fastify/multipart';
import type { FastifyPluginAsync } from 'fastify';
import { success } from '../api-route.js';
import { type ApiRouteOptions, type Gate, PREFIX } from '../plugin-route.js';
import { FORM_LIMITS, receiveUpload } from '../upload.js';

/** In a scope of its own: nowhere else is a form a body. */
export function uploadRoute({ permit, callerOf }: Gate, options: ApiRouteOptions): FastifyPluginAsync {
  const { registry, maxUploadBytes } = options;
  return async (app) => {
    await app.register(multipart, { limits: FORM_LIMITS, throwFileSizeLimit: false });
    app.post(`${PREFIX}/dynamic/package`, { onRequest: permit('plugin:install') }, async (request) => {
      const { bytes, ...uploadOptions } = await receiveUpload(request, maxUploadBytes);
      const uploaded = await registry.upload(bytes, { ...uploadOptions, by: callerOf(request).username });
      const { plugin } = uploaded.record;
      const { manifest, metadata } = uploaded.artifact;
      return success({
        id: manifest.id,
        name: manifest.name,
        version: manifest.version,
        type: manifest.type,
        runtimeKind: metadata.runtimeKind,
        runtimeAbi: metadata.abiVersion,
        installed: plugin.installed,
        enabled: plugin.status,
      });
    });
  };
}
