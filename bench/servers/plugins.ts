/**
 * A process with many plugins, each another binary, in one worker and then in two: what a request costs while plugins take
 * turns, and what each costs in memory. Prints one JSON document.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { appendCustomSection } from '../../src/artifact/sections.js';
import type { PostedRelease } from '../../src/protocol/messages.js';
import { assemblyScriptGuest, goGuest } from '../guests.js';
import { plainRelease, rewritten } from '../sandbox.js';
import type { Asked, Told } from './plugins-worker.js';

export interface PluginsResult {
  /** µs per request, for each number of plugins. */
  readonly microseconds: readonly number[];
  readonly firstWorkerBytes: number;
  readonly furtherWorkerBytes: number;
}

const [counts, loopMs] = JSON.parse(process.argv[2] as string) as [number[], number];
process.stdout.write(JSON.stringify(await measure()));
process.exit(0);

async function measure(): Promise<PluginsResult> {
  const module = (await goGuest('echo')) ?? (await assemblyScriptGuest());
  const { bytes, layout } = rewritten(module);
  const plugin = (number: number): PostedRelease => ({
    ...plainRelease(appendCustomSection(bytes, 'bench', String(number))),
    layout,
    isolation: 'pristine',
  });
  const first = await startThread();
  const microseconds: number[] = [];
  const releases: PostedRelease[] = [];
  // The first plugin brings what all share; what a further one costs is asked.
  let base = { bytes: 0, plugins: 0 };
  for (const count of counts) {
    while (releases.length < count)
      releases.push((await first.ask({ load: plugin(releases.length) })).release as PostedRelease);
    microseconds.push((await first.ask({ rotate: loopMs })).microseconds as number);
    if (base.plugins === 0) base = { bytes: await residentBytes([first]), plugins: count };
  }
  const loaded = await residentBytes([first]);
  const second = await startThread();
  await second.ask({ open: releases[0] as PostedRelease });
  const before = await residentBytes([first, second]);
  for (const release of releases.slice(1)) await second.ask({ open: release });
  await second.ask({ rotate: loopMs });
  const after = await residentBytes([first, second]);
  return {
    microseconds,
    firstWorkerBytes: (loaded - base.bytes) / Math.max(1, releases.length - base.plugins),
    furtherWorkerBytes: (after - before) / Math.max(1, releases.length - 1),
  };
}

type Thread = Awaited<ReturnType<typeof startThread>>;

async function startThread() {
  const worker = new Worker(new URL('./plugins-worker.js', import.meta.url));
  return {
    async ask(question: Asked): Promise<Told> {
      worker.postMessage(question);
      const [told] = (await once(worker, 'message')) as [Told];
      return told;
    },
  };
}

/** After the collectors have been everywhere: instances that were thrown away do not count. */
async function residentBytes(threads: readonly Thread[]): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    for (const thread of threads) await thread.ask({ collect: true });
  }
  return process.memoryUsage().rss;
}
