/**
 * Keeps a release that keeps failing away from the threads.
 *
 *   closed ──too many failures──▶ open ──back-off over──▶ one probe ──it succeeds──▶ closed
 *                                  ▲                          │
 *                                  └──────it fails, the back-off doubles
 *
 * One bad route of a good plugin must not take the plugin down: failures must be many and also dominate within the window.
 */
import { type ErrorCode, SandpoolError } from '../protocol/errors.js';

export interface QuarantineSettings {
  /** Failures within the window that put a release into quarantine; 0 for never. */
  readonly failures: number;
  /** Part of all invocations in the window that must have failed, in percent. */
  readonly failurePercent: number;
  readonly withinMs: number;
  /** Length of a first quarantine; each that follows is twice as long. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
}

export interface QuarantineState {
  /** When it began, ms since the epoch. */
  readonly since: number;
  /** When a request is let through again to see whether it works, ms since the epoch. */
  readonly until: number;
  /** Failures that led to it. */
  readonly failures: number;
  readonly lastCode: ErrorCode;
}

/** Tells how an admitted invocation ended; without an error it succeeded. */
export type TellEnd = (error: SandpoolError | undefined) => void;

export interface Quarantine {
  /** Admits an invocation. @throws SBX_QUARANTINED */
  admit(): TellEnd;
  /** Undefined when the release serves. */
  state(): QuarantineState | undefined;
  /** Ends the quarantine, if there is one, and says whether. */
  lift(): boolean;
}

export interface QuarantineOptions {
  readonly pluginId: string;
  readonly settings: QuarantineSettings;
  /** Clock, ms since the epoch. */
  readonly now: () => number;
  /** Told when a quarantine begins, when it is prolonged, and (with undefined) when it ends. */
  readonly onChange: (state: QuarantineState | undefined) => void;
}

/** Whoever comes while a probe is under way may come back so soon, in seconds. */
const PROBE_RETRY_SECONDS = 1;

export function createQuarantine({ pluginId, settings, now, onChange }: QuarantineOptions): Quarantine {
  const window = createWindow(settings.withinMs);
  let open: (QuarantineState & { isProbing: boolean }) | undefined;
  /** Quarantines without a long healthy time between them. */
  let streak = 0;
  let closedAt = Number.NEGATIVE_INFINITY;
  let tellEnd = createTeller();

  if (settings.failures === 0) return { admit: () => ignore, state: () => undefined, lift: () => false };
  return { admit, state: () => open && describe(open), lift };

  function admit(): TellEnd {
    if (open === undefined) return tellEnd;
    const waitMs = open.until - now();
    if (waitMs > 0 || open.isProbing) {
      const retryAfterSeconds = waitMs > 0 ? Math.ceil(waitMs / 1000) : PROBE_RETRY_SECONDS;
      throw new SandpoolError('SBX_QUARANTINED', { pluginId, lastCode: open.lastCode, retryAfterSeconds });
    }
    open.isProbing = true;
    return createProbe(open);
  }

  /** For invocations of one healthy time: what ends after it has no say. */
  function createTeller(): TellEnd {
    const teller: TellEnd = (error) => {
      if (open !== undefined || teller !== tellEnd) return;
      const failed = hasFailed(error);
      if (failed === undefined) return;
      const time = now();
      window.count(time, failed);
      if (failed) judge(time, error as SandpoolError);
    };
    return teller;
  }

  function judge(time: number, { code }: SandpoolError): void {
    const { ends, failures } = window.totals(time);
    if (failures < settings.failures || failures * 100 < ends * settings.failurePercent) return;
    if (time - closedAt > settings.maxBackOffMs) streak = 0;
    begin(time, failures, code, time);
  }

  function begin(since: number, failures: number, lastCode: ErrorCode, time: number): void {
    const backOffMs = Math.min(settings.backOffMs * 2 ** streak, settings.maxBackOffMs);
    streak += 1;
    open = { since, until: time + backOffMs, failures, lastCode, isProbing: false };
    onChange(describe(open));
  }

  function createProbe(probed: NonNullable<typeof open>): TellEnd {
    return (error) => {
      if (open !== probed) return;
      open.isProbing = false;
      const failed = hasFailed(error);
      if (failed) begin(open.since, open.failures + 1, (error as SandpoolError).code, now());
      else if (failed === false) end();
    };
  }

  function end(): void {
    open = undefined;
    closedAt = now();
    window.clear();
    tellEnd = createTeller();
    onChange(undefined);
  }

  function lift(): boolean {
    if (open === undefined) return false;
    streak = 0;
    end();
    return true;
  }
}

/** Undefined when an end says nothing about the guest: the caller left, nobody ran it, the host failed. */
function hasFailed(error: SandpoolError | undefined): boolean | undefined {
  if (error === undefined) return false;
  // A thread that dies takes down only what it was running.
  return error.blame === 'plugin' || error.code === 'SBX_WORKER_LOST' ? true : undefined;
}

function describe({ since, until, failures, lastCode }: QuarantineState): QuarantineState {
  return { since, until, failures, lastCode };
}

function ignore(): void {}

const BUCKETS = 10;

/** How many invocations ended and failed of late, counted in tenths of the window. */
function createWindow(withinMs: number) {
  const buckets = Array.from({ length: BUCKETS }, () => ({ at: Number.NEGATIVE_INFINITY, ends: 0, failures: 0 }));
  const tenthAt = (time: number) => Math.floor((time * BUCKETS) / withinMs);

  return {
    count(time: number, isFailure: boolean): void {
      const at = tenthAt(time);
      const bucket = buckets[at % BUCKETS] as (typeof buckets)[number];
      if (bucket.at !== at) Object.assign(bucket, { at, ends: 0, failures: 0 });
      bucket.ends += 1;
      if (isFailure) bucket.failures += 1;
    },
    totals(time: number): { ends: number; failures: number } {
      const oldest = tenthAt(time) - BUCKETS;
      const recent = buckets.filter(({ at }) => at > oldest);
      const sum = (key: 'ends' | 'failures') => recent.reduce((total, bucket) => total + bucket[key], 0);
      return { ends: sum('ends'), failures: sum('failures') };
    },
    clear(): void {
      for (const bucket of buckets) bucket.at = Number.NEGATIVE_INFINITY;
    },
  };
}
