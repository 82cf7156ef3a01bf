/** A host of several processes, started by the command line, and connections that each lead to one of them. */
import type { ChildProcess } from 'node:child_process';
import http, { type Agent, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { ADMIN_PASSWORD, loginHeader, PATIENCE_MS, startChildHost } from './child-host.js';

export { ADMIN_PASSWORD };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** One connection, which stays with the process that took it. */
export interface Connection {
  readonly pid: number;
  ask(path: string, ask?: Ask): Promise<Answer>;
}

export interface Processes {
  readonly url: string;
  readonly greeting: string;
  readonly primary: ChildProcess;
  /** Where it was started. */
  readonly cwd: string;
  /** Lines of the log so far. */
  readonly log: readonly string[];
  /** Asks on a connection of its own. */
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** Two processes that serve. */
  pids(): Promise<[number, number]>;
  connect(pid: number): Promise<Connection>;
  /** An `Authorization` header of the administrator. */
  authorization(): Promise<{ authorization: string }>;
  /** Resolves with the first line from now on that matches. */
  logged(pattern: RegExp): Promise<string>;
  /** @returns the exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** @param settings environment variables without their prefix */
export async function serveProcesses(t: Test, settings: Record<string, string> = {}): Promise<Processes> {
  const cwd = t.testdir({});
  const variables = {
    SERVER_PROCESSES: '2',
    SERVER_PORT: '0',
    DATA_DIR: join(cwd, 'data'),
    ADMIN_PASSWORD,
    ...settings,
  };
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`SANDPOOL_${name}`, value]));
  const watchers = new Set<(line: string) => void>();
  const onLogLine = (line: string): void => {
    for (const watch of watchers) watch(line);
  };
  const { url, greeting, child: primary, log, end } = await startChildHost(t, { cwd, env, onLogLine });
  const ask = (path: string, options?: Ask) => askOn(`${url}${path}`, options);
  const connect = async (pid: number): Promise<Connection> => {
    for (;;) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const found = pidOf(await askOn(`${url}/healthz`, {}, agent));
      if (found === pid) return { pid, ask: (path, options) => askOn(`${url}${path}`, options, agent) };
      agent.destroy();
    }
  };
  return {
    url,
    greeting,
    primary,
    cwd,
    log,
    ask,
    async pids() {
      const first = pidOf(await ask('/healthz'));
      for (;;) {
        const other = pidOf(await ask('/healthz'));
        if (other !== first) return [first, other];
      }
    },
    connect,
    authorization: () => loginHeader(url),
    logged: (pattern) =>
      new Promise((settle, fail) => {
        const timer = setTimeout(() => fail(new Error(`not logged: ${pattern}\n${log.join('\n')}`)), PATIENCE_MS);
        const watch = (line: string) => {
          if (!pattern.test(line)) return;
          clearTimeout(timer);
          watchers.delete(watch);
          settle(line);
        };
        watchers.add(watch);
      }),
    end,
  };
}

function pidOf({ text: answer }: Answer): number {
  return (JSON.parse(answer) as { pid: number }).pid;
}

/** Without an agent on a connection of its own. */
function askOn(url: string, { method = 'GET', headers = {}, body }: Ask = {}, agent: Agent | false = false) {
  return new Promise<Answer>((settle, fail) => {
    const payload = body === undefined ? undefined : body instanceof Uint8Array ? body : JSON.stringify(body);
    const type = payload === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' };
    const request = http.request(url, { method, agent, headers: { ...type, ...headers } }, (response) => {
      const { statusCode = 0, headers: received } = response;
      text(response).then((read) => settle({ status: statusCode, headers: received, text: read }), fail);
    });
    request.on('error', fail).end(payload);
  });
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asks again and again until the answer is yes. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > endsAt) throw new Error(`still not so: ${what}`);
    await new Promise((settle) => setTimeout(settle, 20));
  }
}
