/** One of several processes of `sandpool serve`: started by the primary, which tells it what to serve and when to end. */
import { resolve } from 'node:path';
import { openChannel } from '../cluster/fork.js';
import { type Peers, servePrimary } from '../cluster/peers.js';
import type { Config } from '../config/schema.js';
import { type Host, startHost } from '../main.js';
import { ensureDemo } from './demo.js';
import { type Greeted, greetedOf } from './greeting.js';

/** What a process is told to start with. */
export interface HostWork {
  readonly config: Config;
  readonly adminPassword: string | undefined;
  readonly demo: boolean;
}

let host: Host | undefined;

const channel = openChannel();
const receive = servePrimary({ start, runOut, end, exit: channel.exit }, channel.post);
channel.listen(receive);
// A terminal sends its signals to every process; the primary decides what they mean.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => {
  runOut().then(end).then(channel.exit, channel.exit);
});

async function start(work: unknown, peers: Peers): Promise<Greeted> {
  const { config, adminPassword, demo } = work as HostWork;
  const beforeListening = async ({ registry }: Pick<Host, 'registry'>): Promise<void> => {
    if (demo && peers.isFirst) await ensureDemo(registry, resolve(config.data.dir));
  };
  host = await startHost({ config, adminPassword, peers, beforeListening });
  return greetedOf(host);
}

async function runOut(): Promise<void> {
  await host?.runOut();
}

async function end(): Promise<void> {
  await host?.close();
}
