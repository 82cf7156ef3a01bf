/** The door to node:cluster: host processes that share one port. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SandpoolError } from '../protocol/errors.js';
import type { LineMessage } from './line.js';
import { listenFailure } from './listen-failure.js';

/** A host process, as the primary holds it. */
export interface ForkedProcess {
  readonly pid: number;
  post(message: LineMessage): void;
  kill(signal: NodeJS.Signals): void;
}

export interface ForkEvents {
  /** The process takes messages from now on; what is posted before is lost. */
  readonly onOpen: () => void;
  readonly onMessage: (message: LineMessage) => void;
  /** @param how such as `exit code 1` or `SIGKILL` */
  readonly onExit: (how: string) => void;
}

export type Fork = (events: ForkEvents) => ForkedProcess;

/**
 * Starts processes that run this module and listen on one port.
 *
 * The primary accepts connections and hands them out in turn: each process gets as many as the others. When processes wait for
 * connections on a shared handle, the kernel gave one of two 39 to 64 of 64 that were opened at once, and they stay there for as
 * long as they are kept alive. And a connection that reaches a process which is just closing is handed to another one.
 */
export function forkOf(module: URL): Fork {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: fileURLToPath(module), args: [], serialization: 'advanced' });
  return ({ onOpen, onMessage, onExit }) => {
    const worker = cluster.fork();
    worker.on('message', (message: LineMessage) => (isGreeting(message) ? onOpen() : onMessage(message)));
    worker.on('exit', (code, signal) => onExit(signal ?? `exit code ${code}`));
    // A process that is ending takes nothing more; its exit says the rest.
    worker.on('error', () => {});
    return {
      pid: worker.process.pid ?? 0,
      post: (message) => void (worker.isConnected() && worker.send(message)),
      kill: (signal) => void worker.process.kill(signal),
    };
  };
}

/** A message that says nothing: that a process is there, and later that all before it has been sent. */
const GREETING: LineMessage = { kind: 'heard', id: 0 };

function isGreeting(message: LineMessage): boolean {
  return message.kind === 'heard' && message.id === 0;
}

/** What a host process sends to its primary, and hears from it. */
export interface Channel {
  post(message: LineMessage): void;
  listen(receive: (message: LineMessage) => void): void;
  /** Ends the process once everything has been sent. Without the primary it ends at once, by itself. */
  exit(): void;
}

/** @throws SBX_INTERNAL in a process that no primary has started. */
export function openChannel(): Channel {
  const { worker } = cluster;
  if (worker === undefined) throw new SandpoolError('SBX_INTERNAL', { reason: 'this process has no primary' });
  return {
    post: (message) => void (worker.isConnected() && worker.send(message)),
    listen(receive) {
      process.on('message', receive);
      worker.send(GREETING);
    },
    exit() {
      if (!worker.isConnected()) process.exit(0);
      // Messages leave in order: when this one is out, all are.
      process.send?.(GREETING, undefined, undefined, () => process.exit(0));
    },
  };
}

/**
 * The port that all processes will listen on: a free one for 0, so that a process that is started later gets the same. As long as this
 * process lives, the system gives that port to nobody else who asks for a free one, also while none of the processes listens.
 * @throws SBX_PORT_IN_USE, SBX_LISTEN_FAILED
 */
export async function choosePort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
  } catch (cause) {
    throw listenFailure(cause, { host, port });
  }
  const chosen = server.address() as AddressInfo;
  if (port === 0) await hold(server, chosen);
  server.close();
  return chosen.port;
}

/**
 * Takes the port of a server by an end of a connection to it, which stays when the server is closed. A system that gives out free
 * ports passes over that one, and lets whoever names it listen on it, as a server that is started anew beside its old connections.
 */
async function hold(server: Server, { address, port }: AddressInfo): Promise<void> {
  const near = connect({ port, host: NEAREST[address] ?? address }).unref();
  try {
    const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
    for (const end of [near, far.unref()]) end.on('error', () => {});
  } catch {
    // Where no connection can be made to oneself the port is free until a process listens.
  }
}

/** Where a server is reached that listens at every address. */
const NEAREST: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
