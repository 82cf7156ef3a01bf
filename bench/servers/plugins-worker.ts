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

/** 300 requests for each plugin before a measurement of 150 ms. */
const WARM_UPS_PER_MS = 2;
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

function rotate(ms: number): number {
  // Plugins that have served little run code that is compiled in haste.
  for (let i = 0; i < ms * WARM_UPS_PER_MS; i++) for (const instance of instances) serve(instance);
  let served = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms) {
    for (const instance of instances) serve(instance);
    served += instances.length;
  }
  return ((performance.now() - startedAt) * 1000) / served;
}

function serve(instance: Instance): void {
  runOnce(instance, REQUEST);
  instance.reset();
}
