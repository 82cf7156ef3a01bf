/**
 * Four plugins that read and write their tables through one host with two workers: how much goes through, and what a plugin that
 * only reads feels of another one that writes without end, against what it feels alone. What it feels of the load itself, which needs
 * processors too, is the row with a server next door.
 */
import { encodePayload } from '../src/protocol/payloads.js';
import { login, startHostServer } from '../src/tune/child.js';
import type { LoadPlan } from '../src/tune/load.js';
import { type BenchCase, type BenchRow, rowsOfOne } from './case.js';
import { cycleOf, tableCall, tableSql } from './data.js';
import { artifactOf, assemblyScriptGuest } from './guests.js';
import { type Loader, openAll, startEcho, startLoader } from './loader.js';

const PLUGINS = ['storm-one', 'storm-two', 'storm-three', 'storm-four'];
const CONNECTIONS = 64;
/** Of the plugin that reads while another one writes: few, which feel every delay, and as many as each has when all are used alike. */
const READERS: readonly number[] = [2, CONNECTIONS / PLUGINS.length];
const WRITERS = 16;
const BULK_WRITES = 20;
const NEXT_DOOR = `${WRITERS} connections to a Fastify next door`;
const BULK = `${WRITERS} connections that write for another plugin, ${BULK_WRITES} rows each time`;
const SINGLE = `${WRITERS} connections that write for another plugin, a row each time`;

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

export const stormCase: BenchCase = {
  name: 'storm',
  maxRounds: 3,
  start: ({ loadMs }) =>
    openAll(async (opened) => {
      const guest = await assemblyScriptGuest();
      const artifacts = Object.fromEntries(PLUGINS.map((id) => [id, artifactWith(id, guest)]));
      const host = await startHostServer({ settings: { pool: { maxThreads: 2 } }, artifacts });
      opened.push(host);
      const authorization = `Bearer ${await login(host)}`;
      const loaders = PLUGINS.map(() => startLoader());
      opened.push(...loaders);
      const plan = (id: string, body: Uint8Array, connections: number): LoadPlan => ({
        url: `${host.url}/x/${id}/cycle?calls=1`,
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', authorization },
        body,
        connections,
        ms: loadMs,
      });
      const [quiet = '', stormy = ''] = PLUGINS;
      const [reader, writer] = loaders as [Loader, Loader];
      const echo = await startEcho();
      opened.push(echo);
      const writes = plan(stormy, writeOf(stormy), WRITERS);
      const storms = {
        [NEXT_DOOR]: { ...writes, url: `${echo.url}/echo` },
        [BULK]: { ...writes, url: writes.url.replace(/\d+$/, String(BULK_WRITES)) },
        [SINGLE]: writes,
      };
      return {
        rows: [
          ...READERS.flatMap((readers) =>
            besideRows(readers, async () => (await reader.apply(plan(quiet, readOf(quiet), readers))).p95Ms, {
              storms,
              writer,
            }),
          ),
          ...mixedRows(loaders, plan),
        ],
      };
    }),
};

/** What a plugin feels of each storm, against what it feels alone. */
function besideRows(
  readers: number,
  read: () => Promise<number>,
  { storms, writer }: { storms: Readonly<Record<string, LoadPlan>>; writer: Loader },
): BenchRow[] {
  const alone = `reads, p95, ${readers} connections`;
  const beside = ([storm, load]: [string, LoadPlan]): BenchRow => ({
    row: `${alone}, beside ${storm}`,
    unit: 'ms',
    rival: alone,
    async measure() {
      const raging = writer.apply(load);
      const p95Ms = await read();
      await raging;
      return p95Ms;
    },
  });
  return [{ row: alone, unit: 'ms', measure: read }, ...Object.entries(storms).map(beside)];
}

/** All plugins at once, half of the connections of each read. */
function mixedRows(loaders: readonly Loader[], plan: (id: string, body: Uint8Array, connections: number) => LoadPlan) {
  const each = CONNECTIONS / PLUGINS.length / 2;
  const measure = async () => {
    const results = await Promise.all(
      PLUGINS.map(async (id, index) => {
        const loader = loaders[index] as Loader;
        // One generator does one load at a time; plugins take turns at reading.
        const isReading = index % 2 === 0;
        return loader.apply(plan(id, isReading ? readOf(id) : writeOf(id), each * 2));
      }),
    );
    const of = (parity: number) =>
      results.filter((_, index) => index % 2 === parity).reduce((sum, one) => sum + one.requestsPerSecond, 0);
    return { reads: of(0), writes: of(1) };
  };
  return rowsOfOne(measure, [
    { row: `reads of 2 plugins, ${CONNECTIONS} connections over all`, unit: 'rps', pick: ({ reads }) => reads },
    { row: 'writes of 2 others at the same time', unit: 'rps', pick: ({ writes }) => writes },
  ]) satisfies BenchRow[];
}

function artifactWith(id: string, guest: Uint8Array): Uint8Array {
  const table = tableOf(id);
  return artifactOf(id, guest, {
    access: 'login',
    services: [{ service: 'data', methods: ['get', 'create'], resources: { tables: [table] } }],
    installSql: [{ key: '001-rows.sql', content: tableSql(table, ', tenant_id BIGINT NOT NULL DEFAULT 0') }],
  });
}

function tableOf(id: string): string {
  return `plugin_${id.replace('-', '_')}`;
}

function readOf(id: string): Uint8Array {
  const table = tableOf(id);
  const planJson = json({ table, action: 'get', keyJson: Buffer.from('7').toString('base64') });
  return cycleOf([tableCall(table, 'get', encodePayload('HostServiceDataGetRequest', { planJson }))]);
}

function writeOf(id: string): Uint8Array {
  const recordJson = json({ title: 'a new one', content: 'y'.repeat(60), rating: 7 });
  return cycleOf([tableCall(tableOf(id), 'create', encodePayload('HostServiceDataMutationRequest', { recordJson }))]);
}
