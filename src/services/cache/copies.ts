/**
 * What a sandbox thread remembers of the host's answers to `cache.get`, so that the next one costs a look at shared memory instead
 * of a trip. A copy counts only while the stamp of its group is what it was before the host was asked, so a read is never older
 * than a write that has been answered, in whichever thread.
 */
import { LRUCache } from 'lru-cache';
import { type CacheStamps, cacheId, stampGroup } from '../../protocol/cache.js';
import type { HostCallRequest } from '../../protocol/host-call.js';
import { decodePayload } from '../../protocol/payloads.js';
import { textAt, trimGo } from '../../protocol/text.js';
import { type HostCallContext, type MethodCopies, reply, type ServiceReply } from '../service.js';

const MAX_COPIES = 4096;
const MAX_BYTES = 4 * 1024 * 1024;
/** The host is asked again after this time, so that it knows what is in use when it has to make room. */
const MAX_AGE_MS = 1000;
const COPY_BYTES = 256;

interface Copy {
  readonly reply: ServiceReply;
  readonly bytes: number;
  readonly group: number;
  readonly stamp: number;
  readonly until: number;
}

/** Copies of `cache.get` for one thread; found or missing. */
export function createCacheCopies(
  stamps: CacheStamps,
  now: () => number,
  count: (event: 'hit' | 'miss') => void = () => {},
): MethodCopies {
  const copies = new LRUCache<string, Copy>({
    max: MAX_COPIES,
    maxSize: MAX_BYTES,
    sizeCalculation: ({ bytes }, id) => COPY_BYTES + id.length * 2 + bytes,
  });
  const prefixOf = rememberPrefix();
  /** What the host is being asked for, and the stamp before that. */
  let asked: { readonly id: string; readonly group: number; readonly stamp: number } | undefined;

  return {
    find(call, context) {
      asked = undefined;
      const key = plainKey(call.payload);
      if (key === undefined) return undefined;
      const id = prefixOf(call, context) + trimGo(key);
      const copy = copies.get(id);
      if (copy && Atomics.load(stamps, copy.group) === copy.stamp && now() < copy.until) {
        count(copy.bytes > 0 ? 'hit' : 'miss');
        return copy.reply;
      }
      const group = stampGroup(id);
      asked = { id, group, stamp: Atomics.load(stamps, group) };
      return undefined;
    },
    keep(response) {
      if (asked === undefined || response.status !== 0) return;
      const payload = new Uint8Array(response.payload);
      const until = Math.min(now() + MAX_AGE_MS, expireAtOf(payload));
      const { id, group, stamp } = asked;
      copies.set(id, { reply: reply(payload), bytes: payload.length, group, stamp, until });
    },
  };
}

/** Calls come in runs of one plugin and namespace. */
function rememberPrefix(): (call: HostCallRequest, context: HostCallContext) => string {
  let last = { pluginId: '', tenantId: -1, resourceRef: '', prefix: '' };
  return ({ resourceRef }, { pluginId, tenantId }) => {
    if (last.resourceRef !== resourceRef || last.tenantId !== tenantId || last.pluginId !== pluginId) {
      const prefix = cacheId({ pluginId, tenantId, namespace: trimGo(resourceRef) }, '');
      last = { pluginId, tenantId, resourceRef, prefix };
    }
    return last.prefix;
  };
}

const KEY_TAG = 0x0a;

/** The key, when the payload is nothing but a key of less than 128 bytes, as every SDK writes it; the host reads all others. */
function plainKey(payload: Uint8Array): string | undefined {
  const bytes = payload.length - 2;
  return bytes > 0 && bytes < 128 && payload[0] === KEY_TAG && payload[1] === bytes
    ? textAt(payload, 2, payload.length)
    : undefined;
}

/** A missing key stays missing until somebody sets it. */
function expireAtOf(payload: Uint8Array): number {
  const { value } = decodePayload('HostServiceCacheGetResponse', payload);
  return value === undefined ? Number.POSITIVE_INFINITY : Date.parse(value.expireAt);
}
