/** What has happened in this thread since the end of its last batch. */
import { HOST_CALL_BUCKETS_SECONDS, type HostCallCount, type SandboxCounts } from '../protocol/messages.js';

export type Discard = 'fresh' | 'failed' | 'grown' | 'budget' | 'address-space' | 'recycled' | 'idle' | 'forgotten';

export interface Counts {
  created(): void;
  reused(): void;
  reset(dirtyPages: number): void;
  discarded(reason: Discard): void;
  hostCall(service: string, method: string, status: number, ms: number): void;
  /** What has come together since the last time; counting begins anew. */
  take(live: number): SandboxCounts;
}

export function createCounts(): Counts {
  let created = 0;
  let reused = 0;
  let resets = 0;
  let dirtyPages = 0;
  let discarded: Record<string, number> = {};
  let hostCalls = new Map<
    string,
    { -readonly [Key in keyof HostCallCount]: HostCallCount[Key] } & { buckets: number[] }
  >();

  return {
    created() {
      created += 1;
    },
    reused() {
      reused += 1;
    },
    reset(pages) {
      resets += 1;
      dirtyPages += pages;
    },
    discarded(reason) {
      discarded[reason] = (discarded[reason] ?? 0) + 1;
    },
    hostCall(service, method, status, ms) {
      const key = `${service} ${method} ${status}`;
      let count = hostCalls.get(key);
      if (count === undefined) {
        count = { service, method, status, count: 0, seconds: 0, buckets: HOST_CALL_BUCKETS_SECONDS.map(() => 0) };
        hostCalls.set(key, count);
      }
      const seconds = ms / 1000;
      const bucket = HOST_CALL_BUCKETS_SECONDS.findIndex((upper) => seconds <= upper);
      if (bucket !== -1) count.buckets[bucket] = (count.buckets[bucket] as number) + 1;
      count.count += 1;
      count.seconds += seconds;
    },
    take(live) {
      const report = {
        created,
        reused,
        reset: resets,
        dirtyPages,
        live,
        discarded,
        hostCalls: [...hostCalls.values()],
      };
      created = 0;
      reused = 0;
      resets = 0;
      dirtyPages = 0;
      discarded = {};
      hostCalls = new Map();
      return report;
    },
  };
}
