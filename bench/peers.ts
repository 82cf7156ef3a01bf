/**
 * The same echo, 452 bytes there and back with one host call, per call in one thread: by Sandpool, by a host that is nothing but
 * WebAssembly, and by Extism's JavaScript SDK, which is installed only for this.
 */
import { createRequire } from 'node:module';
import { openBare } from './bare.js';
import { type BenchCase, type BenchRow, type Effort, loopRow } from './case.js';
import { assemblyScriptGuest, BODY, extismGuest, goGuest, NO_GO, requestOf } from './guests.js';
import { open, pristineRelease, runOnce } from './sandbox.js';

const REQUEST = requestOf('EchoReq', { calls: 1 });
const INSTALL = 'Extism is not installed: npm ci --prefix bench';

export const peersCase: BenchCase = {
  name: 'peers',
  async start(effort) {
    const [go, as] = await Promise.all([goGuest('echo'), assemblyScriptGuest()]);
    const extism = loadExtism();
    const peers = extism ? await openExtism(extism, effort) : undefined;
    const rival = peers?.rows[1]?.row;
    const rows = [
      ...(peers?.rows ?? []),
      ...Object.entries({ AS: as, ...(go && { Go: go }) }).flatMap(([name, module]) =>
        ownRows(name, module, rival, effort),
      ),
    ];
    const skipped = [...(go ? [] : [NO_GO]), ...(extism ? [] : [INSTALL])];
    return { rows, skipped, end: async () => peers?.end() };
  },
};

function ownRows(name: string, bytes: Uint8Array, rival: string | undefined, { loopMs }: Effort): BenchRow[] {
  const bare = openBare(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
  const pristine = open(pristineRelease(bytes));
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      runOnce(pristine, REQUEST);
      pristine.reset();
    }
  };
  const runBare = (count: number): void => {
    for (let i = 0; i < count; i++) bare.call(REQUEST);
  };
  return [
    loopRow({ row: `bare WebAssembly, ${name}, warm`, unit: 'us', ...(rival && { rival }), run: runBare }, loopMs),
    loopRow({ row: `Sandpool, ${name}, pristine`, unit: 'us', ...(rival && { rival }), run }, loopMs),
  ];
}

/** What is used of Extism; the package is not there when this is compiled. */
interface Extism {
  createPlugin(module: WebAssembly.Module, options: object): Promise<ExtismPlugin>;
}

interface ExtismPlugin {
  call(name: string, input: Uint8Array): Promise<{ bytes(): Uint8Array } | null>;
  reset(): Promise<boolean>;
  close(): Promise<void>;
}

function loadExtism(): Extism | undefined {
  try {
    return createRequire(new URL('../../bench/package.json', import.meta.url))('@extism/extism') as Extism;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw thrown;
  }
}

async function openExtism(extism: Extism, { loopMs }: Effort) {
  const module = new WebAssembly.Module((await extismGuest()) as Uint8Array<ArrayBuffer>);
  const functions = { 'extism:host/user': { uuid: () => 0n } };
  const create = () => extism.createPlugin(module, { functions, useWasi: false, runInWorker: false });
  // Not from Buffer's pool: Extism takes the whole memory behind a view.
  const input = Uint8Array.from(BODY);
  const call = async (plugin: ExtismPlugin): Promise<void> => {
    const output = await plugin.call('echo', input);
    if (output?.bytes().length !== input.length) throw new Error('Extism answers something else');
  };
  const kept = await create();
  const row = (name: string, once: () => Promise<void>): BenchRow => ({
    row: `Extism, AS, ${name}`,
    unit: 'us',
    measure: () => microsecondsPer(once, loopMs),
  });
  const rows = [
    row('warm', async () => {
      await call(kept);
      calls += 1;
      // Its memory of outputs is freed only by a reset; after 32,768 blocks calls fail.
      if (calls % 10_000 === 0) await kept.reset();
    }),
    row('reset before each call', async () => {
      await kept.reset();
      await call(kept);
    }),
    row('new plugin for each call', async () => {
      const plugin = await create();
      await call(plugin);
      await plugin.close();
    }),
  ];
  return { rows, end: () => kept.close() };
}

let calls = 0;

async function microsecondsPer(once: () => Promise<void>, ms: number): Promise<number> {
  let count = 0;
  const startedAt = performance.now();
  do {
    await once();
    count += 1;
  } while (performance.now() - startedAt < ms);
  return ((performance.now() - startedAt) * 1000) / count;
}
