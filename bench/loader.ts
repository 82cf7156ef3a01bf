/** Starts what `http` and `payload` need: load generators and rivals, on processors of their own where that is possible. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Server, startServer } from '../src/tune/child.js';
import type { LoadPlan, LoadResult } from '../src/tune/load.js';

export interface Loader {
  /** @throws when a request fails: such a number means nothing. */
  apply(plan: LoadPlan): Promise<LoadResult>;
  end(): Promise<void>;
}

/** Why servers cannot be pinned here; undefined when they can. */
export function reasonNotToPin(): string | undefined {
  if (availableParallelism() < 2) return 'pinning needs two processors';
  return spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? undefined : 'taskset is missing';
}

/** What to put before a command to keep it on one processor. */
export function pinnedTo(cpu: number): readonly string[] {
  return ['taskset', '-c', String(cpu)];
}

export function startLoader(prefix: readonly string[] = []): Loader {
  const [program = '', ...args] = [
    ...prefix,
    process.execPath,
    fileURLToPath(new URL('./servers/load.js', import.meta.url)),
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    async apply(plan) {
      child.send({ ...plan, ...(plan.body !== undefined && { body: Buffer.from(plan.body).toString('base64') }) });
      const [answer] = (await once(child, 'message')) as [{ result: LoadResult } | { error: string }];
      if ('error' in answer) throw new Error(answer.error);
      const { failed, requests, failure } = answer.result;
      if (failed > 0) throw new Error(`${plan.url}: ${failed} of ${failed + requests} requests failed: ${failure}`);
      return answer.result;
    },
    async end() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

export function startEcho(prefix: readonly string[] = []): Promise<Server> {
  return startServer([...prefix, process.execPath, fileURLToPath(new URL('./servers/echo.js', import.meta.url))]);
}

/** Runs what opens servers; when it fails, what it had opened is closed. */
export async function openAll<Result>(work: (opened: Opened[]) => Promise<Result>): Promise<Result & Opened> {
  const opened: Opened[] = [];
  const end = async (): Promise<void> => void (await Promise.all(opened.map((one) => one.end())));
  try {
    return { ...(await work(opened)), end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

export interface Opened {
  end(): Promise<void>;
}
