/**
 * What stored files cost a guest, against the same bytes written and synced just as durably by `node:fs` in this thread: a file
 * of 1 KB and of 1 MB put whole, one of 100 MB in pieces of 1 MB, and what memory that takes.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHostCallResponse, encodeHostCallRequest } from '../src/protocol/host-call.js';
import { decodePayload, encodePayload } from '../src/protocol/payloads.js';
import { type BenchCase, type BenchRow, rowsOfOne } from './case.js';
import { type BenchEngine, openEngine, succeeded } from './engine.js';
import { storingGuest } from './guests.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PLUGIN = 'bench';
const PATH = 'bench/file';
const TYPE = 'application/x-bench';
/** An offset that no upload reaches, and its varint. */
const MARK = 2 ** 32 - 1;
const MARK_BYTES = Buffer.of(0xff, 0xff, 0xff, 0xff, 0x0f);
const GRANT = {
  owner: '',
  service: 'storage',
  version: '',
  methods: ['put', 'put.init', 'put.chunk', 'put.commit', 'put.abort', 'get'],
  paths: ['bench/'],
  tables: [],
  keys: [],
  resources: [],
};
/** How often memory is looked at while a large file is stored, in ms. */
const LOOK_EVERY_MS = 5;

export const storageCase: BenchCase = {
  name: 'storage',
  async start({ repeats }) {
    const engine = await openEngine({ maxThreads: 1 });
    await engine.load(PLUGIN, await storingGuest(), [GRANT]);
    const bare = join(engine.dataDir, 'bare');
    mkdirSync(bare);
    const pieces = repeats >= 10 ? 100 : 4;
    const calls = Math.max(2, repeats * 2);
    const large = Buffer.alloc(MIB, 7);
    const us = (row: string, measure: () => Promise<number>, rival?: string): BenchRow => ({
      row,
      unit: 'us',
      ...(rival && { rival }),
      measure,
    });
    const bareUs = (work: () => void) => async (): Promise<number> => {
      const startedAt = performance.now();
      for (let call = 0; call < calls; call++) work();
      return ((performance.now() - startedAt) * 1000) / calls;
    };
    const guestUs = (request: Uint8Array) => async (): Promise<number> => {
      const without = (await send(engine, request, 0)).timings.runMs;
      return (((await send(engine, request, calls)).timings.runMs - without) * 1000) / calls;
    };
    return {
      rows: [
        us(
          'bare put of 1 KB',
          bareUs(() => storeBare(bare, large.subarray(0, KIB), 1)),
        ),
        us('put of 1 KB', guestUs(putRequest(large.subarray(0, KIB))), 'bare put of 1 KB'),
        us(
          'bare put of 1 MB',
          bareUs(() => storeBare(bare, large, 1)),
        ),
        us('put of 1 MB', guestUs(putRequest(large)), 'bare put of 1 MB'),
        us(
          'bare get of 1 MB',
          bareUs(() => void readFileSync(join(bare, 'file'))),
        ),
        us('get of 1 MB', guestUs(GET), 'bare get of 1 MB'),
        { row: 'bare 100 MB in pieces', unit: 'ms', measure: async () => msOf(() => storeBare(bare, large, pieces)) },
        ...rowsOfOne(
          () => watchMemory(() => storeInPieces(engine, large, pieces)),
          [
            { row: '100 MB in pieces', unit: 'ms', rival: 'bare 100 MB in pieces', pick: ({ ms }: Watched) => ms },
            { row: '100 MB in pieces, memory', unit: 'MB', pick: ({ grownBytes }: Watched) => grownBytes / 1e6 },
          ],
        ),
      ],
      end: engine.end,
    };
  },
};

function requestOf(method: string, payload: Uint8Array): Uint8Array {
  const rest = { table: '', owner: '', version: '' };
  return encodeHostCallRequest({ service: 'storage', method, resourceRef: PATH, payload, ...rest });
}

const putRequest = (body: Uint8Array): Uint8Array =>
  requestOf(
    'put',
    encodePayload('HostServiceStoragePutRequest', { path: PATH, body, contentType: TYPE, overwrite: true }),
  );
const GET = requestOf('get', encodePayload('HostServiceStorageGetRequest', { path: PATH }));

/** Has the guest send a request so often. @throws when the last reply is no success */
async function send(engine: BenchEngine, body: Uint8Array, calls: number, type = 'SendReq') {
  const { response, timings } = succeeded(await engine.invoke(PLUGIN, type, { body, calls }));
  if (response.statusCode !== 200) throw new Error(`${type} is answered with ${response.statusCode}`);
  const reply = decodeHostCallResponse(response.body);
  if (reply.status !== 0) throw new Error(`${type} is refused: ${Buffer.from(reply.payload)}`);
  return { reply, timings };
}

/** An upload, from its beginning to its end. @returns ms in the guest and its calls */
async function storeInPieces(engine: BenchEngine, piece: Uint8Array, pieces: number): Promise<number> {
  const init = encodePayload('HostServiceStoragePutInitRequest', { path: PATH, contentType: TYPE, overwrite: true });
  const begun = await send(engine, requestOf('put.init', init), 1);
  const { uploadId } = decodePayload('HostServiceStoragePutInitResponse', begun.reply.payload);
  // An offset that takes five bytes leaves room for any other.
  const chunk = { path: PATH, uploadId, offset: MARK, body: piece };
  const request = Buffer.from(requestOf('put.chunk', encodePayload('HostServiceStoragePutChunkRequest', chunk)));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(request.indexOf(MARK_BYTES), 0);
  head.writeUInt32LE(piece.length, 4);
  const written = await send(engine, Buffer.concat([head, request]), pieces, 'PiecesReq');
  const size = pieces * piece.length;
  const commit = encodePayload('HostServiceStoragePutCommitRequest', { path: PATH, uploadId, size });
  const committed = await send(engine, requestOf('put.commit', commit), 1);
  return [begun, written, committed].reduce((sum, { timings }) => sum + timings.runMs, 0);
}

/** A file of so many pieces, whole and synced under its name, as the service promises it. */
function storeBare(directory: string, piece: Uint8Array, pieces: number): void {
  const part = join(directory, 'part');
  const descriptor = openSync(part, 'w');
  for (let written = 0; written < pieces; written++) writeSync(descriptor, piece);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(part, join(directory, 'file'));
  const names = openSync(directory, 'r');
  fsyncSync(names);
  closeSync(names);
}

function msOf(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

interface Watched {
  readonly ms: number;
  readonly grownBytes: number;
}

/** The most memory that the process has had beyond what it had before. */
async function watchMemory(work: () => Promise<number>): Promise<Watched> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = (): void => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  try {
    const ms = await work();
    look();
    return { ms, grownBytes: most - before };
  } finally {
    clearInterval(timer);
  }
}
