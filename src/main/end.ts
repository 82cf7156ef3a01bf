/** The end of a host: the last requests, then everything that was opened, in reverse order. */
import { setTimeout } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import type { App } from './http.js';

/**
 * Time for the last answers to leave, in ms, when the host shuts down, and its pieces: a process that is held up has spent one of them
 * when it goes on, and its sockets have their turn before the next.
 */
const LAST_WORDS_MS = 50;
const LAST_WORDS = 10;

/** Stops listening, lets running requests end, then ends whatever still runs and tells its callers. */
export async function shutDown(app: App, engine: Engine, graceMs: number): Promise<void> {
  const closing = app.close();
  await engine.close(graceMs);
  let isClosed = false;
  const closed = closing.then(() => {
    isClosed = true;
  });
  for (let word = 0; word < LAST_WORDS && !isClosed; word++)
    await Promise.race([closed, setTimeout(LAST_WORDS_MS, undefined, { ref: false })]);
  app.server.closeAllConnections();
  await closing;
}

/** Runs the closers once, last opened first, however often it is called. */
export function once(closers: readonly (() => unknown)[]): () => Promise<void> {
  let ending: Promise<void> | undefined;
  return () => {
    ending ??= (async () => {
      for (const close of closers.toReversed()) await close();
    })();
    return ending;
  };
}
