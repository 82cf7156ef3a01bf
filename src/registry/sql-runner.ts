/** Jobs of SQL, each in a process of its own with a deadline, so that no plugin's SQL holds up the host. */
import { type ChildProcess, fork } from 'node:child_process';
import { type ErrorData, SandpoolError } from '../protocol/errors.js';
import type { SqlPhases, SqlProblem } from '../store/sql-check.js';
import type { LedgerRow, PhaseOptions } from './install-sql.js';

export interface SqlRunner {
  /**
   * `runPhase` on the plugin's own database, which is made when it is missing.
   * @throws as `runPhase`; SBX_SQL_DEADLINE `{pluginId, phase, deadlineMs}`, with nothing left behind
   */
  readonly run: (options: RunnablePhase) => Promise<readonly LedgerRow[]>;
  /**
   * `checkSql`, from the tables of the plugin's database where `isLive`, else from an empty one.
   * @throws SBX_SQL_DEADLINE
   */
  readonly check: (pluginId: string, phases: SqlPhases, isLive: boolean) => Promise<readonly SqlProblem[]>;
}

export type RunnablePhase = Omit<PhaseOptions, 'now' | 'requireWanted'>;

interface JobBase {
  readonly dataDir: string;
  readonly pluginId: string;
  readonly deadlineMs: number;
  /** Who wants it done; when that process has ended, nobody does. */
  readonly hostPid: number;
}

export type SqlJob =
  | (JobBase & { readonly kind: 'run'; readonly options: RunnablePhase })
  | (JobBase & { readonly kind: 'check'; readonly phases: SqlPhases; readonly isLive: boolean });

export type SqlAnswer = { readonly result: unknown } | { readonly error: ErrorData };

export interface SqlRunnerOptions {
  readonly dataDir: string;
  readonly deadlineMs?: number;
  /** Starts a process that waits for its job. */
  readonly start?: () => SqlProcess;
  /** A clock in ms that is never set. */
  readonly now?: () => number;
}

/** What is used of a child process. */
export type SqlProcess = Pick<ChildProcess, 'pid' | 'on' | 'once' | 'send' | 'kill'>;

const PROCESS = new URL('./sql-process.js', import.meta.url);
const MAX_HEAP_MIB = 512;

export function createSqlRunner(options: SqlRunnerOptions): SqlRunner {
  const { dataDir, deadlineMs = 60_000, start = startProcess, now = () => performance.now() } = options;
  const base = { dataDir, deadlineMs, hostPid: process.pid };
  const perform = (job: SqlJob, phase: string) => performIn(start(), job, { phase, now });
  return {
    run: async (options) => {
      if (options.files.length === 0) return [];
      const { pluginId, phase } = options;
      return (await perform({ kind: 'run', ...base, pluginId, options }, phase)) as readonly LedgerRow[];
    },
    check: async (pluginId, phases, isLive) => {
      if (Object.values(phases).every((files) => files.length === 0)) return [];
      return (await perform({ kind: 'check', ...base, pluginId, phases, isLive }, 'check')) as readonly SqlProblem[];
    },
  };
}

function startProcess(): SqlProcess {
  return fork(PROCESS, {
    execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** A host that was held up may hear of the end before its own timer: without an answer, the deadline counts all the same. */
function performIn(child: SqlProcess, job: SqlJob, { phase, now }: { phase: string; now: () => number }) {
  const { pluginId, deadlineMs } = job;
  const deadlineAt = now() + deadlineMs;
  return new Promise<unknown>((resolve, reject) => {
    let answer: SqlAnswer | undefined;
    let isKilled = false;
    const timer = setTimeout(() => {
      isKilled = true;
      child.kill('SIGKILL');
    }, deadlineMs);
    const failed = (reason: string, cause?: Error) => {
      clearTimeout(timer);
      reject(new SandpoolError('SBX_INTERNAL', { reason }, { cause }));
    };
    const settle = (how: string) => {
      const isLate = isKilled || now() >= deadlineAt;
      if (answer !== undefined && 'error' in answer) reject(SandpoolError.fromData(answer.error));
      else if (answer !== undefined) resolve(answer.result);
      else if (isLate) reject(new SandpoolError('SBX_SQL_DEADLINE', { pluginId, phase, deadlineMs }));
      else failed(`the SQL process of plugin ${pluginId} ended (${how})`);
    };
    child.once('message', (given: SqlAnswer) => {
      answer = given;
    });
    // The file is free, and the transaction settled, once the process has gone; by then all that it has said is read, too.
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      setImmediate(settle, String(signal ?? code));
    });
    child.on('error', (cause) => {
      // One that has begun also ends.
      if (child.pid === undefined) failed(cause.message, cause);
    });
    child.send(job);
  });
}
