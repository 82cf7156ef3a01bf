/** A host in a process of its own, started by the command line: it can be killed as no host in the test's own process can. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { ENTRY } from '../cli/command-line.js';

export const ADMIN_PASSWORD = 'only-for-tests-1';
/** Longest wait for a host to greet, to end, or to become what a test waits for. */
export const PATIENCE_MS = 300_000;

export interface ChildHost {
  readonly url: string;
  /** Everything that was printed up to the end of the greeting. */
  readonly greeting: string;
  readonly child: ChildProcess;
  /** Lines of its log so far. */
  readonly log: readonly string[];
  /** Sends a signal. @returns the exit code, or the signal that ended the process */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

export interface ChildHostOptions {
  readonly cwd: string;
  /** Behind `serve`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The last line of the greeting. */
  readonly last?: RegExp;
  readonly onLogLine?: (line: string) => void;
}

/** A busy machine may hold up every thread for a while: who tests a bound sets it. */
const UNBOUND = {
  SANDPOOL_POOL_QUEUE_TIMEOUT_MS: '600000',
  SANDPOOL_SANDBOX_DEADLINE_MS: '600000',
  SANDPOOL_NETWORK_TIMEOUT_MS: '600000',
};

/** Resolves when the host has greeted; it is ended by its pid when the test ends. */
export async function startChildHost(t: Test, options: ChildHostOptions): Promise<ChildHost> {
  const { cwd, flags = [], env = {}, last = /^ {2}metrics/, onLogLine } = options;
  const child = spawn(process.execPath, [ENTRY, 'serve', ...flags], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...UNBOUND, ...env },
  });
  // The processes of a host share its output: when that is closed, none of them writes to the directory of the test any more.
  const closed = new Promise((settle) => child.once('close', settle));
  t.teardown(async () => {
    await end(child, 'SIGKILL');
    await closed;
  });
  const log: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    log.push(line);
    onLogLine?.(line);
  });
  const greeting = await readGreeting(child, last);
  const [, url = ''] = /listens on (http:\/\/\S+)/.exec(greeting) ?? [];
  t.ok(url, `the host greets: ${log.join('\n')}`);
  return { url, greeting, child, log, end: (signal) => end(child, signal) };
}

async function readGreeting(child: ChildProcess, last: RegExp): Promise<string> {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout!)) {
    lines.push(line);
    if (last.test(line)) break;
  }
  clearTimeout(timer);
  return lines.join('\n');
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) });
    child.kill(signal);
    await exit;
  }
  return child.signalCode ?? child.exitCode;
}

/** A token of the administrator, as the header that carries it. */
export async function loginHeader(url: string): Promise<{ authorization: string }> {
  const answer = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: ADMIN_PASSWORD }),
  });
  const { data } = (await answer.json()) as { data: { accessToken: string } };
  return { authorization: `Bearer ${data.accessToken}` };
}
