/**
 * Requests per second and the slowest hundredth, over HTTP, 64 connections, a POST of 452 bytes that comes back after one host
 * call; against a bare Fastify that answers the same bytes. Unpinned, load generator and server share all processors; pinned,
 * the whole server has one to itself and the generator another.
 */
import { reasonOf } from '../src/protocol/errors.js';
import { type HostServer, type Server, startHostServer } from '../src/tune/child.js';
import type { LoadResult } from '../src/tune/load.js';
import { type BenchCase, type BenchRow, rowsOfOne } from './case.js';
import { artifactOf, assemblyScriptGuest, BODY, goGuest, NO_GO } from './guests.js';
import { type Loader, pinnedTo, reasonNotToPin, startEcho, startLoader } from './loader.js';

export const CONNECTIONS = 64;

interface Target {
  readonly row: string;
  readonly url: string;
  readonly loader: Loader;
}

/** Hosts of one measurement, with what they run on. */
interface HostPlan {
  readonly workers: number;
  readonly processes?: number;
}

export const httpCase: BenchCase = {
  name: 'http',
  async start({ loadMs }) {
    const [go, as] = await Promise.all([goGuest('echo'), assemblyScriptGuest()]);
    const artifacts = { 'bench-as': artifactOf('bench-as', as), ...(go && { 'bench-go': artifactOf('bench-go', go) }) };
    const opened: { end(): Promise<void> }[] = [];
    const skipped = go ? [] : [NO_GO];
    const main = go ? 'Go' : 'AS';

    const open = async (how: string, prefix: readonly string[], loader: Loader, plans: readonly HostPlan[]) => {
      const echo = await startEcho(prefix);
      opened.push(loader, echo);
      const rival: Target = { row: `Fastify echo${how}`, url: `${echo.url}/echo`, loader };
      const rows = loadRows(rival, undefined, loadMs);
      for (const plan of plans) {
        const host = await startHost(plan, artifacts, prefix).catch((thrown) =>
          skipped.push(`${rowName(plan)}: ${shortReason(thrown)}`),
        );
        if (typeof host === 'number') continue;
        opened.push(host);
        const targets = plan === plans[0] && how === '' && go ? [main, 'AS'] : [main];
        for (const guest of targets)
          rows.push(
            ...loadRows(
              { row: `${guest}, ${rowName(plan)}${how}`, url: urlOf(host, guest), loader },
              rival.row,
              loadMs,
            ),
          );
      }
      return rows;
    };

    const rows = await open('', [], startLoader(), [{ workers: 1 }, { workers: 2 }, { workers: 1, processes: 2 }]);
    const reason = reasonNotToPin();
    if (reason !== undefined) skipped.push(`pinned rows: ${reason}`);
    else
      rows.push(...(await open(', pinned', pinnedTo(0), startLoader(pinnedTo(1)), [{ workers: 1 }, { workers: 2 }])));
    return { rows, skipped, end: async () => void (await Promise.all(opened.map((one) => one.end()))) };
  },
};

function startHost(
  { workers, processes = 1 }: HostPlan,
  artifacts: Readonly<Record<string, Uint8Array>>,
  prefix: readonly string[],
): Promise<HostServer> {
  const settings = { pool: { maxThreads: workers }, ...(processes > 1 && { server: { processes } }) };
  return startHostServer({ settings, artifacts, prefix });
}

function rowName({ workers, processes = 1 }: HostPlan): string {
  const each = `${workers} worker${workers > 1 ? 's' : ''}`;
  return processes > 1 ? `${processes} processes, ${each} each` : each;
}

function urlOf(host: Server, guest: string): string {
  return `${host.url}/x/bench-${guest.toLowerCase()}/echo?calls=1`;
}

/** Requests per second, and of the same load the p99. */
export function loadRows({ row, url, loader }: Target, rival: string | undefined, ms: number, body = BODY): BenchRow[] {
  const headers = { 'content-type': 'application/json' };
  const measure = () => loader.apply({ url, method: 'POST', headers, body, connections: CONNECTIONS, ms });
  return rowsOfOne<LoadResult>(measure, [
    { row, unit: 'rps', ...(rival && { rival }), pick: ({ requestsPerSecond }) => requestsPerSecond },
    { row: `${row}, p99`, unit: 'ms', ...(rival && { rival: `${rival}, p99` }), pick: ({ p99Ms }) => p99Ms },
  ]);
}

function shortReason(thrown: unknown): string {
  return reasonOf(thrown).replaceAll(/\s+/g, ' ').slice(0, 200);
}
