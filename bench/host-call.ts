/**
 * What one host call costs a guest: a function answered in the worker, the same over the bridge to the main thread, and a read
 * of plugin state from SQLite on both sides. A guest makes many calls in one run; a run without calls is subtracted.
 */
import { encodeHostCallRequest } from '../src/protocol/host-call.js';
import { encodePayload } from '../src/protocol/payloads.js';
import { microsecondsPerCall, sameCall } from './call-time.js';
import type { BenchCase, BenchRow } from './case.js';
import { type BenchEngine, openEngine, succeeded } from './engine.js';
import { assemblyScriptGuest } from './guests.js';

const NOW = requestOf('info.now');
const GET = requestOf('state.get', encodePayload('HostCallStateGetRequest', { key: 'bench' }));
const SET = requestOf('state.set', encodePayload('HostCallStateSetRequest', { key: 'bench', value: 'v'.repeat(100) }));

const WARM_UPS = 100;

export const hostCallCase: BenchCase = {
  name: 'host-call',
  async start({ repeats }) {
    const guest = await assemblyScriptGuest();
    const worker = await openEngine({ maxThreads: 1 });
    const bridge = await openEngine({ maxThreads: 1, placements: { runtime: 'host' } });
    for (const engine of [worker, bridge]) {
      await engine.load('bench', guest);
      succeeded(await engine.invoke('bench', 'CallReq', { body: SET, calls: 1 }));
      // V8 compiles again what has run for a while: a host that has been up for a second is measured.
      for (let i = 0; i < WARM_UPS; i++) succeeded(await engine.invoke('bench', 'CallReq', { body: NOW, calls: 500 }));
    }
    const row = (name: string, engine: BenchEngine, body: Uint8Array, calls: number, rival?: string): BenchRow => ({
      row: name,
      unit: 'us',
      ...(rival && { rival }),
      measure: () => microsecondsPerCall(sameCall(engine, body), calls, repeats),
    });
    return {
      rows: [
        row('function, over the bridge', bridge, NOW, 500),
        row('function, in the worker', worker, NOW, 5000, 'function, over the bridge'),
        row('SQLite read, over the bridge', bridge, GET, 500),
        row('SQLite read, in the worker', worker, GET, 2000, 'SQLite read, over the bridge'),
      ],
      end: async () => void (await Promise.all([worker.end(), bridge.end()])),
    };
  },
};

function requestOf(method: string, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return encodeHostCallRequest({
    service: 'runtime',
    method,
    resourceRef: '',
    table: '',
    payload,
    owner: '',
    version: '',
  });
}
