/**
 * Guests of the bench, built on demand from `bench/guests/` and kept in the temporary directory of the system, under a hash of
 * everything that went into them; and the artifacts and requests around them.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendCustomSection } from '../src/artifact/sections.js';
import { encodeRequest } from '../src/protocol/envelope.js';
import { buildGo, built, goVersion, hashOf, ROOT } from './builds.js';

const GO_GUESTS = join(ROOT, 'bench/guests/go');
const AS_GUESTS = join(ROOT, 'bench/guests/assemblyscript');
const SDK = join(ROOT, 'src/sdk/assemblyscript');

/** Said where a row that needs a Go guest is left out. */
export const NO_GO = 'Go guests need Go 1.24 or newer, which is not installed; AssemblyScript guests are measured';

/**
 * A Go guest, or undefined where Go is missing or older than 1.24: `echo` is 1.8 MB, the runtime alone; `big` has a few packages
 * of the standard library and works before its first request. The first build on a machine compiles Go's library.
 */
export async function goGuest(name: 'echo' | 'big'): Promise<Uint8Array | undefined> {
  const version = await goVersion();
  if (version === undefined) return undefined;
  return built(`bench-go-${name}-${await hashOf([GO_GUESTS], version)}.wasm`, (out) =>
    buildGo(GO_GUESTS, `./${name}`, out),
  );
}

/** An AssemblyScript guest, 21 KB with the guest library. */
export async function assemblyScriptGuest(): Promise<Uint8Array> {
  return built(`bench-as-echo-${await hashOf([AS_GUESTS, SDK], '')}.wasm`, (out) =>
    compile('echo.ts', LIBRARY_FLAGS, out),
  );
}

/** What a guest with the guest library is compiled with. */
const LIBRARY_FLAGS: readonly string[] = [
  '--exportStart',
  '_initialize',
  ...['abort', 'seed', 'trace'].flatMap((name) => ['--use', `${name}=src/sdk/assemblyscript/trap/${name}`]),
];

/** A guest that stores files, for `storage`. */
export async function storingGuest(): Promise<Uint8Array> {
  return built(`bench-as-storage-${await hashOf([AS_GUESTS, SDK], '')}.wasm`, (out) =>
    compile('storage.ts', LIBRARY_FLAGS, out),
  );
}

/** A guest that speaks Extism's own input and output, for `peers`. */
export async function extismGuest(): Promise<Uint8Array> {
  return built(`bench-as-extism-${await hashOf([AS_GUESTS], '')}.wasm`, (out) =>
    compile('extism.ts', ['--use', 'abort='], out),
  );
}

async function compile(entry: string, flags: readonly string[], out: string): Promise<void> {
  // The compiler takes a second to load; a build that is kept does without.
  const { default: asc } = await import('assemblyscript/asc');
  const source = `bench/guests/assemblyscript/${entry}`;
  let module: Uint8Array | undefined;
  const usual = ['--baseDir', ROOT, '--outFile', 'guest.wasm', '-O3', '--runtime', 'minimal'];
  const { error, stderr } = await asc.main([source, ...usual, ...flags], {
    writeFile: (_name, contents) => {
      module = contents as Uint8Array;
    },
  });
  if (error !== null || module === undefined) throw new Error(`${source} does not compile:\n${stderr.toString()}`);
  await writeFile(out, module);
}

// ---- artifacts and requests ------------------------------------------------------------------------------------------------

const MARK = 'sandpool bench guest ';

/** The same guest with a number written into its data: other code for every cache, the same work. */
export function marked(module: Uint8Array, number: number): Uint8Array {
  const copy = Buffer.from(module);
  // Go keeps texts as bytes, AssemblyScript in two bytes each.
  for (const encoding of ['latin1', 'utf16le'] as const) {
    const mark = Buffer.from(MARK, encoding);
    const at = copy.indexOf(mark);
    if (at === -1) continue;
    copy.write(String(number).padStart(6, '0'), at + mark.length, encoding);
    return copy;
  }
  throw new Error('the guest has no mark');
}

const ROUTES = ['Echo', 'Call', 'Store', 'Spin', 'Recurse', 'Encode', 'Decode', 'Match', 'Mark', 'Cycle'].map(
  (name) => ({
    method: 'POST',
    path: `/${name.toLowerCase()}`,
    access: 'public',
    requestType: `${name}Req`,
  }),
);
/** What an operator declares to warm a guest up; its host call is refused then. */
export const WARM_UP = 'GET /echo?calls=1';
const RUNTIME = { service: 'runtime', methods: ['info.uuid', 'info.now', 'state.get', 'state.set'] };
const CACHE = { service: 'cache', methods: ['get', 'set', 'incr'], resources: [{ ref: 'bench' }] };

export interface BenchParts {
  readonly version?: string;
  readonly access?: 'public' | 'login';
  /** Beside those that every bench guest has. */
  readonly services?: readonly object[];
  readonly installSql?: readonly { readonly key: string; readonly content: string }[];
}

/** An artifact of the guest whose routes are `POST /echo` and so on. */
export function artifactOf(id: string, module: Uint8Array, parts: BenchParts = {}): Uint8Array {
  const { version = 'v0.1.0', access = 'public', services = [], installSql } = parts;
  const scope = { scopeNature: 'tenant_aware', supportsMultiTenant: true, defaultInstallMode: 'tenant_scoped' };
  const sections = {
    'lina.plugin.manifest': { id, name: id, version, type: 'dynamic', ...scope },
    'lina.plugin.dynamic': { runtimeKind: 'wasm', abiVersion: 'v1' },
    'lina.plugin.backend.routes': [...ROUTES, { ...ROUTES[0], method: 'GET' }].map((route) => ({ ...route, access })),
    'lina.plugin.backend.bridge': BRIDGE,
    'lina.plugin.backend.host-services': [RUNTIME, CACHE, ...services],
    ...(installSql && { 'lina.plugin.install.sql': installSql }),
  };
  return Object.entries(sections).reduce(
    (bytes, [name, value]) => appendCustomSection(bytes, name, JSON.stringify(value)),
    module,
  );
}

export const BRIDGE = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: 'lina_dynamic_route_alloc',
  executeExport: 'lina_dynamic_route_execute',
} as const;

/** 452 bytes of JSON, as a small form is. */
export const BODY: Buffer = bodyOf(452);

export function bodyOf(bytes: number): Buffer {
  return Buffer.from(JSON.stringify({ text: 'x'.repeat(bytes - '{"text":""}'.length) }));
}

/** The envelope of one request, as the host sends it. */
export function envelopeOf(
  requestType: string,
  { body = BODY, calls = 0 }: { readonly body?: Uint8Array; readonly calls?: number } = {},
) {
  const path = `/${requestType.toLowerCase()}`;
  const publicPath = `/x/bench${path}`;
  return {
    pluginId: 'bench',
    requestId: `bench:POST:${path}`,
    route: {
      method: 'POST',
      publicPath,
      internalPath: path,
      routePath: path,
      access: 'public',
      requestType,
      queryValues: { calls: [String(calls)] },
    },
    request: {
      method: 'POST',
      publicPath,
      internalPath: path,
      rawPath: publicPath,
      rawQuery: `calls=${calls}`,
      host: '127.0.0.1:9120',
      contentType: 'application/json',
      headers: { 'Content-Type': ['application/json'], 'Content-Length': [String(body.length)] },
      body,
    },
  };
}

/** The same as bytes. */
export function requestOf(requestType: string, parts: Parameters<typeof envelopeOf>[1] = {}): Uint8Array {
  return encodeRequest(envelopeOf(requestType, parts));
}
