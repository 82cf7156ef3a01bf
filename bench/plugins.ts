/** What many plugins cost: time per request while they take turns in one thread, and memory of each. */
import { execFile } from 'node:child_process';
import { freemem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BenchCase, rowsOfOne } from './case.js';
import { goGuest, NO_GO } from './guests.js';
import type { PluginsResult } from './servers/plugins.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('./servers/plugins.js', import.meta.url));
/** Two threads, with a good deal to spare. */
const BYTES_PER_PLUGIN = 20 * 1024 * 1024;

export const pluginsCase: BenchCase = {
  name: 'plugins',
  maxRounds: 2,
  warmsUp: false,
  async start({ plugins, loopMs }) {
    const kind = (await goGuest('echo')) ? 'Go' : 'AS';
    const counts = plugins.filter((count) => count * BYTES_PER_PLUGIN < freemem());
    const skipped = kind === 'Go' ? [] : [NO_GO];
    if (counts.length < plugins.length) skipped.push(`more than ${counts.at(-1)} plugins: memory is short`);
    const measure = async (): Promise<PluginsResult> => {
      const args = ['--expose-gc', PROGRAM, JSON.stringify([counts, loopMs])];
      return JSON.parse((await run(process.execPath, args)).stdout) as PluginsResult;
    };
    const named = (count: number) => `${count} ${kind} plugin${count > 1 ? 's' : ''}`;
    const rows = rowsOfOne(measure, [
      ...counts.map((count, index) => ({
        row: named(count),
        unit: 'us' as const,
        ...(index > 0 && { rival: named(counts[0] as number) }),
        pick: ({ microseconds }: PluginsResult) => microseconds[index] as number,
      })),
      {
        row: `memory of a ${kind} plugin, first worker`,
        unit: 'MB',
        pick: ({ firstWorkerBytes }) => firstWorkerBytes / 1e6,
      },
      {
        row: `memory of a ${kind} plugin, each further worker`,
        unit: 'MB',
        pick: ({ furtherWorkerBytes }) => furtherWorkerBytes / 1e6,
      },
    ]);
    return { rows, skipped, end: async () => {} };
  },
};
