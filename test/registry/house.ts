/** A registry on a directory of its own, with an engine that only remembers. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import {
  type Callback,
  type CallbackEnd,
  createRegistry,
  type PluginView,
  type PreparedRelease,
  type Registry,
  type RegistryOptions,
} from '../../src/registry/registry.js';
import { openBlobs } from '../../src/store/blobs.js';
import { type Database, openDatabase } from '../../src/store/sqlite.js';
import { type ArtifactParts, buildArtifact } from '../artifact/build.js';

export interface FakeEngine {
  /** What is loaded, by plugin. */
  readonly loaded: Map<string, PluginView>;
  /** What was prepared and neither published nor let go of. */
  readonly held: Set<PluginView>;
  /** `activate demo v0.1.0` when a release is prepared, `BeforeInstall demo v0.1.0`, and `deactivate demo`, in order. */
  readonly calls: string[];
  /** Thrown by the next preparations. */
  failure: Error | undefined;
  /** What guests answer, by operation; an empty 200 where nothing is said. */
  readonly answers: Map<string, GuestAnswer>;
  /** What guests were told. */
  readonly told: Record<string, unknown>[];
}

export type GuestAnswer =
  | { statusCode?: number; body?: string; failure?: { code: string; message: string } }
  | SandpoolError;

export function createFakeEngine(): FakeEngine & Pick<RegistryOptions, 'engine'> {
  const fake: FakeEngine = {
    loaded: new Map(),
    held: new Set(),
    calls: [],
    failure: undefined,
    answers: new Map(),
    told: [],
  };
  const run = async (view: PluginView, { envelope }: Callback): Promise<CallbackEnd> => {
    const told = JSON.parse(Buffer.from(envelope.request?.body ?? '').toString()) as { operation: string };
    fake.calls.push(`${told.operation} ${view.pluginId} ${view.version}`);
    fake.told.push(told);
    const answer = fake.answers.get(told.operation) ?? {};
    if (answer instanceof SandpoolError) return { ok: false, error: answer };
    const { statusCode = 200, body = '', failure } = answer;
    const response = { statusCode, contentType: '', headers: {}, body: Buffer.from(body), ...(failure && { failure }) };
    return { ok: true, response };
  };
  return Object.assign(fake, {
    engine: {
      async prepare(view: PluginView): Promise<PreparedRelease> {
        fake.calls.push(`activate ${view.pluginId} ${view.version}`);
        if (fake.failure !== undefined) throw fake.failure;
        fake.held.add(view);
        return {
          run: (callback) => run(view, callback),
          publish() {
            fake.held.delete(view);
            fake.loaded.set(view.pluginId, view);
          },
          discard: () => void fake.held.delete(view),
        };
      },
      deactivate(pluginId: string) {
        fake.calls.push(`deactivate ${pluginId}`);
        fake.loaded.delete(pluginId);
      },
    },
  });
}

/** Opens the registry in `dir`; opening the same directory again is what a restart does. */
export function openHouse(t: Test, dir: string, options: Partial<RegistryOptions> = {}): House {
  const stagingDir = join(dir, 'plugins');
  mkdirSync(stagingDir, { recursive: true });
  const database = openDatabase(join(dir, 'registry.db'), { synchronous: 'FULL' });
  t.teardown(() => database.close());
  const blobs = openBlobs({ archiveDir: dir, stagingDir });
  const fake = createFakeEngine();
  const warnings: string[] = [];
  const log = { warn: (_facts: object, message: string) => void warnings.push(message) };
  const registry = createRegistry({ database, blobs, engine: fake.engine, log, ...options });
  const rows = (table: string) => database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
  return { registry, fake, database, rows, dir, stagingDir, warnings };
}

export interface House {
  readonly registry: Registry;
  readonly fake: FakeEngine;
  readonly database: Database;
  readonly rows: (table: string) => Record<string, unknown>[];
  readonly dir: string;
  readonly stagingDir: string;
  readonly warnings: readonly string[];
}

/** A house on a new directory, reloaded. */
export async function newHouse(t: Test, options: Partial<RegistryOptions> = {}): Promise<House> {
  const house = openHouse(t, t.testdir({}), options);
  await house.registry.reload();
  return house;
}

/**
 * Puts a file into the staging directory by hand, whole under its name at once. Written into the one before, it could have that one's
 * size, and on a quick machine its times: a file system's clock ticks every few ms.
 */
export function putByHand(
  { dir, stagingDir }: Pick<House, 'dir' | 'stagingDir'>,
  name: string,
  bytes: Uint8Array,
): void {
  const aside = join(dir, 'by-hand');
  writeFileSync(aside, bytes);
  renameSync(aside, join(stagingDir, name));
}

/** An artifact of plugin `id` at `version`, with one public route. */
export function artifactOf(id: string, version = 'v0.1.0', parts: ArtifactParts = {}): Uint8Array {
  const { manifest, ...rest } = parts;
  return buildArtifact({ manifest: { id, name: id, version, ...manifest }, routes: [{ path: '/hello' }], ...rest });
}

/** Files below a directory, without the database. */
export function filesOf(dir: string): string[] {
  const isFile = (name: string) => /\.wasm$|\.sandpool-/.test(name);
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(isFile).sort();
}

/** What a bystander is: enabled, serving, and byte for byte as before. */
export async function standingOf({ registry, fake, database }: House, pluginId: string): Promise<object> {
  const view = registry.find(pluginId);
  return {
    row: database.prepare('SELECT * FROM sys_plugin WHERE plugin_id = ?').get(pluginId),
    releases: database.prepare('SELECT * FROM sys_plugin_release WHERE plugin_id = ?').all(pluginId),
    enabled: view?.enabled,
    runtimeState: view?.runtimeState,
    loaded: fake.loaded.get(pluginId)?.checksum,
    bytes: view?.packagePath ? Buffer.from(await registry.readArtifact(view)).toString('hex') : undefined,
  };
}

/** One service that needs a decision, one that does not. */
export const SCOPED = [
  { service: 'storage', methods: ['get', 'put'], resources: { paths: ['a/', 'b/'] } },
  { service: 'runtime', methods: ['info.now'] },
];
