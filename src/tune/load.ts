/**
 * Puts load on an HTTP server: so many connections, each sends its next request as soon as it has its answer. Written on bare
 * sockets, because a generator that shares the machine with the server must not be what is measured.
 *
 *   request   one buffer, made once, written again and again
 *   answer    ├─ head ─┤\r\n\r\n├─ content-length ─┤     whatever is split or joined on the way
 */
import { connect, type Socket } from 'node:net';

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
  readonly p99Ms: number;
}

/** Longest wait for an answer after the time is over, in ms. */
const LAST_ANSWER_MS = 5000;
const HEAD_END = '\r\n\r\n';

/** Loads a server for `ms`. Rejects when it cannot be reached at all. */
export async function applyLoad(plan: LoadPlan): Promise<LoadResult> {
  const url = new URL(plan.url);
  const request = requestBytes(plan, url);
  const sockets = await Promise.all(Array.from({ length: plan.connections }, () => open(url)));
  const tally: Tally = { latencies: [], failed: 0, failure: '' };
  const startedAt = performance.now();
  const endsAt = startedAt + plan.ms;
  await Promise.all(sockets.map((socket) => converse(socket, request, endsAt, tally)));
  return summary(tally, plan.ms);
}

interface Tally {
  /** Of each good answer, in ms. */
  readonly latencies: number[];
  failed: number;
  failure: string;
}

function requestBytes({ method, headers = {}, body = '' }: LoadPlan, { host, pathname, search }: URL): Buffer {
  const content = Buffer.from(body);
  const all = { host, ...headers, ...(content.length > 0 && { 'content-length': String(content.length) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`), content]);
}

function open({ hostname, port }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Sends and receives on one connection until the time is over. */
function converse(socket: Socket, request: Buffer, endsAt: number, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    let sentAt = performance.now();
    const answers = createAnswerCutter();
    const end = (failure?: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      if (failure !== undefined) fail(tally, failure);
      resolve();
    };
    const timer = setTimeout(() => end('no answer'), endsAt - sentAt + LAST_ANSWER_MS);
    socket.on('data', (chunk) => {
      const status = answers.add(chunk);
      if (status === undefined) return;
      const now = performance.now();
      if (now > endsAt) return end();
      if (status >= 200 && status < 300) tally.latencies.push(now - sentAt);
      else fail(tally, `status ${status}`);
      sentAt = now;
      socket.write(request);
    });
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('the connection was closed'));
    socket.write(request);
  });
}

function fail(tally: Tally, failure: string): void {
  tally.failed += 1;
  tally.failure ||= failure;
}

/** Gives the status of an answer once its last byte is there. */
function createAnswerCutter(): { add(chunk: Buffer): number | undefined } {
  let head = '';
  let status = 0;
  /** Bytes of the body still to come; -1 in the head. */
  let missing = -1;

  return {
    add(chunk) {
      let bodyBytes = chunk.length;
      if (missing === -1) {
        const before = head.length;
        head += chunk.toString('latin1');
        const end = head.indexOf(HEAD_END);
        if (end === -1) return undefined;
        status = Number(head.slice(9, 12));
        missing = contentLength(head.slice(0, end + 2));
        bodyBytes = before + chunk.length - end - HEAD_END.length;
        head = '';
      }
      missing -= bodyBytes;
      if (missing > 0) return undefined;
      missing = -1;
      return status;
    },
  };
}

function contentLength(head: string): number {
  const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(head) ?? [];
  return Number(length ?? 0);
}

function summary({ latencies, failed, failure }: Tally, ms: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return {
    requests: sorted.length,
    failed,
    failure,
    requestsPerSecond: (sorted.length * 1000) / ms,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
