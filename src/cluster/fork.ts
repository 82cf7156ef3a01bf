/** The door to node:cluster: host processes that share one port. */
import cluster from 'node:cluster';
import { createServer } from 'node:net';
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
 * The port that all processes will listen on: a free one for 0, so that a process that is started later gets the same.
 * @throws SBX_PORT_IN_USE, SBX_LISTEN_FAILED
 */
export function choosePort(host: string, port: number): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.once('error', (cause) => fail(listenFailure(cause, { host, port })));
    server.listen({ host, port, exclusive: true }, () => {
      const { port: chosen } = server.address() as { port: number };
      server.close(() => settle(chosen));
    });
  });
}
