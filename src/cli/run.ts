/** `sandpool run`: executes one route of an artifact on a private engine, with nothing installed and nothing kept. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { type Artifact, parseArtifact } from '../artifact/artifact.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { createEngine, type Engine, type Invocation, type Outcome } from '../engine/engine.js';
import { createGrant, type Grant, grantAll } from '../grants/grant.js';
import { narrow } from '../grants/narrow.js';
import { createApp } from '../http/app.js';
import { cacheLimits } from '../main/cache.js';
import { engineOptions } from '../main/engine-options.js';
import { createHostCallAnswers, openHostTables, openPluginNetwork } from '../main/host-calls.js';
import { directoryOfOne } from '../main/plugin-directory.js';
import { createMetrics } from '../metrics.js';
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import type { HostCallTrace } from '../protocol/messages.js';
import { unreadable } from '../protocol/unreadable.js';
import { runPhase } from '../registry/install-sql.js';
import type { PluginView } from '../registry/registry.js';
import { createMemoryCache } from '../services/cache/memory.js';
import { loadParser } from '../store/dialect/parse.js';
import { openPluginDatabase } from '../store/plugin-database.js';
import { createPluginDatabases } from '../store/plugin-databases.js';
import { openDatabase } from '../store/sqlite.js';
import { openStateStore } from '../store/state.js';
import type { Context, ExitCode } from './command.js';
import { columns } from './table.js';

interface Options {
  readonly config?: string;
  readonly header?: readonly string[];
  readonly data?: string;
  readonly grant?: string;
  readonly anonymous?: boolean;
}

/** User 1 of the platform, who may do everything. */
const SUPER_ADMIN: Identity = {
  tokenId: 'sandpool-run',
  userId: 1,
  username: 'admin',
  status: 1,
  permissions: [],
  roleNames: [],
  isSuperAdmin: true,
  dataScope: 1,
  dataScopeUnsupported: false,
  unsupportedDataScope: 0,
  tenantId: 0,
  actingUserId: 0,
  actingAsTenant: false,
  isImpersonation: false,
};

/** Prints status, headers and body. Ends with 1 when the invocation failed; any status that the guest chose is a success. */
export async function run({ args, options, answer, note }: Context<Options>): Promise<ExitCode> {
  const [file = '', method = '', path = ''] = args;
  const bytes = await readBytes(file);
  const artifact = parseArtifact(bytes);
  const { config } = loadConfig({ file: options.config });
  const view = viewOf(artifact, await grantOf(artifact, options.grant));
  const dataDir = await mkdtemp(join(tmpdir(), 'sandpool-run-'));
  const room = createRoom({ config, view, bytes, dataDir, isAnonymous: options.anonymous === true, note });
  try {
    await applySql(artifact, dataDir);
    await room.load();
    const response = await room.request(
      method,
      pathOf(artifact, path),
      headersOf(options.header),
      await bodyOf(options.data),
    );
    const { outcome, hostCalls } = await room.end();
    const body = response.rawPayload;
    const document = {
      status: response.statusCode,
      headers: response.headers,
      body: body.toString('utf8'),
      bodyBase64: body.toString('base64'),
      hostCalls,
      timings: outcome?.timings ?? null,
      ...(outcome && !outcome.ok && { error: outcome.error.toData() }),
    };
    answer(document, textOf(document));
    if (outcome === undefined || outcome.ok) return 0;
    note(`${outcome.error.code}: ${outcome.error.message}`);
    return 1;
  } finally {
    await room.end();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function grantOf(artifact: Artifact, choice = 'all'): Promise<Grant> {
  const { id } = artifact.manifest;
  if (choice === 'all') return grantAll(id, artifact.hostServices);
  if (choice === 'none') return createGrant(id, []);
  const text = Buffer.from(await readBytes(choice)).toString('utf8');
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    return createGrant(
      id,
      narrow(artifact.hostServices, (parsed.authorization ?? parsed) as Parameters<typeof narrow>[1]),
    );
  } catch (thrown) {
    if (thrown instanceof SandpoolError) throw thrown;
    throw unreadable(choice, thrown);
  }
}

/** The install SQL, on a database that goes when the command ends. @throws SBX_SQL_INVALID, SBX_SQL_UNSUPPORTED, SBX_SQL_FAILED */
async function applySql({ manifest, installSql }: Artifact, dataDir: string): Promise<void> {
  if (installSql.length === 0) return;
  await loadParser();
  const database = openPluginDatabase(dataDir, manifest.id);
  try {
    runPhase(database, { pluginId: manifest.id, releaseId: 1, phase: 'install', files: installSql });
  } finally {
    database.close();
  }
}

function viewOf(artifact: Artifact, grant: Grant): PluginView {
  const { id, version, defaultInstallMode } = artifact.manifest;
  return {
    pluginId: id,
    version,
    checksum: artifact.checksum,
    generation: 1,
    releaseId: 1,
    installed: true,
    enabled: true,
    installMode: defaultInstallMode,
    runtimeState: 'normal',
    artifact,
    packagePath: '',
    grant,
  };
}

// ---- the room ------------------------------------------------------------------------------------------------------------

interface RoomParts {
  readonly config: Config;
  readonly view: PluginView;
  readonly bytes: Uint8Array;
  readonly dataDir: string;
  readonly isAnonymous: boolean;
  readonly note: (text: string) => void;
}

/** An engine and an application for one plugin and one request. */
function createRoom({ config, view, bytes, dataDir, isAnonymous, note }: RoomParts) {
  const hostCalls: HostCallTrace[] = [];
  let outcome: Outcome | undefined;
  const log = pino({ level: 'silent' });
  const metrics = createMetrics();
  const state = openStateStore(':memory:');
  const { run } = createMemoryCache({ ...cacheLimits(config), now: Date.now });
  const databases = createPluginDatabases({ dataDir, now: Date.now });
  const database = openDatabase(':memory:');
  const settings = engineOptions(config);
  const plugins = { find: (id: string) => (id === view.pluginId ? view : undefined), subscribe: () => () => {} };
  const network = openPluginNetwork(config, plugins);
  const engine: Engine = createEngine({
    ...settings,
    // One thread: the state of the plugin lives in the thread's own memory.
    pool: { ...settings.pool, minThreads: 1, maxThreads: 1, maxWaitingThreads: 0 },
    stateFile: ':memory:',
    dataDir,
    storage: { directory: join(dataDir, 'storage'), limits: config.storage },
    metrics,
    log: ({ level, text }) => note(`${view.pluginId} ${level}: ${text}`),
    answerHostCall: createHostCallAnswers({
      config,
      state,
      registry: plugins,
      network,
      dataDir: config.data.dir,
      cache: run,
      databases,
      log,
      more: { ...openHostTables(database, config), pluginDirectory: directoryOfOne(view.artifact.manifest) },
    }),
    onHostCall: (call) => void hostCalls.push(call),
  });
  const app = createApp({
    plugins,
    engine: {
      start: (invocation: Invocation, end: (outcome: Outcome) => void) =>
        engine.start(invocation, (ended) => {
          outcome = ended;
          end(ended);
        }),
    },
    identity: { authenticate: (header) => (isAnonymous ? refuse(header) : SUPER_ADMIN) },
    limits: { maxBodyBytes: config.server.maxBodyBytes, maxUploadBytes: config.server.maxBodyBytes },
    languages: { default: config.i18n.default, supported: config.i18n.locales },
    trustProxy: false,
    unreadyReasons: () => [],
    metrics: { enabled: false, path: '/metrics', render: metrics.render, contentType: metrics.contentType },
    log,
  });
  let ending: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await engine.close();
    await app.close();
    await network.close();
    databases.close();
    state.close();
    database.close();
  };

  return {
    load: () =>
      engine.load({
        ...view,
        ...(view.artifact.bridge?.routeExecution && { bridge: view.artifact.bridge }),
        manifestResources: new Map(
          view.artifact.manifestResources.map(({ path, content }) => [path.slice('manifest/'.length), content]),
        ),
        readArtifact: async () => bytes,
      }),
    request: (method: string, url: string, headers: Record<string, string | string[]>, payload: Buffer | undefined) =>
      app.inject({ method: method.toUpperCase() as 'GET', url, headers, ...(payload && { payload }) }),
    async end() {
      ending ??= close();
      await ending;
      return { outcome, hostCalls };
    },
  };
}

function refuse(header: string | undefined): never {
  throw new SandpoolError(header === undefined || header.trim() === '' ? 'SBX_TOKEN_MISSING' : 'SBX_TOKEN_INVALID');
}

// ---- what goes in and comes out --------------------------------------------------------------------------------------------

/** Both `/notes` and `/x/<id>/notes` name a route. */
function pathOf(artifact: Artifact, path: string): string {
  const prefix = `/x/${artifact.manifest.id}`;
  if (path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`)) return path;
  return `${prefix}${path.startsWith('/') ? '' : '/'}${path}`;
}

function headersOf(lines: readonly string[] = []): Record<string, string | string[]> {
  const headers: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new SandpoolError('SBX_USAGE', { reason: `-H ${line} is not name:value` });
    const name = line.slice(0, colon).trim().toLowerCase();
    headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()];
  }
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

async function bodyOf(data: string | undefined): Promise<Buffer | undefined> {
  if (data === undefined) return undefined;
  return data.startsWith('@') ? Buffer.from(await readBytes(data.slice(1))) : Buffer.from(data);
}

interface Document {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly hostCalls: readonly HostCallTrace[];
  readonly timings: Outcome['timings'] | null;
}

function textOf({ status, headers, body, hostCalls, timings }: Document): string {
  const lines = [
    `HTTP ${status}`,
    ...Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${String(one)}`)),
    '',
    body,
  ];
  return timings === null ? lines.join('\n') : [...lines, '', runLines(timings, hostCalls)].join('\n');
}

function runLines({ runMs, hostCalls: count }: Outcome['timings'], hostCalls: readonly HostCallTrace[]): string {
  const calls = hostCalls.map(({ service, method, resource, status, ms }) => [
    `  ${service}.${method}`,
    resource,
    status === null ? 'no answer' : (ANSWERS[status] ?? 'failed'),
    `${ms.toFixed(3)} ms`,
  ]);
  const ran = `ran ${runMs.toFixed(2)} ms with ${count} host call${count === 1 ? '' : 's'}`;
  return [ran, ...(calls.length > 0 ? [columns(calls)] : [])].join('\n');
}

/** The statuses of a host call in words (`spec/host-services.md` §1.4). */
const ANSWERS = ['ok', 'denied', 'not found', 'invalid request', 'internal error'];
