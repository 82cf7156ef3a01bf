/**
 * Requests per second and the slowest hundredth, over HTTP, 64 connections, a POST of 452 bytes that comes back after one host
 * call; against a bare Fastify that answers the same bytes. Unpinned, load generator and server share all processors; pinned,
 * the whole server has one to itself and the generator another.
 */
import { reasonOf } from '../src/protocol/errors.js';
import { type HostServer, type Server, startHostServer } from '../src/tune/child.js';
import type { LoadResult } from '../src/tune/load.js';
import { type BenchCase, type BenchRow, rowsOfOne, type StartedCase } from './case.js';
import { artifactOf, assemblyScriptGuest, BODY, goGuest, NO_GO, WARM_UP } from './guests.js';
import { type Loader, type Opened, openAll, pinnedTo, reasonNotToPin, startEcho, startLoader } from './loader.js';

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
  /** Whether the AssemblyScript guest is measured too. */
  readonly withAs?: boolean;
}

export const httpCase: BenchCase = {
  name: 'http',
  start: ({ loadMs }) => openAll((opened) => openRows(opened, loadMs)),
};

async function openRows(opened: Opened[], loadMs: number): Promise<Omit<StartedCase, 'end'>> {
  const [go, as] = await Promise.all([goGuest('echo'), assemblyScriptGuest()]);
  const artifacts = { 'bench-as': artifactOf('bench-as', as), ...(go && { 'bench-go': artifactOf('bench-go', go) }) };
  const skipped = go ? [] : [NO_GO];
  const guest = go ? 'Go' : 'AS';

  const open = async (how: string, prefix: readonly string[], loader: Loader, plans: readonly HostPlan[]) => {
    opened.push(loader);
    const echo = await startEcho(prefix);
    opened.push(echo);
    const rival = `Fastify echo${how}`;
    const rows = loadRows({ row: rival, url: `${echo.url}/echo`, loader }, undefined, loadMs);
    for (const plan of plans) {
      const host = await startHost(plan, artifacts, prefix).catch((thrown) => {
        // A version that runs one process only is no failure.
        if (plan.processes === undefined) throw thrown;
        skipped.push(`${rowName(plan)}: ${shortReason(thrown)}`);
      });
      if (host === undefined) continue;
      opened.push(host);
      const guests = plan.withAs ? new Set([guest, 'AS']) : [guest];
      for (const name of guests) {
        const target = { row: `${name}, ${rowName(plan)}${how}`, url: urlOf(host, name), loader };
        rows.push(...loadRows(target, rival, loadMs));
      }
    }
    return rows;
  };

  const plans = [{ workers: 1, withAs: true }, { workers: 2 }, { workers: 1, processes: 2 }];
  const rows = await open('', [], startLoader(), plans);
  const reason = reasonNotToPin();
  if (reason !== undefined) skipped.push(`pinned rows: ${reason}`);
  else rows.push(...(await open(', pinned', pinnedTo(0), startLoader(pinnedTo(1)), [{ workers: 1 }, { workers: 2 }])));
  return { rows, skipped };
}

function startHost(
  { workers, processes = 1 }: HostPlan,
  artifacts: Readonly<Record<string, Uint8Array>>,
  prefix: readonly string[],
): Promise<HostServer> {
  const plugins = Object.fromEntries(Object.keys(artifacts).map((id) => [id, { warmUp: [WARM_UP] }]));
  const settings = {
    pool: { maxThreads: workers },
    sandbox: { plugins },
    ...(processes > 1 && { server: { processes } }),
  };
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
