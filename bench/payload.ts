/** How requests per second fall as bodies grow, from half a kilobyte to a megabyte, against a bare Fastify with the same bodies. */
import { startHostServer } from '../src/tune/child.js';
import type { BenchCase } from './case.js';
import { artifactOf, assemblyScriptGuest, bodyOf, goGuest, NO_GO } from './guests.js';
import { loadRows } from './http.js';
import { startEcho, startLoader } from './loader.js';

export const payloadCase: BenchCase = {
  name: 'payload',
  maxRounds: 3,
  async start({ loadMs, payloadBytes }) {
    const go = await goGuest('echo');
    const artifact = artifactOf('bench-echo', go ?? (await assemblyScriptGuest()));
    const host = await startHostServer({
      settings: { pool: { maxThreads: 1 } },
      artifacts: { 'bench-echo': artifact },
    });
    const echo = await startEcho();
    const loader = startLoader();
    const rows = payloadBytes.flatMap((bytes) => {
      const body = bodyOf(bytes);
      const size = sizeName(bytes);
      const rival = `Fastify echo, ${size}`;
      const guest = `${go ? 'Go' : 'AS'} pristine, ${size}`;
      const rows = [
        ...loadRows({ row: rival, url: `${echo.url}/echo`, loader }, undefined, loadMs, body),
        ...loadRows({ row: guest, url: `${host.url}/x/bench-echo/echo`, loader }, rival, loadMs, body),
      ];
      return rows.filter(({ unit }) => unit === 'rps');
    });
    return {
      rows,
      skipped: go ? [] : [NO_GO],
      end: async () => void (await Promise.all([host, echo, loader].map((one) => one.end()))),
    };
  },
};

function sizeName(bytes: number): string {
  return bytes >= 1 << 20 ? `${bytes >> 20} MB` : `${bytes / 1024} KB`;
}
