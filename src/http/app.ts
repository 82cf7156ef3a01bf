/** The HTTP server: plugin routes, operations, and whatever else is registered; a miss in one namespace stays a miss. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { SandpoolError } from '../protocol/errors.js';
import type { Texts } from '../resources/texts.js';
import { apiFailure, apiStatus, asSandpoolError, type Say } from './api-failure.js';
import { isAssetTarget } from './asset-target.js';
import { createLanguageChoice } from './language.js';
import { retryAfterSeconds } from './respond.js';
import { type OpsOptions, registerOps } from './routes/ops.js';
import { createPluginHandler, type PluginRouteOptions } from './routes/x.js';
import { type AssetRouteOptions, createAssetHandler } from './routes/x-assets.js';
import { isPluginTarget } from './target.js';

export interface AppOptions extends PluginRouteOptions, OpsOptions {
  /** Public assets; without them nothing is below `/x-assets`. */
  readonly assets?: AssetRouteOptions;
  /** Registers further routes, such as the control plane. */
  /** Says failures in the language of a request; without it they are said in English. */
  readonly texts?: Pick<Texts, 'translate'>;
  readonly register?: (app: FastifyInstance) => Promise<void> | void;
}

/** An application that is not listening yet; `inject` works at once. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    bodyLimit: options.limits.maxBodyBytes,
    trustProxy: options.trustProxy,
    return503OnClosing: false,
    rewriteUrl: (request) => routedUrl(request.url ?? '/'),
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (_error, _request, reply) => sendBadRequest(reply),
    clientErrorHandler: answerBrokenRequest,
  });
  const speech = createSpeech(options);
  app.setErrorHandler((thrown, request, reply) =>
    sendApiFailure(reply, options, asSandpoolError(thrown), speech(request)),
  );
  app.setNotFoundHandler((request, reply) => sendNotFound(request, reply, speech(request)));
  registerNamespaces(app, options);
  registerOps(app, options);
  if (options.register !== undefined) app.register(async (scope) => options.register?.(scope));
  return app;
}

/** Longest time for a whole request to arrive; also bounds how long an oversized body is read and dropped. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than the idle time of usual proxies, so that they and not we close a connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** Node's default of 16 KiB refuses the cookies of some real browsers. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_PARAM_LENGTH = 1024;

/** All targets below `/x` and `/x-assets` are sent to one literal route each: the router neither decodes nor judges them. */
const PLUGIN_URL = '/x';
const ASSET_URL = '/x-assets';

function routedUrl(url: string): string {
  if (isPluginTarget(url)) return PLUGIN_URL;
  return isAssetTarget(url) ? ASSET_URL : url;
}

function registerNamespaces(app: FastifyInstance, options: AppOptions): void {
  for (const method of http.METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  registerRaw(app, PLUGIN_URL, isPluginTarget, createPluginHandler(options));
  const { assets } = options;
  if (assets !== undefined) registerRaw(app, ASSET_URL, isAssetTarget, createAssetHandler({ ...options, assets }));
}

type RawHandler = (request: IncomingMessage, reply: ServerResponse, url: string) => void;

/** A route that answers on Node's own request and reply, whatever the verb. */
function registerRaw(app: FastifyInstance, url: string, isOurs: (url: string) => boolean, handle: RawHandler): void {
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'CONNECT'),
    url,
    exposeHeadRoute: false,
    // Before the framework looks at content type or body: from here on the answer is ours alone.
    onRequest: ({ raw, originalUrl }, reply, done) => {
      if (!isOurs(originalUrl)) {
        done(new SandpoolError('SBX_NOT_FOUND', { path: originalUrl }));
        return;
      }
      reply.hijack();
      handle(raw, reply.raw, originalUrl);
    },
    handler: async () => undefined,
  });
}

function createSpeech({ languages, texts }: AppOptions): (request: FastifyRequest) => Say {
  const language = createLanguageChoice(languages);
  return ({ query, headers }) => {
    const { lang } = (query ?? {}) as { readonly lang?: unknown };
    const locale = language.choose(typeof lang === 'string' ? lang : undefined, headers['accept-language']);
    return (key) => texts?.translate(locale, key);
  };
}

function sendNotFound(request: FastifyRequest, reply: FastifyReply, say: Say): void {
  const path = request.originalUrl.split('?', 1)[0];
  const error = new SandpoolError('SBX_NOT_FOUND', { path });
  reply.code(error.status).header('x-sandpool-error', error.code).send(apiFailure(error, say));
}

function sendApiFailure(reply: FastifyReply, { log }: AppOptions, error: SandpoolError, say: Say): void {
  if (error.code === 'SBX_INTERNAL') log.error({ err: error.cause ?? error }, error.message);
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  reply.code(apiStatus(error)).header('x-sandpool-error', error.code).send(apiFailure(error, say));
}

/** A target that cannot be decoded, outside `/x`. */
function sendBadRequest(reply: FastifyReply): void {
  const error = new SandpoolError('SBX_PATH_INVALID');
  reply.code(error.status).header('x-sandpool-error', error.code).type('text/plain; charset=utf-8').send(error.message);
}

/** Bytes that are no HTTP request, answered in Go's words; never into the middle of another answer. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  const { _httpMessage: current } = socket as Socket & { _httpMessage?: ServerResponse };
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent === true) {
    socket.destroy(error);
    return;
  }
  const status = BROKEN_REQUESTS[error.code ?? ''] ?? '400 Bad Request';
  const headers = 'Content-Type: text/plain; charset=utf-8\r\nConnection: close';
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${status}`);
}

const BROKEN_REQUESTS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
