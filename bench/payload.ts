/** How requests per second fall as bodies grow, from half a kilobyte to a megabyte, against a bare Fastify with the same bodies. */
import { startHostServer } from '../src/tune/child.js';
import type { BenchCase } from './case.js';
import { artifactOf, assemblyScriptGuest, bodyOf, goGuest, NO_GO } from './guests.js';
import { loadRows } from './http.js';
import { openAll, startEcho, startLoader } from './loader.js';

export const payloadCase: BenchCase = {
  name: 'payload',
  maxRounds: 3,
  start: ({ loadMs, payloadBytes }) =>
    openAll(async (opened) => {
      const go = await goGuest('echo');
      const artifacts = { 'bench-echo': artifactOf('bench-echo', go ?? (await assemblyScriptGuest())) };
      const host = await startHostServer({ settings: { pool: { maxThreads: 1 } }, artifacts });
      opened.push(host);
      const echo = await startEcho();
      const loader = startLoader();
      opened.push(echo, loader);
      const rows = payloadBytes.flatMap((bytes) => {
        const rival = { row: `Fastify echo, ${sizeName(bytes)}`, url: `${echo.url}/echo`, loader };
        const name = `${go ? 'Go' : 'AS'} pristine, ${sizeName(bytes)}`;
        const guest = { row: name, url: `${host.url}/x/bench-echo/echo`, loader };
        const body = bodyOf(bytes);
        return [...loadRows(rival, undefined, loadMs, body), ...loadRows(guest, rival.row, loadMs, body)];
      });
      return { rows: rows.filter(({ unit }) => unit === 'rps'), skipped: go ? [] : [NO_GO] };
    }),
};

function sizeName(bytes: number): string {
  return bytes >= 1 << 20 ? `${bytes >> 20} MB` : `${bytes / 1024} KB`;
}
