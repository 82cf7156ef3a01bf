/** Lets a server's connections run out without cutting off anybody who is just asking. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';

export interface RunOutLimits {
  /** How long a connection without a request may stay; whoever asks on it within is answered, and told to open another one. */
  readonly idleMs: number;
  /** Longest wait for all of it. */
  readonly graceMs: number;
}

/**
 * Takes no new connections and answers on those that are open, each answer with `Connection: close`. Resolves when none is left,
 * or after `graceMs`. Closing idle connections at once would meet requests on their way, and fail them.
 */
export async function runOut(server: Server, { idleMs, graceMs }: RunOutLimits): Promise<void> {
  server.prependListener('request', (_request, reply) => reply.setHeader('connection', 'close'));
  const closed = new Promise<void>((settle) => {
    // Not the HTTP server's own, which closes idle connections first.
    NetServer.prototype.close.call(server, () => settle());
  });
  const timers = new AbortController();
  const after = (ms: number) => pause(ms, undefined, { ref: false, signal: timers.signal }).catch(() => {});
  const end = after(graceMs);
  await Promise.race([closed, after(Math.min(idleMs, graceMs))]);
  // A process that was held up has requests at its sockets that it has not seen: their connections are not idle.
  await setImmediate();
  server.closeIdleConnections();
  await Promise.race([closed, end]);
  timers.abort();
}
