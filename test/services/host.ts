/** A host in miniature: services over a state in memory, a grant, and what was logged. */
import type { Test } from 'tap';
import { CATALOGUE, type HostServiceDeclaration } from '../../src/artifact/host-services.js';
import { compileGrant } from '../../src/grants/authorize.js';
import { createGrant } from '../../src/grants/grant.js';
import {
  encodeHostCallRequest,
  encodeHostCallResponse,
  encodeJsonText,
  type HostCallRequest,
} from '../../src/protocol/host-call.js';
import {
  answerInWorker,
  answerOnHost,
  createOpener,
  type HostCallAnswer,
  type HostCallQuestion,
} from '../../src/services/answer.js';
import { createMemoryCache } from '../../src/services/cache/memory.js';
import { createServices, type ServiceOptions } from '../../src/services/index.js';
import type { HostCallContext, ServiceEnvironment, ServiceLogLine } from '../../src/services/service.js';
import { type LockStore, openLockStore } from '../../src/store/locks.js';
import { createPluginDatabases } from '../../src/store/plugin-databases.js';
import { openStateStore, type StateStore } from '../../src/store/state.js';

export interface TestHostOptions extends ServiceOptions {
  readonly grants?: readonly HostServiceDeclaration[];
  readonly context?: Partial<HostCallContext>;
  readonly environment?: Partial<ServiceEnvironment>;
}

/** A declaration with all methods of the service that the catalogue knows. */
export function granted(service: string, more: Partial<HostServiceDeclaration> = {}): HostServiceDeclaration {
  const methods = Object.keys(CATALOGUE[service] ?? {});
  return { owner: '', service, version: '', methods, paths: [], tables: [], keys: [], resources: [], ...more };
}

const UNTARGETED = ['bizctx', 'plugins', 'route', 'runtime'].map((service) => granted(service));

export function createTestHost(t: Test, options: TestHostOptions = {}) {
  const logs: ServiceLogLine[] = [];
  let store: StateStore | undefined;
  let locks: LockStore | undefined;
  t.teardown(() => store?.close());
  t.teardown(() => locks?.close());
  const environment: ServiceEnvironment = {
    nodeName: 'node-a',
    state: () => {
      store ??= openStateStore(':memory:');
      return store;
    },
    locks: () => {
      locks ??= openLockStore(':memory:');
      return locks;
    },
    databases: () => createPluginDatabases({ now: Date.now }),
    log: (line) => logs.push(line),
    hostConfig: () => undefined,
    pluginConfig: () => undefined,
    cache: createMemoryCache({ maxEntries: 1000, maxBytes: 1 << 20, now: () => 1763480430000 }).run,
    now: () => 1763480430000.75,
    ...options.environment,
  };
  const services = createServices(environment, options);
  const authorize = compileGrant(createGrant('demo', options.grants ?? UNTARGETED));
  const context: HostCallContext = {
    pluginId: 'demo',
    executionSource: 'route',
    routePath: '/records/{id}',
    requestId: 'req-1',
    tenantId: 0,
    deadlineAt: 1763480460000,
    manifestResources: new Map(),
    release: { key: 1, grantedServices: options.grants ?? UNTARGETED, tenantFilter: true },
    ...options.context,
  };

  /** Asks with raw bytes, in the worker first and on the host when the method is placed there. */
  const askBytes = async (request: Uint8Array, more: Partial<HostCallQuestion> = {}): Promise<Asked> => {
    const question = { opcode: 1, request, authorize, context, ...more };
    const opened = createOpener(services, question.authorize)(
      question.opcode,
      question.request,
      0,
      question.request.length,
    );
    return read(answerInWorker(services, opened, question.context) ?? (await answerOnHost(services, question)));
  };
  const ask = (service: string, method: string, more: Partial<HostCallRequest> = {}) =>
    askBytes(encodeHostCallRequest({ ...BARE, service, method, ...more }));
  return { ask, askBytes, logs, environment, services, authorize, context };
}

const BARE = { resourceRef: '', table: '', payload: new Uint8Array(), owner: '', version: '' };

export interface Asked {
  readonly status: number;
  /** Hex of the whole response. */
  readonly response: string;
  /** Hex of its payload. */
  readonly payload: string;
  /** The error payload; undefined for status 0. */
  readonly error?: { readonly errorCode: string; readonly messageParams?: object; readonly fallback: string };
  /** The JSON of a JSON response. */
  readonly json: () => unknown;
  readonly labels: readonly [service: string, method: string, resourceRef: string];
}

function read(answer: HostCallAnswer): Asked {
  const { status, payload } = answer;
  return {
    status,
    response: Buffer.from(encodeHostCallResponse(answer)).toString('hex'),
    payload: Buffer.from(payload).toString('hex'),
    ...(status === 0 ? {} : { error: JSON.parse(Buffer.from(payload).toString()) }),
    json: () =>
      JSON.parse(
        Buffer.from(payload)
          .toString()
          .replace(/^[^[{]*/, ''),
      ),
    labels: [answer.service, answer.method, answer.resourceRef],
  };
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

/** Payload of a JSON method. */
export function json(value: unknown): Uint8Array {
  return encodeJsonText(JSON.stringify(value));
}
