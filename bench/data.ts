/**
 * What the `data` service costs a guest: in the worker and over the bridge, against better-sqlite3 on the same file's like in this
 * thread. A guest makes many calls in one run, each for another row; a run without calls is subtracted.
 */
import { encodeHostCallRequest } from '../src/protocol/host-call.js';
import { encodePayload } from '../src/protocol/payloads.js';
import { runPhase } from '../src/registry/install-sql.js';
import { loadParser } from '../src/store/dialect/parse.js';
import { openPluginDatabase } from '../src/store/plugin-database.js';
import { microsecondsPerCall } from './call-time.js';
import { type BenchCase, type BenchRow, loopRow } from './case.js';
import { type BenchEngine, openEngine, succeeded } from './engine.js';
import { assemblyScriptGuest } from './guests.js';

const PLUGIN = 'bench';
const TABLE = 'plugin_bench';
const ROWS = 2000;

/** A table with rows; `further` are more columns, each behind a comma. */
export function tableSql(table: string, further = ''): string {
  return `
CREATE TABLE ${table} (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title VARCHAR(128) NOT NULL,
  content TEXT NOT NULL DEFAULT '',
  rating INT NOT NULL DEFAULT 0,
  done BOOLEAN NOT NULL DEFAULT false${further}
);
INSERT INTO ${table} (title, content, rating) SELECT 'title ' || n, repeat('x', 60), n FROM generate_series(1, ${ROWS}) AS n;`;
}

const tableGrant = (table: string) => ({
  owner: '',
  service: 'data',
  version: '',
  methods: ['list', 'get', 'batch_get', 'create', 'update', 'delete', 'transaction'],
  paths: [],
  tables: [table],
  keys: [],
  resources: [],
});

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
/** Ids all over the table. */
const idOf = (index: number): number => ((index * 797) % ROWS) + 1;
const RECORD = { title: 'a new one', content: 'y'.repeat(60), rating: 7 };

const POINT_READS = many(200, (index) =>
  requestOf(
    'get',
    encodePayload('HostServiceDataGetRequest', {
      planJson: json({ table: TABLE, action: 'get', keyJson: base64(idOf(index)) }),
    }),
  ),
);
const LISTS = many(20, (index) =>
  requestOf(
    'list',
    encodePayload('HostServiceDataListRequest', {
      planJson: json({
        table: TABLE,
        action: 'list',
        orders: [{ field: 'id', direction: 'asc' }],
        page: { pageNum: index + 1, pageSize: 20 },
      }),
    }),
  ),
);
const CREATE = many(1, () =>
  requestOf('create', encodePayload('HostServiceDataMutationRequest', { recordJson: json(RECORD) })),
);
const OPERATIONS = Array.from({ length: 10 }, () => ({ method: 'create', recordJson: json(RECORD) }));
const TRANSACTION = many(1, () =>
  requestOf('transaction', encodePayload('HostServiceDataTransactionRequest', { operations: OPERATIONS })),
);

export const dataCase: BenchCase = {
  name: 'data',
  async start({ repeats, loopMs }) {
    await loadParser();
    const guest = await assemblyScriptGuest();
    const worker = await openEngine({ maxThreads: 1 });
    const bridge = await openEngine({ maxThreads: 1, placements: { data: 'host' } });
    const bare = await openEngine({ maxThreads: 1 });
    for (const { dataDir } of [worker, bridge, bare]) fill(dataDir);
    for (const engine of [worker, bridge]) await engine.load(PLUGIN, guest, [tableGrant(TABLE)]);
    const database = openPluginDatabase(bare.dataDir, PLUGIN);
    const row = (name: string, engine: BenchEngine, body: Uint8Array, calls: number): BenchRow => ({
      row: `${name}, ${engine === worker ? 'in the worker' : 'over the bridge'}`,
      unit: 'us',
      rival: `${name}, bare better-sqlite3`,
      measure: () => microsecondsPerCall((count) => runMs(engine, body, count), calls, repeats),
    });
    const four = (name: string, body: Uint8Array, calls: readonly [number, number], run: (index: number) => void) => [
      loopRow({ row: `${name}, bare better-sqlite3`, unit: 'us', run: (count) => repeat(count, run) }, loopMs),
      row(name, bridge, body, calls[1]),
      row(name, worker, body, calls[0]),
    ];
    const point = database.prepare(`SELECT * FROM ${TABLE} WHERE id = ?`);
    const page = database.prepare(`SELECT * FROM ${TABLE} ORDER BY id LIMIT 20 OFFSET ?`);
    const total = database.prepare(`SELECT count(*) FROM ${TABLE}`).pluck();
    const insert = database.prepare(`INSERT INTO ${TABLE} (title, content, rating) VALUES (@title, @content, @rating)`);
    const insertTen = database.transaction(() => repeat(10, () => void insert.run(RECORD)));
    return {
      rows: [
        ...four('point read', POINT_READS, [5000, 500], (index) => void point.get(idOf(index))),
        ...four('list of 20', LISTS, [200, 100], (index) => {
          page.all((index % 20) * 20);
          total.get();
        }),
        ...four('create', CREATE, [20, 20], () => void insert.run(RECORD)),
        ...four('transaction of 10', TRANSACTION, [10, 10], () => insertTen.immediate()),
      ],
      async end() {
        database.close();
        await Promise.all([worker.end(), bridge.end(), bare.end()]);
      },
    };
  },
};

function fill(dataDir: string): void {
  const database = openPluginDatabase(dataDir, PLUGIN);
  const files = [{ key: '001.sql', content: tableSql(TABLE) }];
  runPhase(database, { pluginId: PLUGIN, releaseId: 1, phase: 'install', files });
  database.close();
}

function repeat(count: number, run: (index: number) => void): void {
  for (let index = 0; index < count; index++) run(index);
}

async function runMs(engine: BenchEngine, body: Uint8Array, calls: number): Promise<number> {
  const { response, timings } = succeeded(await engine.invoke(PLUGIN, 'CycleReq', { body, calls, userId: 1 }));
  const said = Buffer.from(response.body).toString();
  if (said !== 'done') throw new Error(said);
  return timings.runMs;
}

function many(count: number, make: (index: number) => Uint8Array): Uint8Array {
  return cycleOf(Array.from({ length: count }, (_, index) => make(index)));
}

function requestOf(method: string, payload: Uint8Array): Uint8Array {
  return tableCall(TABLE, method, payload);
}

/** The bytes of a call of the service `data`. */
export function tableCall(table: string, method: string, payload: Uint8Array): Uint8Array {
  return encodeHostCallRequest({ service: 'data', method, resourceRef: '', table, payload, owner: '', version: '' });
}

/** Requests one behind the other, each behind its length, as `CycleReq` of the guest takes them. */
export function cycleOf(requests: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    requests.map((request) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(request.length);
      return Buffer.concat([length, request]);
    }),
  );
}
