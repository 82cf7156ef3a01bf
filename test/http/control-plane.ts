/** The control plane over a real registry on a directory of its own, with an engine of paper and a plugin `bystander`. */
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Test } from 'tap';
import { type ApiRouteOptions, apiRoutes } from '../../src/http/routes/api.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { RegistryOptions } from '../../src/registry/registry.js';
import { createTableLists } from '../../src/resources/table-lists.js';
import type { ArtifactParts } from '../artifact/build.js';
import { artifactOf, type House, newHouse } from '../registry/house.js';
import { done, fakeHost, identity, response } from './fakes.js';

export const MAX_UPLOAD_BYTES = 2 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errorCode?: string;
  readonly messageKey?: string;
  readonly messageParams?: Readonly<Record<string, unknown>>;
}

export interface ControlPlane extends House {
  readonly app: FastifyInstance;
  /** `ask('PUT', '/demo/enable', body)`, below `/api/v1/plugins`, as a super-admin unless `as` says who. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, as?: string): Promise<Answer>;
  upload(bytes: Uint8Array, fields?: Readonly<Record<string, string>>, as?: string): Promise<Answer>;
  /** Uploads, installs and enables, granting all. */
  serve(id: string, version?: string, parts?: ArtifactParts): Promise<void>;
}

/**
 * Who asks is a word: `admin`, `tenant` (of tenant 22, with every permission), or permissions such as `plugin:query`.
 * A plugin answers with its version and the beginning of its checksum.
 */
export async function openControlPlane(
  t: Test,
  options: Partial<RegistryOptions> &
    Pick<ApiRouteOptions, 'autoEnable' | 'quarantine' | 'tenantExposes' | 'jobs'> = {},
): Promise<ControlPlane> {
  const { autoEnable = [], quarantine, tenantExposes, jobs, ...registryOptions } = options;
  const house = await newHouse(t, registryOptions);
  const { registry, fake } = house;
  const { app } = fakeHost({
    plugins: registry,
    engine: {
      start({ pluginId }, end) {
        const loaded = pluginId === 'bystander' ? undefined : fake.loaded.get(pluginId);
        const body = loaded ? `${loaded.version} ${loaded.checksum.slice(0, 12)}` : 'pong';
        end(done(response({ body })));
        return { cancel: () => {} };
      },
    },
    register: async (scope) => {
      const tables = createTableLists({ dataDir: house.dir });
      t.teardown(tables.close);
      const routes = { registry, identity: { authenticate }, tables, maxUploadBytes: MAX_UPLOAD_BYTES, autoEnable };
      await scope.register(
        apiRoutes({
          ...routes,
          ...(quarantine && { quarantine }),
          ...(tenantExposes && { tenantExposes }),
          ...(jobs && { jobs }),
        }),
      );
    },
  });
  t.teardown(() => app.close());

  const inject = async (request: InjectOptions): Promise<Answer> => {
    const answer = await app.inject(request);
    return { status: answer.statusCode, ...answer.json<Omit<Answer, 'status'>>() };
  };
  const serve: ControlPlane['serve'] = async (id, version, parts) => {
    await registry.upload(artifactOf(id, version, parts));
    await registry.install(id, { grantUnreviewed: true });
    await registry.enable(id);
  };
  await serve('bystander', 'v1.0.0', { routes: [{ path: '/ping' }] });
  return {
    ...house,
    app,
    serve,
    ask: (method, path, body, as = 'admin') =>
      inject({
        method,
        url: `/api/v1/plugins${path}`,
        headers: { ...bearer(as), ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    upload: (bytes, fields = {}, as = 'admin') =>
      inject({
        method: 'POST',
        url: '/api/v1/plugins/dynamic/package',
        headers: { ...bearer(as), 'content-type': FORM_TYPE },
        payload: form([...Object.entries(fields), ['file', bytes]]),
      }),
  };
}

export const FORM_TYPE = 'multipart/form-data; boundary=edge';

/** A form as a browser sends it; bytes are a file, texts are fields. */
export function form(parts: readonly (readonly [name: string, value: string | Uint8Array])[]): Buffer {
  const pieces = parts.flatMap(([name, value]) => {
    const file = typeof value === 'string' ? '' : '; filename="a b.wasm"\r\nContent-Type: application/wasm';
    const head = `--edge\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')];
  });
  return Buffer.concat([...pieces, Buffer.from('--edge--\r\n')]);
}

function bearer(word: string): { authorization?: string } {
  return word === '' ? {} : { authorization: `Bearer ${word}` };
}

const ALL = ['query', 'install', 'uninstall', 'enable', 'disable', 'edit'].map((action) => `plugin:${action}`);

function authenticate(authorization: string | undefined) {
  if (authorization === undefined) throw new SandpoolError('SBX_TOKEN_MISSING');
  const word = authorization.replace('Bearer ', '');
  if (word === 'admin') return identity({ userId: 1, isSuperAdmin: true });
  if (word === 'tenant') return identity({ tenantId: 22, permissions: [...ALL, 'demo:records:list'] });
  if (word === 'expired') throw new SandpoolError('SBX_SESSION_EXPIRED');
  if (!word.includes(':')) throw new SandpoolError('SBX_TOKEN_INVALID');
  return identity({ permissions: word.split(','), dataScope: 4 });
}
