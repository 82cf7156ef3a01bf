/** A thread that holds instances of many plugins, as a sandbox thread does. */
import { parentPort } from 'node:worker_threads';
import type { PostedRelease } from '../../src/protocol/messages.js';
import type { Instance } from '../../src/sandbox/instance.js';
import { requestOf } from '../guests.js';
import { open, runOnce, withSnapshot } from '../sandbox.js';

export type Asked =
  /** Takes the snapshot of a release, as a load does, and opens an instance of it. */
  | { readonly load: PostedRelease }
  /** Opens an instance of a release with its snapshot. */
  | { readonly open: PostedRelease }
  /** Serves requests for so long, each for the next plugin. */
  | { readonly rotate: number }
  | { readonly collect: true };

export interface Told {
  readonly release?: PostedRelease;
  readonly microseconds?: number;
}

/** Requests of each plugin before it is measured; V8 compiles again what has run for a while. */
const WARM_UPS = 2000;
/** Warming up takes no longer than so many measurements: 20 s of 150 ms each. */
const PATIENCE = 130;
/** So many turns in a row that are not clearly better are the end. */
const STEADY = 4;
const BETTER = 0.98;
const REQUEST = requestOf('EchoReq', { calls: 1 });
const instances: Instance[] = [];

parentPort?.on('message', (asked: Asked) => parentPort?.postMessage(answer(asked)));

function answer(asked: Asked): Told {
  if ('load' in asked) {
    const release = withSnapshot(asked.load);
    start(release);
    return { release };
  }
  if ('open' in asked) start(asked.open);
  if ('rotate' in asked) return { microseconds: rotate(asked.rotate) };
  if ('collect' in asked) globalThis.gc?.();
  return {};
}

function start(release: PostedRelease): void {
  const instance = open(release);
  instances.push(instance);
  serve(instance);
}

/** The best turn, once every plugin runs code that was compiled with care and not in haste, and turns get no better. */
function rotate(ms: number): number {
  const endsAt = performance.now() + ms * PATIENCE;
  for (let round = 0; round < WARM_UPS && performance.now() < endsAt; round++) for (const one of instances) serve(one);
  let best = turns(ms);
  for (let worse = 0; worse < STEADY && performance.now() < endsAt; ) {
    const now = turns(ms);
    worse = now < best * BETTER ? 0 : worse + 1;
    best = Math.min(best, now);
  }
  return best;
}

/** µs per request while plugins take turns for so long. */
function turns(ms: number): number {
  let served = 0;
  const startedAt = performance.now();
  do {
    for (const instance of instances) serve(instance);
    served += instances.length;
  } while (performance.now() - startedAt < ms);
  return ((performance.now() - startedAt) * 1000) / served;
}

function serve(instance: Instance): void {
  runOnce(instance, REQUEST);
  instance.reset();
}
