/** Puts load on an HTTP server with autocannon: so many connections, each sends its next request when it has its answer. */
import autocannon, { type Options, type Result } from 'autocannon';

export interface LoadPlan {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly connections: number;
  readonly ms: number;
}

export interface LoadResult {
  /** Requests that were answered with 2xx within the time. */
  readonly requests: number;
  /** Requests that were answered otherwise or not at all. */
  readonly failed: number;
  /** One of the failures, in words; empty without any. */
  readonly failure: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Longest wait for one answer, in seconds. */
const ANSWER_LIMIT_SECONDS = 5;
/** The generator looks so often whether its time is over, in ms. */
const LOOK_MS = 100;

/** Loads a server for `ms`. Rejects with the system's error when it cannot be reached at all. */
export async function applyLoad(plan: LoadPlan): Promise<LoadResult> {
  const latencies: number[] = [];
  let error: NodeJS.ErrnoException | undefined;
  const result = await new Promise<Result>((resolve, reject) => {
    const running = autocannon(optionsOf(plan), (thrown, ended) => (thrown ? reject(thrown) : resolve(ended)));
    running.on('reqError', (thrown: NodeJS.ErrnoException) => {
      error = thrown;
    });
    // The generator's own percentiles are whole milliseconds.
    running.on('response', (_client, status, _bytes, ms) => {
      if (status >= 200 && status < 300) latencies.push(ms);
    });
  });
  if (error?.syscall === 'connect' && result['2xx'] + result.non2xx === 0) throw error;
  return summary(result, latencies, plan, error);
}

function optionsOf({ url, method, headers, body, connections, ms }: LoadPlan): Options {
  return {
    url,
    method: method as 'GET',
    connections,
    duration: ms / 1000,
    sampleInt: Math.min(ms, LOOK_MS),
    timeout: ANSWER_LIMIT_SECONDS,
    ...(headers && { headers: { ...headers } }),
    ...(body && { body: Buffer.from(body) }),
  };
}

function summary(result: Result, latencies: number[], { connections }: LoadPlan, error?: Error): LoadResult {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const { sent } = result.requests;
  const ended = result['2xx'] + result.non2xx + result.errors + result.timeouts;
  // The generator connects anew without a word when a connection is closed; one request of each connection was under way at the end.
  const failed = result.non2xx + result.errors + result.timeouts + Math.max(0, sent - ended - connections);
  const status = Object.keys(result.statusCodeStats ?? {}).find((code) => !code.startsWith('2'));
  const reason = status ? `status ${status}` : (error?.message ?? 'no answer');
  return {
    requests: result['2xx'],
    failed,
    failure: failed === 0 ? '' : reason,
    requestsPerSecond: result['2xx'] / result.duration,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}
