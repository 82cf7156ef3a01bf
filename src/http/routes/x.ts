/**
 * Plugin routes, `/x/{plugin-id}/…` (`spec/bridge.md` §4), each request in six stages: prepare, match, admit, authorize, execute,
 * answer. A stage that refuses throws, and the failure is answered as plain text.
 *
 * This is the hot path: it works on Node's own request and reply, and nothing of the framework runs after its router.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouteContract } from '../../artifact/routes.js';
import type { Engine, Invocation, Outcome, Started } from '../../engine/engine.js';
import type { Identity } from '../../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../../protocol/errors.js';
import { trimGo } from '../../protocol/text.js';
import type { PluginView } from '../../registry/registry.js';
import { apiFailure } from '../api-failure.js';
import { ClientGone, hasBody, receiveBody } from '../body.js';
import { beginWork, endWork } from '../clients.js';
import { corsHeaders } from '../cors.js';
import { createLanguageChoice, type LanguageChoice, type Languages } from '../language.js';
import { type RouteHit, routeTableOf } from '../match.js';
import { readParameters } from '../parameters.js';
import { EMPTY_ANSWER, type Exchange, sendFailure, sendResponse } from '../respond.js';
import { readQueryValues, takeSnapshot } from '../snapshot.js';
import { type PluginPath, readTarget, splitPluginPath, type Target } from '../target.js';

export interface HttpLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface PluginRouteOptions {
  readonly plugins: { find(pluginId: string): PluginView | undefined };
  /** Whether a plugin serves a tenant; all do when absent. Tenant 0 is the platform, and whoever is not logged in. */
  readonly tenantExposes?: (view: PluginView, tenantId: number) => boolean;
  readonly engine: Pick<Engine, 'start'>;
  /** Throws the 401s of `spec/bridge.md` §4.4. */
  readonly identity: { authenticate(authorization: string | undefined): Identity };
  readonly limits: { readonly maxBodyBytes: number; readonly maxUploadBytes: number };
  readonly languages: Languages;
  /** Whether forwarding headers may name the client. */
  readonly trustProxy: boolean;
  readonly log: HttpLog;
}

/** @param url the target as received; the framework has rewritten that of `request` */
export type PluginHandler = (request: IncomingMessage, reply: ServerResponse, url: string) => void;

/** A handler of every request below `/x`, whatever its verb. */
export function createPluginHandler(options: PluginRouteOptions): PluginHandler {
  const host: Host = { ...options, language: createLanguageChoice(options.languages) };
  return (request, reply, url) => {
    serve(host, { request, reply, head: corsHeaders(request.headers) }, url);
  };
}

interface Host extends PluginRouteOptions {
  readonly language: LanguageChoice;
}

/** Callbacks instead of promises, here and below: a request waits twice, and each wait in promises costs several of them. */
function serve(host: Host, exchange: Exchange, url: string): void {
  try {
    const target = readTarget(url);
    if (exchange.request.method === 'OPTIONS') sendPreflight(exchange);
    else if (hasBody(exchange.request)) takeBody(host, exchange, target);
    else run(host, exchange, target, NO_BODY);
  } catch (thrown) {
    refuse(host, exchange, thrown);
  }
}

function run(host: Host, exchange: Exchange, target: Target, body: Buffer): void {
  const guestBody = prepare(host, exchange, target, body);
  const match = matchRoute(host, exchange.request.method ?? '', target);
  const identity = admit(host, exchange.request, match);
  execute(host, exchange, { target, match, identity, body: guestBody });
}

const NO_BODY = Buffer.alloc(0);

/** The CORS step answers every OPTIONS, so no contract of that verb is ever reached. */
function sendPreflight({ reply, head }: Exchange): void {
  head.push('Content-Type', 'application/json', 'Content-Length', String(EMPTY_ANSWER.length));
  reply.writeHead(200, head).end(EMPTY_ANSWER);
}

function takeBody(host: Host, exchange: Exchange, target: Target): void {
  const { request } = exchange;
  const { maxBodyBytes, maxUploadBytes } = host.limits;
  const isUpload = (request.headers['content-type'] ?? '').toLowerCase().includes('multipart/');
  const overflow = isUpload ? () => uploadTooLarge(maxUploadBytes) : bodyTooLarge;
  receiveBody(request, isUpload ? maxUploadBytes : maxBodyBytes, overflow, (body, error) => {
    try {
      if (body === undefined) throw error;
      run(host, exchange, target, body);
    } catch (thrown) {
      refuse(host, exchange, thrown);
    }
  });
}

function bodyTooLarge(): SandpoolError {
  return new SandpoolError('SBX_BODY_TOO_LARGE');
}

function uploadTooLarge(maxUploadBytes: number): SandpoolError {
  const maxSizeMB = Math.max(0, Math.floor((maxUploadBytes - MULTIPART_FRAMING_BYTES) / BYTES_PER_MB));
  return new SandpoolError('UPLOAD_FILE_TOO_LARGE', { maxSizeMB });
}

const BYTES_PER_MB = 1024 * 1024;
/** What the transport limit allows for boundaries and part headers on top of the file. */
const MULTIPART_FRAMING_BYTES = BYTES_PER_MB;

/** Reads the language, which parses the parameters and may refuse them. Returns the body that the guest receives. */
function prepare(host: Host, exchange: Exchange, target: Target, body: Buffer): Buffer {
  const { method = '', headers } = exchange.request;
  const contentType = headers['content-type'] ?? '';
  const parameters = readParameters({ method, contentType, rawQuery: target.rawQuery, body });
  exchange.head.push('Content-Language', host.language.choose(parameters.lang, headers['accept-language']));
  return parameters.body;
}

interface Match extends RouteHit {
  readonly path: PluginPath;
  readonly view: PluginView;
}

/** An unknown plugin and an unknown route cannot be told apart. */
function matchRoute(host: Host, method: string, target: Target): Match {
  const path = splitPluginPath(target.path);
  const view = host.plugins.find(path.pluginId);
  const hit = view === undefined ? undefined : routeTableOf(view.artifact).match(method, path.internalPath);
  if (view === undefined || hit === undefined)
    throw new SandpoolError('SBX_ROUTE_NOT_FOUND', { path: path.publicPath });
  return { path, view, contract: hit.contract, pathParams: hit.pathParams };
}

/**
 * State checks, then access, then permission. Whose tenant it is, only the token tells: a login route is authenticated before
 * the tenant check, and a bad token answered after it.
 */
function admit(host: Host, request: IncomingMessage, match: Match): Identity | undefined {
  const { view, contract } = match;
  const { pluginId } = view;
  if (!view.installed || !view.enabled) throw new SandpoolError('SBX_PLUGIN_NOT_ENABLED', { pluginId });
  if (view.runtimeState !== 'normal') throw new SandpoolError('PLUGIN_RUNTIME_UPGRADE_REQUIRED', { pluginId });
  const caller = contract.access === 'public' ? undefined : authenticate(host, request);
  const tenantId = caller instanceof Refused ? 0 : (caller?.tenantId ?? 0);
  if (host.tenantExposes?.(view, tenantId) === false) throw new SandpoolError('SBX_PLUGIN_NOT_ENABLED', { pluginId });
  if (caller instanceof Refused) throw caller.reason;
  if (caller !== undefined) requirePermission(contract, caller);
  if (view.artifact.bridge?.routeExecution !== true) throw new SandpoolError('BRIDGE_NOT_IMPLEMENTED', { pluginId });
  return caller;
}

class Refused {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

function authenticate(host: Host, request: IncomingMessage): Identity | Refused {
  try {
    return host.identity.authenticate(request.headers.authorization);
  } catch (reason) {
    return new Refused(reason);
  }
}

/** No wildcards: `*:*:*` is a name like any other. */
function requirePermission(contract: RouteContract, identity: Identity): void {
  const permission = trimGo(contract.permission);
  if (permission === '' || identity.isSuperAdmin) return;
  if (identity.permissions.includes(permission)) return;
  if (identity.permissions.some((held) => trimGo(held) === permission)) return;
  throw new SandpoolError('SBX_PERMISSION_DENIED', { permission });
}

interface Call {
  readonly target: Target;
  readonly match: Match;
  readonly identity: Identity | undefined;
  readonly body: Buffer;
}

/** The guest runs as long as its client is there. */
function execute(host: Host, exchange: Exchange, call: Call): void {
  const { socket } = exchange.request;
  if (socket.destroyed) throw new ClientGone('the client went away');
  let started: Started | undefined;
  let hasEnded = false;
  started = host.engine.start(invocationOf(host, exchange, call), (outcome) => {
    hasEnded = true;
    if (started) endWork(socket, started);
    answerSafely(host, exchange, call.match, outcome);
  });
  if (!hasEnded) beginWork(socket, started);
}

function invocationOf(host: Host, { request }: Exchange, { target, match, identity, body }: Call): Invocation {
  const { contract, path } = match;
  const method = request.method ?? '';
  const route = {
    method,
    publicPath: path.publicPath,
    internalPath: path.internalPath,
    routePath: contract.path,
    access: contract.access,
    permission: contract.permission,
    requestType: contract.requestType,
    pathParams: match.pathParams,
    queryValues: readQueryValues(target.rawQuery),
  };
  const envelope = {
    pluginId: path.pluginId,
    route,
    request: takeSnapshot(request, target, path, body, host.trustProxy),
    requestId: requestIdOf(match, method),
    ...(identity === undefined ? NO_IDENTITY : { identity }),
  };
  return { pluginId: path.pluginId, executionSource: 'route', envelope, tenantId: identity?.tenantId ?? 0 };
}

const NO_IDENTITY = {};

/** Not unique: the reference's form, which guests may log. */
function requestIdOf({ path }: Match, method: string): string {
  return `${path.pluginId}:${method}:${path.internalPath}`;
}

function answerSafely(host: Host, exchange: Exchange, match: Match, outcome: Outcome): void {
  try {
    answer(host, exchange, match, outcome);
  } catch (thrown) {
    refuse(host, exchange, thrown);
  }
}

function answer(host: Host, exchange: Exchange, match: Match, outcome: Outcome): void {
  if (outcome.ok) {
    sendResponse(exchange, outcome.response);
    return;
  }
  const { error } = outcome;
  if (error.blame !== 'caller') logFailure(host, exchange, match, error);
  sendFailure(exchange, error);
}

function logFailure({ log }: Host, { request }: Exchange, match: Match, error: SandpoolError): void {
  const facts = {
    code: error.code,
    pluginId: match.path.pluginId,
    requestId: requestIdOf(match, request.method ?? ''),
    route: match.contract.path,
  };
  if (error.blame === 'host') log.error(facts, error.message);
  else log.warn(facts, error.message);
}

function refuse(host: Host, exchange: Exchange, thrown: unknown): void {
  if (thrown instanceof ClientGone) return;
  const error = thrown instanceof SandpoolError ? thrown : internalError(host, thrown);
  if (exchange.reply.headersSent) exchange.reply.destroy();
  else if (error.code === 'UPLOAD_FILE_TOO_LARGE') sendUploadTooLarge(exchange, error);
  else sendFailure(exchange, error);
}

function internalError({ log }: Host, thrown: unknown): SandpoolError {
  log.error({ err: thrown }, 'a plugin request failed inside the host');
  return new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) }, { cause: thrown });
}

/** The one refusal that has the form of the core API: 200 and an envelope. */
function sendUploadTooLarge({ reply, head }: Exchange, error: SandpoolError): void {
  const body = Buffer.from(JSON.stringify(apiFailure(error)));
  head.push('Content-Type', 'application/json', 'X-Sandpool-Error', error.code, 'Content-Length', String(body.length));
  reply.writeHead(200, head).end(body);
}
