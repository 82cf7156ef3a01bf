import './trap';
import { allocHostResponse } from './host';
import { badRequest } from './response';
import { router } from './router';
import { decodeRequest, encodeResponse, problem } from './wire/envelope';

/**
 * The functions that the host calls. A plugin's entry file re-exports them:
 *
 *     export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../sdk';
 *
 * Memory. The plugin is built with AssemblyScript's `minimal` runtime: allocation is cheap, calls carry no shadow stack (an
 * echo takes half the time that it takes with `incremental`), and nothing is collected unless `__collect` is called, which is
 * safe only while no function holds a reference. That is so at the start of a request. A pristine or fresh instance never
 * gets there; a warm one collects every few requests, and sooner when its memory has grown much, so it holds the garbage of a
 * few requests and not that of its whole life.
 */
const REQUESTS_PER_COLLECTION: i32 = 16;
/** Growth that may just be what a first request needs, in pages of 64 KiB. */
const PAGES_TO_SPARE: i32 = 16;

let request: ArrayBuffer = new ArrayBuffer(0);
let response: Uint8Array = new Uint8Array(0);
let uncollected: i32 = 0;
let collectedPages: i32 = 0;

/** Gives the host a buffer for a request of `length` bytes; held until the next one. */
export function lina_dynamic_route_alloc(length: i32): usize {
  collectGarbage();
  request = new ArrayBuffer(length);
  return changetype<usize>(request);
}

/** Serves the request of `length` bytes that the host wrote; returns `(address << 32) | length` of the response. */
export function lina_dynamic_route_execute(length: i32): u64 {
  const decoded = decodeRequest(Uint8Array.wrap(request, 0, length));
  const answer = problem.length > 0 ? badRequest(problem) : router.dispatch(decoded);
  response = encodeResponse(answer);
  return (<u64>response.dataStart << 32) | <u64>response.length;
}

/** Gives the host a buffer for a host-call response; held until the next one. */
export function lina_host_call_alloc(length: i32): usize {
  return allocHostResponse(length);
}

/**
 * Seeds `Math.random` anew. Sandpool calls it before every request of an instance that it has reset, because the reset brings
 * back the generator of the snapshot, too. A plugin that uses `Math.random` re-exports it like the functions above.
 */
export function sandpool_reseed(seed: i64): void {
  NativeMath.seedRandom(seed);
}

function collectGarbage(): void {
  if (collectedPages == 0) collectedPages = memory.size();
  const hasGrown = memory.size() > collectedPages * 2 + PAGES_TO_SPARE;
  if (++uncollected <= REQUESTS_PER_COLLECTION && !hasGrown) return;
  request = new ArrayBuffer(0);
  response = new Uint8Array(0);
  __collect();
  uncollected = 0;
  collectedPages = memory.size();
}
