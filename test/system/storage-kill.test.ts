/** Stored objects of a host of two processes that is killed while plugins write: whole or not there, and there once acknowledged. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';
import { rawCall } from '../raw-calls.js';
import { randomOf } from '../rewrite/random-program.js';
import { filesIn } from '../store/object-house.js';
import { isAlive, type Processes, serveProcesses, until } from './processes.js';

t.setTimeout(3_600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
/** Writes of each life of the host that are acknowledged, at least. */
const WRITES = 40 * EFFORT;
const LIVES = 1 + Math.min(EFFORT, 10);
const CLIENTS = 8;
/** Small, and of some pieces. */
const SIZES = [1, 5_000, 300_000];
const METHODS = ['put', 'put.init', 'put.chunk', 'put.commit', 'delete', 'list'];

/** What may stand at a path: a body, known by its letter and size, or nothing. */
type Ledger = Map<string, readonly string[]>;
const NOTHING = '';

t.test('F033 an acknowledged object is there after kill -9 of all processes, and none is half there', async (t) => {
  // Each host makes the directory of the test anew.
  const directory = mkdtempSync(join(tmpdir(), 'sandpool-storage-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const dataDir = join(directory, 'data');
  const settings = {
    DATA_DIR: dataDir,
    PLUGIN_DYNAMIC_STORAGE_PATH: join(directory, 'staged'),
    PLUGIN_GRANT_UNREVIEWED: 'true',
  };
  const root = join(dataDir, 'storage/plugins/demo/platform/reports');
  const ledger: Ledger = new Map();
  for (let life = 0; life < LIVES; life += 1) {
    const host = await serveProcesses(t, settings);
    if (life === 0) await install(host);
    await write(host, ledger, life);
    const stored = new Map(filesIn(root).map((path) => [path, describe(readFileSync(join(root, path)))]));
    const wrong = [...ledger].filter(([path, bodies]) => !bodies.includes(stored.get(path) ?? NOTHING));
    t.same(wrong, [], `life ${life}: ${ledger.size} objects are whole, and there if that was acknowledged`);
    t.same(
      [...stored.keys()].filter((path) => !ledger.has(path)),
      [],
      'there is nothing else',
    );
    for (const path of ledger.keys()) ledger.set(path, [stored.get(path) ?? NOTHING]);
  }
});

/** Letter and size; what is mixed is nobody's body. */
function describe(body: Buffer): string {
  const [letter = 0] = body;
  return body.every((byte) => byte === letter) ? `${String.fromCharCode(letter)}${body.length}` : 'mixed';
}

async function install(host: Processes): Promise<void> {
  const headers = await host.authorization();
  const artifact = buildArtifact({
    manifest: { id: 'demo', name: 'demo' },
    module: await watGuest('host-call'),
    hostServices: [{ service: 'storage', methods: METHODS, resources: { paths: ['reports/'] } }],
    routes: [{ method: 'POST', path: '/call', requestType: 'CallReq' }],
  });
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(artifact)]), 'demo.wasm');
  const steps: readonly (readonly [method: string, path: string, body?: FormData])[] = [
    ['POST', 'dynamic/package', form],
    ['POST', 'demo/install'],
    ['PUT', 'demo/enable'],
  ];
  for (const [method, path, body] of steps) {
    const answer = await fetch(`${host.url}/api/v1/plugins/${path}`, { method, headers, ...(body && { body }) });
    const text = await answer.text();
    if (!text.startsWith('{"code":0,')) throw new Error(`${method} ${path}: ${text}`);
  }
}

/** Clients of both processes that write until enough was acknowledged; then all processes are killed while they go on. */
async function write(host: Processes, ledger: Ledger, life: number): Promise<void> {
  const random = randomOf(SEED + life);
  const pids = await host.pids();
  const connections = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => host.connect(pids[at % 2]!)));
  const acknowledged = new Map(pids.map((pid) => [pid, 0]));
  let isDying = false;
  const client = async (number: number): Promise<void> => {
    const { ask, pid } = connections[number]!;
    const call = async (method: string, path: string, payload: Uint8Array) => {
      const body = rawCall('storage', method, { resourceRef: path, payload });
      const answer = await ask('/x/demo/call', { method: 'POST', body });
      // A reply that begins with a status has failed.
      if (answer.status !== 200 || answer.text.startsWith('\u0008')) throw new Error(`${answer.status} ${answer.text}`);
      return answer.text;
    };
    while (!isDying) {
      // Each client has paths of its own, which it writes again and again.
      const name = `${number}/${random(4)}`;
      const before = ledger.get(name) ?? [NOTHING];
      const size = SIZES[random(SIZES.length)]!;
      const letter = String.fromCharCode(97 + random(26));
      const isRemoved = random(8) === 0;
      const after = isRemoved ? NOTHING : `${letter}${size}`;
      ledger.set(name, [...before, after]);
      const path = `reports/${name}`;
      const body = Buffer.alloc(size, letter);
      try {
        if (isRemoved) await call('delete', path, encodePayload('HostServiceStorageDeleteRequest', { path }));
        else if (size > 10_000 && random(2) === 0) await inChunks(call, path, body);
        else await call('put', path, encodePayload('HostServiceStoragePutRequest', { path, body, overwrite: true }));
      } catch (thrown) {
        if (!isDying) throw thrown;
        return;
      }
      ledger.set(name, [after]);
      acknowledged.set(pid, acknowledged.get(pid)! + 1);
      if (isDying || [...acknowledged.values()].some((count) => count < WRITES / 2)) continue;
      isDying = true;
      // The primary first stands still: it would replace the others, and they would end by themselves without it.
      host.primary.kill('SIGSTOP');
      for (const each of [...pids, host.primary.pid!]) process.kill(each, 'SIGKILL');
    }
  };
  await Promise.all(connections.map((_, number) => client(number)));
  await until('all processes have ended', () => ![host.primary.pid!, ...pids].some(isAlive));
}

async function inChunks(
  call: (method: string, path: string, payload: Uint8Array) => Promise<string>,
  path: string,
  body: Buffer,
): Promise<string> {
  const begun = await call(
    'put.init',
    path,
    encodePayload('HostServiceStoragePutInitRequest', { path, overwrite: true }),
  );
  const [uploadId = ''] = /[0-9a-f]{32}/.exec(begun) ?? [];
  for (let offset = 0; offset < body.length; offset += 100_000) {
    const piece = { path, uploadId, offset, body: body.subarray(offset, offset + 100_000) };
    await call('put.chunk', path, encodePayload('HostServiceStoragePutChunkRequest', piece));
  }
  return call(
    'put.commit',
    path,
    encodePayload('HostServiceStoragePutCommitRequest', { path, uploadId, size: body.length }),
  );
}
