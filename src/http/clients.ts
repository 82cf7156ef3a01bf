/** Who has gone away: ends what runs for a connection when that is closed. */
import type { Socket } from 'node:net';

export interface Cancellable {
  cancel(): void;
}

/** What runs for each connection that has a request under way; several when a client sends them one upon another. */
const UNDER_WAY = new WeakMap<Socket, Set<Cancellable>>();

/**
 * Cancels `work` when the connection closes before `endWork`. One listener per connection serves all its requests: a listener or
 * an AbortController per request would cost more than most guests.
 */
export function beginWork(socket: Socket, work: Cancellable): void {
  let works = UNDER_WAY.get(socket);
  if (works === undefined) {
    works = new Set();
    UNDER_WAY.set(socket, works);
    socket.once('close', cancelAll);
  }
  works.add(work);
}

export function endWork(socket: Socket, work: Cancellable): void {
  UNDER_WAY.get(socket)?.delete(work);
}

function cancelAll(this: Socket): void {
  for (const work of UNDER_WAY.get(this) ?? []) work.cancel();
}
