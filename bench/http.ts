/**
 * Requests per second over HTTP, 64 connections, against a bare Fastify that answers the same bytes. Load generator and
 * servers share the machine; rounds are interleaved, so the ratio is what counts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { BenchCase, BenchRow } from './case.js';

const CONNECTIONS = 64;
const ROUND_SECONDS = 2;

/** What a server process reports when it listens. */
export interface ServerReady {
  readonly url: string;
  /** Whether the host serves the Go guest too. */
  readonly hasGo?: boolean;
}

interface Target {
  readonly row: string;
  readonly rival?: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
}

export const httpCase: BenchCase = {
  name: 'http',
  async start() {
    const host = await startServer('host');
    const sample = await fetch(`${host.url}/x/sandpool-notes/notes`);
    const answer = await sample.text();
    if (sample.status !== 200) throw new Error(`the sample plugin answers ${sample.status}: ${answer}`);
    const echo = await startServer('echo', { SANDPOOL_BENCH_ANSWER: answer });
    const body = JSON.stringify({ text: 'x'.repeat(452 - 11) });
    const [get, post] = ['Fastify, GET, same answer', 'Fastify, POST 452 B echo'];
    const targets: Target[] = [
      { row: get, url: `${echo.url}/answer`, method: 'GET' },
      { row: 'sample GET /notes, pristine', rival: get, url: `${host.url}/x/sandpool-notes/notes`, method: 'GET' },
      { row: 'sample GET /notes, fresh', rival: get, url: `${host.url}/x/bench-fresh/notes`, method: 'GET' },
      { row: 'sample GET /notes, warm', rival: get, url: `${host.url}/x/bench-warm/notes`, method: 'GET' },
      { row: post, url: `${echo.url}/echo`, method: 'POST', body },
      {
        row: 'guest, POST 452 B echo, pristine',
        rival: post,
        url: `${host.url}/x/bench-echo/echo`,
        method: 'POST',
        body,
      },
      {
        row: 'guest, POST 452 B echo, fresh',
        rival: post,
        url: `${host.url}/x/bench-echo-fresh/echo`,
        method: 'POST',
        body,
      },
    ];
    if (host.hasGo) {
      const url = (id: string) => `${host.url}/x/${id}/echo?calls=1`;
      targets.push(
        { row: 'Go guest, one host call, pristine', rival: post, url: url('bench-go'), method: 'POST', body },
        { row: 'Go guest, one host call, fresh', rival: post, url: url('bench-go-fresh'), method: 'POST', body },
      );
    }
    return {
      rows: targets.map(requestsPerSecond),
      end: async () => {
        await Promise.all([host, echo].map(({ end }) => end()));
      },
    };
  },
};

function requestsPerSecond({ row, rival, url, method, body }: Target): BenchRow {
  return {
    row,
    unit: 'rps',
    ...(rival !== undefined && { rival }),
    async measure() {
      const options = {
        url,
        method,
        connections: CONNECTIONS,
        duration: ROUND_SECONDS,
        ...(body !== undefined && { body }),
      };
      const result = await autocannon({ ...options, headers: { 'content-type': 'application/json' } });
      const bad = result.non2xx + result.errors + result.timeouts;
      if (bad > 0) throw new Error(`${row}: ${bad} of ${result.requests.total} requests failed`);
      return result.requests.average;
    },
  };
}

async function startServer(
  name: string,
  env: Record<string, string> = {},
): Promise<ServerReady & { end(): Promise<void> }> {
  const child = fork(new URL(`./servers/${name}.js`, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const [ready] = (await Promise.race([once(child, 'message'), failed(child)])) as [ServerReady];
  return {
    ...ready,
    async end() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`a server of the bench ended with ${code}`);
}
