/** What has happened in this thread since the end of its last batch. */
import { HOST_CALL_BUCKETS_SECONDS, type HostCallCount, type SandboxCounts } from '../protocol/messages.js';

export type Discard = 'fresh' | 'failed' | 'grown' | 'budget' | 'address-space' | 'recycled' | 'idle' | 'forgotten';

export interface Counts {
  created(): void;
  reused(): void;
  reset(dirtyPages: number): void;
  discarded(reason: Discard): void;
  /** A cached value was found or missed without a trip to the host. */
  cached(event: 'hit' | 'miss'): void;
  /** The counts of one method of a service; the same object for the same names, for good. */
  method(service: string, method: string): MethodCounts;
  /** What has come together since the last time; counting begins anew. */
  take(live: number): SandboxCounts;
}

/**
 * The host calls of one method. All are counted, but two looks at the clock cost more than many a call: of a quick method one call
 * in sixteen is timed, and stands for those before it.
 */
export interface MethodCounts {
  /** Whether the call that begins now is to be timed. */
  isDue(): boolean;
  /** Counts a call that has ended; without `ms` when it was not timed. */
  add(status: number, ms: number | undefined): void;
  /** Counts a call that was timed although none was due, because it took a longer way: it stands for itself alone. */
  addApart(status: number, ms: number): void;
}

/** Calls of a quick method that go by untimed after one that was timed. */
const UNTIMED = 15;
/** From here on the clock costs next to nothing: every call is timed. */
const SLOW_SECONDS = 0.00001;

/** Calls of one method that ended with one status. */
interface Cell extends Omit<HostCallCount, 'count' | 'seconds' | 'buckets'> {
  count: number;
  seconds: number;
  buckets: number[];
  /** Calls that the next timed one stands for. */
  untimed: number;
  /** How long the last timed call of the method took, whatever its status. */
  readonly last: { seconds: number };
}

export function createCounts(): Counts {
  let created = 0;
  let reused = 0;
  let resets = 0;
  let dirtyPages = 0;
  let discarded: Record<string, number> = {};
  let cached = { hit: 0, miss: 0 };
  /** Cells with calls since the last time. */
  let counted: Cell[] = [];
  const services = new Map<string, Map<string, NamedCounts>>();
  let latest: NamedCounts | undefined;
  const onFirst = (cell: Cell): void => void counted.push(cell);
  const named = (service: string, method: string): NamedCounts => {
    const methods = services.get(service) ?? new Map<string, NamedCounts>();
    services.set(service, methods);
    const known = methods.get(method) ?? createMethodCounts(service, method, onFirst);
    methods.set(method, known);
    return known;
  };

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
    cached(event) {
      cached[event] += 1;
    },
    method(service, method) {
      // Asked for twice on every host call, and the names of a method are the same two strings each time.
      if (latest?.service !== service || latest.method !== method) latest = named(service, method);
      return latest;
    },
    take(live) {
      const hostCalls = counted.map(takeCell);
      const report = { created, reused, reset: resets, dirtyPages, live, discarded, cached, hostCalls };
      created = 0;
      reused = 0;
      resets = 0;
      dirtyPages = 0;
      discarded = {};
      cached = { hit: 0, miss: 0 };
      counted = [];
      return report;
    },
  };
}

interface NamedCounts extends MethodCounts {
  readonly service: string;
  readonly method: string;
}

/** @param onFirst is told of a cell when its first call is counted, and of its first after each take */
function createMethodCounts(service: string, method: string, onFirst: (cell: Cell) => void): NamedCounts {
  const cells: (Cell | undefined)[] = [];
  const last = { seconds: 0 };
  let skips = 0;
  const cellOf = (status: number): Cell => {
    const known = cells[status];
    if (known) return known;
    const made = { service, method, status, count: 0, seconds: 0, buckets: NO_CALLS(), untimed: 0, last };
    cells[status] = made;
    return made;
  };
  return {
    service,
    method,
    isDue() {
      if (skips === 0) return true;
      skips -= 1;
      return false;
    },
    add(status, ms) {
      const cell = cellOf(status);
      if (cell.count === 0) onFirst(cell);
      cell.count += 1;
      cell.untimed += 1;
      if (ms === undefined) return;
      last.seconds = ms / 1000;
      skips = last.seconds < SLOW_SECONDS ? UNTIMED : 0;
      weigh(cell);
    },
    addApart(status, ms) {
      const cell = cellOf(status);
      if (cell.count === 0) onFirst(cell);
      cell.count += 1;
      place(cell, ms / 1000, 1);
    },
  };
}

const NO_CALLS = (): number[] => HOST_CALL_BUCKETS_SECONDS.map(() => 0);

/** Gives the last known duration to the calls that have none. */
function weigh(cell: Cell): void {
  place(cell, cell.last.seconds, cell.untimed);
  cell.untimed = 0;
}

function place(cell: Cell, seconds: number, calls: number): void {
  const bucket = HOST_CALL_BUCKETS_SECONDS.findIndex((upper) => seconds <= upper);
  if (bucket !== -1) cell.buckets[bucket] = (cell.buckets[bucket] as number) + calls;
  cell.seconds += seconds * calls;
}

function takeCell(cell: Cell): HostCallCount {
  if (cell.untimed > 0) weigh(cell);
  const { service, method, status, count, seconds, buckets } = cell;
  cell.count = 0;
  cell.seconds = 0;
  cell.buckets = NO_CALLS();
  return { service, method, status, count, seconds, buckets };
}
