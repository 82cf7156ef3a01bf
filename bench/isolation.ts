/**
 * What it costs to give each request a pristine instance, in one thread, with one host call per request: by our own sandbox, by
 * the ways that others go, and by not doing it. And what the rewriting costs code that stores much.
 */
import { rewriteModule } from '../src/rewrite/rewrite.js';
import { fullCopy, openBare } from './bare.js';
import type { BenchCase, BenchRow, Effort } from './case.js';
import { loopRow } from './case.js';
import { assemblyScriptGuest, goGuest, NO_GO, requestOf } from './guests.js';
import { open, plainRelease, pristineRelease, runOnce } from './sandbox.js';

const REQUEST = requestOf('EchoReq', { calls: 1 });
const RESPONSE_BYTES = 452;

export const isolationCase: BenchCase = {
  name: 'isolation',
  async start(effort) {
    const [go, big, as] = await Promise.all([goGuest('echo'), goGuest('big'), assemblyScriptGuest()]);
    const rows: BenchRow[] = [];
    if (go) rows.push(...isolationRows('Go', prepare(go), effort));
    const bigGuest = big && prepare(big);
    if (bigGuest) rows.push(...isolationRows('big Go', bigGuest, effort));
    const asGuest = prepare(as);
    rows.push(...isolationRows('AS', asGuest, effort));
    if (bigGuest) rows.push(...storeRows('big Go, JSON encoded', bigGuest, 'EncodeReq', effort));
    if (bigGuest) rows.push(...storeRows('big Go, JSON decoded', bigGuest, 'DecodeReq', effort));
    rows.push(...storeRows('AS, words written', asGuest, 'StoreReq', effort));
    return { rows, skipped: go ? [] : [NO_GO], end: async () => {} };
  },
};

interface Guest {
  readonly bytes: Uint8Array;
  /** As it came. */
  readonly plain: ReturnType<typeof plainRelease>;
  /** As a load makes it, warmed up by one request. */
  readonly pristine: ReturnType<typeof pristineRelease>;
  /** The same where nobody has declared a warm-up. */
  readonly cold: ReturnType<typeof pristineRelease>;
}

function prepare(bytes: Uint8Array): Guest {
  return {
    bytes,
    plain: plainRelease(bytes),
    pristine: pristineRelease(bytes, [REQUEST]),
    cold: pristineRelease(bytes),
  };
}

function isolationRows(name: string, { bytes, plain, pristine, cold }: Guest, { loopMs }: Effort): BenchRow[] {
  const latest = new Map<string, number>();
  const timed = (row: string, rival: string | undefined, request: () => Uint8Array): BenchRow => {
    check(row, request());
    const repeat = (count: number): void => {
      for (let i = 0; i < count; i++) request();
    };
    const loop = loopRow({ row: `${name}, ${row}`, unit: 'us', ...(rival && { rival }), run: repeat }, loopMs);
    return {
      ...loop,
      async measure() {
        const us = await loop.measure();
        latest.set(row, us);
        return us;
      },
    };
  };
  const perSecond = (row: string, of: string, rival?: string): BenchRow => ({
    row: `${name}, ${row}`,
    unit: 'rps',
    ...(rival && { rival: `${name}, ${rival}` }),
    measure: async () => 1e6 / (latest.get(of) as number),
  });
  const warm = open(plain);
  const kept = open(pristine);
  const keptCold = open(cold);
  const copied = openCopied(bytes);
  const rival = `${name}, warm`;
  return [
    timed('warm', undefined, () => runOnce(warm, REQUEST)),
    timed('pristine', rival, () => {
      const response = runOnce(kept, REQUEST);
      kept.reset();
      return response;
    }),
    timed('pristine, no warm-up declared', rival, () => {
      const response = runOnce(keptCold, REQUEST);
      keptCold.reset();
      return response;
    }),
    timed('full copy back', rival, copied),
    timed('fresh from snapshot', rival, () => runOnce(open(pristine), REQUEST)),
    timed('fresh + _initialize', rival, () => runOnce(open(plain), REQUEST)),
    perSecond('fresh + _initialize, requests', 'fresh + _initialize'),
    perSecond('pristine, requests', 'pristine', 'fresh + _initialize, requests'),
  ];
}

/** A kept instance whose whole memory is copied back. */
function openCopied(bytes: Uint8Array): () => Uint8Array {
  const options = { maxPages: 4096, dirtyPages: false, fuel: false, exportGlobals: true };
  const { bytes: exported, layout } = rewriteModule(bytes, options);
  const guest = openBare(new WebAssembly.Module(exported));
  const reset = fullCopy(
    guest,
    layout.globals.map(({ exportName }) => exportName),
  );
  return () => {
    const response = guest.call(REQUEST);
    reset();
    return response;
  };
}

/** A response envelope is a little longer than its body, and a view of memory that was reset may hold anything. */
function check(row: string, response: Uint8Array): void {
  if (response.length <= RESPONSE_BYTES || response.length > RESPONSE_BYTES + 64)
    throw new Error(`${row}: the guest answers ${response.length} bytes`);
}

function storeRows(name: string, { plain, pristine }: Guest, requestType: string, { loopMs }: Effort): BenchRow[] {
  const request = requestOf(requestType);
  const row = (how: string, release: ReturnType<typeof plainRelease>, rival?: string): BenchRow => {
    const instance = open(release);
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) runOnce(instance, request);
    };
    return loopRow({ row: `${name}, ${how}`, unit: 'us', ...(rival && { rival }), run }, loopMs);
  };
  return [row('original', plain), row('rewritten', pristine, `${name}, original`)];
}
