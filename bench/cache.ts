/**
 * What the `cache` service costs a guest: a hit that its thread answers from a copy, the same over the bridge, a miss, a write. A
 * guest makes many calls in one run; a run without calls is subtracted.
 */
import { encodeHostCallRequest } from '../src/protocol/host-call.js';
import { encodePayload } from '../src/protocol/payloads.js';
import { microsecondsPerCall, sameCall } from './call-time.js';
import type { BenchCase, BenchRow } from './case.js';
import { type BenchEngine, openEngine, succeeded } from './engine.js';
import { assemblyScriptGuest } from './guests.js';

const VALUE = 'v'.repeat(100);
const HIT = requestOf('get', encodePayload('HostServiceCacheGetRequest', { key: 'profile:42' }));
const MISS = requestOf('get', encodePayload('HostServiceCacheGetRequest', { key: 'profile:43' }));
const INTEGER = requestOf(
  'incr',
  encodePayload('HostServiceCacheIncrRequest', { key: 'hits', delta: 1, expireSeconds: 3600 }),
);
const SET = requestOf(
  'set',
  encodePayload('HostServiceCacheSetRequest', { key: 'profile:42', value: VALUE, expireSeconds: 3600 }),
);

export const cacheCase: BenchCase = {
  name: 'cache',
  async start({ repeats }) {
    const guest = await assemblyScriptGuest();
    const worker = await openEngine({ maxThreads: 1 });
    const bridge = await openEngine({ maxThreads: 1, cacheCopies: false });
    for (const engine of [worker, bridge]) {
      await engine.load('bench', guest);
      succeeded(await engine.invoke('bench', 'CallReq', { body: SET, calls: 1 }));
    }
    const row = (name: string, engine: BenchEngine, body: Uint8Array, calls: number, rival?: string): BenchRow => ({
      row: name,
      unit: 'us',
      ...(rival && { rival }),
      measure: () => microsecondsPerCall(sameCall(engine, body), calls, repeats),
    });
    return {
      rows: [
        row('hit, over the bridge', bridge, HIT, 500),
        row('hit, in the worker', worker, HIT, 5000, 'hit, over the bridge'),
        row('miss, in the worker', worker, MISS, 5000, 'hit, over the bridge'),
        row('set', worker, SET, 500),
        row('incr', worker, INTEGER, 500),
      ],
      end: async () => void (await Promise.all([worker.end(), bridge.end()])),
    };
  },
};

function requestOf(method: string, payload: Uint8Array): Uint8Array {
  return encodeHostCallRequest({
    service: 'cache',
    method,
    resourceRef: 'bench',
    table: '',
    payload,
    owner: '',
    version: '',
  });
}
