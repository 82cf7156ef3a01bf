/**
 * From the bytes of an artifact to the first answer: upload, install, enable, one request, over HTTP; each time in a new host,
 * whose first plugin this is. The parts are what the host itself counted.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArtifact } from '../src/artifact/artifact.js';
import { connect, pluginPath } from '../src/cli/client.js';
import { login, startHostServer } from '../src/tune/child.js';
import { type BenchCase, type BenchRow, LONGEST_WAIT_MS, rowsOfOne } from './case.js';
import { artifactOf, assemblyScriptGuest, BODY, goGuest, NO_GO } from './guests.js';

const STEPS = ['rewrite', 'compile', 'warm'] as const;

type Parts = Record<'all' | 'parse' | (typeof STEPS)[number], number>;

export const loadCase: BenchCase = {
  name: 'load',
  maxRounds: 3,
  warmsUp: false,
  async start() {
    const [go, big, as] = await Promise.all([goGuest('echo'), goGuest('big'), assemblyScriptGuest()]);
    const guests = { ...(go && { Go: go }), ...(big && { 'big Go': big }), AS: as };
    return {
      rows: Object.entries(guests).flatMap(([name, module]) => loadRows(name, artifactOf('bench-load', module))),
      skipped: go ? [] : [NO_GO],
      end: async () => {},
    };
  },
};

function loadRows(name: string, artifact: Uint8Array): BenchRow[] {
  const part = (row: string, key: keyof Parts) => ({
    row: `${name}, ${row}`,
    unit: 'ms' as const,
    pick: (parts: Parts) => parts[key],
  });
  return rowsOfOne(
    () => loadOnce(artifact),
    [part('upload to first answer', 'all'), part('parse', 'parse'), ...STEPS.map((step) => part(step, step))],
  );
}

async function loadOnce(artifact: Uint8Array): Promise<Parts> {
  const server = await startHostServer({ settings: { pool: { queueTimeoutMs: LONGEST_WAIT_MS } }, artifacts: {} });
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
  try {
    const file = join(directory, 'bench-load.wasm');
    await writeFile(file, artifact);
    const host = await connect({ url: server.url, token: await login(server) });
    const startedAt = performance.now();
    await host.upload({ file, overwrite: false });
    await host.request({ method: 'POST', path: pluginPath('bench-load', 'install') });
    await host.request({ method: 'PUT', path: pluginPath('bench-load', 'enable') });
    await firstAnswer(server.url);
    const all = performance.now() - startedAt;
    return { all, parse: parseMs(artifact), ...(await stepsOf(server.url)) };
  } finally {
    await server.end();
    await rm(directory, { recursive: true, force: true });
  }
}

async function firstAnswer(url: string): Promise<void> {
  const response = await fetch(`${url}/x/bench-load/echo`, { method: 'POST', body: new Uint8Array(BODY) });
  const answer = Buffer.from(await response.arrayBuffer());
  if (!answer.equals(BODY)) throw new Error(`the plugin answers ${response.status}: ${answer.toString()}`);
}

function parseMs(artifact: Uint8Array): number {
  const startedAt = performance.now();
  parseArtifact(artifact);
  return performance.now() - startedAt;
}

/** ms of each step of the host's loads, from its metrics. */
async function stepsOf(url: string): Promise<Omit<Parts, 'all' | 'parse'>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const seconds = (step: string): number =>
    Number(
      new RegExp(`^sandpool_module_load_seconds_sum\\{step="${step}"\\} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN,
    );
  return { rewrite: seconds('rewrite') * 1000, compile: seconds('compile') * 1000, warm: seconds('warm') * 1000 };
}
