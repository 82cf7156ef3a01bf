/** Runs the real command line in a process of its own, and plays a host for it to speak to. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { closedPort } from '../closed-port.js';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Received {
  readonly request: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export const ENTRY = fileURLToPath(new URL('../../src/cli/index.js', import.meta.url));

/** Runs `sandpool` in a directory, with only these variables and this text on stdin. */
export function sandpool(
  args: readonly string[],
  { cwd, env = {}, input = '' }: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, HOME: cwd, ...env }, cwd };
    const child = execFile(process.execPath, [ENTRY, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    // One that reads nothing may have ended.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** What a host answers: the `data` of a success, or a whole answer. */
export type Answers = Readonly<Record<string, unknown>>;

/** A whole answer, for refusals and for hosts that are none. */
export class Raw {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = typeof body === 'string' ? body : JSON.stringify(body);
  }
}

/** Listens on a free port of loopback; answers by `METHOD /path` below `/api/v1` and remembers what it received. */
export async function playHost(t: Test, answers: Answers): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const name = `${request.method} ${request.url?.replace('/api/v1', '')}`;
    received.push({ request: name, headers: request.headers, body: (await buffer(request)).toString('latin1') });
    const missing = new Raw(404, {
      code: 65,
      message: `nothing is at ${name}`,
      data: null,
      errorCode: 'SBX_NOT_FOUND',
    });
    const answer = name in answers ? answers[name] : missing;
    const { status, body } = answer instanceof Raw ? answer : new Raw(200, { code: 0, message: 'ok', data: answer });
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  // A command that is held up would send its next request over a connection that the server is just closing.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** An address at which nothing listens. */
export async function silentUrl(t: Test): Promise<string> {
  return `http://127.0.0.1:${await closedPort(t)}`;
}
