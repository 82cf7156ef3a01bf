/** A host with plugins and an engine of paper, for tests of the HTTP room. */
import type { FastifyInstance } from 'fastify';
import type { Artifact } from '../../src/artifact/artifact.js';
import type { RouteContract } from '../../src/artifact/routes.js';
import type { Invocation, Outcome } from '../../src/engine/engine.js';
import { type AppOptions, createApp } from '../../src/http/app.js';
import type { Identity, ResponseEnvelope } from '../../src/protocol/envelope.js';
import { type ErrorCode, type Facts, SandpoolError } from '../../src/protocol/errors.js';
import type { PluginView } from '../../src/registry/registry.js';

const timings = { queueMs: 0, runMs: 0, hostCalls: 0 };

export function route(method: string, path: string, more: Partial<RouteContract> = {}): RouteContract {
  const access = more.permission === undefined ? 'public' : 'login';
  const texts = { tags: [], summary: '', description: '', meta: {}, permission: '' };
  return { method, path, access, requestType: 'Req', ...texts, ...more };
}

/** A view with what the HTTP room reads of it. */
export function view(
  pluginId: string,
  routes: readonly RouteContract[],
  more: Partial<PluginView> & { routeExecution?: boolean } = {},
): PluginView {
  const bridge = { routeExecution: more.routeExecution ?? true };
  const artifact = { routes, bridge } as unknown as Artifact;
  const release = { version: 'v1.0.0', checksum: 'c0ffee', generation: 1, releaseId: 1 };
  const state = { installed: true, enabled: true, runtimeState: 'normal' as const };
  return { pluginId, ...release, ...state, artifact, ...more } as PluginView;
}

export function identity(more: Partial<Identity> = {}): Identity {
  const who = { tokenId: 't1', userId: 7, username: 'ada', status: 1, permissions: [], roleNames: [] };
  const scope = { isSuperAdmin: false, dataScope: 1, dataScopeUnsupported: false, unsupportedDataScope: 0 };
  return { ...who, ...scope, tenantId: 0, actingUserId: 0, actingAsTenant: false, isImpersonation: false, ...more };
}

/** A guest's response; the body as text or bytes. */
export function response(
  more: Partial<Omit<ResponseEnvelope, 'body'>> & { body?: string | Uint8Array } = {},
): ResponseEnvelope {
  const { body = '', ...rest } = more;
  return { statusCode: 200, contentType: '', headers: {}, ...rest, body: Buffer.from(body) };
}

export const done = (envelope: ResponseEnvelope): Outcome => ({ ok: true, response: envelope, timings });
export const failed = (code: ErrorCode, facts: Facts = {}): Outcome => ({
  ok: false,
  error: new SandpoolError(code, facts),
  timings,
});

export interface FakeHost {
  readonly app: FastifyInstance;
  /** Every invocation that reached the engine, oldest first. */
  readonly invocations: Invocation[];
  /** Those whose client has gone away. */
  readonly cancelled: Invocation[];
  readonly logged: { level: 'warn' | 'error'; facts: Record<string, unknown>; message: string }[];
}

export interface FakeHostOptions extends Partial<AppOptions> {
  readonly views?: readonly PluginView[];
  /** Answers an invocation; by default 200 `ok`. */
  readonly guest?: (invocation: Invocation) => Outcome | Promise<Outcome>;
}

/** Has the plugin `bystander` with the public route GET `/ping` besides `views`. */
export function fakeHost({ views = [], guest, ...overrides }: FakeHostOptions = {}): FakeHost {
  const known = new Map([...views, view('bystander', [route('GET', '/ping')])].map((one) => [one.pluginId, one]));
  const invocations: Invocation[] = [];
  const cancelled: Invocation[] = [];
  const logged: FakeHost['logged'] = [];
  const runGuest = (invocation: Invocation): Outcome | Promise<Outcome> => {
    if (invocation.pluginId === 'bystander') return done(response({ body: 'pong' }));
    invocations.push(invocation);
    return guest === undefined ? done(response({ body: 'ok' })) : guest(invocation);
  };
  const app = createApp({
    plugins: { find: (pluginId) => known.get(pluginId) },
    engine: {
      start(invocation, end) {
        void Promise.resolve(runGuest(invocation)).then(end);
        return { cancel: () => void cancelled.push(invocation) };
      },
    },
    identity: { authenticate: authenticateByWord },
    limits: { maxBodyBytes: 1000, maxUploadBytes: 3 * 1024 * 1024 },
    languages: { default: 'en-US', supported: ['en-US', 'zh-CN'] },
    trustProxy: false,
    log: {
      warn: (facts, message) => logged.push({ level: 'warn', facts: { ...facts }, message }),
      error: (facts, message) => logged.push({ level: 'error', facts: { ...facts }, message }),
    },
    unreadyReasons: () => [],
    metrics: {
      enabled: true,
      path: '/metrics',
      render: async () => 'up 1\n',
      contentType: 'text/plain; version=0.0.4',
    },
    ...overrides,
  });
  return { app, invocations, cancelled, logged };
}

/** `Bearer user` is user 7, `Bearer admin` a super-admin, `Bearer tenant` of tenant 22; the rest fails as a real token would. */
function authenticateByWord(authorization: string | undefined): Identity {
  if (authorization === undefined || authorization.trim() === '') throw new SandpoolError('SBX_TOKEN_MISSING');
  if (!authorization.startsWith('Bearer ')) throw new SandpoolError('SBX_TOKEN_SHAPE');
  const word = authorization.slice('Bearer '.length);
  if (word === 'user') return identity({ permissions: ['p:a:view'] });
  if (word === 'stars') return identity({ permissions: ['*:*:*'] });
  if (word === 'admin') return identity({ userId: 1, isSuperAdmin: true });
  if (word === 'tenant') return identity({ tenantId: 22 });
  if (word === 'expired') throw new SandpoolError('SBX_SESSION_EXPIRED');
  if (word === 'rolesless') throw new Error('roles of user 7 cannot be loaded');
  throw new SandpoolError('SBX_TOKEN_INVALID');
}

/** The answer of an uninvolved plugin, which no fault elsewhere may change. */
export async function askBystander(app: FastifyInstance): Promise<string> {
  const { statusCode, body } = await app.inject('/x/bystander/ping');
  return `${statusCode} ${body}`;
}
