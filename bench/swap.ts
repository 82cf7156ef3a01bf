/**
 * The first request after a switch of the release, against the first one after a pause of the same length without a switch, and that one
 * against the steady median: a release is compiled, rewritten and warmed before it serves, so that whoever asks first does not pay
 * for it. Threads, connections and processors that have slept are slower at first, whatever happened meanwhile. Upgrades and rollbacks
 * take turns on one host, over HTTP.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Host, pluginPath } from '../src/cli/client.js';
import { type HostServer, login, startHostServer } from '../src/tune/child.js';
import { type BenchCase, type BenchRow, median, rowsOfOne } from './case.js';
import { artifactOf, assemblyScriptGuest, BODY, goGuest, NO_GO } from './guests.js';

const ID = 'bench-swap';
const PAUSED = 'first after a pause';
const STEADY_REQUESTS = 50;
/** About as long as an upgrade. */
const PAUSE_MS = 300;

/** Numbers are ms of one request; of those after a switch, the median. */
interface Swapped {
  readonly steady: number;
  /** After a time without requests, as long as a switch takes. */
  readonly paused: number;
  readonly upgraded: number;
  readonly rolledBack: number;
}

export const swapCase: BenchCase = {
  name: 'swap',
  maxRounds: 3,
  async start({ repeats }) {
    const [go, as] = await Promise.all([goGuest('echo'), assemblyScriptGuest()]);
    const guests = { ...(go && { Go: go }), AS: as };
    const opened = await Promise.all(Object.entries(guests).map(([name, module]) => openSwaps(name, module, repeats)));
    return {
      rows: opened.flatMap(({ rows }) => rows),
      skipped: go ? [] : [NO_GO],
      end: async () => void (await Promise.all(opened.map(({ end }) => end()))),
    };
  },
};

async function openSwaps(name: string, module: Uint8Array, repeats: number) {
  const server = await startHostServer({ settings: {}, artifacts: { [ID]: artifactOf(ID, module) } });
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
  let releases = 0;
  // Bytes that no cache has seen.
  const writeNewer = async (): Promise<string> => {
    const version = `v0.2.${releases++}`;
    const file = join(directory, `${version}.wasm`);
    await writeFile(file, artifactOf(ID, module, { version }));
    return file;
  };
  const host = await connect({ url: server.url, token: await login(server) });
  const steady = `${name}, steady`;
  const row = (title: string, pick: (swapped: Swapped) => number) => ({
    row: `${name}, ${title}`,
    unit: 'ms' as const,
    ...(title !== 'steady' && { rival: title === PAUSED ? steady : `${name}, ${PAUSED}` }),
    pick,
  });
  const rows: BenchRow[] = rowsOfOne(
    () => swap(server, host, writeNewer, repeats),
    [
      row('steady', (swapped) => swapped.steady),
      row(PAUSED, (swapped) => swapped.paused),
      row('first after an upgrade', (swapped) => swapped.upgraded),
      row('first after a rollback', (swapped) => swapped.rolledBack),
    ],
  );
  const end = async (): Promise<void> => {
    await server.end();
    await rm(directory, { recursive: true, force: true });
  };
  return { rows, end };
}

/** There and back again, `repeats` times. */
async function swap(
  { url }: HostServer,
  host: Host,
  writeNewer: () => Promise<string>,
  repeats: number,
): Promise<Swapped> {
  const steady: number[] = [];
  const paused: number[] = [];
  const upgraded: number[] = [];
  const rolledBack: number[] = [];
  const go = (action: 'upgrade' | 'rollback') =>
    host.request({ method: 'POST', path: pluginPath(ID, action), json: { confirmed: true } });
  for (let turn = 0; turn < repeats; turn++) {
    for (let request = 0; request < STEADY_REQUESTS; request++) steady.push(await ask(url));
    await wait(PAUSE_MS);
    paused.push(await ask(url));
    await host.upload({ file: await writeNewer(), overwrite: false });
    await go('upgrade');
    upgraded.push(await ask(url));
    for (let request = 0; request < STEADY_REQUESTS; request++) steady.push(await ask(url));
    await go('rollback');
    rolledBack.push(await ask(url));
  }
  return { steady: median(steady), paused: median(paused), upgraded: median(upgraded), rolledBack: median(rolledBack) };
}

/** @returns ms until the whole answer is there */
async function ask(url: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/x/${ID}/echo`, { method: 'POST', body: new Uint8Array(BODY) });
  const answer = Buffer.from(await response.arrayBuffer());
  const tookMs = performance.now() - startedAt;
  if (!answer.equals(BODY)) throw new Error(`the plugin answers ${response.status}: ${answer.toString()}`);
  return tookMs;
}
