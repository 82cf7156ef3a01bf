/** Threads that are killed in the middle of host calls of `data`: no lock stays, and no half of a transaction. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { joinPluginDatabase } from '../../src/store/plugin-database.js';
import { randomOf } from '../rewrite/random-program.js';
import { base64, jsonBytes, openHouse, PLUGIN, TABLE } from '../services/data/house.js';

t.setTimeout(600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
const SQL = `CREATE TABLE ${TABLE} (id VARCHAR(40) PRIMARY KEY, batch INT NOT NULL, title TEXT)`;
const BATCH = 20;

t.test('a thread that is killed within a transaction leaves neither its lock nor its rows', async (t) => {
  const { dataDir, rows } = await openHouse(t, { sql: SQL });
  const door = JSON.stringify(new URL('../../src/store/plugin-database.js', import.meta.url).href);
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${door}).then(({ openPluginDatabase }) => {
      const database = openPluginDatabase(workerData, '${PLUGIN}');
      database.exec("BEGIN IMMEDIATE; INSERT INTO ${TABLE} VALUES ('a', 1, 'half')");
      parentPort.postMessage('half');
      for (;;);
    });`;
  const worker = new Worker(source, { eval: true, workerData: dataDir });
  await once(worker, 'message');
  const other = joinPluginDatabase(dataDir, PLUGIN, { busyTimeoutMs: 0 })!;
  t.throws(() => other.exec('BEGIN IMMEDIATE'), { code: 'SQLITE_BUSY' });
  await worker.terminate();
  other.exec('BEGIN IMMEDIATE; COMMIT');
  other.close();
  t.same(rows(`SELECT * FROM ${TABLE}`), []);
});

/** Threads that live now and have told that they are ready. */
const threads = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  worker.once('message', () => threads.add(worker));
  worker.once('exit', () => threads.delete(worker));
});

t.test('of writers in threads that die nobody hears of a lock, and transactions are whole or not there', async (t) => {
  const house = await openHouse(t, {
    sql: SQL,
    pool: { minThreads: 1, maxThreads: 3, maxWaitingThreads: 0, queueTimeoutMs: 120_000 },
  });
  const random = randomOf(SEED);
  const total = 150 * EFFORT;
  const enough = 3 * EFFORT;
  const acknowledged: number[] = [];
  const dying: Promise<unknown>[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < total || dying.length < enough) {
      const batch = next++;
      const outcome = random(3) === 0 ? await read(batch) : await write(batch);
      if (outcome === 'written') acknowledged.push(batch);
      else if (outcome !== 'read' && outcome !== 'lost') t.fail(`call ${batch}: ${outcome}`);
      const [victim] = threads;
      if (random(12) > 0 || victim === undefined) continue;
      threads.delete(victim);
      dying.push(victim.terminate());
    }
  };
  const write = async (batch: number): Promise<string> => {
    const operations = Array.from({ length: BATCH }, (_, at) => ({
      method: 'create',
      recordJson: jsonBytes({ id: `${batch}-${at}`, batch, title: 'x'.repeat(200) }),
    }));
    const payload = encodePayload('HostServiceDataTransactionRequest', { operations });
    return tell('written', house.send('transaction', payload));
  };
  const read = (batch: number): Promise<string> => {
    const planJson = jsonBytes({ table: TABLE, action: 'get', keyJson: base64(`${batch - 1}-0`) });
    return tell('read', house.send('get', encodePayload('HostServiceDataGetRequest', { planJson })));
  };
  await Promise.all(Array.from({ length: 6 }, client));
  await Promise.all(dying);
  t.ok(dying.length >= enough, `${dying.length} threads were killed`);
  const stored = house.rows(`SELECT batch, count(*) AS count FROM ${TABLE} GROUP BY batch`);
  t.same(
    stored.filter(({ count }) => count !== BATCH),
    [],
    'no half of a transaction',
  );
  const batches = new Set(stored.map(({ batch }) => batch));
  t.same(
    acknowledged.filter((batch) => !batches.has(batch)),
    [],
    'what was acknowledged is there',
  );
  t.same(house.rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
});

async function tell(
  done: string,
  answering: ReturnType<Awaited<ReturnType<typeof openHouse>>['send']>,
): Promise<string> {
  try {
    const { status, fallback } = await answering;
    return status === 0 ? done : `${status} ${fallback}`;
  } catch (thrown) {
    const { code, message } = thrown as { code?: string; message: string };
    return code === 'SBX_WORKER_LOST' ? 'lost' : message;
  }
}
