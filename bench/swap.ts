/**
 * The first request that a release answers after a switch, against the steady median: a release is compiled, rewritten and warmed
 * before it serves, so that whoever asks first does not pay for it. Once while requests go on, one after the other, and once without
 * any meanwhile, against the first request after a pause of the same length without a switch: threads, connections and processors
 * that have slept are slower at first, whatever happened. Upgrades and rollbacks take turns on one host, over HTTP.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, pluginPath } from '../src/cli/client.js';
import { login, startHostServer } from '../src/tune/child.js';
import { type BenchCase, type BenchRow, LONGEST_WAIT_MS, median, rowsOfOne } from './case.js';
import { artifactOf, assemblyScriptGuest, goGuest, marked, NO_GO } from './guests.js';

const ID = 'bench-swap';
const STEADY = 'steady';
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
  /** The first that was asked afterwards, while requests went on. */
  readonly upgradedLive: number;
  readonly rolledBackLive: number;
  /** The first that the release has answered, asked while the host was switching. */
  readonly upgrading: number;
  readonly rollingBack: number;
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
  const settings = { plugin: { servePending: true }, pool: { queueTimeoutMs: LONGEST_WAIT_MS } };
  const server = await startHostServer({ settings, artifacts: { [ID]: artifactOf(ID, marked(module, 0)) } });
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
  const host = await connect({ url: server.url, token: await login(server) });
  let release = 0;
  const swaps: Swaps = {
    ask: () => ask(server.url),
    // Each time code that no cache has seen.
    async upload() {
      release += 1;
      const file = join(directory, `${release}.wasm`);
      await writeFile(file, artifactOf(ID, marked(module, release), { version: `v0.2.${release}` }));
      await host.upload({ file, overwrite: false });
    },
    switch: (action) => host.request({ method: 'POST', path: pluginPath(ID, action), json: { confirmed: true } }),
  };
  const row = (title: string, rival: string | undefined, pick: (swapped: Swapped) => number) => ({
    row: `${name}, ${title}`,
    unit: 'ms' as const,
    ...(rival && { rival: `${name}, ${rival}` }),
    pick,
  });
  const rows: BenchRow[] = rowsOfOne(
    () => measure(swaps, repeats),
    [
      row(STEADY, undefined, (swapped) => swapped.steady),
      row('first after an upgrade while requests go on', STEADY, (swapped) => swapped.upgradedLive),
      row('first after a rollback while requests go on', STEADY, (swapped) => swapped.rolledBackLive),
      row('asked during an upgrade', STEADY, (swapped) => swapped.upgrading),
      row('asked during a rollback', STEADY, (swapped) => swapped.rollingBack),
      row(PAUSED, STEADY, (swapped) => swapped.paused),
      row('first after an upgrade', PAUSED, (swapped) => swapped.upgraded),
      row('first after a rollback', PAUSED, (swapped) => swapped.rolledBack),
    ],
  );
  const end = async (): Promise<void> => {
    await server.end();
    await rm(directory, { recursive: true, force: true });
  };
  return { rows, end };
}

interface Swaps {
  ask(): Promise<Asked>;
  /** Stores one more release. */
  upload(): Promise<unknown>;
  /** To that release, or back. */
  switch(action: 'upgrade' | 'rollback'): Promise<unknown>;
}

interface Asked {
  readonly ms: number;
  /** Which release has answered. */
  readonly mark: string;
}

/** There and back again, `repeats` times with and without requests meanwhile. */
async function measure(swaps: Swaps, repeats: number): Promise<Swapped> {
  const all: Record<keyof Swapped, number[]> = {
    steady: [],
    paused: [],
    upgraded: [],
    rolledBack: [],
    upgradedLive: [],
    rolledBackLive: [],
    upgrading: [],
    rollingBack: [],
  };
  const keepSteady = async (): Promise<void> => {
    for (let request = 0; request < STEADY_REQUESTS; request++) all.steady.push((await swaps.ask()).ms);
  };
  const first = async (action: 'upgrade' | 'rollback'): Promise<number> => {
    await swaps.switch(action);
    return (await swaps.ask()).ms;
  };
  for (let turn = 0; turn < repeats; turn++) {
    await keepSteady();
    await wait(PAUSE_MS);
    all.paused.push((await swaps.ask()).ms);
    await swaps.upload();
    all.upgraded.push(await first('upgrade'));
    await keepSteady();
    all.rolledBack.push(await first('rollback'));
    await keepSteady();
    await swaps.upload();
    const upgrade = await firstLive(swaps, 'upgrade');
    await keepSteady();
    const rollback = await firstLive(swaps, 'rollback');
    all.upgrading.push(upgrade.during);
    all.upgradedLive.push(upgrade.after);
    all.rollingBack.push(rollback.during);
    all.rolledBackLive.push(rollback.after);
  }
  return Object.fromEntries(Object.entries(all).map(([name, ms]) => [name, median(ms)])) as unknown as Swapped;
}

/**
 * Switches while requests go on, one after the other.
 * @returns ms of the first that the other release has answered, and of the first that was asked when the switch was over
 */
async function firstLive(swaps: Swaps, action: 'upgrade' | 'rollback'): Promise<{ during: number; after: number }> {
  for (let request = 1; request < STEADY_REQUESTS; request++) await swaps.ask();
  const { mark } = await swaps.ask();
  let isOver = false;
  const switched = swaps.switch(action).then(() => {
    isOver = true;
  });
  let during: number | undefined;
  while (!isOver) {
    const answer = await swaps.ask();
    if (answer.mark !== mark) during ??= answer.ms;
  }
  await switched;
  const after = (await swaps.ask()).ms;
  return { during: during ?? after, after };
}

async function ask(url: string): Promise<Asked> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/x/${ID}/mark`, { method: 'POST' });
  const mark = await response.text();
  const ms = performance.now() - startedAt;
  if (response.status !== 200) throw new Error(`the plugin answers ${response.status}: ${mark}`);
  return { ms, mark };
}
