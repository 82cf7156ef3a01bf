/** The end of a host: the last requests, then everything that was opened, in reverse order. */
import { setTimeout } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import type { App } from './http.js';

/** Time for the last answers to leave, in ms, when the host shuts down. */
const LAST_WORDS_MS = 500;

/** Stops listening, lets running requests end, then ends whatever still runs and tells its callers. */
export async function shutDown(app: App, engine: Engine, graceMs: number): Promise<void> {
  const closing = app.close();
  await engine.close(graceMs);
  await Promise.race([closing, setTimeout(LAST_WORDS_MS, undefined, { ref: false })]);
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
